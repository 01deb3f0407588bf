//! Places that hold no repository of ours, and repositories that are damaged.

use std::fs;
use std::process::Stdio;

use crate::program::{MIB, World, assert_same, id_of, text};

#[test]
fn missing_repository_is_not_found() {
    let world = World::new();
    let disk = world.disk("disk.img", MIB);
    fs::write(&world.key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").unwrap();
    for arguments in [&["list"][..], &["backup", "--disk", disk.to_str().unwrap()], &["gc"]] {
        let said = world.fails(arguments, 3);
        assert!(said.contains("hint: "), "{said}");
    }
    assert!(!world.repo.exists(), "nothing was made");
    fs::create_dir(&world.repo).unwrap();
    world.fails(&["list"], 3);
}

#[test]
fn addresses_that_are_none_are_usage_errors() {
    let mut world = World::new();
    for address in ["ftp://host/x", "fs://relative", "s3://", ""] {
        world.repo = address.into();
        world.fails(&["list"], 2);
    }
    world.repo = "s3://bucket/prefix?endpoint=http://127.0.0.1:1".into();
    let mut command = world.command(&["list"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    assert_eq!(command.output().unwrap().status.code(), Some(2));
}

#[test]
fn store_that_is_gone_or_silent_is_unavailable_within_a_minute() {
    // The backlog of a listener takes connections that nobody ever answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let began = strongroom_base::clock::system_instant();
    let listing = [1, silent.local_addr().unwrap().port()].map(|port| {
        let mut world = World::with_repository();
        world.repo = format!("s3://bucket/prefix?endpoint=http://127.0.0.1:{port}").into();
        let mut command = world.command(&["list"]);
        command.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b");
        (command.stderr(Stdio::piped()).spawn().unwrap(), world)
    });
    for (child, _world) in listing {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    }
    assert!(began.elapsed().as_secs() < 60);
}

#[test]
fn foreign_directory_is_refused_and_not_touched() {
    let world = World::new();
    fs::create_dir(&world.repo).unwrap();
    fs::write(world.repo.join("photo"), b"mine").unwrap();
    world.fails(&["init"], 4);
    fs::write(&world.key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").unwrap();
    world.fails(&["list"], 4);
    assert_eq!(fs::read(world.repo.join("photo")).unwrap(), b"mine");
    fs::remove_file(world.repo.join("photo")).unwrap();
    fs::write(world.repo.join("config"), b"[core]\n\tbare = true\n").unwrap();
    world.fails(&["list"], 4);
    let file = world.path("file");
    fs::write(&file, b"no directory").unwrap();
    let mut at_file = World::new();
    at_file.repo = file;
    at_file.fails(&["init"], 4);
}

#[test]
fn newer_format_is_refused_with_a_hint() {
    let world = World::with_repository();
    let config = fs::read_to_string(world.repo.join("config")).unwrap();
    let line = config.lines().next().unwrap().replace("\"version\":0", "\"version\":9");
    let sum = blake3::hash(line.as_bytes()).to_hex();
    fs::write(world.repo.join("config"), format!("{line}\n{sum}\n")).unwrap();
    let said = world.fails(&["list"], 1);
    assert!(said.contains("format 9") && said.contains("hint: use a newer build"), "{said}");
}

#[test]
fn damage_is_named_and_the_other_backups_come_back() {
    let world = World::with_repository();
    let (a, b) = (world.disk("a.img", 4 * MIB), world.disk("b.img", 5 * MIB));
    let hit = id_of(&world.backup("a", &a));
    let packs: Vec<_> = fs::read_dir(world.repo.join("pack")).unwrap().flatten().collect();
    let good = id_of(&world.backup("b", &b));
    for pack in packs {
        let mut bytes = fs::read(pack.path()).unwrap();
        bytes[100] ^= 1;
        fs::write(pack.path(), bytes).unwrap();
    }
    let output = world.run(&["verify", "--output", "json"]);
    assert_eq!(output.status.code(), Some(6));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["sound"], false);
    assert_eq!(found["affected"].as_array().unwrap().len(), 1);
    assert_eq!(found["affected"][0]["id"], hit.as_str());
    assert_same(&b, &world.restore(&good, "b-back.img"));
    world.fails(&["restore", &hit, "--to", world.path("no.img").to_str().unwrap()], 6);

    // The same content backed up again is whole again.
    let again = id_of(&world.backup("a", &a));
    assert_same(&a, &world.restore(&again, "a-back.img"));
}

#[test]
fn expectation_names_what_has_vanished() {
    let world = World::with_repository();
    let disk = world.disk("disk.img", MIB);
    let first = id_of(&world.backup("root", &disk));
    world.ok(&["hold", &first, "--until", "30"]);
    let second = id_of(&world.backup("root", &disk));
    let third = id_of(&world.backup("root", &disk));
    let list = world.path("expect.json");
    let list = list.to_str().unwrap();
    world.ok(&["verify", "--write-expect", list]);
    world.ok(&["verify", "--expect", list]);
    world.ok(&["delete", &third, "--yes"]);
    world.ok(&["verify", "--expect", list]); // a deletion is no loss

    fs::remove_file(world.repo.join("manifest").join(&second)).unwrap();
    for hold in fs::read_dir(world.repo.join("hold")).unwrap().flatten() {
        fs::remove_file(hold.path()).unwrap();
    }
    assert!(world.ok(&["verify"]).contains("nothing is wrong"), "nobody else can know");
    let output = world.run(&["verify", "--expect", list, "--output", "json"]);
    assert_eq!(output.status.code(), Some(6));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let missing: Vec<_> =
        found["missing"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    assert_eq!(missing.len(), 2, "{missing:?}");
    assert!(missing[0].contains(&first) && missing[0].contains("hold"), "{missing:?}");
    assert!(missing[1].contains(&second) && missing[1].contains("missing"), "{missing:?}");
    world.fails(&["verify", "--expect", "/nowhere"], 3);
    world.fails(&["verify", "--expect", world.key.to_str().unwrap()], 2);
}
