//! Some thousand rows of everything, in twenty projects.

use serde_json::json;
use strongroom_base::{ByteCount, Timestamp};
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::{Scratch, execute};
use strongroom_db::{NewAccessKey, NewToken, NewUser, TokenHash, Tx};
use strongroom_model::audit::{Actor, AuditEvent, AuditOutcome, AuditRecord};
use strongroom_model::backup::{Backup, BackupStatus, ImageType};
use strongroom_model::checkpoint::Checkpoint;
use strongroom_model::description::Description;
use strongroom_model::disk::{Attachment, Disk, DiskStatus};
use strongroom_model::name::AccountName;
use strongroom_model::resource::{BoundResource, ResourceName, ResourceType};
use strongroom_model::server::{Server, ServerStatus};
use strongroom_model::task::{TaskKind, TaskStatus};
use strongroom_model::user::User;
use strongroom_model::vault::{ObjectType, Vault};
use strongroom_model::zone::AvailabilityZone;
use strongroom_model::{CheckpointId, DomainId, Name, ProjectId, Role, Scope, Tags, Task, UserId};
use strongroom_task::{Kind, NewTask};

use crate::identity::domain;
use crate::world::{
    add_project, backup, backup_id, bound, bytes, checkpoint, disk, resource_id, server, tag, task,
    task_id, vault, vault_id,
};

/// Has a tenth of everything.
pub(super) const BUSY: ProjectId = ProjectId([1; 16]);
/// Has a twentieth.
pub(super) const QUIET: ProjectId = ProjectId([2; 16]);

const VAULTS: u64 = 1_200;
const BACKUPS: u64 = 4_000;
const TASKS: u64 = 4_000;
const WAITING: u64 = 40;
const DISKS: u64 = 2_000;
const SERVERS: u64 = 1_200;
const USERS: u64 = 600;

/// The project of a thing: every tenth one is [`BUSY`]'s, the others are of twenty smaller ones.
fn project(number: u64) -> ProjectId {
    if number % 10 == 1 { BUSY } else { ProjectId([u8::try_from(2 + number % 20).unwrap(); 16]) }
}

/// A database with everything, whose planner knows what is there.
pub(super) async fn new(dialect: Dialect) -> Scratch {
    let scratch = Scratch::new(dialect).await;
    let tx = scratch.db.begin().await.unwrap();
    tx.domain_insert(&domain(1, "acme"), Timestamp(1)).await.unwrap();
    for number in 1..=21 {
        add_project(&tx, ProjectId([number; 16]), &format!("eu-de_{number}")).await;
    }
    vaults(&tx).await;
    backups(&tx).await;
    tasks(&tx).await;
    runtime(&tx).await;
    host(&tx).await;
    identity(&tx).await;
    tx.commit().await.unwrap();
    let ended = "UPDATE task SET state = 'ended', ended_as = 'succeeded', ended_at = created_at";
    execute(&scratch.db, &format!("{ended} WHERE created_at > {WAITING}")).await.unwrap();
    let line = r#"'{"is":"undone","step":"one"}'"#;
    let log = "INSERT INTO task_log (task_id, number, fence, record)";
    execute(&scratch.db, &format!("{log} SELECT id, 0, 1, {line} FROM task")).await.unwrap();
    scratch.tidy().await.unwrap();
    scratch
}

async fn vaults(tx: &Tx) {
    for number in 1..=VAULTS {
        let tags = match number % 3 {
            0 => vec![],
            _ => vec![tag("number", &(number % 100).to_string()), tag("team", "db")],
        };
        let vault =
            Vault { project_id: project(number), tags: Tags::new(tags).unwrap(), ..vault(number) };
        tx.vault_insert(&vault).await.unwrap();
        let used = ByteCount((number % 100) << 30);
        tx.vault_set_used(vault.id, used).await.unwrap();
        let resource = |n| BoundResource { vault_id: vault.id, ..bound(number * 2 + n) };
        tx.bound_insert(&[resource(0), resource(1)], vault.project_id).await.unwrap();
        let record = AuditRecord {
            at: Timestamp(number),
            event: AuditEvent::CreateVault,
            subject_id: Some(vault.id.to_string()),
            subject_name: None,
            outcome: AuditOutcome::Done,
            code: None,
            actor: Actor::Service,
            project_id: vault.project_id,
            request_id: None,
        };
        tx.audit_insert(&record).await.unwrap();
    }
}

