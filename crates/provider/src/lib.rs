//! Providers: where disks are found, and how they are opened, made and removed.
//!
//! # Why
//! The service keeps rows about disks; this crate looks at the host. A provider knows nothing of
//! who may protect a disk: what was adopted, by whom, under which id stands in the rows, and every
//! call here is given the place that the row holds.
//!
//! # Invariants
//! - PROV-1: nothing is opened or described but a disk below a configured root, on a way without
//!   links: [`local`].
//! - PROV-2: what is reserved (the data directory, a store in a directory) is no disk.
//! - PROV-3: the way is checked at every opening, and what was opened is what was checked.
//! - PROV-4: a format is named by the operator, or by name and content together; never by content.
//! - PROV-5: only what [`Provider::create`] made is removed, and never while anybody uses it.
//! - PROV-6: a disk under its final name is complete and durable.
//!
//! # Concurrency and crash
//! Everything blocks and may be called from several threads and processes. Nothing is kept between
//! calls; open disks are locked until they are dropped, or the process ends.
//!
//! # Not here
//! Rows and tasks; whose a disk is; what is done with the bytes; hypervisors and clouds.

mod error;
pub mod local;
mod place;
mod provider;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use error::{InspectError, PlaceError, ProviderError, RootError};
pub use local::{LocalProvider, LocalRoots};
pub use place::{DiskFacts, DiskPlace, DiskUsage};
pub use provider::Provider;
