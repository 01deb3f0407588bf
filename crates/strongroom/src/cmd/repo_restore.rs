//! `strongroom repo restore`: gives disks back.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{ArgGroup, Args};
use serde::Serialize;
use strongroom_base::{BlockSink, CancelToken, Progress};
use strongroom_repo::{ReadSession, RestoreError};
use strongroom_source::sink::{self, StreamSink};
use strongroom_source::{DiskFormat, DiskSpec, OpenOptions};

use super::repo_backup::requests;
use crate::backup_document::size;
use crate::backup_id;
use crate::cancel::until_cancelled;
use crate::context::{Context, OpenStore};
use crate::disk_argument::DiskChoice;
use crate::failure::{Failure, Kind};
use crate::output::{facts, warn};
use crate::progress_line::{rate_of, show};
use crate::span;

/// How long a restore that failed waits for its jobs; a disk that hangs must not keep it for ever.
const WRITERS: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(5);

const EXAMPLES: &str = "\
Examples:
  strongroom repo restore latest --to /images/web.img
  strongroom repo restore 3fa94c01 --disk root --in-place /dev/vg/web
  strongroom repo restore latest --disk root=/images/root.img --disk data=/images/data.qcow2
  strongroom repo restore latest --disk root --stdout | ssh host 'dd of=/dev/vg/web bs=1M'

A new file gets its name when it is complete, and never replaces another. --in-place writes only
what differs; if it is interrupted, the disk is partly old and partly new: run it again.";

/// Restores disks of a backup
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(group(ArgGroup::new("target").args(["to", "in_place", "to_qcow2", "stdout"])))]
pub(crate) struct Restore {
    /// The backup: an id, the beginning of one, or latest
    id: String,
    /// A disk of the backup, and the new file to restore it to
    #[arg(long = "disk", value_name = "NAME[=PATH]", value_parser = DiskChoice::parse)]
    disks: Vec<DiskChoice>,
    /// Restore to a new sparse raw file
    #[arg(long, value_name = "PATH")]
    to: Option<PathBuf>,
    /// Write what differs to an existing raw file, qcow2 image or block device
    #[arg(long, value_name = "PATH")]
    in_place: Option<PathBuf>,
    /// Restore to a new qcow2 image
    #[arg(long, value_name = "PATH")]
    to_qcow2: Option<PathBuf>,
    /// Write the disk to standard output
    #[arg(long)]
    stdout: bool,
    /// Write a disk in place even though somebody uses it
    #[arg(long)]
    force_unsafe: bool,
}

/// Where a disk goes.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// A new file, raw or qcow2.
    New(DiskSpec),
    /// An existing disk.
    InPlace { path: PathBuf, force_unsafe: bool },
    /// Standard output.
    Stdout,
}

/// The answer. Sizes are in bytes.
#[derive(Debug, Serialize)]
struct Document {
    id: String,
    disks: Vec<RestoredDocument>,
    size_bytes: u64,
    duration_ms: u64,
    rate_bytes_per_s: u64,
    requests: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct RestoredDocument {
    name: String,
    size_bytes: u64,
    target: String,
}

impl Restore {
    pub(crate) fn writes_to_stdout(&self) -> bool {
        self.stdout
    }

    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let targets = self.targets()?;
        Box::pin(restore(context, &self.id, targets)).await
    }

    /// The disks asked for, each with its target; no name when the backup has only one disk.
    fn targets(&self) -> Result<Vec<(Option<String>, Target)>> {
        let target = self.target()?;
        let with_paths = self.disks.iter().filter(|disk| disk.path.is_some()).count();
        match (target, self.disks.as_slice()) {
            (Some(target), []) => Ok(vec![(None, target)]),
            (Some(target), [disk]) if disk.path.is_none() => {
                Ok(vec![(Some(disk.name.clone()), target)])
            }
            (Some(_), _) => Err(Failure::usage("one target takes one disk, given as --disk NAME")
                .hint("several disks: --disk NAME=PATH --disk NAME=PATH")
                .into()),
            (None, disks) if !disks.is_empty() && with_paths == disks.len() => {
                let new = |disk: &DiskChoice| {
                    let path = disk.path.clone().unwrap_or_default();
                    (Some(disk.name.clone()), Target::New(DiskSpec::new(path)))
                };
                Ok(disks.iter().map(new).collect())
            }
            (None, _) => Err(Failure::usage("no target was given")
                .hint("give --to PATH, --to-qcow2 PATH, --in-place PATH, --stdout or --disk NAME=PATH")
                .into()),
        }
    }

    fn target(&self) -> Result<Option<Target>> {
        if let Some(path) = &self.to {
            refuse_misleading(path)?;
            return Ok(Some(Target::New(DiskSpec::new(path).with_format(DiskFormat::Raw))));
        }
        if let Some(path) = &self.to_qcow2 {
            return Ok(Some(Target::New(DiskSpec::new(path).with_format(DiskFormat::Qcow2))));
        }
        if let Some(path) = &self.in_place {
            let (path, force_unsafe) = (path.clone(), self.force_unsafe);
            return Ok(Some(Target::InPlace { path, force_unsafe }));
        }
        Ok(self.stdout.then_some(Target::Stdout))
    }
}

/// A raw disk named like an image would be taken for one later.
fn refuse_misleading(path: &Path) -> Result<()> {
    let is_qcow2 = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("qcow2"));
    if is_qcow2 {
        return Err(Failure::usage("--to makes a raw file, but the name says qcow2")
            .hint("use --to-qcow2, or another name")
            .into());
    }
    Ok(())
}

