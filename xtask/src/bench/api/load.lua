-- Sends the requests of a file in turn, and prints what came of it as one line of JSON.
-- wrk -s load.lua URL -- REQUESTS [TOKENS]
-- Each line of REQUESTS is a method, a path, a token and a body, of which a dash stands for none.
-- The tokens that are issued are written to TOKENS, each with its project.
local requests, count, turn = {}, 0, 0

function init(args)
    for line in io.lines(args[1]) do
        local method, path, token, body = line:match("^(%S+) (%S+) (%S+) (.+)$")
        local headers = {["X-Auth-Token"] = token}
        if token == "-" then headers["X-Auth-Token"] = nil end
        if body == "-" then
            body = nil
        else
            headers["Content-Type"] = "application/json"
        end
        count = count + 1
        requests[count] = wrk.format(method, path, headers, body)
    end
    if args[2] then
        local file = io.open(args[2], "a")
        function response(status, headers, body)
            local project = body:match('"project":{"domain":{[^}]*},"id":"(%x+)"')
            local token = headers["x-subject-token"] or headers["X-Subject-Token"]
            if project and token then
                file:write(project, " ", token, "\n")
                file:flush()
            end
        end
    end
end

function request()
    turn = turn % count + 1
    return requests[turn]
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        'FIGURES {"requests": %d, "seconds": %.6f, "bytes": %d, "refused": %d, "broken": %d, ' ..
        '"p50_ms": %.3f, "p99_ms": %.3f, "longest_ms": %.3f}\n',
        summary.requests, summary.duration / 1e6, summary.bytes, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
