//! Makes a repository without data for `cargo xtask bench gc`: three backups of a disk, the first
//! of them deleted, and beside it the file with its key.
//!
//! Usage: `large_repository FOLDER UNITS`

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use strongroom_base::Secret;
use strongroom_base::rng::OsRng;
use strongroom_repo::compute::Inline;
use strongroom_repo::object::local::LocalStore;
use strongroom_repo::testing::large;
use strongroom_repo::testing::real_clock::RealClock;
use strongroom_repo::{Env, MemoryBudget, Repository};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("the folder is missing")?);
    let units = arguments.next().context("the number of units is missing")?;
    let units = units.parse().context("the number of units is none")?;
    // The key of a repository that holds nothing: 32 zero bytes as base64.
    let mut key = OpenOptions::new();
    let mut key = key.write(true).create_new(true).mode(0o600).open(folder.join("key"))?;
    writeln!(key, "{}=", "A".repeat(43))?;
    let root = folder.join("repository");
    let env = Env {
        store: Arc::new(LocalStore::create(&root)?),
        clock: Arc::new(RealClock::new()),
        rng: Arc::new(OsRng),
        compute: Arc::new(Inline),
        memory: MemoryBudget::default(),
    };
    let repo = Repository::init(env, &Secret::new([0; 32])).await?;
    let made = large::build(&repo, &root, units).await?;
    let first = made.first().context("there is a first backup")?;
    repo.delete(*first).await?;
    Ok(())
}
