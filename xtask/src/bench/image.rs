//! The disk images of the bench: built once in the work folder, used by every run.
//!
//! # Why
//! A real, evolving file system is what a backup meets: `one.raw` is a Debian system with a few
//! GiB of programs and documents, `two.raw` the same disk after a day of use, `pages.raw` is
//! `two.raw` after a database rewrote pages all over it.
//!
//! # Concurrency and crash
//! One bench per work folder. An image has its final name only when it is complete; what a crash
//! left behind is built again.

use std::fs;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::change;
use super::corpus::Corpus;
use super::extent;
use super::measure::{command, run};

const MIB: u64 = 1 << 20;

/// A real Debian system with a compiler, a database and a Java runtime: about 1.4 GB.
const PACKAGES: &str =
    "python3,git,gcc,g++,make,vim,perl,postgresql-15,nginx,openjdk-17-jre-headless";

/// How large a disk is and how much of it changes.
pub(super) struct Scale {
    /// Names the folder that keeps the images.
    pub(super) name: &'static str,
    /// Size of the sparse disk, bytes.
    pub(super) disk: u64,
    /// Files on it, bytes.
    pub(super) data: u64,
    /// Whether a Debian system is installed first; else all files come from this machine.
    pub(super) system: bool,
    /// Bytes of files that state two adds.
    pub(super) added: u64,
    /// Files that state two appends to.
    pub(super) appended: usize,
    /// Bytes of random data that state two writes.
    pub(super) random: u64,
    /// 8 KiB pages that the page image changes.
    pub(super) pages: usize,
}

/// About 5 GiB of data on 8 GiB.
pub(super) const FULL: Scale = Scale {
    name: "full",
    disk: 8192 * MIB,
    data: 5120 * MIB,
    system: true,
    added: 64 * MIB,
    appended: 2000,
    random: 64 * MIB,
    pages: 5000,
};

/// An eighth of it, to try the bench itself.
pub(super) const SMALL: Scale = Scale {
    name: "small",
    disk: 1024 * MIB,
    data: 640 * MIB,
    system: false,
    added: 2 * MIB,
    appended: 125,
    random: MIB,
    pages: 625,
};

/// The images and what is known about them.
pub(super) struct Images {
    pub(super) one: PathBuf,
    pub(super) two: PathBuf,
    pub(super) pages: PathBuf,
    pub(super) facts: Facts,
}

impl Images {
    /// Builds what is not there yet.
    pub(super) fn prepare(work: &Path, scale: &Scale) -> Result<Self> {
        let folder = work.join("images").join(scale.name);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let [one, two, pages] = ["one.raw", "two.raw", "pages.raw"].map(|name| folder.join(name));
        if !two.exists() {
            eprintln!("building the disk images in {} (once)", folder.display());
            build_states(work, scale, &one, &two)?;
        }
        if !pages.exists() {
            let part = part_of(&pages);
            copy_sparse(&two, &part)?;
            change::rewrite_pages(&part, scale.pages)?;
            finish(&part, &pages)?;
        }
        let facts = Facts::load_or_measure(&folder.join("facts.json"), &one, &two, &pages)?;
        Ok(Self { one, two, pages, facts })
    }
}

/// Both states need the same walk over the corpus, so they are built together.
fn build_states(work: &Path, scale: &Scale, one: &Path, two: &Path) -> Result<()> {
    let stage = work.join("stage").join(scale.name);
    let system = work.join("system");
    if scale.system {
        install_system(&system)?;
    }
    remove(&stage)?;
    fs::create_dir_all(&stage)?;
    let mut left = scale.data;
    if scale.system {
        run(command("cp").arg("-a").arg(system.join(".")).arg(&stage))?;
        left = left.saturating_sub(disk_use(&stage)?);
    }
    let mut corpus = Corpus::list(&stage);
    corpus.copy_next(left, &stage.join("srv"))?;
    let made = one.with_extension("made");
    make_file_system(&stage, &made, scale.disk)?;
    remove(&stage)?;
    let part = part_of(one);
    copy_sparse(&made, &part)?;
    finish(&part, one)?;
    remove(&made)?;

    let part = part_of(two);
    copy_sparse(one, &part)?;
    change::evolve(&part, &work.join("mount"), &mut corpus, scale)?;
    finish(&part, two)
}

