//! The real server over a real `PostgreSQL` and a bucket of a real S3 server, alone and with another.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use strongroom_db::testing::Postgres;
use strongroom_repo::object::address::{S3Address, S3Dialect};
use strongroom_repo::testing::s3_server::{S3Server, S3ServerKind};
use strongroom_testkit::Ask;
use tempfile::TempDir;

use crate::cloud_client::{CloudClient, log_in, wait_for};
use crate::installation::{RealServer, Setup, is_same_image, make_empty_image, make_image};
use crate::program::MIB;

const DISK: u64 = 1024 * MIB;
const DATA: u64 = 96 * MIB;
/// Longer than the lease of a dead worker, and the work.
const PATIENCE: Duration = Duration::from_secs(75);

/// A database, a bucket and a disk.
struct Ground {
    dir: TempDir,
    store: S3Server,
    database: String,
    disk: PathBuf,
    /// What was on the disk.
    before: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let database = runtime.block_on(Postgres::shared().new_database()).unwrap();
        let store = S3Server::start(S3ServerKind::VersityGw);
        let store = store.unwrap_or_else(|error| panic!("{error}"));
        let dir = tempfile::tempdir().unwrap();
        let disks = dir.path().join("disks");
        fs::create_dir(&disks).unwrap();
        let (disk, before) = (disks.join("disk.qcow2"), dir.path().join("before.qcow2"));
        make_image(&before, DISK, DATA, 3);
        fs::copy(&before, &disk).unwrap();
        Self { dir, store, database, disk, before }
    }

    /// How a server with a data directory of its own is started; the master key is everybody's.
    fn setup(&self, name: &str, dialect: S3Dialect) -> Setup {
        let address = S3Address { dialect, ..self.store.address("cloud") }.to_string();
        let folder = self.dir.path().join(name);
        fs::create_dir(&folder).unwrap();
        let key = self.dir.path().join("master.key").display().to_string();
        let setup = Setup::below(&folder).with(&["--database", &self.database]);
        let setup = setup.with(&["--store", &address, "--key-file", &key, "--grave-delay", "0s"]);
        let credentials = self.store.credentials();
        Setup {
            disks: self.dir.path().join("disks"),
            variables: vec![
                ("AWS_ACCESS_KEY_ID".to_owned(), credentials.access_key),
                ("AWS_SECRET_ACCESS_KEY".to_owned(), credentials.secret_key),
            ],
            ..setup
        }
    }

    /// A client adopts the disk and makes a vault for it: vault and disk.
    fn prepare(&self, client: &CloudClient) -> (String, String) {
        let disk = client.adopt("disk", &self.disk);
        (client.make_vault("vault", &[&disk]), disk)
    }

    /// The disk is lost, and comes back.
    fn restore(&self, client: &CloudClient, backup: &str, disk: &str) {
        fs::remove_file(&self.disk).unwrap();
        make_empty_image(&self.disk, DISK);
        client.restore(backup, disk);
        assert!(is_same_image(&self.before, &self.disk), "other bytes were restored");
    }
}

#[test]
fn server_lives_over_postgres_and_a_bucket() {
    for dialect in [S3Dialect::S3, S3Dialect::Obs] {
        let ground = Ground::new();
        let setup = ground.setup("one", dialect);
        let (server, client) = setup.start_first();
        let (vault, disk) = ground.prepare(&client);
        let backup = client.back_up(&vault);
        server.stop();

        let (server, address) = setup.start();
        let client = client.at(address);
        ground.restore(&client, &backup, &disk);
        let again = client.back_up(&vault);
        let path = format!("backups/{again}");
        assert_eq!(client.get(&path)["backup"]["incremental"], true);
        client.send(&client.cbr("DELETE", &path));
        client.settle(PATIENCE);
        assert_eq!(client.backups(&vault).len(), 1);
        client.send(&client.cbr("DELETE", &format!("vaults/{vault}")));
        client.settle(PATIENCE);
        assert!(client.vault(&vault).is_none());
        server.stop();

        let (server, address) = setup.start();
        assert!(client.at(address).vaults().is_empty());
        assert!(client.at(address).tasks().iter().all(|task| task["status"] == "success"));
        server.stop();
    }
}

#[test]
fn two_servers_share_a_catalogue_and_a_bucket() {
    let ground = Ground::new();
    let first_setup = ground.setup("one", S3Dialect::S3);
    let (first, client) = first_setup.start_first();
    let (second, address) = ground.setup("two", S3Dialect::S3).start();
    let other = client.at(address);

    // A token of one is good at the other, until it is revoked at either.
    let token = log_in(client.address, &first_setup.openrc()).header("x-subject-token").to_owned();
    let look = Ask::new("GET", &format!("/v3/{}/vaults", client.project)).token(&token);
    assert_eq!(other.try_send(&look).unwrap().status, 200);
    let revoke = Ask::new("DELETE", "/iam/v3/auth/tokens").token(&client.token);
    client.send(&revoke.header("x-subject-token", &token));
    assert_eq!(other.try_send(&look).unwrap().status, 401);

    // Whoever works on the backup dies; the other one goes on with it.
    let (vault, disk) = ground.prepare(&other);
    client.send(&client.backup_of(&vault));
    let is_busy = |server: &RealServer| !server.children().is_empty();
    wait_for("a server reads the disk", PATIENCE, || is_busy(&first) || is_busy(&second));
    let (left, client) = if is_busy(&first) {
        first.kill();
        (second, other)
    } else {
        second.kill();
        (first, client)
    };
    assert_eq!(client.backups(&vault)[0]["status"], "protecting", "the server died too late");
    client.settle(PATIENCE);
    let backups = client.backups(&vault);
    assert_eq!(backups.len(), 1);
    assert_eq!(backups[0]["status"], "available");
    ground.restore(&client, backups[0]["id"].as_str().unwrap(), &disk);
    left.stop();
}
