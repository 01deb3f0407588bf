//! Disks and servers of hosts that were made known.

mod disk;
mod server;

pub use disk::DiskList;
pub use server::ServerList;
