//! The journal: what was appended comes back, whatever fails, dies, sleeps or is damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::clock::BoxFuture;
use strongroom_base::rng::SeededRng;
use strongroom_base::{Clock, Secret, Timestamp};
use strongroom_repo::journal::{Journal, JournalError, OwnerId, Piece, Reading, Writer};
use strongroom_repo::object::memory::MemoryStore;
use strongroom_repo::object::{ObjectKey, ObjectStore};
use strongroom_repo::testing::fault::{Failure, FaultStore, Side};

const OWNER: OwnerId = OwnerId([7; 16]);
const OTHER: OwnerId = OwnerId([8; 16]);

/// A clock that tests move.
#[derive(Default)]
struct HourClock(AtomicU64);

impl HourClock {
    fn advance(&self, hours: u64) {
        self.0.fetch_add(hours, Ordering::Relaxed);
    }
}

impl Clock for HourClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000_000).plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        Duration::from_hours(self.0.load(Ordering::Relaxed))
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// A journal's place, and what tests do to it.
struct Place {
    clock: Arc<HourClock>,
    memory: MemoryStore,
    seed: AtomicU64,
}

impl Place {
    fn new() -> Self {
        let clock = Arc::new(HourClock::default());
        let memory = MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>);
        Self { clock, memory, seed: AtomicU64::new(1) }
    }

    fn on(&self, store: Arc<dyn ObjectStore>, master: u8) -> Journal {
        let rng = SeededRng::new(self.seed.fetch_add(1, Ordering::Relaxed));
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Journal::new(store, Secret::new([master; 32]), clock, Arc::new(rng))
    }

    fn journal(&self) -> Journal {
        self.on(Arc::new(self.memory.clone()), 1)
    }

    async fn read(&self) -> Result<(State, Reading), JournalError> {
        read(&self.journal()).await
    }

    async fn state(&self) -> State {
        self.read().await.unwrap().0
    }
}

type State = BTreeMap<String, String>;

/// Reads `key=value` payloads.
async fn read(journal: &Journal) -> Result<(State, Reading), JournalError> {
    let mut state = State::new();
    let reading = journal
        .read(&mut |piece| match piece {
            Piece::Start => state.clear(),
            Piece::Payload(payload) => {
                let text = std::str::from_utf8(payload).unwrap();
                let (key, value) = text.split_once('=').unwrap();
                state.insert(key.to_owned(), value.to_owned());
            }
        })
        .await?;
    Ok((state, reading))
}

fn writer(fence: u64) -> Writer {
    Writer { owner: OWNER, fence }
}

fn state(pairs: &[(&str, u64)]) -> State {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.to_string())).collect()
}

async fn turn(journal: &Journal, by: Writer, payloads: &[&str]) -> Result<(), JournalError> {
    for (place, payload) in payloads.iter().enumerate() {
        journal.append(by, payload.as_bytes(), place + 1 == payloads.len()).await?;
    }
    Ok(())
}

async fn snapshot(journal: &Journal, by: Writer, payloads: &[&str]) -> Result<(), JournalError> {
    let mut draft = journal.begin_snapshot(by, None).await?;
    for payload in payloads {
        draft.push(payload.as_bytes()).await?;
    }
    draft.finish().await.map(drop)
}

#[tokio::test]
async fn turns_come_back_in_their_order_after_the_snapshot() {
    let place = Place::new();
    let journal = place.journal();
    let absent = turn(&journal, writer(1), &["a=0"]).await;
    assert!(matches!(absent, Err(JournalError::Absent { .. })), "{absent:?}");
    assert!(matches!(place.read().await, Err(JournalError::Absent { .. })));
    snapshot(&journal, writer(1), &["a=1", "b=1"]).await.unwrap();
    turn(&journal, writer(2), &["a=2", "c=2"]).await.unwrap();
    turn(&journal, writer(3), &["a=3"]).await.unwrap();
    assert_eq!(place.state().await, state(&[("a", 3), ("b", 1), ("c", 2)]));
    snapshot(&journal, writer(4), &["a=4"]).await.unwrap();
    let (found, reading) = place.read().await.unwrap();
    assert_eq!((found, reading.segments), (state(&[("a", 4)]), 0));
    assert_eq!(reading.unread, []);
    assert_eq!(journal.fence().await.unwrap(), 4);
}

/// An owner that changes two things at once, and journals as the service does: a turn after each
/// change, now and then a snapshot.
struct Owner {
    /// Both values at this moment.
    value: u64,
    /// The value that was acknowledged last.
    acknowledged: u64,
    fence: u64,
}

