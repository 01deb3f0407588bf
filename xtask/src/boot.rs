//! `cargo xtask boot`: a Debian disk goes into a repository and back, and the copy boots.
//!
//! # Why
//! Equal bytes are the engine's own proof; a machine that starts from the restored disk is the
//! user's. QEMU emulates the processor (TCG), because CI machines often have no usable KVM, and
//! takes kernel and initial RAM disk from files, so that the disk needs no boot loader.
//!
//! # Concurrency and crash
//! The Debian disk is kept in the tool folder between runs and counts by its marker file; the rest
//! stands in `boot/` of the target folder and is made anew each time.

mod guest;
mod program;

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::checkout::Checkout;
use crate::step::step;
use crate::toolbox::Toolbox;
use crate::{ci, process};

use self::program::Program;

/// Changes with `scripts/boot-disk.sh`, so that an old disk is not taken for a new one.
const DISK_FOLDER: &str = "boot-disk-1";

/// Runs the whole proof.
pub(crate) fn run(checkout: &Checkout) -> Result<()> {
    step("packages", || {
        ci::packages(checkout, "base").and_then(|()| ci::packages(checkout, "nightly"))
    })?;
    let disk = Toolbox::open()?.folder(DISK_FOLDER);
    step("debian disk", || make_disk(checkout, &disk))?;
    let target = checkout.target_folder();
    let program = step("build", || Program::build(checkout, &target))?;
    let work = target.join("boot");
    if work.exists() {
        std::fs::remove_dir_all(&work).context("clearing what the last run left")?;
    }
    std::fs::create_dir_all(&work).context("making the working folder")?;
    let original = disk.join("disk.raw");
    let restored = work.join("restored.raw");
    step("backup", || program.backup(&work, &original))?;
    step("restore", || program.restore(&work, &restored))?;
    step("compare", || process::run(process::command("cmp").arg(&original).arg(&restored)))?;
    step("fsck before boot", || fsck(&restored))?;
    step("boot", || guest::boot(&restored, &disk.join("vmlinuz"), &disk.join("initrd.img")))?;
    step("fsck after shutdown", || fsck(&restored))?;
    std::fs::remove_dir_all(&work).context("clearing the working folder")
}

fn make_disk(checkout: &Checkout, folder: &Path) -> Result<()> {
    if folder.join("complete").exists() {
        return Ok(());
    }
    let script = checkout.root().join("scripts/boot-disk.sh");
    let is_root = process::output(process::command("id").arg("-u"))?.trim() == "0";
    let mut command = if is_root { process::command(script) } else { process::command("sudo") };
    if !is_root {
        command.arg(checkout.root().join("scripts/boot-disk.sh"));
    }
    process::run(command.arg(folder))
}

/// Checks a file system without changing it; any finding is an error.
fn fsck(image: &Path) -> Result<()> {
    // Debian keeps it where the PATH of an ordinary user does not reach.
    process::run(process::command("/sbin/e2fsck").arg("-fn").arg(image))
}
