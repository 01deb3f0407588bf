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
mod cloud_client;
mod cloud_export;
mod cloud_first_start;
mod cloud_killed;
mod cloud_memory;
mod cloud_server;
mod cloud_shared;
mod cloud_sign_in;
mod cloud_stopped;
mod cloud_tls;
mod cloud_vault;
mod document;
mod full_store;
mod installation;
mod key;
mod life;
mod mount;
mod program;
mod quickstart;
mod recover;
mod s3;
mod served;
