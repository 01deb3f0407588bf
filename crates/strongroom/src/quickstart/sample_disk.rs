//! The disk of the tour: made from files of this machine, or a copy of the user's.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::{Either, select};
use strongroom_base::{CancelToken, Clock, Progress, Rng};

use super::fingerprint::stop_if;
use crate::program;

const FILES_FROM: &str = "/usr";
/// Bytes of files that go onto the disk, at most: 1.4 GiB.
const FILES_LEN: u64 = 1_503_238_553;
const DISK_LEN: &str = "2G";
/// Inodes beside those of the files: folders, lost+found, what is added later.
const SPARE_INODES: u64 = 20_000;
/// New content written to change the disk.
const NEW_FILE_LEN: usize = 8 << 20;
const NEW_FILES: usize = 2;
/// Files removed to change the disk.
const REMOVED_FILES: usize = 20;
/// Pages overwritten at random places of a disk whose file system is unknown.
const PAGE: usize = 8 << 10;
const PAGES: u64 = 500;

/// A disk that can be changed.
pub(super) struct SampleDisk {
    disk: PathBuf,
    /// Where files are gathered; none for a copy of the user's disk.
    staging: Option<PathBuf>,
}

/// Files that were gathered.
#[derive(Debug, Default)]
pub(super) struct Staged {
    files: u64,
    bytes: u64,
}

impl std::fmt::Display for Staged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.files.fmt(f)
    }
}

impl SampleDisk {
    pub(super) fn new(disk: PathBuf, staging: PathBuf) -> Self {
        Self { disk, staging: Some(staging) }
    }

    pub(super) fn copied(disk: PathBuf) -> Self {
        Self { disk, staging: None }
    }

    fn staging(&self) -> &Path {
        self.staging.as_deref().unwrap_or(Path::new(""))
    }

    /// Gathers the first files under /usr by sorted path: as hard links where the system allows it,
    /// as copies otherwise.
    pub(super) async fn collect(
        &self,
        progress: &Progress,
        cancel: &CancelToken,
    ) -> Result<Staged> {
        let (to, progress, cancel) = (self.staging().to_owned(), progress.clone(), cancel.clone());
        progress.set_total(FILES_LEN);
        let collect = move || {
            let mut staged = Staged::default();
            gather(Path::new(FILES_FROM), &to, &mut staged, &progress, &cancel)?;
            Ok(staged)
        };
        tokio::task::spawn_blocking(collect).await.context("collecting files")?
    }

    /// Makes the file system; says how many bytes the disk takes.
    pub(super) async fn make(
        &self,
        staged: Staged,
        progress: &Progress,
        clock: &dyn Clock,
    ) -> Result<u64> {
        progress.set_total(staged.bytes);
        let inodes = (staged.files + SPARE_INODES).to_string();
        let (disk, staging) = (self.disk.clone(), self.staging().to_owned());
        let make = tokio::task::spawn_blocking(move || {
            let mut arguments =
                ["-q", "-F", "-t", "ext4", "-m", "0", "-N"].map(String::from).to_vec();
            arguments.extend([inodes, "-d".to_owned(), staging.display().to_string()]);
            arguments.extend([disk.display().to_string(), DISK_LEN.to_owned()]);
            program::run("mke2fs", "e2fsprogs", &arguments)
        });
        let mut make = pin!(make);
        loop {
            match select(make.as_mut(), clock.sleep(Duration::from_millis(200))).await {
                Either::Left((made, _)) => {
                    made.context("making the file system")??;
                    break;
                }
                Either::Right(_) => {
                    let used = allocated(&self.disk).min(staged.bytes);
                    progress.add_done(used.saturating_sub(progress.done()));
                }
            }
        }
        progress.add_done(staged.bytes.saturating_sub(progress.done()));
        fs::remove_dir_all(self.staging()).context("removing the gathered files")?;
        Ok(allocated(&self.disk))
    }

