//! Vaults and resources through the service.

use serde_json::{Value, json};

use crate::cloud_server::{Answer, CloudWorld, Seen, id};

fn vault(n: u32, name: &str) -> Value {
    json!({
        "id": id(n), "name": name, "created_at": "2026-01-02T03:04:05.678901", "locked": false,
        "billing": {"object_type": "disk", "size": 100, "used": 2048, "allocated": 40,
                    "status": "available"},
        "tags": [{"key": "team", "value": "db"}],
        "resources": [{"id": id(900), "name": "root", "type": "OS::Cinder::Volume", "size": 40,
                       "backup_size": 2048, "backup_count": 3, "protect_status": "available"}],
    })
}

/// A service with 1002 vaults `v1`.. and two that are called `twin`.
fn many(seen: &Seen) -> Answer {
    let mut all: Vec<_> = (1..=1002).map(|n| vault(n, &format!("v{n}"))).collect();
    all.extend([vault(2001, "twin"), vault(2002, "twin")]);
    if let Some(asked) = seen.route.strip_prefix("GET vaults/") {
        return match all.iter().find(|vault| vault["id"] == asked) {
            Some(vault) => Answer::json(200, &json!({ "vault": vault })),
            None => Answer::error(404, "BackupService.6105", "The vault does not exist."),
        };
    }
    if let Some(name) = seen.parameter("name") {
        all.retain(|vault| vault["name"] == name);
    }
    let after = seen
        .parameter("marker")
        .map_or(0, |marker| all.iter().position(|vault| vault["id"] == marker).unwrap() + 1);
    let limit = seen.parameter("limit").unwrap().parse().unwrap();
    let page: Vec<_> = all.into_iter().skip(after).take(limit).collect();
    Answer::json(200, &json!({"vaults": page, "count": 1004, "limit": limit, "offset": 0}))
}

#[test]
fn list_goes_on_by_marker() {
    let world = CloudWorld::new(many);
    let document = world.json(&["vault", "list"]);
    assert_eq!(document["vaults"].as_array().unwrap().len(), 1004);
    let seen = world.server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].parameter("marker"), Some(id(1000).as_str()));
    let document = world.json(&["vault", "list", "--limit", "3", "--type", "disk"]);
    assert_eq!(document["vaults"].as_array().unwrap().len(), 3);
    let last = world.server.seen().pop().unwrap();
    assert_eq!((last.parameter("limit"), last.parameter("object_type")), (Some("3"), Some("disk")));
}

#[test]
fn tables_fit_80_columns() {
    let name = "x".repeat(64);
    let world = CloudWorld::new(move |seen| {
        let mut vault = vault(1, &name);
        vault["billing"]["used"] = json!(1_048_576_u64 * 900);
        vault["billing"]["object_type"] = json!("server");
        vault["locked"] = json!(true);
        let backup = json!({"id": id(2), "name": name, "resource_name": name, "resource_size": 500,
            "created_at": "2026-01-02T03:04:05.678901", "status": "waiting_restore"});
        let task = json!({"id": id(3), "operation_type": "remove_resource", "status": "running",
            "vault_name": name, "started_at": "2026-01-02T03:04:05.678901",
            "extra_info": {"common": {"progress": 100}, "resource": {"name": name}}});
        let resource = json!({"id": id(4), "name": name, "type": "server", "status": "SHUTOFF"});
        Answer::json(
            200,
            &match seen.route.as_str() {
                "GET vaults" => json!({ "vaults": [vault] }),
                "GET backups" => json!({ "backups": [backup] }),
                "GET operation-logs" => json!({ "operation_logs": [task] }),
                _ => json!({ "resources": [resource] }),
            },
        )
    });
    for noun in ["vault", "backup", "task", "resource"] {
        let list = world.ok(&[noun, "list"]);
        assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
        assert!(list.contains("xxx…"), "{list}");
    }
    assert!(world.ok(&["vault", "list"]).contains("00000001"));
}

#[test]
fn vaults_are_found_by_id_name_and_beginning() {
    let world = CloudWorld::new(many);
    let found = |wanted: &str| world.json(&["vault", "show", wanted])["vault"]["id"].clone();
    assert_eq!(found(&id(7)), id(7));
    assert_eq!(found("v7"), id(7));
    assert_eq!(found("0000003f"), id(63));
    let said = world.fails(&["vault", "show", "twin"], 2);
    assert!(said.contains("2 vaults are called \"twin\""), "{said}");
    assert!(said.contains(&id(2001)) && said.contains(&id(2002)), "{said}");
    world.fails(&["vault", "show", "nothing"], 3);
    world.fails(&["vault", "show", &id(5000)], 3);
    assert!(world.ok(&["vault", "show", "v7"]).contains("2.00 GiB of 100.0 GiB"));
}

#[test]
fn create_resolves_its_resources() {
    let world = CloudWorld::new(|seen| match seen.route.as_str() {
        "GET protectables/disk/instances" => {
            let disk = json!({"id": id(900), "name": "root", "type": "OS::Cinder::Volume"});
            Answer::json(200, &json!({ "instances": [disk] }))
        }
        "POST vaults" => Answer::json(200, &json!({"vault": vault(1, "web")})),
        other => panic!("{other}"),
    });
    let arguments = ["vault", "create", "web", "--type", "disk", "--size", "100"];
    let more = ["--tag", "team=db", "--resource", "root", "--lock"];
    let shown = world.ok(&[arguments.as_slice(), &more].concat());
    assert!(shown.contains("root") && shown.contains("team=db"), "{shown}");
    let body = world.server.seen().pop().unwrap().body;
    assert_eq!(body["vault"]["billing"]["size"], 100);
    assert_eq!(body["vault"]["billing"]["object_type"], "disk");
    let resource = json!({"id": id(900), "type": "OS::Cinder::Volume", "name": "root"});
    assert_eq!(body["vault"]["resources"], json!([resource]));
    assert_eq!(body["vault"]["tags"], json!([{"key": "team", "value": "db"}]));
    assert_eq!(body["vault"]["locked"], true);
    assert_eq!(body["vault"].get("description"), None);
}

