"""What every flow needs: disks with content, and a way to make them known.

The server's address and credentials stand in the environment (OS_*, STRONGROOM_URL); the folder of
disks is STRONGROOM_DISKS.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

URL = os.environ["STRONGROOM_URL"]
DISKS = pathlib.Path(os.environ["STRONGROOM_DISKS"])
PROJECT = os.environ["OS_PROJECT_ID"]
PATIENCE = 120


def say(text):
    print(f"   {text}", flush=True)


def fail(text):
    sys.exit(f"error: {text}")


def expect(is_true, text):
    if not is_true:
        fail(text)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def make_disk(name, size="64M", pattern="0x11"):
    """A qcow2 image with data at its begin, in its middle and at its end."""
    path = DISKS / f"{name}.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", path, size)
    write(path, pattern, "0", "4M")
    write(path, pattern, "30M", "1M")
    write(path, pattern, "63M", "1M")
    return path


def write(path, pattern, offset, length):
    run("qemu-io", "-f", "qcow2", "-c", f"write -q -P {pattern} {offset} {length}", path)


def destroy(path):
    """Overwrites what was there and writes where nothing was."""
    write(path, "0xee", "1M", "8M")
    write(path, "0xee", "62M", "2M")


def digest(path):
    """The hash of what a guest reads from the disk."""
    raw = path.with_suffix(".raw")
    run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, raw)
    found = hashlib.sha256(raw.read_bytes()).hexdigest()
    raw.unlink()
    return found


def ask(method, path, body=None, token=None):
    """One request; the answer's headers and JSON."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["X-Auth-Token"] = token
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
        return answer.headers, json.loads(text) if text else None


def token():
    domain = {"name": os.environ["OS_USER_DOMAIN_NAME"]}
    user = {"name": os.environ["OS_USERNAME"], "password": os.environ["OS_PASSWORD"], "domain": domain}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"id": PROJECT}},
        }
    }
    headers, _ = ask("POST", "/iam/v3/auth/tokens", body)
    return headers["X-Subject-Token"]


def adopt(resource):
    """Makes a disk or server known; the answer has the ids."""
    path = f"/strongroom/v1/{PROJECT}/resources"
    _, answer = ask("POST", path, {"resource": resource}, token())
    return answer["resource"]


def adopt_disk(name):
    path = make_disk(name)
    found = adopt({"type": "disk", "name": name, "path": str(path)})
    say(f"disk {name} is {found['id']}")
    return path, found["id"]


def adopt_server(name):
    """A stopped server of two disks."""
    paths = [make_disk(f"{name}-{number}", pattern=f"0x{number + 1}{number}") for number in (1, 2)]
    disks = [{"path": str(path)} for path in paths]
    found = adopt({"type": "server", "name": name, "disks": disks})
    say(f"server {name} is {found['id']} with {len(paths)} disks")
    return paths, found["id"], [disk["id"] for disk in found["disks"]]


def wait_for(what, look):
    """Asks until the answer is true; the answer."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.3)
    fail(f"waited {PATIENCE} s in vain: {what}")
