use serde_json::json;
use strongroom_base::Timestamp;
use strongroom_model::Name;
use strongroom_model::backup::BackupName;
use strongroom_model::resource::ResourceName;
use strongroom_model::task::{Deletions, Percent, TaskBackup, TaskFailure};
use strongroom_model::vault::ObjectType;

use super::*;

fn task(kind: TaskKind, status: TaskStatus) -> Task {
    let resource = TaskResource {
        id: ResourceId([4; 16]),
        resource_type: ResourceType::Disk,
        name: ResourceName::parse("disk").unwrap(),
    };
    let backup = TaskBackup { id: BackupId([5; 16]), name: BackupName::parse("run").unwrap() };
    Task {
        id: TaskId([1; 16]),
        project_id: ProjectId([2; 16]),
        kind,
        status,
        progress: Percent::WHOLE,
        bytes_done: 0,
        bytes_total: 0,
        failure: None,
        request_id: "req-1".to_owned(),
        object: ObjectType::Disk,
        vault_id: VaultId([3; 16]),
        vault_name: Name::parse("v").unwrap(),
        checkpoint_id: None,
        details: TaskDetails {
            resource: Some(resource.clone()),
            backup: Some(backup),
            removed: vec![resource],
            deletions: Some(Deletions { total: 3, failed: 1 }),
            note: None,
        },
        created_at: Timestamp(0),
        updated_at: Timestamp(1),
        started_at: None,
        ended_at: None,
    }
}

fn shown(task: &Task) -> Value {
    serde_json::to_value(OperationLog::of(task)).unwrap()
}

#[test]
fn restore_is_shown_with_every_key() {
    let expected = json!({
        "id": "01010101-0101-0101-0101-010101010101",
        "project_id": "02".repeat(16),
        "created_at": "1970-01-01T00:00:00.000000",
        "updated_at": "1970-01-01T00:00:00.000001",
        "started_at": "1970-01-01T00:00:00.000000",
        "ended_at": null,
        "operation_type": "restore",
        "status": "waiting",
        "provider_id": "d1603440-187d-4516-af25-121250c7cc97",
        "checkpoint_id": null,
        "policy_id": null,
        "vault_id": "03030303-0303-0303-0303-030303030303",
        "vault_name": "v",
        "error_info": {"code": "", "message": ""},
        "extra_info": {
            "common": {
                "progress": 100,
                "request_id": "req-1",
                "task_id": "01010101-0101-0101-0101-010101010101",
            },
            "resource": {
                "id": "04040404-0404-0404-0404-040404040404",
                "type": "OS::Cinder::Volume",
                "name": "disk",
            },
            "restore": {
                "backup_id": "05050505-0505-0505-0505-050505050505",
                "backup_name": "run",
                "target_resource_id": "04040404-0404-0404-0404-040404040404",
                "target_resource_name": "disk",
            },
        },
    });
    assert_eq!(shown(&task(TaskKind::Restore, TaskStatus::Waiting)), expected);
}

#[test]
fn each_kind_has_a_part_of_its_own() {
    let counts = json!({
        "fail_count": 1, "total_count": 3, "fail_delete_count": 1, "total_delete_count": 3,
    });
    let extra = |kind| shown(&task(kind, TaskStatus::Success))["extra_info"].clone();
    assert_eq!(extra(TaskKind::VaultDelete)["vault_delete"], counts);
    assert_eq!(extra(TaskKind::RemoveResource)["remove_resources"]["total_count"], 3);
    assert_eq!(extra(TaskKind::RemoveResource)["remove_resources"]["resources"][0]["name"], "disk");
    assert_eq!(extra(TaskKind::Backup)["backup"]["backup_name"], "run");
    assert_eq!(extra(TaskKind::Delete)["delete"]["backup_name"], "run");
    assert!(extra(TaskKind::Delete).get("backup").is_none());
}

#[test]
fn failure_and_cancellation_are_told_by_a_code() {
    let mut failed = task(TaskKind::Backup, TaskStatus::Failed);
    failed.failure =
        Some(TaskFailure { code: "BackupService.6114".to_owned(), message: "full".to_owned() });
    let told = json!({"code": "BackupService.6114", "message": "full"});
    assert_eq!(shown(&failed)["error_info"], told);
    let cancelled = shown(&task(TaskKind::Backup, TaskStatus::Cancelled));
    assert_eq!(cancelled["status"], "failed");
    assert_eq!(cancelled["error_info"]["code"], "Strongroom.Cancelled");
}
