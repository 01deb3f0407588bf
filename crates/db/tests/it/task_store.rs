//! The task store does what the runtime expects of every store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use strongroom_base::clock::BoxFuture;
use strongroom_base::rng::SeededRng;
use strongroom_base::{ErrorClass, Timestamp};
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Scratch;
use strongroom_db::{Completions, Db, DbError, DbTaskStore, Tx};
use strongroom_model::Task;
use strongroom_model::task::{Deletions, Percent, TaskDetails, TaskFailure, TaskStatus};
use strongroom_task::testing::{Bench, store_suite};
use strongroom_task::{
    Claim, Completion, End, Ending, Failure, Fence, Kind, Measure, NewTask, Record, State, TaskRow,
    TaskStore, WorkerId,
};

use crate::on_both;
use crate::plan::NoCompletions;
use crate::world::{PROJECT, task, task_id, with_projects, write};

on_both!(
    task_store_keeps_its_contract,
    users_see_a_backup_come_and_go,
    users_see_what_the_runtime_has_whatever_happens,
);

struct Real {
    store: DbTaskStore,
    _scratch: Scratch,
}

impl Bench for Real {
    fn store(&self) -> Arc<dyn TaskStore> {
        Arc::new(self.store.clone())
    }

    fn pass(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.store.pass(time);
        Box::pin(async {})
    }
}

// proves: TASK-1
async fn task_store_keeps_its_contract(dialect: Dialect) {
    store_suite(async || {
        let scratch = Scratch::new(dialect).await;
        let store = DbTaskStore::new(scratch.db.clone(), Arc::new(NoCompletions));
        Real { store, _scratch: scratch }
    })
    .await;
}

const LEASE: Duration = Duration::from_secs(10);

/// Writes into the task's details how many deletions the completion tells of.
struct Count;

impl Completions for Count {
    fn complete<'a>(
        &'a self,
        tx: &'a Tx,
        task: &'a TaskRow,
        completion: &'a Completion,
    ) -> BoxFuture<'a, Result<(), DbError>> {
        Box::pin(async {
            let total = completion.0.as_u64().unwrap();
            let deletions = Some(Deletions { total, failed: 0 });
            let details = TaskDetails { deletions, ..TaskDetails::default() };
            tx.task_set_details(task.order.id, &details).await
        })
    }
}

/// A store with tasks that users see.
struct Shown {
    store: DbTaskStore,
    db: Db,
    _scratch: Scratch,
}

impl Shown {
    async fn new(dialect: Dialect, tasks: u64) -> Self {
        let scratch = with_projects(dialect).await;
        let db = scratch.db.clone();
        write(&db, async |tx| {
            for number in 1..=tasks {
                let order = NewTask {
                    id: task_id(number),
                    kind: Kind { workflow: "backup".to_owned(), version: 1 },
                    queue: "default".to_owned(),
                    params: json!({}),
                    keys: Vec::new(),
                    request: "req-1".to_owned(),
                    created_at: Timestamp(number / 2),
                };
                tx.task_insert(&[order]).await.unwrap();
                tx.task_insert_shown(&[task(number)]).await.unwrap();
            }
        })
        .await;
        let store = DbTaskStore::new(db.clone(), Arc::new(Count));
        Self { store, db, _scratch: scratch }
    }

    async fn claim(&self) -> Option<(u64, Fence)> {
        let claim = Claim {
            worker: WorkerId("a".to_owned()),
            kinds: vec![Kind { workflow: "backup".to_owned(), version: 1 }],
            queues: vec!["default".to_owned()],
            lease: LEASE,
        };
        let row = self.store.claim(&claim).await.unwrap()?.row;
        Some((row.order.id.0[15].into(), row.fence))
    }

    /// What users see, after it was compared with what the runtime has.
    async fn see(&self, number: u64) -> Task {
        let shown = self.db.task_get(PROJECT, task_id(number)).await.unwrap().unwrap();
        let row = self.store.load(task_id(number)).await.unwrap().unwrap().row;
        assert_eq!((shown.started_at, shown.ended_at), (row.started_at, row.ended_at));
        let fits = match row.state {
            State::Waiting => shown.status == TaskStatus::Waiting,
            State::Running => match shown.status {
                TaskStatus::Running => !row.is_cancel_requested,
                TaskStatus::Cancelling => row.is_cancel_requested,
                status => status == TaskStatus::Unwinding,
            },
            State::Ended(end) => {
                let failure = row.failure.map(|it| (it.code, it.message));
                assert_eq!(shown.failure.clone().map(|it| (it.code, it.message)), failure);
                shown.status == ended(end)
            }
        };
        assert!(fits, "{} shown of {:?}", shown.status, row.state);
        assert_eq!(shown.status.has_ended(), shown.ended_at.is_some());
        shown
    }
}

fn ended(end: End) -> TaskStatus {
    match end {
        End::Succeeded => TaskStatus::Success,
        End::Failed => TaskStatus::Failed,
        End::Skipped => TaskStatus::Skipped,
        End::Cancelled => TaskStatus::Cancelled,
        End::TimedOut => TaskStatus::Timeout,
        End::Stuck => TaskStatus::Stuck,
    }
}

fn measure(done: u64, total: u64) -> Measure {
    Measure { done, total, ..Measure::default() }
}

