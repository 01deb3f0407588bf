//! The program over a bucket of a real server.

use strongroom_repo::testing::s3_server::{S3Server, S3ServerKind};

use crate::program::{MIB, World, assert_same, change, id_of, text};

#[test]
fn bucket_is_as_good_as_a_directory() {
    for kind in [S3ServerKind::SeaweedFs, S3ServerKind::VersityGw] {
        let server = S3Server::start(kind).unwrap_or_else(|error| panic!("{error}"));
        let world = World::at_s3(&server, "cli");
        let disk = world.disk("disk.img", 40 * MIB);
        world.ok(&["init"]);
        world.fails(&["init"], 4);
        let first = id_of(&world.backup("root", &disk));
        let before = world.path("before.img");
        std::fs::copy(&disk, &before).unwrap();
        change(&disk, 3 * MIB, b"something else");
        let second = world.backup("root", &disk);
        assert!(second["new_bytes"].as_u64().unwrap() < MIB, "{second}");
        assert_same(&before, &world.restore(&first, "first.img"));
        assert_same(&disk, &world.restore("latest", "second.img"));
        assert_eq!(world.json(&["verify"])["sound"], true);

        world.ok(&["delete", &first, "--yes"]);
        world.ok(&["gc", "--grave-delay", "0"]);
        assert_eq!(world.json(&["list"])["backups"].as_array().unwrap().len(), 1);
        assert_same(&disk, &world.restore("latest", "third.img"));
    }
}

#[test]
fn bucket_that_refuses_us_says_why() {
    let server = S3Server::start(S3ServerKind::VersityGw).unwrap_or_else(|error| panic!("{error}"));
    let mut world = World::at_s3(&server, "wrong");
    world.ok(&["init"]);
    for (name, value) in &mut world.variables {
        if name == "AWS_SECRET_ACCESS_KEY" {
            "wrong".clone_into(value);
        }
    }
    let said = world.fails(&["list"], 5);
    assert!(said.contains("hint: "), "{said}");
}

#[test]
fn credentials_are_never_printed() {
    let server = S3Server::start(S3ServerKind::VersityGw).unwrap_or_else(|error| panic!("{error}"));
    let world = World::at_s3(&server, "quiet");
    let secret = server.credentials().secret_key;
    world.ok(&["init"]);
    for arguments in [&["list"][..], &["show", "nothing"], &["stat", "--output", "json"]] {
        let output = world.run(arguments);
        let all = text(&output.stdout) + &text(&output.stderr);
        assert!(!all.contains(&secret), "{all}");
    }
}
