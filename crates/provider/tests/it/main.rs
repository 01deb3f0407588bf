//! The provider of this host on real files, loop devices and QEMU's tools. Needs root, loop devices
//! and qemu-utils; a machine without them fails.

#![expect(clippy::unwrap_used, reason = "this is a test in all its parts")]

mod conformance;
mod device;
mod machine;
mod managed;
mod place;
mod swap;
