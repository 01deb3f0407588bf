//! What gophertelekomcloud sent, replayed.

use strongroom_db::dialect::Dialect;
use strongroom_testkit::replay::replay;
use strongroom_testkit::trace::Trace;

use crate::replayed;

// proves: API-11
#[test]
fn gophertelekomcloud_is_answered_as_recorded() {
    replayed::check("gophertelekomcloud");
}

// proves: API-11
#[test]
fn life_of_a_backup_is_the_same_over_postgres() {
    let mut traces = Trace::all().unwrap().into_iter();
    let is_wanted =
        |trace: &Trace| trace.client == "gophertelekomcloud" && trace.name == "backup-lifecycle";
    let trace = traces.find(is_wanted).unwrap();
    let outcome = replay(&trace, Dialect::Postgres).unwrap();
    assert!(outcome.differences.is_empty(), "{:?}", outcome.differences);
    assert_eq!((outcome.served, outcome.total), (17, 17));
}
