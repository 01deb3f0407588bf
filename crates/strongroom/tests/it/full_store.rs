//! Stores that run full or cannot be written: these tests mount file systems and need root.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use strongroom_base::clock::system_instant;

use crate::mount::Mount;
use crate::program::{MIB, World, assert_same, text};

/// Writes a file until the file system has no room.
fn fill(at: &Path) {
    let mut file = fs::File::create(at).unwrap();
    for chunk in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![0; chunk]).is_ok() {}
    }
}

#[test]
fn full_store_ends_the_backup_within_a_minute() {
    let world = World::new();
    fs::create_dir(&world.repo).unwrap();
    let _mount = Mount::new(&world.repo, &["-t", "tmpfs", "-o", "size=24m", "strongroom-test"]);
    world.ok(&["init"]);
    let small = world.disk("small.img", 4 * MIB);
    world.backup("small", &small);

    let large = world.disk("large.img", 256 * MIB);
    let began = system_instant();
    let said = world.fails(&["backup", "--disk", large.to_str().unwrap()], 9);
    assert!(began.elapsed().as_secs() < 60);
    assert!(said.contains("full") && said.contains("hint: make room"), "{said}");

    // Not a byte is free now: what was there before comes back all the same.
    fill(&world.repo.join("pack").join("filler"));
    assert_same(&small, &world.restore("latest", "back.img"));
    fs::remove_file(world.repo.join("pack").join("filler")).unwrap();
    // What the failed backup left behind goes, and then there is room again.
    world.ok(&["gc", "--grave-delay", "0", "--dead-after", "0"]);
    let other = world.disk("other.img", 5 * MIB);
    world.backup("other", &other);
    assert_same(&other, &world.restore("latest", "other-back.img"));
}

#[test]
fn read_only_store_ends_every_command_that_writes() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 4 * MIB);
    world.backup("root", &disk);
    let began = system_instant();
    {
        let repo = world.repo.to_str().unwrap();
        let bind = Mount::new(&world.repo, &["--bind", repo]);
        let remounted = Command::new("mount").args(["-o", "remount,ro,bind", repo]).status();
        assert!(remounted.unwrap().success());
        let said = world.fails(&["backup", "--disk", disk.to_str().unwrap()], 9);
        assert!(said.contains("read-only"), "{said}");
        world.fails(&["delete", "latest", "--yes"], 9);
        world.fails(&["gc"], 9);
        // Who only reads reads on, and is told what that means.
        let to = world.path("back.img");
        let output = world.run(&["restore", "latest", "--to", to.to_str().unwrap()]);
        let said = text(&output.stderr);
        assert!(output.status.success() && said.contains("unseen by others"), "{said}");
        assert_same(&disk, &to);
        for reading in [&["list"][..], &["show", "latest"], &["stat"], &["verify"]] {
            world.ok(reading);
        }
        drop(bind);
    }
    assert!(began.elapsed().as_secs() < 60);
    assert_eq!(world.json(&["list"])["backups"].as_array().unwrap().len(), 1);
}
