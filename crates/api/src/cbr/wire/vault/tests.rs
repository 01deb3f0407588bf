use serde_json::json;
use strongroom_base::{ByteCount, Timestamp};
use strongroom_control::Error;
use strongroom_control::cbr::code_of;
use strongroom_model::resource::{
    BoundResource, ProtectStatus, ResourceName, ResourceType, ResourceUse, VolumeSelection,
};
use strongroom_model::vault::{
    CloudType, Consistency, ObjectType, ProtectType, Vault, VaultKind, VaultSize, VaultStatus,
};
use strongroom_model::{BindRules, ResourceId, Tag, Tags};

use super::*;

const ID: &str = "0daac4c5-6707-4851-97ba-169e36266b66";

/// A request that sets one field of a good one to something else, or takes it away.
fn request(pointer: &str, value: Option<Value>) -> Value {
    let mut body = json!({"vault": {
        "name": "v",
        "billing": {
            "object_type": "server",
            "protect_type": "backup",
            "consistent_level": "crash_consistent",
            "size": 100,
        },
        "resources": [],
    }});
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(key.to_owned(), value),
        None => parent.remove(key),
    };
    body
}

fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> (u16, String) {
    match result.unwrap_err() {
        Failure::Invalid(invalid) => (invalid.code.map_or(9900, |code| code.0), invalid.message),
        Failure::Service(Error::Refused(refusal)) => (code_of(&refusal).0, refusal.to_string()),
        other => panic!("{other:?}"),
    }
}

// proves: API-8
#[test]
fn field_of_a_new_vault_that_breaks_its_rule_has_its_code() {
    let long = |count| Some(json!("x".repeat(count)));
    let resource = |fields: Value| Some(json!([fields]));
    for (pointer, value, expected) in [
        ("/vault", None, 9900),
        ("/vault", Some(json!([])), 9900),
        ("/vault/name", None, 9900),
        ("/vault/name", Some(json!(1)), 9900),
        ("/vault/name", long(0), 9900),
        ("/vault/name", long(65), 9900),
        ("/vault/name", Some(json!("a b")), 9900),
        ("/vault/description", Some(json!(1)), 9900),
        ("/vault/description", long(65), 9900),
        ("/vault/description", Some(json!("<b>")), 9900),
        ("/vault/billing", None, 9900),
        ("/vault/billing", Some(json!("x")), 9900),
        ("/vault/billing/object_type", None, 9900),
        ("/vault/billing/object_type", Some(json!("workspace")), 9900),
        ("/vault/billing/object_type", Some(json!("turbo")), 9900),
        ("/vault/billing/protect_type", None, 9900),
        ("/vault/billing/protect_type", Some(json!(2)), 9900),
        ("/vault/billing/protect_type", Some(json!("hybrid")), 6116),
        ("/vault/billing/consistent_level", None, 9900),
        ("/vault/billing/consistent_level", Some(json!("none")), 9900),
        ("/vault/billing/size", None, 9900),
        ("/vault/billing/size", Some(json!("100")), 9900),
        ("/vault/billing/size", Some(json!(10.5)), 9900),
        ("/vault/billing/size", Some(json!(9)), 6101),
        ("/vault/billing/size", Some(json!(-1)), 6101),
        ("/vault/billing/size", Some(json!(10_485_761)), 6101),
        ("/vault/billing/cloud_type", Some(json!("private")), 9900),
        ("/vault/billing/charging_mode", Some(json!("free")), 9900),
        ("/vault/billing/charging_mode", Some(json!("pre_paid")), 6109),
        ("/vault/billing/is_auto_pay", Some(json!("true")), 9900),
        ("/vault/billing/console_url", long(0), 9900),
        ("/vault/billing/console_url", long(256), 9900),
        ("/vault/resources", None, 9900),
        ("/vault/resources", Some(json!({})), 9900),
        ("/vault/resources", resource(json!(1)), 9900),
        ("/vault/resources", resource(json!({"type": "OS::Nova::Server"})), 9900),
        ("/vault/resources", resource(json!({"id": "x", "type": "OS::Nova::Server"})), 9900),
        ("/vault/resources", resource(json!({"id": ID})), 9900),
        ("/vault/resources", resource(json!({"id": ID, "type": "OS::Workspace::DesktopV2"})), 6102),
        (
            "/vault/resources",
            resource(json!({"id": ID, "type": "OS::Nova::Server", "name": "x".repeat(256)})),
            9900,
        ),
        (
            "/vault/resources",
            resource(json!({
                "id": ID, "type": "OS::Nova::Server", "extra_info": {"exclude_volumes": ["x"]},
            })),
            9900,
        ),
        (
            "/vault/resources",
            resource(json!({
                "id": ID, "type": "OS::Nova::Server", "extra_info": {"include_volumes": [{}]},
            })),
            9900,
        ),
        ("/vault/backup_policy_id", Some(json!(7)), 9900),
        ("/vault/backup_policy_id", Some(json!("")), 9900),
        ("/vault/tags", Some(json!([])), 9900),
        ("/vault/tags", Some(json!([{"value": "v"}])), 9900),
        ("/vault/tags", Some(json!([{"key": "a=b"}])), 9900),
        ("/vault/tags", Some(json!([{"key": "a", "value": "x".repeat(44)}])), 9900),
        ("/vault/tags", Some(json!([{"key": "a"}, {"key": "a"}])), 9900),
        ("/vault/enterprise_project_id", Some(json!(0)), 9900),
        ("/vault/enterprise_project_id", Some(json!("x")), 9900),
        ("/vault/auto_bind", Some(json!("true")), 9900),
        ("/vault/bind_rules", Some(json!([])), 9900),
        ("/vault/bind_rules", Some(json!({"tags": [{"key": "x".repeat(37)}]})), 9900),
        ("/vault/auto_expand", Some(json!(1)), 9900),
        ("/vault/locked", Some(json!("no")), 9900),
        ("/vault/smn_notify", Some(json!("no")), 9900),
        ("/vault/threshold", Some(json!(0)), 9900),
        ("/vault/threshold", Some(json!(101)), 9900),
        ("/vault/threshold", Some(json!("80")), 9900),
        ("/vault/backup_name_prefix", long(33), 9900),
        ("/vault/demand_billing", Some(json!("no")), 9900),
        ("/vault/sys_lock_source_service", Some(json!("EVS")), 9900),
        ("/vault/availability_zone", long(33), 9900),
        ("/vault/availability_zone", long(0), 9900),
    ] {
        let (found, message) = code(read_new(&request(pointer, value.clone()), &Quota::default()));
        assert_eq!(found, expected, "{pointer} {value:?}: {message}");
        let key = pointer.rsplit('/').next().unwrap();
        if found == 9900 {
            assert!(message.contains(key), "{pointer} {value:?}: {message}");
        }
    }
}

