//! Lists the backups of a repository, as they stand in the store.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use strongroom_base::Timestamp;
use strongroom_base::ids::ManifestId;

use crate::control::FETCHES;
use crate::error::ReadError;
use crate::key;
use crate::manifest::{Manifest, ManifestDoc};
use crate::object::ObjectKey;
use crate::repository::Repository;

/// One backup of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupEntry {
    /// Its id.
    pub id: ManifestId,
    /// Its manifest.
    pub manifest: Manifest,
    /// When it was deleted, by the store's clock, if it was.
    pub deleted: Option<Timestamp>,
    /// Until when it may not be deleted, if a hold says so.
    pub held_until: Option<Timestamp>,
}

/// All backups of a repository, the oldest first.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Those that can be read, deleted ones included until they are collected.
    pub backups: Vec<BackupEntry>,
    /// Manifests that are there but cannot be read, and what says that backups are deleted or held
    /// and cannot be read: such a backup is listed as neither.
    pub damaged: Vec<ObjectKey>,
}

impl Catalog {
    /// The newest backup that is not deleted and has all these disks.
    pub fn latest(&self, disks: &[&str]) -> Option<&BackupEntry> {
        self.backups.iter().rev().find(|entry| {
            entry.deleted.is_none() && disks.iter().all(|name| entry.manifest.disk(name).is_some())
        })
    }
}

impl Repository {
    /// Lists the backups.
    pub async fn catalog(&self) -> Result<Catalog, ReadError> {
        let graves = self.load_graves().await?;
        let holds = self.list(key::HOLDS).await?;
        let holds = self.holds_of(&holds).await?;
        let listed = self.list(key::MANIFESTS).await?;
        let ids = listed
            .into_iter()
            .filter_map(|meta| key::name(&meta.key, key::MANIFESTS).and_then(key::parse_session));
        let mut docs = stream::iter(ids)
            .map(|id| async move { Ok::<_, ReadError>((id, self.read_manifest_doc(id).await)) })
            .buffered(FETCHES);
        let damaged = graves.unreadable().chain(&holds.unreadable).cloned().collect();
        let mut catalog = Catalog { backups: Vec::new(), damaged };
        while let Some((id, doc)) = docs.try_next().await? {
            match doc {
                Ok(Some(ManifestDoc::Backup(manifest))) => catalog.backups.push(BackupEntry {
                    id,
                    manifest,
                    deleted: graves.deleted_since(id),
                    held_until: holds.latest(id),
                }),
                Ok(Some(ManifestDoc::Tombstone { .. }) | None) => {}
                Err(ReadError::Damaged { key, .. }) => catalog.damaged.push(key),
                Err(error) => return Err(error),
            }
        }
        catalog.backups.sort_by_key(|entry| (entry.manifest.created, entry.id));
        Ok(catalog)
    }
}
