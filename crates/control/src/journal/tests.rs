//! A catalogue and its journal while the store fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::clock::BoxFuture;
use strongroom_base::rng::SeededRng;
use strongroom_base::{ByteRange, CancelToken, Clock, Secret, Timestamp};
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Scratch;
use strongroom_db::{Db, JournalRow, NewUser, Tx};
use strongroom_model::description::Description;
use strongroom_model::domain::Domain;
use strongroom_model::name::AccountName;
use strongroom_model::user::User;
use strongroom_model::{DomainId, Role, UserId};
use strongroom_repo::journal::{Journal, JournalError, Piece};
use strongroom_repo::object::memory::MemoryStore;
use strongroom_repo::object::{ObjectKey, ObjectMeta, ObjectResult, ObjectStore};
use strongroom_repo::testing::fault::{Failure, FaultStore, Side};
use strongroom_repo::testing::real_clock::RealClock;

use super::{CatalogueJournal, parse};

const USER: UserId = UserId([9; 16]);

/// All rows by table and key.
type State = BTreeMap<(String, String), JournalRow>;

fn journal(store: Arc<dyn ObjectStore>, seed: u64) -> Journal {
    let clock = Arc::new(RealClock::new());
    Journal::new(store, Secret::new([1; 32]), clock, Arc::new(SeededRng::new(seed)))
}

fn catalogue(db: &Db, store: Arc<dyn ObjectStore>, seed: u64) -> CatalogueJournal {
    CatalogueJournal::new(db.clone(), journal(store, seed), Arc::new(SeededRng::new(seed)))
}

async fn state(db: &Db) -> State {
    let mut dump = db.journal_dump().await.unwrap();
    let mut state = State::new();
    loop {
        let page = dump.page().await.unwrap();
        if page.is_empty() {
            return state;
        }
        state.extend(page.into_iter().map(|of| ((of.table, of.key), of.row.unwrap())));
    }
}

async fn read(store: &MemoryStore) -> Result<State, JournalError> {
    let mut state = State::new();
    let mut take = |piece: Piece<'_>| match piece {
        Piece::Start => state.clear(),
        Piece::Payload(payload) => {
            for record in parse(payload).map(Option::unwrap) {
                match record.row {
                    Some(row) => drop(state.insert((record.table, record.key), row)),
                    None => drop(state.remove(&(record.table, record.key))),
                }
            }
        }
    };
    let reading = journal(Arc::new(store.clone()), 0).read(&mut take).await?;
    assert_eq!(reading.unread, []);
    Ok(state)
}

/// The changes of a play; each is one transaction.
const CHANGES: u8 = 7;

async fn change(tx: &Tx, number: u8) {
    match number {
        0 => {
            let user = User {
                id: USER,
                domain_id: DomainId([200; 16]),
                name: AccountName::parse("somebody").unwrap(),
                description: Description::default(),
                default_project_id: None,
                is_enabled: true,
                created_at: Timestamp(5),
            };
            domain(tx, 200).await;
            tx.user_insert(&NewUser { user, password_hash: None }).await.unwrap();
        }
        2 | 5 => tx.grant_insert(USER, None, Role::Admin).await.unwrap(),
        4 => assert!(tx.grant_delete(USER, None, Role::Admin).await.unwrap()),
        _ => {
            domain(tx, number).await;
            domain(tx, 100 + number).await;
        }
    }
}

async fn domain(tx: &Tx, number: u8) {
    let name = AccountName::parse(&format!("domain-{number}")).unwrap();
    let domain = Domain { id: DomainId([number; 16]), name, is_enabled: true };
    tx.domain_insert(&domain, Timestamp(1)).await.unwrap();
}

/// What the catalogue was after each change, and after which the journal last said that it knows.
struct Played {
    states: Vec<State>,
    acknowledged: Option<usize>,
}

async fn play(db: &Db, journal: &CatalogueJournal) -> Played {
    let mut played = Played { states: Vec::new(), acknowledged: None };
    for number in 0..CHANGES {
        let tx = db.begin().await.unwrap();
        change(&tx, number).await;
        tx.commit().await.unwrap();
        played.states.push(state(db).await);
        let written = if number == 3 { journal.compact().await } else { journal.run().await };
        if written.is_ok() {
            played.acknowledged = Some(usize::from(number));
        }
    }
    played
}

/// Plays with a store that fails as `fault` says.
async fn check(fault: impl Fn(&FaultStore), says: &str) {
    let scratch = Scratch::new(Dialect::Sqlite).await;
    let memory = MemoryStore::new(Arc::new(RealClock::new()) as Arc<dyn Clock>);
    let store = Arc::new(FaultStore::new(Arc::new(memory.clone())));
    fault(&store);
    let played = play(&scratch.db, &catalogue(&scratch.db, store, 1)).await;
    match (read(&memory).await, played.acknowledged) {
        (Ok(found), acknowledged) => {
            let at = played.states.iter().rposition(|state| *state == found);
            assert!(at.is_some(), "{says}: the catalogue was never like that");
            assert!(at >= acknowledged, "{says}: {at:?} {acknowledged:?}");
        }
        (Err(JournalError::Absent { .. }), None) => {}
        (Err(error), _) => panic!("{says}: {error}"),
    }
    // The next process goes on.
    catalogue(&scratch.db, Arc::new(memory.clone()), 2).run().await.unwrap();
    assert!(read(&memory).await.ok() == played.states.last().cloned(), "{says}");
}

async fn writes_of_a_play() -> u64 {
    let scratch = Scratch::new(Dialect::Sqlite).await;
    let memory = MemoryStore::new(Arc::new(RealClock::new()) as Arc<dyn Clock>);
    let store = Arc::new(FaultStore::new(Arc::new(memory)));
    play(&scratch.db, &catalogue(&scratch.db, Arc::clone(&store) as _, 1)).await;
    store.writes()
}

