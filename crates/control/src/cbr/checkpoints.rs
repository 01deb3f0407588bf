//! Runs that make backups.

use std::time::Duration;

use strongroom_base::{ByteCount, Timestamp};
use strongroom_db::Tx;
use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::backup::{
    Backup, BackupName, BackupSource, BackupStatus, ImageType, backup_names, run_name,
};
use strongroom_model::checkpoint::{
    Checkpoint, CheckpointStatus, CheckpointView, Choice, LeftOut, choose,
};
use strongroom_model::description::Description;
use strongroom_model::disk::Disk;
use strongroom_model::resource::{
    BoundResource, ProtectStatus, ResourceType, ResourceUse, SourceState, VolumeSelection,
};
use strongroom_model::task::{TaskBackup, TaskDetails, TaskKind, TaskResource};
use strongroom_model::{BackupId, CheckpointId, Name, ResourceId, Vault, VaultId};

use super::NewResource;
use super::code::code_of;
use super::source::{Source, Sources};
use super::tasks::Order;
use super::vaults::locked;
use crate::caller::OpContext;
use crate::error::{Error, Noun};
use crate::service::Service;
use crate::workflow::{BackupParams, BackupWorkflow};

/// A run to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCheckpoint {
    /// Of this vault.
    pub vault_id: VaultId,
    /// The run's name; made up if none is given.
    pub name: Option<Name>,
    /// What its maker says about it.
    pub description: Description,
    /// By a policy.
    pub is_automatic: bool,
    /// False: everything is read and nothing is compared with the last backup (R76).
    pub is_incremental: bool,
    /// Of these resources; all if empty.
    pub resources: Vec<ResourceId>,
    /// Of these resources, with these disks left out; all if empty. It adds to `resources`.
    pub details: Vec<NewResource>,
    /// After how many days the backups expire.
    pub retention_days: Option<u32>,
}

impl NewCheckpoint {
    fn asked(&self) -> Vec<ResourceId> {
        let of_details = self.details.iter().map(|resource| resource.id);
        self.resources.iter().copied().chain(of_details).collect()
    }

    /// Which disks of a resource this run takes: those of the vault, without those left out here.
    fn volumes(&self, bound: &BoundResource) -> VolumeSelection {
        let mut volumes = bound.volumes.clone();
        for detail in self.details.iter().filter(|detail| detail.id == bound.id) {
            volumes.exclude.extend(&detail.volumes.exclude);
        }
        volumes
    }
}

/// A resource of the vault as a run finds it.
struct Found {
    bound: ResourceUse,
    volumes: VolumeSelection,
    /// None if its service does not know it any more.
    source: Option<Source>,
}

impl Service {
    /// Begins a run: one backup for each resource that can be backed up now (R67, R68).
    pub async fn checkpoint_create(
        &self,
        cx: &OpContext,
        new: NewCheckpoint,
    ) -> Result<CheckpointView, Error> {
        let subject = Some(new.vault_id.to_string());
        self.perform(cx, Action::VaultBackup, subject, || self.create_checkpoint(cx, &new)).await
    }

    async fn create_checkpoint(
        &self,
        cx: &OpContext,
        new: &NewCheckpoint,
    ) -> Result<CheckpointView, Error> {
        // Hosts are asked before the transaction: it must not wait for them.
        let in_use = self.resources_in_foreign_use(cx, new).await?;
        let tx = self.0.db.begin().await?;
        let stored = locked(&tx, cx, new.vault_id).await?;
        stored.vault.may_back_up(stored.used)?;
        let found = self.found_in(&tx, cx, new, &in_use).await?;
        let states: Vec<_> = found.iter().map(state_of).collect();
        let choice = choose(&states, &new.asked())?;
        let checkpoint = self.checkpoint_of(cx, new, &stored.vault, &choice, &found);
        tx.checkpoint_insert(&checkpoint).await?;
        tx.bound_set_status(&choice.chosen, ProtectStatus::Protecting).await?;
        self.begin_backups(&tx, cx, new, &stored.vault, &checkpoint, &choice, &found).await?;
        let subject = (Some(new.vault_id.to_string()), Some(stored.vault.name.to_string()));
        tx.audit_insert(&self.audit(cx, AuditEvent::CreateVaultBackup, subject.0, subject.1))
            .await?;
        tx.commit().await?;
        self.0.tasks.notify();
        let resources = found.into_iter().filter(|one| choice.chosen.contains(&one.id()));
        Ok(CheckpointView {
            checkpoint,
            status: CheckpointStatus::Protecting,
            vault_name: stored.vault.name,
            resources: resources.map(Found::protecting).collect(),
        })
    }

