//! What users do with a repository, in the order in which they do it.

use std::fs;
use std::process::Stdio;

use crate::program::{MIB, World, assert_same, change, id_of, text};

#[test]
fn backup_then_restore_gives_each_state_back() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 64 * MIB + 100);
    let first = world.backup("root", &disk);
    let before = world.path("before.img");
    fs::copy(&disk, &before).unwrap();
    change(&disk, 5 * MIB + 17, b"changed");
    change(&disk, 63 * MIB, b"changed as well");
    let second = world.backup("root", &disk);

    assert_eq!(second["parents"][0], first["id"]);
    assert!(first["new_bytes"].as_u64().unwrap() > 16 * MIB);
    assert_eq!(second["new_bytes"].as_u64().unwrap(), 2 * 65536);
    assert!(second["stored_bytes"].as_u64().unwrap() < MIB);

    assert_same(&before, &world.restore(&id_of(&first), "a.img"));
    assert_same(&disk, &world.restore("latest", "b.img"));
}

#[test]
fn restore_in_place_and_to_stdout_and_to_qcow2_are_the_disk() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 8 * MIB);
    world.backup("root", &disk);

    let target = world.disk("target.img", 9 * MIB);
    world.ok(&["restore", "latest", "--in-place", target.to_str().unwrap()]);
    let restored = fs::read(&target).unwrap();
    assert!(restored[..8 << 20] == fs::read(&disk).unwrap(), "the disk is there");

    let output = world.run(&["restore", "latest", "--stdout"]);
    assert!(output.status.success());
    assert!(output.stdout == fs::read(&disk).unwrap(), "the stream is the disk");
    let output = world.run(&["export", "latest", "--disk", "root"]);
    assert!(output.stdout == fs::read(&disk).unwrap(), "the export is the disk");

    let image = world.path("disk.qcow2");
    world.ok(&["export", "latest", "--format", "qcow2", "-o", image.to_str().unwrap()]);
    let again = world.backup("root", &image);
    assert_eq!(again["new_bytes"], 0, "what qemu-nbd reads from the image is the same disk");
}

#[test]
fn several_disks_are_one_backup() {
    let world = World::with_repository();
    let (a, b) = (world.disk("a.img", 4 * MIB), world.disk("b.img", 6 * MIB));
    let (a_arg, b_arg) = (format!("{}", a.display()), format!("data={}", b.display()));
    world.ok(&["backup", "--disk", &a_arg, "--disk", &b_arg, "--description", "both"]);
    let shown = world.json(&["show", "latest"]);
    assert_eq!(shown["description"], "both");
    assert_eq!(shown["disks"][0]["name"], "a");
    assert_eq!(shown["disks"][1]["name"], "data");

    let said = world.fails(&["restore", "latest", "--to", "x.img"], 2);
    assert!(said.contains("hint: choose with --disk: a, data"), "{said}");
    let (to_a, to_b) = (world.path("to-a.img"), world.path("to-b.img"));
    let (arg_a, arg_b) = (format!("a={}", to_a.display()), format!("data={}", to_b.display()));
    world.ok(&["restore", "latest", "--disk", &arg_a, "--disk", &arg_b]);
    assert_same(&a, &to_a);
    assert_same(&b, &to_b);
}

#[test]
fn diff_tells_the_changed_units() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 8 * MIB);
    let first = id_of(&world.backup("root", &disk));
    change(&disk, 65536, b"x");
    change(&disk, 7 * MIB, b"y");
    world.backup("root", &disk);
    let diff = world.json(&["diff", &first, "latest", "--ranges"]);
    assert_eq!(diff["changed_bytes"], 2 * 65536);
    assert_eq!(diff["disks"][0]["ranges"][0]["start"], 65536);
    assert_eq!(diff["disks"][0]["ranges"][1]["start"], 7 * MIB);
    assert!(world.ok(&["diff", &first, "latest"]).contains("128.0 KiB"));
    world.fails(&["diff", &first, "latest", "--disk", "none"], 3);
}

#[test]
fn delete_hides_and_undelete_brings_back() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 4 * MIB);
    let id = id_of(&world.backup("root", &disk));
    world.fails(&["delete", &id], 2); // nobody is there to answer
    world.ok(&["delete", &id[..10], "--yes"]);
    assert_eq!(world.json(&["list"])["backups"].as_array().unwrap().len(), 0);
    assert_eq!(world.json(&["list", "--deleted"])["backups"][0]["state"], "deleted");
    world.fails(&["restore", &id, "--to", "x.img"], 3);
    world.fails(&["delete", &id, "--yes"], 3);
    world.ok(&["undelete", &id]);
    world.fails(&["undelete", &id], 4);
    assert_same(&disk, &world.restore(&id, "back.img"));
}

