//! What a caller meets on its way: a token, its project, a vault, and the end of it.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use strongroom_control::iam::Bootstrap;

use crate::world::{Answer, World};

/// A user with a token of its project.
struct Session {
    world: World,
    token: String,
    project: String,
}

impl Session {
    async fn new() -> Self {
        let world = World::new().await;
        let first = Bootstrap { domain: "home".to_owned(), admin: "admin".to_owned() };
        let admin = world.service.bootstrap(&first).await.unwrap().unwrap();
        let user = json!({
            "name": admin.user,
            "password": admin.password.as_str(),
            "domain": {"name": admin.domain},
        });
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"id": admin.project_id}},
        }});
        let request = Request::builder().method("POST").uri("/iam/v3/auth/tokens");
        let answer = world.send(request.body(Body::from(body.to_string())).unwrap()).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let shown = answer.json();
        assert_eq!(shown.pointer("/token/project/name"), Some(&json!("eu-test")));
        let token = answer.header("x-subject-token").to_owned();
        Self { world, token, project: admin.project_id.to_string() }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.header("x-auth-token", &self.token).body(body).unwrap();
        self.world.send(request).await
    }

    fn cbr(&self, path: &str) -> String {
        format!("/cbr/v3/{}/{path}", self.project)
    }
}

fn new_vault(size: u64) -> Value {
    let billing = json!({
        "object_type": "disk",
        "protect_type": "backup",
        "consistent_level": "crash_consistent",
        "size": size,
    });
    json!({"vault": {"name": "v", "billing": billing, "resources": []}})
}

#[tokio::test]
async fn vault_lives_from_its_creation_to_its_end() {
    let session = Session::new().await;
    let made = session.ask("POST", &session.cbr("vaults"), Some(new_vault(100))).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let id = made.json()["vault"]["id"].as_str().unwrap().to_owned();
    let one = session.cbr(&format!("vaults/{id}"));
    let shown = session.ask("GET", &one, None).await;
    assert_eq!((shown.status, shown.json()), (200, made.json()));
    let listed = session.ask("GET", &session.cbr("vaults?limit=1"), None).await.json();
    assert_eq!((&listed["count"], &listed["limit"]), (&json!(1), &json!(1)));
    assert_eq!(listed["vaults"][0], made.json()["vault"]);
    let none = session.ask("GET", &session.cbr("vaults?id=B1&policy_id=x"), None).await;
    assert_eq!((none.status, none.json()["vaults"].clone()), (200, json!([])));
    let gone = session.ask("DELETE", &one, None).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    let absent = session.ask("GET", &one, None).await;
    assert_eq!(absent.status, 404);
    assert_eq!(absent.json()["error_code"], "BackupService.6105");
}

#[tokio::test]
async fn refusals_have_their_codes_on_the_wire() {
    let session = Session::new().await;
    let small = session.ask("POST", &session.cbr("vaults"), Some(new_vault(9))).await;
    assert_eq!((small.status, &small.json()["error_code"]), (400, &json!("BackupService.6101")));
    let named = session.ask("GET", &session.cbr("vaults/my-vault"), None).await;
    assert_eq!(
        (named.status, named.json()),
        (
            400,
            json!({"error_code": "BackupService.9900", "error_msg": "Invalid vault_id provided."})
        )
    );
    let mut with_policy = new_vault(10);
    with_policy["vault"]["backup_policy_id"] = json!("0daac4c5-6707-4851-97ba-169e36266b66");
    let policy = session.ask("POST", &session.cbr("vaults"), Some(with_policy)).await;
    assert_eq!((policy.status, &policy.json()["error_code"]), (404, &json!("BackupService.6000")));
}

// proves: API-7
#[tokio::test]
async fn another_project_is_403_alike_whether_it_is_one_or_not() {
    let session = Session::new().await;
    let mut answers = Vec::new();
    for project in ["0a1b2c3d4e5f60718293a4b5c6d7e8f9", "nothing", "%20"] {
        let answer = session.ask("GET", &format!("/v3/{project}/vaults"), None).await;
        answers.push((answer.status, answer.text));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, 403);
}

#[tokio::test]
async fn identity_tells_a_caller_where_it_is() {
    let session = Session::new().await;
    for (path, pointer, expected) in [
        ("/iam/v3/auth/projects", "/projects/0/name", json!("eu-test")),
        ("/iam/v3/projects?name=eu-test", "/projects/0/id", json!(session.project)),
        ("/v3/auth/domains", "/domains/0/name", json!("home")),
        ("/v3/users?name=admin", "/users/0/enabled", json!(true)),
        ("/v3/auth/catalog", "/catalog/0/type", json!("identity")),
        ("/v3/regions", "/regions/0/id", json!("eu-test")),
    ] {
        let answer = session.ask("GET", path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert_eq!(answer.json().pointer(pointer), Some(&expected), "{path}: {}", answer.text);
    }
    let unknown = session.ask("GET", "/v3/projects/nothing", None).await;
    assert_eq!((unknown.status, &unknown.json()["error"]["code"]), (404, &json!(404)));
}
