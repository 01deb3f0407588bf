//! `strongroom quickstart`: a disk is backed up by a service, changed, destroyed and given back, and
//! proven to be the same.
//!
//! # Why
//! Whoever has to trust a backup should see a restore first, on their own machine, in two minutes,
//! through the interface that their clients will use.
//!
//! # Invariants
//! - The user's image is only read: all changes happen to a copy.
//!
//! # Concurrency and crash
//! Everything lies in a folder of its own, which is removed at the end and after Ctrl-C; the service
//! ends with the tour.

mod fingerprint;
mod local_service;
mod sample_disk;
mod step;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use strongroom_base::rng::OsRng;
use strongroom_base::{BlockSource, CancelToken, Clock, Progress, Rng as _};
use strongroom_source::{DiskSpec, OpenOptions as SourceOptions, open_source};

use self::fingerprint::fingerprint;
use self::local_service::LocalService;
use self::sample_disk::SampleDisk;
use self::step::Steps;
use crate::backup_document::size;
use crate::cancel::until_cancelled;
use crate::clock::TokioClock;
use crate::failure::{Failure, Kind};
use crate::output::{Format, Printer, facts};

/// How much of the disk is destroyed at its beginning, where every file system has what it cannot
/// do without.
const DESTROYED: usize = 64 << 20;

const EXAMPLES: &str = "\
Examples:
  strongroom quickstart
  strongroom quickstart --disk /images/debian.qcow2
  strongroom quickstart --keep --dir /tmp/strongroom

It starts a service of its own on a free port of this machine, and is a client of it. Without --disk
it makes a 2 GiB ext4 disk from files of this machine's /usr. It needs neither root nor a mount,
about 4 GiB of room, and removes everything at the end.";

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
    /// Leave the service's data and the disk behind to play with
    #[arg(long)]
    keep: bool,
}

/// The folder of one run.
struct Place {
    images: PathBuf,
    disk: PathBuf,
    staging: PathBuf,
    data: PathBuf,
}

/// What the steps share.
struct Tour<'a> {
    place: &'a Place,
    clock: Arc<dyn Clock>,
    steps: Steps,
    cancel: CancelToken,
}

/// The disk in its vault.
struct Protected {
    service: LocalService,
    disk: String,
    vault: String,
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
        let images = root.join("images");
        fs::create_dir(&images).context("making a folder for disks")?;
        let place = Place {
            disk: images.join("disk.img"),
            images,
            staging: root.join("staging"),
            data: root.join("data"),
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
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new());
        let printer = Printer { format: Format::Table, stdout_is_taken: false };
        let steps = Steps::new(Arc::clone(&clock), printer);
        let began = clock.monotonic();
        let mut tour = Tour { place, clock, steps, cancel };
        let sample = tour.obtain_disk(self.disk.as_deref()).await?;
        let protected = tour.protect().await?;
        let before = tour.fingerprint("SHA-256 of the disk").await?;
        let first = tour.back_up(&protected, "first", "everything is new").await?;
        tour.change(&sample).await?;
        let after = tour.fingerprint("SHA-256 of the changed disk").await?;
        if after == before {
            return Err(Failure::new(Kind::Failed, "the disk did not change").into());
        }
        let second = tour.back_up(&protected, "second", "only what changed").await?;
        tour.destroy().await?;
        tour.restore_and_compare(&protected, &first, "first", &before).await?;
        tour.restore_and_compare(&protected, &second, "second", &after).await?;
        tour.delete(&protected, &first).await?;
        let took = tour.clock.monotonic().saturating_sub(began);
        tour.conclude(protected, took, self.keep).await
    }
}

