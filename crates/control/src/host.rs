//! Resources that an operator made known: disks of this host, and servers made of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_base::{Chain, ErrorClass};
use strongroom_db::{DbError, TaskSubject, Tx};
use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::description::Description;
use strongroom_model::disk::{Attachment, Disk, DiskImageFormat, DiskStatus};
use strongroom_model::filter::{DiskFilter, ServerFilter};
use strongroom_model::page::{Page, PageStart};
use strongroom_model::resource::{ProtectStatus, ResourceName};
use strongroom_model::server::{Server, ServerStatus};
use strongroom_model::{FieldError, Refusal, ResourceId};
use strongroom_provider::InspectError;

use crate::caller::OpContext;
use crate::cbr::{Source, Sources};
use crate::error::{Error, Noun};
use crate::service::Service;

/// A disk to make known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedDisk {
    /// Its name; the file's if none.
    pub name: Option<ResourceName>,
    /// Where it is, below a configured root.
    pub path: PathBuf,
    /// How its bytes are kept; found out if not said, but raw is never guessed.
    pub format: Option<DiskImageFormat>,
}

/// A resource to make known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adoption {
    /// A disk by itself.
    Disk(AdoptedDisk),
    /// A server; the first disk is the one it boots from.
    Server {
        /// Its name.
        name: ResourceName,
        /// Its disks, one at least.
        disks: Vec<AdoptedDisk>,
    },
}

/// A resource that was made known.
#[derive(Debug, Clone)]
pub enum Adopted {
    /// A disk by itself.
    Disk(Disk),
    /// A server with its disks.
    Server(Server, Vec<Disk>),
}

/// As many of a project's resources as one list has.
const ALL: u16 = strongroom_model::page::MOST_ROWS;

impl Service {
    /// Makes a resource known; needs the operator role.
    pub async fn resource_add(&self, cx: &OpContext, new: Adoption) -> Result<Adopted, Error> {
        self.perform(cx, Action::ResourceAdd, None, || self.add_resource(cx, &new)).await
    }

    async fn add_resource(&self, cx: &OpContext, new: &Adoption) -> Result<Adopted, Error> {
        let adopted = match new {
            Adoption::Disk(disk) => Adopted::Disk(self.looked_at(cx, disk, None).await?),
            Adoption::Server { name, disks } => self.server_of(cx, name, disks).await?,
        };
        let tx = self.0.db.begin().await?;
        let (id, name) = match &adopted {
            Adopted::Disk(disk) => {
                insert(&tx, disk).await?;
                (disk.id, disk.name.to_string())
            }
            Adopted::Server(server, disks) => {
                tx.server_insert(server).await?;
                for disk in disks {
                    insert(&tx, disk).await?;
                }
                (server.id, server.name.to_string())
            }
        };
        let event = AuditEvent::CreateResource;
        tx.audit_insert(&self.audit(cx, event, Some(id.to_string()), Some(name))).await?;
        tx.commit().await?;
        Ok(adopted)
    }

    async fn server_of(
        &self,
        cx: &OpContext,
        name: &ResourceName,
        disks: &[AdoptedDisk],
    ) -> Result<Adopted, Error> {
        if disks.is_empty() {
            return Err(FieldError::new("disks", "one disk at least").into());
        }
        let now = self.0.clock.now();
        let server = Server {
            id: ResourceId::random(&*self.0.rng),
            project_id: cx.project,
            name: name.clone(),
            status: ServerStatus::Shutoff,
            created_at: now,
            updated_at: now,
        };
        let mut found = Vec::with_capacity(disks.len());
        for (position, disk) in (0..).zip(disks) {
            let is_system = position == 0;
            let attachment = Attachment { server: server.id, position, is_system };
            found.push(self.looked_at(cx, disk, Some(attachment)).await?);
        }
        Ok(Adopted::Server(server, found))
    }

    async fn looked_at(
        &self,
        cx: &OpContext,
        new: &AdoptedDisk,
        attachment: Option<Attachment>,
    ) -> Result<Disk, Error> {
        let provider = Arc::clone(&self.0.provider);
        let (path, format) = (new.path.clone(), new.format);
        let looked = tokio::task::spawn_blocking(move || provider.inspect(&path, format)).await;
        let facts = looked.map_err(Error::internal)?.map_err(unusable)?;
        let path = facts.place.path.to_str();
        let path = path.ok_or(FieldError::new("path", "a path in UTF-8"))?.to_owned();
        let name = if let Some(name) = &new.name {
            name.clone()
        } else {
            let file = facts.place.path.file_stem().and_then(|stem| stem.to_str());
            ResourceName::parse(file.unwrap_or("disk"))?
        };
        let now = self.0.clock.now();
        Ok(Disk {
            id: ResourceId::random(&*self.0.rng),
            project_id: cx.project,
            user_id: cx.caller.user_id,
            name,
            description: Description::default(),
            status: if attachment.is_some() { DiskStatus::InUse } else { DiskStatus::Available },
            size: facts.size,
            format: facts.place.format,
            path,
            attachment,
            is_managed: false,
            volume_type: "SSD".to_owned(),
            zone: self.zone(),
            metadata: BTreeMap::new(),
            is_multiattach: false,
            created_at: now,
            updated_at: now,
        })
    }

