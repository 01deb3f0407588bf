//! Disks and servers as their own services show them.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_base::ByteCount;
use strongroom_db::TaskSubject;
use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::description::Description;
use strongroom_model::disk::{Disk, DiskStatus};
use strongroom_model::filter::{DiskFilter, ServerFilter};
use strongroom_model::page::Page;
use strongroom_model::resource::{ProtectStatus, ResourceName};
use strongroom_model::server::{Server, ServerStatus};
use strongroom_model::zone::AvailabilityZone;
use strongroom_model::{FieldError, Refusal, ResourceId};

use crate::caller::OpContext;
use crate::cbr::UNKNOWN_MARKER;
use crate::engine::place_of;
use crate::error::{Error, Noun};
use crate::service::Service;

/// An empty disk to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDisk {
    /// Its name.
    pub name: ResourceName,
    /// What its maker says about it.
    pub description: Description,
    /// 1 to 32768 gigabytes.
    pub size_gigabytes: u64,
    /// A word that is kept and shown.
    pub volume_type: String,
    /// Kept and shown.
    pub zone: Option<AvailabilityZone>,
    /// Kept and shown.
    pub metadata: BTreeMap<String, String>,
    /// Kept and shown.
    pub is_multiattach: bool,
}

/// Sizes of a data disk, in gigabytes (EVS-9 without its lower bound, for small labs).
const SIZES: std::ops::RangeInclusive<u64> = 1..=32768;

impl Service {
    /// The project's disks.
    pub async fn disk_list(
        &self,
        cx: &OpContext,
        filter: &DiskFilter,
        page: &Page<ResourceId>,
    ) -> Result<(Vec<Disk>, u64), Error> {
        self.authorize(cx, Action::VolumeList).await?;
        let list = self.0.db.disk_list(cx.project, filter, page).await?.ok_or(UNKNOWN_MARKER)?;
        Ok((list.disks, list.count))
    }

    /// One disk.
    pub async fn disk_get(&self, cx: &OpContext, id: ResourceId) -> Result<Disk, Error> {
        self.authorize(cx, Action::VolumeGet).await?;
        self.0.db.disk_get(cx.project, id).await?.ok_or(Error::NotFound(Noun::Disk))
    }

    /// Makes an empty disk below a root that allows it. The row comes first, with the place of the
    /// file: what a crash leaves of both can be deleted.
    pub async fn disk_create(&self, cx: &OpContext, new: NewDisk) -> Result<Disk, Error> {
        self.perform(cx, Action::VolumeCreate, None, || self.create_disk(cx, &new)).await
    }

    async fn create_disk(&self, cx: &OpContext, new: &NewDisk) -> Result<Disk, Error> {
        if !SIZES.contains(&new.size_gigabytes) {
            return Err(FieldError::new("size", "1 to 32768 gigabytes").into());
        }
        let disk = self.disk_of(cx, new)?;
        let tx = self.0.db.begin().await?;
        tx.disk_insert(&disk).await?;
        let subject = (Some(disk.id.to_string()), Some(disk.name.to_string()));
        tx.audit_insert(&self.audit(cx, AuditEvent::CreateVolume, subject.0, subject.1)).await?;
        tx.commit().await?;
        match self.make_file(&disk).await {
            Ok(()) => self.finish_disk(&disk).await,
            Err(error) => {
                self.give_up_disk(&disk).await;
                Err(error)
            }
        }
    }

    /// The file is there. If the disk was deleted meanwhile, the file goes after it.
    async fn finish_disk(&self, disk: &Disk) -> Result<Disk, Error> {
        let tx = self.0.db.begin().await?;
        let found = tx.disk_lock(disk.id).await?;
        if found.is_none_or(|found| found.status != DiskStatus::Creating) {
            drop(tx);
            self.remove_file(disk).await?;
            return Err(Error::NotFound(Noun::Disk));
        }
        let disk = Disk { status: DiskStatus::Available, ..disk.clone() };
        tx.disk_update(&disk).await?;
        tx.commit().await?;
        Ok(disk)
    }

