//! One test for each invariant of the runtime (docs/invariants.md) that the proofs do not show.

use std::sync::Arc;
use std::time::Duration;

use strongroom_base::ErrorClass;
use strongroom_base::clock::BoxFuture;
use strongroom_task::testing::{Call, Fault};
use strongroom_task::{End, NewTask, Record, Registry, State, StepError, StopReason, Workflow};

use crate::disk::{Disks, Filling};
use crate::stage::{LEASE, Play, Scripted, Stage, id};

fn failed(class: ErrorClass) -> StepError {
    StepError::failed(class, "Scripted", "the script says so")
}

/// Which of the three steps this is, by its input: 10, 11, 12.
fn is_step(play: &Play<'_>, number: u32) -> bool {
    play.input == number + 9
}

/// What a step leaves: the next higher number.
fn next(play: &Play<'_>) -> u32 {
    play.input + 1
}

fn done<'a>(result: Result<u32, StepError>) -> BoxFuture<'a, Result<u32, StepError>> {
    Box::pin(std::future::ready(result))
}

// proves: TASK-2
#[test]
fn worker_that_cannot_renew_stops_before_another_begins() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(|play| {
        Box::pin(async move {
            play.cx.stopped().await;
            // A failure that must not count.
            Err(failed(ErrorClass::Permanent))
        })
    });
    let after_the_start = |call: Call| {
        matches!(call.name, "renew" | "append" if call.number > 2).then_some(Fault::Before)
    };
    let first = stage.worker("a", script.registry(), after_the_start);
    stage.start("a", &first);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_secs(1));
    let lines = stage.log(1);
    stage.run(LEASE);
    let stops = script.seen.stops.lock().unwrap().clone();
    assert_eq!(stops.len(), 1);
    assert_eq!(stops[0].0, StopReason::LeaseLost);
    assert!(stops[0].1 <= LEASE, "the step went on until {:?}", stops[0].1);
    assert_eq!(stage.log(1), lines, "a worker without the right wrote");
}

// proves: TASK-3
#[test]
fn input_is_in_the_log_before_the_step_runs_and_never_changes() {
    let mut stage = Stage::new(1);
    let store = Arc::clone(&stage.store);
    let script: Scripted = Scripted::new(move |play| {
        let log = store.get(id(1)).unwrap().log;
        let logged = log.iter().rev().find_map(|record| match record {
            Record::Input { input, .. } => Some(input.clone()),
            _ => None,
        });
        assert_eq!(logged, Some(play.input.into()), "the input is not in the log");
        // The second step takes long; its worker dies in it.
        Box::pin(async move {
            if is_step(&play, 2) {
                play.cx.sleep(Duration::from_mins(10)).await?;
            }
            Ok(next(&play))
        })
    });
    let first = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &first);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_secs(1));
    stage.sim.kill("a");
    // The next worker has other code, which would compute other inputs; its second step fails.
    let mut other: Scripted = Scripted::new(|play| match play.input {
        10 => done(Ok(500)),
        _ => done(Err(failed(ErrorClass::Permanent))),
    });
    (other.seen, other.shift) = (Arc::clone(&script.seen), 1_000);
    let second = stage.worker("b", other.registry(), |_| None);
    stage.start("b", &second);
    stage.run(LEASE * 2);
    assert_eq!(stage.end(1), Some(End::Failed));
    let calls = script.seen.calls();
    let calls: Vec<_> = calls.iter().map(|(name, input)| (name.as_str(), *input)).collect();
    let wanted =
        [("first", 10), ("second", 11), ("second", 11), ("undo second", 11), ("undo first", 10)];
    assert_eq!(calls, wanted);
}

// proves: TASK-4
#[test]
fn steps_run_in_order_and_are_undone_in_reverse() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(|play| {
        let fails = is_step(&play, 3);
        done(if fails { Err(failed(ErrorClass::Permanent)) } else { Ok(next(&play)) })
    });
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_secs(1));
    let names: Vec<_> = script.seen.calls().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["first", "second", "third", "undo third", "undo second", "undo first"]);
}

// proves: TASK-6
#[test]
fn failure_of_a_step_that_was_asked_to_stop_decides_nothing() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(|play| {
        Box::pin(async move {
            if play.call == 0 && is_step(&play, 2) {
                play.cx.stopped().await;
                return Err(failed(ErrorClass::Corruption));
            }
            Ok(next(&play))
        })
    });
    let first = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &first);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_secs(1));
    let leaving = Arc::clone(&first);
    stage.spawn(async move { leaving.shutdown(Duration::ZERO).await });
    let second = stage.worker("b", script.registry(), |_| None);
    stage.start("b", &second);
    stage.run(Duration::from_secs(10));
    assert_eq!((stage.end(1), stage.row(1).failure), (Some(End::Succeeded), None));
}

fn filling(number: u8) -> NewTask {
    let disk = format!("disk-{}", number % 2);
    let at = strongroom_base::sim::START.plus(Duration::from_millis(number.into()));
    let order = Filling::order(id(number), &disk, "req-1", at).unwrap();
    NewTask { keys: vec![disk], ..order }
}

