//! Writing backups back.

use strongroom_db::{TaskSubject, Tx};
use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::backup::{Activity, Backup, BackupStatus, Mapping, TargetDisk, TargetServer};
use strongroom_model::disk::{Disk, DiskStatus};
use strongroom_model::resource::{ProtectStatus, ResourceType};
use strongroom_model::server::ServerStatus;
use strongroom_model::task::{TaskBackup, TaskDetails, TaskKind, TaskResource};
use strongroom_model::{BackupId, FieldError, Refusal, ResourceId, TaskId, Vault};

use super::backups::{locked_backup, vault_of_backup};
use super::source::{Source, Sources};
use super::tasks::Order;
use crate::caller::OpContext;
use crate::error::{Error, Noun};
use crate::service::Service;
use crate::workflow::{RestoreParams, RestoreWorkflow, Write};

/// A restore to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRestore {
    /// The server, for a server's backup.
    pub server_id: Option<ResourceId>,
    /// Which disk each child is written to; its own if empty (R84).
    pub mappings: Vec<Mapping>,
    /// The disk, for a disk's backup.
    pub volume_id: Option<ResourceId>,
    /// Start the server afterwards; a server without a hypervisor stays off.
    pub power_on: bool,
}

/// What is written where, by the rules.
struct Plan {
    target: Source,
    writes: Vec<Write>,
    disks: Vec<Disk>,
}

impl Service {
    /// Begins a restore; the answer is its task (R90).
    pub async fn backup_restore(
        &self,
        cx: &OpContext,
        id: BackupId,
        new: NewRestore,
    ) -> Result<TaskId, Error> {
        let subject = Some(id.to_string());
        self.perform(cx, Action::BackupRestore, subject, || self.restore(cx, id, &new)).await
    }

    async fn restore(
        &self,
        cx: &OpContext,
        id: BackupId,
        new: &NewRestore,
    ) -> Result<TaskId, Error> {
        let found = self.0.db.backup_get(cx.project, id).await?;
        let found = found.ok_or(Error::NotFound(Noun::Backup))?.backup;
        let target = target_of(&found, new)?;
        let is_in_use = self.target_in_foreign_use(cx, target).await?;
        let tx = self.0.db.begin().await?;
        let stored = vault_of_backup(&tx, cx, found.vault_id).await?;
        let backup = locked_backup(&tx, cx, id).await?;
        let children = tx.backup_children(&[id]).await?;
        // Its disks are nobody else's until the end of this.
        let sources = Sources::lock(&tx, cx.project, &[target]).await?;
        if sources.get(target).is_none() && target != backup.source.id {
            return Err(Refusal::TargetNotSource { target }.into());
        }
        let source = sources.of(target, backup.source.resource_type)?.clone();
        let source = if is_in_use { source.in_foreign_use() } else { source };
        let plan = plan(&tx, &stored.vault, &backup, &children, source, new).await?;
        let task =
            self.begin_restore(&tx, cx, &stored.vault, &backup, &children, plan, new).await?;
        let subject = (Some(id.to_string()), Some(backup.name.to_string()));
        tx.audit_insert(&self.audit(cx, AuditEvent::RestoreBackup, subject.0, subject.1)).await?;
        tx.commit().await?;
        self.0.tasks.notify();
        Ok(task)
    }

