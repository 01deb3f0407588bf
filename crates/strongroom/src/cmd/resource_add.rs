//! `strongroom resource add`: makes a disk or a server known to the service.

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::resource_show;
use crate::client::{Area, Noun, Request};
use crate::disk_place::DiskPlace;
use crate::json_object::{given, object};
use crate::service_context::ServiceContext;

const EXAMPLES: &str = "\
Examples:
  strongroom resource add disk /images/root.qcow2
  strongroom resource add disk /images/data.img --format raw --name data
  strongroom resource add server web --disk root=/images/root.qcow2 --disk /dev/vg/data:block

Paths are those of the host of the service. The first disk of a server is the one it boots from.
An image that is not raw says itself what it is; raw must be said.";

/// Makes a disk or a server known
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Add {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A disk: an image file or a block device
    Disk {
        /// Where it is
        #[arg(value_parser = DiskPlace::parse_path)]
        path: String,
        /// Its name; without one that of the file
        #[arg(long)]
        name: Option<String>,
        /// What it is
        #[arg(long, value_enum)]
        format: Option<DiskForm>,
    },
    /// A server, which is its disks
    Server {
        /// Its name
        name: String,
        /// A disk, with its name and its format if they are to be said
        #[arg(long = "disk", required = true, value_parser = DiskPlace::parse)]
        #[arg(value_name = "[NAME=]PATH[:FORMAT]")]
        disks: Vec<DiskPlace>,
    },
}

/// What a file is.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum DiskForm {
    Raw,
    Qcow2,
    Block,
}

impl DiskForm {
    fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Block => "block",
        }
    }
}

impl Add {
    pub(super) async fn run(self, cx: &ServiceContext) -> Result<()> {
        let request = Request::post(Area::Extension, &["resources"]).body(self.body());
        let answer = cx.session.send(&request).await?;
        let resource = answer.get(Noun::RESOURCE.one).unwrap_or(&Value::Null);
        cx.printer.print(&answer, |_| resource_show::describe(resource))
    }

    fn body(&self) -> Value {
        let resource = match &self.what {
            What::Disk { path, name, format } => object([
                ("type", Some(json!("disk"))),
                ("path", Some(json!(path))),
                ("name", given(name.as_ref())),
                ("format", format.map(|format| json!(format.word()))),
            ]),
            What::Server { name, disks } => {
                let disks: Vec<_> = disks.iter().map(DiskPlace::json).collect();
                json!({"type": "server", "name": name, "disks": disks})
            }
        };
        json!({ "resource": resource })
    }
}