impl Owner {
    async fn step(&mut self, journal: &Journal) -> Result<(), JournalError> {
        self.value += 1;
        self.fence += 1;
        if self.value % 4 == 1 { self.compact(journal).await } else { self.turn(journal).await }
    }

    async fn turn(&mut self, journal: &Journal) -> Result<(), JournalError> {
        let value = self.value;
        turn(journal, writer(self.fence), &[&format!("a={value}"), &format!("b={value}")]).await?;
        self.acknowledged = value;
        Ok(())
    }

    async fn compact(&mut self, journal: &Journal) -> Result<(), JournalError> {
        let mut draft = journal.begin_snapshot(writer(self.fence), None).await?;
        self.value += 1;
        let value = self.value;
        draft.push(format!("a={value}").as_bytes()).await?;
        draft.push(format!("b={value}").as_bytes()).await?;
        if journal.head().await?.is_some() {
            self.fence += 1;
            self.turn(journal).await?;
        }
        draft.finish().await?;
        self.acknowledged = value;
        journal.sweep().await.map(drop)
    }
}

const STEPS: usize = 14;

async fn play(place: &Place, store: Arc<dyn ObjectStore>) -> Owner {
    let mut owner = Owner { value: 0, acknowledged: 0, fence: 0 };
    let journal = place.on(store, 1);
    for _ in 0..STEPS {
        place.clock.advance(24);
        // What failed is tried again with the next change, as by a reconciler.
        owner.step(&journal).await.ok();
    }
    owner
}

async fn writes_of_a_play() -> u64 {
    let place = Place::new();
    let store = Arc::new(FaultStore::new(Arc::new(place.memory.clone())));
    play(&place, Arc::clone(&store) as Arc<dyn ObjectStore>).await;
    store.writes()
}

// proves: JRN-1, JRN-2
#[tokio::test]
async fn death_at_each_write_leaves_a_whole_state_and_loses_nothing_acknowledged() {
    for side in [Side::Before, Side::After] {
        for nth in 1..=writes_of_a_play().await {
            let place = Place::new();
            let store = Arc::new(FaultStore::new(Arc::new(place.memory.clone())));
            store.fail_write(nth, side, Failure::Failed);
            store.fail_writes(nth + 1.., Failure::Failed);
            let owner = play(&place, store).await;
            if owner.acknowledged == 0 && place.memory.keys("head/").is_empty() {
                continue;
            }
            let found = place.state().await;
            let (a, b) = (&found["a"], &found["b"]);
            assert_eq!(a, b, "{side:?} {nth}: half a turn or snapshot");
            assert!(a.parse::<u64>().unwrap() >= owner.acknowledged, "{side:?} {nth}: {a}");
        }
    }
}

// proves: JRN-1, JRN-2
#[tokio::test]
async fn failure_of_any_one_write_loses_nothing() {
    for side in [Side::Before, Side::After] {
        for nth in 1..=writes_of_a_play().await {
            let place = Place::new();
            let store = Arc::new(FaultStore::new(Arc::new(place.memory.clone())));
            store.fail_write(nth, side, Failure::Unavailable);
            let mut owner = play(&place, Arc::clone(&store) as Arc<dyn ObjectStore>).await;
            store.heal();
            owner.fence += 1;
            owner.turn(&place.journal()).await.unwrap();
            let value = owner.value;
            assert_eq!(place.state().await, state(&[("a", value), ("b", value)]), "{side:?} {nth}");
        }
    }
}

// proves: JRN-2
#[tokio::test]
async fn turn_that_was_overtaken_counts_for_nothing() {
    let place = Place::new();
    let (slow, fast) = (place.journal(), place.journal());
    snapshot(&slow, writer(1), &["a=1"]).await.unwrap();
    slow.append(writer(2), b"a=2", false).await.unwrap();
    turn(&fast, writer(3), &["a=3", "b=3"]).await.unwrap();
    slow.append(writer(2), b"b=2", true).await.unwrap();
    assert_eq!(place.state().await, state(&[("a", 3), ("b", 3)]));
    // Nor does one that began before the snapshot.
    snapshot(&fast, writer(5), &["a=5"]).await.unwrap();
    turn(&slow, writer(4), &["a=4"]).await.unwrap();
    assert_eq!(place.state().await, state(&[("a", 5)]));
}

