//! Resources as their services have them now.

use std::collections::BTreeMap;

use strongroom_db::{Db, Tx};
use strongroom_model::disk::{Disk, DiskStatus};
use strongroom_model::resource::{ResourceName, ResourceType, SourceState, VolumeSelection};
use strongroom_model::server::{Server, ServerStatus};
use strongroom_model::{ProjectId, ResourceId};

use crate::error::{Error, Noun};

/// A server or a disk.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Server(Server, Vec<Disk>),
    Disk(Disk),
}

impl Source {
    pub(crate) fn id(&self) -> ResourceId {
        match self {
            Self::Server(server, _) => server.id,
            Self::Disk(disk) => disk.id,
        }
    }

    pub(crate) fn name(&self) -> &ResourceName {
        match self {
            Self::Server(server, _) => &server.name,
            Self::Disk(disk) => &disk.name,
        }
    }

    /// The disks that a backup of it takes, the system disk first.
    pub(crate) fn disks(&self, volumes: &VolumeSelection) -> Vec<&Disk> {
        match self {
            Self::Server(_, disks) => {
                disks.iter().filter(|disk| volumes.contains(disk.id)).collect()
            }
            Self::Disk(disk) => vec![disk],
        }
    }

    /// How large they are together.
    pub(crate) fn size_gigabytes(&self, volumes: &VolumeSelection) -> u64 {
        self.disks(volumes).iter().map(|disk| disk.size_gigabytes()).sum()
    }

    /// As the rules want to know it. A server with a disk that a restore left half written, or that
    /// is otherwise out of order, is no better than that disk, unless it is left out.
    pub(crate) fn state(&self, volumes: &VolumeSelection) -> SourceState {
        match self {
            Self::Server(server, disks) => SourceState::Server {
                status: if self.disks(volumes).iter().all(|disk| disk.status.can_be_protected()) {
                    server.status
                } else {
                    ServerStatus::Error
                },
                disks: disks.iter().map(|disk| disk.id).collect(),
            },
            Self::Disk(disk) => SourceState::Disk { status: disk.status },
        }
    }

    /// Every disk of it.
    pub(crate) fn all_disks(&self) -> &[Disk] {
        match self {
            Self::Server(_, disks) => disks,
            Self::Disk(disk) => std::slice::from_ref(disk),
        }
    }

    /// As it is while somebody has one of its disks open whom we cannot ask to hold still: nothing
    /// is backed up or restored then.
    #[must_use]
    pub(crate) fn in_foreign_use(self) -> Self {
        match self {
            Self::Server(server, disks) => {
                Self::Server(Server { status: ServerStatus::Unknown, ..server }, disks)
            }
            Self::Disk(disk) => Self::Disk(Disk { status: DiskStatus::Error, ..disk }),
        }
    }
}

/// Some resources of one project.
#[derive(Debug, Default)]
pub(crate) struct Sources(BTreeMap<ResourceId, Source>);

impl Sources {
    /// Looks `ids` up; those of other projects are not there.
    pub(crate) async fn load(
        db: &Db,
        project: ProjectId,
        ids: &[ResourceId],
    ) -> Result<Self, Error> {
        let mut disks = db.disk_find(ids).await?;
        let servers = db.server_find(ids).await?;
        let server_ids: Vec<_> = servers.iter().map(|server| server.id).collect();
        if !server_ids.is_empty() {
            disks.extend(db.disk_list_of_servers(&server_ids).await?);
        }
        Ok(Self::of_rows(project, ids, servers, disks))
    }

    /// The same of one id, of which it is known what it is of.
    pub(crate) async fn load_of(
        db: &Db,
        project: ProjectId,
        kind: ResourceType,
        id: ResourceId,
    ) -> Result<Self, Error> {
        let (servers, disks) = match kind {
            ResourceType::Disk => (Vec::new(), db.disk_find(&[id]).await?),
            ResourceType::Server => {
                (db.server_find(&[id]).await?, db.disk_list_of_servers(&[id]).await?)
            }
            ResourceType::Share => (Vec::new(), Vec::new()),
        };
        Ok(Self::of_rows(project, &[id], servers, disks))
    }

    /// The same in a transaction, until the end of which nobody changes any disk of them. Disks are
    /// taken by their ids, after vaults and backups, as everywhere.
    pub(crate) async fn lock(
        tx: &Tx,
        project: ProjectId,
        ids: &[ResourceId],
    ) -> Result<Self, Error> {
        let of_servers = tx.disk_list_of_servers(ids).await?;
        let of_servers = of_servers.iter().map(|disk| disk.id);
        let disk_ids: Vec<_> = ids.iter().copied().chain(of_servers).collect();
        let disks = tx.disk_lock_all(&disk_ids).await?;
        // A server goes together with its disks: what is there now stays until the end.
        let servers = tx.server_find(ids).await?;
        Ok(Self::of_rows(project, ids, servers, disks))
    }

    fn of_rows(
        project: ProjectId,
        ids: &[ResourceId],
        servers: Vec<Server>,
        disks: Vec<Disk>,
    ) -> Self {
        let mut of_server = BTreeMap::<_, BTreeMap<_, Disk>>::new();
        let mut found = BTreeMap::new();
        for disk in disks.into_iter().filter(|disk| disk.project_id == project) {
            if let Some(to) = disk.attachment {
                let place = (to.position, disk.id);
                of_server.entry(to.server).or_default().insert(place, disk.clone());
            }
            if ids.contains(&disk.id) {
                found.insert(disk.id, Source::Disk(disk));
            }
        }
        for server in servers.into_iter().filter(|server| server.project_id == project) {
            let disks = of_server.remove(&server.id).unwrap_or_default().into_values().collect();
            found.insert(server.id, Source::Server(server, disks));
        }
        Self(found)
    }

    /// One that a request names (R36).
    pub(crate) fn of(&self, id: ResourceId, kind: ResourceType) -> Result<&Source, Error> {
        match (self.0.get(&id), kind) {
            (Some(source @ Source::Disk(_)), ResourceType::Disk)
            | (Some(source @ Source::Server(..)), ResourceType::Server) => Ok(source),
            (_, ResourceType::Disk) => Err(Error::NotFound(Noun::Disk)),
            (_, ResourceType::Server) => Err(Error::NotFound(Noun::Server)),
            (_, ResourceType::Share) => Err(Error::NotFound(Noun::Resource)),
        }
    }

    /// One that may be gone.
    pub(crate) fn get(&self, id: ResourceId) -> Option<&Source> {
        self.0.get(&id)
    }
}
