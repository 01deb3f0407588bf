//! Disks that cannot be backed up, and targets that cannot be restored to.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use rustix::io::{FdFlags, fcntl_setfd};

use crate::mount::Mount;
use crate::program::{MIB, World, assert_same, id_of, text};

/// Who may read little.
const NOBODY: u32 = 65_534;

#[test]
fn disk_that_is_no_disk_is_refused_with_a_hint() {
    let world = World::with_repository();
    let good = world.disk("good.img", MIB);
    world.backup("root", &good);
    let check = |path: &str, code: i32| {
        let said = world.fails(&["backup", "--disk", &format!("root={path}")], code);
        assert!(said.starts_with("error: "), "{said}");
    };
    check("/nowhere/disk.img", 3);
    let empty = world.path("empty.img");
    File::create_new(&empty).unwrap();
    check(empty.to_str().unwrap(), 2);
    check(world.path("").to_str().unwrap(), 2);
    check("/dev/null", 2);
    let trap = world.path("trap.img");
    fs::write(&trap, b"QFI\xfb and something").unwrap();
    check(trap.to_str().unwrap(), 2);

    assert_same(&good, &world.restore("latest", "back.img"));
}

#[test]
fn two_disks_of_one_name_and_a_format_without_disk_are_usage_errors() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", MIB);
    let disk = disk.to_str().unwrap();
    world.fails(&["backup", "--disk", disk, "--disk", disk], 2);
    world.fails(&["backup", "--disk", disk, "--format", "other=raw"], 2);
    world.fails(&["backup", "--disk", disk, "--format", "vmdk"], 2);
    world.fails(&["backup", "--disk", disk, "--level", "0"], 2);
    world.fails(&["backup", "--disk", disk, "--parent", "ffffffff"], 3);
    world.fails(&["backup"], 2);
}

// What starts us may hand files on to us and to all that we start, as `flock` does with its lock.
#[test]
fn image_is_backed_up_below_a_starter_that_left_a_file_open() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", MIB);
    world.backup("root", &disk);
    let image = world.path("disk.qcow2");
    world.ok(&["export", "latest", "--format", "qcow2", "-o", image.to_str().unwrap()]);
    let lock = File::create_new(world.path("lock")).unwrap();
    fcntl_setfd(&lock, FdFlags::empty()).unwrap();
    world.backup("root", &image);
}

#[test]
fn odd_sizes_come_back_whole() {
    let world = World::with_repository();
    for size in [1, 511, 513, 65_535, 65_537, MIB + 1] {
        let disk = world.disk(&format!("{size}.img"), size);
        let id = id_of(&world.backup("root", &disk));
        assert_same(&disk, &world.restore(&id, &format!("{size}-back.img")));
    }
}

#[test]
fn shrinking_disk_fails_the_backup() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 512 * MIB);
    let mut backup = world.command(&["backup", "--disk", disk.to_str().unwrap()]).spawn().unwrap();
    until_announced(&world, &mut backup, 1);
    signal(&backup, "STOP");
    OpenOptions::new().write(true).open(&disk).unwrap().set_len(100 * MIB).unwrap();
    signal(&backup, "CONT");
    assert_eq!(backup.wait().unwrap().code(), Some(8));
    assert_eq!(world.json(&["list"])["backups"].as_array().unwrap().len(), 0);
}

#[test]
fn vanishing_disk_fails_the_backup() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 512 * MIB);
    let mut backup = world.command(&["backup", "--disk", disk.to_str().unwrap()]).spawn().unwrap();
    until_announced(&world, &mut backup, 1);
    signal(&backup, "STOP");
    fs::remove_file(&disk).unwrap();
    signal(&backup, "CONT");
    assert_eq!(backup.wait().unwrap().code(), Some(8));
    assert_eq!(world.json(&["list"])["backups"].as_array().unwrap().len(), 0);
}

#[test]
fn disk_that_cannot_be_read_is_refused_with_a_hint() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", MIB);
    for path in [world.path(""), world.repo.clone(), world.key.clone()] {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    give_away(&world.repo);
    fs::set_permissions(&disk, fs::Permissions::from_mode(0o600)).unwrap();
    // A copy, because the program may lie where only its builder may look.
    let program = world.path("program");
    fs::copy(env!("CARGO_BIN_EXE_strongroom"), &program).unwrap();
    let command = world.command(&["backup", "--disk", disk.to_str().unwrap()]);
    let mut command_of_nobody = std::process::Command::new(&program);
    command_of_nobody.args(command.get_args()).uid(NOBODY).gid(NOBODY);
    let output = command_of_nobody.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("ermission denied") && said.contains("hint: "), "{said}");
    // Root reads it, so it was that.
    world.backup("root", &disk);
}

