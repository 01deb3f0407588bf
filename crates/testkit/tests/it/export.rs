//! Downloads over a real connection: whole, in parts, and what is said where there is nothing.

use strongroom_testkit::{Answer, Ask};

use crate::world::World;

/// An image of the world's disk: header, counts and their table, L1, one L2 table, and the MiB at
/// the begin of the disk.
const IMAGE: usize = (5 + 16) << 16;

fn export(world: &World, format: &str, headers: &[(&str, &str)]) -> Answer {
    ask(world, "GET", format, headers)
}

fn ask(world: &World, method: &str, format: &str, headers: &[(&str, &str)]) -> Answer {
    let (home, backup) = (&world.home, &world.things.backup);
    let at = format!("/strongroom/v1/{home}/backups/{backup}/export?format={format}");
    let ask = Ask::new(method, &at).token(&world.admin);
    let ask = headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
    world.server.ask(&ask).unwrap()
}

#[test]
fn parts_of_a_download_join_to_the_whole() {
    let world = World::new();
    let whole = export(&world, "qcow2", &[]);
    assert_eq!((whole.status, whole.body.len()), (200, IMAGE), "{:?}", whole.headers);
    assert_eq!(whole.header("content-length"), IMAGE.to_string());
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("content-type"), "application/octet-stream");
    let tag = whole.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    let mut joined = Vec::new();
    for (start, end) in [(0, 1), (1, 70_000), (70_000, 327_680), (327_680, IMAGE)] {
        let range = format!("bytes={start}-{}", end - 1);
        let part = export(&world, "qcow2", &[("range", &range), ("if-range", &tag)]);
        assert_eq!(part.status, 206);
        let expected = format!("bytes {start}-{}/{IMAGE}", end - 1);
        assert_eq!((part.header("content-range"), part.header("etag")), (&*expected, &*tag));
        joined.extend(part.body);
    }
    assert!(joined == whole.body, "the parts are the whole");
    // Of another content nothing may be joined: all of it comes.
    let other = export(&world, "qcow2", &[("range", "bytes=5-"), ("if-range", "\"other\"")]);
    assert_eq!((other.status, other.body.len()), (200, IMAGE));
    world.server.settle().unwrap();
}

#[test]
fn raw_disk_is_told_by_head_and_read_at_its_ends() {
    let world = World::new();
    let size = 1_u64 << 30;
    let head = ask(&world, "HEAD", "raw", &[("range", "bytes=5-9")]);
    assert_eq!((head.status, head.header("content-length")), (200, &*size.to_string()));
    assert!(head.body.is_empty());
    let part = export(&world, "raw", &[("range", "bytes=1048570-1048581")]);
    assert_eq!((part.status, part.header("etag")), (206, head.header("etag")));
    assert_eq!(part.body, [[0x5a; 6], [0; 6]].concat());
    let last = export(&world, "raw", &[("range", "bytes=-3")]);
    assert_eq!(last.header("content-range"), format!("bytes {}-{}/{size}", size - 3, size - 1));
    assert_eq!(last.body, [0; 3]);
    let none = export(&world, "raw", &[("range", &format!("bytes={size}-"))]);
    assert_eq!((none.status, none.header("content-range")), (416, &*format!("bytes */{size}")));
    assert_eq!(none.code(), "BackupService.9900");
    world.server.settle().unwrap();
}

#[test]
fn format_must_be_one_that_is_known() {
    let world = World::new();
    for format in ["", "vmdk", "RAW"] {
        let answer = export(&world, format, &[]);
        assert_eq!((answer.status, answer.code().as_str()), (400, "BackupService.9900"));
    }
}
