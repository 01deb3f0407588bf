//! Builds the tests of the workspace and runs their binaries side by side.
//!
//! # Why
//! Most of our tests wait for processes, leases and disks while a core idles, and `cargo test` runs
//! one binary after the other. One process for each test, as other runners have it, would start
//! the databases and the S3 servers anew for each: here a binary starts them once for all its tests
//! (docs/adr/2026-12-01-test-binaries-side-by-side.md).
//!
//! # Concurrency and crash
//! Some binaries run at a time, each with the test threads that libtest gives it. What they need of
//! the machine they make themselves under names of their own: ports that the kernel chooses,
//! temporary folders, a database server, control groups. A binary that ends without its closing
//! count, or says nothing for long, is a failure and names the tests that were running.

mod binary;
mod event;
mod run;
mod summary;

pub(crate) use self::binary::{Built, build};
pub(crate) use self::run::Run;
pub(crate) use self::summary::Summary;
