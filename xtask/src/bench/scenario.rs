//! One variant once through all rows, in a fresh repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::corpus::regular_files;
use super::extent;
use super::gate::mebibytes;
use super::image::{Images, remove};
use super::measure::{Cost, command, measure, run, settle};
use super::row::Row;
use super::tool::{Place, Tool};

/// One measured row of one run.
pub(super) struct Sample {
    /// Index of the tool.
    pub(super) tool: usize,
    pub(super) row: Row,
    pub(super) cost: Cost,
    /// Size of the repository afterwards, bytes; only after a backup.
    pub(super) stored: Option<u64>,
    /// By how much this backup made it grow, bytes.
    pub(super) added: Option<u64>,
    /// Store requests, where the program names them.
    pub(super) requests: Option<u64>,
}

/// Runs the wanted rows. With `compare`, what was restored is compared with the image; a bench of
/// programs that restore something else would be worth nothing.
pub(super) fn go_through(
    (number, tool): (usize, &Tool),
    work: &Path,
    images: &Images,
    rows: &[Row],
    compare: bool,
) -> Result<Vec<Sample>> {
    let mut scenario = Scenario::begin(tool, work, images)?;
    let mut samples = Vec::new();
    for row in Row::ALL {
        // Every other row needs the first backup.
        if !rows.contains(&row) && row != Row::First {
            continue;
        }
        let step = scenario.step(row, compare).with_context(|| row.title())?;
        let stored = step.stored.map(|bytes| format!(", stored {:.1} MiB", mebibytes(bytes)));
        eprintln!(
            "{:22} {:10} cpu {:7.2} s, wall {:7.2} s + {:.2} s{}",
            tool.variant.name(),
            row.word(),
            step.cost.cpu_s,
            step.cost.wall_s,
            step.cost.settle_s,
            stored.unwrap_or_default()
        );
        if rows.contains(&row) {
            samples.push(Sample { tool: number, ..step });
        }
    }
    remove(&scenario.folder)?;
    Ok(samples)
}

/// A variant at work in its folders.
struct Scenario<'a> {
    tool: &'a Tool,
    images: &'a Images,
    folder: PathBuf,
    place: Place,
    /// Backups so far.
    backups: u32,
    /// The image of the newest backup.
    newest: &'a Path,
    /// Size of the repository after it, bytes.
    stored: u64,
}

impl<'a> Scenario<'a> {
    fn begin(tool: &'a Tool, work: &Path, images: &'a Images) -> Result<Self> {
        let folder = work.join("run");
        remove(&folder)?;
        let source = folder.join("source");
        let place = Place {
            repo: folder.join("repo"),
            state: folder.join("state"),
            disk: source.join("disk.raw"),
            source,
            out: folder.join("out"),
        };
        for path in [&place.repo, &place.state, &place.source] {
            fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
        }
        for mut init in tool.variant.init(&place) {
            run(&mut init)?;
        }
        let stored = size_of(&place.repo);
        Ok(Self { tool, images, folder, place, backups: 0, newest: &images.one, stored })
    }

    fn step(&mut self, row: Row, compare: bool) -> Result<Sample> {
        match row {
            Row::First | Row::Untouched => self.backup(row, &self.images.one),
            Row::Unchanged => {
                run(command("touch").arg(&self.place.disk))?;
                self.backup(row, &self.images.one)
            }
            Row::Changed => self.backup(row, &self.images.two),
            Row::Pages => self.backup(row, &self.images.pages),
            Row::Restore => self.restore(compare),
            Row::Verify => {
                let verify = self.tool.variant.verify(&self.place);
                self.read_back(row, verify)
            }
        }
    }

    fn backup(&mut self, row: Row, image: &'a Path) -> Result<Sample> {
        if self.backups == 0 || self.newest != image {
            // A hard link gives every state the same path, as on a real machine, at no cost.
            remove(&self.place.disk)?;
            fs::hard_link(image, &self.place.disk).context("linking the image")?;
        }
        // Read once, so that all variants find the image in the page cache.
        extent::for_data(image, |_| Ok(()))?;
        settle(&self.folder)?;
        self.backups += 1;
        let mut backup = self.tool.variant.backup(&self.place, self.backups);
        let outcome = measure(&mut backup, &self.folder)?;
        let stored = size_of(&self.place.repo);
        let added = stored.saturating_sub(self.stored);
        (self.newest, self.stored) = (image, stored);
        Ok(Sample {
            tool: 0,
            row,
            cost: outcome.cost,
            stored: Some(stored),
            added: Some(added),
            requests: self.tool.variant.requests(&outcome.stdout),
        })
    }

    fn restore(&self, compare: bool) -> Result<Sample> {
        fs::create_dir_all(&self.place.out)?;
        let restore = self.tool.variant.restore(&self.place, self.backups)?;
        let sample = self.read_back(Row::Restore, restore)?;
        let restored = self.tool.variant.restored(&self.place);
        if compare {
            ensure_same(self.newest, &restored)?;
        }
        remove(&self.place.out)?;
        Ok(sample)
    }

    /// Measures a command that reads the repository, after reading it once.
    fn read_back(&self, row: Row, mut command: Command) -> Result<Sample> {
        let mut unread = None;
        regular_files(&self.place.repo, &mut |path, _| {
            if let Err(error) = extent::for_data(path, |_| Ok(())) {
                unread = Some(error);
            }
        });
        if let Some(error) = unread {
            return Err(error);
        }
        settle(&self.folder)?;
        let outcome = measure(&mut command, &self.folder)?;
        let requests = self.tool.variant.requests(&outcome.stdout);
        Ok(Sample { tool: 0, row, cost: outcome.cost, stored: None, added: None, requests })
    }
}

fn ensure_same(image: &Path, restored: &Path) -> Result<()> {
    let found = fs::metadata(restored)
        .with_context(|| format!("nothing was restored to {}", restored.display()))?;
    ensure!(found.len() == fs::metadata(image)?.len(), "what was restored has another size");
    match extent::differing_bytes(image, restored)? {
        0 => Ok(()),
        bytes => bail!("what was restored differs in {bytes} bytes"),
    }
}

/// Sum of the lengths of all files under `folder`, bytes.
fn size_of(folder: &Path) -> u64 {
    let mut size = 0;
    regular_files(folder, &mut |_, metadata| size += metadata.len());
    size
}