/// Runs of two backups each; every tenth backup is a server's and has three children.
async fn backups(tx: &Tx) {
    for number in 1..=BACKUPS {
        let (vault_id, project_id) = (vault_id(1 + number % 600 * 2), project(number));
        let run = CheckpointId(bytes(number.div_ceil(2)));
        if number % 2 == 1 {
            let run = Checkpoint { id: run, vault_id, project_id, ..checkpoint(1) };
            tx.checkpoint_insert(&run).await.unwrap();
        }
        let mut whole = Backup {
            checkpoint_id: run,
            vault_id,
            project_id,
            status: match number % 101 {
                1 => BackupStatus::Error,
                3 => BackupStatus::Deleting,
                _ => BackupStatus::Available,
            },
            image_type: if number % 7 == 3 { ImageType::Replication } else { ImageType::Backup },
            is_incremental: number % 7 != 1,
            expires_at: (number % 3 == 0).then_some(Timestamp(number)),
            ..backup(number)
        };
        whole.source.id = resource_id(number % 1000);
        whole.source.name = ResourceName::parse(&format!("disk-{}", number % 1000)).unwrap();
        let zone = if number % 51 == 1 { "eu-de-01" } else { "eu-de-02" };
        whole.source.zone = Some(AvailabilityZone::parse(zone).unwrap());
        let mut all = vec![whole.clone()];
        if number % 21 == 1 {
            all[0].source.resource_type = ResourceType::Server;
            let part = |n| Backup {
                id: backup_id(BACKUPS + number * 3 + n),
                parent_id: Some(whole.id),
                ..whole.clone()
            };
            all.extend((0..3).map(part));
        }
        tx.backup_insert(&all).await.unwrap();
    }
}

async fn tasks(tx: &Tx) {
    for number in 1..=TASKS {
        let status = match number % 101 {
            1 => TaskStatus::Failed,
            3 => TaskStatus::Running,
            _ => TaskStatus::Success,
        };
        let mut task = Task {
            project_id: project(number),
            status,
            kind: if number % 51 == 1 { TaskKind::Restore } else { TaskKind::Backup },
            object: if number % 21 == 1 { ObjectType::Server } else { ObjectType::Disk },
            vault_id: vault_id(1 + number % 600 * 2),
            vault_name: Name::parse(&format!("vault-{}", number % 600)).unwrap(),
            ended_at: status.has_ended().then_some(Timestamp(number)),
            ..task(number)
        };
        if let Some(resource) = &mut task.details.resource {
            resource.id = resource_id(number % 1000);
            resource.name = ResourceName::parse(&format!("disk-{}", number % 1000)).unwrap();
        }
        tx.task_insert_shown(&[task]).await.unwrap();
    }
}

/// Tasks of which some need the same thing.
async fn runtime(tx: &Tx) {
    for number in 1..=TASKS {
        let order = NewTask {
            id: task_id(number),
            kind: Kind { workflow: "backup".to_owned(), version: 1 },
            queue: "default".to_owned(),
            params: json!({}),
            keys: vec![format!("resource/{}", number % 20)],
            request: "req-1".to_owned(),
            created_at: Timestamp(number),
        };
        tx.task_insert(&[order]).await.unwrap();
    }
}

async fn host(tx: &Tx) {
    for number in 1..=SERVERS {
        let is_broken = number % 101 == 1;
        let server = Server {
            id: resource_id(10_000 + number - 1),
            project_id: project(number),
            status: if is_broken { ServerStatus::Error } else { ServerStatus::Active },
            ..server(number)
        };
        tx.server_insert(&server).await.unwrap();
    }
    for number in 1..=DISKS {
        let attachment = (number % 2 == 1).then(|| Attachment {
            server: resource_id(10_000 + number % SERVERS),
            position: 0,
            is_system: true,
        });
        let is_broken = number % 101 == 1;
        let disk = Disk {
            project_id: project(number),
            attachment,
            status: if is_broken { DiskStatus::Error } else { DiskStatus::InUse },
            ..disk(number)
        };
        tx.disk_insert(&disk).await.unwrap();
    }
}

async fn identity(tx: &Tx) {
    for number in 1..=USERS {
        let id = UserId(bytes(number));
        let user = User {
            id,
            domain_id: DomainId([1; 16]),
            name: AccountName::parse(&format!("user-{number}")).unwrap(),
            description: Description::default(),
            default_project_id: None,
            is_enabled: true,
            created_at: Timestamp(number),
        };
        tx.user_insert(&NewUser { user, password_hash: None }).await.unwrap();
        let scope = Scope::Project(project(number));
        tx.grant_insert(id, Some(scope), Role::Reader).await.unwrap();
        let mut hash = [0; 32];
        hash[24..].copy_from_slice(&number.to_be_bytes());
        let token = NewToken {
            hash: if number == 1 { TokenHash([1; 32]) } else { TokenHash(hash) },
            user_id: id,
            scope: Some(scope),
            methods: "password".to_owned(),
            issued_at: Timestamp(number),
            expires_at: Timestamp(1_000_000 + number),
        };
        tx.token_insert(&token).await.unwrap();
        let key = NewAccessKey {
            access: format!("key-{number}"),
            user_id: id,
            sealed_secret: vec![1],
            description: String::new(),
            created_at: Timestamp(number),
        };
        tx.access_key_insert(key).await.unwrap();
    }
}
