//! A client of a real server: requests over HTTP, and what their answers say.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use strongroom_base::clock::system_instant;
use strongroom_testkit::{Answer, Ask};

use crate::installation::rest;

/// Who asks, and whom.
#[derive(Debug, Clone)]
pub(crate) struct CloudClient {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    pub(crate) project: String,
}

/// Logs in with what an `openrc` says; the answer, whatever it is.
pub(crate) fn log_in(address: SocketAddr, openrc: &[(String, String)]) -> Answer {
    let value = |name: &str| &openrc.iter().find(|(known, _)| known == name).unwrap().1;
    let user = json!({
        "name": value("OS_USERNAME"),
        "password": value("OS_PASSWORD"),
        "domain": {"name": value("OS_USER_DOMAIN_NAME")},
    });
    let body = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"project": {"id": value("OS_PROJECT_ID")}},
    }});
    Ask::new("POST", "/iam/v3/auth/tokens").json(&body).send(address).unwrap()
}

impl CloudClient {
    pub(crate) fn log_in(address: SocketAddr, openrc: &[(String, String)]) -> Self {
        let answer = log_in(address, openrc);
        assert_eq!(answer.status, 201, "{}", answer.text());
        let project = openrc.iter().find(|(name, _)| name == "OS_PROJECT_ID").unwrap().1.clone();
        Self { address, token: answer.header("x-subject-token").to_owned(), project }
    }

    /// The same one, asking another server.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// A request of CBR, not yet sent.
    pub(crate) fn cbr(&self, method: &str, path: &str) -> Ask {
        Ask::new(method, &format!("/v3/{}/{path}", self.project)).token(&self.token)
    }

    /// Sends it; the server may die meanwhile.
    pub(crate) fn try_send(&self, ask: &Ask) -> io::Result<Answer> {
        ask.send(self.address)
    }

    /// Sends it, and it must succeed.
    pub(crate) fn send(&self, ask: &Ask) -> Value {
        let answer = ask.send(self.address).unwrap();
        let is_good = (200..300).contains(&answer.status);
        assert!(is_good, "{} {}: {} {}", ask.method, ask.target, answer.status, answer.text());
        answer.json()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.send(&self.cbr("GET", path))
    }

    /// Makes a disk known; its id.
    pub(crate) fn adopt(&self, name: &str, path: &Path) -> String {
        let body = json!({"resource": {"type": "disk", "name": name, "path": path}});
        let target = format!("/strongroom/v1/{}/resources", self.project);
        let answer = self.send(&Ask::new("POST", &target).token(&self.token).json(&body));
        answer["resource"]["id"].as_str().unwrap().to_owned()
    }

    /// Makes a vault with these disks; its id.
    pub(crate) fn make_vault(&self, name: &str, disks: &[&str]) -> String {
        let disks: Vec<_> =
            disks.iter().map(|id| json!({"id": id, "type": "OS::Cinder::Volume"})).collect();
        let body = json!({"vault": {
            "name": name,
            "billing": {
                "object_type": "disk",
                "protect_type": "backup",
                "consistent_level": "crash_consistent",
                "size": 100,
            },
            "resources": disks,
        }});
        let answer = self.send(&self.cbr("POST", "vaults").json(&body));
        answer["vault"]["id"].as_str().unwrap().to_owned()
    }

    /// A request for a backup.
    pub(crate) fn backup_of(&self, vault: &str) -> Ask {
        let body = json!({"checkpoint": {"vault_id": vault, "parameters": {"name": "run"}}});
        self.cbr("POST", "checkpoints").json(&body)
    }

    /// A request for a restore.
    pub(crate) fn restore_of(&self, backup: &str, disk: &str) -> Ask {
        let body = json!({"restore": {"volume_id": disk}});
        self.cbr("POST", &format!("backups/{backup}/restore")).json(&body)
    }

    /// Backs a vault up; the id of its newest backup.
    pub(crate) fn back_up(&self, vault: &str) -> String {
        self.send(&self.backup_of(vault));
        self.settle(Duration::from_mins(1));
        let newest = self.backups(vault).remove(0);
        assert_eq!(newest["status"], "available");
        newest["id"].as_str().unwrap().to_owned()
    }

    /// Restores a backup to a disk.
    pub(crate) fn restore(&self, backup: &str, disk: &str) {
        let job = self.send(&self.restore_of(backup, disk));
        self.settle(Duration::from_mins(1));
        let task = self.task(job["job_id"].as_str().unwrap());
        assert_eq!(task["status"], "success", "{task}");
    }

    /// All tasks, the newest first.
    pub(crate) fn tasks(&self) -> Vec<Value> {
        self.get("operation-logs?limit=1000")["operation_logs"].as_array().unwrap().clone()
    }

    pub(crate) fn task(&self, id: &str) -> Value {
        self.get(&format!("operation-logs/{id}"))["operation_log"].clone()
    }

    /// Whether a task waits or runs; the server may die meanwhile.
    pub(crate) fn is_at_work(&self) -> io::Result<bool> {
        let answer = self.try_send(&self.cbr("GET", "operation-logs?limit=1000"))?;
        Ok(answer.json()["operation_logs"].as_array().is_none_or(|tasks| tasks.iter().any(is_open)))
    }

    /// Waits until no task waits or runs.
    pub(crate) fn settle(&self, limit: Duration) {
        let began = system_instant();
        loop {
            let tasks = self.tasks();
            if !tasks.iter().any(is_open) {
                return;
            }
            assert!(began.elapsed() < limit, "still at work: {tasks:?}");
            rest(began);
        }
    }

    /// The backups of a vault, the newest first.
    pub(crate) fn backups(&self, vault: &str) -> Vec<Value> {
        self.get(&format!("backups?vault_id={vault}"))["backups"].as_array().unwrap().clone()
    }

    pub(crate) fn vaults(&self) -> Vec<Value> {
        self.get("vaults")["vaults"].as_array().unwrap().clone()
    }

    /// A vault; none if it is gone.
    pub(crate) fn vault(&self, id: &str) -> Option<Value> {
        self.vaults().into_iter().find(|vault| vault["id"] == id)
    }

    /// A disk.
    pub(crate) fn disk(&self, id: &str) -> Value {
        let target = format!("/evs/v2/{}/volumes/{id}", self.project);
        self.send(&Ask::new("GET", &target).token(&self.token))["volume"].clone()
    }
}

/// Whether a task waits or runs.
pub(crate) fn is_open(task: &Value) -> bool {
    task["status"] == "waiting" || task["status"] == "running"
}

/// Waits until something is so.
pub(crate) fn wait_for(what: &str, limit: Duration, is_so: impl Fn() -> bool) {
    let began = system_instant();
    while !is_so() {
        assert!(began.elapsed() < limit, "waited {limit:?} in vain: {what}");
        rest(began);
    }
}
