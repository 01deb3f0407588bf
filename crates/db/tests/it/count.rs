//! Counters are what the tables have, whatever happens at once.

use std::cell::RefCell;

use futures_util::future::join_all;
use strongroom_base::rng::SeededRng;
use strongroom_base::{ByteCount, Timestamp};
use strongroom_db::dialect::Dialect;
use strongroom_db::{Db, DbError};
use strongroom_model::backup::Backup;
use strongroom_model::filter::{BackupFilter, TaskFilter, TimeWindow};
use strongroom_model::page::Page;
use strongroom_model::sort::Sort;
use strongroom_model::{BackupId, ResourceId, Task};

use crate::on_both;
use crate::world::{
    OTHER, PROJECT, backup, bound, checkpoint, child, resource_id, task, vault, vault_id,
    with_vaults, write,
};

on_both!(counters_are_what_the_tables_have);

const WORKERS: u64 = 6;
const STEPS: u64 = 25;
const RESOURCES: u64 = 3;
const BYTES: u64 = 7;

/// What the workers do to one project.
struct Story<'a> {
    db: &'a Db,
    rng: SeededRng,
    next: RefCell<u64>,
    /// Committed backups, and of which resource they are.
    there: RefCell<Vec<(BackupId, ResourceId)>>,
}

impl Story<'_> {
    fn new_number(&self) -> u64 {
        *self.next.borrow_mut() += 10;
        *self.next.borrow()
    }

    async fn step(&self) -> Result<(), DbError> {
        let is_kept = self.rng.below(4) > 0;
        let victim = {
            let mut there = self.there.borrow_mut();
            let some = usize::try_from(self.rng.below(there.len() as u64 + 1)).unwrap();
            let is_there = some < there.len() && self.rng.below(2) == 0;
            is_there.then(|| there.swap_remove(some))
        };
        match victim {
            Some(victim) => self.remove(victim, is_kept).await,
            None => self.add(is_kept).await,
        }
    }

    /// A run of one or two backups, one of them with children, and a task for it.
    async fn add(&self, is_kept: bool) -> Result<(), DbError> {
        let (number, resource) = (self.new_number(), resource_id(self.rng.below(RESOURCES)));
        let mut source = backup(number).source;
        source.id = resource;
        let whole = |number| Backup { source: source.clone(), ..backup(number) };
        let mut backups = vec![whole(number), child(number + 1, number), child(number + 2, number)];
        if self.rng.below(2) == 0 {
            backups.push(whole(number + 3));
        }
        let whole = backups.iter().filter(|backup| backup.parent_id.is_none());
        let whole: Vec<_> = whole.map(|backup| (backup.id, resource)).collect();
        let count = i64::try_from(whole.len()).unwrap();
        let tx = self.db.begin().await?;
        tx.backup_insert(&backups).await?;
        let bytes = count * i64::try_from(BYTES).unwrap();
        assert!(tx.bound_count_backup(resource, count, bytes).await?);
        tx.task_insert_shown(&[task(number)]).await?;
        if is_kept {
            tx.commit().await?;
            self.there.borrow_mut().extend(whole);
        }
        Ok(())
    }

    async fn remove(&self, victim: (BackupId, ResourceId), is_kept: bool) -> Result<(), DbError> {
        let tx = self.db.begin().await?;
        assert!(tx.backup_delete(victim.0).await?);
        let bytes = i64::try_from(BYTES).unwrap();
        assert!(tx.bound_count_backup(victim.1, -1, -bytes).await?);
        if is_kept {
            tx.commit().await?;
        } else {
            self.there.borrow_mut().push(victim);
        }
        Ok(())
    }
}

/// Everything, without a counter: a filter that all rows pass.
fn since_ever() -> TimeWindow {
    TimeWindow { from: Some(Timestamp(0)), to: None }
}

async fn count_backups(db: &Db, filter: &BackupFilter) -> u64 {
    let page = Page::new(Some(1), None, None).unwrap();
    db.backup_list(PROJECT, filter, &Sort::default(), &page).await.unwrap().unwrap().count
}

// proves: DB-4
async fn counters_are_what_the_tables_have(dialect: Dialect) {
    let scratch = with_vaults(dialect, &[vault(1)]).await;
    let db = &scratch.db;
    write(db, async |tx| {
        tx.checkpoint_insert(&checkpoint(1)).await.unwrap();
        let resources: Vec<_> = (0..RESOURCES).map(bound).collect();
        tx.bound_insert(&resources, PROJECT).await.unwrap();
        // Another project's are not counted here.
        let elsewhere = Task { project_id: OTHER, ..task(1) };
        tx.task_insert_shown(&[elsewhere]).await.unwrap();
        let elsewhere = Backup { project_id: OTHER, ..backup(1) };
        tx.backup_insert(&[elsewhere]).await.unwrap();
    })
    .await;
    let (next, there) = (RefCell::new(100), RefCell::default());
    let story = Story { db, rng: SeededRng::new(11), next, there };
    let work = async |_| {
        for _ in 0..STEPS {
            story.step().await.unwrap();
        }
    };
    join_all((0..WORKERS).map(work)).await;
    let there = story.there.into_inner();
    let window = BackupFilter { created: since_ever(), ..BackupFilter::default() };
    let counted = count_backups(db, &BackupFilter::default()).await;
    assert_eq!((counted, count_backups(db, &window).await), (there.len() as u64, counted));
    let page = Page::new(Some(1), None, None).unwrap();
    let count = async |filter: TaskFilter| {
        db.task_list(PROJECT, &filter, &page).await.unwrap().unwrap().count
    };
    let window = TaskFilter { created: since_ever(), ..TaskFilter::default() };
    let tasks = count(TaskFilter::default()).await;
    assert!(tasks > 0 && tasks == count(window).await, "{tasks}");
    for of in db.bound_list(&[vault_id(1)]).await.unwrap() {
        let resource_id = Some(of.resource.id);
        let filter = BackupFilter { resource_id, ..BackupFilter::default() };
        assert_eq!(of.backup_count, count_backups(db, &filter).await);
        assert_eq!(of.backup_bytes, ByteCount(of.backup_count * BYTES));
    }
}
