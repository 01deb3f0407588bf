//! What every task store must do: one suite for the one in memory and those over databases.

mod claims;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use strongroom_base::Timestamp;
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::TaskId;

use crate::store::{Claim, Claimed, TaskStore};
use crate::task::{Fence, Kind, NewTask, WorkerId};

/// A store to be tried, with a hand on its time.
pub trait Bench: Send + Sync {
    /// The store, empty at first.
    fn store(&self) -> Arc<dyn TaskStore>;

    /// Lets this much of the store's own time pass.
    fn pass(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// Tries a store; `make` gives a new, empty one for each part. Panics where it breaks its contract.
pub async fn store_suite<B: Bench>(make: impl AsyncFn() -> B) {
    claims::oldest_first(&make().await).await;
    claims::only_what_was_asked_for(&make().await).await;
    claims::lease_runs_out(&make().await).await;
    claims::one_key_one_runner(&make().await).await;
    claims::cancelled_before_it_ran(&make().await).await;
    claims::simultaneous_claims(&make().await).await;
    writes::stale_writes_change_nothing(&make().await).await;
    writes::repeated_writes_change_nothing(&make().await).await;
    writes::log_has_no_gaps(&make().await).await;
    writes::one_end(&make().await).await;
    writes::released_task_is_free_and_keeps_its_keys(&make().await).await;
    writes::cancel_is_told_at_renewal(&make().await).await;
    writes::row_keeps_progress_and_failure(&make().await).await;
}

/// The lease of all claims of the suite.
const LEASE: Duration = Duration::from_secs(10);

fn id(number: u8) -> TaskId {
    TaskId([number; 16])
}

/// A task ordered at second `number`.
fn order(number: u8, keys: &[&str]) -> NewTask {
    NewTask {
        id: id(number),
        kind: kind("suite"),
        queue: "default".to_owned(),
        params: json!({ "number": number, "text": "ä \" \\ \u{1f512}" }),
        keys: keys.iter().map(|&key| key.to_owned()).collect(),
        request: format!("req-{number}"),
        created_at: Timestamp(u64::from(number) * 1_000_000),
    }
}

fn kind(workflow: &str) -> Kind {
    Kind { workflow: workflow.to_owned(), version: 1 }
}

fn claim_by(worker: &str) -> Claim {
    Claim {
        worker: WorkerId(worker.to_owned()),
        kinds: vec![kind("suite")],
        queues: vec!["default".to_owned()],
        lease: LEASE,
    }
}

async fn insert(bench: &impl Bench, order: &NewTask) {
    bench.store().insert(order).await.unwrap();
}

/// Claims whatever comes, as `worker`.
async fn claim(bench: &impl Bench, worker: &str) -> Option<Claimed> {
    bench.store().claim(&claim_by(worker)).await.unwrap()
}

/// Claims, and expects the task of this number; gives the fence.
async fn claim_task(bench: &impl Bench, worker: &str, number: u8) -> Fence {
    let claimed = claim(bench, worker).await.expect("there is a task to claim");
    assert_eq!(claimed.row.order.id, id(number), "the wrong task was given");
    claimed.row.fence
}
