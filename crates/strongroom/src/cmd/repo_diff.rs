//! `strongroom repo diff`: what changed between two backups.

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use strongroom_base::ByteRange;
use strongroom_base::ids::ManifestId;
use strongroom_repo::{DiskDiff, ReadSession, Repository};

use crate::backup_document::size;
use crate::backup_id;
use crate::cancel::until_interrupted;
use crate::context::Context;
use crate::failure::{Failure, Kind};
use crate::output::table;

const EXAMPLES: &str = "\
Examples:
  strongroom repo diff 3fa94c01 latest
  strongroom repo diff 3fa94c01 latest --disk root --ranges

Changes are told in whole units of 64 KiB.";

/// Compares two backups, disk by disk
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Diff {
    /// The earlier backup
    before: String,
    /// The later backup
    after: String,
    /// Only this disk
    #[arg(long, value_name = "NAME")]
    disk: Option<String>,
    /// List every range that changed
    #[arg(long)]
    ranges: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    before: String,
    after: String,
    changed_bytes: u64,
    disks: Vec<DiskDocument>,
}

#[derive(Debug, Serialize)]
struct DiskDocument {
    name: String,
    size_before_bytes: u64,
    size_after_bytes: u64,
    changed_bytes: u64,
    changed_ranges: usize,
    /// Start and end of each, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    ranges: Option<Vec<ByteRange>>,
}

impl Diff {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        until_interrupted(Box::pin(self.diff(context))).await
    }

    async fn diff(self, context: &Context) -> Result<()> {
        let (repository, _) = context.open_to_read().await?;
        let catalog = repository.catalog().await.context("listing the backups")?;
        let before = backup_id::find(&catalog, &self.before)?.id;
        let after = backup_id::find(&catalog, &self.after)?.id;
        let document = self.compare(&repository, before, after).await?;
        context.printer.print(&document, describe)
    }

    async fn compare(
        &self,
        repository: &Repository,
        before: ManifestId,
        after: ManifestId,
    ) -> Result<Document> {
        let before = repository.read_backup(before).await.context("opening the earlier backup")?;
        let after = match repository.read_backup(after).await {
            Ok(after) => after,
            Err(error) => {
                before.end().await.context("ending the session")?;
                return Err(error).context("opening the later backup");
            }
        };
        let disks = self.compare_disks(&before, &after).await;
        let ids = (before.id().to_string(), after.id().to_string());
        let ended = (before.end().await, after.end().await);
        let disks = disks?;
        ended.0.and(ended.1).context("ending the sessions")?;
        Ok(Document {
            before: ids.0,
            after: ids.1,
            changed_bytes: disks.iter().map(|disk| disk.changed_bytes).sum(),
            disks,
        })
    }

    async fn compare_disks(
        &self,
        before: &ReadSession,
        after: &ReadSession,
    ) -> Result<Vec<DiskDocument>> {
        let names = match &self.disk {
            Some(name) => vec![name.clone()],
            None => common_disks(before, after)?,
        };
        let mut disks = Vec::new();
        for name in names {
            let diff = before.diff(after, &name).await;
            let diff = diff.with_context(|| format!("comparing disk {name}"))?;
            disks.push(self.document(name, diff));
        }
        Ok(disks)
    }

    fn document(&self, name: String, diff: DiskDiff) -> DiskDocument {
        DiskDocument {
            name,
            size_before_bytes: diff.sizes.0,
            size_after_bytes: diff.sizes.1,
            changed_bytes: diff.changed_bytes(),
            changed_ranges: diff.changed.len(),
            ranges: self.ranges.then_some(diff.changed),
        }
    }
}

fn common_disks(before: &ReadSession, after: &ReadSession) -> Result<Vec<String>, Failure> {
    let in_both = |name: &String| after.manifest().disk(name).is_some();
    let names = before.manifest().disks.iter().map(|disk| disk.name.clone());
    let names: Vec<_> = names.filter(in_both).collect();
    if names.is_empty() {
        return Err(Failure::new(Kind::NotFound, "the two backups have no disk in common"));
    }
    Ok(names)
}

fn describe(document: &Document) -> String {
    let row = |disk: &DiskDocument| {
        vec![
            disk.name.clone(),
            size(disk.size_before_bytes),
            size(disk.size_after_bytes),
            size(disk.changed_bytes),
            disk.changed_ranges.to_string(),
        ]
    };
    let header = ["DISK", ">SIZE BEFORE", ">SIZE AFTER", ">CHANGED", ">RANGES"];
    let mut lines = vec![table(&header, document.disks.iter().map(row))];
    for disk in &document.disks {
        for range in disk.ranges.iter().flatten() {
            lines.push(format!("{} {}..{}", disk.name, range.start, range.end));
        }
    }
    lines.join("\n")
}
