//! The task behind one export: opens the backup, waits for its range, reads.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use strongroom_base::ids::ManifestId;
use strongroom_base::{ByteRange, Chain, Clock};
use strongroom_model::Refusal;
use strongroom_model::backup::ExportFormat;
use strongroom_repo::{ReadSession, Repository, RestoreError};
use tokio::sync::{mpsc, oneshot};

use super::content::Content;
use super::{ExportError, PATIENCE};
use crate::error::Error;

/// What is known before anything is read.
pub(super) struct Opened {
    pub(super) length: u64,
}

/// What shall be read, and where it goes.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) range: ByteRange,
    pub(super) pieces: mpsc::Sender<Result<Bytes, ExportError>>,
}

/// A disk of a backup that is exported.
pub(super) struct Reading {
    pub(super) repository: Repository,
    pub(super) manifest: ManifestId,
    pub(super) disk: String,
    pub(super) format: ExportFormat,
    pub(super) clock: Arc<dyn Clock>,
}

impl Reading {
    /// Tells what there is, and reads what is asked for then; ends when nobody wants it any more.
    pub(super) async fn run(
        self,
        opened: oneshot::Sender<Result<Opened, Error>>,
        asked: oneshot::Receiver<Asked>,
    ) {
        let session = match self.repository.read_backup(self.manifest).await {
            Ok(session) => session,
            Err(RestoreError::Absent { .. }) => {
                return drop(opened.send(Err(Refusal::BackupNotAvailable.into())));
            }
            Err(error) => return drop(opened.send(Err(Error::engine(error)))),
        };
        self.serve(&session, opened, asked).await;
        if let Err(error) = session.end().await {
            // The session is given up by a later collection.
            tracing::warn!(error = %Chain(&error), "a reader did not say goodbye");
        }
    }

    async fn serve(
        &self,
        session: &ReadSession,
        mut opened: oneshot::Sender<Result<Opened, Error>>,
        asked: oneshot::Receiver<Asked>,
    ) {
        let content = {
            let open = pin!(Content::open(session, &self.disk, self.format));
            match select(open, pin!(opened.closed())).await {
                Either::Left((content, _)) => content,
                Either::Right(_) => return,
            }
        };
        let content = match content {
            Ok(content) => content,
            Err(error) => return drop(opened.send(Err(error))),
        };
        drop(opened.send(Ok(Opened { length: content.length() })));
        // Dropped without a word, it was only looked at.
        let Ok(asked) = asked.await else { return };
        let began = self.clock.monotonic();
        let sent = self.send(session, &content, &asked).await;
        let duration = self.clock.monotonic().saturating_sub(began);
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        match sent {
            Ok(size_bytes) => tracing::info!(
                manifest = %self.manifest, size_bytes, duration_ms, "an export ended"
            ),
            Err(error) => {
                tracing::error!(manifest = %self.manifest, error = %Chain(&error), "an export broke");
                // Who went away needs no error.
                drop(asked.pieces.try_send(Err(error)));
            }
        }
    }

    /// Sends the range until all is sent or nobody takes it; the answer is how much was taken.
    async fn send(
        &self,
        session: &ReadSession,
        content: &Content,
        asked: &Asked,
    ) -> Result<u64, ExportError> {
        let mut pieces = content.read(session, &self.disk, asked.range)?;
        let (mut sent, mut broken) = (0, None);
        let work = async {
            while let Some(piece) = pieces.next().await {
                let piece = piece?;
                let len = piece.len() as u64;
                let taken = pin!(asked.pieces.send(Ok(piece)));
                match select(taken, self.clock.sleep(PATIENCE)).await {
                    Either::Left((Ok(()), _)) => sent += len,
                    Either::Left((Err(_), _)) => return Ok(()),
                    Either::Right(_) => {
                        broken = Some(ExportError::Idle);
                        return Ok(());
                    }
                }
            }
            let expected = asked.range.len();
            if sent != expected {
                broken = Some(ExportError::Length { sent, expected });
            }
            Ok::<(), RestoreError>(())
        };
        let work = session.while_alive(work);
        match select(pin!(work), pin!(asked.pieces.closed())).await {
            Either::Left((done, _)) => done?,
            Either::Right(_) => {}
        }
        match broken {
            Some(error) => Err(error),
            None => Ok(sent),
        }
    }
}
