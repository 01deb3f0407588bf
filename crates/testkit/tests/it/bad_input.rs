//! Wrong requests, field by field: made from a good one and the contract's tables, each with the
//! code that the contract names. None is a 5xx, and none changes anything.

mod field;
mod transport;

use serde_json::{Value, json};
use strongroom_testkit::Ask;

use self::field::{Field, Kind};
use crate::world::{World, new_vault};

const PARAMETER: u16 = 9900;
/// An id of nothing.
const ABSENT: &str = "00000000-0000-4000-8000-000000000000";

/// A request whose fields are tried, one at a time.
struct Form {
    method: &'static str,
    path: String,
    good: Value,
    fields: Vec<Field>,
}

impl Form {
    fn check(&self, world: &World) {
        for field in &self.fields {
            for case in field.cases(&self.good) {
                let answer = world.ask(self.method, &self.path, &case.body);
                let told =
                    format!("{} {}: {}: {}", self.method, self.path, case.what, answer.text());
                assert_eq!(answer.status, case.status, "{told}");
                assert_eq!(answer.code(), format!("BackupService.{:04}", case.code), "{told}");
                let message = answer.json()["error_msg"].as_str().unwrap_or_default().to_owned();
                assert!(!message.is_empty(), "{told}");
            }
        }
    }
}

// proves: API-13
#[test]
fn fields_of_a_new_vault() {
    let world = World::new();
    let mut good = new_vault();
    let spare = &world.things.spare_disk;
    good["vault"]["resources"] = json!([{"id": spare, "type": "OS::Cinder::Volume"}]);
    let field = Field::new;
    let fields = vec![
        field("/vault", Kind::Object).needed(),
        field("/vault/name", Kind::Name).needed(),
        field("/vault/description", Kind::Text(64)),
        field("/vault/billing", Kind::Object).needed(),
        field("/vault/billing/object_type", Kind::Enum(PARAMETER)).needed(),
        field("/vault/billing/protect_type", Kind::Enum(6116)).needed(),
        field("/vault/billing/consistent_level", Kind::Enum(PARAMETER)).needed(),
        field("/vault/billing/cloud_type", Kind::Enum(PARAMETER)),
        field("/vault/billing/charging_mode", Kind::Enum(PARAMETER)),
        field("/vault/billing/size", Kind::Integer(10, 10_485_760, 6101)).needed(),
        field("/vault/resources", Kind::List).needed(),
        field("/vault/resources/0", Kind::Object),
        field("/vault/resources/0/id", Kind::Id(404, 7000)).needed(),
        field("/vault/resources/0/type", Kind::Enum(6102)).needed(),
        field("/vault/tags", Kind::List),
        field("/vault/tags/0", Kind::Object),
        field("/vault/tags/0/key", Kind::Tag(36)).needed(),
        field("/vault/tags/0/value", Kind::Tag(43)),
        field("/vault/auto_bind", Kind::Boolean),
        field("/vault/bind_rules", Kind::Object),
        field("/vault/bind_rules/tags", Kind::List),
        field("/vault/bind_rules/tags/0/key", Kind::Tag(36)).needed(),
        field("/vault/threshold", Kind::Integer(1, 100, PARAMETER)),
    ];
    let form = Form { method: "POST", path: "/v3/{p}/vaults".to_owned(), good, fields };
    form.check(&world);
}

// proves: API-13
#[test]
fn fields_of_a_changed_vault() {
    let world = World::new();
    let good = json!({"vault": {
        "name": "w", "billing": {"size": 200}, "auto_bind": true, "threshold": 70, "locked": false,
        "bind_rules": {"tags": [{"key": "a", "value": "b"}]}, "auto_expand": false,
        "smn_notify": true,
    }});
    let field = Field::new;
    let fields = vec![
        field("/vault", Kind::Object).needed(),
        field("/vault/name", Kind::Name),
        field("/vault/billing", Kind::Object),
        field("/vault/billing/size", Kind::Integer(10, 10_485_760, 6101)),
        field("/vault/auto_bind", Kind::Boolean),
        field("/vault/auto_expand", Kind::Boolean),
        field("/vault/smn_notify", Kind::Boolean),
        field("/vault/locked", Kind::Boolean),
        field("/vault/bind_rules", Kind::Object),
        field("/vault/threshold", Kind::Integer(1, 100, PARAMETER)),
    ];
    let path = format!("/v3/{{p}}/vaults/{}", world.things.vault);
    Form { method: "PUT", path, good, fields }.check(&world);
}

