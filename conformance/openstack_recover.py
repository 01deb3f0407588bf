"""The machine of the service is lost between `before` and `after`; `openstack cbr` sees no difference."""

import json
import os
import pathlib
import sys
import time

from ground import adopt_disk, destroy, digest, expect, say
from openstack_cbr import clean_up, make_vault, openstack, protect, restore, show

# Beside the disks: what the first part hands on to the second.
NOTES = pathlib.Path(os.environ["STRONGROOM_DISKS"]).parent / "recover.json"


def seen():
    """What a user sees of it all."""
    vaults = show("cbr", "vault", "list")
    backups = show("cbr", "backup", "list")
    return {
        "vaults": vaults,
        "shown vaults": [show("cbr", "vault", "show", vault["id"]) for vault in vaults],
        "backups": backups,
        "shown backups": [show("cbr", "backup", "show", backup["id"]) for backup in backups],
        "tasks": show("cbr", "task", "list"),
    }


def settled():
    """What is seen once the repairs have counted what the vault really uses."""
    found = seen()
    while True:
        time.sleep(16)
        was, found = found, seen()
        if was == found:
            return found


def before():
    path, disk_id = adopt_disk("kept-disk")
    vault = make_vault("kept", "disk", disk_id, "OS::Cinder::Volume")
    backup = protect(vault, "kept-backup")
    notes = {
        "path": str(path),
        "disk": disk_id,
        "vault": vault,
        "backup": backup,
        "digest": digest(path),
        "seen": settled(),
    }
    NOTES.write_text(json.dumps(notes))


def after():
    notes = json.loads(NOTES.read_text())
    now = seen()
    for what, was in notes["seen"].items():
        expect(now[what] == was, f"{what}: {now[what]} instead of {was}")
    say("everything is listed as before")
    path = pathlib.Path(notes["path"])
    destroy(path)
    restore(notes["backup"], "--volume-id", notes["disk"])
    expect(digest(path) == notes["digest"], "the disk is what it was")
    say(f"restored {notes['digest']}")
    clean_up(notes["vault"], notes["backup"])


{"before": before, "after": after}[sys.argv[1]]()
print(f"openstack cbr, {sys.argv[1]} the loss: all done", flush=True)
