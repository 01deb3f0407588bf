//! A decorator that tries again while the store is unavailable, and knows when to stop.
//!
//! # Why
//! A store that restarts or throttles for some seconds must not fail an hour's backup; a store that
//! is gone, full or read-only must be reported within a minute. Only [`ErrorClass::Retryable`]
//! errors are tried again, so a full store is never waited for.
//!
//! # Concurrency and crash
//! An attempt whose answer was lost may have had its effect. A repeated `put` writes the same bytes
//! again; a repeated `delete` finds nothing; a repeated `create` may be refused because of **its own**
//! earlier attempt, so its caller compares the stored bytes with its own before it believes that
//! somebody else won.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::clock::BoxFuture;
use strongroom_base::{ByteRange, Clock, ErrorClass, Rng};

use super::{ObjectKey, ObjectMeta, ObjectResult, ObjectStore};

/// The first pause: most throttling answers and connection resets are over by then.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause: longer ones only make a store that came back wait for us.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// No new attempt starts that would end later than this if it took as long as the last one, so that
/// an error comes within a minute.
const GIVE_UP_AFTER: Duration = Duration::from_secs(55);

/// Tries calls to `inner` again while its errors are [`ErrorClass::Retryable`].
#[derive(Clone)]
pub struct RetryStore {
    inner: Arc<dyn ObjectStore>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl RetryStore {
    /// Pauses by `clock`; `rng` spreads the pauses of callers that failed together.
    pub fn new(inner: Arc<dyn ObjectStore>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { inner, clock, rng }
    }

    /// Repeats `attempt` until it succeeds, fails for good, or the time is over.
    async fn repeat<'a, T>(
        &'a self,
        attempt: impl Fn() -> BoxFuture<'a, ObjectResult<T>>,
    ) -> ObjectResult<T> {
        let began = self.clock.monotonic();
        let mut pause = FIRST_PAUSE;
        loop {
            let attempted = self.clock.monotonic();
            let error = match attempt().await {
                Err(error) if error.class() == ErrorClass::Retryable => error,
                result => return result,
            };
            let wait = self.spread(pause);
            let now = self.clock.monotonic();
            let next_end = now.saturating_sub(began) + wait + now.saturating_sub(attempted);
            if next_end >= GIVE_UP_AFTER {
                return Err(error);
            }
            self.clock.sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Between half of `pause` and all of it.
    fn spread(&self, pause: Duration) -> Duration {
        let mut byte = [0];
        self.rng.fill(&mut byte);
        pause / 2 + (pause / 2) * u32::from(byte[0]) / 255
    }
}

impl fmt::Debug for RetryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RetryStore").field(&self.inner).finish()
    }
}

impl ObjectStore for RetryStore {
    fn label(&self) -> String {
        self.inner.label()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(self.repeat(move || self.inner.put(key, bytes.clone())))
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(self.repeat(move || self.inner.create(key, bytes.clone())))
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(self.repeat(move || self.inner.get(key)))
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(self.repeat(move || self.inner.get_range(key, range)))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        Box::pin(self.repeat(move || self.inner.list(prefix)))
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(self.repeat(move || self.inner.delete(key)))
    }
}
