//! Backups, restores and tasks through the service.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::cloud_server::{Answer, CloudWorld, Seen, id};
use crate::program::text;

const VAULT: u32 = 1;
const CHECKPOINT: u32 = 2;
const TASK: u32 = 3;
const BACKUP: u32 = 4;
const SERVER: u32 = 5;

fn task(status: &str, progress: u64) -> Value {
    json!({
        "id": id(TASK), "status": status, "operation_type": "backup", "checkpoint_id": id(CHECKPOINT),
        "vault_id": id(VAULT), "vault_name": "web", "started_at": "2026-01-02T03:04:05.000001",
        "error_info": {"code": "", "message": ""},
        "extra_info": {"common": {"progress": progress}, "resource": {"name": "root"}},
    })
}

fn failed(code: &str) -> Value {
    let mut task = task("failed", 30);
    task["error_info"] = json!({"code": code, "message": "It did not work."});
    task
}

fn disk_backup() -> Value {
    json!({"id": id(BACKUP), "name": "nightly", "resource_id": id(40), "resource_name": "root",
           "resource_type": "OS::Cinder::Volume", "resource_size": 10, "status": "available",
           "created_at": "2026-01-02T03:04:05.678901", "children": []})
}

fn server_backup() -> Value {
    let child = |n: u32, disk: u32, name: &str| {
        json!({"id": id(n), "name": format!("nightly_{name}"), "resource_id": id(disk),
               "resource_name": name, "children": []})
    };
    json!({"id": id(BACKUP), "name": "nightly", "resource_id": id(SERVER), "resource_name": "web",
           "resource_type": "OS::Nova::Server", "children": [child(50, 40, "root"), child(51, 41, "data")]})
}

/// A service with one vault and one backup. The task answers with each of `states` in turn and
/// stays at the last one.
fn service(backup: Value, states: Vec<Value>) -> impl FnMut(&Seen) -> Answer + Send + 'static {
    let mut states = states.into_iter().peekable();
    move |seen| match seen.route.as_str() {
        "GET vaults" => {
            let name = seen.parameter("name") == Some("web");
            let resources = json!([{"id": id(40), "name": "root"}, {"id": id(41), "name": "data"}]);
            let vault = json!({"id": id(VAULT), "name": "web", "resources": resources});
            Answer::json(200, &json!({"vaults": if name { vec![vault] } else { vec![] }}))
        }
        "GET backups" => {
            let named = seen.parameter("name").is_none_or(|name| name == "nightly");
            Answer::json(
                200,
                &json!({"backups": if named { vec![backup.clone()] } else { vec![] }}),
            )
        }
        "POST checkpoints" => Answer::json(200, &json!({"checkpoint": {"id": id(CHECKPOINT)}})),
        "GET operation-logs" => {
            let mut other = task("running", 0);
            other["checkpoint_id"] = json!(id(99));
            other["id"] = json!(id(98));
            let logs = [other, task("waiting", 0)];
            Answer::json(200, &json!({ "operation_logs": logs }))
        }
        "GET protectables/disk/instances" => {
            let found = json!({"id": id(60), "name": seen.parameter("name").unwrap()});
            Answer::json(200, &json!({ "instances": [found] }))
        }
        "GET protectables/server/instances" => {
            Answer::json(200, &json!({"instances": [{"id": id(SERVER), "name": "web"}]}))
        }
        route if route.starts_with("GET operation-logs/") => {
            let state = states.next().unwrap();
            if states.peek().is_none() {
                states = vec![state.clone()].into_iter().peekable();
            }
            Answer::json(200, &json!({ "operation_log": state }))
        }
        route if route.starts_with("GET +tasks/") => {
            let detail = json!({"id": id(TASK), "bytes_done": 5, "bytes_total": 10});
            Answer::json(200, &json!({ "task": detail }))
        }
        route if route.ends_with("/restore") => Answer::json(202, &json!({"job_id": id(TASK)})),
        route if route.ends_with("/verify") => Answer::json(202, &json!({"task_id": id(TASK)})),
        route if route.ends_with("/cancel") => Answer::json(202, &json!({"task": {}})),
        other => panic!("{other}"),
    }
}

fn world(backup: Value, states: Vec<Value>) -> CloudWorld {
    CloudWorld::new(service(backup, states))
}