// proves: JRN-1
#[tokio::test]
async fn writers_that_race_take_one_number_each() {
    let place = Place::new();
    let journals = [place.journal(), place.journal(), place.journal()];
    snapshot(&journals[0], writer(1), &[]).await.unwrap();
    for round in 0..30 {
        let journal = &journals[round % 3];
        let by = writer(2 + round as u64);
        turn(journal, by, &[&format!("k{round}={round}")]).await.unwrap();
    }
    assert_eq!(place.state().await.len(), 30);
    assert_eq!(place.memory.keys("segment/").len(), 30);
    let both = [&journals[0], &journals[1]].map(|journal| journal.begin_snapshot(writer(40), None));
    let [first, second] = both;
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    first.finish().await.unwrap();
    assert!(matches!(second.finish().await, Err(JournalError::Overtaken)));
}

// proves: JRN-4
#[tokio::test]
async fn journal_of_another_owner_is_refused_until_it_is_taken_over() {
    let place = Place::new();
    let ours = place.journal();
    snapshot(&ours, writer(1), &["a=1"]).await.unwrap();
    let theirs = place.journal();
    let other = Writer { owner: OTHER, fence: 1 };
    for refused in [
        turn(&theirs, other, &["a=2"]).await,
        snapshot(&theirs, other, &["a=2"]).await,
        theirs.begin_snapshot(other, Some(OTHER)).await.map(drop),
    ] {
        assert!(matches!(refused, Err(JournalError::Foreign { owner: OWNER, .. })), "{refused:?}");
    }
    turn(&ours, writer(2), &["a=2"]).await.unwrap();
    let mut draft = theirs.begin_snapshot(other, Some(OWNER)).await.unwrap();
    draft.push(b"a=3").await.unwrap();
    draft.finish().await.unwrap();
    turn(&theirs, other, &["b=3"]).await.unwrap();
    // The old owner's process has not noticed: nothing of it is read, and soon it is told.
    turn(&ours, writer(9), &["a=9"]).await.unwrap();
    let (found, reading) = place.read().await.unwrap();
    assert_eq!((found, reading.foreign), (state(&[("a", 3), ("b", 3)]), 1));
    place.clock.advance(2);
    assert!(matches!(
        turn(&ours, writer(10), &["a=10"]).await,
        Err(JournalError::Foreign { owner: OTHER, .. })
    ));
}

// proves: JRN-3
#[tokio::test]
async fn damage_to_any_object_is_named_and_never_believed() {
    let place = Place::new();
    let journal = place.journal();
    snapshot(&journal, writer(1), &["a=1", "b=1"]).await.unwrap();
    turn(&journal, writer(2), &["a=2"]).await.unwrap();
    snapshot(&journal, writer(3), &["a=2", "b=1"]).await.unwrap();
    turn(&journal, writer(4), &["a=4"]).await.unwrap();
    turn(&journal, writer(5), &["b=5"]).await.unwrap();
    let whole = place.memory.snapshot();
    let (right, reading) = place.read().await.unwrap();
    assert_eq!(right, state(&[("a", 4), ("b", 5)]));
    let needed: BTreeSet<_> = needed_by(&place, &reading);
    for (key, object) in &whole {
        for damage in damages(&object.bytes) {
            place.memory.restore_snapshot(whole.clone());
            match damage {
                Some(bytes) => place.memory.overwrite(key, bytes),
                None => drop(place.memory.remove(key)),
            }
            let (found, reading) = place.read().await.unwrap();
            let named: Vec<_> = reading.unread.iter().map(|unread| &unread.key).collect();
            // The last segment and the newest head are missed by nobody when they are gone.
            let is_missed = place.memory.raw(key).is_some() || !is_newest(&whole, key);
            assert_eq!(named.contains(&key), needed.contains(key) && is_missed, "{key} {named:?}");
            for (what, value) in &found {
                assert!(["1", "2", "4", "5"].contains(&value.as_str()), "{what}={value}");
            }
            if named.is_empty() && is_missed {
                assert_eq!(found, right, "{key}");
            }
        }
    }
}

fn is_newest(whole: &BTreeMap<ObjectKey, impl Sized>, key: &ObjectKey) -> bool {
    let (prefix, _) = key.as_str().split_once('/').unwrap();
    let last = whole.keys().rfind(|other| other.as_str().starts_with(&format!("{prefix}/")));
    prefix != "part" && last == Some(key)
}

