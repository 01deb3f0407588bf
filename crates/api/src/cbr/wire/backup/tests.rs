use serde_json::json;
use strongroom_base::{ByteCount, Timestamp};
use strongroom_model::backup::BackupSource;
use strongroom_model::description::Description;
use strongroom_model::resource::ResourceName;

use super::*;

fn backup(number: u8, resource_type: ResourceType, parent_id: Option<BackupId>) -> Backup {
    Backup {
        id: BackupId([number; 16]),
        checkpoint_id: CheckpointId([2; 16]),
        project_id: ProjectId([3; 16]),
        vault_id: VaultId([4; 16]),
        parent_id,
        name: BackupName::parse("run").unwrap(),
        description: Description::default(),
        status: BackupStatus::Available,
        image_type: ImageType::Backup,
        source: BackupSource {
            id: ResourceId([5; 16]),
            resource_type,
            name: ResourceName::parse("srv").unwrap(),
            size_gigabytes: 40,
            zone: Some(AvailabilityZone::parse("eu-test-01").unwrap()),
        },
        is_automatic: false,
        is_incremental: true,
        is_encrypted: false,
        is_system_disk: parent_id.is_some(),
        created_at: Timestamp(0),
        updated_at: Timestamp(1),
        protected_at: None,
        expires_at: None,
        manifest_id: None,
        stored: ByteCount(0),
    }
}

#[test]
fn backup_is_shown_with_every_key() {
    let view = BackupView {
        backup: backup(1, ResourceType::Server, None),
        children: vec![backup(9, ResourceType::Disk, Some(BackupId([1; 16])))],
    };
    let mut shown = serde_json::to_value(WireBackup::of(&view)).unwrap();
    let child = shown["children"][0].take();
    let expected = json!({
        "id": "01010101-0101-0101-0101-010101010101",
        "checkpoint_id": "02020202-0202-0202-0202-020202020202",
        "project_id": "03".repeat(16),
        "vault_id": "04040404-0404-0404-0404-040404040404",
        "name": "run",
        "description": "",
        "status": "available",
        "image_type": "backup",
        "resource_id": "05050505-0505-0505-0505-050505050505",
        "resource_name": "srv",
        "resource_type": "OS::Nova::Server",
        "resource_size": 40,
        "resource_az": "eu-test-01",
        "provider_id": "0daac4c5-6707-4851-97ba-169e36266b66",
        "parent_id": null,
        "created_at": "1970-01-01T00:00:00.000000",
        "updated_at": "1970-01-01T00:00:00.000001",
        "protected_at": null,
        "expired_at": null,
        "children": [null],
        "extend_info": {
            "auto_trigger": false,
            "bootable": false,
            "system_disk": false,
            "contain_system_disk": true,
            "incremental": true,
            "encrypted": false,
            "snapshot_id": "01010101-0101-0101-0101-010101010101",
            "support_lld": false,
            "supported_restore_mode": "backup",
            "os_images_data": [],
            "architecture": "",
            "progress": 100,
            "app_consistency": {
                "app_consistency": "0",
                "app_consistency_status": "0",
                "app_consistency_error_code": "",
                "app_consistency_error_message": "",
            },
        },
        "enterprise_project_id": "0",
        "incremental": true,
        "version": 3,
        "replication_records": [],
    });
    assert_eq!(shown, expected);
    assert_eq!(child["parent_id"], shown["id"]);
    assert_eq!(child["provider_id"], shown["provider_id"]);
    assert_eq!(child["extend_info"]["bootable"], true);
    assert_eq!(child["children"], json!([]));
}

#[test]
fn backup_that_is_not_available_restores_nothing() {
    let mut one = backup(1, ResourceType::Disk, None);
    one.status = BackupStatus::Protecting;
    let shown = WireBackup::of_one(&one);
    assert_eq!(shown.extend_info.supported_restore_mode, "na");
    assert_eq!(shown.extend_info.progress, 0);
    assert_eq!(shown.provider_id, ObjectType::Disk.provider_id());
}

#[test]
fn rename_needs_a_name() {
    assert_eq!(read_rename(&json!({"backup": {"name": "n"}})).unwrap().as_str(), "n");
    for body in [json!({}), json!({"backup": {}}), json!({"backup": {"name": "a b"}})] {
        assert!(read_rename(&body).is_err(), "{body}");
    }
}
