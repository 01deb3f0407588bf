//! Audit records: written in the transaction of what they tell of.

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use strongroom_model::ProjectId;
use strongroom_model::audit::{Actor, AuditEvent, AuditOutcome, AuditRecord};
use strongroom_model::name::AccountName;

use crate::entity::audit_record::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros};
use crate::{Db, DbError, Tx};

impl TryFrom<Model> for AuditRecord {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let id = row.id.to_string();
        let at = Row { table: "audit_record", id: &id };
        let actor = match (row.user_id, row.user_name) {
            (Some(id), Some(name)) => {
                let name = at.read("user_name", AccountName::parse(&name))?;
                Actor::User { id: at.id("user_id", &id)?, name }
            }
            (None, None) => Actor::Service,
            _ => return Err(at.wrong("user_id")),
        };
        Ok(Self {
            at: at.time("at", row.at)?,
            event: at.read("event", AuditEvent::parse(&row.event))?,
            subject_id: row.subject_id,
            subject_name: row.subject_name,
            outcome: at.read("outcome", AuditOutcome::parse(&row.outcome))?,
            code: row.code,
            actor,
            project_id: at.id("project_id", &row.project_id)?,
            request_id: row.request_id,
        })
    }
}

impl Tx {
    /// Adds a record.
    pub async fn audit_insert(&self, record: &AuditRecord) -> Result<(), DbError> {
        let (user_id, user_name) = match &record.actor {
            Actor::User { id, name } => (Some(id.to_string()), Some(name.to_string())),
            Actor::Service => (None, None),
        };
        let row = ActiveModel {
            id: NotSet,
            at: Set(micros(record.at)),
            event: Set(record.event.to_string()),
            subject_id: Set(record.subject_id.clone()),
            subject_name: Set(record.subject_name.clone()),
            outcome: Set(record.outcome.to_string()),
            code: Set(record.code.clone()),
            user_id: Set(user_id),
            user_name: Set(user_name),
            project_id: Set(record.project_id.to_string()),
            request_id: Set(record.request_id.clone()),
        };
        let inserted = Entity::insert(row).exec_without_returning(&self.0).await;
        inserted.map(|_| ()).map_err(DbError::of("audit_insert"))
    }
}

impl Db {
    /// A project's newest records, the newest first.
    pub async fn audit_list(
        &self,
        project: ProjectId,
        limit: u64,
    ) -> Result<Vec<AuditRecord>, DbError> {
        let query = Entity::find()
            .filter(Column::ProjectId.eq(project.to_string()))
            .order_by_desc(Column::At)
            .order_by_desc(Column::Id)
            .limit(limit);
        let found = query.all(&self.read).await.map_err(DbError::of("audit_list"))?;
        found.into_iter().map(AuditRecord::try_from).collect()
    }
}