// proves: API-13
#[test]
fn fields_of_resources_and_tags_of_a_vault() {
    let world = World::new();
    let vault = format!("/v3/{{p}}/vaults/{}", world.things.vault);
    let tags = format!("/v3/{{p}}/vault/{}/tags", world.things.vault);
    let resource = json!({"id": world.things.spare_disk, "type": "OS::Cinder::Volume"});
    let field = Field::new;
    for form in [
        Form {
            method: "POST",
            path: format!("{vault}/addresources"),
            good: json!({"resources": [resource]}),
            fields: vec![
                field("/resources", Kind::List).needed().not_empty(),
                field("/resources/0", Kind::Object),
                field("/resources/0/id", Kind::Id(404, 7000)).needed(),
                field("/resources/0/type", Kind::Enum(6102)).needed(),
            ],
        },
        Form {
            method: "POST",
            path: format!("{vault}/removeresources"),
            good: json!({"resource_ids": [world.things.disk]}),
            fields: vec![
                field("/resource_ids", Kind::List).needed().not_empty(),
                field("/resource_ids/0", Kind::Id(400, 6135)),
            ],
        },
        Form {
            method: "POST",
            path: tags.clone(),
            good: json!({"tag": {"key": "a", "value": "b"}}),
            fields: vec![
                field("/tag", Kind::Object).needed(),
                field("/tag/key", Kind::Tag(36)).needed(),
                field("/tag/value", Kind::Tag(43)),
            ],
        },
        Form {
            method: "POST",
            path: format!("{tags}/action"),
            good: json!({"action": "create", "tags": [{"key": "a", "value": "b"}]}),
            fields: vec![
                field("/action", Kind::Enum(PARAMETER)).needed(),
                field("/tags", Kind::List).needed().not_empty(),
                field("/tags/0/key", Kind::Tag(36)).needed(),
                field("/tags/0/value", Kind::Tag(43)),
            ],
        },
        Form {
            method: "POST",
            path: "/v3/{p}/vault/resource_instances/action".to_owned(),
            good: json!({"action": "filter", "tags": [{"key": "a", "values": ["b"]}]}),
            fields: vec![
                field("/action", Kind::Enum(PARAMETER)).needed(),
                field("/tags", Kind::List),
            ],
        },
    ] {
        form.check(&world);
    }
}

// proves: API-13
#[test]
fn fields_of_checkpoints_and_backups() {
    let world = World::new();
    let backup = format!("/v3/{{p}}/backups/{}", world.things.backup);
    let good = json!({"checkpoint": {"vault_id": world.things.vault, "parameters": {
        "name": "c", "description": "d", "auto_trigger": false, "incremental": true,
        "resources": [world.things.disk],
    }}});
    let field = Field::new;
    for form in [
        Form {
            method: "POST",
            path: "/v3/{p}/checkpoints".to_owned(),
            good,
            fields: vec![
                field("/checkpoint", Kind::Object).needed(),
                field("/checkpoint/vault_id", Kind::Id(404, 6105)).needed(),
                field("/checkpoint/parameters", Kind::Object),
                field("/checkpoint/parameters/name", Kind::Name),
                field("/checkpoint/parameters/description", Kind::Text(255)),
                field("/checkpoint/parameters/auto_trigger", Kind::Boolean),
                field("/checkpoint/parameters/incremental", Kind::Boolean),
                field("/checkpoint/parameters/resources", Kind::List),
                field("/checkpoint/parameters/resources/0", Kind::Id(400, 6135)),
            ],
        },
        Form {
            method: "PUT",
            path: backup.clone(),
            good: json!({"backup": {"name": "b"}}),
            fields: vec![
                field("/backup", Kind::Object).needed(),
                field("/backup/name", Kind::Name).needed(),
            ],
        },
        Form {
            method: "POST",
            path: format!("{backup}/restore"),
            good: json!({"restore": {"volume_id": world.things.disk}}),
            fields: vec![
                field("/restore", Kind::Object).needed(),
                field("/restore/volume_id", Kind::Id(400, 2003)).needed(),
            ],
        },
    ] {
        form.check(&world);
    }
    assert!(world.server.open_work().unwrap().is_empty(), "nothing began");
}