#[test]
fn new_vault_may_leave_out_what_is_optional_or_send_nothing_for_it() {
    let bare = read_new(&request("/vault/extra", Some(json!({}))), &Quota::default()).unwrap();
    assert!(bare.has_notices && !bare.is_locked && bare.threshold == Threshold::DEFAULT);
    let body = request(
        "/vault/resources",
        Some(json!([{
            "id": ID,
            "type": "OS::Nova::Server",
            "name": null,
            "extra_info": {"exclude_volumes": null},
        }])),
    );
    let resources = read_new(&body, &Quota::default()).unwrap().resources;
    assert_eq!(resources[0].volumes, VolumeSelection::default());
    for (key, value) in [
        ("backup_policy_id", Value::Null),
        ("bind_rules", json!({})),
        ("bind_rules", json!({"tags": []})),
        ("bind_rules", Value::Null),
        ("description", Value::Null),
        ("tags", Value::Null),
    ] {
        let body = request(&format!("/vault/{key}"), Some(value));
        let new = read_new(&body, &Quota::default()).unwrap();
        assert_eq!((new.policy, new.bind_rules), (None, BindRules::default()), "{key}");
    }
    // Sent with vaults that are paid by use, by two clients.
    let periods = json!({
        "object_type": "disk", "protect_type": "backup", "consistent_level": "crash_consistent",
        "size": 10, "period_type": "month", "period_num": 0, "is_auto_renew": true,
        "is_auto_pay": true, "charging_mode": "post_paid", "extra_info": {},
    });
    assert!(read_new(&request("/vault/billing", Some(periods)), &Quota::default()).is_ok());
}

