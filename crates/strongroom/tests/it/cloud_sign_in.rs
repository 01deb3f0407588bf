//! Signing in to the service, and what its refusals come to.

use std::net::TcpListener;

use serde_json::json;

use crate::cloud_server::{Answer, CloudServer, CloudWorld};
use crate::program::text;

fn no_vaults() -> Answer {
    Answer::json(200, &json!({"vaults": [], "count": 0}))
}

#[test]
fn list_signs_in_and_finds_the_service_in_the_catalogue() {
    let world = CloudWorld::new(|_| no_vaults());
    assert_eq!(world.ok(&["vault", "list"]), "No vaults.\n");
    assert_eq!(world.server.routes(), ["GET vaults"]);
    assert_eq!(world.server.seen()[0].header("x-auth-token"), Some("token-1"));
}

#[test]
fn stale_token_is_renewed_once() {
    let world = CloudWorld::of(CloudServer::start(|_| no_vaults()).with_stale_token());
    world.ok(&["vault", "list"]);
    assert_eq!(world.server.routes(), ["GET vaults", "GET vaults"]);
    assert_eq!(world.server.logins(), 2);
    // A service that refuses every token is not asked for ever.
    let refuse = |_: &_| Answer::json(401, &json!({"unauthorized": {"message": "No."}}));
    let world = CloudWorld::new(refuse);
    world.fails(&["vault", "list"], 5);
    assert_eq!(world.server.logins(), 2);
}

#[test]
fn variables_are_enough() {
    let world = CloudWorld::new(|_| no_vaults());
    let address = std::fs::read_to_string(world.path("clouds.yaml")).unwrap();
    let address = address.lines().find_map(|line| line.trim().strip_prefix("auth_url: ")).unwrap();
    let mut command = world.command(&["vault", "list"]);
    command.env_remove("OS_CLIENT_CONFIG_FILE").env_remove("OS_CLOUD").current_dir("/");
    command.envs([("OS_AUTH_URL", address), ("OS_USERNAME", "u"), ("OS_PASSWORD", "secret")]);
    command.envs([("OS_PROJECT_NAME", "p"), ("OS_USER_DOMAIN_NAME", "d")]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn wrong_settings_are_told_apart() {
    let world = CloudWorld::new(|_| no_vaults());
    world.write_clouds("wrong", "eu");
    let said = world.fails(&["vault", "list"], 5);
    assert!(said.contains("Unknown user (HTTP 401)"), "{said}");
    world.write_clouds("secret", "us");
    let said = world.fails(&["vault", "list"], 3);
    assert!(said.contains("`cbr` in the region us"), "{said}");
    world.ok(&["vault", "list", "--region", "eu"]);
    let said = world.fails(&["vault", "list", "--cloud", "other"], 2);
    assert!(said.contains("has: test"), "{said}");
}

#[test]
fn service_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let world = CloudWorld::new(|_| no_vaults());
    let clouds = std::fs::read_to_string(world.path("clouds.yaml")).unwrap();
    let line = clouds.lines().find(|line| line.contains("auth_url")).unwrap();
    let clouds = clouds.replace(line, &format!("      auth_url: {at}/v3"));
    std::fs::write(world.path("clouds.yaml"), clouds).unwrap();
    let said = world.fails(&["vault", "list"], 5);
    assert!(said.contains("asking http://127.0.0.1"), "{said}");
}

#[test]
fn refusals_have_their_exit_codes() {
    let check = |status, code: &str, expected| {
        let answer = Answer::error(status, code, "That is so.");
        let world = CloudWorld::new(move |_| answer.clone());
        let said = world.fails(&["vault", "list"], expected);
        assert!(said.contains(&format!("That is so ({code}, HTTP {status})")), "{said}");
        assert!(!said.contains("req-77"), "{said}");
    };
    check(400, "BackupService.9900", 2);
    check(400, "BackupService.6114", 4);
    check(403, "Forbidden", 5);
    check(404, "BackupService.6105", 3);
    check(409, "Strongroom.Busy", 4);
    check(500, "BackupService.0002", 1);
    check(503, "APIGW.0103", 5);
    let world = CloudWorld::new(|_| Answer::error(400, "BackupService.9900", "No."));
    let said = world.fails(&["vault", "list", "--verbose"], 2);
    assert!(said.contains("/vaults?limit=1000: 400 req-77"), "{said}");
    assert!(said.contains("request req-77)"), "{said}");
    let output = world.run(&["vault", "list", "--output", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["error"]["kind"], "usage");
}
