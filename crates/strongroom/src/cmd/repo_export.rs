//! `strongroom repo export`: hands one disk out, as a stream or as a file for other programs.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use strongroom_source::{DiskFormat, DiskSpec};

use super::repo_restore::{Target, restore};
use crate::context::Context;
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  strongroom repo export latest --disk root | gzip > root.img.gz
  strongroom repo export latest --disk root --format qcow2 -o root.qcow2";

/// Writes one disk to standard output or to a new file
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    /// The backup: an id, the beginning of one, or latest
    id: String,
    /// The disk; may be left out when the backup has one
    #[arg(long, value_name = "NAME")]
    disk: Option<String>,
    /// Format of what is written
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
    /// The new file; standard output when left out, which only raw can be written to
    #[arg(long, short = 'o', value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// The bytes of the disk
    #[default]
    Raw,
    /// QEMU's format
    Qcow2,
}

impl Export {
    pub(crate) fn writes_to_stdout(&self) -> bool {
        self.file.is_none()
    }

    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        let target = match (self.file, self.format) {
            (Some(file), ExportFormat::Raw) => {
                Target::New(DiskSpec::new(file).with_format(DiskFormat::Raw))
            }
            (Some(file), ExportFormat::Qcow2) => {
                Target::New(DiskSpec::new(file).with_format(DiskFormat::Qcow2))
            }
            (None, ExportFormat::Raw) => Target::Stdout,
            (None, ExportFormat::Qcow2) => {
                return Err(Failure::usage("a qcow2 image cannot be written as a stream")
                    .hint("give a file: -o FILE")
                    .into());
            }
        };
        Box::pin(restore(context, &self.id, vec![(self.disk, target)])).await
    }
}
