//! What the server must know beside its services.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use strongroom_base::clock::BoxFuture;

/// The most bytes of a request's body. The largest that the contract knows names 256 resources with
/// their disks, which is a tenth of it.
const BODY_BYTES: usize = 1 << 20;
/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Asks whether the parts that requests need are there: the database, the store. The text says which
/// is not, for the operator's log.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Settings of the HTTP side.
#[derive(Clone)]
pub struct ApiConfig {
    /// The most bytes of a request's body; more is 413.
    pub body_bytes: usize,
    /// How long a body may take to come; longer is 408.
    pub body_time: Duration,
    /// What `/readyz` asks.
    pub readiness: Readiness,
}

impl ApiConfig {
    /// The usual limits.
    pub fn new(readiness: Readiness) -> Self {
        Self { body_bytes: BODY_BYTES, body_time: BODY_TIME, readiness }
    }
}

impl fmt::Debug for ApiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiConfig")
            .field("body_bytes", &self.body_bytes)
            .field("body_time", &self.body_time)
            .finish_non_exhaustive()
    }
}
