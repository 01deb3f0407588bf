//! `strongroom repo key`: the master keys that open a repository.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde::Serialize;
use strongroom_repo::object::address::StoreAddress;

use crate::cancel::until_interrupted;
use crate::context::Context;
use crate::key_file;

const EXAMPLES: &str = "\
Examples:
  strongroom repo key list
  strongroom repo key add --new-key-file ~/second.key
  strongroom repo key remove 7d1f...-a03c...
  strongroom repo key generate -o ~/new.key

Each slot holds the repository's keys, wrapped by one master key. Removing a slot shuts its master
key out from then on; who opened the repository before may have kept what the slot held.";

/// Lists, adds and removes master keys
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Key {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Lists the key slots
    List,
    /// Adds a slot for another master key
    Add {
        /// File with the other key; made when it does not exist
        #[arg(long, value_name = "FILE")]
        new_key_file: PathBuf,
    },
    /// Removes a slot, but never the last
    Remove {
        /// Its name, as `key list` shows it
        slot: String,
    },
    /// Makes a random key without touching any repository
    Generate {
        /// The new file; standard output when left out
        #[arg(long, short = 'o', value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Serialize)]
struct Slots {
    slots: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Added {
    slot: String,
    key_file: String,
    key_created: bool,
}

#[derive(Debug, Serialize)]
struct Removed {
    removed: String,
}

#[derive(Debug, Serialize)]
struct Generated {
    key: Option<String>,
    key_file: Option<String>,
}

impl Key {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        until_interrupted(async {
            match self.verb {
                Verb::List => list(context).await,
                Verb::Add { new_key_file } => add(context, &new_key_file).await,
                Verb::Remove { slot } => remove(context, slot).await,
                Verb::Generate { file } => generate(context, file.as_deref()),
            }
        })
        .await
    }
}

async fn list(context: &Context) -> Result<()> {
    let (repository, _) = context.open().await?;
    let slots = repository.slots().await.context("listing the key slots")?;
    context.printer.print(&Slots { slots }, |slots| slots.slots.join("\n"))
}

async fn add(context: &Context, path: &Path) -> Result<()> {
    if let StoreAddress::Local(root) = context.address()? {
        key_file::refuse_inside(path, &root)?;
    }
    let (repository, _) = context.open().await?;
    let present = context.key()?;
    let key_created = path.symlink_metadata().is_err();
    let new = if key_created {
        let new = key_file::generate(&*context.rng);
        key_file::create(path, &new)?;
        new
    } else {
        key_file::read(path)?
    };
    let slot = repository.add_slot(&present, &new).await.context("adding a key slot")?;
    let document = Added { slot, key_file: path.display().to_string(), key_created };
    context.printer.print(&document, |added| {
        let made = if added.key_created { "new key" } else { "key" };
        format!("The {made} in {} opens the repository (slot {}).", added.key_file, added.slot)
    })
}

async fn remove(context: &Context, slot: String) -> Result<()> {
    let (repository, _) = context.open().await?;
    repository.remove_slot(&slot).await.context("removing a key slot")?;
    context.printer.print(&Removed { removed: slot }, |removed| {
        format!("Removed slot {}. Its key no longer opens the repository.", removed.removed)
    })
}

fn generate(context: &Context, file: Option<&Path>) -> Result<()> {
    let key = key_file::generate(&*context.rng);
    let document = match file {
        Some(path) => {
            key_file::create(path, &key)?;
            Generated { key: None, key_file: Some(path.display().to_string()) }
        }
        None => Generated { key: Some(key_file::encode(&key).to_string()), key_file: None },
    };
    context.printer.print(&document, |generated| match (&generated.key, &generated.key_file) {
        (Some(key), _) => key.clone(),
        (None, file) => format!("Wrote a new key to {}.", file.as_deref().unwrap_or_default()),
    })
}
