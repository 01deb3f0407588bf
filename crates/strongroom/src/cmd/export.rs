//! `strongroom export`: downloads the disk of a backup.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;
use strongroom_base::{ByteCount, CancelToken, Progress};

use crate::cancel::until_cancelled;
use crate::client::{Area, Noun, Request, find_child, items, text};
use crate::export::{Draft, Output, Subject, Transfer};
use crate::failure::Failure;
use crate::output::{Printer, facts};
use crate::progress_line::{Amount, Line, rate_of, show_line};
use crate::service_context::{ServiceContext, ServiceOptions};
use crate::span;

const EXAMPLES: &str = "\
Examples:
  strongroom export before-upgrade --format qcow2 -o root.qcow2
  strongroom export web-before --disk root --format raw -o - | ssh host 'dd of=/dev/vg/web bs=1M'

The file gets its name when it is complete, and never replaces another. What an interrupted export
left (.NAME.strongroom.part) is used when the same command is run again.";

/// Downloads the disk of a backup as an image.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    #[command(flatten)]
    options: ServiceOptions,
    /// The backup: a name, an id or the beginning of one
    backup: String,
    /// Which disk, where the backup is of a server: its name or id
    #[arg(long, value_name = "CHILD")]
    disk: Option<String>,
    /// The image's format
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: ImageFormat,
    /// The new file, or - for standard output
    #[arg(short = 'o', value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ImageFormat {
    /// The bytes of the disk.
    Raw,
    /// An image for QEMU.
    Qcow2,
}

impl ImageFormat {
    fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
        }
    }
}

/// The answer. Sizes are in bytes.
#[derive(Debug, Serialize)]
struct Document {
    backup: String,
    disk: String,
    format: &'static str,
    target: String,
    size_bytes: u64,
    /// What an earlier export had left.
    resumed_bytes: u64,
    duration_ms: u64,
    rate_bytes_per_s: u64,
}

impl Export {
    pub(crate) fn printer(&self) -> Printer {
        self.options.printer(self.writes_to_stdout())
    }

    fn writes_to_stdout(&self) -> bool {
        self.file == Path::new("-")
    }

    pub(crate) async fn run(self, printer: Printer) -> Result<()> {
        if self.writes_to_stdout() && io::stdout().is_terminal() {
            return Err(Failure::usage("a disk is not written to a terminal")
                .hint("send standard output to a file or a pipe")
                .into());
        }
        let cx = ServiceContext::new(&self.options, printer)?;
        let cancel = CancelToken::new();
        until_cancelled(&cancel, Box::pin(self.export(&cx, &cancel))).await
    }

    async fn export(&self, cx: &ServiceContext, cancel: &CancelToken) -> Result<()> {
        let backup = cx.find(Noun::BACKUP, &self.backup).await?;
        let disk = self.disk_of(&backup)?;
        let id = text(&disk, "/id").to_owned();
        let mut output = if self.writes_to_stdout() {
            Output::stdout()
        } else {
            let format = self.format.word().to_owned();
            Output::File(Draft::open(&self.file, Subject { backup: id.clone(), format })?)
        };
        let resumed = output.position();
        let began = cx.clock.monotonic();
        self.download(cx, cancel, &id, &mut output).await?;
        let size = output.position();
        output.finish()?;
        let took = cx.clock.monotonic().saturating_sub(began);
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let fetched = u128::from(size.saturating_sub(resumed));
        let rate = fetched * 1000 / u128::from(duration_ms.max(1));
        let document = Document {
            backup: id,
            disk: text(&disk, "/resource_name").to_owned(),
            format: self.format.word(),
            target: self.file.display().to_string(),
            size_bytes: size,
            resumed_bytes: resumed,
            duration_ms,
            rate_bytes_per_s: u64::try_from(rate).unwrap_or(u64::MAX),
        };
        cx.printer.print(&document, describe)
    }

    async fn download(
        &self,
        cx: &ServiceContext,
        cancel: &CancelToken,
        id: &str,
        output: &mut Output,
    ) -> Result<()> {
        let progress = Progress::new();
        let request = Request::get(Area::Extension, &["backups", id, "export"]);
        let request = request.query("format", Some(self.format.word()));
        let transfer = Transfer { cx, request, cancel, progress: &progress };
        let (before, began) = (output.position(), cx.clock.monotonic());
        let look = || {
            let (done, total) = (progress.done(), progress.total());
            let elapsed = cx.clock.monotonic().saturating_sub(began);
            let text = format!("export  {}", Amount { done, total, before, elapsed }.bytes());
            Line { text, done, total }
        };
        let done = show_line(cx.display(), &*cx.clock, look, transfer.run(output)).await;
        if done.is_err() {
            output.save()?;
        }
        done
    }

    /// The backup of one disk: itself, or a part of it.
    fn disk_of(&self, backup: &Value) -> Result<Value> {
        let children: Vec<_> = items(backup, "/children").collect();
        match (&self.disk, children.as_slice()) {
            (Some(disk), [_, ..]) => find_child(backup, disk),
            (Some(disk), [])
                if [text(backup, "/resource_name"), text(backup, "/resource_id")]
                    .contains(&disk.as_str()) =>
            {
                Ok(backup.clone())
            }
            (Some(_), []) => {
                Err(Failure::usage("it is the backup of a disk: leave out --disk").into())
            }
            (None, []) => Ok(backup.clone()),
            (None, [only]) => Ok((*only).clone()),
            (None, several) => {
                let names: Vec<_> = several.iter().map(|it| text(it, "/resource_name")).collect();
                Err(Failure::usage(format!("the backup has {} disks", names.len()))
                    .hint(format!("choose with --disk: {}", names.join(", ")))
                    .into())
            }
        }
    }
}

fn describe(document: &Document) -> String {
    let duration = Duration::from_millis(document.duration_ms);
    let fetched = document.size_bytes.saturating_sub(document.resumed_bytes);
    let mut lines = vec![
        ("backup", document.backup.clone()),
        ("exported", format!("{} to {}", document.disk, document.target)),
        ("size", ByteCount(document.size_bytes).to_string()),
    ];
    if document.resumed_bytes > 0 {
        lines.push(("there before", ByteCount(document.resumed_bytes).to_string()));
    }
    lines.push(("duration", span::show(duration)));
    lines.push(("rate", rate_of(fetched, duration)));
    facts(lines)
}
