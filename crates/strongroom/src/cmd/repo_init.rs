//! `strongroom repo init`: makes a repository, and its key when there is none yet.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use strongroom_base::Secret;
use strongroom_repo::object::address::StoreAddress;
use strongroom_repo::object::probe::probe;
use strongroom_repo::{OpenError, Repository, Sharing, identify};

use crate::cancel::until_interrupted;
use crate::context::{Context, OpenStore};
use crate::key_file;
use crate::master_key::KeySource;
use crate::output::warn;

const EXAMPLES: &str = "\
Examples:
  strongroom repo init --repo fs:///backups/web --key-file ~/web.key
  strongroom repo init --repo 's3://bucket/web?endpoint=http://host:9000' --key-file ~/web.key

The key file is made when it does not exist. Whoever loses it loses every backup.";

/// Makes a repository in an empty place
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Init {
    /// Use a store that does not keep what several writers at once need; from then on only one
    /// command may run at any time
    #[arg(long)]
    single_writer: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    repository: String,
    at: String,
    key_file: Option<String>,
    key_created: bool,
}

impl Init {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        until_interrupted(Box::pin(self.init(context))).await
    }

    async fn init(self, context: &Context) -> Result<()> {
        let source = context.key_source()?;
        if let (KeySource::File(path), StoreAddress::Local(root)) = (&source, context.address()?) {
            key_file::refuse_inside(path, &root)?;
        }
        let store = context.create_store()?;
        let at = store.env.store.label();
        refuse_taken(&store, &at).await?;
        let sharing = self.try_store(context, &store, &at).await?;
        let (key, created) = obtain_key(&source, context)?;
        let repository = Repository::init_for(store.env.clone(), &key, sharing)
            .await
            .with_context(|| format!("making a repository at {at}"))?;
        let file = match &source {
            KeySource::File(path) => Some(path.display().to_string()),
            KeySource::Command(_) | KeySource::Variable => None,
        };
        let document = Document {
            repository: repository.id().to_string(),
            at,
            key_file: file,
            key_created: created,
        };
        context.printer.print(&document, describe)
    }

    async fn try_store(&self, context: &Context, store: &OpenStore, at: &str) -> Result<Sharing> {
        match probe(&*store.plain, &*context.rng).await {
            Err(error) if error.is_broken_guarantee() && self.single_writer => {
                warn(&format!("{error}; only one command may use {at} at any time"));
                Ok(Sharing::One)
            }
            tried => {
                tried.with_context(|| format!("trying what the store {at} guarantees"))?;
                Ok(Sharing::Many)
            }
        }
    }
}

/// Before a key is made: nobody wants a key for a repository that is not made.
async fn refuse_taken(store: &OpenStore, at: &str) -> Result<()> {
    let error = match identify(&store.env).await {
        Ok(_) => OpenError::Exists { at: at.to_owned() },
        // What an `init` that died leaves behind is no repository; `Repository::init` knows.
        Err(OpenError::Absent { .. } | OpenError::NotOurs { .. }) => return Ok(()),
        Err(error) => error,
    };
    Err(error).context("making a repository")
}

fn obtain_key(source: &KeySource, context: &Context) -> Result<(Secret, bool)> {
    match source {
        KeySource::File(path) if !exists(path) => {
            let key = key_file::generate(&*context.rng);
            key_file::create(path, &key)?;
            Ok((key, true))
        }
        source => Ok((source.read()?, false)),
    }
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn describe(document: &Document) -> String {
    let made = format!("Made repository {} at {}.", document.repository, document.at);
    match &document.key_file {
        Some(file) if document.key_created => format!(
            "{made}\nIts key is new and lies in {file}, readable only by you.\n\
             Keep a copy of it in another place: who loses the key loses every backup."
        ),
        _ => made,
    }
}
