//! Where a store is, as people write it: a path or a URL.
//!
//! # Why
//! One line must be enough to name a store on a command line, in a message and in a configuration;
//! credentials are never part of it, so that it can be shown.
//!
//! `fs:///var/backups` or a plain path · `s3://bucket/prefix?endpoint=http://host:8333&region=eu` ·
//! `obs://bucket/prefix?region=eu-west-101`. Parameters: `endpoint`, `region`, and `style`, which is
//! `path` or `virtual` (the bucket as part of the host's name).

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_base::ErrorClass;

use super::ObjectStore;
use super::local::LocalStore;
use super::local::directory_files::LocalOpenError;
use super::s3::{S3Credentials, S3OpenError, S3Store};

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// A directory.
    Local(PathBuf),
    /// A bucket that is reached by the S3 dialect.
    S3(S3Address),
}

/// Where a bucket is. Displays as the URL that [`StoreAddress::parse`] reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Address {
    /// Which kind of service it is.
    pub dialect: S3Dialect,
    /// The bucket's name.
    pub bucket: String,
    /// What all keys start with, without slashes at the ends; may be empty.
    pub prefix: String,
    /// `http://` or `https://`, host and port.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket is part of the host's name.
    pub is_virtual_host: bool,
}

/// Services that speak the S3 dialect, but differ in their defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Dialect {
    /// `s3://`
    S3,
    /// `obs://`
    Obs,
}

impl S3Dialect {
    fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Obs => "obs",
        }
    }

    /// The public endpoint of a region.
    fn endpoint(self, region: &str) -> String {
        match self {
            Self::S3 => format!("https://s3.{region}.amazonaws.com"),
            Self::Obs => format!("https://obs.{region}.myhuaweicloud.com"),
        }
    }
}

/// Why an address cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Nothing was given.
    #[error("the address of the store is empty")]
    Empty,
    /// A scheme that no store has.
    #[error("no store has addresses that start with {scheme}:")]
    UnknownScheme {
        /// Which.
        scheme: String,
    },
    /// A memory store ends with the process.
    #[error("a store in memory keeps nothing and exists for tests only")]
    Memory,
    /// `fs://` with a host or a relative path.
    #[error("fs:// needs an absolute path: fs:///path")]
    RelativePath,
    /// The bucket's name is missing or has characters that no bucket has.
    #[error("{bucket:?} is no name of a bucket")]
    Bucket {
        /// What was given.
        bucket: String,
    },
    /// The prefix has an empty or dotted part, or characters that stores disagree on.
    #[error("{prefix:?} is no usable prefix of keys")]
    Prefix {
        /// What was given.
        prefix: String,
    },
    /// The endpoint is no `http://` or `https://` with a host, or holds more than that.
    #[error("the endpoint must be http://host[:port] or https://host[:port], without credentials")]
    Endpoint,
    /// A parameter that is unknown, given twice, or has no usable value.
    #[error("the parameter {name:?} of the address is unknown, repeated or has no usable value")]
    Parameter {
        /// Its name.
        name: String,
    },
    /// Neither endpoint nor region tell which service is meant.
    #[error("the address needs an endpoint= or a region=")]
    NoRegion,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreOpenError {
    /// The directory.
    #[error(transparent)]
    Local(#[from] LocalOpenError),
    /// The bucket.
    #[error(transparent)]
    S3(#[from] S3OpenError),
    /// A bucket needs credentials.
    #[error("no credentials for {at}")]
    NoCredentials {
        /// Which store.
        at: String,
    },
}

impl StoreOpenError {
    /// Trying again does not help.
    pub fn class(&self) -> ErrorClass {
        ErrorClass::Permanent
    }
}

impl StoreAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is not one; see [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text == "mem:" || text.starts_with("mem://") {
            return Err(AddressError::Memory);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Local(PathBuf::from(text)));
        };
        match scheme {
            "fs" if rest.starts_with('/') => Ok(Self::Local(PathBuf::from(rest))),
            "fs" => Err(AddressError::RelativePath),
            "s3" => S3Address::parse(S3Dialect::S3, rest).map(Self::S3),
            "obs" => S3Address::parse(S3Dialect::Obs, rest).map(Self::S3),
            _ => Err(AddressError::UnknownScheme { scheme: scheme.to_owned() }),
        }
    }

    /// The address of a part of this store: a directory in it, or a longer prefix.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        match self {
            Self::Local(path) => Self::Local(path.join(name)),
            Self::S3(address) => {
                let prefix = match address.prefix.as_str() {
                    "" => name.to_owned(),
                    prefix => format!("{prefix}/{name}"),
                };
                Self::S3(S3Address { prefix, ..address.clone() })
            }
        }
    }

    /// Opens the store; a directory must exist.
    ///
    /// # Errors
    /// When there is no such directory, or credentials are missing. Whether a bucket exists shows
    /// with the first request.
    pub fn open(
        &self,
        credentials: Option<&S3Credentials>,
    ) -> Result<Arc<dyn ObjectStore>, StoreOpenError> {
        match self {
            Self::Local(path) => Ok(Arc::new(LocalStore::open(path)?)),
            Self::S3(address) => address.open(credentials),
        }
    }

    /// As [`StoreAddress::open`], but makes a directory that is missing.
    ///
    /// # Errors
    /// As [`StoreAddress::open`], and when the directory cannot be made.
    pub fn create(
        &self,
        credentials: Option<&S3Credentials>,
    ) -> Result<Arc<dyn ObjectStore>, StoreOpenError> {
        match self {
            Self::Local(path) => Ok(Arc::new(LocalStore::create(path)?)),
            Self::S3(address) => address.open(credentials),
        }
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "fs://{}", path.display()),
            Self::S3(address) => address.fmt(f),
        }
    }
}

