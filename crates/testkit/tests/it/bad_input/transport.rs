//! Bodies that are no JSON, too large, or too slow.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use strongroom_testkit::{Answer, Ask};

use crate::world::World;

/// The requests that have a body.
const WRITES: [(&str, &str); 6] = [
    ("POST", "/v3/{p}/vaults"),
    ("PUT", "/v3/{p}/vaults/00000000-0000-4000-8000-000000000000"),
    ("POST", "/v3/{p}/checkpoints"),
    ("PUT", "/v3/{p}/backups/00000000-0000-4000-8000-000000000000"),
    ("POST", "/v3/{p}/vault/resource_instances/action"),
    ("POST", "/strongroom/v1/{p}/resources"),
];

fn write(world: &World, (method, path): (&str, &str), body: &[u8]) -> Ask {
    let ask = Ask::new(method, &path.replace("{p}", &world.home)).token(&world.admin);
    ask.bytes(body.to_vec())
}

// proves: API-13
#[test]
fn body_that_is_no_object_is_named() {
    let world = World::new();
    let nested = "[".repeat(100_000);
    let bodies: [&[u8]; 10] = [
        b"",
        b"{",
        b"nul",
        b"[]",
        b"\"text\"",
        b"7",
        b"{\"vault\": \xff}",
        b"{\"a\": 1}}",
        b"<xml/>",
        nested.as_bytes(),
    ];
    for at in WRITES {
        for body in bodies {
            let answer = world.server.ask(&write(&world, at, body)).unwrap();
            let told = (answer.status, answer.code());
            let shown = String::from_utf8_lossy(&body[..body.len().min(20)]);
            assert_eq!(told, (400, "BackupService.9900".to_owned()), "{at:?} {shown}");
        }
    }
}

// proves: API-13
#[test]
fn body_that_is_too_large_is_refused() {
    let world = World::new();
    let body = vec![b' '; (1 << 20) + 1];
    for at in WRITES {
        let answer = world.server.ask(&write(&world, at, &body)).unwrap();
        assert_eq!(answer.status, 413, "{at:?}: {}", answer.text());
    }
}

// proves: API-13
#[test]
fn body_that_does_not_come_is_given_up() {
    let world = World::new();
    let mut ask = write(&world, WRITES[0], b"{");
    ask.headers.push(("content-length".to_owned(), "100".to_owned()));
    let mut stream = TcpStream::connect(world.server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(ask.head(world.server.address).as_bytes()).unwrap();
    stream.write_all(b"{").unwrap();
    let answer = Answer::read(&mut stream).unwrap();
    assert_eq!(answer.status, 408, "{}", answer.text());
}
