//! Control objects: small sealed JSON documents, created conditionally, never rewritten.
//!
//! # Why
//! Sessions, manifests, graves and their like decide what lives and dies. Each is one object at a
//! key that says what it decides; the store's conditional create names one winner, and no lock is
//! left behind by a crash.
//!
//! # Invariants
//! - REPO-6: a create that found the key taken by bytes equal to its own has succeeded: its first
//!   answer was lost.
//! - REPO-7: a listing on whose word something will be deleted is taken by [`list_fresh`], which
//!   stops when the store does not show what was written before.
//!
//! # Not here
//! What each document says: the module of its noun.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use strongroom_base::Timestamp;
use strongroom_base::ids::SessionId;

use crate::crypto::SALT_LEN;
use crate::error::ReadError;
use crate::key;
use crate::object::{ObjectError, ObjectKey, ObjectMeta};
use crate::repository::Repository;

const MAGIC: &[u8; 4] = b"SRC0";
const HEADER_LEN: usize = 4 + SALT_LEN;
/// A marker is needed for one listing: what is older than a day was left behind by a crash.
const MARKER_LIFE: Duration = Duration::from_hours(24);

/// Documents read at the same time.
pub(crate) const FETCHES: usize = 16;

/// How a conditional create ended.
#[derive(Debug)]
pub(crate) enum Created<T> {
    /// The key is ours.
    Ours,
    /// Somebody else was first, with this.
    Theirs(T),
}

impl Repository {
    /// Seals `plain` for the object at `key`.
    pub(crate) fn seal(&self, key: &ObjectKey, plain: &[u8]) -> Bytes {
        let salt = crate::crypto::salt(&*self.env.rng);
        let mut out = Vec::with_capacity(HEADER_LEN + plain.len() + crate::crypto::TAG_LEN);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&salt);
        out.extend_from_slice(plain);
        self.keys.control_key(&salt).seal_tail(0, &self.bound(key), &mut out, HEADER_LEN);
        Bytes::from(out)
    }

    /// Opens what [`Self::seal`] made for the same key.
    pub(crate) fn unseal(&self, key: &ObjectKey, sealed: Bytes) -> Result<Vec<u8>, ReadError> {
        let damaged = |what| ReadError::damaged(key, what);
        let mut bytes = Vec::from(sealed);
        let salt = bytes
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.first_chunk::<SALT_LEN>())
            .copied()
            .ok_or_else(|| damaged("it is not a sealed object"))?;
        let (_, sealed) = bytes.split_at_mut(HEADER_LEN);
        let len = self
            .keys
            .control_key(&salt)
            .open(0, &self.bound(key), sealed)
            .map_err(|_| damaged("its seal does not open"))?
            .len();
        bytes.truncate(HEADER_LEN + len);
        bytes.drain(..HEADER_LEN);
        Ok(bytes)
    }

    fn bound(&self, key: &ObjectKey) -> Vec<u8> {
        [&self.keys.repo().0[..], key.as_str().as_bytes()].concat()
    }

    /// Reads the document at `key`; `None` when there is none.
    pub(crate) async fn read_control<T: DeserializeOwned>(
        &self,
        key: &ObjectKey,
    ) -> Result<Option<T>, ReadError> {
        match self.env.store.get(key).await {
            Ok(sealed) => self.decode_control(key, sealed).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the documents at `keys`, several at a time: one answer for each, in their order.
    /// Damage to one is that one's answer, anything else that fails is everybody's.
    pub(crate) async fn read_controls<T: DeserializeOwned>(
        &self,
        keys: Vec<ObjectKey>,
    ) -> Result<Vec<Result<Option<T>, ReadError>>, ReadError> {
        let read = |key: ObjectKey| async move {
            match self.read_control::<T>(&key).await {
                Err(error @ ReadError::Damaged { .. }) => Ok(Err(error)),
                Err(error) => Err(error),
                Ok(document) => Ok(Ok(document)),
            }
        };
        stream::iter(keys).map(read).buffered(FETCHES).try_collect().await
    }

    fn decode_control<T: DeserializeOwned>(
        &self,
        key: &ObjectKey,
        sealed: Bytes,
    ) -> Result<T, ReadError> {
        let plain = self.unseal(key, sealed)?;
        serde_json::from_slice(&plain)
            .map_err(|_| ReadError::damaged(key, "its document cannot be read"))
    }

    /// Creates the document at `key`, or tells what somebody else put there first.
    pub(crate) async fn create_control<T: Serialize + DeserializeOwned>(
        &self,
        key: &ObjectKey,
        document: &T,
    ) -> Result<Created<T>, ReadError> {
        let plain = serde_json::to_vec(document).expect("our documents have text keys only");
        let sealed = self.seal(key, &plain);
        match self.env.store.create(key, sealed.clone()).await {
            Ok(()) => Ok(Created::Ours),
            Err(ObjectError::AlreadyExists { .. }) => self.compare(key, &sealed).await,
            Err(error) => Err(error.into()),
        }
    }

    /// After a refused create: ours all the same if the stored bytes are ours (REPO-6).
    async fn compare<T: DeserializeOwned>(
        &self,
        key: &ObjectKey,
        ours: &Bytes,
    ) -> Result<Created<T>, ReadError> {
        let stored = self.env.store.get(key).await?;
        if stored == *ours && self.obeys(crate::rules::Rule::LostAnswer) {
            return Ok(Created::Ours);
        }
        self.decode_control(key, stored).map(Created::Theirs)
    }

    /// Lists `prefix`; what comes back has nothing of markers.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>, ReadError> {
        let mut all = self.env.store.list(prefix).await?;
        all.retain(|meta| key::name(&meta.key, prefix).is_some());
        Ok(all)
    }

    /// Lists a control prefix on whose word something will be deleted, or used although a
    /// collector may be at work: creates a marker there first and stops unless the listing shows
    /// it (REPO-7).
    pub(crate) async fn list_fresh(&self, prefix: &str) -> Result<Vec<ObjectMeta>, ReadError> {
        Ok(self.list_dated(prefix).await?.0)
    }

    /// As [`Self::list_fresh`], with the store's time at which the marker was written.
    pub(crate) async fn list_dated(
        &self,
        prefix: &str,
    ) -> Result<(Vec<ObjectMeta>, Timestamp), ReadError> {
        let marker = key::marker(prefix, SessionId::random(&*self.env.rng));
        self.env.store.put(&marker, Bytes::from_static(b"marker")).await?;
        let mut all = self.env.store.list(prefix).await?;
        self.env.store.delete(&marker).await?;
        let seen = all.iter().find(|meta| meta.key == marker).map(|meta| meta.modified);
        for meta in all.iter().filter(|meta| key::name(&meta.key, prefix).is_none()) {
            // Its maker died. One that a living maker misses only makes him list again.
            if seen.is_some_and(|now| now.since(meta.modified) >= MARKER_LIFE) {
                self.env.store.delete(&meta.key).await?;
            }
        }
        if seen.is_none() && self.obeys(crate::rules::Rule::FreshList) {
            return Err(ReadError::StaleList { prefix: prefix.to_owned() });
        }
        all.retain(|meta| key::name(&meta.key, prefix).is_some());
        Ok((all, seen.unwrap_or_else(|| self.env.clock.now())))
    }
}
