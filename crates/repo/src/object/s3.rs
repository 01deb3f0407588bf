//! The store in a bucket, over `OpenDAL`'s S3 service.
//!
//! # Why
//! Signing, listing pages and the dialects of many servers are not ours to write again. What we
//! rely on beyond that is little: one PUT for each object, If-None-Match, range reads.
//!
//! # Invariants
//! - An object is always written by one PUT: some servers ignore the condition on a multipart
//!   upload.
//!
//! # Concurrency and crash
//! Stateless. A request whose answer was lost may have had its effect, and may have it later.
//!
//! # Not here
//! Trying again: `crate::object::retry`. Whether the server obeys: `crate::object::probe`.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use opendal::layers::TimeoutLayer;
use opendal::options::{ListOptions, ReadOptions, WriteOptions};
use opendal::services::S3;
use opendal::{EntryMode, ErrorKind, Operator};
use strongroom_base::clock::BoxFuture;
use strongroom_base::{ByteRange, ErrorClass, Timestamp};

use super::address::S3Address;
use super::{ObjectError, ObjectKey, ObjectMeta, ObjectResult, ObjectStore};

/// One attempt may take this long: 32 MiB at 11 Mbit/s. A retrying store has time for two of them,
/// so that one lost connection fails nothing, and a server that went silent is reported after 50 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(25);

/// What a bucket is opened with.
#[derive(Clone)]
pub struct S3Credentials {
    /// The name of the key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// The token of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Credentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// Why a bucket could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum S3OpenError {
    /// The client refuses the address or credentials.
    #[error("the address {at} cannot be used")]
    Refused {
        /// Which.
        at: String,
        /// What the client library said.
        #[source]
        source: Box<opendal::Error>,
    },
}

impl S3OpenError {
    /// Trying again does not help.
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Permanent
    }
}

/// A store in a bucket.
#[derive(Debug, Clone)]
pub struct S3Store {
    operator: Operator,
    label: String,
}

impl S3Store {
    /// Prepares a client. Sends no request: whether the bucket exists and the credentials are
    /// right shows with the first call.
    ///
    /// # Errors
    /// When the client refuses the address.
    pub fn open(address: &S3Address, credentials: &S3Credentials) -> Result<Self, S3OpenError> {
        // Nothing has installed it before: the feature that does so at the start of the process
        // is off. A second call changes nothing.
        opendal::install_default();
        let mut builder = S3::default()
            .bucket(&address.bucket)
            .root(&format!("/{}", address.prefix))
            .endpoint(&address.endpoint)
            .region(&address.region)
            .access_key_id(&credentials.access_key)
            .secret_access_key(&credentials.secret_key)
            // Only what the address says: no profile, variable or metadata service mixes in.
            .disable_config_load()
            .disable_ec2_metadata();
        if let Some(token) = &credentials.session_token {
            builder = builder.session_token(token);
        }
        if address.is_virtual_host {
            builder = builder.enable_virtual_host_style();
        }
        let label = address.to_string();
        let operator = Operator::new(builder).map_err(|source| S3OpenError::Refused {
            at: label.clone(),
            source: Box::new(source),
        })?;
        let timeout =
            TimeoutLayer::new().with_timeout(REQUEST_TIMEOUT).with_io_timeout(REQUEST_TIMEOUT);
        Ok(Self { operator: operator.layer(timeout), label })
    }

    async fn write(&self, key: &ObjectKey, bytes: Bytes, if_new: bool) -> ObjectResult<()> {
        // Without a chunk size everything goes into one PUT.
        let options = WriteOptions { if_not_exists: if_new, ..WriteOptions::default() };
        match self.operator.write_options(key.as_str(), bytes, options).await {
            Ok(_) => Ok(()),
            Err(error) => Err(write_failure(key, error)),
        }
    }

