//! The protocol of commit, deletion and collection, tried in every order.

use strongroom_repo::testing::protocol::{Rule, Size, World, breaking_world, explore, worlds};

fn assert_holds(world: &World) {
    let outcome = explore(world);
    if let Some(path) = outcome.violation {
        panic!("{}: after {} states:\n{}", world.name, outcome.states, path.join("\n"));
    }
    println!("{}: {} states", world.name, outcome.states);
}

#[test]
fn protocol_in_every_pair_of_actors_loses_nothing() {
    let all = worlds(Size::Daily);
    assert_eq!(all.len(), 45, "one world for each pair of ten kinds");
    for world in &all {
        assert_holds(world);
    }
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
    for &rule in Rule::ALL {
        assert_holds(&World { without: None, ..breaking_world(rule) });
    }
}

#[test]
#[ignore = "minutes for each world and gigabytes of memory: part of `xtask nightly`"]
fn protocol_in_finer_and_larger_worlds_loses_nothing() {
    for world in &worlds(Size::Nightly) {
        assert_holds(world);
    }
}
