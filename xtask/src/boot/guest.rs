//! A virtual machine that starts from the restored disk and says so on its console.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::process;

/// What the system on the disk prints when it has started and found its files unchanged; written
/// into it by `scripts/boot-disk.sh`.
const MARKER: &str = "STRONGROOM-BOOT-OK";
/// Seconds until a guest that hangs is killed. Under emulation it takes one minute on a free
/// machine; the rest is for a busy one.
const DEADLINE: &str = "900";

/// Boots `disk` and waits until the guest has powered itself off.
pub(crate) fn boot(disk: &Path, kernel: &Path, initrd: &Path) -> Result<()> {
    let mut command = machine(disk, kernel, initrd);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", process::shown(&command)))?;
    let console = child.stdout.take().context("the console was piped above")?;
    let mut has_started = false;
    for line in BufReader::new(console).split(b'\n') {
        let line = line.context("reading the guest's console")?;
        let line = String::from_utf8_lossy(&line);
        println!("guest: {}", line.trim_end());
        has_started |= line.contains(MARKER);
    }
    let status = child.wait().context("waiting for the guest")?;
    ensure!(status.success(), "the guest did not power off by itself: {status}");
    ensure!(has_started, "the guest never printed {MARKER}");
    Ok(())
}

fn machine(disk: &Path, kernel: &Path, initrd: &Path) -> Command {
    let mut command = process::command("timeout");
    command
        .args([DEADLINE, "qemu-system-x86_64", "-accel", "tcg", "-smp", "2", "-m", "1024"])
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none"])
        .arg("-no-reboot")
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(initrd)
        .args(["-append", "root=/dev/vda rw console=ttyS0 panic=-1 loglevel=4"])
        .arg("-drive")
        // A comma in a path would end the file name; QEMU reads two as one.
        .arg(format!(
            "file={},format=raw,if=virtio",
            disk.display().to_string().replace(',', ",,")
        ));
    command
}
