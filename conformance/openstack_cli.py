"""`openstack cbr ...` (otcextensions): a disk and a stopped server, from the vault to its end."""

import json

from ground import adopt_disk, adopt_server, destroy, digest, expect, run, say, wait_for


def openstack(*words):
    say("openstack " + " ".join(words))
    return run("openstack", *words)


def show(*words):
    """What a command prints, with its column names in lower case: some are `ID`, some `id`."""
    lower = lambda row: {name.lower(): value for name, value in row.items()}
    found = json.loads(openstack(*words, "-f", "json"))
    return [lower(row) for row in found] if isinstance(found, list) else lower(found)


def make_vault(name, kind, resource, resource_type):
    words = ["--consistent-level", "crash_consistent", "--object-type", kind, "--size", "100"]
    vault = show("cbr", "vault", "create", *words, name)
    expect(vault["name"] == name, vault)
    chosen = f"id={resource},type={resource_type},name={name}"
    openstack("cbr", "vault", "associate", vault["id"], "--resource", chosen)
    expect(show("cbr", "vault", "show", name)["id"] == vault["id"], "the vault is found by name")
    return vault["id"]


def protect(vault, name):
    """A checkpoint, awaited; its one backup."""
    made = show("cbr", "checkpoint", "create", "--vault-id", vault, "--backup-name", name)

    def is_done():
        status = show("cbr", "checkpoint", "show", made["id"])["status"]
        expect(status in ("protecting", "available"), f"checkpoint {status}")
        return status == "available"

    wait_for("the checkpoint", is_done)
    backups = show("cbr", "backup", "list", "--vault-id", vault)
    expect([backup["name"] for backup in backups] == [name], backups)
    return backups[0]["id"]


def restore(backup, *words):
    openstack("cbr", "backup", "restore", backup, *words)
    is_done = lambda: show("cbr", "backup", "show", backup)["status"] == "available"
    wait_for("the restore", is_done)


def clean_up(vault, backup):
    openstack("cbr", "backup", "delete", backup)
    wait_for("the backup's end", lambda: not show("cbr", "backup", "list", "--vault-id", vault))
    openstack("cbr", "vault", "delete", vault)
    is_gone = lambda: vault not in [found["id"] for found in show("cbr", "vault", "list")]
    wait_for("the vault's end", is_gone)


def disk():
    path, disk_id = adopt_disk("cli-disk")
    before = digest(path)
    vault = make_vault("cli-disks", "disk", disk_id, "OS::Cinder::Volume")
    backup = protect(vault, "cli-disk-backup")
    destroy(path)
    expect(digest(path) != before, "the disk is changed")
    restore(backup, "--volume-id", disk_id)
    expect(digest(path) == before, "the disk is what it was")
    say(f"restored {before}")
    clean_up(vault, backup)


def server():
    paths, server_id, disk_ids = adopt_server("cli-server")
    before = [digest(path) for path in paths]
    vault = make_vault("cli-servers", "server", server_id, "OS::Nova::Server")
    backup = protect(vault, "cli-server-backup")
    children = show("cbr", "backup", "list", "--parent-id", backup)
    shown = [show("cbr", "backup", "show", child["id"]) for child in children]
    child_of = {child["resource_id"]: child["id"] for child in shown}
    expect(set(child_of) == set(disk_ids), child_of)
    for path in paths:
        destroy(path)
    words = []
    for disk_id in disk_ids:
        words += ["--mappings", f"volume_id={disk_id} backup_id={child_of[disk_id]}"]
    restore(backup, "--server-id", server_id, *words)
    expect([digest(path) for path in paths] == before, "the disks are what they were")
    say(f"restored {before}")
    clean_up(vault, backup)


disk()
server()
tasks = show("cbr", "task", "list")
kinds = {task["operation_type"] for task in tasks}
expect({"backup", "restore", "delete", "vault_delete"} >= kinds >= {"backup", "restore"}, kinds)
for task in tasks[:2]:
    shown = show("cbr", "task", "show", task["id"])
    expect(shown["error_code"] == "" and shown["ended_at"], shown)
print("openstack cbr: all done", flush=True)