/// Restores disks of a backup to their targets, one after the other.
pub(super) async fn restore(
    context: &Context,
    id: &str,
    targets: Vec<(Option<String>, Target)>,
) -> Result<()> {
    if targets.iter().any(|(_, target)| matches!(target, Target::Stdout))
        && io::stdout().is_terminal()
    {
        return Err(Failure::usage("a disk is not written to a terminal")
            .hint("send standard output to a file or a pipe")
            .into());
    }
    let cancel = CancelToken::new();
    let work = async {
        let (repository, store) = context.open_to_read().await?;
        let catalog = repository.catalog().await.context("listing the backups")?;
        let id = backup_id::find(&catalog, id)?.id;
        let session = repository.read_backup(id).await.context("opening the backup")?;
        let done = restore_all(context, &session, &store, targets, &cancel).await;
        let ended = session.end().await;
        let document = done?;
        ended.context("ending the session")?;
        context.printer.print(&document, describe)
    };
    until_cancelled(&cancel, Box::pin(work)).await
}

async fn restore_all(
    context: &Context,
    session: &ReadSession,
    store: &OpenStore,
    targets: Vec<(Option<String>, Target)>,
    cancel: &CancelToken,
) -> Result<Document> {
    let began = context.clock.monotonic();
    let progress = Progress::new();
    let mut named = Vec::new();
    for (name, target) in targets {
        let name = name.map_or_else(|| only_disk(session), Ok)?;
        let disk = session.manifest().disk(&name);
        let disk = disk.ok_or_else(|| RestoreError::NoDisk { id: session.id(), name })?;
        named.push((disk, target));
    }
    // Every target is opened before the first is written: a mistake in the last one costs nothing.
    let mut disks = Vec::new();
    let mut sinks = Vec::new();
    for (disk, target) in named {
        let (sink, at) = target.open(disk.size)?;
        sinks.push((disk.name.clone(), sink));
        disks.push(RestoredDocument { name: disk.name.clone(), size_bytes: disk.size, target: at });
    }
    let held: Vec<_> = sinks.iter().map(|(_, sink)| Arc::clone(sink)).collect();
    let work = Box::pin(async {
        for (name, sink) in sinks {
            session.restore(&name, sink, cancel, &progress).await?;
        }
        Ok::<(), RestoreError>(())
    });
    let shown = show(context.display(), "restore", &*context.clock, &progress, work).await;
    if shown.is_err() {
        await_writers(context, &held).await;
    }
    shown.context("restoring")?;
    let took = context.clock.monotonic().saturating_sub(began);
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let size_bytes = disks.iter().map(|disk| disk.size_bytes).sum();
    let rate = u128::from(size_bytes) * 1000 / u128::from(duration_ms.max(1));
    Ok(Document {
        id: session.id().to_string(),
        disks,
        size_bytes,
        duration_ms,
        rate_bytes_per_s: u64::try_from(rate).unwrap_or(u64::MAX),
        requests: requests(&store.usage()),
    })
}

/// Waits until no job writes to these sinks any more, for a while: what is not complete goes with the
/// last who holds a sink, and a process that ends before would leave it behind.
async fn await_writers(context: &Context, sinks: &[Arc<dyn BlockSink>]) {
    let began = context.clock.monotonic();
    while sinks.iter().any(|sink| Arc::strong_count(sink) > 1)
        && context.clock.monotonic().saturating_sub(began) < WRITERS
    {
        context.clock.sleep(LOOK).await;
    }
}

fn only_disk(session: &ReadSession) -> Result<String> {
    let names: Vec<_> = session.manifest().disks.iter().map(|disk| disk.name.as_str()).collect();
    match names.as_slice() {
        [name] => Ok((*name).to_owned()),
        names => Err(Failure::usage(format!("the backup has {} disks", names.len()))
            .hint(format!("choose with --disk: {}", names.join(", ")))
            .into()),
    }
}

impl Target {
    fn open(self, size: u64) -> Result<(Arc<dyn BlockSink>, String)> {
        match self {
            Self::New(spec) => {
                let sink = sink::create(&spec, size).context("making the new disk")?;
                Ok((Arc::from(sink), spec.path.display().to_string()))
            }
            Self::InPlace { path, force_unsafe } => {
                if force_unsafe {
                    warn("--force-unsafe: whoever uses the disk sees it change underneath");
                }
                let options = OpenOptions { force_unsafe, ..OpenOptions::default() };
                let spec = DiskSpec::new(&path);
                let sink = sink::overwrite(&spec, size, options).context("opening the target")?;
                Ok((Arc::from(sink), path.display().to_string()))
            }
            Self::Stdout => {
                let stdout = io::stdout().as_fd().try_clone_to_owned().map_err(|error| {
                    Failure::new(Kind::Failed, format!("using standard output: {error}"))
                })?;
                let sink = StreamSink::new(File::from(stdout), "standard output");
                Ok((Arc::new(sink), "-".to_owned()))
            }
        }
    }
}

fn describe(document: &Document) -> String {
    let duration = Duration::from_millis(document.duration_ms);
    let mut lines = vec![("backup", document.id.clone())];
    for disk in &document.disks {
        let line = format!("{} ({}) to {}", disk.name, size(disk.size_bytes), disk.target);
        lines.push(("restored", line));
    }
    lines.push(("duration", span::show(duration)));
    lines.push(("rate", rate_of(document.size_bytes, duration)));
    lines.push(("requests", document.requests.values().sum::<u64>().to_string()));
    facts(lines)
}
