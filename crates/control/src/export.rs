//! Exports: reading a backup's disk as a stream that can begin anywhere.
//!
//! # Why
//! A download takes hours and breaks. What is sent therefore follows from the backup alone, byte by
//! byte, and the next request goes on where the last one broke: for a raw disk the disk's own bytes,
//! for an image those of [`strongroom_source::qcow2`].
//!
//! # Invariants
//! - CTL-22: two exports of one tag agree in every byte; damage ends the stream before a wrong one.
//!
//! # Concurrency and crash
//! Each export is a task of its own that reads ahead of its client by a bounded number of pieces,
//! shows life to collectors also while the client is slow, and gives up a client that takes nothing
//! for ten minutes. It ends when its body is dropped. A process that dies leaves a reader in the
//! repository that shows no life, as after any crash.

mod content;
mod reading;
mod running;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use strongroom_base::ByteRange;
use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::backup::{Backup, ExportFormat};
use strongroom_model::{BackupId, Refusal};
use strongroom_repo::RestoreError;
use tokio::sync::{mpsc, oneshot};

use self::reading::{Asked, Opened, Reading};
pub(crate) use self::running::Running;
use crate::caller::OpContext;
use crate::error::{Error, Noun};
use crate::service::Service;

/// Exports of one process at a time. Each takes 96 MiB of the memory budget (1 GiB), of which
/// backups and collections need the rest.
pub const MOST_EXPORTS: usize = 4;
/// How long a client may take nothing: a piece is at most 16 MiB, mostly 4.
pub(crate) const PATIENCE: Duration = Duration::from_mins(10);

/// A disk that is ready to be read. Dropped, it ends.
pub struct Export {
    service: Service,
    cx: OpContext,
    backup: Backup,
    format: ExportFormat,
    length: u64,
    tag: String,
    order: oneshot::Sender<Asked>,
}

/// Why the bytes of an export ended too early. Its text is for the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The backup cannot be read.
    #[error("reading the backup")]
    Read(#[from] RestoreError),
    /// The pieces are not as long as they should be together: a mistake of ours.
    #[error("the export is {sent} bytes long, not {expected}")]
    Length {
        /// Bytes that were sent.
        sent: u64,
        /// Bytes that were promised.
        expected: u64,
    },
    /// The client took nothing for long.
    #[error("the client took nothing for {} s", PATIENCE.as_secs())]
    Idle,
}

/// The bytes of an export. They end early, with an error or without, when it breaks.
#[derive(Debug)]
pub struct ExportBody(mpsc::Receiver<Result<Bytes, ExportError>>);

impl Stream for ExportBody {
    type Item = Result<Bytes, ExportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

impl Export {
    /// How long all of it is, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What names exactly these bytes: letters, digits and `-`.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// A name for a file.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.backup.source.id, self.format)
    }

    /// Writes the audit record and begins to read `range`.
    pub async fn start(self, range: ByteRange) -> Result<ExportBody, Error> {
        let subject = (Some(self.backup.id.to_string()), Some(self.backup.name.to_string()));
        let record = self.service.audit(&self.cx, AuditEvent::ExportBackup, subject.0, subject.1);
        let tx = self.service.0.db.begin().await?;
        tx.audit_insert(&record).await?;
        tx.commit().await?;
        // One piece waits here, and what the reader holds ahead is its own.
        let (pieces, body) = mpsc::channel(1);
        // It ended if nobody hears this; then the body ends with nothing, which is too short.
        drop(self.order.send(Asked { range, pieces }));
        Ok(ExportBody(body))
    }
}

impl Service {
    /// Gets a backup's disk ready to be read as `format`: of a disk's backup, or of a child. While it
    /// runs, the backup cannot be deleted by hand; what deletes it elsewhere does not break it.
    pub async fn backup_export(
        &self,
        cx: &OpContext,
        id: BackupId,
        format: ExportFormat,
    ) -> Result<Export, Error> {
        let subject = Some(id.to_string());
        let open = || self.open_export(cx, id, format);
        self.perform(cx, Action::BackupExport, subject, open).await
    }

    async fn open_export(
        &self,
        cx: &OpContext,
        id: BackupId,
        format: ExportFormat,
    ) -> Result<Export, Error> {
        let found = self.0.db.backup_get(cx.project, id).await?;
        let backup = found.ok_or(Error::NotFound(Noun::Backup))?.backup;
        backup.may_export()?;
        let whole = match backup.parent_id {
            Some(parent) => self.0.db.backup_get(cx.project, parent).await?.map(|it| it.backup),
            None => Some(backup.clone()),
        };
        let whole = whole.ok_or(Error::NotFound(Noun::Backup))?;
        let manifest = whole.manifest_id.ok_or(Refusal::BackupNotAvailable)?;
        let slot = self.0.exports.begin(whole.id).ok_or(Error::Busy)?;
        let found = self.0.repositories.find(whole.vault_id).await.map_err(Error::engine)?;
        let repository = found.ok_or(Refusal::BackupNotAvailable)?;
        let reading = Reading {
            repository,
            manifest,
            disk: backup.source.id.to_string(),
            format,
            clock: Arc::clone(&self.0.clock),
        };
        let (order, asked) = oneshot::channel();
        let (opened, ready) = oneshot::channel();
        self.0.exports.run(slot, reading.run(opened, asked));
        let broken = || Error::internal("the reader of an export ended without an answer");
        let Opened { length } = ready.await.map_err(|_| broken())??;
        let tag = content::tag(manifest, &backup.source.id.to_string(), format);
        let (service, cx) = (self.clone(), cx.clone());
        Ok(Export { service, cx, backup, format, length, tag, order })
    }
}