fn failure() -> Failure {
    Failure::new(ErrorClass::Permanent, "BackupService.0001", "it is \"broken\"")
}

fn unwind(end: End) -> [Record; 1] {
    [Record::Unwind { end, failure: Some(failure()) }]
}

async fn users_see_a_backup_come_and_go(dialect: Dialect) {
    let bench = Shown::new(dialect, 2).await;
    assert_eq!(bench.see(1).await, task(1));
    let (number, fence) = bench.claim().await.unwrap();
    let (store, id) = (&bench.store, task_id(number));
    let shown = bench.see(1).await;
    assert_eq!(shown.status, TaskStatus::Running);
    assert_eq!(shown.started_at, Some(shown.updated_at));
    store.measure(id, fence, &measure(50, 200)).await.unwrap();
    let shown = bench.see(1).await;
    assert_eq!((shown.progress.get(), shown.bytes_done, shown.bytes_total), (25, 50, 200));
    // The next part is measured by itself.
    store.measure(id, fence, &measure(1, 1000)).await.unwrap();
    let shown = bench.see(1).await;
    assert_eq!((shown.progress.get(), shown.bytes_done, shown.bytes_total), (25, 1, 1000));
    store.append(id, fence, 0, &unwind(End::Failed)).await.unwrap();
    assert_eq!(bench.see(1).await.status, TaskStatus::Unwinding);
    let end = Ending {
        end: End::Failed,
        failure: Some(failure()),
        completion: Some(Completion(json!(3))),
    };
    store.end(id, fence, &end).await.unwrap();
    let shown = bench.see(1).await;
    let Failure { code, message, .. } = failure();
    assert_eq!(shown.failure, Some(TaskFailure { code, message }));
    assert_eq!(shown.details.deletions, Some(Deletions { total: 3, failed: 0 }));
    assert_eq!((shown.progress.get(), shown.ended_at), (25, Some(shown.updated_at)));
    // The other one is cancelled while it waits, and its worker finds that it went well already.
    store.request_cancel(task_id(2)).await.unwrap();
    assert_eq!(bench.see(2).await.status, TaskStatus::Waiting);
    let (number, fence) = bench.claim().await.unwrap();
    assert_eq!(bench.see(2).await.status, TaskStatus::Cancelling);
    let end = Ending { end: End::Succeeded, failure: None, completion: None };
    store.end(task_id(number), fence, &end).await.unwrap();
    let shown = bench.see(2).await;
    assert_eq!((shown.status, shown.progress), (TaskStatus::Success, Percent::WHOLE));
}

/// What a history knows of a task.
#[derive(Debug, Default)]
struct Known {
    fence: Fence,
    progress: Percent,
    is_unwound: bool,
}

/// Does one of all things to a task, or claims any; some are refused, and then change nothing.
async fn act(bench: &Shown, rng: &SeededRng, known: &mut BTreeMap<u64, Known>) {
    let (store, number) = (&bench.store, 1 + rng.below(known.len() as u64));
    let id = task_id(number);
    let of = known.get_mut(&number).unwrap();
    let fence = if rng.below(8) == 0 { Fence(0) } else { of.fence };
    match rng.below(9) {
        0 | 1 => {
            if let Some((number, fence)) = bench.claim().await {
                known.get_mut(&number).unwrap().fence = fence;
            }
        }
        2 => store.pass(LEASE),
        3 => drop(store.request_cancel(id).await.unwrap()),
        4 => drop(store.release(id, fence).await),
        5 => {
            let measure = measure(rng.below(100), 1 + rng.below(100));
            drop(store.measure(id, fence, &measure).await);
        }
        6 if !of.is_unwound => {
            let row = store.load(id).await.unwrap().unwrap().row;
            let end = if row.is_cancel_requested { End::Cancelled } else { End::TimedOut };
            of.is_unwound = store.append(id, fence, 0, &unwind(end)).await.is_ok();
        }
        7 => {
            let ends = [End::Succeeded, End::Failed, End::Skipped, End::Cancelled, End::Stuck];
            let Some(end) = ends.get(usize::try_from(rng.below(8)).unwrap()) else { return };
            let failure = (*end != End::Succeeded).then(failure);
            drop(store.end(id, fence, &Ending { end: *end, failure, completion: None }).await);
        }
        _ => drop(store.renew(id, fence, LEASE).await),
    }
}

// proves: DB-8
async fn users_see_what_the_runtime_has_whatever_happens(dialect: Dialect) {
    const TASKS: u64 = 8;
    let (bench, rng) = (Shown::new(dialect, TASKS).await, SeededRng::new(5));
    let mut known: BTreeMap<u64, Known> = (1..=TASKS).map(|n| (n, Known::default())).collect();
    for _ in 0..300 {
        act(&bench, &rng, &mut known).await;
        for (number, of) in &mut known {
            let shown = bench.see(*number).await;
            assert!(shown.progress >= of.progress, "it went back");
            of.progress = shown.progress;
        }
    }
    let mut ended = 0;
    for number in 1..=TASKS {
        ended += u32::from(bench.see(number).await.status.has_ended());
    }
    assert!(ended > 2, "the story goes somewhere: {ended}");
    assert!(known.values().any(|of| of.is_unwound && of.progress > Percent::default()));
}
