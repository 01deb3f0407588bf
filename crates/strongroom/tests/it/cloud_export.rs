//! Downloads that break.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::cloud_server::{Answer, CloudWorld, Seen, id};
use crate::program::text;

fn content(seed: u8, len: usize) -> Vec<u8> {
    // The middle is zeros, as disks are.
    let is_zero = |n| (len / 3..len / 2).contains(&n);
    let pattern = (0..=250_u8).cycle().enumerate().take(len);
    pattern.map(|(n, byte)| if is_zero(n) { 0 } else { byte ^ seed }).collect()
}

fn backup() -> Value {
    json!({"id": id(4), "name": "nightly", "resource_id": id(40), "resource_name": "root",
           "children": []})
}

/// The disk as the service has it.
struct Disk {
    bytes: Vec<u8>,
    etag: String,
    /// After so many bytes each of the next connections breaks.
    cuts: Vec<usize>,
}

/// Answers as a service that knows ranges.
fn serve(disk: &Arc<Mutex<Disk>>) -> impl FnMut(&Seen) -> Answer + Send + 'static {
    let disk = Arc::clone(disk);
    move |seen| {
        if seen.route == "GET backups" {
            return Answer::json(200, &json!({"backups": [backup()]}));
        }
        assert_eq!(seen.route, format!("GET +backups/{}/export", id(4)));
        let mut disk = disk.lock().unwrap();
        let start = seen.header("range").map(|range| {
            range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap()
        });
        let total = disk.bytes.len();
        let answer = match start.filter(|_| seen.header("if-range") == Some(&disk.etag)) {
            Some(start) if start < total => Answer::bytes(206, &disk.bytes[start..])
                .header(format!("content-range: bytes {start}-{}/{total}", total - 1)),
            Some(_) => Answer::error(416, "APIGW.0416", "There is no such range."),
            None => Answer::bytes(200, &disk.bytes),
        };
        let answer = answer.header(format!("etag: {}", disk.etag));
        if disk.cuts.is_empty() { answer } else { answer.cut(disk.cuts.remove(0)) }
    }
}

fn disk(len: usize, cuts: &[usize]) -> Arc<Mutex<Disk>> {
    let disk = Disk { bytes: content(0, len), etag: "\"one\"".to_owned(), cuts: cuts.to_vec() };
    Arc::new(Mutex::new(disk))
}

fn world(len: usize, cuts: &[usize]) -> (CloudWorld, Arc<Mutex<Disk>>) {
    let disk = disk(len, cuts);
    (CloudWorld::new(serve(&disk)), disk)
}

/// Whose first connection breaks, and whose disk then is another one.
fn changing_world() -> CloudWorld {
    let disk = disk(300_000, &[100_000]);
    let mut service = serve(&disk);
    CloudWorld::new(move |seen| {
        if seen.header("range").is_some() {
            let mut disk = disk.lock().unwrap();
            (disk.bytes, disk.etag) = (content(7, 200_000), "\"two\"".to_owned());
        }
        service(seen)
    })
}

fn ranges(world: &CloudWorld) -> Vec<Option<String>> {
    let seen = world.server.seen().into_iter().filter(|seen| seen.route.ends_with("/export"));
    seen.map(|seen| seen.header("range").map(str::to_owned)).collect()
}

#[test]
fn export_goes_on_after_two_broken_connections() {
    let (world, disk) = world(300_000, &[100_000, 50_000]);
    let target = world.path("root.img");
    let document =
        world.json(&["export", "nightly", "--format", "raw", "-o", target.to_str().unwrap()]);
    assert_eq!((&document["size_bytes"], &document["resumed_bytes"]), (&300_000.into(), &0.into()));
    assert!(fs::read(&target).unwrap() == disk.lock().unwrap().bytes, "it is the disk");
    let expected = [None, Some("bytes=100000-".to_owned()), Some("bytes=150000-".to_owned())];
    assert_eq!(ranges(&world), expected);
    let names = fs::read_dir(target.parent().unwrap()).unwrap().count();
    assert_eq!(names, 2, "clouds.yaml and the disk");
    world.fails(&["export", "nightly", "--format", "raw", "-o", target.to_str().unwrap()], 4);
}

#[test]
fn export_to_standard_output_goes_on_as_well() {
    let (world, disk) = world(300_000, &[1, 250_000]);
    let output = world.run(&["export", "nightly", "--format", "raw", "-o", "-"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(output.stdout == disk.lock().unwrap().bytes, "it is the disk");
}

#[test]
fn export_of_a_content_that_changed_begins_anew() {
    let world = changing_world();
    let target = world.path("root.img");
    world.ok(&["export", "nightly", "--format", "raw", "-o", target.to_str().unwrap()]);
    assert!(fs::read(&target).unwrap() == content(7, 200_000), "nothing of the first is left");
    // What was written to a pipe cannot be taken back.
    let said = changing_world().fails(&["export", "nightly", "--format", "raw", "-o", "-"], 5);
    assert!(said.contains("began anew"), "{said}");
}

#[test]
fn export_goes_on_where_another_command_was_stopped() {
    let (world, disk) = world(300_000, &[]);
    let target = world.path("root.img");
    let arguments = ["export", "nightly", "--format", "raw", "-o", target.to_str().unwrap()];
    // After the first part the service is away.
    let here = Arc::clone(&disk);
    let mut inner = serve(&disk);
    let mut count = 0;
    let broken = CloudWorld::new(move |seen| {
        if seen.route.ends_with("/export") {
            count += 1;
            here.lock().unwrap().cuts = vec![120_000];
        }
        if count > 1 { Answer::error(503, "", "Away.") } else { inner(seen) }
    });
    let mut command = broken.command(&arguments);
    let mut export = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut said = export.stderr.take().unwrap();
    let mut heard = String::new();
    while !heard.contains("goes on") {
        let mut byte = [0; 256];
        let n = said.read(&mut byte).unwrap();
        assert!(n > 0, "it ended: {heard}");
        heard += &text(&byte[..n]);
    }
    Command::new("kill").args(["-INT", &export.id().to_string()]).status().unwrap();
    assert_eq!(export.wait().unwrap().code(), Some(130));
    assert!(!target.exists());
    disk.lock().unwrap().cuts.clear();

    let document: Value = world.json(&arguments);
    assert_eq!(document["resumed_bytes"], 120_000);
    assert_eq!(ranges(&world), [Some("bytes=120000-".to_owned())]);
    assert!(fs::read(&target).unwrap() == disk.lock().unwrap().bytes, "it is the disk");
}

#[test]
fn export_of_a_server_wants_a_disk() {
    let children = json!([
        {"id": id(4), "resource_id": id(40), "resource_name": "root"},
        {"id": id(5), "resource_id": id(41), "resource_name": "data"},
    ]);
    let backup = json!({"id": id(3), "name": "nightly", "children": children});
    let world = CloudWorld::new(move |seen| match seen.route.as_str() {
        "GET backups" => Answer::json(200, &json!({ "backups": [backup] })),
        _ => Answer::bytes(200, b"disk"),
    });
    let said = world.fails(&["export", "nightly", "--format", "qcow2", "-o", "-"], 2);
    assert!(said.contains("choose with --disk: root, data"), "{said}");
    let arguments = ["export", "nightly", "--disk", "data", "--format", "qcow2", "-o", "-"];
    assert_eq!(world.ok(&arguments), "disk");
    let last = world.server.seen().pop().unwrap();
    assert_eq!(last.route, format!("GET +backups/{}/export", id(5)));
    assert_eq!(last.query, "format=qcow2");
}
