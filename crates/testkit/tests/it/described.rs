//! What is not as described is found: the check that every answer goes through ([`Server::ask`]) is
//! given good answers with one thing wrong.
//!
//! [`Server::ask`]: strongroom_testkit::Server::ask

use serde_json::{Value, json};
use strongroom_testkit::{Answer, Ask, described};

use crate::world::{World, new_vault};

/// Objects whose keys are the user's.
const MAPS: [&str; 1] = ["/metadata"];

/// One path for each kind of thing that is shown. `{p}` is the project.
fn paths(world: &World) -> Vec<String> {
    let things = &world.things;
    let mut paths = [
        "/",
        "/iam",
        "/ims",
        "/readyz",
        "/v3/{p}/vaults",
        "/v3/{p}/backups",
        "/v3/{p}/operation-logs",
        "/v3/{p}/protectables/disk/instances",
        "/v3/{p}/protectables/server/instances",
        "/v3/{p}/vault/tags",
        "/evs/v3/{p}/types",
        "/evs/v3/{p}/volumes/detail",
        "/ecs/v1/{p}/cloudservers/detail",
        "/ecs/v2.1/{p}/servers/detail",
        "/ecs/v2.1/{p}/servers",
        "/iam/v3",
        "/iam/v3/auth/catalog",
        "/iam/v3/auth/domains",
        "/iam/v3/endpoints",
        "/iam/v3/projects",
        "/iam/v3/regions",
        "/iam/v3/services",
        "/iam/v3/users",
        "/strongroom/v1/{p}/resources",
    ]
    .map(str::to_owned)
    .to_vec();
    paths.push(format!("/v3/{{p}}/checkpoints/{}", things.checkpoint));
    paths.push(format!("/strongroom/v1/{{p}}/tasks/{}", things.task));
    paths.push(format!("/strongroom/v1/{{p}}/vaults/{}/usage", things.vault));
    // Errors of each service.
    for path in ["/v3/{p}/vaults", "/evs/v3/{p}/volumes", "/ecs/v2.1/{p}/servers"] {
        paths.push(format!("{path}/x"));
    }
    paths.push("/iam/v3/users/x".to_owned());
    paths
}

/// The pointers to everything in a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Array(values) => {
            let each = values.iter().enumerate();
            each.for_each(|(n, value)| pointers(value, &format!("{at}/{n}"), found));
        }
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| pointers(value, &format!("{at}/{}", escape(key)), found)),
        _ => {}
    }
}

fn changed(body: &Value, at: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut body = body.clone();
    change(body.pointer_mut(at).unwrap());
    serde_json::to_vec(&body).unwrap()
}

// proves: API-14
#[test]
fn key_or_type_that_is_not_described_is_found_wherever_it_stands() {
    let world = World::new();
    let mut tried = 0;
    for path in paths(&world) {
        let ask = Ask::new("GET", &path.replace("{p}", &world.home)).token(&world.admin);
        let good = world.server.ask(&ask).unwrap();
        let body = good.json();
        let check = |body: Vec<u8>| {
            let answer = Answer { body, ..good.clone() };
            described::check(world.server.region(), &ask, &answer)
        };
        let mut places = Vec::new();
        pointers(&body, "", &mut places);
        for place in &places {
            let value = body.pointer(place).unwrap();
            let is_map = MAPS.iter().any(|map| place.ends_with(map));
            if value.is_object() && !is_map {
                let more = changed(&body, place, |value| value["undescribed"] = json!(1));
                assert!(check(more).is_err(), "{path} {place}");
            }
            let other = changed(&body, place, |value| *value = json!({"undescribed": 1}));
            assert!(check(other).is_err(), "{path} {place}");
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
}

// proves: API-14
#[test]
fn status_type_or_body_that_is_not_described_is_found() {
    let world = World::new();
    let ask = |method: &str, path: &str| {
        Ask::new(method, &path.replace("{p}", &world.home)).token(&world.admin)
    };
    let check = |ask: &Ask, answer: &Answer| {
        described::check(world.server.region(), ask, answer).err().unwrap_or_default()
    };
    let list = ask("GET", "/v3/{p}/vaults");
    let good = world.server.ask(&list).unwrap();
    assert_eq!(check(&list, &good), "");
    let teapot = Answer { status: 418, ..good.clone() };
    assert_eq!(check(&list, &teapot), "status 418 is not described");
    let mut as_text = good.clone();
    as_text.headers.retain(|(name, _)| name != "content-type");
    assert_eq!(check(&list, &as_text), "type \"\" is not described");
    assert_eq!(check(&ask("PATCH", "/v3/{p}/vaults"), &good), "the method is not described");
    assert_eq!(check(&ask("GET", "/v4/{p}/vaults"), &good), "the path is not described");
    let delete = ask("DELETE", &format!("/v3/{{p}}/vaults/{}", world.things.vault));
    let with_body = Answer { status: 204, ..good.clone() };
    assert_eq!(check(&delete, &with_body), "a body is not described");
    // A request that was not refused, and does not look as it must.
    let mut body = new_vault();
    body["vault"]["billing"]["size"] = json!("100");
    let create = ask("POST", "/v3/{p}/vaults").json(&body);
    let told = check(&create, &good);
    assert!(told.starts_with("the request's body: /vault/billing/size: "), "{told}");
}
