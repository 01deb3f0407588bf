"""schemathesis: requests made from the descriptions in openapi/, well-formed and not.

No answer may be a 5xx, and what comes back must be as described. How a client that behaves is
answered is the business of the other flows.
"""

import pathlib
import subprocess
import sys

from ground import PROJECT, URL, say, token

# Where each service is mounted; all together take this many seconds.
MOUNTS = {
    "cbr": "",
    "strongroom": "",
    "evs": "/evs",
    "ecs": "/ecs",
    "iam": "/iam",
    "ims": "/ims",
}
SECONDS = 60
CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance"

documents, work = map(pathlib.Path, sys.argv[1:])
config = work / "schemathesis.toml"
config.write_text(f'[parameters]\n"path.project_id" = "{PROJECT}"\n')
failed = []
for name, mount in MOUNTS.items():
    command = ["schemathesis", "--config-file", config, "run", documents / f"{name}.json"]
    command += ["--url", URL + mount, "--header", f"X-Auth-Token: {token()}"]
    command += ["--checks", CHECKS, "--phases", "coverage,fuzzing", "--warnings", "off"]
    command += ["--max-time", str(SECONDS // len(MOUNTS)), "--max-examples", "30", "--seed", "7"]
    say(f"schemathesis {name}")
    if subprocess.run(command, cwd=work).returncode != 0:
        failed.append(name)
sys.exit(f"error: see above: {' '.join(failed)}" if failed else 0)