#[test]
fn update_changes_what_it_names() {
    for body in [json!({"vault": {}}), json!({"vault": {"billing": {}}})] {
        assert_eq!(read_update(&body).unwrap(), VaultUpdate::default());
    }
    let update = read_update(&json!({"vault": {
        "billing": {"size": 20, "consistent_level": "app_consistent"}, "bind_rules": {"tags": []}, "locked": true, "threshold": 1,
    }}));
    let update = update.unwrap();
    assert_eq!(update.size.unwrap().gigabytes(), 20);
    assert_eq!(update.consistency.unwrap().to_string(), "app_consistent");
    assert_eq!((update.bind_rules, update.is_locked), (Some(BindRules::default()), Some(true)));
    for (body, expected) in [
        (json!({}), 9900),
        (json!({"vault": {"billing": {"size": 9}}}), 6101),
        (json!({"vault": {"billing": {"size": "20"}}}), 9900),
        (json!({"vault": {"billing": {"consistent_level": "x"}}}), 9900),
        (json!({"vault": {"name": ""}}), 9900),
        (json!({"vault": {"threshold": 0}}), 9900),
    ] {
        assert_eq!(code(read_update(&body)).0, expected, "{body}");
    }
}

/// A vault with one server in it.
fn view() -> VaultView {
    let id = VaultId([1; 16]);
    let kind = VaultKind::new(ObjectType::Server, ProtectType::Backup, Consistency::Crash).unwrap();
    let vault = Vault {
        id,
        project_id: ProjectId([2; 16]),
        user_id: UserId([3; 16]),
        created_at: Timestamp(1_612_872_222_554_535),
        name: Name::parse("vault-1").unwrap(),
        description: Description::default(),
        kind,
        cloud_type: CloudType::Public,
        size: VaultSize::new(100).unwrap(),
        status: VaultStatus::Available,
        threshold: Threshold::DEFAULT,
        has_notices: true,
        is_auto_bind: false,
        bind_rules: BindRules::default(),
        is_auto_expand: false,
        is_locked: false,
        tags: Tags::new(vec![Tag::parse("k", None).unwrap()]).unwrap(),
        backup_name_prefix: NamePrefix::default(),
        enterprise_project_id: EnterpriseProjectId::DEFAULT,
        availability_zone: None,
    };
    let resource = BoundResource {
        id: ResourceId([4; 16]),
        vault_id: id,
        resource_type: ResourceType::Server,
        name: ResourceName::parse("srv").unwrap(),
        size_gigabytes: 40,
        volumes: VolumeSelection { exclude: vec![ResourceId([5; 16])], include: vec![] },
        status: ProtectStatus::Available,
    };
    let resource = ResourceUse { resource, backup_count: 2, backup_bytes: ByteCount(1) };
    VaultView { vault, used: ByteCount((1 << 20) + 1), resources: vec![resource] }
}

#[test]
fn vault_is_shown_with_every_key() {
    let shown = serde_json::to_value(WireVault::of(&view())).unwrap();
    let expected = json!({
        "id": "01010101-0101-0101-0101-010101010101",
        "name": "vault-1",
        "description": "",
        "project_id": "02".repeat(16),
        "provider_id": "0daac4c5-6707-4851-97ba-169e36266b66",
        "user_id": "03".repeat(16),
        "created_at": "2021-02-09T12:03:42.554535",
        "enterprise_project_id": "0",
        "tags": [{"key": "k", "value": ""}],
        "resources": [{
            "id": "04040404-0404-0404-0404-040404040404",
            "type": "OS::Nova::Server",
            "name": "srv",
            "size": 40,
            "backup_size": 1,
            "backup_count": 2,
            "protect_status": "available",
            "extra_info": {"exclude_volumes": ["05050505-0505-0505-0505-050505050505"]},
        }],
        "billing": {
            "allocated": 40,
            "used": 2,
            "size": 100,
            "status": "available",
            "charging_mode": "post_paid",
            "cloud_type": "public",
            "consistent_level": "crash_consistent",
            "object_type": "server",
            "protect_type": "backup",
            "spec_code": "vault.backup.server.normal",
            "is_multi_az": false,
            "order_id": null,
            "product_id": null,
            "storage_unit": null,
            "frozen_scene": null,
        },
        "auto_bind": false,
        "bind_rules": {},
        "auto_expand": false,
        "locked": false,
        "smn_notify": true,
        "threshold": 80,
        "backup_name_prefix": "",
        "sys_lock_source_service": "",
        "availability_zone": null,
    });
    assert_eq!(shown, expected);
}
