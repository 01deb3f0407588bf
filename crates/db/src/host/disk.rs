//! Queries about disks.
//!
//! # Invariants
//! - DB-6: no two disks are in one place, whatever their projects.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, Order, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use strongroom_base::{ByteCount, Timestamp};
use strongroom_model::disk::{Attachment, Disk, DiskStatus};
use strongroom_model::filter::DiskFilter;
use strongroom_model::page::Page;
use strongroom_model::{ProjectId, ResourceId};

use crate::entity::host_disk::{ActiveModel, Column, Entity, Model};
use crate::page::Listing;
use crate::row::{Row, json, keys, micros, number};
use crate::{Db, DbError, Tx};

/// A page of disks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskList {
    /// The disks of the page.
    pub disks: Vec<Disk>,
    /// How many match on all pages.
    pub count: u64,
}

impl TryFrom<Model> for Disk {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let at = Row { table: "host_disk", id: &row.id };
        let attachment = match (row.server_id, row.position, row.is_system) {
            (None, None, None) => None,
            (Some(server), Some(position), Some(is_system)) => Some(Attachment {
                server: at.id("server_id", &server)?,
                position: at.read("position", u32::try_from(position))?,
                is_system,
            }),
            _ => return Err(at.wrong("server_id")),
        };
        Ok(Self {
            id: at.id("id", &row.id)?,
            project_id: at.id("project_id", &row.project_id)?,
            user_id: at.id("user_id", &row.user_id)?,
            name: at.text("name", row.name)?,
            description: at.text("description", row.description)?,
            status: at.text("status", row.status)?,
            size: ByteCount(at.number("size_bytes", row.size_bytes)?),
            format: at.text("format", row.format)?,
            path: row.path,
            attachment,
            is_managed: row.is_managed,
            volume_type: row.volume_type,
            zone: at.text_option("zone", row.zone)?,
            metadata: at.json("metadata", &row.metadata)?,
            is_multiattach: row.is_multiattach,
            created_at: at.time("created_at", row.created_at)?,
            updated_at: at.time("updated_at", row.updated_at)?,
        })
    }
}

fn disks(rows: Vec<Model>) -> Result<Vec<Disk>, DbError> {
    rows.into_iter().map(Disk::try_from).collect()
}

/// What of a disk's row may change.
fn changed(disk: &Disk) -> ActiveModel {
    let attachment = disk.attachment.as_ref();
    ActiveModel {
        name: Set(disk.name.to_string()),
        description: Set(disk.description.to_string()),
        status: Set(disk.status.to_string()),
        size_bytes: Set(number(disk.size.0)),
        format: Set(disk.format.to_string()),
        path: Set(disk.path.clone()),
        server_id: Set(attachment.map(|to| to.server.to_string())),
        position: Set(attachment.map(|to| to.position.into())),
        is_system: Set(attachment.map(|to| to.is_system)),
        is_managed: Set(disk.is_managed),
        volume_type: Set(disk.volume_type.clone()),
        zone: Set(disk.zone.as_ref().map(ToString::to_string)),
        metadata: Set(json(&disk.metadata)),
        is_multiattach: Set(disk.is_multiattach),
        updated_at: Set(micros(disk.updated_at)),
        ..ActiveModel::default()
    }
}

/// A project's disks, the newest first.
fn listing(project: ProjectId, filter: &DiskFilter) -> Listing<Entity> {
    let these = (!filter.ids.is_empty()).then(|| Column::Id.is_in(keys(&filter.ids)));
    let matching = Condition::all()
        .add_option(these)
        .add_option(filter.name.as_deref().map(|name| Column::Name.eq(name)))
        .add_option(filter.status.map(|status| Column::Status.eq(status.as_str())))
        .add_option(filter.server.map(|server| Column::ServerId.eq(server.to_string())));
    Listing {
        query: "disk_list",
        visible: Column::ProjectId.eq(project.to_string()).into(),
        matching,
        order: vec![(Column::CreatedAt, Order::Desc), (Column::Id, Order::Desc)],
        counter: None,
    }
}

/// The disks of servers, each one's in their order.
async fn of_servers(
    on: &impl ConnectionTrait,
    servers: &[ResourceId],
) -> Result<Vec<Disk>, DbError> {
    let query = Entity::find()
        .filter(Column::ServerId.is_in(keys(servers)))
        .order_by_asc(Column::ServerId)
        .order_by_asc(Column::Position)
        .order_by_asc(Column::Id);
    disks(query.all(on).await.map_err(DbError::of("disk_list_of_servers"))?)
}

impl Tx {
    /// Adds a disk. `Conflict` when its id or its place is another one's.
    pub async fn disk_insert(&self, disk: &Disk) -> Result<(), DbError> {
        let row = ActiveModel {
            id: Set(disk.id.to_string()),
            project_id: Set(disk.project_id.to_string()),
            user_id: Set(disk.user_id.to_string()),
            created_at: Set(micros(disk.created_at)),
            ..changed(disk)
        };
        let inserted = Entity::insert(row).exec_without_returning(&self.0).await;
        inserted.map(|_| ()).map_err(DbError::of("disk_insert"))
    }

