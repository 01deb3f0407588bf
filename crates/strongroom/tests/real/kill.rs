//! `kill -9` at random moments: nothing is lost, nothing is wrong, nothing must be unlocked.

use std::fs;
use std::time::Duration;

use strongroom_base::clock::system_instant;

use crate::arena::{Arena, End, UNIT, hash};

const ROUNDS: u64 = 5;
/// Nodes that a backup of the arena's disk writes at most: its leaves and the path above them.
const NODES: u64 = 64;

/// A backup is killed; the next one finishes its work without sending again what was indexed.
fn backup_round(arena: &mut Arena) {
    let changed = arena.change_disk();
    let before = arena.indexed();
    let listed = || arena.json(&["list"])["backups"].as_array().unwrap().len();
    let count = listed();
    let end = arena.kill(&["backup", "--disk", &arena.disk_argument()], arena.usual);
    let made = listed() - count;
    assert!(made == 1 || end == End::Killed, "a backup that was reported made is lost");
    let indexed = arena.indexed() - before;
    let retry = arena.backup();
    let sent = retry["new_bytes"].as_u64().unwrap() / UNIT;
    println!("{changed} units changed, {indexed} indexed by the first try, {sent} sent again");
    assert!(
        sent + indexed <= changed + NODES,
        "{sent} units were sent again, of {changed} that changed, though {indexed} were indexed"
    );
    if made == 1 {
        assert_eq!(sent, 0, "the first try committed, so the second has nothing to send");
    }
}

/// A collection is killed; the next one finishes its work, and what is not deleted stays.
fn gc_round(arena: &mut Arena) {
    arena.change_disk();
    arena.backup();
    if arena.made.len() > 2 {
        // Not the newest: what only that one holds would rightly be sent again by the next backup.
        let older = arena.made.len() as u64 - 1;
        let victim = usize::try_from(arena.rng.below(older)).unwrap();
        let (id, _) = arena.made.remove(victim);
        arena.json(&["delete", &id, "--yes"]);
    }
    let gc = ["gc", "--grave-delay", "0", "--dead-after", "0"];
    arena.kill(&gc, arena.usual / 2);
    arena.json(&gc);
}

/// A restore is killed; no file looks complete that is not, and the next one succeeds.
fn restore_round(arena: &mut Arena) {
    let (id, expected) = arena.made.last().unwrap().clone();
    let to = arena.path("restored.img");
    let restore = ["restore", id.as_str(), "--to", to.to_str().unwrap()];
    let end = arena.kill(&restore, arena.usual);
    if end == End::Done || to.exists() {
        assert!(hash(&to) == expected, "a file that looks complete is not");
        fs::remove_file(&to).unwrap();
    }
    arena.json(&restore);
    assert!(hash(&to) == expected, "the second restore is wrong");

    let in_place = ["restore", arena.made[0].0.as_str(), "--in-place", to.to_str().unwrap()];
    arena.kill(&in_place, arena.usual);
    arena.json(&in_place);
    assert!(hash(&to) == arena.made[0].1, "the second restore in place is wrong");
    fs::remove_file(&to).unwrap();
    for entry in fs::read_dir(arena.path("")).unwrap().flatten() {
        if entry.file_name().to_string_lossy().ends_with(".part") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

#[test]
fn kill_during_backup_loses_nothing() {
    let mut arena = Arena::new(1);
    for _ in 0..ROUNDS {
        backup_round(&mut arena);
    }
    arena.check();
}

#[test]
fn kill_during_gc_loses_nothing() {
    let mut arena = Arena::new(2);
    for _ in 0..ROUNDS {
        gc_round(&mut arena);
    }
    arena.check();
}

#[test]
fn kill_during_restore_leaves_nothing_half_done() {
    let mut arena = Arena::new(3);
    arena.change_disk();
    arena.backup();
    for _ in 0..ROUNDS {
        restore_round(&mut arena);
    }
    arena.check();
}

/// All three in turns, for the minutes in `STRONGROOM_TORTURE_MINUTES`.
#[test]
#[ignore = "takes as long as it is told to: cargo xtask torture"]
fn torture_kill_loop() {
    let minutes = std::env::var("STRONGROOM_TORTURE_MINUTES").ok();
    let minutes: u64 = minutes.map_or(1, |minutes| minutes.parse().unwrap());
    let until = system_instant() + Duration::from_secs(minutes * 60);
    for seed in 1.. {
        println!("seed {seed}");
        let mut arena = Arena::new(seed);
        for _ in 0..10 {
            match arena.rng.below(3) {
                0 => backup_round(&mut arena),
                1 => gc_round(&mut arena),
                _ => restore_round(&mut arena),
            }
            if system_instant() >= until {
                arena.check();
                return;
            }
        }
        arena.check();
    }
}
