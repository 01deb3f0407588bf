//! `strongroom repo backup`: reads disks and stores what is new.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use strongroom_base::{BlockSource, CancelToken, Progress};
use strongroom_repo::object::metrics::StoreUsage;
use strongroom_repo::{BackupError, DEFAULT_LEVEL, DiskInput, Manifest, NewBackup, Repository};
use strongroom_source::{DiskFormat, DiskSpec, OpenOptions, open_source};

use crate::backup_document::{DiskDocument, size};
use crate::backup_id;
use crate::cancel::until_cancelled;
use crate::context::Context;
use crate::disk_argument::DiskArgument;
use crate::failure::Failure;
use crate::output::{facts, warn};
use crate::progress_line::{rate_of, show};
use crate::span;

const EXAMPLES: &str = "\
Examples:
  strongroom repo backup --disk /images/web.qcow2
  strongroom repo backup --disk root=/dev/vg/web --disk data=/dev/vg/web-data
  strongroom repo backup --disk root=/images/web --format root=qcow2 --description 'before 2.0'

The backup is compared with the newest one that has the same disks, so only what changed is
stored. A disk that somebody writes to is refused; one that changes while it is read fails the
backup, and then nothing of it is visible.";

/// Backs up one or more disks
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Backup {
    /// An image file or block device; the name is the file's when none is given
    #[arg(long = "disk", required = true, value_name = "[NAME=]PATH", value_parser = DiskArgument::parse)]
    disks: Vec<DiskArgument>,
    /// Format of a disk whose file name does not tell: raw, qcow2, vdi, vhdx or vpc
    #[arg(long = "format", value_name = "[NAME=]FORMAT", value_parser = parse_format)]
    formats: Vec<NamedFormat>,
    /// A text to find the backup by
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    description: String,
    /// Level of compression: 1 is fastest, 19 smallest
    #[arg(long, default_value_t = DEFAULT_LEVEL, value_parser = clap::value_parser!(i32).range(1..=19))]
    level: i32,
    /// The backup to compare with: an id, auto or none
    #[arg(long, default_value = "auto", value_name = "ID")]
    parent: String,
    /// Read a disk even though somebody uses it
    #[arg(long)]
    force_unsafe: bool,
    /// Let an image refer to backing files outside of its folder
    #[arg(long)]
    any_backing: bool,
}

/// A format, for all disks or for one.
#[derive(Debug, Clone)]
struct NamedFormat {
    disk: Option<String>,
    format: DiskFormat,
}

fn parse_format(text: &str) -> Result<NamedFormat, String> {
    let (disk, format) = match text.split_once('=') {
        Some((disk, format)) => (Some(disk.to_owned()), format),
        None => (None, text),
    };
    let format = format
        .parse()
        .map_err(|error: strongroom_source::spec::UnknownFormat| error.to_string())?;
    Ok(NamedFormat { disk, format })
}

/// The answer. Sizes are in bytes.
#[derive(Debug, Serialize)]
struct Document {
    id: String,
    repository: String,
    created: String,
    parents: Vec<String>,
    disks: Vec<DiskDocument>,
    size_bytes: u64,
    read_bytes: u64,
    new_bytes: u64,
    stored_bytes: u64,
    /// Bytes of new content for each byte stored; none when nothing was stored.
    ratio: Option<f64>,
    duration_ms: u64,
    rate_bytes_per_s: u64,
    requests: BTreeMap<&'static str, u64>,
}