#[test]
fn create_waits_for_the_tasks_of_its_checkpoint() {
    let states = vec![task("waiting", 0), task("running", 50), task("success", 100)];
    let world = world(disk_backup(), states);
    let options = ["--resource", "data", "--name", "n", "--full", "--keep-days", "7", "--wait"];
    let document = world.json(&[["backup", "create", "web"].as_slice(), &options].concat());
    assert_eq!(document["backups"][0]["id"], id(BACKUP));
    assert_eq!(document["operation_logs"].as_array().unwrap().len(), 1);
    assert_eq!(document["operation_logs"][0]["status"], "success");
    let seen = world.server.seen();
    let created = seen.iter().find(|seen| seen.route == "POST checkpoints").unwrap();
    let parameters = json!({"auto_trigger": false, "incremental": false, "name": "n",
        "resources": [id(41)], "retention_duration_days": 7});
    let expected = json!({"checkpoint": {"vault_id": id(VAULT), "parameters": parameters}});
    assert_eq!(created.body, expected);
    assert_eq!(seen.iter().filter(|seen| seen.route.starts_with("GET +tasks/")).count(), 2);
}

#[test]
fn create_without_waiting_names_the_task() {
    let world = world(disk_backup(), vec![task("running", 0)]);
    let said = world.ok(&["backup", "create", "web"]);
    assert!(said.contains(&format!("`strongroom task wait {}`", id(TASK))), "{said}");
    assert!(!world.server.routes().iter().any(|route| route.starts_with("GET operation-logs/")));
}

#[test]
fn wait_falls_back_to_percents() {
    let states = vec![task("running", 10), task("running", 50), task("success", 100)];
    let mut service = service(disk_backup(), states);
    let world = CloudWorld::new(move |seen| {
        let is_known = !seen.route.starts_with("GET +");
        if is_known { service(seen) } else { Answer::error(404, "APIGW.0101", "No such route.") }
    });
    world.ok(&["task", "wait", &id(TASK)]);
    let asked = world.server.routes();
    assert_eq!(asked.iter().filter(|route| route.starts_with("GET +")).count(), 1);
}

#[test]
fn wait_endures_a_service_that_is_away_for_a_moment() {
    let states = vec![task("running", 1), task("running", 2), task("success", 100)];
    let mut service = service(disk_backup(), states);
    let mut count = 0;
    let world = CloudWorld::new(move |seen| {
        count += 1;
        if matches!(count, 2 | 3) { Answer::error(503, "", "Away.") } else { service(seen) }
    });
    let document = world.json(&["task", "wait", &id(TASK)]);
    assert_eq!(document["operation_logs"][0]["status"], "success");
    // To find it, twice in vain, running with its detail, and the end.
    assert_eq!(world.server.routes().len(), 6);
}

#[test]
fn outcomes_have_their_exit_codes() {
    let check = |end: Value, code, expected: &str| {
        let world = world(disk_backup(), vec![task("running", 1), end]);
        let said = world.fails(&["backup", "create", "web", "--wait"], code);
        assert!(said.contains(expected), "{said}");
    };
    check(
        failed("BackupService.6114"),
        1,
        "the backup failed: It did not work (BackupService.6114)",
    );
    check(failed("Strongroom.Cancelled"), 130, "the backup was cancelled");
    check(task("skipped", 0), 4, "the backup was skipped");
    check(task("timeout", 0), 1, "the backup took too long");
    let world = world(disk_backup(), vec![failed("X")]);
    let output = world.run(&["task", "wait", &id(TASK), "--output", "json"]);
    assert_eq!(output.status.code(), Some(1));
    // One document: the task says what happened.
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["operation_logs"][0]["error_info"]["code"], "X");
}

#[test]
fn interrupt_stops_the_waiting_only() {
    let world = world(disk_backup(), vec![task("running", 1)]);
    let mut command = world.command(&["task", "wait", &id(TASK), "--verbose"]);
    let mut wait = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut said = BufReader::new(wait.stderr.take().unwrap());
    let mut line = String::new();
    // The detail is asked for only while it waits.
    while !line.contains("/tasks/") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended before it waited");
    }
    let sent = Command::new("kill").args(["-INT", &wait.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut said, &mut rest).unwrap();
    let rest = text(&rest);
    assert_eq!(wait.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("the task goes on"), "{rest}");
    assert!(rest.contains(&format!("`strongroom task cancel {}`", id(TASK))), "{rest}");
}