// proves: API-13
#[test]
fn what_is_said_twice_or_does_not_fit_has_its_own_code() {
    let world = World::new();
    let things = &world.things;
    let volume = |id: &str| json!({"id": id, "type": "OS::Cinder::Volume"});
    let with = |pointer: &str, value: Value| field::with(&new_vault(), pointer, Some(value));
    let vaults = "/v3/{p}/vaults".to_owned();
    let add = format!("/v3/{{p}}/vaults/{}/addresources", things.vault);
    let tag = json!({"key": "a", "value": "b"});
    let many: Vec<Value> = (0..21).map(|at| json!({"key": format!("k{at}")})).collect();
    let tags = format!("/v3/{{p}}/vault/{}/tags/action", things.vault);
    let spare = &things.spare_disk;
    for (path, body, status, code) in [
        (&vaults, with("/vault/tags", json!([tag, tag])), 400, PARAMETER),
        (&vaults, with("/vault/tags", json!([])), 400, PARAMETER),
        (&vaults, with("/vault/backup_policy_id", json!("x")), 400, PARAMETER),
        (&vaults, with("/vault/backup_policy_id", json!(ABSENT)), 404, 6000),
        (&vaults, with("/vault/tags", json!(many)), 400, PARAMETER),
        (&vaults, with("/vault/resources", json!([volume(spare), volume(spare)])), 400, 6104),
        (&vaults, with("/vault/resources", json!([volume(&things.disk)])), 400, 6103),
        (
            &vaults,
            with("/vault/resources", json!([{"id": things.machine, "type": "OS::Nova::Server"}])),
            400,
            6102,
        ),
        (&add, json!({"resources": [volume(spare), volume(spare)]}), 400, 6104),
        (&add, json!({"resources": [volume(&things.disk)]}), 400, 7006),
        (&tags, json!({"action": "create", "tags": [tag, tag]}), 400, PARAMETER),
    ] {
        let answer = world.ask("POST", path, &body);
        let expected = (status, format!("BackupService.{code}"));
        assert_eq!((answer.status, answer.code()), expected, "{body}: {}", answer.text());
    }
}

// proves: API-12, API-13
#[test]
fn things_of_another_project_in_bodies_are_not_there() {
    let world = World::new();
    let make = |path: &str, body: Value| {
        let ask = Ask::new("POST", &path.replace("{o}", &world.other)).token(&world.stranger);
        world.server.ask(&ask.json(&body)).unwrap().json()
    };
    let volume = json!({"volume": {"size": 1, "name": "theirs"}});
    let disk = make("/evs/v3/{o}/volumes", volume)["volume"]["id"].take();
    let vault = make("/v3/{o}/vaults", new_vault())["vault"]["id"].take();
    assert!(disk.is_string() && vault.is_string(), "{disk} {vault}");
    let ours = format!("/v3/{{p}}/vaults/{}", world.things.vault);
    let restore = format!("/v3/{{p}}/backups/{}/restore", world.things.backup);
    let resource = json!({"id": disk, "type": "OS::Cinder::Volume"});
    for (path, body, status, code) in [
        (format!("{ours}/addresources"), json!({"resources": [resource]}), 404, 7000),
        (format!("{ours}/removeresources"), json!({"resource_ids": [disk]}), 400, 6135),
        ("/v3/{p}/checkpoints".to_owned(), json!({"checkpoint": {"vault_id": vault}}), 404, 6105),
        (restore, json!({"restore": {"volume_id": disk}}), 400, 2003),
    ] {
        let answer = world.ask("POST", &path, &body);
        let expected = (status, format!("BackupService.{code}"));
        assert_eq!((answer.status, answer.code()), expected, "{path}: {}", answer.text());
    }
    world.server.settle().unwrap();
}

