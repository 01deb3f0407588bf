//! The protocol of commit, deletion and collection, tried in every order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use strongroom_protocol::{Rule, Size, World, breaking_world, explore, worlds};

fn assert_holds(world: &World) {
    let outcome = explore(world);
    if let Some(path) = outcome.violation {
        panic!("{}: after {} states:\n{}", world.name, outcome.states, path.join("\n"));
    }
    println!("{}: {} states", world.name, outcome.states);
}

/// Tries the worlds side by side, one on each core.
fn assert_all_hold(worlds: &[World]) {
    let next = AtomicUsize::new(0);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(world) = worlds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    assert_holds(world);
                }
            });
        }
    });
}

#[test]
fn protocol_in_every_pair_of_actors_loses_nothing() {
    let all = worlds(Size::Daily);
    assert_eq!(all.len(), 45, "one world for each pair of ten kinds");
    assert_all_hold(&all);
}

#[test]
fn protocol_without_any_one_rule_loses_something() {
    for &rule in Rule::ALL {
        let world = breaking_world(rule);
        let outcome = explore(&world);
        let path = outcome.violation.unwrap_or_default();
        assert!(path.len() > 1, "{rule:?} can be left out of the world {}", world.name);
        println!(
            "without {rule:?} ({}), {} states:\n{}\n",
            rule.text(),
            outcome.states,
            path.join("\n")
        );
    }
}

#[test]
fn breaking_worlds_with_all_rules_hold() {
    let mut all: Vec<World> = Vec::new();
    for &rule in Rule::ALL {
        let world = World { without: None, ..breaking_world(rule) };
        // Many rules are broken in the same world.
        if !all.contains(&world) {
            all.push(world);
        }
    }
    assert_all_hold(&all);
}

/// Larger worlds for `STRONGROOM_TORTURE_MINUTES` (default 1), another first one every time: all of
/// them take hours, and 8 GiB of memory.
#[test]
#[ignore = "runs for as long as it is told to"]
#[expect(clippy::disallowed_methods, reason = "how long to go on is a matter of real time")]
fn torture_protocol_in_finer_and_larger_worlds() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let minutes = number("STRONGROOM_TORTURE_MINUTES").unwrap_or(1);
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let worlds = worlds(Size::Nightly);
    let first = number("STRONGROOM_TORTURE_SEED").unwrap_or(clock);
    let first = usize::try_from(first % worlds.len() as u64).unwrap();
    let began = Instant::now();
    let mut tried = 0;
    for world in worlds.iter().cycle().skip(first).take(worlds.len()) {
        if began.elapsed() >= Duration::from_secs(minutes * 60) {
            break;
        }
        assert_holds(world);
        tried += 1;
    }
    println!("{tried} of {} worlds from {first} on, nothing lost", worlds.len());
}