    /// There may be a file. If it or the row cannot be removed now, the row stays and can be deleted.
    async fn give_up_disk(&self, disk: &Disk) {
        let given_up = async {
            self.remove_file(disk).await?;
            let tx = self.0.db.begin().await?;
            tx.disk_delete(disk.project_id, disk.id).await?;
            Ok::<_, Error>(tx.commit().await?)
        };
        if let Err(error) = given_up.await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, disk.id = %disk.id, "a disk that could not be made stays");
        }
    }

    fn disk_of(&self, cx: &OpContext, new: &NewDisk) -> Result<Disk, Error> {
        let id = ResourceId::random(&*self.0.rng);
        let place = self.0.provider.managed_place(&id.to_string()).map_err(Error::internal)?;
        let now = self.0.clock.now();
        Ok(Disk {
            id,
            project_id: cx.project,
            user_id: cx.caller.user_id,
            name: new.name.clone(),
            description: new.description.clone(),
            status: DiskStatus::Creating,
            size: ByteCount(new.size_gigabytes << 30),
            format: place.format,
            path: place.path.to_string_lossy().into_owned(),
            attachment: None,
            is_managed: true,
            volume_type: new.volume_type.clone(),
            zone: new.zone.clone().or_else(|| self.zone()),
            metadata: new.metadata.clone(),
            is_multiattach: new.is_multiattach,
            created_at: now,
            updated_at: now,
        })
    }

    async fn make_file(&self, disk: &Disk) -> Result<(), Error> {
        let provider = Arc::clone(&self.0.provider);
        let (name, size) = (disk.id.to_string(), disk.size.0);
        let make = move || provider.create(&name, size).map(drop);
        tokio::task::spawn_blocking(make).await.map_err(Error::internal)?.map_err(Error::internal)
    }

    async fn remove_file(&self, disk: &Disk) -> Result<(), Error> {
        let provider = Arc::clone(&self.0.provider);
        let place = place_of(disk);
        let remove = move || provider.remove(&place);
        tokio::task::spawn_blocking(remove).await.map_err(Error::internal)?.map_err(Error::internal)
    }

    /// Removes a disk that was made here, with its file. Its backups stay (EVS-17).
    pub async fn disk_delete(&self, cx: &OpContext, id: ResourceId) -> Result<(), Error> {
        let subject = Some(id.to_string());
        self.perform(cx, Action::VolumeDelete, subject, || self.delete_disk(cx, id)).await
    }

    /// The file goes before the row: a disk whose file is gone can be deleted again.
    async fn delete_disk(&self, cx: &OpContext, id: ResourceId) -> Result<(), Error> {
        let tx = self.0.db.begin().await?;
        let disk = tx.disk_lock(id).await?.filter(|disk| disk.project_id == cx.project);
        let disk = disk.ok_or(Error::NotFound(Noun::Disk))?;
        let is_busy = !tx.task_running_of(TaskSubject::Resources(&[id])).await?.is_empty();
        let is_deletable = disk.is_managed && disk.attachment.is_none();
        if is_busy || !is_deletable || !disk.status.can_be_deleted() {
            return Err(Refusal::DiskNotProtectable { disk: id }.into());
        }
        let deleting = Disk { status: DiskStatus::Deleting, ..disk.clone() };
        tx.disk_update(&deleting).await?;
        tx.commit().await?;
        let removed = self.remove_file(&disk).await;
        let tx = self.0.db.begin().await?;
        if tx.disk_lock(id).await?.is_none() {
            // Somebody else deleted it at the same time.
            return Err(Error::NotFound(Noun::Disk));
        }
        if let Err(error) = removed {
            tx.disk_update(&Disk { status: DiskStatus::ErrorDeleting, ..disk }).await?;
            tx.commit().await?;
            return Err(error);
        }
        tx.disk_delete(cx.project, id).await?;
        tx.bound_set_status(&[id], ProtectStatus::Error).await?;
        let subject = (Some(id.to_string()), Some(disk.name.to_string()));
        tx.audit_insert(&self.audit(cx, AuditEvent::DeleteVolume, subject.0, subject.1)).await?;
        Ok(tx.commit().await?)
    }

    /// The project's servers, each with its disks.
    pub async fn server_list(
        &self,
        cx: &OpContext,
        filter: &ServerFilter,
        page: &Page<ResourceId>,
    ) -> Result<(Vec<(Server, Vec<Disk>)>, u64), Error> {
        self.authorize(cx, Action::ServerList).await?;
        let list = self.0.db.server_list(cx.project, filter, page).await?.ok_or(UNKNOWN_MARKER)?;
        Ok((self.with_disks(list.servers).await?, list.count))
    }

    /// One server with its disks.
    pub async fn server_get(
        &self,
        cx: &OpContext,
        id: ResourceId,
    ) -> Result<(Server, Vec<Disk>), Error> {
        self.authorize(cx, Action::ServerGet).await?;
        let found = self.0.db.server_get(cx.project, id).await?;
        let server = found.ok_or(Error::NotFound(Noun::Server))?;
        let found = self.with_disks(vec![server]).await?;
        found.into_iter().next().ok_or(Error::NotFound(Noun::Server))
    }

    /// Servers with their disks. One whose disks somebody has open is shown as running.
    pub(crate) async fn with_disks(
        &self,
        servers: Vec<Server>,
    ) -> Result<Vec<(Server, Vec<Disk>)>, Error> {
        let ids: Vec<_> = servers.iter().map(|server| server.id).collect();
        let mut disks = BTreeMap::<ResourceId, Vec<Disk>>::new();
        for disk in self.0.db.disk_list_of_servers(&ids).await? {
            if let Some(attachment) = disk.attachment {
                disks.entry(attachment.server).or_default().push(disk);
            }
        }
        let mut found = Vec::with_capacity(servers.len());
        for server in servers {
            let of_server = disks.remove(&server.id).unwrap_or_default();
            let is_running = self.is_in_foreign_use(&of_server).await?;
            let status = if is_running { ServerStatus::Active } else { server.status };
            found.push((Server { status, ..server }, of_server));
        }
        Ok(found)
    }
}
