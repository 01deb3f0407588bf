//! What an executor does with its tasks beside their steps.

use std::sync::Arc;
use std::time::Duration;

use strongroom_base::clock::{BoxFuture, system_instant, system_now};
use strongroom_base::rng::OsRng;
use strongroom_base::{Clock, ErrorClass, Timestamp};
use strongroom_task::testing::{Call, Fault, MemoryStore};
use strongroom_task::{
    CancelAnswer, DEFAULT_QUEUE, End, Executor, Fence, Parts, Record, Settings, State, StepError,
    StopReason, TaskStore, WorkerId,
};

use crate::stage::{LEASE, Play, Scripted, Stage, id};

type Played<'a> = BoxFuture<'a, Result<u32, StepError>>;

/// Ends when it is asked to.
fn wait_for_stop(play: Play<'_>) -> Played<'_> {
    Box::pin(async move {
        play.cx.stopped().await;
        Err(StepError::Stopped)
    })
}

/// Takes ten seconds.
fn ten_seconds(play: Play<'_>) -> Played<'_> {
    Box::pin(async move {
        play.cx.sleep(Duration::from_secs(10)).await?;
        Ok(play.input)
    })
}

#[test]
fn cancel_in_the_same_process_is_heard_at_once() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(wait_for_stop);
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_secs(3));
    let asked = {
        let worker = Arc::clone(&worker);
        stage.spawn(async move { worker.cancel(id(1)).await.unwrap() })
    };
    stage.run(Duration::from_secs(1));
    assert_eq!(asked.take(), Some(CancelAnswer::Noted));
    assert_eq!(stage.end(1), Some(End::Cancelled));
    let calls = [("first".to_owned(), 10), ("undo first".to_owned(), 10)];
    assert_eq!(script.seen.calls(), calls);
}

#[test]
fn cancel_from_elsewhere_is_heard_at_the_next_renewal() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(wait_for_stop);
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_secs(3));
    stage.store.note_cancel(id(1));
    stage.run(LEASE / 4);
    assert_eq!(stage.end(1), None);
    stage.run(LEASE / 3);
    assert_eq!(stage.end(1), Some(End::Cancelled));
}

#[test]
fn cancelled_task_that_waits_runs_no_step() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(ten_seconds);
    stage.insert(Scripted::<false>::task(1));
    stage.store.note_cancel(id(1));
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.run(Duration::from_secs(1));
    assert_eq!(stage.end(1), Some(End::Cancelled));
    assert_eq!(script.seen.calls(), []);
}

// proves: TASK-7
#[test]
fn shutdown_lets_short_work_end_and_hands_long_work_back() {
    for (grace, is_done) in [(40, true), (15, false)] {
        let mut stage = Stage::new(1);
        let script: Scripted = Scripted::new(ten_seconds);
        let worker = stage.worker("a", script.registry(), |_| None);
        stage.start("a", &worker);
        stage.insert(Scripted::<false>::task(1));
        let ended = stage.sim.ended("a");
        let ended = stage.spawn(ended);
        let leaving = Arc::clone(&worker);
        stage.spawn(async move { leaving.shutdown(Duration::from_secs(grace)).await });
        stage.run(Duration::from_mins(1));
        ended.take().expect("the slot has ended");
        assert_eq!(stage.end(1).is_some(), is_done);
        let is_failure = |record: &Record| matches!(record, Record::Failed { .. });
        assert!(!stage.log(1).iter().any(is_failure));
        let next = stage.worker("b", script.registry(), |_| None);
        stage.start("b", &next);
        stage.run(Duration::from_secs(25));
        assert_eq!(stage.end(1), Some(End::Succeeded), "nobody waits for the lease");
        assert_eq!(script.seen.count("first"), 1, "what was done is not done again");
    }
}

