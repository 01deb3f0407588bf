//! The real binary over a repository in a directory.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "this is a test in all its parts, and it starts the real program"
)]

mod bad_disk;
mod bad_place;
mod cloud_backup;
mod cloud_export;
mod cloud_server;
mod cloud_sign_in;
mod cloud_vault;
mod document;
mod full_store;
mod key;
mod life;
mod mount;
mod program;
mod quickstart;
mod s3;
