//! What a test left undone.

use std::fmt;

use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

use crate::Db;
use crate::entity::{task, task_held_key};

/// Tasks that have not ended, and keys that are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenWork {
    /// Tasks that wait or run.
    pub tasks: u64,
    /// Keys of running tasks.
    pub held_keys: u64,
}

impl OpenWork {
    /// Counts it.
    pub async fn of(db: &Db) -> Result<Self, DbErr> {
        let open = task::Entity::find().filter(task::Column::State.ne("ended"));
        let tasks = open.count(&db.read).await?;
        let held_keys = task_held_key::Entity::find().count(&db.read).await?;
        Ok(Self { tasks, held_keys })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.tasks == 0 && self.held_keys == 0
    }
}

impl fmt::Display for OpenWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} open tasks, {} held keys", self.tasks, self.held_keys)
    }
}
