//! Queries about servers.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, Order, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use strongroom_model::filter::ServerFilter;
use strongroom_model::page::Page;
use strongroom_model::server::Server;
use strongroom_model::{ProjectId, ResourceId};

use crate::entity::host_server::{ActiveModel, Column, Entity, Model};
use crate::page::Listing;
use crate::row::{Row, keys, micros};
use crate::{Db, DbError, Tx};

/// A page of servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerList {
    /// The servers of the page.
    pub servers: Vec<Server>,
    /// How many match on all pages.
    pub count: u64,
}

impl TryFrom<Model> for Server {
    type Error = DbError;

    fn try_from(row: Model) -> Result<Self, DbError> {
        let at = Row { table: "host_server", id: &row.id };
        Ok(Self {
            id: at.id("id", &row.id)?,
            project_id: at.id("project_id", &row.project_id)?,
            name: at.text("name", row.name)?,
            status: at.text("status", row.status)?,
            created_at: at.time("created_at", row.created_at)?,
            updated_at: at.time("updated_at", row.updated_at)?,
        })
    }
}

fn servers(rows: Vec<Model>) -> Result<Vec<Server>, DbError> {
    rows.into_iter().map(Server::try_from).collect()
}

/// What of a server's row may change.
fn changed(server: &Server) -> ActiveModel {
    ActiveModel {
        name: Set(server.name.to_string()),
        status: Set(server.status.to_string()),
        updated_at: Set(micros(server.updated_at)),
        ..ActiveModel::default()
    }
}

/// A project's servers, the newest first.
fn listing(project: ProjectId, filter: &ServerFilter) -> Listing<Entity> {
    let these = (!filter.ids.is_empty()).then(|| Column::Id.is_in(keys(&filter.ids)));
    let matching = Condition::all()
        .add_option(these)
        .add_option(filter.name.as_deref().map(|name| Column::Name.eq(name)))
        .add_option(filter.status.map(|status| Column::Status.eq(status.as_str())));
    Listing {
        query: "server_list",
        visible: Column::ProjectId.eq(project.to_string()).into(),
        matching,
        order: vec![(Column::CreatedAt, Order::Desc), (Column::Id, Order::Desc)],
        counter: None,
    }
}

async fn find(on: &impl ConnectionTrait, ids: &[ResourceId]) -> Result<Vec<Server>, DbError> {
    let query = Entity::find().filter(Column::Id.is_in(keys(ids))).order_by_asc(Column::Id);
    servers(query.all(on).await.map_err(DbError::of("server_find"))?)
}

impl Tx {
    /// Adds a server. `Conflict` when its id is another one's.
    pub async fn server_insert(&self, server: &Server) -> Result<(), DbError> {
        let row = ActiveModel {
            id: Set(server.id.to_string()),
            project_id: Set(server.project_id.to_string()),
            created_at: Set(micros(server.created_at)),
            ..changed(server)
        };
        let inserted = Entity::insert(row).exec_without_returning(&self.0).await;
        inserted.map(|_| ()).map_err(DbError::of("server_insert"))
    }

    /// Writes what changed of a server: all but its project and when it was made.
    pub async fn server_update(&self, server: &Server) -> Result<(), DbError> {
        let query = "server_update";
        let this = Column::Id.eq(server.id.to_string());
        let update = Entity::update_many().set(changed(server)).filter(this);
        let done = update.exec(&self.0).await.map_err(DbError::of(query))?;
        DbError::check_affected(query, 1, done.rows_affected)
    }

    /// Removes a project's server; whether there was one.
    pub async fn server_delete(&self, project: ProjectId, id: ResourceId) -> Result<bool, DbError> {
        let of_project = Column::ProjectId.eq(project.to_string());
        let delete = Entity::delete_many().filter(Column::Id.eq(id.to_string())).filter(of_project);
        let deleted = delete.exec(&self.0).await;
        deleted.map(|done| done.rows_affected > 0).map_err(DbError::of("server_delete"))
    }

    /// A server, which nobody else changes until the end of this transaction.
    pub async fn server_lock(&self, id: ResourceId) -> Result<Option<Server>, DbError> {
        let found = Entity::find_by_id(id.to_string()).lock_exclusive().one(&self.0).await;
        found.map_err(DbError::of("server_lock"))?.map(Server::try_from).transpose()
    }
}

impl Tx {
    /// Those of these servers that are there, in whichever project, by their ids.
    pub async fn server_find(&self, ids: &[ResourceId]) -> Result<Vec<Server>, DbError> {
        find(&self.0, ids).await
    }
}

impl Db {
    /// A project's server.
    pub async fn server_get(
        &self,
        project: ProjectId,
        id: ResourceId,
    ) -> Result<Option<Server>, DbError> {
        let of_project = Column::ProjectId.eq(project.to_string());
        let found = Entity::find_by_id(id.to_string()).filter(of_project).one(&self.read).await;
        found.map_err(DbError::of("server_get"))?.map(Server::try_from).transpose()
    }

    /// Those of these servers that are there, in whichever project, by their ids.
    pub async fn server_find(&self, ids: &[ResourceId]) -> Result<Vec<Server>, DbError> {
        find(&self.read, ids).await
    }

    /// A project's servers, the newest first; none at all when the page begins after a server that
    /// is not there.
    pub async fn server_list(
        &self,
        project: ProjectId,
        filter: &ServerFilter,
        page: &Page<ResourceId>,
    ) -> Result<Option<ServerList>, DbError> {
        let listing = listing(project, filter);
        let Some(found) = listing.read(&self.read, page).await? else { return Ok(None) };
        Ok(Some(ServerList { servers: servers(found.rows)?, count: found.count }))
    }

    /// The same without how many there are: one statement.
    pub async fn server_page(
        &self,
        project: ProjectId,
        filter: &ServerFilter,
        page: &Page<ResourceId>,
    ) -> Result<Option<Vec<Server>>, DbError> {
        listing(project, filter).read_rows(&self.read, page).await?.map(servers).transpose()
    }
}