#[test]
fn executor_that_shuts_down_claims_nothing_more() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(ten_seconds);
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.run(Duration::from_secs(1));
    let leaving = Arc::clone(&worker);
    stage.spawn(async move { leaving.shutdown(Duration::from_mins(1)).await });
    stage.run(Duration::from_secs(1));
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_mins(5));
    assert_eq!(stage.row(1).state, State::Waiting);
}

#[test]
fn progress_is_written_each_second_with_its_rate() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(|play| {
        Box::pin(async move {
            play.cx.progress().begin("copy", 1_000);
            for _ in 0..100 {
                play.cx.sleep(Duration::from_millis(100)).await?;
                play.cx.progress().add_done(10);
            }
            Ok(0)
        })
    });
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_millis(5_050));
    let progress = stage.row(1).progress;
    assert_eq!((progress.phase.as_str(), progress.total), ("copy", 1_000));
    assert!((480..=500).contains(&progress.done), "{progress:?}");
    assert!((90..=110).contains(&progress.rate), "{progress:?}");
    let rest = progress.remaining().unwrap();
    assert!((5..=6).contains(&rest.as_secs()), "{progress:?}");
}

#[test]
fn cancelled_step_writes_no_more_progress() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(|play| {
        Box::pin(async move {
            // Goes on for a while after it was asked to stop.
            play.cx.stopped().await;
            play.cx.progress().add_done(77);
            play.cx.clock().sleep(Duration::from_secs(10)).await;
            Err(StepError::Stopped)
        })
    });
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.insert(Scripted::<false>::task(1));
    stage.store.note_cancel(id(1));
    stage.run(LEASE);
    assert_eq!(stage.end(1), Some(End::Cancelled));
    assert_eq!(stage.row(1).progress.done, 0);
}

#[test]
fn deadline_counts_from_the_first_start_whoever_works() {
    let mut stage = Stage::new(1);
    let mut script: Scripted = Scripted::new(wait_for_stop);
    script.limit = Some(Duration::from_mins(10));
    let first = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &first);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_mins(6));
    stage.sim.kill("a");
    let second = stage.worker("b", script.registry(), |_| None);
    stage.start("b", &second);
    stage.run(Duration::from_mins(3));
    assert_eq!(stage.end(1), None);
    stage.run(Duration::from_mins(2));
    assert_eq!(stage.end(1), Some(End::TimedOut));
    assert_eq!(script.seen.count("undo first"), 1);
}

#[test]
fn step_that_panics_fails_its_task_and_nothing_else() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(|play| {
        assert!(play.cx.task() != id(1), "a panic that the runtime must catch");
        Box::pin(std::future::ready(Ok(play.input)))
    });
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.insert(Scripted::<false>::task(1));
    stage.insert(Scripted::<false>::task(2));
    stage.run(Duration::from_secs(10));
    assert_eq!((stage.end(1), stage.end(2)), (Some(End::Failed), Some(End::Succeeded)));
    assert_eq!(stage.row(1).failure.unwrap().code, "Task.Internal");
}

#[test]
fn step_with_nothing_to_do_ends_the_task_as_skipped() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(|play| {
        Box::pin(async move {
            if play.input == 11 { Err(StepError::skip("Busy", "it is busy")) } else { Ok(11) }
        })
    });
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_secs(10));
    assert_eq!(stage.end(1), Some(End::Skipped));
    assert_eq!(stage.row(1).failure.unwrap().code, "Busy");
    assert_eq!(script.seen.count("undo first"), 1);
}

#[test]
fn parameters_of_another_version_fail_the_task_before_any_step() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(ten_seconds);
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    let mut order = Scripted::<false>::task(1);
    order.params = serde_json::json!({ "no": "number" });
    stage.insert(order);
    stage.run(Duration::from_secs(10));
    assert_eq!(stage.end(1), Some(End::Failed));
    assert_eq!(stage.row(1).failure.unwrap().code, "Task.Unreadable");
    assert_eq!(script.seen.calls(), []);
}

