//! The vocabulary that every other crate shares: ids, sizes, times, progress, cancellation.
//!
//! # Why
//! The engine, the disk sources and the service must not import each other, yet they speak of the
//! same byte ranges, clocks and disks. Whatever two of them need stands here, and nothing else.
//!
//! # Invariants
//! - Nothing here does I/O and nothing here needs an async runtime: [`Clock::sleep`] is a future
//!   that the implementor supplies.
//!
//! # Not here
//! Anything that only one crate uses.

pub mod block;
pub mod bytes;
pub mod cancel;
pub mod clock;
pub mod error;
pub mod ids;
pub mod progress;
pub mod range;
pub mod rng;
pub mod secret;
#[cfg(any(test, feature = "testing"))]
pub mod sim;

pub use block::{BlockSink, BlockSource, Extent, ExtentKind, SinkError, SourceError};
pub use bytes::ByteCount;
pub use cancel::CancelToken;
pub use clock::{Clock, Timestamp};
pub use error::{Chain, ErrorClass};
pub use progress::Progress;
pub use range::ByteRange;
pub use rng::Rng;
pub use secret::Secret;