// proves: TASK-9, TASK-12
#[test]
fn of_tasks_with_one_key_one_runs_whoever_dies() {
    for seed in 1..=30 {
        let mut stage = Stage::new(seed);
        let disks = Arc::new(Disks::default());
        for name in ["a", "b", "c"] {
            let mut registry = Registry::new();
            registry.register(&Filling(Arc::clone(&disks))).unwrap();
            let worker = stage.worker(name, registry, |_| None);
            stage.start(name, &worker);
        }
        for number in 1..=6 {
            stage.insert(filling(number));
        }
        for name in ["a", "b"] {
            stage.run(stage.sim.span(Duration::from_secs(40)));
            stage.sim.kill(name);
        }
        // A worker that sleeps through its lease and one that takes over.
        stage.run(stage.sim.span(Duration::from_secs(40)));
        stage.sim.pause("c", LEASE * 2);
        let mut registry = Registry::new();
        registry.register(&Filling(Arc::clone(&disks))).unwrap();
        let last = stage.worker("d", registry, |_| None);
        stage.start("d", &last);
        stage.run(Duration::from_mins(30));
        let ends: Vec<_> = (1..=6).map(|number| stage.end(number)).collect();
        assert_eq!(ends, [Some(End::Succeeded); 6], "seed {seed}");
        assert_eq!((disks.writers("disk-0"), disks.writers("disk-1")), (3, 3), "seed {seed}");
    }
}

// proves: TASK-10
#[test]
fn after_the_point_of_no_return_the_task_only_goes_forward() {
    let mut stage = Stage::new(1);
    let mut script: Scripted<true> = Scripted::new(|play| {
        let is_down = is_step(&play, 3) && play.call < 20;
        done(if is_down { Err(failed(ErrorClass::Retryable)) } else { Ok(next(&play)) })
    });
    script.limit = Some(Duration::from_mins(1));
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.insert(Scripted::<true>::task(1));
    stage.run(Duration::from_secs(1));
    stage.store.note_cancel(id(1));
    stage.run(Duration::from_hours(3));
    assert_eq!(stage.end(1), Some(End::Succeeded));
    assert_eq!(script.seen.count("third"), 21);
    assert!(!script.seen.calls().iter().any(|(name, _)| name.starts_with("undo")));
}

// proves: TASK-10
#[test]
fn after_the_point_of_no_return_a_hopeless_failure_is_stuck() {
    for (class, attempts) in [(ErrorClass::Permanent, 5), (ErrorClass::Corruption, 1)] {
        let mut stage = Stage::new(1);
        let script: Scripted<true> = Scripted::new(move |play| {
            done(if is_step(&play, 3) { Err(failed(class)) } else { Ok(next(&play)) })
        });
        let worker = stage.worker("a", script.registry(), |_| None);
        stage.start("a", &worker);
        stage.insert(Scripted::<true>::task(1));
        stage.run(Duration::from_hours(3));
        assert_eq!(stage.end(1), Some(End::Stuck));
        assert_eq!(script.seen.count("third"), attempts);
    }
}

// proves: TASK-11
#[test]
fn undo_that_fails_makes_the_task_stuck_and_is_not_tried_again() {
    for (class, attempts) in [(ErrorClass::Permanent, 1), (ErrorClass::Retryable, 10)] {
        let mut stage = Stage::new(1);
        let mut script: Scripted = Scripted::new(|play| {
            let fails = is_step(&play, 3);
            done(if fails { Err(failed(ErrorClass::Permanent)) } else { Ok(next(&play)) })
        });
        script.undo =
            Arc::new(move |play| done(if is_step(&play, 2) { Err(failed(class)) } else { Ok(0) }));
        for name in ["a", "b"] {
            let worker = stage.worker(name, script.registry(), |_| None);
            stage.start(name, &worker);
        }
        stage.insert(Scripted::<false>::task(1));
        stage.run(Duration::from_hours(24));
        assert_eq!(stage.row(1).state, State::Ended(End::Stuck));
        assert_eq!(script.seen.count("undo second"), attempts);
        assert_eq!(script.seen.count("undo first"), 0, "steps are undone in order or not at all");
        assert!(stage.row(1).failure.is_some());
    }
}

// proves: TASK-12
#[test]
fn step_that_kills_its_workers_ends_as_failed() {
    let mut stage = Stage::new(1);
    let sim = stage.sim.clone();
    let script: Scripted = Scripted::new(move |play| {
        if is_step(&play, 2) {
            // The worker's name is its number, and the calls are counted.
            sim.kill(&play.call.to_string());
            return Box::pin(std::future::pending());
        }
        done(Ok(next(&play)))
    });
    stage.insert(Scripted::<false>::task(1));
    for number in 0..12 {
        let name = number.to_string();
        let worker = stage.worker(&name, script.registry(), |_| None);
        stage.start(&name, &worker);
        stage.run(LEASE * 2);
    }
    assert_eq!(stage.end(1), Some(End::Failed));
    assert_eq!(stage.row(1).failure.unwrap().code, "Task.WorkerDied");
    assert_eq!((script.seen.count("second"), script.seen.count("undo first")), (10, 1));
}

#[test]
fn progress_goes_on_where_a_cancel_does_not_count() {
    let mut stage = Stage::new(1);
    let script: Scripted<true> = Scripted::new(|play| {
        Box::pin(async move {
            if is_step(&play, 3) {
                play.cx.sleep(LEASE).await?;
                play.cx.progress().add_done(7);
                play.cx.sleep(LEASE).await?;
            }
            Ok(next(&play))
        })
    });
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.insert(Scripted::<true>::task(1));
    stage.run(Duration::from_secs(1));
    stage.store.note_cancel(id(1));
    stage.run(LEASE + Duration::from_secs(2));
    assert_eq!(stage.row(1).progress.done, 7);
}
