//! Real disks: files, loop devices, mounts and QEMU's tools. Needs root, loop devices, qemu-utils,
//! e2fsprogs and mount; a machine without them fails.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "this is a test in all its parts"
)]

mod image;
mod in_place_image;
mod inspection;
mod machine;
mod nbd;
mod qcow2;
mod raw;
mod sink;
mod usage;