    /// Those of the run's resources with a disk that somebody has open.
    async fn resources_in_foreign_use(
        &self,
        cx: &OpContext,
        new: &NewCheckpoint,
    ) -> Result<Vec<ResourceId>, Error> {
        let asked = new.asked();
        let bound = self.0.db.bound_list(&[new.vault_id]).await?;
        let bound = bound.iter().map(|one| one.resource.id);
        let ids: Vec<_> = bound.filter(|id| asked.is_empty() || asked.contains(id)).collect();
        let sources = Sources::load(&self.0.db, cx.project, &ids).await?;
        let mut in_use = Vec::new();
        for id in ids {
            if let Some(source) = sources.get(id)
                && self.is_in_foreign_use(source.all_disks()).await?
            {
                in_use.push(id);
            }
        }
        Ok(in_use)
    }

    async fn found_in(
        &self,
        tx: &Tx,
        cx: &OpContext,
        new: &NewCheckpoint,
        in_use: &[ResourceId],
    ) -> Result<Vec<Found>, Error> {
        let bound = tx.bound_list(new.vault_id).await?;
        let ids: Vec<_> = bound.iter().map(|one| one.resource.id).collect();
        let sources = Sources::lock(tx, cx.project, &ids).await?;
        let found = bound.into_iter().map(|bound| {
            let id = bound.resource.id;
            let source = sources.get(id).cloned();
            let is_in_use = in_use.contains(&id);
            let source = source.map(|one| if is_in_use { one.in_foreign_use() } else { one });
            Found { volumes: new.volumes(&bound.resource), source, bound }
        });
        Ok(found.collect())
    }

