//! Sessions: announced presence of a writer, reader, collector or undelete.
//!
//! # Why
//! A collector must know who may still need what it is about to delete. Everybody who uses a
//! repository says so first, by one object, and says that it has ended by another; nobody holds
//! a lock that a crash could leave behind.
//!
//! # Invariants
//! - REPO-11: whoever reads or writes units announces itself before it looks at condemned, damaged
//!   and grave sets.
//!
//! # Concurrency and crash
//! A session that died is open until somebody else ends it: a writer by a tombstone at its
//! manifest key, any other by its end key (`liveness`).

pub(crate) mod commit;
pub(crate) mod liveness;
pub(crate) mod reader;
pub(crate) mod scan;
pub(crate) mod upload;
pub(crate) mod writer;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_base::Timestamp;
use strongroom_base::ids::{ManifestId, SessionId};

use crate::control::Created;
use crate::error::ReadError;
use crate::key;
use crate::repository::Repository;

/// How often a session shows that it lives.
pub(crate) const ALIVE_EVERY: Duration = Duration::from_mins(5);

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// Makes a backup; ends with a manifest or tombstone.
    Writer,
    /// Reads manifests: restore, export, verify.
    Reader,
    /// Collects garbage.
    Collector,
}

/// The document at `session/<id>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SessionDoc {
    pub(crate) kind: SessionKind,
    /// A writer's parents, a reader's targets: a collector keeps what they refer to.
    pub(crate) manifests: Vec<ManifestId>,
    /// By the announcer's clock, for people.
    pub(crate) started: Timestamp,
}

/// The document at `end/<id>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EndDoc {
    /// The session itself, or whoever gave it up.
    pub(crate) by: SessionId,
    /// Of a collection that was no dry run: whether it looked at everything and left nothing that
    /// it could have removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) collected: Option<bool>,
}

/// The document at `alive/<id>-<n>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct AliveDoc {}

/// A session of ours that is announced.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
}

impl Repository {
    /// Announces a session.
    pub(crate) async fn announce(
        &self,
        kind: SessionKind,
        manifests: Vec<ManifestId>,
    ) -> Result<Session, ReadError> {
        let id = SessionId::random(&*self.env.rng);
        let doc = SessionDoc { kind, manifests, started: self.env.clock.now() };
        self.create_control(&key::of_session(key::SESSIONS, id), &doc).await?;
        Ok(Session { id })
    }

    /// Says that a session which commits nothing has ended.
    pub(crate) async fn end(&self, session: Session) -> Result<(), ReadError> {
        self.end_as(session, None).await
    }

    /// As [`Self::end`]; `collected` as [`EndDoc`] says it.
    pub(crate) async fn end_as(
        &self,
        session: Session,
        collected: Option<bool>,
    ) -> Result<(), ReadError> {
        let doc = EndDoc { by: session.id, collected };
        self.create_control(&key::of_session(key::ENDS, session.id), &doc).await?;
        Ok(())
    }

    /// Gives up a session of somebody else that shows no life. For a writer, the answer is whether
    /// it can no longer commit: false means that it has committed meanwhile.
    pub(crate) async fn give_up(
        &self,
        session: SessionId,
        kind: SessionKind,
        by: SessionId,
    ) -> Result<bool, ReadError> {
        use crate::manifest::ManifestDoc;
        if kind != SessionKind::Writer {
            let doc = EndDoc { by, collected: None };
            self.create_control(&key::of_session(key::ENDS, session), &doc).await?;
            return Ok(true);
        }
        let at = key::of_session(key::MANIFESTS, session);
        let created = self.create_control(&at, &ManifestDoc::Tombstone { by }).await?;
        Ok(!matches!(created, Created::Theirs(ManifestDoc::Backup(_))))
    }

    /// Runs `work` while showing that `session` lives.
    pub(crate) async fn while_alive<T, E: From<ReadError>>(
        &self,
        session: Session,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        use futures_util::future::{Either, select};
        let beat = async {
            for number in 0.. {
                self.env.clock.sleep(ALIVE_EVERY).await;
                let at = key::numbered(key::ALIVE, session.id, number);
                self.create_control(&at, &AliveDoc {}).await?;
            }
            Ok::<(), ReadError>(())
        };
        let (mut work, mut beat) = (std::pin::pin!(work), std::pin::pin!(beat));
        match select(work.as_mut(), beat.as_mut()).await {
            Either::Left((result, _)) => result,
            // Without signs of life others may give the session up; the work cannot commit then,
            // so there is nothing to stop it for. It ends by itself.
            Either::Right((_, _)) => work.await,
        }
    }
}
