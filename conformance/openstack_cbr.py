"""What the flows of `openstack cbr` (otcextensions) have in common."""

import json

from ground import expect, run, say, wait_for


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
