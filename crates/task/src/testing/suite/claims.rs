//! Who gets which task.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Bench, LEASE, claim, claim_by, claim_task, id, insert, kind, order};
use crate::store::{CancelAnswer, Ending};
use crate::task::{End, Fence, State, WorkerId};

/// The oldest comes first, whatever the order of inserts; a second insert changes nothing.
pub(super) async fn oldest_first(bench: &impl Bench) {
    for number in [3, 1, 2, 1] {
        insert(bench, &order(number, &[])).await;
    }
    assert_eq!(bench.store().list_due(2).await.unwrap(), [id(1), id(2)]);
    let first = claim(bench, "a").await.unwrap();
    assert_eq!(first.row.order, order(1, &[]), "what was ordered comes back");
    assert_eq!((first.row.state, first.row.fence), (State::Running, Fence(1)));
    assert_eq!(first.row.worker, Some(WorkerId("a".to_owned())));
    assert_eq!(first.row.started_at, Some(first.now));
    assert_eq!(first.row.lease_until, Some(first.now.plus(LEASE)));
    assert!(first.log.is_empty());
    insert(bench, &order(1, &[])).await;
    claim_task(bench, "b", 2).await;
    claim_task(bench, "a", 3).await;
    assert!(claim(bench, "a").await.is_none());
    assert!(bench.store().list_due(9).await.unwrap().is_empty());
}

/// A worker gets only kinds that it knows, from queues that it serves.
pub(super) async fn only_what_was_asked_for(bench: &impl Bench) {
    let (mut other_kind, mut other_version) = (order(1, &[]), order(2, &[]));
    other_kind.kind = kind("other");
    other_version.kind.version = 2;
    let mut other_queue = order(3, &[]);
    "host-7".clone_into(&mut other_queue.queue);
    for order in [&other_kind, &other_version, &other_queue] {
        insert(bench, order).await;
    }
    assert!(claim(bench, "a").await.is_none());
    let mut wide = claim_by("a");
    wide.queues.push("host-7".to_owned());
    let claimed = bench.store().claim(&wide).await.unwrap().expect("its queue is served");
    assert_eq!(claimed.row.order, other_queue);
}

/// A lease that is not renewed ends by the store's time; the next claim has the next fence.
pub(super) async fn lease_runs_out(bench: &impl Bench) {
    insert(bench, &order(1, &[])).await;
    let fence = claim_task(bench, "a", 1).await;
    bench.pass(LEASE * 6 / 10).await;
    assert!(claim(bench, "b").await.is_none(), "the lease holds");
    assert!(!bench.store().renew(id(1), fence, LEASE).await.unwrap());
    bench.pass(LEASE * 6 / 10).await;
    assert!(claim(bench, "b").await.is_none(), "the renewed lease holds");
    bench.pass(LEASE).await;
    assert_eq!(bench.store().list_due(9).await.unwrap(), [id(1)]);
    let taken = claim(bench, "b").await.expect("the lease has run out");
    assert_eq!(taken.row.fence, fence.next());
    assert!(taken.row.started_at.unwrap() < taken.now, "the start stays the first one");
}

/// Of running tasks one has a key, even while it has no worker.
pub(super) async fn one_key_one_runner(bench: &impl Bench) {
    insert(bench, &order(1, &["disk"])).await;
    insert(bench, &order(2, &["server", "disk"])).await;
    insert(bench, &order(3, &["server"])).await;
    claim_task(bench, "a", 1).await;
    let third = claim_task(bench, "b", 3).await;
    assert!(claim(bench, "c").await.is_none(), "both keys are taken");
    bench.pass(LEASE * 2).await;
    let first = claim_task(bench, "c", 1).await;
    let ending = Ending { end: End::Succeeded, failure: None, completion: None };
    bench.store().end(id(1), first, &ending).await.unwrap();
    claim_task(bench, "c", 3).await;
    assert!(claim(bench, "c").await.is_none(), "one key is still taken");
    let ended = bench.store().end(id(3), third.next(), &ending).await;
    assert!(ended.is_ok(), "the second claim has the next fence");
    claim_task(bench, "c", 2).await;
}

/// A task that is cancelled while it waits is given at once, to be ended.
pub(super) async fn cancelled_before_it_ran(bench: &impl Bench) {
    insert(bench, &order(1, &["disk"])).await;
    insert(bench, &order(2, &["disk"])).await;
    claim_task(bench, "a", 1).await;
    assert!(claim(bench, "b").await.is_none());
    let answer = bench.store().request_cancel(id(2)).await.unwrap();
    assert_eq!(answer, CancelAnswer::Noted);
    let claimed = claim(bench, "b").await.expect("it will run no step");
    assert!(claimed.row.is_cancel_requested);
    let answer = bench.store().request_cancel(id(9)).await.unwrap();
    assert_eq!(answer, CancelAnswer::Unknown);
}

/// Of many that claim at once each task has one owner, and no key two.
pub(super) async fn simultaneous_claims(bench: &impl Bench) {
    for number in 1..=8 {
        let key = format!("disk-{}", number % 4);
        insert(bench, &order(number, &[&key])).await;
    }
    let workers: Vec<String> = (0..8).map(|number| format!("worker-{number}")).collect();
    // A database may refuse one of two that collide; a worker then polls again.
    let mut taken = Vec::new();
    for _ in 0..4 {
        let claims = workers.iter().map(|worker| claim(bench, worker));
        taken.extend(join_all(claims).await.into_iter().flatten());
        bench.pass(Duration::from_millis(1)).await;
    }
    let keys: BTreeSet<_> = taken.iter().map(|claimed| claimed.row.order.keys.clone()).collect();
    assert_eq!((taken.len(), keys.len()), (4, 4), "one task of each key");
}
