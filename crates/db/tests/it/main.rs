//! The catalogue on real databases: every test runs on both.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected shall stop there"
)]

mod backup;
mod backup_list;
mod count;
mod host;
mod identity;
mod journal;
mod open;
mod plan;
mod resource;
mod scale;
mod task;
mod task_store;
mod vault;
mod vault_tag;
mod world;

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