    fn checkpoint_of(
        &self,
        cx: &OpContext,
        new: &NewCheckpoint,
        vault: &Vault,
        choice: &Choice,
        found: &[Found],
    ) -> Checkpoint {
        let rng = &*self.0.rng;
        Checkpoint {
            id: CheckpointId::random(rng),
            project_id: cx.project,
            vault_id: vault.id,
            name: run_name(new.name.clone(), new.is_automatic, &vault.backup_name_prefix, rng),
            description: new.description.clone(),
            is_automatic: new.is_automatic,
            retention_days: new.retention_days,
            skipped: left_out(choice, found),
            created_at: self.0.clock.now(),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all that a run has been found to be")]
    async fn begin_backups(
        &self,
        tx: &Tx,
        cx: &OpContext,
        new: &NewCheckpoint,
        vault: &Vault,
        checkpoint: &Checkpoint,
        choice: &Choice,
        found: &[Found],
    ) -> Result<(), Error> {
        let (mut rows, mut tasks) = (Vec::new(), Vec::new());
        let names = backup_names(&checkpoint.name, choice.chosen.len());
        let chosen = found.iter().filter(|one| choice.chosen.contains(&one.id()));
        for (number, (found, name)) in (0..).zip(chosen.zip(names)) {
            let Some(source) = &found.source else { continue };
            let mut parent = self.backup_of(checkpoint, found, source, name);
            // So that lists by time have them in the order of their names.
            parent.created_at = parent.created_at.plus(Duration::from_micros(number));
            let children = match source {
                Source::Server(..) => self.children_of(&parent, &source.disks(&found.volumes)),
                Source::Disk(_) => Vec::new(),
            };
            let params = BackupParams {
                backup: parent.id,
                vault: vault.id,
                resource: found.id(),
                disks: source.disks(&found.volumes).iter().map(|disk| disk.id).collect(),
                is_incremental: new.is_incremental,
            };
            let details = details_of(found, &parent);
            let order = Order {
                checkpoint: Some(checkpoint.id),
                ..Order::new(&cx.request_id, TaskKind::Backup, vault, details)
            };
            rows.push(parent);
            rows.extend(children);
            let keys = vec![format!("resource:{}", found.id())];
            tasks.push(self.ordered::<BackupWorkflow>(order, &params, keys)?);
        }
        tx.backup_insert(&rows).await?;
        Self::begin_ordered(tx, tasks).await
    }

    fn backup_of(
        &self,
        checkpoint: &Checkpoint,
        found: &Found,
        source: &Source,
        name: BackupName,
    ) -> Backup {
        let resource = &found.bound.resource;
        let zone = source.all_disks().first().and_then(|disk| disk.zone.clone());
        Backup {
            id: BackupId::random(&*self.0.rng),
            checkpoint_id: checkpoint.id,
            project_id: checkpoint.project_id,
            vault_id: checkpoint.vault_id,
            parent_id: None,
            name,
            description: checkpoint.description.clone(),
            status: BackupStatus::Protecting,
            image_type: ImageType::Backup,
            source: BackupSource {
                id: resource.id,
                resource_type: resource.resource_type,
                name: source.name().clone(),
                size_gigabytes: source.size_gigabytes(&found.volumes),
                zone,
            },
            is_automatic: checkpoint.is_automatic,
            is_incremental: false,
            is_encrypted: false,
            is_system_disk: false,
            created_at: checkpoint.created_at,
            updated_at: checkpoint.created_at,
            protected_at: None,
            expires_at: checkpoint.retention_days.map(|days| expiry(checkpoint.created_at, days)),
            manifest_id: None,
            stored: ByteCount(0),
        }
    }

    fn children_of(&self, parent: &Backup, disks: &[&Disk]) -> Vec<Backup> {
        let child = |disk: &&Disk| Backup {
            id: BackupId::random(&*self.0.rng),
            parent_id: Some(parent.id),
            name: parent.name.of_child(&disk.name),
            source: BackupSource {
                id: disk.id,
                resource_type: ResourceType::Disk,
                name: disk.name.clone(),
                size_gigabytes: disk.size_gigabytes(),
                zone: disk.zone.clone(),
            },
            is_system_disk: disk.attachment.is_some_and(|attachment| attachment.is_system),
            ..parent.clone()
        };
        disks.iter().map(child).collect()
    }

    /// One run; none when its last backup is gone (R75).
    pub async fn checkpoint_get(
        &self,
        cx: &OpContext,
        id: CheckpointId,
    ) -> Result<CheckpointView, Error> {
        self.authorize(cx, Action::BackupGet).await?;
        let absent = Error::NotFound(Noun::Checkpoint);
        let found = self.0.db.checkpoint_get_named(cx.project, id).await?;
        let Some((checkpoint, vault_name)) = found else { return Err(absent) };
        let backups = self.0.db.backup_list_of_checkpoint(id).await?;
        let states: Vec<_> = backups.iter().map(|backup| backup.status).collect();
        let Some(status) = CheckpointStatus::of(&states) else { return Err(absent) };
        let bound = self.0.db.bound_list(&[checkpoint.vault_id]).await?;
        let has_backup =
            |one: &ResourceUse| backups.iter().any(|backup| backup.source.id == one.resource.id);
        Ok(CheckpointView {
            checkpoint,
            status,
            vault_name,
            resources: bound.into_iter().filter(has_backup).collect(),
        })
    }
}

impl Found {
    fn id(&self) -> ResourceId {
        self.bound.resource.id
    }

    fn protecting(mut self) -> ResourceUse {
        self.bound.resource.status = ProtectStatus::Protecting;
        self.bound
    }
}

fn state_of(found: &Found) -> (BoundResource, SourceState) {
    let volumes = found.volumes.clone();
    let state = found.source.as_ref();
    let state = state.map_or(SourceState::Absent, |source| source.state(&volumes));
    (BoundResource { volumes, ..found.bound.resource.clone() }, state)
}

fn left_out(choice: &Choice, found: &[Found]) -> Vec<LeftOut> {
    let resource = |id| found.iter().map(|one| &one.bound.resource).find(|one| one.id == id);
    let skipped = choice.skipped.iter().filter_map(|skipped| {
        let resource = resource(skipped.id)?;
        Some(LeftOut {
            id: skipped.id,
            resource_type: resource.resource_type,
            name: resource.name.clone(),
            code: code_of(&skipped.reason).to_string(),
            reason: skipped.reason.to_string(),
        })
    });
    skipped.collect()
}

fn details_of(found: &Found, backup: &Backup) -> TaskDetails {
    TaskDetails {
        resource: Some(TaskResource {
            id: found.id(),
            resource_type: found.bound.resource.resource_type,
            name: backup.source.name.clone(),
        }),
        backup: Some(TaskBackup { id: backup.id, name: backup.name.clone() }),
        ..TaskDetails::default()
    }
}

/// When something that is kept for `days` goes.
fn expiry(from: Timestamp, days: u32) -> Timestamp {
    from.plus(Duration::from_hours(24 * u64::from(days)))
}