    /// Changes the disk, and says how.
    pub(super) async fn change(&self, rng: &dyn Rng) -> Result<String> {
        if self.staging.is_none() {
            return overwrite_pages(&self.disk, rng);
        }
        let mut new_files = Vec::new();
        for n in 0..NEW_FILES {
            let mut bytes = vec![0; NEW_FILE_LEN];
            rng.fill(&mut bytes);
            let path = self.disk.with_file_name(format!("new-file-{n}"));
            let mut file = File::create_new(&path).context("making a new file")?;
            file.write_all(&bytes).context("writing a new file")?;
            new_files.push(path);
        }
        let disk = self.disk.clone();
        let change = move || change_files(&disk, &new_files);
        tokio::task::spawn_blocking(change).await.context("changing the disk")?
    }
}

/// Adds and removes files with debugfs, which needs neither root nor a mount.
fn change_files(disk: &Path, new_files: &[PathBuf]) -> Result<String> {
    let removed = some_files(disk)?;
    let adds = new_files.iter().map(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        format!("write \"{}\" {name}\n", file.display())
    });
    let removes = removed.iter().map(|path| format!("rm \"{path}\"\n"));
    let script: String = adds.chain(removes).collect();
    let script_file = disk.with_file_name("changes");
    let mut file = File::create_new(&script_file).context("making the script")?;
    file.write_all(script.as_bytes()).context("writing the script")?;
    debugfs(&["-w", "-f"], &script_file, disk)?;
    for file in new_files.iter().chain([&script_file]) {
        fs::remove_file(file).context("removing what was copied")?;
    }
    let mib = (NEW_FILE_LEN * NEW_FILES) >> 20;
    Ok(format!("debugfs: {mib} MiB of new files, {} files removed", removed.len()))
}

/// Some plainly named files of the disk's /bin, by what debugfs lists.
fn some_files(disk: &Path) -> Result<Vec<String>> {
    let output = debugfs(&["-R", "ls -p /bin"], Path::new(""), disk)?;
    // Lines are /inode/mode/uid/gid/name/size/, and modes of regular files begin with 100.
    let listed = String::from_utf8_lossy(&output).into_owned();
    let files = listed.lines().filter_map(|line| {
        let mut fields = line.split('/').skip(2);
        let mode = fields.next()?;
        let name = fields.nth(2)?;
        let plain = name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
        (mode.starts_with("100") && plain && !name.is_empty()).then(|| format!("/bin/{name}"))
    });
    Ok(files.take(REMOVED_FILES).collect())
}

fn debugfs(options: &[&str], script: &Path, disk: &Path) -> Result<Vec<u8>> {
    let mut arguments: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
    if !script.as_os_str().is_empty() {
        arguments.push(script.display().to_string());
    }
    arguments.push(disk.display().to_string());
    Ok(program::run("debugfs", "e2fsprogs", &arguments)?.stdout)
}

/// Overwrites pages at random places.
fn overwrite_pages(disk: &Path, rng: &dyn Rng) -> Result<String> {
    let file = OpenOptions::new().write(true).open(disk).context("opening the disk")?;
    let pages = file.metadata().context("asking for the size")?.len() / PAGE as u64;
    let mut page = vec![0; PAGE];
    for _ in 0..PAGES.min(pages) {
        let mut place = [0; 8];
        rng.fill(&mut place);
        rng.fill(&mut page);
        let place = u64::from_le_bytes(place) % pages * PAGE as u64;
        file.write_all_at(&page, place).context("writing to the disk")?;
    }
    file.sync_all().context("writing to the disk")?;
    Ok(format!("{} pages of 8 KiB at random places of the copy", PAGES.min(pages)))
}

/// Bytes that a file takes on its disk.
fn allocated(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.blocks() * 512)
}

/// Links or copies the regular files below `from` until there are enough.
fn gather(
    from: &Path,
    to: &Path,
    staged: &mut Staged,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(()); // a folder that this user may not read
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if staged.bytes >= FILES_LEN {
            return Ok(());
        }
        stop_if(cancel)?;
        let target = to.join(entry.file_name());
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            gather(&entry.path(), &target, staged, progress, cancel)?;
        } else if metadata.is_file() && link_or_copy(&entry.path(), &target)? {
            staged.files += 1;
            staged.bytes += metadata.len();
            progress.add_done(metadata.len());
        }
    }
    Ok(())
}

/// `false` for a file that this user may not read.
fn link_or_copy(from: &Path, to: &Path) -> Result<bool> {
    if File::open(from).is_err() {
        return Ok(false);
    }
    if fs::hard_link(from, to).is_ok() {
        return Ok(true);
    }
    fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    Ok(true)
}