// proves: API-13
#[test]
fn parameters_of_lists() {
    let world = World::new();
    for (path, queries) in [
        ("vaults", &["limit=0", "limit=1001", "limit=-1", "limit=x", "offset=-1"][..]),
        ("vaults", &["offset=x", "marker=x", "protect_type=x", "object_type=x", "cloud_type=x"]),
        ("backups", &["limit=0", "limit=1001", "offset=-1", "sort=x", "sort=name:up", "marker=x"]),
        ("backups", &["status=x", "image_type=x", "resource_type=x", "own_type=x"]),
        ("backups", &["start_time=x", "end_time=2026-99-01T00:00:00Z", "member_status=x"]),
        ("backups", &["used_percent=0", "used_percent=101", "used_percent=x"]),
        ("operation-logs", &["limit=0", "limit=1001", "status=x", "operation_type=x"]),
        ("operation-logs", &["start_time=yesterday", "offset=1.5"]),
        ("protectables/disk/instances", &["limit=0", "limit=51", "offset=-1"]),
        ("protectables/nonsense/instances", &["limit=1"]),
    ] {
        for query in queries {
            let answer = world.ask("GET", &format!("/v3/{{p}}/{path}?{query}"), &Value::Null);
            let told = (answer.status, answer.code());
            assert_eq!(told, (400, "BackupService.9900".to_owned()), "{path}?{query}");
        }
    }
    let unknown = format!("/v3/{{p}}/backups?marker={ABSENT}");
    assert_eq!(world.ask("GET", &unknown, &Value::Null).code(), "BackupService.9900");
}

// proves: API-13
#[test]
fn texts_that_mean_something_elsewhere_are_texts_here() {
    let world = World::new();
    for text in [
        "'%20OR%20'1'='1",
        "';DROP%20TABLE%20cbr_vault;--",
        "%25",
        "_",
        "..%2F..%2Fetc%2Fpasswd",
        "%00",
        "%F0%9F%92%BE",
        "$%7Bjndi:ldap://a%7D",
    ] {
        for list in ["vaults?name=", "backups?name=", "operation-logs?vault_name="] {
            let answer = world.ask("GET", &format!("/v3/{{p}}/{list}{text}"), &Value::Null);
            let found = answer.json()["count"].as_u64();
            let is_refused = answer.status == 400 && answer.code() == "BackupService.9900";
            assert!(found == Some(0) || is_refused, "{list}{text}: {}", answer.text());
        }
    }
    let vaults = world.ok("GET", "/v3/{p}/vaults", &Value::Null);
    assert_eq!(vaults["count"], 1);
}

// proves: API-13
#[test]
fn ids_in_paths() {
    let world = World::new();
    for (path, code) in [
        ("vaults/ID", 6105),
        ("vault/ID/tags", 6105),
        ("backups/ID", 6200),
        ("checkpoints/ID", 6217),
        ("operation-logs/ID", 6500),
        ("protectables/disk/instances/ID", 7000),
        ("protectables/server/instances/ID", 7100),
    ] {
        let get = |id: &str| {
            let path = format!("/v3/{{p}}/{}", path.replace("ID", id));
            let answer = world.ask("GET", &path, &Value::Null);
            (answer.status, answer.code())
        };
        for id in ["not-a-uuid", "1%27%20OR%201=1", "..%2f..%2fetc", "%00", "%C3%A4"] {
            assert_eq!(get(id), (400, "BackupService.9900".to_owned()), "{path} {id}");
        }
        assert_eq!(get(ABSENT), (404, format!("BackupService.{code}")), "{path}");
    }
    let tag = format!("/v3/{{p}}/vault/{}/tags/none", world.things.vault);
    assert_eq!(world.ask("DELETE", &tag, &Value::Null).code(), "BackupService.6601");
}