/// The newest head, its parts and the segments after it: those that this reading opened.
fn needed_by(place: &Place, reading: &Reading) -> BTreeSet<ObjectKey> {
    let store = FaultStore::new(Arc::new(place.memory.clone()));
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let sink = Arc::clone(&seen);
    store.on_call(move |call| {
        sink.lock().unwrap().insert(call.at.clone());
    });
    let journal = place.on(Arc::new(store), 1);
    let (_, again) = futures_util::FutureExt::now_or_never(read(&journal)).unwrap().unwrap();
    assert_eq!(again, *reading);
    let seen = seen.lock().unwrap();
    seen.iter().filter_map(|at| ObjectKey::parse(at)).collect()
}

/// Flipped at several places, cut, lengthened, emptied, gone.
fn damages(bytes: &Bytes) -> Vec<Option<Bytes>> {
    let mut all = vec![None, Some(Bytes::new()), Some(bytes.slice(..bytes.len() - 1))];
    all.push(Some(Bytes::from([bytes, &b"x"[..]].concat())));
    for place in [0, 4, 40, bytes.len() / 2, bytes.len() - 1] {
        let mut flipped = bytes.to_vec();
        flipped[place] ^= 4;
        all.push(Some(Bytes::from(flipped)));
    }
    all
}

// proves: JRN-3
#[tokio::test]
async fn swapped_objects_and_a_wrong_master_key_do_not_open() {
    let place = Place::new();
    let journal = place.journal();
    snapshot(&journal, writer(1), &[]).await.unwrap();
    turn(&journal, writer(2), &["a=2"]).await.unwrap();
    turn(&journal, writer(3), &["a=3"]).await.unwrap();
    let keys = place.memory.keys("segment/");
    let (first, second) =
        (place.memory.raw(&keys[0]).unwrap(), place.memory.raw(&keys[1]).unwrap());
    place.memory.overwrite(&keys[0], second);
    place.memory.overwrite(&keys[1], first);
    let (found, reading) = place.read().await.unwrap();
    assert_eq!((found, reading.unread.len()), (State::new(), 2));
    let stranger = place.on(Arc::new(place.memory.clone()), 2);
    assert!(matches!(read(&stranger).await, Err(JournalError::Unreadable { .. })));
    assert!(matches!(stranger.head().await, Err(JournalError::Unreadable { .. })));
}

// proves: JRN-5
#[tokio::test]
async fn sweep_keeps_a_week_and_two_heads_and_all_that_they_need() {
    let place = Place::new();
    let journal = place.journal();
    for day in 0..20_u64 {
        snapshot(&journal, writer(3 * day + 1), &[&format!("a={day}")]).await.unwrap();
        turn(&journal, writer(3 * day + 2), &[&format!("b={day}")]).await.unwrap();
        journal.sweep().await.unwrap();
        place.clock.advance(24);
    }
    // Days 13 to 19, and what was written within a week of the last sweep.
    assert_eq!(place.memory.keys("head/").len(), 7);
    assert_eq!(place.memory.keys("part/").len(), 7);
    assert_eq!(place.memory.keys("segment/").len(), 7);
    place.clock.advance(24 * 30);
    journal.sweep().await.unwrap();
    snapshot(&journal, writer(70), &["a=70"]).await.unwrap();
    journal.sweep().await.unwrap();
    assert_eq!(place.memory.keys("head/").len(), 2);
    let newest = place.memory.keys("head/").pop().unwrap();
    place.memory.overwrite(&newest, Bytes::from_static(b"damaged"));
    let (found, reading) = place.read().await.unwrap();
    assert_eq!(found, state(&[("a", 19), ("b", 19)]));
    assert_eq!(reading.unread[0].key, newest);
    let kept = place.memory.snapshot();
    assert!(
        matches!(journal.sweep().await, Err(JournalError::Damaged { key, .. }) if key == newest)
    );
    assert_eq!(place.memory.snapshot(), kept);
}

// proves: JRN-1
#[tokio::test]
async fn writer_that_slept_for_weeks_takes_no_number_below_the_snapshot() {
    let place = Place::new();
    let (sleeper, other) = (place.journal(), place.journal());
    snapshot(&sleeper, writer(1), &[]).await.unwrap();
    turn(&sleeper, writer(2), &["a=2"]).await.unwrap();
    for fence in 3..20 {
        turn(&other, writer(2 * fence), &[&format!("b={fence}")]).await.unwrap();
        snapshot(&other, writer(2 * fence + 1), &["a=2", &format!("b={fence}")]).await.unwrap();
        place.clock.advance(48);
        other.sweep().await.unwrap();
    }
    turn(&sleeper, writer(50), &["a=50"]).await.unwrap();
    assert_eq!(place.state().await, state(&[("a", 50), ("b", 19)]));
}
