//! The first start of the real server: two at once, and one whose password nobody saw.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use strongroom_db::testing::Postgres;

use crate::cloud_client::{CloudClient, log_in};
use crate::installation::{Installation, Setup};
use crate::program::text;

/// How often two race.
const RACES: u32 = 3;

/// Two servers with data directories, master keys and names of their own over one database.
fn race(database: &str, folder: &Path) {
    let setups = ["one", "two"].map(|name| {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        let mut setup = Setup::below(&folder).with(&["--database", database]);
        setup.variables.push(("STRONGROOM_DOMAIN".to_owned(), name.to_owned()));
        setup
    });
    let servers = setups.each_ref().map(Setup::spawn);
    let mut winners = 0;
    for (mut server, setup) in servers.into_iter().zip(&setups) {
        // The loser ends by itself; the winner goes on. While the one makes a file of SQLite, the
        // other may not even look.
        match server.ready_or_ended() {
            Ok(address) => {
                CloudClient::log_in(address, &setup.openrc());
                winners += 1;
            }
            Err(status) => {
                let said = server.said();
                let is_early = status.code() == Some(1) && said.contains("database is locked");
                let is_late = status.code() == Some(7) && said.contains("master key");
                assert!(is_late || is_early, "{status}: {said}");
                assert!(!setup.data.join("openrc").exists(), "nobody is known by it");
            }
        }
    }
    assert_eq!(winners, 1, "of two first starts one makes the installation");
}

// proves: CTL-31
#[test]
fn of_two_first_starts_one_makes_the_installation() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..RACES {
        let dir = tempfile::tempdir().unwrap();
        race(&format!("sqlite://{}/shared.db", dir.path().display()), &dir.path().join("files"));
        let database = runtime.block_on(Postgres::shared().new_database()).unwrap();
        race(&database, &dir.path().join("server"));
    }
}

#[test]
fn lost_password_is_replaced() {
    let world = Installation::new(&[]);
    let setup = &world.setup;
    let (server, client) = setup.start_first();
    let before = setup.openrc();
    // What a first start leaves that dies before it has told anybody.
    for name in ["openrc", "clouds.yaml"] {
        fs::remove_file(setup.data.join(name)).unwrap();
    }
    let reset = |words: &[&str]| setup.command(&[&["user", "reset-password"], words].concat());
    let done = reset(&["admin", "--output", "json"]).output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    let document: Value = serde_json::from_slice(&done.stdout).unwrap();
    let after = setup.openrc();
    let find = |openrc: &[(String, String)], wanted: &str| {
        openrc.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
    };
    assert_eq!(find(&after, "OS_PASSWORD").as_deref(), document["password"].as_str());
    assert_eq!(log_in(client.address, &before).status, 401, "the lost one is good for nothing");
    let look = client.cbr("GET", "vaults");
    assert_eq!(client.try_send(&look).unwrap().status, 401, "and its tokens");
    assert!(CloudClient::log_in(client.address, &after).vaults().is_empty());
    for name in ["openrc", "clouds.yaml"] {
        let mode = fs::metadata(setup.data.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }

    // What else the files say stays, and other users' passwords are nobody's business.
    let openrc = setup.data.join("openrc");
    let mut said = fs::read_to_string(&openrc).unwrap();
    said.push_str("export OS_ACCESS_KEY='AK'\nexport OS_SECRET_KEY='SK'\n");
    std::io::Write::write_all(&mut fs::File::create(&openrc).unwrap(), said.as_bytes()).unwrap();
    let done = reset(&["admin"]).output().unwrap();
    let now = setup.openrc();
    let password = find(&now, "OS_PASSWORD").unwrap();
    assert!(text(&done.stdout).contains(&password));
    assert_ne!(Some(password), find(&after, "OS_PASSWORD"));
    assert_eq!(find(&now, "OS_SECRET_KEY").as_deref(), Some("SK"));
    CloudClient::log_in(client.address, &now);
    let nobody = reset(&["nobody"]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(3), "{}", text(&nobody.stderr));
    assert_eq!(setup.openrc(), now);
    server.stop();
    let elsewhere = Installation::new(&[]);
    let done = elsewhere.setup.command(&["user", "reset-password", "admin"]).output().unwrap();
    assert_eq!(done.status.code(), Some(7), "{}", text(&done.stderr));
}
