//! Nobody sees or does what is not theirs: every operation of the descriptions, as nobody, with a
//! revoked token, from another project, as a reader, and with another project's ids.
//!
//! An operation that is added is tested without a change here, unless it needs a body: then the test
//! fails until [`body`] has one.

use serde_json::{Value, json};
use strongroom_api::openapi::DOCUMENTS;
use strongroom_model::{Action, Role, permission};
use strongroom_testkit::{Answer, Ask};

use crate::world::{World, new_vault};

/// An id of nothing.
const ABSENT: &str = "00000000-0000-4000-8000-000000000000";

/// An operation of a description.
#[derive(Debug)]
struct Operation {
    mount: &'static str,
    method: String,
    path: String,
    action: Option<Action>,
    is_open: bool,
}

impl Operation {
    /// Reads all committed descriptions.
    fn all() -> Vec<Self> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi");
        let mut all = Vec::new();
        for name in DOCUMENTS {
            let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
            let document: Value = serde_json::from_str(&text).unwrap();
            for (path, operations) in document["paths"].as_object().unwrap() {
                for (method, operation) in operations.as_object().unwrap() {
                    all.push(Self {
                        mount: mount(name),
                        method: method.to_uppercase(),
                        path: path.clone(),
                        action: operation["x-action"].as_str().map(action),
                        is_open: operation["security"] == json!([]),
                    });
                }
            }
        }
        all
    }

    /// Whether it is about a project.
    fn is_within(&self) -> bool {
        self.path.contains("{project_id}")
    }

    /// Whether it hands a disk out, which is more than to look.
    fn is_export(&self) -> bool {
        self.path.ends_with("/export")
    }

    /// Whether it names something that a project has.
    fn names_a_thing(&self) -> bool {
        let names = ["{vault_id}", "{backup_id}", "{checkpoint_id}", "{operation_log_id}"];
        let more = ["{instance_id}", "{volume_id}", "{server_id}", "{resource_id}", "{task_id}"];
        names.iter().chain(&more).any(|name| self.path.contains(name))
            || self.path.ends_with("/checkpoints")
    }
}

fn mount(document: &str) -> &'static str {
    match document {
        "iam" => "/iam",
        "evs" => "/evs",
        "ecs" => "/ecs",
        "ims" => "/ims",
        _ => "",
    }
}

fn action(name: &str) -> Action {
    let found = Action::ALL.iter().find(|action| action.to_string() == name);
    *found.unwrap_or_else(|| panic!("no action {name}"))
}

/// A body that would be good, with the ids of the world's things; null for operations without.
fn body(world: &World, operation: &Operation) -> Value {
    let things = &world.things;
    let volume = json!({"id": things.spare_disk, "type": "OS::Cinder::Volume"});
    let path = operation.path.rsplit("{project_id}").next().unwrap_or_default();
    match (operation.method.as_str(), path) {
        ("GET" | "DELETE", _)
        | (
            "POST",
            "/tasks/{task_id}/cancel" | "/backups/{backup_id}/verify" | "/vaults/{vault_id}/verify",
        ) => Value::Null,
        ("POST", "/vaults") => new_vault(),
        ("PUT", "/vaults/{vault_id}") => json!({"vault": {"name": "v1"}}),
        ("POST", "/vaults/{vault_id}/addresources") => json!({"resources": [volume]}),
        ("POST", "/vaults/{vault_id}/removeresources") => json!({"resource_ids": [things.disk]}),
        ("POST", "/vault/{vault_id}/tags") => json!({"tag": {"key": "a", "value": "b"}}),
        ("POST", "/vault/{vault_id}/tags/action") => {
            json!({"action": "create", "tags": [{"key": "a", "value": "b"}]})
        }
        ("POST", "/vault/resource_instances/action") => json!({"action": "filter"}),
        ("POST", "/checkpoints") => json!({"checkpoint": {"vault_id": things.vault}}),
        ("PUT", "/backups/{backup_id}") => json!({"backup": {"name": "b"}}),
        ("POST", "/backups/{backup_id}/restore") => {
            json!({"restore": {"volume_id": things.disk}})
        }
        ("POST", "/volumes") => json!({"volume": {"size": 1, "volume_type": "SSD"}}),
        ("POST", "/resources") => json!({"resource": {"type": "disk", "path": "/a.qcow2"}}),
        _ => panic!("{operation:?} needs a body here"),
    }
}