impl S3Address {
    fn parse(dialect: S3Dialect, rest: &str) -> Result<Self, AddressError> {
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        check_bucket(bucket)?;
        check_prefix(prefix)?;
        let parameters = Parameters::parse(query)?;
        let region = match (parameters.region, &parameters.endpoint, dialect) {
            (Some(region), _, _) => region,
            // Servers of one's own mostly ignore the region, and this is their default.
            (None, Some(_), _) | (None, None, S3Dialect::S3) => "us-east-1".to_owned(),
            (None, None, S3Dialect::Obs) => return Err(AddressError::NoRegion),
        };
        let endpoint = parameters.endpoint.unwrap_or_else(|| dialect.endpoint(&region));
        let by_default = dialect == S3Dialect::Obs && !query.contains("endpoint=");
        Ok(Self {
            dialect,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            endpoint,
            region,
            is_virtual_host: parameters.is_virtual_host.unwrap_or(by_default),
        })
    }

    fn open(
        &self,
        credentials: Option<&S3Credentials>,
    ) -> Result<Arc<dyn ObjectStore>, StoreOpenError> {
        let credentials =
            credentials.ok_or_else(|| StoreOpenError::NoCredentials { at: self.to_string() })?;
        Ok(Arc::new(S3Store::open(self, credentials)?))
    }
}

impl fmt::Display for S3Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, prefix, endpoint, region, .. } = self;
        let slash = if prefix.is_empty() { "" } else { "/" };
        let style = if self.is_virtual_host { "virtual" } else { "path" };
        write!(
            f,
            "{}://{bucket}{slash}{prefix}?endpoint={endpoint}&region={region}&style={style}",
            self.dialect.scheme()
        )
    }
}

/// The part of an address after the question mark.
#[derive(Debug, Default)]
struct Parameters {
    endpoint: Option<String>,
    region: Option<String>,
    is_virtual_host: Option<bool>,
}