    async fn read_range(&self, key: &ObjectKey, range: ByteRange) -> ObjectResult<Bytes> {
        let short = || ObjectError::Short { key: key.clone(), end: range.end };
        if range.is_empty() {
            let found = self.operator.stat(key.as_str()).await;
            let size = found.map_err(|error| read_failure(key, error))?.content_length();
            return if range.end <= size { Ok(Bytes::new()) } else { Err(short()) };
        }
        let options = ReadOptions { range: (range.start..range.end).into(), ..Default::default() };
        let bytes = match self.operator.read_options(key.as_str(), options).await {
            Ok(buffer) => buffer.to_bytes(),
            Err(error) if error.kind() == ErrorKind::RangeNotSatisfied => return Err(short()),
            // The client takes an answer that is shorter than the range for a failed transfer, so
            // the size decides which it was.
            Err(error) => match self.operator.stat(key.as_str()).await {
                Ok(found) if found.content_length() < range.end => return Err(short()),
                _ => return Err(read_failure(key, error)),
            },
        };
        if bytes.len() as u64 == range.len() { Ok(bytes) } else { Err(short()) }
    }

    async fn list_all(&self, prefix: &str) -> ObjectResult<Vec<ObjectMeta>> {
        let options = ListOptions { recursive: true, ..ListOptions::default() };
        let entries = self.operator.list_options(prefix, options).await;
        let entries = entries.map_err(|error| failure(prefix, error))?;
        let mut listed = Vec::with_capacity(entries.len());
        for entry in entries {
            let (path, found) = entry.into_parts();
            // What is not named like a key is not ours.
            let Some(key) = ObjectKey::parse(&path) else { continue };
            if found.mode() != EntryMode::FILE {
                continue;
            }
            let modified = found.last_modified().map(|time| Timestamp::from_system(time.into()));
            listed.push(ObjectMeta {
                key,
                size: found.content_length(),
                modified: modified.unwrap_or_default(),
            });
        }
        // Stores promise the order of whole keys, but not all keep it.
        listed.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }
}

impl ObjectStore for S3Store {
    fn label(&self) -> String {
        self.label.clone()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(self.write(key, bytes, false))
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(self.write(key, bytes, true))
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(async move {
            let read = self.operator.read(key.as_str()).await;
            read.map(|buffer| buffer.to_bytes()).map_err(|error| read_failure(key, error))
        })
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(self.read_range(key, range))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        Box::pin(self.list_all(prefix))
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(async move {
            match self.operator.delete(key.as_str()).await {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(write_failure(key, error)),
                _ => Ok(()),
            }
        })
    }
}

fn read_failure(key: &ObjectKey, error: opendal::Error) -> ObjectError {
    match error.kind() {
        ErrorKind::NotFound => ObjectError::NotFound { key: key.clone() },
        _ => failure(key.as_str(), error),
    }
}

fn write_failure(key: &ObjectKey, error: opendal::Error) -> ObjectError {
    match error.kind() {
        ErrorKind::ConditionNotMatch | ErrorKind::AlreadyExists => {
            ObjectError::AlreadyExists { key: key.clone() }
        }
        _ if says_full(&error) => ObjectError::Full { key: key.clone() },
        _ => failure(key.as_str(), error),
    }
}

fn failure(at: &str, error: opendal::Error) -> ObjectError {
    let at = at.to_owned();
    match error.kind() {
        ErrorKind::PermissionDenied => ObjectError::Denied { at, why: error.message().to_owned() },
        // The client counts a bucket that does not exist as a wrong configuration.
        ErrorKind::ConfigInvalid if error.message().contains("NoSuchBucket") => {
            ObjectError::Denied { at, why: error.message().to_owned() }
        }
        ErrorKind::RateLimited | ErrorKind::Conflict => {
            ObjectError::Unavailable { at, source: Box::new(error) }
        }
        _ if error.is_temporary() || is_connection(&error) => {
            ObjectError::Unavailable { at, source: Box::new(error) }
        }
        _ => ObjectError::Failed { at, source: Box::new(error) },
    }
}

/// Whether the request did not reach the server, or its answer did not reach us, which the client
/// does not always call temporary.
fn is_connection(error: &opendal::Error) -> bool {
    error.kind() == ErrorKind::Unexpected && error.message().starts_with("send http request")
}

/// Whether the server says that it has no room. There is no code in the S3 dialect for it, so
/// servers answer 507, or a code or text of their own.
fn says_full(error: &opendal::Error) -> bool {
    const SIGNS: [&str; 6] = [
        "StorageFull",
        "InsufficientStorage",
        "QuotaExceeded",
        "InsufficientCapacity",
        "no space left",
        "No space left",
    ];
    // The answer's status is only in the text of the error's context.
    let shown = error.to_string();
    shown.contains("status: 507") || SIGNS.iter().any(|sign| shown.contains(sign))
}
