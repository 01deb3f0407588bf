//! Deterministic simulation of the engine's own code: writers, readers, collectors, undeletes and
//! holds on a store that loses, delays, repeats and spoils.
//!
//! # Why
//! A protocol is proven by what it survives, and the proof is worth something only if it fails
//! when a rule is left out: every rule of the protocol is, once.
//!
//! # Not here
//! The exhaustive model of the protocol; the simulation's machinery (`testing::sim`).

mod burial;
mod cast;
mod play;
mod scripts;

use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime};

use cast::{Cast, Flaw, Outcome};
use scripts::{REGRESSIONS, RULES, Script};
use strongroom_repo::rules::Rule;

/// Seeds of each directed scenario with every rule obeyed.
const SEEDS: u64 = 12;
/// Seeds of the random plays in every run of the tests.
const PLAYS: u64 = 160;

fn act_out(script: Script, seed: u64, without: Option<Rule>) -> (Outcome, String) {
    let mut cast = Cast::new(seed, without);
    let outcome = script(&mut cast);
    let trace = cast.world.trace();
    (outcome, trace)
}

/// Fails when something went wrong: one line for each case, and the story of the first.
fn report(flaws: &[(String, u64, Flaw, String)]) {
    let Some((_, _, _, trace)) = flaws.first() else { return };
    let mut text = format!("{trace}\n{} flaws, the story of the first above:\n", flaws.len());
    for (name, seed, flaw, _) in flaws {
        writeln!(text, "{name}, seed {seed}: {flaw:?}").unwrap();
    }
    panic!("{text}");
}

#[test]
fn directed_scenarios_hold_with_every_rule() {
    let named = RULES.map(|(rule, name, script, _)| (format!("{rule:?}: {name}"), script));
    let others = REGRESSIONS.map(|(name, script)| (name.to_owned(), script));
    let mut flaws = Vec::new();
    for (name, script) in named.into_iter().chain(others) {
        for seed in 0..SEEDS {
            let (outcome, trace) = act_out(script, seed, None);
            if let Err(flaw) = outcome {
                flaws.push((name.clone(), seed, flaw, trace));
            }
        }
    }
    report(&flaws);
}

#[test]
fn every_rule_left_out_is_betrayed_by_its_scenario() {
    let mut never = String::new();
    for (rule, name, script, seeds) in RULES {
        let outcomes: Vec<Outcome> =
            (0..seeds).map(|seed| act_out(script, seed, Some(rule)).0).collect();
        let betrayed = outcomes.iter().position(|it| matches!(it, Err(Flaw::Broken(_))));
        match betrayed {
            Some(seed) => println!("{rule:?} ({name}), seed {seed}: {:?}", outcomes[seed]),
            None => writeln!(never, "{rule:?} ({name}) is never missed: {outcomes:?}").unwrap(),
        }
    }
    assert!(never.is_empty(), "{never}");
}

#[test]
fn random_plays_lose_nothing() {
    let mut flaws = Vec::new();
    for seed in 0..PLAYS {
        let (outcome, trace) = play::run(seed, None);
        if let Err(flaw) = outcome {
            flaws.push(("play".to_owned(), seed, flaw, trace));
        }
    }
    report(&flaws);
}

#[test]
fn random_play_with_same_seed_is_the_same() {
    for seed in 0..4 {
        assert_eq!(play::run(seed, None), play::run(seed, None), "seed {seed}");
    }
}

/// New seeds for `STRONGROOM_TORTURE_MINUTES` (default 1), from `STRONGROOM_TORTURE_SEED` or the
/// clock on.
#[test]
#[ignore = "runs for as long as it is told to"]
#[expect(clippy::disallowed_methods, reason = "how long to go on is a matter of real time")]
fn torture_simulation() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let minutes = number("STRONGROOM_TORTURE_MINUTES").unwrap_or(1);
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let first = number("STRONGROOM_TORTURE_SEED").unwrap_or(clock * 100_000);
    let began = Instant::now();
    let mut seed = first;
    while began.elapsed() < Duration::from_secs(minutes * 60) {
        let (outcome, trace) = play::run(seed, None);
        if let Err(flaw) = outcome {
            panic!("{trace}\nplay with STRONGROOM_TORTURE_SEED={seed}: {flaw:?}");
        }
        for (rule, name, script, _) in RULES {
            let (outcome, trace) = act_out(script, seed, None);
            if let Err(flaw) = outcome {
                panic!("{trace}\n{rule:?}: {name} with STRONGROOM_TORTURE_SEED={seed}: {flaw:?}");
            }
        }
        seed += 1;
    }
    println!("torture: {} seeds from {first} on, nothing lost", seed - first);
}
