//! Audit records: who changed what, or tried to.
//!
//! # Invariants
//! - MODEL-6: looking at something is never recorded: [`AuditEvent::of`] knows no event for it,
//!   and it knows one for everything else.
//! - A record is written in the transaction of the change that it tells of.

use strongroom_base::Timestamp;

use crate::action::Action;
use crate::id::{ProjectId, UserId};
use crate::name::AccountName;
use crate::word::words;

words! {
    /// What happened, in the words of the trace service (contract, section 2). From `createResource`
    /// on the names are ours, made in the same way.
    AuditEvent in "trace_name" {
        /// A vault was made.
        CreateVault = "createVault",
        /// A vault was changed.
        UpdateVault = "updateVault",
        /// A vault was deleted.
        DeleteVault = "deleteVault",
        /// Resources were put into a vault.
        AddResources = "addResources",
        /// Resources were taken out of a vault.
        RemoveResources = "removeResources",
        /// A run of a vault was asked for.
        CreateVaultBackup = "createVaultBackup",
        /// The backups of a vault or of resources went with them.
        DeleteVaultBackup = "deleteVaultBackup",
        /// A tag was put on a vault.
        CreateVaultTag = "createVaultTag",
        /// A tag was taken off a vault.
        DeleteVaultTag = "deleteVaultTag",
        /// Tags were put on a vault, or taken off.
        BulkVaultTags = "bulkCreateDeleteVaultTag",
        /// The backup of one resource ended.
        CreateBackup = "createBackup",
        /// A backup was renamed.
        UpdateBackup = "updateBackup",
        /// A backup was deleted.
        DeleteBackup = "deleteBackup",
        /// A backup was restored.
        RestoreBackup = "restoreBackup",
        /// A disk of a host was adopted.
        CreateResource = "createResource",
        /// An adopted disk was given up.
        DeleteResource = "deleteResource",
        /// A task was stopped.
        CancelTask = "cancelTask",
        /// A backup was checked.
        VerifyBackup = "verifyBackup",
        /// A backup was read out.
        ExportBackup = "exportBackup",
        /// A deletion was taken back.
        UndeleteBackup = "undeleteBackup",
        /// A disk was made.
        CreateVolume = "createVolume",
        /// A disk was deleted.
        DeleteVolume = "deleteVolume",
    }
}

words! {
    /// What sort of thing an event is about.
    AuditSubject in "resource_type" {
        /// A vault.
        Vault = "vault",
        /// A backup.
        Backup = "backup",
        /// An adopted disk.
        Resource = "resource",
        /// A task.
        Task = "task",
        /// A disk.
        Volume = "volume",
    }
}

words! {
    /// How it ended.
    AuditOutcome in "outcome" {
        /// It was done, or accepted to be done.
        Done = "done",
        /// It was refused: by a rule, or for want of a right.
        Refused = "refused",
        /// It was tried, and failed.
        Failed = "failed",
    }
}

impl AuditEvent {
    /// The event of an action; none for those that only look.
    pub const fn of(action: Action) -> Option<Self> {
        use Action as A;
        Some(match action {
            A::VaultCreate => Self::CreateVault,
            A::VaultUpdate => Self::UpdateVault,
            A::VaultDelete => Self::DeleteVault,
            A::VaultAddResources => Self::AddResources,
            A::VaultRemoveResources => Self::RemoveResources,
            A::VaultBackup => Self::CreateVaultBackup,
            A::VaultSetTags => Self::CreateVaultTag,
            A::VaultDeleteTags => Self::DeleteVaultTag,
            A::VaultBulkTags => Self::BulkVaultTags,
            A::BackupUpdate => Self::UpdateBackup,
            A::BackupDelete => Self::DeleteBackup,
            A::BackupRestore => Self::RestoreBackup,
            A::ResourceAdd => Self::CreateResource,
            A::ResourceRemove => Self::DeleteResource,
            A::TaskCancel => Self::CancelTask,
            A::BackupVerify => Self::VerifyBackup,
            A::BackupExport => Self::ExportBackup,
            A::BackupUndelete => Self::UndeleteBackup,
            A::VolumeCreate => Self::CreateVolume,
            A::VolumeDelete => Self::DeleteVolume,
            A::VaultList
            | A::VaultGet
            | A::ProtectableList
            | A::ProtectableGet
            | A::VaultListResourceInstances
            | A::VaultListProjectTags
            | A::VaultGetTags
            | A::BackupList
            | A::BackupGet
            | A::TaskList
            | A::TaskGet
            | A::ResourceList
            | A::ResourceShow
            | A::ProjectList
            | A::ProjectGet
            | A::UserList
            | A::UserGet
            | A::VolumeList
            | A::VolumeGet
            | A::ServerList
            | A::ServerGet => return None,
        })
    }

    /// What sort of thing it is about.
    pub const fn subject(self) -> AuditSubject {
        match self {
            Self::CreateVault
            | Self::UpdateVault
            | Self::DeleteVault
            | Self::AddResources
            | Self::RemoveResources
            | Self::CreateVaultBackup
            | Self::DeleteVaultBackup
            | Self::CreateVaultTag
            | Self::DeleteVaultTag
            | Self::BulkVaultTags => AuditSubject::Vault,
            Self::CreateBackup
            | Self::UpdateBackup
            | Self::DeleteBackup
            | Self::RestoreBackup
            | Self::VerifyBackup
            | Self::ExportBackup
            | Self::UndeleteBackup => AuditSubject::Backup,
            Self::CreateResource | Self::DeleteResource => AuditSubject::Resource,
            Self::CancelTask => AuditSubject::Task,
            Self::CreateVolume | Self::DeleteVolume => AuditSubject::Volume,
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A user, by the name it had then.
    User {
        /// Its id.
        id: UserId,
        /// Its name.
        name: AccountName,
    },
    /// The service itself: a policy's run, an expiry, the end of a task (CTS-3, CTS-4).
    Service,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: AuditEvent,
    /// The id of what it happened to; none where nothing came to be.
    pub subject_id: Option<String>,
    /// Its name then.
    pub subject_name: Option<String>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// The code that the caller was given, where it was refused or failed.
    pub code: Option<String>,
    /// Who did it.
    pub actor: Actor,
    /// In which project.
    pub project_id: ProjectId,
    /// The request; the service's own doings have the one that led to them, if any.
    pub request_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission;
    use crate::role::Role;

    // proves: MODEL-6
    #[test]
    fn looking_is_not_recorded_and_everything_else_is() {
        for &action in Action::ALL {
            let operation = action.as_str().rsplit(':').next().unwrap();
            let looks = ["list", "get", "show"].iter().any(|verb| operation.starts_with(verb));
            assert_eq!(AuditEvent::of(action).is_none(), looks, "{action}");
            let is_readers = permission::check(&[Role::Reader], action).is_ok();
            assert!(!is_readers || looks, "{action}");
        }
    }

    #[test]
    fn each_event_has_one_action_or_comes_from_a_task() {
        for &event in AuditEvent::ALL {
            let actions =
                Action::ALL.iter().filter(|action| AuditEvent::of(**action) == Some(event));
            let of_tasks = [AuditEvent::CreateBackup, AuditEvent::DeleteVaultBackup];
            assert_eq!(actions.count(), usize::from(!of_tasks.contains(&event)), "{event}");
        }
    }
}
