"""`openstack cbr ...` (otcextensions): a disk and a stopped server, from the vault to its end."""

from ground import adopt_disk, adopt_server, destroy, digest, expect, say
from openstack_cbr import clean_up, make_vault, protect, restore, show


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
