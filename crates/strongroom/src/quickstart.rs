//! `strongroom quickstart`: a disk is backed up, changed, destroyed and given back, and proven to
//! be the same.
//!
//! # Why
//! Whoever has to trust a backup should see a restore first, on their own machine, in two minutes,
//! by the same code that works on their disks.
//!
//! # Invariants
//! - The user's image is only read: all changes happen to a copy.
//!
//! # Concurrency and crash
//! Everything lies in a folder of its own, which is removed at the end and after Ctrl-C.

mod fingerprint;
mod sample_disk;
mod step;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use strongroom_base::ids::ManifestId;
use strongroom_base::{BlockSource, CancelToken, Progress};
use strongroom_repo::object::probe::probe;
use strongroom_repo::{CollectOptions, DiskInput, Manifest, NewBackup, Repository, VerifyOptions};
use strongroom_source::{DiskFormat, DiskSpec, OpenOptions, open_source, sink};

use self::fingerprint::fingerprint;
use self::sample_disk::SampleDisk;
use self::step::Steps;
use crate::backup_document::size;
use crate::cancel::until_cancelled;
use crate::context::{Context, RepoOptions};
use crate::failure::{Failure, Kind};
use crate::key_file;
use crate::output::{Format, Printer, facts};

const DISK_NAME: &str = "disk";

const EXAMPLES: &str = "\
Examples:
  strongroom quickstart
  strongroom quickstart --disk /images/debian.qcow2
  strongroom quickstart --keep --dir /tmp/strongroom

Without --disk it makes a 2 GiB ext4 disk from files of this machine's /usr. It needs neither root
nor a mount, about 4 GiB of room, and removes everything at the end.";

/// Tries everything out on a disk of its own
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Quickstart {
    /// Use a copy of this image instead of a disk made here
    #[arg(long, value_name = "IMAGE")]
    disk: Option<PathBuf>,
    /// Where to work
    #[arg(long, default_value = "./.quickstart", value_name = "DIR")]
    dir: PathBuf,
    /// Leave repository, key and disks behind to play with
    #[arg(long)]
    keep: bool,
}

/// The folder of one run.
struct Place {
    root: PathBuf,
    disk: PathBuf,
    repository: PathBuf,
    key: PathBuf,
}

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

/// What the steps share.
struct Tour<'a> {
    place: &'a Place,
    context: Context,
    steps: Steps,
    cancel: CancelToken,
}

impl Quickstart {
    pub(crate) async fn run(self) -> Result<()> {
        fs::create_dir_all(&self.dir)
            .with_context(|| format!("making the folder {}", self.dir.display()))?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&self.dir);
        let mut folder =
            folder.with_context(|| format!("making a folder in {}", self.dir.display()))?;
        folder.disable_cleanup(self.keep);
        let root = fs::canonicalize(folder.path()).context("finding the folder")?;
        let place = Place {
            disk: root.join("disk.img"),
            repository: root.join("repository"),
            key: root.join("key"),
            root,
        };
        let cancel = CancelToken::new();
        let done = until_cancelled(&cancel, Box::pin(self.tour(&place, cancel.clone()))).await;
        drop(folder);
        if !self.keep {
            // Only ours if nothing else is in it.
            drop(fs::remove_dir(&self.dir));
        }
        done
    }

    async fn tour(&self, place: &Place, cancel: CancelToken) -> Result<()> {
        let options = RepoOptions {
            repo: Some(format!("fs://{}", place.repository.display())),
            key_file: Some(place.key.clone()),
            key_command: None,
            output: Format::Table,
            quiet: false,
        };
        let printer = Printer { format: Format::Table, stdout_is_taken: false };
        let context = Context::new(options, printer);
        let steps = Steps::new(Arc::clone(&context.clock), printer);
        let began = context.clock.monotonic();
        let mut tour = Tour { place, context, steps, cancel };
        let sample = tour.obtain_disk(self.disk.as_deref()).await?;
        let repository = tour.init().await?;
        let before = tour.fingerprint("SHA-256 of the disk", &place.disk).await?;
        let (first, _) = tour.backup(&repository, "first backup: everything is new", None).await?;
        tour.change(&sample).await?;
        let after = tour.fingerprint("SHA-256 of the changed disk", &place.disk).await?;
        if after == before {
            return Err(Failure::new(Kind::Failed, "the disk did not change").into());
        }
        let title = "second backup: only what changed";
        let (second, _) = tour.backup(&repository, title, Some(first)).await?;
        fs::remove_file(&place.disk).context("destroying the disk")?;
        tour.steps.note("destroy the disk", "the file is gone")?;
        tour.restore_and_compare(&repository, first, "first", &before).await?;
        tour.restore_and_compare(&repository, second, "second", &after).await?;
        tour.verify(&repository).await?;
        tour.collect(&repository).await?;
        let took = tour.context.clock.monotonic().saturating_sub(began);
        tour.conclude(&repository, took, self.keep).await
    }
}