impl Parameters {
    fn parse(query: &str) -> Result<Self, AddressError> {
        let mut parameters = Self::default();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let unusable = || AddressError::Parameter { name: name.to_owned() };
            let repeated = match name {
                "endpoint" => parameters.endpoint.replace(check_endpoint(value)?).is_some(),
                "region" if is_plain(value) => {
                    parameters.region.replace(value.to_owned()).is_some()
                }
                "style" if value == "path" || value == "virtual" => {
                    parameters.is_virtual_host.replace(value == "virtual").is_some()
                }
                _ => return Err(unusable()),
            };
            if repeated {
                return Err(unusable());
            }
        }
        Ok(parameters)
    }
}

/// Characters that need no escaping anywhere.
fn is_plain(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_');
    !text.is_empty() && text.bytes().all(plain)
}

fn check_bucket(bucket: &str) -> Result<(), AddressError> {
    if is_plain(bucket) && bucket.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Ok(())
    } else {
        Err(AddressError::Bucket { bucket: bucket.to_owned() })
    }
}

fn check_prefix(prefix: &str) -> Result<(), AddressError> {
    let usable = |part: &str| is_plain(part) && part != "." && part != "..";
    if prefix.is_empty() || prefix.split('/').all(usable) {
        Ok(())
    } else {
        Err(AddressError::Prefix { prefix: prefix.to_owned() })
    }
}

fn check_endpoint(endpoint: &str) -> Result<String, AddressError> {
    let host = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
    let host = host.map(|host| host.strip_suffix('/').unwrap_or(host));
    // Colons and brackets for ports and IPv6; no `@`, which would hold credentials.
    let plain = |c: u8| c.is_ascii_alphanumeric() || b"-.:[]".contains(&c);
    match host {
        Some(host) if !host.is_empty() && host.bytes().all(plain) => {
            Ok(endpoint.strip_suffix('/').unwrap_or(endpoint).to_owned())
        }
        _ => Err(AddressError::Endpoint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_of_displayed_address_is_the_same() {
        let check = |text: &str, shown: &str| {
            let address = StoreAddress::parse(text).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(StoreAddress::parse(shown).unwrap(), address);
        };
        check("/backups", "fs:///backups");
        check("fs:///backups/a b", "fs:///backups/a b");
        check(
            "s3://b/p/q/?endpoint=http://127.0.0.1:8333/",
            "s3://b/p/q?endpoint=http://127.0.0.1:8333&region=us-east-1&style=path",
        );
        check(
            "s3://b?region=eu-1",
            "s3://b?endpoint=https://s3.eu-1.amazonaws.com&region=eu-1&style=path",
        );
        check(
            "obs://b/p?region=eu-101",
            "obs://b/p?endpoint=https://obs.eu-101.myhuaweicloud.com&region=eu-101&style=virtual",
        );
    }

    #[test]
    fn parse_of_relative_path_is_local() {
        assert_eq!(StoreAddress::parse("a/b"), Ok(StoreAddress::Local(PathBuf::from("a/b"))));
    }

    #[test]
    fn parse_of_bad_address_says_what_is_wrong() {
        let check = |text: &str, expected: AddressError| {
            assert_eq!(StoreAddress::parse(text), Err(expected), "{text}");
        };
        let parameter = |name: &str| AddressError::Parameter { name: name.to_owned() };
        check("", AddressError::Empty);
        check("mem:", AddressError::Memory);
        check("fs://host/path", AddressError::RelativePath);
        check("ftp://x", AddressError::UnknownScheme { scheme: "ftp".to_owned() });
        check("s3://", AddressError::Bucket { bucket: String::new() });
        check("s3://b/../c", AddressError::Prefix { prefix: "../c".to_owned() });
        check("s3://b/a//c", AddressError::Prefix { prefix: "a//c".to_owned() });
        check("s3://b?endpoint=http://key:secret@host", AddressError::Endpoint);
        check("s3://b?endpoint=host", AddressError::Endpoint);
        check("s3://b?key=x", parameter("key"));
        check("s3://b?region=", parameter("region"));
        check("s3://b?region=a&region=b", parameter("region"));
        check("s3://b?style=x", parameter("style"));
        check("obs://b", AddressError::NoRegion);
    }
}