#[test]
fn last_failure_shows_while_the_task_is_tried_again() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(|_| {
        let error = StepError::failed(ErrorClass::Retryable, "Unavailable", "it does not answer");
        Box::pin(std::future::ready(Err(error)))
    });
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_secs(1));
    assert_eq!(stage.row(1).state, State::Running);
    assert_eq!(stage.row(1).failure.unwrap().code, "Unavailable");
    stage.run(Duration::from_mins(10));
    assert_eq!(stage.end(1), Some(End::Failed));
    assert_eq!(script.seen.count("first"), 5);
}

#[test]
fn idle_worker_polls_where_nothing_notifies_it() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(ten_seconds);
    let failing = |call: Call| (call.name == "claim" && call.number < 4).then_some(Fault::Before);
    let worker = stage.worker("a", script.registry(), failing);
    stage.start("a", &worker);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_mins(1));
    assert_eq!(stage.end(1), Some(End::Succeeded));
}

#[test]
fn store_that_fails_for_a_moment_costs_no_attempt() {
    for fault in [Fault::Before, Fault::After] {
        for number in 2..=9 {
            let mut stage = Stage::new(1);
            let script: Scripted =
                Scripted::new(|play| Box::pin(std::future::ready(Ok(play.input))));
            let failing =
                move |call: Call| [number, number + 1].contains(&call.number).then_some(fault);
            let worker = stage.worker("a", script.registry(), failing);
            stage.insert(Scripted::<false>::task(1));
            stage.start("a", &worker);
            stage.run(LEASE / 2);
            let row = stage.row(1);
            assert_eq!(row.state, State::Ended(End::Succeeded), "{fault:?} at call {number}");
            assert_eq!(row.fence, Fence(1), "{fault:?} at call {number}");
            assert_eq!(script.seen.count("second"), 1, "{fault:?} at call {number}");
        }
    }
}

/// The machine's clock on a tokio runtime.
struct RealClock(std::time::Instant);

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        system_now()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[test]
fn executor_runs_on_tokio_until_it_is_shut_down() {
    let script: Scripted = Scripted::new(|play| Box::pin(async move { Ok(play.input + 1) }));
    let clock = Arc::new(RealClock(system_instant()));
    let store = Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
    let parts = Parts {
        registry: Arc::new(script.registry()),
        store: Arc::clone(&store) as Arc<dyn TaskStore>,
        clock,
        rng: Arc::new(OsRng),
    };
    let settings = Settings {
        worker: WorkerId("a".to_owned()),
        queues: vec![DEFAULT_QUEUE.to_owned()],
        slots: 2,
        lease: LEASE,
        poll: LEASE,
    };
    let executor = Arc::new(Executor::new(parts, settings));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let work = Arc::clone(&executor).run();
        let direct = async {
            for number in 1..=5 {
                store.insert(&Scripted::<false>::task(number)).await.unwrap();
            }
            let is_over = |number| {
                store
                    .get(id(number))
                    .is_some_and(|task| task.row.state == State::Ended(End::Succeeded))
            };
            while !(1..=5).all(is_over) {
                store.changed().await;
            }
            executor.shutdown(LEASE).await;
        };
        let both = futures_util::future::join(work, direct);
        tokio::time::timeout(LEASE, both).await.expect("it takes milliseconds");
    });
    assert_eq!(script.seen.count("third"), 5);
}

#[test]
fn stop_reasons_reach_the_step() {
    let mut stage = Stage::new(1);
    let script: Scripted = Scripted::new(wait_for_stop);
    let worker = stage.worker("a", script.registry(), |_| None);
    stage.start("a", &worker);
    stage.insert(Scripted::<false>::task(1));
    stage.run(Duration::from_secs(1));
    let leaving = Arc::clone(&worker);
    stage.spawn(async move { leaving.shutdown(Duration::ZERO).await });
    stage.run(Duration::from_secs(1));
    let stops = script.seen.stops.lock().unwrap();
    assert_eq!(stops.first().map(|(reason, _)| *reason), Some(StopReason::Shutdown));
}
