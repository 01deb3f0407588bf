//! `strongroom restore`: gives a backup back to disks or a server of the service.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::{service, task_show};
use crate::client::{Area, Noun, Request, check_outcomes, find_child, items, text, wait};
use crate::failure::{Failure, Kind};
use crate::output::Printer;
use crate::service_context::{ServiceContext, ServiceOptions};

const EXAMPLES: &str = "\
Examples:
  strongroom restore before-upgrade --wait
  strongroom restore 3fa94c01 --to-disk root --wait
  strongroom restore web-before --server web --map root=new-root --map data=new-data --power-on

Without a target a backup goes back to where it came from. The target is written over; a server is
shut down first, and a disk must be attached to none.";

/// Restores a backup to a disk or a server.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Restore {
    #[command(flatten)]
    options: ServiceOptions,
    /// The backup: a name, an id or the beginning of one
    backup: String,
    /// The disk to write over: a name, an id or the beginning of one
    #[arg(long, value_name = "DISK", conflicts_with_all = ["server", "mappings", "power_on"])]
    to_disk: Option<String>,
    /// The server whose disks are written over: a name, an id or the beginning of one
    #[arg(long, value_name = "SERVER")]
    server: Option<String>,
    /// A disk of the backup, and the disk to write it to
    #[arg(long = "map", value_name = "CHILD=DISK", value_parser = parse_mapping)]
    mappings: Vec<(String, String)>,
    /// Start the server afterwards
    #[arg(long)]
    power_on: bool,
    /// Wait until it is done
    #[arg(long)]
    wait: bool,
}

fn parse_mapping(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((child, disk)) if !child.is_empty() && !disk.is_empty() => {
            Ok((child.to_owned(), disk.to_owned()))
        }
        _ => Err("write CHILD=DISK".to_owned()),
    }
}

impl Restore {
    pub(crate) fn printer(&self) -> Printer {
        self.options.printer(false)
    }

    pub(crate) async fn run(self, printer: Printer) -> Result<()> {
        let options = self.options.clone();
        service::run(&options, printer, async move |cx| self.restore(cx).await).await
    }

    async fn restore(self, cx: &ServiceContext) -> Result<()> {
        let backup = cx.find(Noun::BACKUP, &self.backup).await?;
        let body = json!({ "restore": self.target(cx, &backup).await? });
        let request = Request::post(Area::Cbr, &["backups", text(&backup, "/id"), "restore"]);
        let answer = cx.session.send(&request.body(body)).await?;
        let id = text(&answer, "/job_id").to_owned();
        if !self.wait {
            return cx.printer.print(&answer, |_| {
                format!("Restoring. `strongroom task wait {id}` waits for the end.")
            });
        }
        if id.is_empty() {
            return Err(Failure::new(Kind::Failed, "the service names no task to wait for")
                .hint("`strongroom task list --type restore` shows how far it is")
                .into());
        }
        let label = format!("restore {}", text(&backup, "/name"));
        let tasks = wait(cx, &label, &[id]).await?;
        task_show::print(cx, &tasks)?;
        check_outcomes(&tasks)
    }

    /// What the body has (cbr-v3, 4.5).
    async fn target(&self, cx: &ServiceContext, backup: &Value) -> Result<Value> {
        let is_server = text(backup, "/resource_type").contains("Server")
            || items(backup, "/children").next().is_some();
        if is_server {
            return self.server(cx, backup).await;
        }
        if self.server.is_some() || !self.mappings.is_empty() || self.power_on {
            let failure = Failure::usage("it is the backup of a disk, not of a server");
            return Err(failure.hint("--to-disk names the disk to write over").into());
        }
        let volume = match &self.to_disk {
            Some(disk) => text(&cx.find(Noun::DISK, disk).await?, "/id").to_owned(),
            None => text(backup, "/resource_id").to_owned(),
        };
        Ok(json!({ "volume_id": volume }))
    }

    async fn server(&self, cx: &ServiceContext, backup: &Value) -> Result<Value> {
        if self.to_disk.is_some() {
            let hint = "--server and --map name where it goes; `strongroom backup show` lists the \
                        backups of its disks, which go to a disk each";
            return Err(Failure::usage("it is the backup of a server").hint(hint).into());
        }
        let server = match &self.server {
            Some(server) => text(&cx.find(Noun::SERVER, server).await?, "/id").to_owned(),
            None => text(backup, "/resource_id").to_owned(),
        };
        let mut mappings = Vec::new();
        for (child, disk) in &self.mappings {
            let child = find_child(backup, child)?;
            let disk = cx.find(Noun::DISK, disk).await?;
            mappings.push(json!({
                "backup_id": text(&child, "/id"),
                "volume_id": text(&disk, "/id"),
            }));
        }
        // Without mappings each disk goes back to where it came from.
        if mappings.is_empty() {
            mappings = items(backup, "/children").map(own_disk).collect();
        }
        Ok(json!({"server_id": server, "mappings": mappings, "power_on": self.power_on}))
    }
}

fn own_disk(child: &Value) -> Value {
    json!({"backup_id": text(child, "/id"), "volume_id": text(child, "/resource_id")})
}
