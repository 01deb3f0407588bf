use serde_json::json;
use strongroom_base::{ByteCount, Timestamp};
use strongroom_model::backup::BackupName;
use strongroom_model::checkpoint::Checkpoint;
use strongroom_model::resource::{BoundResource, ResourceName, VolumeSelection};

use super::*;

const ID: &str = "0daac4c5-6707-4851-97ba-169e36266b66";

#[expect(clippy::needless_pass_by_value, reason = "literals are passed")]
fn read(parameters: Value) -> Result<NewCheckpoint, String> {
    let body = json!({"checkpoint": {"vault_id": ID, "parameters": parameters}});
    read_new(&body).map_err(|failure| match failure {
        Failure::Invalid(invalid) => invalid.message,
        other => panic!("{other:?}"),
    })
}

#[test]
fn run_without_parameters_is_incremental_and_of_everything() {
    for parameters in [Value::Null, json!({}), json!({"retention_duration_days": -1})] {
        let new = read(parameters).unwrap();
        assert!(new.is_incremental && !new.is_automatic);
        assert!(new.resources.is_empty() && new.details.is_empty());
        assert_eq!((new.name, new.retention_days), (None, None));
    }
}

#[test]
fn details_may_be_one_object() {
    let detail = json!({"id": ID, "type": "OS::Nova::Server", "extra_info": {}});
    assert_eq!(read(json!({"resource_details": detail.clone()})).unwrap().details.len(), 1);
    assert_eq!(read(json!({"resource_details": [detail]})).unwrap().details.len(), 1);
}

// proves: API-8
#[test]
fn parameter_that_breaks_its_rule_is_named() {
    let long = |count| "x".repeat(count);
    for (key, value, expected) in [
        ("name", json!(""), "checkpoint.parameters.name must be 1 to 64"),
        ("name", json!(long(65)), "checkpoint.parameters.name must be 1 to 64"),
        ("name", json!(1), "checkpoint.parameters.name must be a string"),
        ("description", json!(long(256)), "checkpoint.parameters.description must be at most"),
        ("description", json!("<"), "checkpoint.parameters.description must be at most"),
        ("auto_trigger", json!("x"), "checkpoint.parameters.auto_trigger must be true"),
        ("incremental", json!(0), "checkpoint.parameters.incremental must be true"),
        ("resources", json!("x"), "checkpoint.parameters.resources must be a list"),
        ("resources", json!(["x"]), "checkpoint.parameters.resources[0] must be a UUID"),
        (
            "resource_details",
            json!([{"id": ID}]),
            "checkpoint.parameters.resource_details[0].type must be present",
        ),
        (
            "resource_details",
            json!(vec![json!({}); 257]),
            "checkpoint.parameters.resource_details must be a list of at most 256",
        ),
        (
            "retention_duration_days",
            json!(0),
            "checkpoint.parameters.retention_duration_days must be -1 or 1 to 36500",
        ),
        (
            "retention_duration_days",
            json!(36_501),
            "checkpoint.parameters.retention_duration_days must be -1 or 1 to 36500",
        ),
        ("policy_id", json!(1), "checkpoint.parameters.policy_id must be a string"),
    ] {
        let found = read(json!({key: value.clone()})).unwrap_err();
        assert!(found.starts_with(expected), "{key} {value}: {found}");
    }
    let both = json!({"auto_trigger": true, "retention_duration_days": 1});
    assert!(read(both).unwrap_err().contains("retention_duration_days must be absent"));
    assert!(read_new(&json!({"checkpoint": {}})).is_err());
}

#[test]
fn checkpoint_is_shown_with_its_sizes_as_texts() {
    let resource = BoundResource {
        id: ResourceId([4; 16]),
        vault_id: VaultId([1; 16]),
        resource_type: ResourceType::Disk,
        name: ResourceName::parse("disk").unwrap(),
        size_gigabytes: 6,
        volumes: VolumeSelection::default(),
        status: ProtectStatus::Protecting,
    };
    let left = LeftOut {
        id: ResourceId([5; 16]),
        resource_type: ResourceType::Disk,
        name: ResourceName::parse("busy").unwrap(),
        code: "BackupService.6125".to_owned(),
        reason: "a task is running".to_owned(),
    };
    let view = CheckpointView {
        checkpoint: Checkpoint {
            id: CheckpointId([2; 16]),
            project_id: ProjectId([3; 16]),
            vault_id: VaultId([1; 16]),
            name: BackupName::parse("run").unwrap(),
            description: Description::default(),
            is_automatic: false,
            retention_days: None,
            skipped: vec![left],
            created_at: Timestamp(0),
        },
        status: CheckpointStatus::Protecting,
        vault_name: Name::parse("v").unwrap(),
        resources: vec![ResourceUse { resource, backup_count: 0, backup_bytes: ByteCount(0) }],
    };
    let expected = json!({
        "id": "02020202-0202-0202-0202-020202020202",
        "project_id": "03".repeat(16),
        "created_at": "1970-01-01T00:00:00.000000",
        "status": "protecting",
        "vault": {
            "id": "01010101-0101-0101-0101-010101010101",
            "name": "v",
            "resources": [{
                "id": "04040404-0404-0404-0404-040404040404",
                "name": "disk",
                "type": "OS::Cinder::Volume",
                "protect_status": "protecting",
                "resource_size": "6",
                "backup_size": "0",
                "backup_count": "0",
            }],
            "skipped_resources": [{
                "id": "05050505-0505-0505-0505-050505050505",
                "type": "OS::Cinder::Volume",
                "name": "busy",
                "code": "BackupService.6125",
                "reason": "a task is running",
            }],
        },
        "extra_info": {"name": "run", "description": "", "retention_duration": -1},
    });
    assert_eq!(serde_json::to_value(WireCheckpoint::of(&view)).unwrap(), expected);
}