impl Backup {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let cancel = CancelToken::new();
        until_cancelled(&cancel, Box::pin(self.backup(context, &cancel))).await
    }

    async fn backup(&self, context: &Context, cancel: &CancelToken) -> Result<()> {
        let (repository, store) = context.open().await?;
        let parents = self.parents(&repository).await?;
        let progress = Progress::new();
        let new = NewBackup {
            disks: self.inputs()?,
            parents,
            server: None,
            description: self.description.clone(),
            level: self.level,
            cancel: cancel.clone(),
            progress: progress.clone(),
        };
        let work = Box::pin(repository.backup(new));
        let (id, manifest) = show(context.display(), "backup", &*context.clock, &progress, work)
            .await
            .context("backing up")?;
        let document = document(&repository, id.to_string(), &manifest, &store.usage());
        context.printer.print(&document, describe)
    }

    async fn parents(
        &self,
        repository: &Repository,
    ) -> Result<Vec<strongroom_base::ids::ManifestId>> {
        if self.parent == "none" {
            return Ok(Vec::new());
        }
        let catalog = repository.catalog().await.context("looking for the parent")?;
        if self.parent != "auto" {
            return Ok(vec![backup_id::find(&catalog, &self.parent)?.id]);
        }
        let names: Vec<_> = self.disks.iter().map(|disk| disk.name.as_str()).collect();
        Ok(catalog.latest(&names).map(|entry| entry.id).into_iter().collect())
    }

    fn inputs(&self) -> Result<Vec<DiskInput>> {
        self.refuse_unused_formats()?;
        if self.force_unsafe {
            warn("--force-unsafe: the backup may hold a state that the disk never had");
        }
        let options =
            OpenOptions { force_unsafe: self.force_unsafe, any_backing: self.any_backing };
        let open = |disk: &DiskArgument| {
            let mut spec = DiskSpec::new(&disk.path);
            if let Some(format) = self.format_of(&disk.name) {
                spec = spec.with_format(format);
            }
            let source = open_source(&spec, options)
                .map_err(|source| BackupError::Source { name: disk.name.clone(), source })?;
            let source: Arc<dyn BlockSource> = Arc::from(source);
            Ok(DiskInput { name: disk.name.clone(), source })
        };
        self.disks.iter().map(open).collect()
    }

    fn format_of(&self, name: &str) -> Option<DiskFormat> {
        let of_disk = self.formats.iter().find(|format| format.disk.as_deref() == Some(name));
        let of_all = || self.formats.iter().find(|format| format.disk.is_none());
        of_disk.or_else(of_all).map(|format| format.format)
    }

    fn refuse_unused_formats(&self) -> Result<()> {
        let has_disk = |name: &str| self.disks.iter().any(|disk| disk.name == name);
        match self.formats.iter().filter_map(|f| f.disk.as_deref()).find(|name| !has_disk(name)) {
            Some(name) => {
                Err(Failure::usage(format!("--format names the disk {name}, --disk does not"))
                    .into())
            }
            None => Ok(()),
        }
    }
}

/// Requests by kind, as JSON shows them.
pub(super) fn requests(usage: &StoreUsage) -> BTreeMap<&'static str, u64> {
    usage.kinds().iter().map(|(name, usage)| (*name, usage.requests)).collect()
}

fn document(
    repository: &Repository,
    id: String,
    manifest: &Manifest,
    usage: &StoreUsage,
) -> Document {
    let cost = manifest.cost;
    let millis = u128::from(cost.duration_ms.max(1));
    let rate = u128::from(manifest.size()) * 1000 / millis;
    Document {
        id,
        repository: repository.id().to_string(),
        created: manifest.created.to_string(),
        parents: manifest.parents.iter().map(ToString::to_string).collect(),
        disks: DiskDocument::all_of(&manifest.disks),
        size_bytes: manifest.size(),
        read_bytes: cost.read,
        new_bytes: cost.new,
        stored_bytes: cost.stored,
        ratio: (cost.stored > 0).then(|| cost.new as f64 / cost.stored as f64),
        duration_ms: cost.duration_ms,
        rate_bytes_per_s: u64::try_from(rate).unwrap_or(u64::MAX),
        requests: requests(usage),
    }
}

fn describe(document: &Document) -> String {
    let duration = Duration::from_millis(document.duration_ms);
    let parent = document.parents.first().map_or("none", String::as_str);
    let ratio = document.ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
    facts([
        ("backup", document.id.clone()),
        ("parent", parent.to_owned()),
        ("disks", size(document.size_bytes)),
        ("read", size(document.read_bytes)),
        ("new", size(document.new_bytes)),
        ("stored", size(document.stored_bytes)),
        ("ratio", ratio),
        ("duration", span::show(duration)),
        ("rate", rate_of(document.size_bytes, duration)),
        ("requests", document.requests.values().sum::<u64>().to_string()),
    ])
}