// proves: JRN-2, JRN-9
#[tokio::test]
async fn death_at_each_write_to_the_store_loses_no_change_that_was_told() {
    for side in [Side::Before, Side::After] {
        for nth in 1..=writes_of_a_play().await {
            let dies = |store: &FaultStore| {
                store.fail_write(nth, side, Failure::Failed);
                store.fail_writes(nth + 1.., Failure::Failed);
            };
            check(dies, &format!("death {side:?} write {nth}")).await;
            let fails = |store: &FaultStore| store.fail_write(nth, side, Failure::Unavailable);
            check(fails, &format!("failure {side:?} write {nth}")).await;
        }
    }
}

// proves: JRN-9
#[tokio::test]
async fn catalogue_that_was_put_back_begins_with_a_snapshot() {
    let (ahead, behind) =
        (Scratch::new(Dialect::Sqlite).await, Scratch::new(Dialect::Sqlite).await);
    let memory = MemoryStore::new(Arc::new(RealClock::new()) as Arc<dyn Clock>);
    let journal = catalogue(&ahead.db, Arc::new(memory.clone()), 1);
    play(&ahead.db, &journal).await;
    // The same owner, as a copy of the file would have it, with an older fence and fewer rows.
    let owner = ahead.db.journal_begin("", 0).await.unwrap().owner;
    behind.db.journal_begin(&owner, 0).await.unwrap();
    let tx = behind.db.begin().await.unwrap();
    domain(&tx, 77).await;
    tx.commit().await.unwrap();
    let report = catalogue(&behind.db, Arc::new(memory.clone()), 2).run().await.unwrap();
    assert!(report.is_snapshot);
    assert_eq!(read(&memory).await.unwrap(), state(&behind.db).await);
}

/// A clock whose wall time can be put forward.
struct Shifted {
    real: RealClock,
    by: AtomicU64,
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        self.real.now().plus(Duration::from_secs(self.by.load(Ordering::Relaxed)))
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.real.sleep(duration)
    }
}

// proves: JRN-14
#[tokio::test]
async fn journal_catches_up_with_a_store_that_was_away_and_is_flushed_at_the_end() {
    let scratch = Scratch::new(Dialect::Sqlite).await;
    let clock = Shifted { real: RealClock::new(), by: AtomicU64::new(0) };
    let memory = MemoryStore::new(Arc::new(RealClock::new()) as Arc<dyn Clock>);
    let store = Arc::new(FaultStore::new(Arc::new(memory.clone())));
    // The first two turns meet a store that does not answer.
    store.fail_write(1, Side::Before, Failure::Unavailable);
    store.fail_write(2, Side::Before, Failure::Unavailable);
    let journal = catalogue(&scratch.db, Arc::clone(&store) as _, 1);
    let stop = CancelToken::new();
    let change_now = async |number| {
        let tx = scratch.db.begin().await.unwrap();
        change(&tx, number).await;
        tx.commit().await.unwrap();
    };
    let is_there = async || {
        let began = clock.monotonic();
        while read(&memory).await.ok() != Some(state(&scratch.db).await) {
            assert!(
                clock.monotonic().saturating_sub(began) < Duration::from_secs(20),
                "nothing came"
            );
            clock.sleep(Duration::from_millis(50)).await;
        }
        clock.monotonic().saturating_sub(began)
    };
    change_now(0).await;
    let play = async {
        is_there().await;
        change_now(1).await;
        let took = is_there().await;
        assert!(took < Duration::from_secs(5), "{took:?}");
        // A day later the next change brings a snapshot.
        clock.by.store(25 * 3600, Ordering::Relaxed);
        change_now(2).await;
        is_there().await;
        let began = clock.monotonic();
        while memory.list("head/").await.unwrap().len() < 2 {
            assert!(
                clock.monotonic().saturating_sub(began) < Duration::from_secs(20),
                "no snapshot"
            );
            clock.sleep(Duration::from_millis(50)).await;
        }
        change_now(3).await;
        stop.cancel();
    };
    futures_util::future::join(journal.keep(&clock, &stop), play).await;
    assert!(read(&memory).await.unwrap() == state(&scratch.db).await);
}

// proves: JRN-14
#[tokio::test]
async fn server_that_stops_does_not_wait_for_ever_for_its_store() {
    let scratch = Scratch::new(Dialect::Sqlite).await;
    let tx = scratch.db.begin().await.unwrap();
    change(&tx, 0).await;
    tx.commit().await.unwrap();
    let journal = catalogue(&scratch.db, Arc::new(Silent), 1);
    let stop = CancelToken::new();
    stop.cancel();
    let clock = RealClock::new();
    let began = clock.monotonic();
    journal.keep(&clock, &stop).await;
    assert!(clock.monotonic().saturating_sub(began) < Duration::from_secs(30));
    assert!(!scratch.db.journal_is_idle().await.unwrap());
}

/// A store that never answers.
#[derive(Debug)]
struct Silent;

impl ObjectStore for Silent {
    fn label(&self) -> String {
        "silent".to_owned()
    }

    fn put<'a>(&'a self, _: &'a ObjectKey, _: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(std::future::pending())
    }

    fn create<'a>(&'a self, _: &'a ObjectKey, _: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(std::future::pending())
    }

    fn get<'a>(&'a self, _: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(std::future::pending())
    }

    fn get_range<'a>(
        &'a self,
        _: &'a ObjectKey,
        _: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(std::future::pending())
    }

    fn list<'a>(&'a self, _: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        Box::pin(std::future::pending())
    }

    fn delete<'a>(&'a self, _: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(std::future::pending())
    }
}
