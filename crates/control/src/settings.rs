//! What the services must know of their configuration.

use std::time::Duration;

use strongroom_model::Quota;

/// Settings of one installation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The region's name; the first project is called the same (related services, 1.8).
    pub region: String,
    /// The zone that disks and servers are in.
    pub zone: String,
    /// The address that clients are given, without a slash at its end.
    pub public_url: String,
    /// The address of the object store, scheme and authority only; none for a local one.
    pub object_url: Option<String>,
    /// Limits of vaults.
    pub quota: Quota,
    /// How long a token is good (IAM-3: a day).
    pub token_life: Duration,
    /// How long a deleted backup's data stays.
    pub grave_delay: Duration,
    /// How often repositories are collected.
    pub collect_every: Duration,
    /// How often repositories are verified.
    pub verify_every: Duration,
}
