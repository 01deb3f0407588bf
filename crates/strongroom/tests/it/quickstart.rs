//! `strongroom quickstart` on a disk of the user.

use std::fs;

use crate::program::{MIB, World, strongroom, text};

#[test]
fn quickstart_proves_itself_and_leaves_nothing() {
    let world = World::new();
    let disk = world.disk("disk.img", 64 * MIB);
    let before = fs::read(&disk).unwrap();
    let place = world.path("place");
    let output =
        strongroom().arg("quickstart").arg("--disk").arg(&disk).arg("--dir").arg(&place).output();
    let output = output.unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.to_lowercase().contains("sha-256") && said.contains("identical"), "{said}");
    assert!(fs::read(&disk).unwrap() == before, "the user's disk is only read");
    assert!(!place.exists());
}

#[test]
fn quickstart_without_the_disk_it_is_told_fails() {
    let world = World::new();
    let mut command = strongroom();
    command.args(["quickstart", "--disk", "/nowhere/disk.img", "--dir"]).arg(world.path("place"));
    assert_eq!(command.output().unwrap().status.code(), Some(3));
}
