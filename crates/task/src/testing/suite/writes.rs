//! Which writes count.

use serde_json::json;
use strongroom_base::ErrorClass;

use super::{Bench, LEASE, claim, claim_task, id, insert, order};
use crate::measure::Measure;
use crate::record::{Act, Failure, Record};
use crate::store::{CancelAnswer, Completion, Ending, StoreError, StoreResult, Task};
use crate::task::{End, Fence, State};

fn attempt(step: &str) -> Record {
    Record::Attempt { step: step.to_owned(), act: Act::Run }
}

fn failed(code: &str) -> Record {
    let failure = Failure::new(ErrorClass::Retryable, code, "it failed");
    Record::Failed { step: "one".to_owned(), act: Act::Run, failure }
}

fn ending(end: End) -> Ending {
    let failure = Failure::new(ErrorClass::Permanent, "Suite", "it ended");
    let completion = Some(Completion(json!({ "rows": [1, 2] })));
    Ending { end, failure: (end != End::Succeeded).then_some(failure), completion }
}

async fn load(bench: &impl Bench) -> Task {
    bench.store().load(id(1)).await.unwrap().expect("it was inserted")
}

fn assert_stale<T: std::fmt::Debug>(result: &StoreResult<T>) {
    assert!(matches!(result, Err(StoreError::Stale { .. })), "{result:?} instead of stale");
}

/// Makes each write with `fence` and expects that none is taken.
async fn assert_all_stale(bench: &impl Bench, fence: Fence) {
    let (store, before) = (bench.store(), load(bench).await);
    let lines = before.log.len() as u64;
    assert_stale(&store.renew(id(1), fence, LEASE).await);
    assert_stale(&store.append(id(1), fence, lines, &[attempt("stale")]).await);
    assert_stale(&store.measure(id(1), fence, &Measure { done: 1, ..Measure::default() }).await);
    assert_stale(&store.release(id(1), fence).await);
    assert_stale(&store.end(id(1), fence, &ending(End::TimedOut)).await);
    assert_eq!(load(bench).await, before, "a stale write changed something");
}

/// Old fences, fences that never were, and tasks that are not there.
pub(super) async fn stale_writes_change_nothing(bench: &impl Bench) {
    insert(bench, &order(1, &[])).await;
    assert_all_stale(bench, Fence(0)).await;
    let old = claim_task(bench, "a", 1).await;
    bench.store().append(id(1), old, 0, &[attempt("one")]).await.unwrap();
    bench.pass(LEASE * 2).await;
    let new = claim_task(bench, "b", 1).await;
    assert_all_stale(bench, old).await;
    assert_all_stale(bench, new.next()).await;
    bench.store().renew(id(1), new, LEASE).await.unwrap();
    assert_stale(&bench.store().renew(id(9), new, LEASE).await);
}

/// Each write twice: its first answer was lost.
pub(super) async fn repeated_writes_change_nothing(bench: &impl Bench) {
    insert(bench, &order(1, &[])).await;
    let fence = claim_task(bench, "a", 1).await;
    let records = [attempt("one"), failed("First")];
    for _ in 0..2 {
        bench.store().append(id(1), fence, 0, &records).await.unwrap();
    }
    assert_eq!(load(bench).await.log, records);
    let end = ending(End::Failed);
    bench.store().end(id(1), fence, &end).await.unwrap();
    let before = load(bench).await;
    bench.store().end(id(1), fence, &end).await.unwrap();
    assert_eq!(load(bench).await, before);
    let nobody = bench.store().load(id(9)).await.unwrap();
    assert!(nobody.is_none());
}

