//! Opening a database, transactions.

use strongroom_base::Timestamp;
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::{Postgres, Scratch};
use strongroom_db::{Db, DbError};

use crate::identity::domain;
use crate::on_both;

on_both!(dropped_transaction_changes_nothing, second_of_a_name_is_a_conflict);

// proves: DB-1
async fn dropped_transaction_changes_nothing(dialect: Dialect) {
    let scratch = Scratch::new(dialect).await;
    let (kept, lost) = (domain(1, "kept"), domain(2, "lost"));
    let tx = scratch.db.begin().await.unwrap();
    tx.domain_insert(&kept, Timestamp(1)).await.unwrap();
    tx.commit().await.unwrap();
    let tx = scratch.db.begin().await.unwrap();
    tx.domain_insert(&lost, Timestamp(1)).await.unwrap();
    drop(tx);
    assert_eq!(scratch.db.domain_get(kept.id).await.unwrap(), Some(kept));
    assert_eq!(scratch.db.domain_get(lost.id).await.unwrap(), None);
}

async fn second_of_a_name_is_a_conflict(dialect: Dialect) {
    let scratch = Scratch::new(dialect).await;
    let tx = scratch.db.begin().await.unwrap();
    tx.domain_insert(&domain(1, "one"), Timestamp(1)).await.unwrap();
    let again = tx.domain_insert(&domain(2, "one"), Timestamp(1)).await;
    assert!(matches!(again, Err(DbError::Conflict { query: "domain_insert" })), "{again:?}");
}

#[tokio::test]
async fn a_server_that_is_new_may_be_opened_by_several_processes_at_once() {
    let url = Postgres::shared().new_database().await.unwrap().parse().unwrap();
    let opened = futures_util::future::join_all((0..4).map(|_| Db::open(&url))).await;
    for db in opened {
        db.unwrap().close().await.unwrap();
    }
}
