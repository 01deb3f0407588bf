//! What happens to a disk between two backups: a day of use, or a database at work.

use std::fs;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::corpus::{Corpus, regular_files};
use super::extent;
use super::image::Scale;
use super::measure::{command, run};
use super::seed::Seed;

/// Page size of `PostgreSQL` and of most databases that write in place.
const PAGE: usize = 8192;

/// Trees of which the first that exists is deleted.
const DOOMED: [&str; 4] =
    ["usr/share/doc", "srv/usr/include/linux", "srv/usr/include", "srv/usr/bin"];

/// Adds a package's worth of files, appends to many, deletes a tree, writes random data: through
/// a real mount, so that the kernel's own allocation and journal are part of the change.
pub(super) fn evolve(
    image: &Path,
    mount_at: &Path,
    corpus: &mut Corpus,
    scale: &Scale,
) -> Result<()> {
    let mounted = Mounted::mount(image, mount_at)?;
    let mut seed = Seed::new(1);
    let root = mounted.at.as_path();
    append_lines(root, scale.appended, &mut seed)?;
    corpus.copy_next(scale.added, &root.join("opt/package"))?;
    let doomed = DOOMED.iter().map(|tree| root.join(tree)).find(|tree| tree.is_dir());
    fs::remove_dir_all(doomed.context("the disk has no tree that could be deleted")?)?;
    write_random(&root.join("opt/random.bin"), scale.random, &mut seed)?;
    mounted.unmount()
}

/// Appends 1 to 8 KiB of log lines to `count` files that lie evenly over the whole disk.
fn append_lines(root: &Path, count: usize, seed: &mut Seed) -> Result<()> {
    let mut files = Vec::new();
    regular_files(root, &mut |path, metadata| {
        if (1024..1 << 20).contains(&metadata.len()) {
            files.push(path.to_owned());
        }
    });
    ensure!(files.len() >= count, "the disk holds only {} files to append to", files.len());
    for path in files.iter().step_by(files.len() / count).take(count) {
        let mut text = Vec::new();
        let length = 1024 + usize::try_from(seed.below(7 * 1024))?;
        while text.len() < length {
            let (at, took) = (seed.below(86_400_000), seed.below(5000));
            writeln!(text, "{at:08} request {:016x} took {took} ms", seed.draw())?;
        }
        let mut file = OpenOptions::new().append(true).open(path)?;
        file.write_all(&text)?;
    }
    Ok(())
}

fn write_random(path: &Path, bytes: u64, seed: &mut Seed) -> Result<()> {
    let mut file = File::create(path)?;
    let mut buffer = vec![0; 1 << 20];
    for _ in 0..bytes >> 20 {
        seed.fill(&mut buffer);
        file.write_all(&buffer)?;
    }
    Ok(())
}

/// Overwrites `count` different random pages with what a database would put there: another page
/// of the disk with a few rows edited, so that it compresses but is nowhere else.
pub(super) fn rewrite_pages(image: &Path, count: usize) -> Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(image)?;
    let mut pages: Vec<u64> = extent::data_ranges(&file)?
        .into_iter()
        .flat_map(|range| (range.start..range.end).step_by(PAGE))
        .collect();
    ensure!(pages.len() > 2 * count, "the disk has too few pages");
    let mut seed = Seed::new(2);
    let mut page = vec![0; PAGE];
    let mut written = 0;
    while written < count {
        ensure!(!pages.is_empty(), "the disk has too few pages with content");
        let target = pages.swap_remove(usize::try_from(seed.below(pages.len() as u64))?);
        let from = usize::try_from(seed.below(pages.len() as u64))?;
        let Some(&from) = pages.get(from) else { continue };
        file.read_exact_at(&mut page, from)?;
        if page.iter().all(|byte| *byte == 0) {
            continue;
        }
        for _ in 0..8 {
            let at = usize::try_from(seed.below(PAGE as u64 / 64))? * 64;
            seed.fill(page.get_mut(at..at + 12).context("a row lies outside its page")?);
        }
        file.write_all_at(&page, target)?;
        written += 1;
    }
    file.sync_all().context("syncing the page image")
}

/// A mounted image; unmounted at the latest when dropped.
struct Mounted {
    at: PathBuf,
    active: bool,
}

impl Mounted {
    fn mount(image: &Path, at: &Path) -> Result<Self> {
        fs::create_dir_all(at)?;
        run(command("mount").args(["-o", "loop,noinit_itable"]).arg(image).arg(at))
            .context("hint: building the images needs root and loop mounts")?;
        Ok(Self { at: at.to_owned(), active: true })
    }

    fn unmount(mut self) -> Result<()> {
        self.active = false;
        run(command("umount").arg(&self.at))?;
        Ok(())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.active
            && let Err(error) = run(command("umount").arg(&self.at))
        {
            eprintln!("warning: {error:#}");
        }
    }
}
