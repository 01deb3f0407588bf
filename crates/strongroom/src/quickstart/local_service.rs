//! A service of the tour's own: the program itself, started beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use strongroom_base::Clock;

use crate::client::{Area, Cloud, Environment, Noun, Request, Session, text};
use crate::failure::{Failure, Kind};
use crate::program::Service;

/// How long the first start may take.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);

/// The service, and a user of it.
pub(super) struct LocalService {
    process: Service,
    session: Session,
    clock: Arc<dyn Clock>,
    /// The file with which other clients sign in.
    pub(super) clouds: PathBuf,
}

impl LocalService {
    /// Starts it on a free port, for disks below `images`.
    pub(super) async fn start(data: &Path, images: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let log = data.with_extension("log");
        let mut process = Service::start(data, images, &log)?;
        let clouds = data.join("clouds.yaml");
        let began = clock.monotonic();
        let session = loop {
            if let Some(why) = process.ended()? {
                let message = format!("the service ended by itself ({why})");
                let said = fs::read_to_string(&log).unwrap_or_default();
                let last = said.lines().last().unwrap_or_default().to_owned();
                return Err(Failure::new(Kind::Failed, message).hint(last).into());
            }
            if clouds.exists()
                && let Some(session) = sign_in(&clouds).await
            {
                break session;
            }
            if clock.monotonic().saturating_sub(began) > PATIENCE {
                return Err(Failure::new(Kind::Unavailable, "the service did not start").into());
            }
            clock.sleep(PAUSE).await;
        };
        Ok(Self { process, session, clock, clouds })
    }

    /// Makes the disk known; its id.
    pub(super) async fn adopt(&self, disk: &Path) -> Result<String> {
        let body = json!({"resource": {
            "type": "disk", "name": "disk", "path": disk, "format": "raw",
        }});
        let request = Request::post(Area::Extension, &["resources"]).body(body);
        self.id_of(&request, "/resource/id").await
    }

    /// Makes a vault with the disk in it; its id.
    pub(super) async fn make_vault(&self, disk: &str) -> Result<String> {
        let body = json!({"vault": {
            "name": "quickstart",
            "billing": {
                "object_type": "disk",
                "protect_type": "backup",
                "consistent_level": "crash_consistent",
                "size": 100,
            },
            "resources": [{"id": disk, "type": "OS::Cinder::Volume"}],
        }});
        self.id_of(&Request::post(Area::Cbr, &["vaults"]).body(body), "/vault/id").await
    }

    /// Begins a backup; its id and that of its task.
    pub(super) async fn begin_backup(&self, vault: &str, name: &str) -> Result<(String, String)> {
        let body = json!({"checkpoint": {"vault_id": vault, "parameters": {"name": name}}});
        let request = Request::post(Area::Cbr, &["checkpoints"]).body(body);
        let checkpoint = self.id_of(&request, "/checkpoint/id").await?;
        let request = Request::get(Area::Cbr, &["backups"]);
        let answer = self.session.send(&request.query("checkpoint_id", Some(&checkpoint))).await?;
        let backup = text(&answer, "/backups/0/id").to_owned();
        let request = Request::get(Area::Cbr, &["operation-logs"]).query("vault_id", Some(vault));
        let tasks = self.session.send(&request).await?;
        let of_run = |task: &&Value| text(task, "/checkpoint_id") == checkpoint;
        let task = tasks.get("operation_logs").and_then(Value::as_array);
        let task = task.and_then(|tasks| tasks.iter().find(of_run)).cloned().unwrap_or_default();
        Ok((backup, text(&task, "/id").to_owned()))
    }

    /// Begins a restore over the disk; its task.
    pub(super) async fn begin_restore(&self, backup: &str, disk: &str) -> Result<String> {
        let request = Request::post(Area::Cbr, &["backups", backup, "restore"]);
        let body = json!({"restore": {"volume_id": disk}});
        self.id_of(&request.body(body), "/job_id").await
    }

    /// Waits for a task to succeed.
    pub(super) async fn wait(&self, task: &str) -> Result<()> {
        loop {
            let answer = self.session.send(&Noun::TASK.get(task)).await?;
            match text(&answer, "/operation_log/status") {
                "waiting" | "running" => self.clock.sleep(PAUSE).await,
                "success" => return Ok(()),
                status => {
                    let why = text(&answer, "/operation_log/error_info/message");
                    let message = format!("the task is {status}: {why}");
                    return Err(Failure::new(Kind::Failed, message).into());
                }
            }
        }
    }

    /// Deletes a backup, and waits until it is gone.
    pub(super) async fn delete(&self, backup: &str) -> Result<()> {
        self.session.send(&Noun::BACKUP.delete(backup)).await?;
        loop {
            match self.session.send(&Noun::BACKUP.get(backup)).await {
                Ok(_) => self.clock.sleep(PAUSE).await,
                Err(error) if error.is_absent() => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What the vault needs in the store, in MiB.
    pub(super) async fn used(&self, vault: &str) -> Result<u64> {
        let answer = self.session.send(&Noun::VAULT.get(vault)).await?;
        Ok(crate::client::number(&answer, "/vault/billing/used"))
    }

    /// Stops it in order.
    pub(super) fn stop(self) -> Result<()> {
        self.process.stop()
    }

    async fn id_of(&self, request: &Request, pointer: &str) -> Result<String> {
        let answer = self.session.send(request).await?;
        let id = answer.pointer(pointer).and_then(Value::as_str);
        Ok(id.with_context(|| format!("the answer has no {pointer}"))?.to_owned())
    }
}

/// A session that works; none as long as the service does not listen.
async fn sign_in(clouds: &Path) -> Option<Session> {
    let file = clouds.to_string_lossy().into_owned();
    let environment = Environment::with("OS_CLIENT_CONFIG_FILE", &file);
    let cloud = Cloud::choose(None, None, &environment).ok()?;
    let session = Session::new(cloud, false).ok()?;
    session.send(&Request::get(Area::Cbr, &["vaults"])).await.ok()?;
    Some(session)
}