/// The path with a project, and the ids of the world's things or of nothing.
fn path(world: &World, operation: &Operation, project: &str, is_absent: bool) -> String {
    let things = &world.things;
    let fill = |segment: &str| match segment {
        "{project_id}" => project.to_owned(),
        "{protectable_type}" => "disk".to_owned(),
        "{key}" => "a".to_owned(),
        "{type_id}" | "{id}" => ABSENT.to_owned(),
        _ if segment.starts_with('{') && is_absent => ABSENT.to_owned(),
        "{vault_id}" => things.vault.clone(),
        "{backup_id}" => things.backup.clone(),
        "{checkpoint_id}" => things.checkpoint.clone(),
        "{operation_log_id}" | "{task_id}" => things.task.clone(),
        "{instance_id}" | "{volume_id}" | "{resource_id}" => things.disk.clone(),
        "{server_id}" => things.machine.clone(),
        _ if segment.starts_with('{') => panic!("{operation:?}: what is {segment}?"),
        _ => segment.to_owned(),
    };
    let path: Vec<String> = operation.path.split('/').map(fill).collect();
    let query = if operation.is_export() { "?format=raw" } else { "" };
    format!("{}{}{query}", operation.mount, path.join("/"))
}

fn ask(world: &World, operation: &Operation, at: &str, token: Option<&str>) -> Answer {
    let mut ask = Ask::new(&operation.method, at);
    if let Some(token) = token {
        ask = ask.token(token);
    }
    let body = if operation.is_within() { body(world, operation) } else { Value::Null };
    world.server.ask(&if body.is_null() { ask } else { ask.json(&body) }).unwrap()
}

/// An answer without the id of its request.
fn without_request(answer: &Answer) -> String {
    answer.text().replace(answer.header("x-request-id"), "")
}

// proves: API-12
#[test]
fn nobody_and_revoked_tokens_are_refused_everywhere() {
    let world = World::new();
    for operation in Operation::all().iter().filter(|operation| !operation.is_open) {
        let at = path(&world, operation, &world.home, false);
        for token in [None, Some(world.revoked.as_str()), Some("nonsense"), Some("")] {
            let answer = ask(&world, operation, &at, token);
            assert_eq!(answer.status, 401, "{operation:?}: {}", answer.text());
        }
    }
}

// proves: API-12
#[test]
fn tokens_of_another_project_are_refused_alike_whatever_there_is() {
    let world = World::new();
    for operation in Operation::all().iter().filter(|operation| operation.is_within()) {
        let tell = |is_absent| {
            let at = path(&world, operation, &world.home, is_absent);
            let answer = ask(&world, operation, &at, Some(&world.stranger));
            assert_eq!(answer.status, 403, "{operation:?}: {}", answer.text());
            without_request(&answer)
        };
        assert_eq!(tell(false), tell(true), "{operation:?}");
    }
}

// proves: API-12
#[test]
fn readers_read_and_do_nothing_else() {
    let world = World::new();
    let mut refused = 0;
    for operation in Operation::all().iter().filter(|operation| operation.action.is_some()) {
        let at = path(&world, operation, &world.home, false);
        let answer = ask(&world, operation, &at, Some(&world.reader));
        let may = permission::check(&[Role::Reader], operation.action.unwrap()).is_ok();
        if may {
            let is_fine = answer.status < 300 || !operation.names_a_thing() && answer.status == 404;
            assert!(is_fine, "{operation:?}: {} {}", answer.status, answer.text());
        } else {
            // Who looks for people is not told which there are.
            let expected = if operation.mount == "/iam" { 404 } else { 403 };
            assert_eq!(answer.status, expected, "{operation:?}: {}", answer.text());
            refused += 1;
        }
        // Whatever only looks is for readers; who may log in is not theirs to see.
        let looks = operation.method == "GET" && !operation.is_export()
            || operation.path.ends_with("resource_instances/action");
        assert_eq!(may, looks && !operation.path.contains("/users/"), "{operation:?}");
    }
    assert!(refused > 10, "{refused}");
    world.server.settle().unwrap();
}

// proves: API-12
#[test]
fn things_of_another_project_are_not_there() {
    let world = World::new();
    let all = Operation::all();
    let things = all.iter().filter(|operation| operation.is_within() && operation.names_a_thing());
    for operation in things {
        let tell = |is_absent| {
            let at = path(&world, operation, &world.other, is_absent);
            let answer = ask(&world, operation, &at, Some(&world.stranger));
            assert_eq!(answer.status, 404, "{operation:?}: {}", answer.text());
            assert_ne!(answer.code(), "APIGW.0101", "{operation:?}");
            without_request(&answer)
        };
        assert_eq!(tell(false), tell(true), "{operation:?}");
    }
    // None of it did anything.
    let vault = world.ok("GET", &format!("/v3/{{p}}/vaults/{}", world.things.vault), &Value::Null);
    assert_eq!(vault["vault"]["resources"].as_array().unwrap().len(), 1);
    world.server.settle().unwrap();
}
