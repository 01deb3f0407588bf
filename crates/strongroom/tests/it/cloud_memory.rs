//! The real server keeps to its memory ceiling (docs/operations.md): proven by the kernel, which
//! kills what takes more than its control group may have. Needs root.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::installation::{Installation, is_same_image, make_empty_image, make_image};
use crate::program::MIB;

/// The server, its image readers, and the file system's cache as far as it cannot be taken back,
/// while a backup and a restore run at once.
const CEILING: u64 = 640 * MIB;
/// Below this the group would not count the server at all.
const LEAST: u64 = 64 * MIB;
const DISK: u64 = 2048 * MIB;
const DATA: u64 = 256 * MIB;
const PATIENCE: Duration = Duration::from_mins(2);

/// A memory control group that goes with the test.
struct Group {
    folder: PathBuf,
    peak: &'static str,
}

impl Group {
    fn new() -> Self {
        let name = format!("strongroom-serve-{}", std::process::id());
        let one = Path::new("/sys/fs/cgroup/memory");
        let (folder, limit, peak) = if one.exists() {
            (one.join(name), "memory.limit_in_bytes", "memory.max_usage_in_bytes")
        } else {
            (Path::new("/sys/fs/cgroup").join(name), "memory.max", "memory.peak")
        };
        fs::create_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let group = Self { folder, peak };
        group.set(limit, &CEILING.to_string()).unwrap();
        // Swapped memory is memory all the same, where the kernel counts it.
        drop(group.set("memory.memsw.limit_in_bytes", &CEILING.to_string()));
        drop(group.set("memory.swap.max", "0"));
        group
    }

    fn set(&self, file: &str, value: &str) -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).open(self.folder.join(file))?;
        file.write_all(value.as_bytes())
    }

    /// The most that was ever held; none where the kernel does not say.
    fn peak(&self) -> Option<u64> {
        fs::read_to_string(self.folder.join(self.peak)).ok()?.trim().parse().ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Its last process may still be on its way out.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

// proves: CTL-32
#[test]
fn server_keeps_to_its_memory_ceiling() {
    let group = Group::new();
    let mut world = Installation::new(&[]);
    world.setup.group = Some(group.folder.clone());
    let image = |name: &str| world.setup.disks.join(format!("{name}.qcow2"));
    make_image(&image("one"), DISK, DATA, 6);
    make_image(&image("two"), DISK, DATA, 7);
    let before = world.setup.scratch.join("before.qcow2");
    fs::copy(image("one"), &before).unwrap();
    let (server, client) = world.setup.start_first();
    let one = client.adopt("one", &image("one"));
    let two = client.adopt("two", &image("two"));
    let first = client.make_vault("first", &[&one]);
    let second = client.make_vault("second", &[&two]);
    let backup = client.back_up(&first);
    fs::remove_file(image("one")).unwrap();
    make_empty_image(&image("one"), DISK);
    // At once: a restore of one disk, and a backup of another.
    client.send(&client.restore_of(&backup, &one));
    client.send(&client.backup_of(&second));
    client.settle(PATIENCE);
    for task in client.tasks() {
        assert_eq!(task["status"], "success", "{task}");
    }
    assert!(is_same_image(&before, &image("one")));
    let peak = group.peak();
    println!("peak {:?} MiB of {} MiB", peak.map(|peak| peak / MIB), CEILING / MIB);
    assert!(peak.is_none_or(|peak| peak > LEAST), "the group does not hold the server");
    server.stop();
}