/// A line has one content and one writer, and none is left out.
pub(super) async fn log_has_no_gaps(bench: &impl Bench) {
    insert(bench, &order(1, &[])).await;
    let store = bench.store();
    let old = claim_task(bench, "a", 1).await;
    assert_stale(&store.append(id(1), old, 1, &[attempt("one")]).await);
    store.append(id(1), old, 0, &[attempt("one")]).await.unwrap();
    assert_stale(&store.append(id(1), old, 0, &[attempt("two")]).await);
    bench.pass(LEASE * 2).await;
    let claimed = claim(bench, "b").await.expect("the lease has run out");
    assert_eq!(claimed.log, [attempt("one")], "the claim gives the log");
    let new = claimed.row.fence;
    assert_stale(&store.append(id(1), new, 0, &[attempt("one")]).await);
    store.append(id(1), new, 1, &[attempt("two"), attempt("three")]).await.unwrap();
    assert_eq!(load(bench).await.log, [attempt("one"), attempt("two"), attempt("three")]);
}

/// A task has one end, and nothing changes it afterwards.
pub(super) async fn one_end(bench: &impl Bench) {
    insert(bench, &order(1, &[])).await;
    let fence = claim_task(bench, "a", 1).await;
    bench.store().end(id(1), fence, &ending(End::Succeeded)).await.unwrap();
    let row = load(bench).await.row;
    assert_eq!((row.state, row.failure), (State::Ended(End::Succeeded), None));
    assert!(row.ended_at >= row.started_at && row.ended_at.is_some());
    assert_stale(&bench.store().end(id(1), fence, &ending(End::Failed)).await);
    assert_all_stale(bench, fence).await;
    let answer = bench.store().request_cancel(id(1)).await.unwrap();
    assert_eq!(answer, CancelAnswer::TooLate);
    bench.pass(LEASE * 2).await;
    assert!(claim(bench, "b").await.is_none(), "an ended task runs no more");
}

/// What is handed back is free at once for anybody, and still running for the others' keys.
pub(super) async fn released_task_is_free_and_keeps_its_keys(bench: &impl Bench) {
    insert(bench, &order(1, &["disk"])).await;
    insert(bench, &order(2, &["disk"])).await;
    let fence = claim_task(bench, "a", 1).await;
    bench.store().release(id(1), fence).await.unwrap();
    assert_eq!(load(bench).await.row.state, State::Running);
    let next = claim_task(bench, "b", 1).await;
    assert_eq!(next, fence.next());
    assert!(claim(bench, "c").await.is_none());
}

/// The worker hears of a cancel when it renews, and so does the next one when it claims.
pub(super) async fn cancel_is_told_at_renewal(bench: &impl Bench) {
    insert(bench, &order(1, &[])).await;
    let fence = claim_task(bench, "a", 1).await;
    assert!(!bench.store().renew(id(1), fence, LEASE).await.unwrap());
    let answer = bench.store().request_cancel(id(1)).await.unwrap();
    assert_eq!(answer, CancelAnswer::Noted);
    assert!(bench.store().renew(id(1), fence, LEASE).await.unwrap());
    bench.store().release(id(1), fence).await.unwrap();
    assert!(claim(bench, "b").await.unwrap().row.is_cancel_requested);
}

/// Progress and the last failure are in the row, for lists.
pub(super) async fn row_keeps_progress_and_failure(bench: &impl Bench) {
    insert(bench, &order(1, &[])).await;
    let fence = claim_task(bench, "a", 1).await;
    let phase = "write".to_owned();
    let measure = Measure { phase, done: 1 << 40, total: 1 << 41, stored: 3, rate: 4 };
    bench.store().measure(id(1), fence, &measure).await.unwrap();
    bench.store().append(id(1), fence, 0, &[failed("First"), failed("Second")]).await.unwrap();
    let row = load(bench).await.row;
    assert_eq!(row.progress, measure);
    assert_eq!(row.failure.map(|failure| failure.code), Some("Second".to_owned()));
    bench.store().end(id(1), fence, &ending(End::Succeeded)).await.unwrap();
    assert_eq!(load(bench).await.row.failure, None, "a task that succeeded shows no failure");
}
