//! The tables, one file for each.
//!
//! Ids are text as the model writes them, times are microseconds since 1970 in UTC, sizes are named
//! with their unit, documents are JSON as text, secrets are sealed before they come here.

pub(crate) mod audit_record;
pub(crate) mod cbr_backup;
pub(crate) mod cbr_checkpoint;
pub(crate) mod cbr_count;
pub(crate) mod cbr_repository;
pub(crate) mod cbr_task;
pub(crate) mod cbr_vault;
pub(crate) mod cbr_vault_resource;
pub(crate) mod cbr_vault_tag;
pub(crate) mod host_disk;
pub(crate) mod host_server;
pub(crate) mod iam_access_key;
pub(crate) mod iam_domain;
pub(crate) mod iam_grant;
pub(crate) mod iam_project;
pub(crate) mod iam_token;
pub(crate) mod iam_user;
pub(crate) mod iam_version;
pub(crate) mod journal_change;
pub(crate) mod journal_owner;
pub(crate) mod task;
pub(crate) mod task_held_key;
pub(crate) mod task_key;
pub(crate) mod task_log;
