//! Real disks for the engine: image files, block devices and everything that QEMU can open.
//!
//! # Why
//! Ioctls, locks, child processes and the NBD protocol live here and nowhere else, behind the two
//! traits of [`strongroom_base::block`]. The offline recovery tool links this crate and the
//! engine, nothing more.
//!
//! # Invariants
//! - SRC-1: a disk that somebody writes is not read, and one that somebody uses is not overwritten,
//!   unless the caller says `force_unsafe`.
//! - SRC-2: a restore never replaces a file, and a file under its final name is complete and
//!   durable.
//! - SRC-3: the content of a disk never decides which files are opened: see [`spec`].
//! - SRC-4: no length that comes from an image or a server is believed before it was checked.
//! - A disk whose identity the caller gives is that very file, also where QEMU opens it by name:
//!   [`DiskSpec::with_identity`].
//! - SRC-5: an image file that changed while it was read is reported at the end of the read.
//!
//! # Concurrency and crash
//! Everything here blocks and may be called from several threads. Locks and exclusive opens end
//! with the process; the NBD servers of a process that was killed end when their client is gone.
//!
//! # Not here
//! Dirty bitmaps and running guests; what is done with the bytes.

mod child;
mod existing;
mod image;
mod inspection;
mod lock;
pub mod nbd;
mod open;
pub mod qcow2;
mod qemu;
mod raw;
pub mod sink;
pub mod spec;
mod stamp;
mod usage;

pub use image::ImageSource;
pub use inspection::{DiskDescription, describe, find_user};
pub use open::{OpenOptions, open_source};
pub use raw::RawSource;
pub use spec::{DiskFormat, DiskSpec};