#[test]
fn restore_of_a_disk_goes_where_it_is_told() {
    let world = world(disk_backup(), vec![task("success", 100)]);
    let body = |arguments: &[&str]| {
        world.ok(arguments);
        let seen = world.server.seen();
        seen.into_iter().rfind(|seen| seen.route.ends_with("/restore")).unwrap().body
    };
    let own = json!({"restore": {"volume_id": id(40)}});
    assert_eq!(body(&["restore", "nightly", "--wait"]), own);
    let other = json!({"restore": {"volume_id": id(60)}});
    assert_eq!(body(&["restore", "nightly", "--to-disk", "new"]), other);
    world.fails(&["restore", "nightly", "--server", "web"], 2);
    world.fails(&["restore", "nightly", "--to-disk", "new", "--server", "web"], 2);
    world.fails(&["restore", "other"], 3);
}

#[test]
fn restore_of_a_server_maps_its_disks() {
    let world = world(server_backup(), vec![task("success", 100)]);
    let body = |arguments: &[&str]| {
        world.ok(arguments);
        world.server.seen().pop().unwrap().body["restore"].clone()
    };
    let mapping = |n: u32, disk: u32| json!({"backup_id": id(n), "volume_id": id(disk)});
    let all = json!({"server_id": id(SERVER), "mappings": [mapping(50, 40), mapping(51, 41)],
                     "power_on": false});
    assert_eq!(body(&["restore", "nightly"]), all);
    let one = json!({"server_id": id(SERVER), "mappings": [mapping(51, 60)], "power_on": true});
    let arguments = ["restore", "nightly", "--server", "web", "--map", "data=new", "--power-on"];
    assert_eq!(body(&arguments), one);
    let said = world.fails(&["restore", "nightly", "--map", "swap=new"], 3);
    assert!(said.contains("it has: root, data"), "{said}");
    world.fails(&["restore", "nightly", "--to-disk", "new"], 2);
}

#[test]
fn verify_takes_vaults_and_backups() {
    let world = world(disk_backup(), vec![task("success", 100)]);
    world.ok(&["verify", "web", "--wait"]);
    world.ok(&["verify", "nightly"]);
    let routes = world.server.routes();
    let posts: Vec<_> = routes.iter().filter(|route| route.starts_with("POST")).collect();
    let expected = [
        format!("POST +vaults/{}/verify", id(VAULT)),
        format!("POST +backups/{}/verify", id(BACKUP)),
    ];
    assert_eq!(posts, expected.iter().collect::<Vec<_>>());
    world.fails(&["verify", "nothing"], 3);
}

#[test]
fn tasks_are_listed_and_cancelled() {
    let world = world(disk_backup(), vec![task("running", 1)]);
    let list = world.ok(&["task", "list", "--vault", "web", "--status", "running"]);
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
    let last = world.server.seen().pop().unwrap();
    assert_eq!(last.parameter("vault_id"), Some(id(VAULT).as_str()));
    world.ok(&["task", "cancel", &id(TASK)]);
    let route = world.server.routes().pop().unwrap();
    assert_eq!(route, format!("POST +tasks/{}/cancel", id(TASK)));
    assert!(world.ok(&["task", "show", &id(TASK)]).contains("running"));
}

#[test]
fn backups_are_listed_by_vault_and_resource() {
    let world = world(disk_backup(), Vec::new());
    let statuses = ["--status", "available", "--status", "error"];
    let filter = ["backup", "list", "--vault", "web", "--resource", "data"];
    let list = world.ok(&[filter.as_slice(), &statuses].concat());
    assert!(list.contains("nightly") && list.contains("10.0 GiB"), "{list}");
    let query = world.server.seen().pop().unwrap().query;
    let expected = format!(
        "vault_id={}&resource_id={}&status=available&status=error&limit=1000",
        id(VAULT),
        id(41)
    );
    assert_eq!(query, expected);
    assert!(world.ok(&["backup", "show", "nightly"]).contains("2026-01-02 03:04"));
}
