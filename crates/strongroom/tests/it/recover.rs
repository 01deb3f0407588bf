//! `strongroom recover`: the data directory is lost, the store and the master key are kept.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use strongroom_base::rng::{Rng as _, SeededRng};

use crate::program::{MIB, change, text};
use crate::served::{End, Host, document};

/// The bound of docs/recovery.md: a change is in the store after so long.
const BOUND: Duration = Duration::from_secs(5);

/// A vault with a disk, and two backups of which the first is deleted; the disk as the second has it.
fn live(host: &Host) -> Vec<u8> {
    let disk = host.path("disks/root.img");
    let mut bytes = vec![0; 4 << 20];
    SeededRng::new(1).fill(&mut bytes);
    fs::write(&disk, bytes).unwrap();
    let path = disk.to_str().unwrap();
    let added = host.json(&["resource", "add", "disk", path, "--format", "raw", "--name", "root"]);
    let id = added["resource"]["id"].as_str().unwrap();
    let vault = ["vault", "create", "web", "--type", "disk", "--size", "100", "--resource", id];
    host.json(&[&vault[..], &["--tag", "team=blue", "--tag", "stage=test"]].concat());
    host.json(&["backup", "create", "web", "--name", "first", "--wait"]);
    change(&disk, MIB, b"something else");
    let made = host.json(&["backup", "create", "web", "--name", "second", "--wait"]);
    assert_eq!(made["backups"].as_array().unwrap().len(), 1);
    let before = fs::read(&disk).unwrap();
    let deleted = host.command(&["backup", "delete", "first", "--yes", "--wait"]).output().unwrap();
    assert!(deleted.status.success(), "{}", text(&deleted.stderr));
    before
}

fn recover(host: &Host) -> Value {
    let output = host.with_places("recover").args(["--output", "json"]).output().unwrap();
    document(&["recover"], &output)
}

fn project_of(seen: &Value) -> String {
    let project = &seen["vaults"]["vaults"][0]["project_id"];
    project.as_str().unwrap_or_else(|| panic!("{seen}")).to_owned()
}

// proves: JRN-9, JRN-12, JRN-14
#[test]
fn everything_is_as_before_after_the_data_directory_is_lost() {
    for end in [End::Stopped, End::Killed] {
        let host = Host::new();
        let served = host.serve();
        let second = live(&host);
        let mut before = host.seen();
        if matches!(end, End::Killed) {
            // What the repairs counted meanwhile is a change too.
            loop {
                std::thread::sleep(BOUND);
                let now = host.seen();
                if now == before {
                    break;
                }
                before = now;
            }
        }
        let project = project_of(&before);
        assert!(host.signed_status(&project).contains(" 200 "), "{}", host.signed_status(&project));
        served.end(end);
        fs::remove_dir_all(host.path("data")).unwrap();

        let report = recover(&host);
        assert_eq!(report["whole"], true, "{report}");
        let counted = ["vaults", "tags", "disks", "backups", "users", "access_keys"];
        let counts = counted.map(|noun| report["catalogue"][noun].as_u64().unwrap());
        assert_eq!(counts, [1, 2, 1, 1, 1, 1], "{report}");
        assert_eq!(report["failed_tasks"], 0, "{report}");
        assert!(!host.path("data/clouds.yaml").exists(), "nobody new was made");

        let served = host.serve();
        // The password works for this, and the key for that.
        let after = host.seen();
        assert_eq!(after, before, "{end:?}");
        assert!(host.signed_status(&project).contains(" 200 "));
        let disk = host.path("disks/root.img");
        change(&disk, 0, &vec![0xee; 2 << 20]);
        host.json(&["restore", "second", "--wait"]);
        assert!(fs::read(&disk).unwrap() == second, "the disk is what it was");
        let next = host.json(&["backup", "create", "web", "--name", "third", "--wait"]);
        assert_eq!(next["backups"][0]["incremental"], true, "{next}");
        served.end(End::Stopped);
    }
}

/// Runs a command that must fail with `code`; what it says.
fn fails(command: &mut Command, code: i32) -> String {
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains("hint: "), "{said}");
    said
}

fn recover_of(host: &Host, data: &Path, store: &str, key: &Path) -> Command {
    let mut command = host.command(&["recover", "--store", store, "--data-dir"]);
    command.arg(data).arg("--key-file").arg(key);
    command
}

// proves: JRN-10, JRN-12
#[test]
fn recover_refuses_what_would_do_harm_and_says_what_is_wrong() {
    let host = Host::new();
    let served = host.serve();
    live(&host);
    let before = host.seen();
    served.end(End::Stopped);
    let store = format!("fs://{}", host.path("store").display());
    let (key, new) = (host.path("keys/master.key"), host.path("new"));

    let said = fails(&mut host.with_places("recover"), 4);
    assert!(said.contains("the catalogue is in use"), "{said}");
    assert!(said.contains("strongroom.db"), "{said}");

    let other = host.path("keys/other.key");
    let made = host.command(&["repo", "key", "generate", "-o"]).arg(&other).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let said = fails(&mut recover_of(&host, &new, &store, &other), 7);
    assert!(said.contains("--key-file"), "{said}");
    let said = fails(&mut recover_of(&host, &new, &store, &host.path("keys/none")), 7);
    assert!(said.contains("there is no key file"), "{said}");

    fs::create_dir(host.path("empty")).unwrap();
    for place in ["empty", "nowhere"] {
        let at = format!("fs://{}", host.path(place).display());
        let said = fails(&mut recover_of(&host, &new, &at, &key), 3);
        assert!(said.contains("there is no journal"), "{said}");
    }
    assert!(!host.path("nowhere").exists());
    assert_eq!(fs::read_dir(host.path("empty")).unwrap().count(), 0);

    let closed = "s3://bucket/prefix?endpoint=http://127.0.0.1:9&region=r";
    let mut unreachable = recover_of(&host, &new, closed, &key);
    unreachable.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "s");
    fails(&mut unreachable, 5);

    // A new service does not begin beside it either.
    let mut serve = host.command(&["serve", "--listen", "127.0.0.1:0", "--store", &store]);
    let said = fails(serve.arg("--data-dir").arg(host.path("fresh")), 4);
    assert!(said.contains("`strongroom recover`"), "{said}");
    assert!(!host.path("fresh/clouds.yaml").exists() && !host.path("fresh/master.key").exists());

    // All of that changed nothing, and what was refused can still be used.
    let table = recover_of(&host, &new, &store, &key).output().unwrap();
    assert!(table.status.success(), "{}", text(&table.stderr));
    assert!(text(&table.stdout).contains("all of it"), "{}", text(&table.stdout));
    let again = fails(&mut recover_of(&host, &new, &store, &key), 4);
    assert!(again.contains("in use"), "{again}");
    fs::remove_dir_all(host.path("data")).unwrap();
    fs::rename(&new, host.path("data")).unwrap();
    let served = host.serve();
    assert_eq!(host.seen(), before);
    served.end(End::Stopped);
}