    async fn target_in_foreign_use(
        &self,
        cx: &OpContext,
        target: ResourceId,
    ) -> Result<bool, Error> {
        let sources = Sources::load(&self.0.db, cx.project, &[target]).await?;
        match sources.get(target) {
            Some(source) => self.is_in_foreign_use(source.all_disks()).await,
            None => Ok(false),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all that a restore has been found to be")]
    async fn begin_restore(
        &self,
        tx: &Tx,
        cx: &OpContext,
        vault: &Vault,
        backup: &Backup,
        children: &[Backup],
        plan: Plan,
        new: &NewRestore,
    ) -> Result<TaskId, Error> {
        let now = self.0.clock.now();
        let ids: Vec<_> =
            std::iter::once(backup.id).chain(children.iter().map(|child| child.id)).collect();
        tx.backup_set_status(&ids, BackupStatus::Restoring, now).await?;
        tx.bound_set_status(&[backup.source.id], ProtectStatus::Restoring).await?;
        let disks: Vec<_> = plan.disks.iter().map(|disk| disk.id).collect();
        tx.disk_set_status(&disks, DiskStatus::RestoringBackup, now).await?;
        let details = TaskDetails {
            resource: Some(TaskResource {
                id: backup.source.id,
                resource_type: backup.source.resource_type,
                name: plan.target.name().clone(),
            }),
            backup: Some(TaskBackup { id: backup.id, name: backup.name.clone() }),
            note: note(&plan.target, new),
            ..TaskDetails::default()
        };
        let order = Order {
            checkpoint: Some(backup.checkpoint_id),
            ..Order::new(&cx.request_id, TaskKind::Restore, vault, details)
        };
        let keys = plan.writes.iter().map(|write| format!("resource:{}", write.disk));
        let keys = keys.chain([format!("resource:{}", backup.source.id)]);
        let keys: std::collections::BTreeSet<_> = keys.collect();
        let params = RestoreParams { backup: backup.id, vault: vault.id, writes: plan.writes };
        let keys = keys.into_iter().collect();
        self.begin_task::<RestoreWorkflow>(tx, order, &params, keys).await
    }
}

/// What the task says about starting the server.
fn note(target: &Source, new: &NewRestore) -> Option<String> {
    (matches!(target, Source::Server(..)) && new.power_on)
        .then(|| "the server has no hypervisor here and was not started".to_owned())
}

/// The resource that a request names (R83, R84).
fn target_of(backup: &Backup, new: &NewRestore) -> Result<ResourceId, FieldError> {
    match backup.source.resource_type {
        ResourceType::Server => {
            new.server_id.ok_or(FieldError::new("server_id", "the id of the server"))
        }
        _ => new.volume_id.ok_or(FieldError::new("volume_id", "the id of the disk")),
    }
}

async fn plan(
    tx: &Tx,
    vault: &Vault,
    backup: &Backup,
    children: &[Backup],
    target: Source,
    new: &NewRestore,
) -> Result<Plan, Error> {
    let ids: Vec<_> = target.all_disks().iter().map(|disk| disk.id).collect();
    let activity = activity_of(tx, &ids, backup.source.id).await?;
    let writes = match &target {
        Source::Disk(disk) => {
            backup.may_restore_to_disk(vault, &target_disk(disk, activity))?;
            vec![write_of(disk, backup)]
        }
        Source::Server(server, disks) => {
            let target = TargetServer {
                id: server.id,
                status: match server.status {
                    ServerStatus::Unknown => ServerStatus::Error,
                    status => status,
                },
                disks: disks.iter().map(|disk| target_disk(disk, Activity::Idle)).collect(),
                activity,
            };
            let mappings = backup.may_restore_to_server(vault, children, &target, &new.mappings)?;
            mappings.iter().filter_map(|mapping| mapped(mapping, disks, children)).collect()
        }
    };
    let is_written = |disk: &&Disk| writes.iter().any(|write| write.disk == disk.id);
    let disks = target.all_disks().iter().filter(is_written).cloned().collect();
    Ok(Plan { target, writes, disks })
}

fn mapped(mapping: &Mapping, disks: &[Disk], children: &[Backup]) -> Option<Write> {
    let child = children.iter().find(|child| child.id == mapping.backup)?;
    disks.iter().find(|disk| disk.id == mapping.disk).map(|disk| write_of(disk, child))
}

fn write_of(disk: &Disk, backup: &Backup) -> Write {
    Write {
        name: backup.source.id.to_string(),
        disk: disk.id,
        was_spoilt: disk.status == DiskStatus::ErrorRestoring,
    }
}

fn target_disk(disk: &Disk, activity: Activity) -> TargetDisk {
    TargetDisk {
        id: disk.id,
        size_gigabytes: disk.size_gigabytes(),
        status: disk.status,
        is_system: disk.attachment.is_some_and(|attachment| attachment.is_system),
        activity,
    }
}

/// What the service is doing with a resource or one of its disks.
async fn activity_of(
    tx: &Tx,
    disks: &[ResourceId],
    resource: ResourceId,
) -> Result<Activity, Error> {
    let ids: Vec<_> = disks.iter().copied().chain([resource]).collect();
    let tasks = tx.task_running_of(TaskSubject::Resources(&ids)).await?;
    let has = |kind: TaskKind| tasks.iter().any(|task| task.kind == kind);
    Ok(if has(TaskKind::Restore) {
        Activity::Restoring
    } else if has(TaskKind::Backup) {
        Activity::BackingUp
    } else {
        Activity::Idle
    })
}