    /// All of them, the disks of servers inside these.
    pub async fn resource_list(&self, cx: &OpContext) -> Result<Vec<Adopted>, Error> {
        self.authorize(cx, Action::ResourceList).await?;
        let mut all = Vec::new();
        let mut start = PageStart::Offset(0);
        loop {
            let page = Page { limit: ALL, start };
            let found = self.0.db.server_list(cx.project, &ServerFilter::default(), &page).await?;
            let servers = found.map(|list| list.servers).unwrap_or_default();
            let Some(last) = servers.last().map(|server| server.id) else { break };
            start = PageStart::After(last);
            let servers = self.with_disks(servers).await?;
            all.extend(servers.into_iter().map(|(server, disks)| Adopted::Server(server, disks)));
        }
        let mut start = PageStart::Offset(0);
        loop {
            let page = Page { limit: ALL, start };
            let found = self.0.db.disk_list(cx.project, &DiskFilter::default(), &page).await?;
            let disks = found.map(|list| list.disks).unwrap_or_default();
            let Some(last) = disks.last().map(|disk| disk.id) else { break };
            start = PageStart::After(last);
            let alone = disks.into_iter().filter(|disk| disk.attachment.is_none());
            all.extend(alone.map(Adopted::Disk));
        }
        Ok(all)
    }

    /// One of them.
    pub async fn resource_show(&self, cx: &OpContext, id: ResourceId) -> Result<Adopted, Error> {
        self.authorize(cx, Action::ResourceShow).await?;
        let sources = Sources::load(&self.0.db, cx.project, &[id]).await?;
        match sources.get(id) {
            Some(Source::Disk(disk)) => Ok(Adopted::Disk(disk.clone())),
            Some(Source::Server(server, _)) => {
                let found = self.with_disks(vec![server.clone()]).await?;
                let found = found.into_iter().next().ok_or(Error::NotFound(Noun::Resource))?;
                Ok(Adopted::Server(found.0, found.1))
            }
            None => Err(Error::NotFound(Noun::Resource)),
        }
    }

    /// Forgets a resource; its files and its backups stay. One that a task works on, or that is a
    /// server's disk, is not forgotten.
    pub async fn resource_remove(&self, cx: &OpContext, id: ResourceId) -> Result<(), Error> {
        let subject = Some(id.to_string());
        self.perform(cx, Action::ResourceRemove, subject, || self.remove_resource(cx, id)).await
    }

    async fn remove_resource(&self, cx: &OpContext, id: ResourceId) -> Result<(), Error> {
        let tx = self.0.db.begin().await?;
        let sources = Sources::lock(&tx, cx.project, &[id]).await?;
        let source = sources.get(id).ok_or(Error::NotFound(Noun::Resource))?;
        if !tx.task_running_of(TaskSubject::Resources(&[id])).await?.is_empty() {
            return Err(Refusal::ResourceBusy { resource: id }.into());
        }
        match source {
            Source::Disk(disk) if disk.attachment.is_some() => {
                return Err(Refusal::DiskNotDetached { disk: id }.into());
            }
            Source::Disk(_) => drop(tx.disk_delete(cx.project, id).await?),
            Source::Server(_, disks) => {
                for disk in disks {
                    tx.disk_delete(cx.project, disk.id).await?;
                }
                tx.server_delete(cx.project, id).await?;
            }
        }
        tx.bound_set_status(&[id], ProtectStatus::Error).await?;
        let (event, name) = (AuditEvent::DeleteResource, source.name().to_string());
        tx.audit_insert(&self.audit(cx, event, Some(id.to_string()), Some(name))).await?;
        Ok(tx.commit().await?)
    }
}

/// A path is unique: a disk has one id, in one project.
async fn insert(tx: &Tx, disk: &Disk) -> Result<(), Error> {
    match tx.disk_insert(disk).await {
        Err(DbError::Conflict { .. }) => {
            Err(FieldError::new("path", "the path of a disk that is not known yet").into())
        }
        inserted => Ok(inserted?),
    }
}

/// What an operator is told of a disk that cannot be adopted: it is their host.
fn unusable(error: InspectError) -> Error {
    match error.class() {
        ErrorClass::Permanent => Error::Unusable { why: Chain(&error).to_string() },
        _ => Error::internal(error),
    }
}
