//! Keys: where they come from, and what happens without the right one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::program::{MIB, World, strongroom, text};

#[test]
fn init_makes_a_private_key_once() {
    let world = World::new();
    let said = world.ok(&["init"]);
    assert!(said.contains("loses every backup"), "{said}");
    assert_eq!(fs::metadata(&world.key).unwrap().permissions().mode() & 0o777, 0o600);
    let key = fs::read(&world.key).unwrap();
    world.fails(&["init"], 4);
    assert_eq!(fs::read(&world.key).unwrap(), key, "the key stays");
}

#[test]
fn init_refuses_a_key_inside_the_repository() {
    let mut world = World::new();
    world.key = world.repo.join("key-of-mine");
    let said = world.fails(&["init"], 2);
    assert!(said.contains("hint: keep the key elsewhere"), "{said}");
    assert!(!world.repo.exists(), "nothing was made");
}

#[test]
fn key_comes_from_one_source() {
    let world = World::with_repository();
    let key = fs::read_to_string(&world.key).unwrap();
    let run = |arguments: &[&str], variable: Option<&str>| {
        let mut command = strongroom();
        command.args(["repo", "list", "--repo"]).arg(&world.repo).args(arguments);
        let output = command.envs(variable.map(|value| ("STRONGROOM_KEY", value))).output();
        let output = output.unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let cat = format!("cat {}", world.key.display());
    let file = world.key.to_str().unwrap();
    assert_eq!(run(&[], Some(key.trim())).0, Some(0));
    assert_eq!(run(&["--key-command", &cat], None).0, Some(0));
    assert_eq!(run(&["--key-command", &cat], Some("nonsense")).0, Some(0), "options win");
    assert_eq!(run(&["--key-command", &cat, "--key-file", file], None).0, Some(2));
    assert_eq!(run(&[], None).0, Some(7));
    assert_eq!(run(&[], Some("nonsense")).0, Some(7));
    assert_eq!(run(&["--key-command", "exit 3"], None).0, Some(7));
    assert_eq!(run(&["--key-file", "/nowhere/key"], None).0, Some(7));
    fs::set_permissions(&world.key, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = run(&["--key-file", file], None);
    assert_eq!(code, Some(0));
    assert!(said.contains("warning: the key file"), "{said}");
}

#[test]
fn wrong_key_and_key_of_another_repository_are_refused() {
    let world = World::with_repository();
    let other = World::with_repository();
    let said = {
        let mut command = strongroom();
        command.args(["repo", "list", "--repo"]).arg(&world.repo);
        let output = command.arg("--key-file").arg(&other.key).output().unwrap();
        assert_eq!(output.status.code(), Some(7));
        text(&output.stderr)
    };
    assert!(said.contains("error: ") && said.contains("wrong key"), "{said}");
    assert!(said.contains("\nhint: "), "{said}");
}

#[test]
fn second_key_opens_and_first_can_go() {
    let mut world = World::with_repository();
    let disk = world.disk("disk.img", MIB);
    world.backup("root", &disk);
    let first_slot = world.json(&["key", "list"])["slots"][0].as_str().unwrap().to_owned();
    world.fails(&["key", "remove", &first_slot], 4);
    let second = world.path("second");
    world.ok(&["key", "add", "--new-key-file", second.to_str().unwrap()]);
    world.ok(&["key", "remove", &first_slot]);
    world.fails(&["list"], 7);
    world.key = second;
    assert_eq!(world.json(&["list"])["backups"].as_array().unwrap().len(), 1);
    world.fails(&["key", "remove", &first_slot], 3);
}

#[test]
fn generated_keys_are_whole_and_different() {
    let world = World::new();
    let generate = || {
        let output = strongroom().args(["repo", "key", "generate"]).output().unwrap();
        text(&output.stdout).trim().to_owned()
    };
    let (a, b) = (generate(), generate());
    assert_eq!(a.len(), 44);
    assert_ne!(a, b);
    let file = world.path("new");
    let run = || strongroom().args(["repo", "key", "generate", "-o"]).arg(&file).status().unwrap();
    assert!(run().success());
    assert_eq!(run().code(), Some(4), "a key file is never replaced");
}