impl Tour<'_> {
    async fn obtain_disk(&mut self, image: Option<&Path>) -> Result<SampleDisk> {
        let disk = self.place.disk.clone();
        let progress = Progress::new();
        let Some(image) = image else {
            let sample = SampleDisk::new(disk, self.place.path("staging"));
            let title = "collect files of /usr";
            let collect = sample.collect(&progress, &self.cancel);
            let staged =
                self.steps.run(title, &progress, collect, |n| format!("{n} files")).await?;
            let progress = Progress::new();
            let title = "make an ext4 disk of them";
            let clock = Arc::clone(&self.context.clock);
            let make = sample.make(staged, &progress, &*clock);
            self.steps
                .run(title, &progress, make, |bytes| format!("{} used", size(*bytes)))
                .await?;
            return Ok(sample);
        };
        let image = image.to_owned();
        let copy = copy_disk(image, disk.clone(), progress.clone(), self.cancel.clone());
        let told = |bytes: &u64| format!("{} copied; the image itself is only read", size(*bytes));
        self.steps.run("copy the image", &progress, copy, told).await?;
        Ok(SampleDisk::copied(disk))
    }

    async fn init(&mut self) -> Result<Repository> {
        let progress = Progress::new();
        let work = async {
            let key = key_file::generate(&*self.context.rng);
            key_file::create(&self.place.key, &key)?;
            let store = self.context.create_store()?;
            probe(&*store.plain, &*self.context.rng).await.context("trying the store")?;
            Repository::init(store.env, &key).await.context("making the repository")
        };
        let told =
            |repository: &Repository| format!("{}, key in a file beside it", repository.id());
        self.steps.run("make a repository", &progress, work, told).await
    }

    async fn fingerprint(&mut self, title: &str, disk: &Path) -> Result<String> {
        let progress = Progress::new();
        let work = fingerprint(disk.to_owned(), progress.clone(), self.cancel.clone());
        self.steps.run(title, &progress, work, Clone::clone).await
    }

    async fn backup(
        &mut self,
        repository: &Repository,
        title: &str,
        parent: Option<ManifestId>,
    ) -> Result<(ManifestId, Manifest)> {
        let spec = DiskSpec::new(&self.place.disk).with_format(DiskFormat::Raw);
        let source = open_source(&spec, OpenOptions::default()).context("opening the disk")?;
        let disk = DiskInput { name: DISK_NAME.to_owned(), source: Arc::from(source) };
        let mut new = NewBackup::of(vec![disk], parent.into_iter().collect());
        new.cancel = self.cancel.clone();
        let progress = new.progress.clone();
        let work = async { repository.backup(new).await.context("backing up") };
        let told = |(id, manifest): &(ManifestId, Manifest)| {
            let cost = manifest.cost;
            format!(
                "read {}, new {}, stored {}; id {:.8}",
                size(cost.read),
                size(cost.new),
                size(cost.stored),
                id.to_string()
            )
        };
        self.steps.run(title, &progress, work, told).await
    }

    async fn change(&mut self, sample: &SampleDisk) -> Result<()> {
        let progress = Progress::new();
        let rng = Arc::clone(&self.context.rng);
        let work = sample.change(&*rng);
        self.steps.run("change the disk", &progress, work, Clone::clone).await?;
        Ok(())
    }

    async fn restore_and_compare(
        &mut self,
        repository: &Repository,
        id: ManifestId,
        which: &str,
        expected: &str,
    ) -> Result<()> {
        let path = self.place.path(&format!("restored-{which}.img"));
        let progress = Progress::new();
        let work = Box::pin(restore(repository, id, path.clone(), &progress, &self.cancel));
        let title = format!("restore the {which} backup");
        self.steps.run(&title, &progress, work, |()| "to a new sparse file".to_owned()).await?;
        let found = self.fingerprint(&format!("SHA-256 of the {which} restore"), &path).await?;
        if found != expected {
            let message = format!("the restored disk differs: {found}, but it was {expected}");
            return Err(Failure::new(Kind::Corruption, message).into());
        }
        self.steps.note("compare", "identical")?;
        fs::remove_file(&path).context("removing the restored disk")
    }

    async fn verify(&mut self, repository: &Repository) -> Result<()> {
        let options = VerifyOptions { cancel: self.cancel.clone(), ..VerifyOptions::default() };
        let progress = options.progress.clone();
        let work = Box::pin(async {
            let report = repository.verify(&options).await.context("verifying")?;
            if report.is_sound() {
                return Ok(report);
            }
            Err(Failure::new(Kind::Corruption, "verify found damage").into())
        });
        let told = |report: &strongroom_repo::VerifyReport| {
            format!("{} in {} packs, nothing is wrong", size(report.read), report.packs)
        };
        self.steps.run("verify every byte", &progress, work, told).await?;
        Ok(())
    }

    async fn collect(&mut self, repository: &Repository) -> Result<()> {
        let options = CollectOptions { dry_run: true, ..CollectOptions::default() };
        let work = async { repository.collect(&options).await.context("collecting") };
        let told = |report: &strongroom_repo::CollectReport| {
            format!("{} packs, {}", report.packs, size(report.removed_bytes))
        };
        self.steps.run("what gc would remove", &Progress::new(), work, told).await?;
        Ok(())
    }

    async fn conclude(&self, repository: &Repository, took: Duration, keep: bool) -> Result<()> {
        let stat = repository.stat().await.context("counting")?;
        let facts = facts([
            ("disk", size(stat.disk_bytes / stat.backups.max(1))),
            ("backups", stat.backups.to_string()),
            ("stored", format!("{} in {} objects", size(stat.stored), stat.objects)),
            ("time", crate::span::show(took)),
        ]);
        self.steps.say(&format!("\nBoth states came back byte for byte.\n{facts}\n"))?;
        let next = if keep {
            format!(
                "Try next:\n  export STRONGROOM_REPO=fs://{}\n  strongroom repo list --key-file {key}\n  \
                 strongroom repo diff {} latest --key-file {key}\n  strongroom repo --help",
                self.place.repository.display(),
                self.first_id(repository).await?,
                key = self.place.key.display(),
            )
        } else {
            "Everything was removed again. Try next:\n  strongroom quickstart --keep          \
             and play with the repository\n  strongroom quickstart --disk IMAGE    with a copy of \
             a disk of yours\n  strongroom repo --help                what there is"
                .to_owned()
        };
        self.steps.say(&next)
    }

    async fn first_id(&self, repository: &Repository) -> Result<String> {
        let catalog = repository.catalog().await.context("listing the backups")?;
        let first = catalog.backups.first().map(|entry| entry.id.to_string());
        Ok(format!("{:.8}", first.unwrap_or_default()))
    }
}

async fn restore(
    repository: &Repository,
    id: ManifestId,
    path: PathBuf,
    progress: &Progress,
    cancel: &CancelToken,
) -> Result<()> {
    let session = repository.read_backup(id).await.context("opening the backup")?;
    let work = async {
        let disk = session.manifest().disk(DISK_NAME).context("the disk is in the backup")?;
        let spec = DiskSpec::new(path).with_format(DiskFormat::Raw);
        let sink = sink::create(&spec, disk.size).context("making the new disk")?;
        session.restore(DISK_NAME, Arc::from(sink), cancel, progress).await.context("restoring")
    };
    let done = work.await;
    session.end().await.context("ending the session")?;
    done
}

/// Copies the content of a disk of any format to a new sparse raw file; says how much was data.
async fn copy_disk(
    image: PathBuf,
    to: PathBuf,
    progress: Progress,
    cancel: CancelToken,
) -> Result<u64> {
    let copy = move || {
        let source = open_source(&DiskSpec::new(image), OpenOptions::default())
            .context("opening the image")?;
        fingerprint::copy(&*source as &dyn BlockSource, &to, &progress, &cancel)
    };
    tokio::task::spawn_blocking(copy).await.context("copying the image")?
}
