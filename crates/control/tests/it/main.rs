//! The services over real databases: every test runs on both.

#![expect(clippy::indexing_slicing, reason = "what is missing fails the test")]
#![expect(clippy::unwrap_used, reason = "helpers of tests panic like the tests themselves")]

mod cbr_backups;
mod cbr_crashes;
mod cbr_deletions;
mod cbr_exports;
mod cbr_files;
mod cbr_gate;
mod cbr_log;
mod cbr_model;
mod cbr_races;
mod cbr_repairs;
mod cbr_resources;
mod cbr_restores;
mod cbr_statements;
mod cbr_vaults;
mod cbr_verifications;
mod cbr_world;
mod iam_audit;
mod iam_bootstrap;
mod iam_claim;
mod iam_directory;
mod iam_login;
mod iam_scope;
mod iam_token;
mod iam_world;
mod journal_recover;

/// Runs functions that take a dialect as tests, on both databases.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(strongroom_db::dialect::Dialect::Sqlite).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(strongroom_db::dialect::Dialect::Postgres).await;
            })+
        }
    };
}

pub(crate) use on_both;
