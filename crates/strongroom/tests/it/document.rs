//! What programs read: the JSON documents and the exit codes.

use serde_json::Value;

use crate::program::{MIB, World, strongroom, text};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn documents_have_their_keys() {
    let world = World::new();
    let check = |arguments: &[&str], expected: &[&str]| {
        assert_eq!(keys(&world.json(arguments)), expected, "{arguments:?}");
    };
    check(&["init"], &["at", "key_created", "key_file", "repository"]);
    let disk = world.disk("disk.img", MIB);
    let backup = [
        "created",
        "disks",
        "duration_ms",
        "id",
        "new_bytes",
        "parents",
        "rate_bytes_per_s",
        "ratio",
        "read_bytes",
        "repository",
        "requests",
        "size_bytes",
        "stored_bytes",
    ];
    check(&["backup", "--disk", disk.to_str().unwrap()], &backup);
    let shown = [
        "created",
        "deleted",
        "description",
        "disks",
        "duration_ms",
        "held_until",
        "id",
        "new_bytes",
        "parents",
        "read_bytes",
        "size_bytes",
        "state",
        "stored_bytes",
    ];
    check(&["show", "latest"], &shown);
    check(&["list"], &["backups", "damaged", "repository"]);
    let restored = world.path("to.img");
    check(
        &["restore", "latest", "--to", restored.to_str().unwrap()],
        &["disks", "duration_ms", "id", "rate_bytes_per_s", "requests", "size_bytes"],
    );
    check(
        &["verify"],
        &[
            "affected",
            "backups",
            "damaged",
            "duration_ms",
            "level",
            "missing",
            "packs",
            "read_bytes",
            "repository",
            "requests",
            "sound",
        ],
    );
    check(
        &["gc"],
        &[
            "backups",
            "dry_run",
            "given_up_sessions",
            "left",
            "moved_bytes",
            "packs",
            "removed_bytes",
            "requests",
            "temporary_files",
            "waiting_backups",
        ],
    );
    check(
        &["stat"],
        &[
            "backups",
            "deleted_backups",
            "disk_bytes",
            "objects",
            "overhead_bytes",
            "reclaimable_bytes",
            "repository",
            "stored_bytes",
            "units",
            "used_bytes",
        ],
    );
    check(&["diff", "latest", "latest"], &["after", "before", "changed_bytes", "disks"]);
    check(&["hold", "latest", "--until", "1"], &["id", "kind", "until"]);
    check(&["key", "list"], &["slots"]);
    let shown = world.json(&["show", "latest"]);
    assert_eq!(keys(&shown["disks"][0]), ["name", "root", "size_bytes"]);
    let created = shown["created"].as_str().unwrap();
    assert_eq!((created.len(), &created[10..11], &created[19..]), (20, "T", "Z"));
}

#[test]
fn errors_are_documents_with_the_same_code() {
    let world = World::with_repository();
    let output = world.run(&["show", "latest", "--output", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["error"]["kind"], "not_found");
    assert!(document["error"]["hints"][0].as_str().unwrap().contains("backup --disk"));

    // Where standard output carries the disk, it carries nothing else.
    let output = world.run(&["restore", "latest", "--stdout", "--output", "json"]);
    assert!(output.stdout.is_empty());
    let document: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(document["error"]["kind"], "not_found");

    let output = strongroom().args(["repo", "list", "--no-such", "--output", "json"]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["error"]["kind"], "usage");
}

#[test]
fn every_command_has_examples() {
    let verbs = [
        "init", "backup", "list", "show", "restore", "export", "diff", "delete", "undelete",
        "hold", "gc", "verify", "stat", "key",
    ];
    for verb in verbs {
        let output = strongroom().args(["repo", verb, "--help"]).output().unwrap();
        assert!(output.status.success());
        assert!(text(&output.stdout).contains("Examples:\n"), "{verb}");
    }
}

#[test]
fn list_fits_80_columns() {
    let world = World::with_repository();
    let disk = world.disk("a-disk-with-a-very-long-name.img", 64 * MIB);
    let other = world.disk("other.img", MIB);
    let (disk, other) = (disk.to_str().unwrap(), other.to_str().unwrap());
    world.ok(&["backup", "--disk", disk, "--disk", other]);
    for line in world.ok(&["list"]).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