#[test]
fn gc_removes_a_deleted_backup_and_nothing_else() {
    let world = World::with_repository();
    let (a, b) = (world.disk("a.img", 4 * MIB), world.disk("b.img", 5 * MIB));
    let gone = id_of(&world.backup("a", &a));
    let kept = id_of(&world.backup("b", &b));
    world.ok(&["delete", &gone, "--yes"]);
    let early = world.json(&["gc"]);
    assert_eq!((&early["packs"], &early["waiting_backups"]), (&0.into(), &1.into()));
    let dry = world.json(&["gc", "--grave-delay", "0", "--dry-run"]);
    assert!(dry["removed_bytes"].as_u64().unwrap() > MIB);
    let hasty = world.json(&["gc", "--grave-delay", "0", "--budget", "0"]);
    assert_eq!((&hasty["packs"], &hasty["left"]["packs"]), (&0.into(), &serde_json::Value::Null));
    assert!(hasty["left"].is_object());
    let done = world.json(&["gc", "--grave-delay", "0"]);
    assert_eq!(
        (&done["removed_bytes"], &done["left"]),
        (&dry["removed_bytes"], &serde_json::Value::Null)
    );
    assert_eq!(done["backups"][0], gone.as_str());
    world.fails(&["undelete", &gone], 3);
    assert_same(&b, &world.restore(&kept, "b-back.img"));
    assert_eq!(world.json(&["verify"])["sound"], true);
}

#[test]
fn hold_forbids_the_deletion() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", MIB);
    let id = id_of(&world.backup("root", &disk));
    world.fails(&["hold", &id, "--until", "2001-01-01"], 2);
    world.ok(&["hold", &id, "--until", "30d", "--kind", "audit"]);
    let said = world.fails(&["delete", &id, "--yes"], 4);
    assert!(said.contains("audit"), "{said}");
    assert_eq!(world.json(&["list"])["backups"][0]["state"], "held");
}

#[test]
fn stat_adds_up() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 4 * MIB);
    world.backup("root", &disk);
    let stat = world.json(&["stat"]);
    let number = |name: &str| stat[name].as_u64().unwrap();
    let sum = number("used_bytes") + number("reclaimable_bytes") + number("overhead_bytes");
    assert_eq!(sum, number("stored_bytes"));
    assert_eq!(number("disk_bytes"), 4 * MIB);
}

#[test]
fn export_into_a_closed_pipe_fails_and_does_not_hang() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 8 * MIB);
    world.backup("root", &disk);
    let mut export = world.command(&["export", "latest"]);
    let mut export = export.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(export.stdout.take());
    let output = export.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}

#[test]
fn interrupted_backup_is_invisible_and_ends_with_130() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 256 * MIB);
    let backup = world.command(&["backup", "--disk", disk.to_str().unwrap()]).spawn();
    let mut backup = backup.unwrap();
    // The session is announced before the first byte is read, and reading takes a while.
    while fs::read_dir(world.repo.join("session")).map_or(0, Iterator::count) == 0 {
        assert!(backup.try_wait().unwrap().is_none(), "the backup ended before it began");
        std::thread::yield_now();
    }
    let sent = std::process::Command::new("kill")
        .args(["-INT", &backup.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    assert_eq!(backup.wait().unwrap().code(), Some(130));
    assert_eq!(world.json(&["list"])["backups"].as_array().unwrap().len(), 0);
}

#[test]
fn gc_removes_old_temporary_files_and_no_young_ones() {
    let world = World::with_repository();
    let folder = world.repo.join(".tmp");
    std::fs::create_dir_all(&folder).unwrap();
    let days = |n: u64| std::time::Duration::from_hours(24 * n);
    let now = std::time::SystemTime::now();
    for (name, age) in [("old", days(8)), ("young", days(6))] {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        file.set_modified(now - age).unwrap();
    }
    assert_eq!(world.json(&["gc", "--dry-run"])["temporary_files"], 0);
    assert_eq!(world.json(&["gc"])["temporary_files"], 1);
    assert!(folder.join("young").exists() && !folder.join("old").exists());
}