/// Installs Debian into `system` with debootstrap, from the mirror that apt uses.
fn install_system(system: &Path) -> Result<()> {
    if system.exists() {
        return Ok(());
    }
    let uris = run(command("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Codename: bookworm",
        "Component: main",
    ]))?;
    let mirror = uris.lines().next().context("apt names no mirror of Debian bookworm")?;
    let part = part_of(system);
    remove(&part)?;
    run(command("debootstrap")
        .args(["--variant=minbase", &format!("--include={PACKAGES}"), "bookworm"])
        .arg(&part)
        .arg(mirror))
    .context("hint: needs root and the package debootstrap")?;
    fs::remove_dir_all(part.join("var/cache/apt/archives")).context("removing packages")?;
    finish(&part, system)
}

/// Makes an ext4 image from a folder; its identifiers are fixed, so that two builds are alike.
fn make_file_system(stage: &Path, image: &Path, size: u64) -> Result<()> {
    const UUID: &str = "5d1f7f9e-6f0a-4b4f-9d29-6d6f0f3c8a11";
    remove(image)?;
    run(command("mke2fs")
        .args(["-q", "-F", "-t", "ext4", "-L", "bench", "-U", UUID])
        .args(["-E", &format!("hash_seed={UUID},root_owner=0:0"), "-d"])
        .arg(stage)
        .arg(image)
        .arg(format!("{}k", size / 1024)))?;
    Ok(())
}

/// Copies an image; zeros become holes. What mke2fs preallocates would be a hole to `SEEK_DATA` as
/// long as nobody reads it and data afterwards, so that no two measurements saw the same disk.
pub(super) fn copy_sparse(from: &Path, to: &Path) -> Result<()> {
    run(command("cp").args(["--sparse=always", "--reflink=never"]).arg(from).arg(to))?;
    Ok(())
}

/// Bytes that the files under `folder` use.
fn disk_use(folder: &Path) -> Result<u64> {
    let printed = run(command("du").args(["-s", "-B1"]).arg(folder))?;
    let bytes = printed.split_whitespace().next().context("du printed nothing")?;
    bytes.parse().context("du printed no number")
}

fn part_of(path: &Path) -> PathBuf {
    path.with_extension("part")
}

/// Gives a complete image or folder its final name.
#[expect(clippy::disallowed_methods, reason = "the result can be built again at any time")]
fn finish(part: &Path, path: &Path) -> Result<()> {
    fs::rename(part, path).with_context(|| format!("naming {}", path.display()))
}

/// Removes a file or folder that may not exist.
pub(super) fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Err(_) => return Ok(()),
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.with_context(|| format!("removing {}", path.display()))
}

/// Sizes that take a minute to measure and never change, bytes.
pub(super) struct Facts {
    /// State one without its holes.
    pub(super) data: u64,
    /// 4 KiB blocks in which state two differs from state one.
    pub(super) changed: u64,
    /// The same between the page image and state two.
    pub(super) paged: u64,
}

impl Facts {
    fn load_or_measure(at: &Path, one: &Path, two: &Path, pages: &Path) -> Result<Self> {
        if let Some(facts) = Self::load(at) {
            return Ok(facts);
        }
        let ranges = extent::data_ranges(&File::open(one)?)?;
        let facts = Self {
            data: ranges.iter().map(|range| range.end - range.start).sum(),
            changed: extent::differing_bytes(one, two)?,
            paged: extent::differing_bytes(two, pages)?,
        };
        // The row is called "1-5 % changed".
        let share = facts.changed * 1000 / facts.data.max(1);
        ensure!((10..=50).contains(&share), "state two differs in {share} per mille of the data");
        let text = json!([facts.data, facts.changed, facts.paged]).to_string();
        File::create(at)?.write_all(text.as_bytes())?;
        Ok(facts)
    }

    fn load(at: &Path) -> Option<Self> {
        let [data, changed, paged] = serde_json::from_reader(File::open(at).ok()?).ok()?;
        Some(Self { data, changed, paged })
    }
}