    /// Writes what changed of a disk: all but its project, its maker and when it was made.
    pub async fn disk_update(&self, disk: &Disk) -> Result<(), DbError> {
        let query = "disk_update";
        let this = Column::Id.eq(disk.id.to_string());
        let update = Entity::update_many().set(changed(disk)).filter(this);
        let done = update.exec(&self.0).await.map_err(DbError::of(query))?;
        DbError::check_affected(query, 1, done.rows_affected)
    }

    /// Sets the state of disks; all of them must be there, each is named once.
    pub async fn disk_set_status(
        &self,
        ids: &[ResourceId],
        status: DiskStatus,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let query = "disk_set_status";
        let update = Entity::update_many()
            .col_expr(Column::Status, Expr::value(status.as_str()))
            .col_expr(Column::UpdatedAt, Expr::value(micros(now)))
            .filter(Column::Id.is_in(keys(ids)));
        let done = update.exec(&self.0).await.map_err(DbError::of(query))?;
        DbError::check_affected(query, ids.len() as u64, done.rows_affected)
    }

    /// Removes a project's disk; whether there was one.
    pub async fn disk_delete(&self, project: ProjectId, id: ResourceId) -> Result<bool, DbError> {
        let of_project = Column::ProjectId.eq(project.to_string());
        let delete = Entity::delete_many().filter(Column::Id.eq(id.to_string())).filter(of_project);
        let deleted = delete.exec(&self.0).await;
        deleted.map(|done| done.rows_affected > 0).map_err(DbError::of("disk_delete"))
    }

    /// A disk, which nobody else changes until the end of this transaction.
    pub async fn disk_lock(&self, id: ResourceId) -> Result<Option<Disk>, DbError> {
        let found = Entity::find_by_id(id.to_string()).lock_exclusive().one(&self.0).await;
        found.map_err(DbError::of("disk_lock"))?.map(Disk::try_from).transpose()
    }

    /// Those of these disks that are there, by their ids; nobody else changes them until the end of
    /// this transaction.
    pub async fn disk_lock_all(&self, ids: &[ResourceId]) -> Result<Vec<Disk>, DbError> {
        let query = Entity::find().filter(Column::Id.is_in(keys(ids))).order_by_asc(Column::Id);
        let found = query.lock_exclusive().all(&self.0).await;
        disks(found.map_err(DbError::of("disk_lock_all"))?)
    }

    /// The disks of servers, by the servers' ids and in their order.
    pub async fn disk_list_of_servers(&self, servers: &[ResourceId]) -> Result<Vec<Disk>, DbError> {
        of_servers(&self.0, servers).await
    }

    /// The disks of a server in their order.
    pub async fn disk_list_of_server(&self, server: ResourceId) -> Result<Vec<Disk>, DbError> {
        of_servers(&self.0, &[server]).await
    }
}

impl Db {
    /// A project's disk.
    pub async fn disk_get(
        &self,
        project: ProjectId,
        id: ResourceId,
    ) -> Result<Option<Disk>, DbError> {
        let of_project = Column::ProjectId.eq(project.to_string());
        let found = Entity::find_by_id(id.to_string()).filter(of_project).one(&self.read).await;
        found.map_err(DbError::of("disk_get"))?.map(Disk::try_from).transpose()
    }

    /// Those of these disks that are there, in whichever project, by their ids.
    pub async fn disk_find(&self, ids: &[ResourceId]) -> Result<Vec<Disk>, DbError> {
        let query = Entity::find().filter(Column::Id.is_in(keys(ids))).order_by_asc(Column::Id);
        disks(query.all(&self.read).await.map_err(DbError::of("disk_find"))?)
    }

    /// The disk in a place, in whichever project.
    pub async fn disk_by_path(&self, path: &str) -> Result<Option<Disk>, DbError> {
        let found = Entity::find().filter(Column::Path.eq(path)).one(&self.read).await;
        found.map_err(DbError::of("disk_by_path"))?.map(Disk::try_from).transpose()
    }

    /// A project's disks, the newest first; none at all when the page begins after a disk that is
    /// not there.
    pub async fn disk_list(
        &self,
        project: ProjectId,
        filter: &DiskFilter,
        page: &Page<ResourceId>,
    ) -> Result<Option<DiskList>, DbError> {
        let listing = listing(project, filter);
        let Some(found) = listing.read(&self.read, page).await? else { return Ok(None) };
        Ok(Some(DiskList { disks: disks(found.rows)?, count: found.count }))
    }

    /// The same without how many there are: one statement.
    pub async fn disk_page(
        &self,
        project: ProjectId,
        filter: &DiskFilter,
        page: &Page<ResourceId>,
    ) -> Result<Option<Vec<Disk>>, DbError> {
        listing(project, filter).read_rows(&self.read, page).await?.map(disks).transpose()
    }

    /// The disks of servers, by the servers' ids and in their order.
    pub async fn disk_list_of_servers(&self, servers: &[ResourceId]) -> Result<Vec<Disk>, DbError> {
        of_servers(&self.read, servers).await
    }
}
