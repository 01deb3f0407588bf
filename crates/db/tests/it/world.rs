//! Projects with vaults, backups, tasks, disks and servers, to be asked about.

use std::collections::BTreeMap;

use strongroom_base::{ByteCount, Timestamp};
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Scratch;
use strongroom_db::{Db, Tx};
use strongroom_model::backup::{Backup, BackupName, BackupSource, BackupStatus, ImageType};
use strongroom_model::bind_rules::BindRules;
use strongroom_model::checkpoint::Checkpoint;
use strongroom_model::description::Description;
use strongroom_model::disk::{Disk, DiskImageFormat, DiskStatus};
use strongroom_model::name::NamePrefix;
use strongroom_model::project::{EnterpriseProjectId, Project};
use strongroom_model::resource::{
    BoundResource, ProtectStatus, ResourceName, ResourceType, VolumeSelection,
};
use strongroom_model::server::{Server, ServerStatus};
use strongroom_model::task::{Percent, TaskDetails, TaskKind, TaskResource, TaskStatus};
use strongroom_model::vault::{
    CloudType, Consistency, ObjectType, ProtectType, Threshold, Vault, VaultKind, VaultSize,
    VaultStatus,
};
use strongroom_model::{
    BackupId, CheckpointId, DomainId, Name, ProjectId, ResourceId, Tag, Tags, Task, TaskId, UserId,
    VaultId,
};

use crate::identity::domain;

pub(crate) const PROJECT: ProjectId = ProjectId([1; 16]);
pub(crate) const OTHER: ProjectId = ProjectId([2; 16]);

/// Text that is harmless only if nobody reads it as something else.
pub(crate) const ODD: &str = "a'; DROP TABLE x; -- \"%_\\ \u{1f512}\u{9501}\n\t$1 ?";

/// An id of a number.
pub(crate) fn bytes(number: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes
}

pub(crate) fn vault_id(number: u64) -> VaultId {
    VaultId(bytes(number))
}

pub(crate) fn backup_id(number: u64) -> BackupId {
    BackupId(bytes(number))
}

pub(crate) fn task_id(number: u64) -> TaskId {
    TaskId(bytes(number))
}

pub(crate) fn resource_id(number: u64) -> ResourceId {
    ResourceId(bytes(number))
}

pub(crate) fn tag(key: &str, value: &str) -> Tag {
    Tag::parse(key, Some(value)).unwrap()
}

/// A vault of [`PROJECT`]; two of each moment.
pub(crate) fn vault(number: u64) -> Vault {
    Vault {
        id: vault_id(number),
        project_id: PROJECT,
        user_id: UserId([3; 16]),
        created_at: Timestamp(number / 2),
        name: Name::parse(&format!("vault-{number}")).unwrap(),
        description: Description::parse("what it is for, \"quoted\"").unwrap(),
        kind: VaultKind::new(ObjectType::Disk, ProtectType::Backup, Consistency::Crash).unwrap(),
        cloud_type: CloudType::Public,
        size: VaultSize::new(100).unwrap(),
        status: VaultStatus::Available,
        threshold: Threshold::new(80).unwrap(),
        has_notices: true,
        is_auto_bind: true,
        bind_rules: BindRules::new(vec![tag("a", "b"), tag("a", "c")]).unwrap(),
        is_auto_expand: false,
        is_locked: false,
        tags: Tags::new(vec![tag("z", ""), tag("k", "v")]).unwrap(),
        backup_name_prefix: NamePrefix::parse("night").unwrap(),
        enterprise_project_id: EnterpriseProjectId::DEFAULT,
        availability_zone: None,
    }
}

/// The run of vault 1 that all backups are of.
pub(crate) fn checkpoint(number: u64) -> Checkpoint {
    Checkpoint {
        id: CheckpointId(bytes(number)),
        project_id: PROJECT,
        vault_id: vault_id(1),
        name: BackupName::parse("run").unwrap(),
        description: Description::default(),
        is_automatic: false,
        retention_days: None,
        skipped: Vec::new(),
        created_at: Timestamp(1),
    }
}

/// An available backup of a disk in vault 1, of run 1; two of each moment.
pub(crate) fn backup(number: u64) -> Backup {
    Backup {
        id: backup_id(number),
        checkpoint_id: CheckpointId(bytes(1)),
        project_id: PROJECT,
        vault_id: vault_id(1),
        parent_id: None,
        name: BackupName::parse(&format!("backup-{number}")).unwrap(),
        description: Description::default(),
        status: BackupStatus::Available,
        image_type: ImageType::Backup,
        source: BackupSource {
            id: resource_id(number),
            resource_type: ResourceType::Disk,
            name: ResourceName::parse("disk").unwrap(),
            size_gigabytes: 10,
            zone: None,
        },
        is_automatic: false,
        is_incremental: false,
        is_encrypted: false,
        is_system_disk: false,
        created_at: Timestamp(number / 2),
        updated_at: Timestamp(number / 2),
        protected_at: Some(Timestamp(number / 2)),
        expires_at: None,
        manifest_id: None,
        stored: ByteCount(0),
    }
}