#[test]
fn update_sends_only_what_changes() {
    let world = CloudWorld::new(|seen| match seen.route.split(' ').next().unwrap() {
        "GET" => many(seen),
        "POST" => Answer::bytes(204, b""),
        _ => Answer::json(200, &json!({"vault": vault(7, "v7")})),
    });
    world.fails(&["vault", "update", "v7"], 2);
    world.ok(&["vault", "update", "v7", "--size", "200", "--auto-expand", "false", "--untag", "a"]);
    let seen = world.server.seen();
    let put = seen.iter().find(|seen| seen.route.starts_with("PUT")).unwrap();
    assert_eq!(put.route, format!("PUT vaults/{}", id(7)));
    assert_eq!(put.body, json!({"vault": {"billing": {"size": 200}, "auto_expand": false}}));
    let post = seen.iter().find(|seen| seen.route.starts_with("POST")).unwrap();
    assert_eq!(post.route, format!("POST vault/{}/tags/action", id(7)));
    assert_eq!(post.body, json!({"action": "delete", "tags": [{"key": "a"}]}));
}

#[test]
fn delete_asks_and_waits_until_nothing_is_left() {
    let mut left = 3;
    let world = CloudWorld::new(move |seen| match seen.route.split(' ').next().unwrap() {
        "DELETE" => Answer::bytes(204, b""),
        _ if seen.route.starts_with("GET vaults/") => {
            left -= 1;
            if left == 0 { Answer::error(404, "BackupService.6105", "Gone.") } else { many(seen) }
        }
        _ => many(seen),
    });
    world.fails(&["vault", "delete", "v7"], 2); // nobody is there to answer
    assert!(!world.server.routes().iter().any(|route| route.starts_with("DELETE")));
    let document = world.json(&["vault", "delete", "v7", "--yes", "--wait"]);
    assert_eq!(document, json!({"deleted": [id(7)]}));
    let asked = format!("GET vaults/{}", id(7));
    let routes = world.server.routes();
    assert_eq!(routes.iter().filter(|route| **route == asked).count(), 3);
}

#[test]
fn resources_go_in_and_out_of_a_vault() {
    let world = CloudWorld::new(|seen| match seen.route.as_str() {
        route if route.ends_with("/addresources") => {
            Answer::json(200, &json!({"add_resource_ids": [id(901)]}))
        }
        route if route.ends_with("/removeresources") => {
            Answer::json(200, &json!({"remove_resource_ids": [id(900)]}))
        }
        route if route.starts_with("GET protectables/disk/instances/") => {
            Answer::json(200, &json!({"instance": {"id": id(901), "name": "data"}}))
        }
        _ => many(seen),
    });
    world.ok(&["vault", "add-resource", "v7", &id(901)]);
    let body = world.server.seen().pop().unwrap().body;
    assert_eq!(body["resources"][0]["type"], "OS::Cinder::Volume");
    world.fails(&["vault", "remove-resource", "v7", "root"], 2); // nobody is there to answer
    world.fails(&["vault", "remove-resource", "v7", "other", "--yes"], 3);
    world.ok(&["vault", "remove-resource", "v7", "root", "--yes"]);
    assert_eq!(world.server.seen().pop().unwrap().body, json!({"resource_ids": [id(900)]}));
}

#[test]
fn resources_are_made_known_and_forgotten() {
    let server = json!({"id": id(1), "type": "server", "name": "web", "status": "ACTIVE", "disks": [
        {"id": id(2), "name": "root", "path": "/a.qcow2", "format": "qcow2",
         "size_bytes": 1_u64 << 30, "is_system": true},
    ]});
    let world = CloudWorld::new(move |seen| match seen.route.split(' ').next().unwrap() {
        "POST" => Answer::json(201, &json!({ "resource": server })),
        "DELETE" => Answer::bytes(204, b""),
        _ => Answer::json(200, &json!({ "resources": [server] })),
    });
    let disks = ["--disk", "root=/a.qcow2", "--disk", "/dev/b:block"];
    let shown = world.ok(&[["resource", "add", "server", "web"].as_slice(), &disks].concat());
    assert!(shown.contains("/a.qcow2") && shown.contains("1.00 GiB"), "{shown}");
    let seen = world.server.seen().pop().unwrap();
    assert_eq!(seen.route, "POST +resources");
    let disks =
        json!([{"name": "root", "path": "/a.qcow2"}, {"path": "/dev/b", "format": "block"}]);
    let expected = json!({"resource": {"type": "server", "name": "web", "disks": disks}});
    assert_eq!(seen.body, expected);
    world.ok(&["resource", "add", "disk", "/c.img", "--format", "raw"]);
    let body = world.server.seen().pop().unwrap().body;
    assert_eq!(body, json!({"resource": {"type": "disk", "path": "/c.img", "format": "raw"}}));
    world.fails(&["resource", "add", "disk", "c.img"], 2);
    assert!(world.ok(&["resource", "list"]).contains("web"));
    world.ok(&["resource", "remove", "web"]);
    assert_eq!(world.server.routes().pop().unwrap(), format!("DELETE +resources/{}", id(1)));
}