#[test]
fn restore_to_a_file_system_that_is_full_leaves_nothing() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 64 * MIB);
    world.backup("root", &disk);
    let small = world.path("small");
    fs::create_dir(&small).unwrap();
    let _mount = Mount::new(&small, &["-t", "tmpfs", "-o", "size=8m", "strongroom-test"]);
    let said =
        world.fails(&["restore", "latest", "--to", small.join("x.img").to_str().unwrap()], 1);
    assert!(said.contains("o space left"), "{said}");
    assert_eq!(fs::read_dir(&small).unwrap().count(), 0);
    assert_same(&disk, &world.restore("latest", "back.img"));
}

#[test]
fn disk_that_somebody_writes_is_refused_unless_forced() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", MIB);
    let arg = disk.to_str().unwrap();
    // Another process that has the disk open for writing; this one must not keep it open itself.
    let mut writer = {
        let open = OpenOptions::new().append(true).open(&disk).unwrap();
        std::process::Command::new("sleep").arg("60").stdout(open).spawn().unwrap()
    };
    let said = world.fails(&["backup", "--disk", arg], 8);
    assert!(said.contains("sleep"), "{said}");
    world.ok(&["backup", "--disk", arg, "--force-unsafe"]);
    let said = world.fails(&["restore", "latest", "--in-place", arg], 8);
    assert!(said.contains("hint: "), "{said}");
    writer.kill().unwrap();
    writer.wait().unwrap();
    world.ok(&["backup", "--disk", arg]);
}

#[test]
fn restore_refuses_targets_that_do_not_fit() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 4 * MIB);
    world.backup("root", &disk);
    let check = |arguments: &[&str], code: i32| {
        let all: Vec<_> = ["restore", "latest"].iter().chain(arguments).copied().collect();
        let said = world.fails(&all, code);
        assert!(said.contains("hint: "), "{said}");
    };
    let small = world.disk("small.img", MIB);
    let before = fs::read(&small).unwrap();
    let small = small.to_str().unwrap();
    check(&["--in-place", small], 2);
    assert!(fs::read(small).unwrap() == before, "the target was not touched");
    check(&["--to", small], 4);
    check(&["--in-place", "/nowhere/disk.img"], 3);
    check(&["--to", "x.qcow2"], 2);
    check(&["--disk", "other", "--to", world.path("x.img").to_str().unwrap()], 3);
    check(&[], 2);
    world.fails(&["restore", "latest", "--to", "a", "--stdout"], 2);
    assert!(!world.path("x.img").exists());
}

#[test]
fn restore_onto_the_source_of_a_running_backup_is_refused() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 512 * MIB);
    let small = world.disk("small.img", MIB);
    let id = id_of(&world.backup("small", &small));
    let arg = disk.to_str().unwrap();
    let mut backup = world.command(&["backup", "--quiet", "--disk", arg]).spawn().unwrap();
    until_announced(&world, &mut backup, 2);
    // It must not end before the other command has looked, however fast the machine is.
    signal(&backup, "STOP");
    world.fails(&["restore", &id, "--in-place", arg], 8);
    signal(&backup, "CONT");
    assert_eq!(backup.wait().unwrap().code(), Some(0));
    assert_same(&disk, &world.restore("latest", "back.img"));
}

/// Waits until the repository has so many sessions, the last of which is that of `backup`.
fn until_announced(world: &World, backup: &mut std::process::Child, sessions: usize) {
    while fs::read_dir(world.repo.join("session")).map_or(0, Iterator::count) < sessions {
        assert!(backup.try_wait().unwrap().is_none(), "the backup ended before it began");
        std::thread::yield_now();
    }
}

/// Gives a folder and everything in it to [`NOBODY`].
fn give_away(folder: &std::path::Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        std::os::unix::fs::chown(entry.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        if entry.path().is_dir() {
            give_away(&entry.path());
        }
    }
}

fn signal(child: &std::process::Child, name: &str) {
    let id = child.id().to_string();
    let done = std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap();
    assert!(done.success());
}

#[test]
fn restore_leaves_no_file_when_it_fails() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", 4 * MIB);
    world.backup("root", &disk);
    let pack = fs::read_dir(world.repo.join("pack")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    File::create(&pack).unwrap().write_all(&bytes).unwrap();
    let to = world.path("to.img");
    world.fails(&["restore", "latest", "--to", to.to_str().unwrap()], 6);
    assert!(!to.exists());
    let parts = fs::read_dir(world.path("")).unwrap().flatten();
    let parts = parts.filter(|entry| entry.file_name().to_string_lossy().ends_with(".part"));
    assert_eq!(parts.count(), 0);
}