/// The backup of a disk of a server's.
pub(crate) fn child(number: u64, of: u64) -> Backup {
    Backup { parent_id: Some(backup_id(of)), ..backup(number) }
}

/// A waiting task on vault 1 and a disk of the same number; two of each moment.
pub(crate) fn task(number: u64) -> Task {
    let resource = TaskResource {
        id: resource_id(number),
        resource_type: ResourceType::Disk,
        name: ResourceName::parse("disk").unwrap(),
    };
    Task {
        id: task_id(number),
        project_id: PROJECT,
        kind: TaskKind::Backup,
        status: TaskStatus::Waiting,
        progress: Percent::default(),
        bytes_done: 0,
        bytes_total: 0,
        failure: None,
        request_id: "req-1".to_owned(),
        object: ObjectType::Disk,
        vault_id: vault_id(1),
        vault_name: Name::parse("vault-1").unwrap(),
        checkpoint_id: None,
        details: TaskDetails { resource: Some(resource), ..TaskDetails::default() },
        created_at: Timestamp(number / 2),
        updated_at: Timestamp(number / 2),
        started_at: None,
        ended_at: None,
    }
}

/// A disk in vault 1.
pub(crate) fn bound(number: u64) -> BoundResource {
    BoundResource {
        id: resource_id(number),
        vault_id: vault_id(1),
        resource_type: ResourceType::Disk,
        name: ResourceName::parse("disk").unwrap(),
        size_gigabytes: 10,
        volumes: VolumeSelection::default(),
        status: ProtectStatus::Available,
    }
}

/// An adopted disk without a server; two of each moment.
pub(crate) fn disk(number: u64) -> Disk {
    Disk {
        id: resource_id(number),
        project_id: PROJECT,
        user_id: UserId([3; 16]),
        name: ResourceName::parse(&format!("disk-{number}")).unwrap(),
        description: Description::default(),
        status: DiskStatus::Available,
        size: ByteCount(1 << 30),
        format: DiskImageFormat::Raw,
        path: format!("/disks/{number}"),
        attachment: None,
        is_managed: false,
        volume_type: "SSD".to_owned(),
        zone: None,
        metadata: BTreeMap::new(),
        is_multiattach: false,
        created_at: Timestamp(number / 2),
        updated_at: Timestamp(number / 2),
    }
}

/// An adopted server; two of each moment.
pub(crate) fn server(number: u64) -> Server {
    Server {
        id: resource_id(number),
        project_id: PROJECT,
        name: ResourceName::parse(&format!("server-{number}")).unwrap(),
        status: ServerStatus::Shutoff,
        created_at: Timestamp(number / 2),
        updated_at: Timestamp(number / 2),
    }
}

/// A database with two projects.
pub(crate) async fn with_projects(dialect: Dialect) -> Scratch {
    let scratch = Scratch::new(dialect).await;
    let tx = scratch.db.begin().await.unwrap();
    tx.domain_insert(&domain(1, "acme"), Timestamp(1)).await.unwrap();
    for (id, name) in [(PROJECT, "eu-de"), (OTHER, "eu-de_other")] {
        add_project(&tx, id, name).await;
    }
    tx.commit().await.unwrap();
    scratch
}

pub(crate) async fn add_project(tx: &Tx, id: ProjectId, name: &str) {
    let project = Project {
        id,
        domain_id: DomainId([1; 16]),
        name: Name::parse(name).unwrap(),
        description: Description::default(),
        is_enabled: true,
    };
    tx.project_insert(&project, Timestamp(1)).await.unwrap();
}

/// The same with vaults.
pub(crate) async fn with_vaults(dialect: Dialect, vaults: &[Vault]) -> Scratch {
    let scratch = with_projects(dialect).await;
    let tx = scratch.db.begin().await.unwrap();
    for vault in vaults {
        tx.vault_insert(vault).await.unwrap();
    }
    tx.commit().await.unwrap();
    scratch
}

/// Vault 1 of [`PROJECT`] with run 1 and these backups.
pub(crate) async fn with_backups(dialect: Dialect, backups: &[Backup]) -> Scratch {
    let scratch = with_vaults(dialect, &[vault(1)]).await;
    let tx = scratch.db.begin().await.unwrap();
    tx.checkpoint_insert(&checkpoint(1)).await.unwrap();
    tx.backup_insert(backups).await.unwrap();
    tx.commit().await.unwrap();
    scratch
}

/// Runs one write and commits it.
pub(crate) async fn write<T>(db: &Db, work: impl AsyncFnOnce(&Tx) -> T) -> T {
    let tx = db.begin().await.unwrap();
    let done = work(&tx).await;
    tx.commit().await.unwrap();
    done
}