impl Tour<'_> {
    async fn obtain_disk(&mut self, image: Option<&Path>) -> Result<SampleDisk> {
        let disk = self.place.disk.clone();
        let progress = Progress::new();
        let Some(image) = image else {
            let sample = SampleDisk::new(disk, self.place.staging.clone());
            let title = "collect files of /usr";
            let collect = sample.collect(&progress, &self.cancel);
            let staged =
                self.steps.run(title, &progress, collect, |n| format!("{n} files")).await?;
            let progress = Progress::new();
            let title = "make an ext4 disk of them";
            let clock = Arc::clone(&self.clock);
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

    /// Starts a service, makes the disk known to it, and puts it into a vault.
    async fn protect(&mut self) -> Result<Protected> {
        let (data, images) = (&self.place.data, &self.place.images);
        let start = LocalService::start(data, images, Arc::clone(&self.clock));
        let told = |service: &LocalService| format!("sign in with {}", service.clouds.display());
        let progress = Progress::new();
        let service = self.steps.run("start a service", &progress, start, told).await?;
        let work = async {
            let disk = service.adopt(&self.place.disk).await?;
            let vault = service.make_vault(&disk).await?;
            Ok((disk, vault))
        };
        let told = |(_, vault): &(String, String)| format!("vault {vault}");
        let (disk, vault) =
            self.steps.run("make a vault with the disk", &Progress::new(), work, told).await?;
        Ok(Protected { service, disk, vault })
    }

    async fn fingerprint(&mut self, title: &str) -> Result<String> {
        let progress = Progress::new();
        let disk = self.place.disk.clone();
        let work = fingerprint(disk, progress.clone(), self.cancel.clone());
        self.steps.run(title, &progress, work, Clone::clone).await
    }

    async fn back_up(&mut self, of: &Protected, name: &str, what: &str) -> Result<String> {
        let title = format!("{name} backup: {what}");
        let work = async {
            let (backup, task) = of.service.begin_backup(&of.vault, name).await?;
            of.service.wait(&task).await?;
            Ok((backup, of.service.used(&of.vault).await?))
        };
        let told =
            |(backup, used): &(String, u64)| format!("the vault has {used} MiB; id {backup}");
        Ok(self.steps.run(&title, &Progress::new(), work, told).await?.0)
    }

    async fn change(&mut self, sample: &SampleDisk) -> Result<()> {
        let progress = Progress::new();
        let work = sample.change(&OsRng);
        self.steps.run("change the disk", &progress, work, Clone::clone).await?;
        Ok(())
    }

    async fn destroy(&mut self) -> Result<()> {
        let disk = self.place.disk.clone();
        let destroy = move || -> Result<()> {
            let file = OpenOptions::new().write(true).open(&disk).context("opening the disk")?;
            let length = file.metadata().context("looking at the disk")?.len();
            let length = usize::try_from(length).unwrap_or(DESTROYED).min(DESTROYED);
            let mut noise = vec![0; length];
            OsRng.fill(&mut noise);
            file.write_all_at(&noise, 0).context("destroying the disk")
        };
        let work = async { tokio::task::spawn_blocking(destroy).await.context("destroying")? };
        let told = |(): &()| "its beginning is noise now".to_owned();
        self.steps.run("destroy the disk", &Progress::new(), work, told).await
    }

    async fn restore_and_compare(
        &mut self,
        of: &Protected,
        backup: &str,
        which: &str,
        expected: &str,
    ) -> Result<()> {
        let work = async {
            let task = of.service.begin_restore(backup, &of.disk).await?;
            of.service.wait(&task).await
        };
        let title = format!("restore the {which} backup");
        let told = |(): &()| "in place; only what differs is written".to_owned();
        self.steps.run(&title, &Progress::new(), work, told).await?;
        let found = self.fingerprint(&format!("SHA-256 after the {which} restore")).await?;
        if found != expected {
            let message = format!("the restored disk differs: {found}, but it was {expected}");
            return Err(Failure::new(Kind::Corruption, message).into());
        }
        self.steps.note("compare", "identical")
    }

    async fn delete(&mut self, of: &Protected, backup: &str) -> Result<()> {
        let told = |(): &()| "its space comes back with a collection, a day later".to_owned();
        let work = of.service.delete(backup);
        self.steps.run("delete the first backup", &Progress::new(), work, told).await
    }

    async fn conclude(&self, of: Protected, took: Duration, keep: bool) -> Result<()> {
        let used = of.service.used(&of.vault).await?;
        let disk = fs::metadata(&self.place.disk).context("looking at the disk")?.len();
        let facts = facts([
            ("disk", size(disk)),
            ("vault", format!("{used} MiB")),
            ("time", crate::span::show(took)),
        ]);
        self.steps.say(&format!("\nBoth states came back byte for byte.\n{facts}\n"))?;
        let clouds = of.service.clouds.clone();
        of.service.stop()?;
        let next = if keep {
            format!(
                "Try next:\n  strongroom serve --data-dir {data} --root {images} &\n  \
                 export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=strongroom\n  \
                 strongroom vault list\n  strongroom backup list\n\
                 The port changes with a restart: give --listen, and write it into clouds.yaml.",
                data = self.place.data.display(),
                images = self.place.images.display(),
                clouds = clouds.display(),
            )
        } else {
            "Everything was removed again. Try next:\n  strongroom quickstart --keep          \
             and play with the service\n  strongroom quickstart --disk IMAGE    with a copy of \
             a disk of yours\n  strongroom serve --help               the service\n  \
             strongroom repo --help                one repository, without any service"
                .to_owned()
        };
        self.steps.say(&next)
    }
}

/// Copies the content of a disk of any format to a new sparse raw file; says how much was data.
async fn copy_disk(
    image: PathBuf,
    to: PathBuf,
    progress: Progress,
    cancel: CancelToken,
) -> Result<u64> {
    let copy = move || {
        let source = open_source(&DiskSpec::new(image), SourceOptions::default())
            .context("opening the image")?;
        fingerprint::copy(&*source as &dyn BlockSource, &to, &progress, &cancel)
    };
    tokio::task::spawn_blocking(copy).await.context("copying the image")?
}
