//! New images, looked at with QEMU's own eyes.

use std::fs;
use std::path::Path;

use strongroom_base::ByteRange;
use strongroom_source::qcow2::{CLUSTER, ClusterSet, Image};

use crate::machine::{folder, pattern, run, s};

/// A disk of which only these parts hold anything.
struct Disk {
    size: u64,
    parts: Vec<(u64, Vec<u8>)>,
}

impl Disk {
    fn image(&self) -> Image {
        let mut data = ClusterSet::default();
        for (at, bytes) in &self.parts {
            data.insert(ByteRange::at(*at, bytes.len() as u64));
        }
        Image::new(self.size, data).unwrap()
    }

    /// Writes it as a raw disk with holes.
    fn put(&self, path: &Path) {
        let file = fs::File::create(path).unwrap();
        file.set_len(self.size).unwrap();
        for (at, bytes) in &self.parts {
            std::os::unix::fs::FileExt::write_all_at(&file, bytes, *at).unwrap();
        }
    }

    /// The bytes of a data cluster, as long as it is.
    fn cluster(&self, at: u64) -> Vec<u8> {
        let len = usize::try_from(CLUSTER.min(self.size - at)).unwrap();
        let mut cluster = vec![0; len];
        for (start, bytes) in &self.parts {
            let part = ByteRange::at(*start, bytes.len() as u64);
            if let Some(both) = part.intersect(ByteRange::at(at, len as u64)) {
                let inside = |from: u64| {
                    let len = usize::try_from(both.len()).unwrap();
                    let first = usize::try_from(both.start - from).unwrap();
                    first..first + len
                };
                cluster[inside(at)].copy_from_slice(&bytes[inside(*start)]);
            }
        }
        cluster
    }

    /// The bytes `range` of the image, as a download puts them together.
    fn read(&self, image: &Image, range: ByteRange) -> Vec<u8> {
        let plan = image.plan(range);
        let mut file: Vec<u8> = image.metadata(plan.metadata).flatten().collect();
        let mut clusters: Vec<u64> = self
            .parts
            .iter()
            .flat_map(|(at, bytes)| at / CLUSTER..(at + bytes.len() as u64).div_ceil(CLUSTER))
            .collect();
        clusters.dedup();
        for at in clusters.iter().map(|cluster| cluster * CLUSTER) {
            let bytes = self.cluster(at);
            if let Some(wanted) = ByteRange::at(at, bytes.len() as u64).intersect(plan.data) {
                let inside = |offset: u64| usize::try_from(offset - at).unwrap();
                file.extend(&bytes[inside(wanted.start)..inside(wanted.end)]);
            }
        }
        file.resize(file.len() + usize::try_from(plan.padding).unwrap(), 0);
        file
    }

    /// Makes the image, lets QEMU judge it, and reads it again in ranges of many lengths.
    fn check(&self) {
        let dir = folder();
        let (raw, made) = (dir.path().join("disk.raw"), dir.path().join("disk.qcow2"));
        self.put(&raw);
        let image = self.image();
        let len = image.file_len();
        let file = self.read(&image, ByteRange { start: 0, end: len });
        assert_eq!(file.len() as u64, len);
        #[expect(clippy::disallowed_methods, reason = "a file of a test need not be durable")]
        fs::write(&made, &file).unwrap();
        let checked = run("qemu-img", ["check", "--output=json", "-f", "qcow2", s(&made)]);
        for trouble in ["leaks", "corruptions", "check-errors\": 1"] {
            assert!(!checked.contains(trouble), "{checked}");
        }
        let info = run("qemu-img", ["info", "--output=json", "-f", "qcow2", s(&made)]);
        let size = format!("\"virtual-size\": {},", self.size.next_multiple_of(512));
        assert!(info.contains(&size), "{info}");
        // Not strictly: what a raw disk says of its holes is not what an image says of them.
        run("qemu-img", ["compare", "-f", "raw", "-F", "qcow2", s(&raw), s(&made)]);
        for step in [512, 70_001, 3 * CLUSTER - 1] {
            let mut joined = Vec::new();
            // All of it is too much for small steps.
            let end = len.min(step * 300);
            while (joined.len() as u64) < end {
                let start = joined.len() as u64;
                joined.extend(self.read(&image, ByteRange::at(start, step)));
            }
            assert!(joined[..] == file[..joined.len()], "in steps of {step}");
        }
        let tail = ByteRange { start: len.saturating_sub(100_000), end: len + 5 };
        assert!(file.ends_with(&self.read(&image, tail)));
    }
}

// proves: SRC-6
#[test]
fn empty_disk_is_a_sound_image() {
    for size in [1, 512, 65_536, 10 << 20, 3 << 30] {
        Disk { size, parts: vec![] }.check();
    }
}

// proves: SRC-6
#[test]
fn full_disk_of_any_size_is_a_sound_image() {
    for size in [1, 700, 65_536, 65_537, 5_000_001] {
        Disk { size, parts: vec![(0, pattern(usize::try_from(size).unwrap(), 1))] }.check();
    }
}

// proves: SRC-6
#[test]
fn sparse_disk_with_several_tables_is_a_sound_image() {
    let mib = 1 << 20;
    let size = 3000 * mib + 12_345;
    let parts = vec![
        (0, pattern(100, 1)),
        (5 * mib, pattern(200_000, 2)),
        (511 * mib, pattern(2 << 20, 3)),
        (1024 * mib + 65_535, pattern(2, 4)),
        (size - 1, vec![7]),
    ];
    Disk { size, parts }.check();
}
