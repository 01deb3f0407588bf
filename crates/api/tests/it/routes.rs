//! Which paths are served, under which mounts, and what is said of the others.

use serde_json::json;
use strongroom_api::Surface;

use crate::world::World;

const PROJECT: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const ID: &str = "0daac4c5-6707-4851-97ba-169e36266b66";

/// A path with every parameter filled in.
fn filled(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        "{project_id}" => PROJECT,
        "{protectable_type}" => "server",
        _ if segment.starts_with('{') => ID,
        _ => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

// proves: API-9
#[tokio::test]
async fn route_answers_alike_under_every_mount() {
    let world = World::new().await;
    for route in strongroom_api::routes().filter(|route| !route.is_open()) {
        let path = filled(route.path);
        let mut answers = Vec::new();
        for mount in ["", "/cbr", "/eu-test", "/cbr/eu-test", "/eu-test/evs", "//ecs/"] {
            for tail in ["", "/"] {
                let at = format!("{mount}{path}{tail}");
                let answer = world.ask(route.method, &at).await;
                answers.push((answer.status, answer.text));
            }
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{route:?}: {answers:?}");
        // Nobody showed who it is.
        assert_eq!(answers[0].0, 401, "{route:?}");
    }
}

#[tokio::test]
async fn endpoint_that_is_not_served_yet_is_no_id() {
    let world = World::new().await;
    for (method, path) in [
        ("GET", "vaults/summary"),
        ("PUT", "vaults/batch-update"),
        ("POST", "vaults/order"),
        ("POST", "backups/sync"),
        ("POST", "checkpoints/replicate"),
        ("GET", "policies"),
    ] {
        for mount in ["", "/cbr"] {
            let answer = world.ask(method, &format!("{mount}/v3/{PROJECT}/{path}/")).await;
            assert_eq!(answer.status, 404, "{method} {path}");
            assert_eq!(answer.json()["error_code"], "APIGW.0101", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn bare_paths_belong_to_the_mount() {
    let world = World::new().await;
    for (path, status, key) in [
        ("/", 300, "/versions/0/id"),
        ("/cbr", 300, "/versions/0/id"),
        ("/cbr/", 300, "/versions/0/id"),
        ("/vbs", 300, "/versions/0/id"),
        ("/csbs/", 300, "/versions/0/id"),
        ("/iam", 300, "/versions/values/0/id"),
        ("/eu-test/iam/", 300, "/versions/values/0/id"),
        ("/v3", 200, "/version/id"),
        ("/iam/v3/", 200, "/version/id"),
        ("/evs", 404, "/error/code"),
        ("/evs/v3", 404, "/error/code"),
        ("/ecs/v2.1", 404, "/itemNotFound/code"),
        ("/cbr/v3", 404, "/error_code"),
    ] {
        let answer = world.ask("GET", path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.json().pointer(key).is_some(), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn unknown_path_is_404_and_unknown_method_405() {
    let world = World::new().await;
    let gateway = json!({"error_code": "APIGW.0101", "error_msg": "The API does not exist."});
    for path in ["policies", "vaults/summary/x", "vaults/x/y/z", "nothing"] {
        let answer = world.ask("GET", &format!("/v3/{PROJECT}/{path}")).await;
        assert_eq!((answer.status, answer.json()), (404, gateway.clone()), "{path}");
    }
    let answer = world.ask("PATCH", &format!("/v3/{PROJECT}/vaults")).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET, POST"));
    assert_eq!(answer.json()["error_code"], "APIGW.0101");
    let answer = world.ask("DELETE", "/iam/v3/projects").await;
    assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (405, json!(405)));
}

#[tokio::test]
async fn stranger_is_told_so_in_the_words_of_the_surface() {
    let world = World::new().await;
    for (path, key) in [
        (format!("/v3/{PROJECT}/vaults"), "/unauthorized/message"),
        ("/v3/auth/projects".to_owned(), "/error/title"),
        (format!("/evs/v3/{PROJECT}/volumes"), "/error/code"),
        (format!("/ecs/v1/{PROJECT}/cloudservers/detail"), "/error/code"),
        (format!("/ecs/v2.1/{PROJECT}/servers"), "/unauthorized/code"),
        (format!("/strongroom/v1/{PROJECT}/resources"), "/unauthorized/message"),
    ] {
        let answer = world.ask("GET", &path).await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.json().pointer(key).is_some(), "{path}: {}", answer.text);
    }
    // A path that is no project's is refused to strangers alike.
    assert_eq!(world.ask("GET", "/v3/nothing/vaults").await.status, 401);
}

// proves: API-6
#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for (method, path) in
        [("GET", "/healthz"), ("GET", "/nothing"), ("PATCH", "/v3"), ("HEAD", "/v3")]
    {
        let answer = world.ask(method, path).await;
        let id = answer.header("x-request-id").to_owned();
        assert!(id.starts_with("req-") && id.len() == 40, "{path}: {id}");
        ids.push(id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let world = World::new().await;
    let answer = world.ask("HEAD", "/iam/v3").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(world.ask("HEAD", "/v3/auth/tokens").await.status, 401);
    assert_eq!(world.ask("HEAD", &format!("/v3/{PROJECT}/checkpoints")).await.status, 405);
}

#[test]
fn table_has_each_operation_once_and_surfaces_have_their_paths() {
    let mut seen = std::collections::BTreeSet::new();
    for route in strongroom_api::routes() {
        assert!(seen.insert((route.surface.document(), route.method, route.path)), "{route:?}");
        let is_ours = route.path.starts_with("/strongroom/") || route.path.ends_with('z');
        assert_eq!(route.surface == Surface::Strongroom, is_ours, "{route:?}");
        let in_project = route.path.contains("{project_id}");
        assert!(!in_project || route.action().is_some(), "{route:?}");
    }
}
