//! A server with something of everything in it, and people who may and may not see it.

use serde_json::{Value, json};
use strongroom_model::Role;
use strongroom_testkit::{Answer, Ask, Server};

/// The server, its projects, and tokens.
pub(crate) struct World {
    pub(crate) server: Server,
    /// The project that everything is in.
    pub(crate) home: String,
    /// A project with nothing in it.
    pub(crate) other: String,
    /// An administrator of either, by project.
    pub(crate) admin: String,
    pub(crate) stranger: String,
    pub(crate) reader: String,
    /// Was good once.
    pub(crate) revoked: String,
    /// What is in the home project.
    pub(crate) things: Things,
}

/// Ids of what there is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Things {
    pub(crate) vault: String,
    pub(crate) disk: String,
    /// In no vault.
    pub(crate) spare_disk: String,
    pub(crate) machine: String,
    pub(crate) checkpoint: String,
    pub(crate) backup: String,
    pub(crate) task: String,
}

/// A vault for disks.
pub(crate) fn new_vault() -> Value {
    json!({"vault": {
        "name": "v1",
        "description": "d",
        "billing": {
            "object_type": "disk",
            "protect_type": "backup",
            "consistent_level": "crash_consistent",
            "cloud_type": "public",
            "charging_mode": "post_paid",
            "size": 100,
        },
        "resources": [],
        "tags": [{"key": "a", "value": "b"}],
        "auto_bind": false,
        "bind_rules": {"tags": [{"key": "a", "value": "b"}]},
        "threshold": 80,
    }})
}

impl World {
    /// Makes it.
    pub(crate) fn new() -> Self {
        let server = Server::start().unwrap();
        let project = server.admin.project_id;
        let (home, other) = (project.to_string(), server.add_project("b").unwrap().to_string());
        server.add_user("reader", project, Role::Reader).unwrap();
        let admin_name = server.admin.user.clone();
        let admin = server.token(&admin_name, &home).unwrap();
        let revoked = server.token(&admin_name, &home).unwrap();
        let revoke = Ask::new("DELETE", "/iam/v3/auth/tokens").token(&admin);
        let answer = server.ask(&revoke.header("x-subject-token", &revoked)).unwrap();
        assert_eq!(answer.status, 204, "{}", answer.text());
        let mut world = Self {
            home: home.clone(),
            stranger: server.token(&admin_name, &other).unwrap(),
            reader: server.token("reader", &home).unwrap(),
            other,
            admin,
            revoked,
            things: Things::default(),
            server,
        };
        world.fill();
        world
    }

    fn fill(&mut self) {
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let disk = id(&self.server.adopt_disk("d1", 1).unwrap());
        let spare_disk = id(&self.server.adopt_disk("d2", 1).unwrap());
        let images = [("root".to_owned(), 1)];
        let machine = id(&self.server.adopt_server("s1", &images).unwrap());
        let vault = id(&self.ok("POST", "/v3/{p}/vaults", &new_vault())["vault"]);
        let resources = json!({"resources": [{"id": disk, "type": "OS::Cinder::Volume"}]});
        self.ok("POST", &format!("/v3/{{p}}/vaults/{vault}/addresources"), &resources);
        let wanted = json!({"checkpoint": {"vault_id": vault}});
        let checkpoint = id(&self.ok("POST", "/v3/{p}/checkpoints", &wanted)["checkpoint"]);
        self.server.settle().unwrap();
        let backup = id(&self.ok("GET", "/v3/{p}/backups", &Value::Null)["backups"][0]);
        let task = id(&self.ok("GET", "/v3/{p}/operation-logs", &Value::Null)["operation_logs"][0]);
        self.things = Things { vault, disk, spare_disk, machine, checkpoint, backup, task };
    }

    /// What the administrator gets for a good request.
    pub(crate) fn ok(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.ask(method, path, body);
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text());
        answer.json()
    }

    /// What the administrator gets. `{p}` is the home project; a body of null is none.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let ask = Ask::new(method, &path.replace("{p}", &self.home)).token(&self.admin);
        self.server.ask(&if body.is_null() { ask } else { ask.json(body) }).unwrap()
    }
}
