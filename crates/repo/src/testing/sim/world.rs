//! The one store that all actors of a simulation share, and the record of what happened to it.
//!
//! # Why
//! An oracle that asks "was anything lost?" needs the true state, not what a faulty handle shows,
//! and a failure needs the story that led to it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::sim::{Event, START, Sim};
use strongroom_base::{ByteRange, Timestamp};

use super::flight::{Fate, Fault, Faults, late_time, travel_time};
use super::store::SimStore;
use crate::object::{ObjectError, ObjectKey, ObjectMeta, ObjectResult};

/// Enough for the last days of some ten actors, little enough to read.
const TRACE_LINES: usize = 4_000;

/// One object as it truly is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its content.
    pub bytes: Bytes,
    /// When it was last written.
    pub modified: Timestamp,
    /// Since when there has been an object at this key.
    pub since: Timestamp,
}

/// All objects as they truly are.
pub type Objects = BTreeMap<ObjectKey, Stored>;

/// Is called after each request that arrived, with the actor, the request and the state after it.
/// Panics to report a broken rule; must not call the [`World`].
pub type Watch = Box<dyn FnMut(&str, &Request, &Objects) + Send>;

/// A call to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `ObjectStore::put`
    Put(ObjectKey, Bytes),
    /// `ObjectStore::create`
    Create(ObjectKey, Bytes),
    /// `ObjectStore::delete`
    Delete(ObjectKey),
    /// `ObjectStore::get`
    Get(ObjectKey),
    /// `ObjectStore::get_range`
    GetRange(ObjectKey, ByteRange),
    /// `ObjectStore::list`
    List(String),
}

impl Request {
    /// Whether it changes the store.
    pub fn is_write(&self) -> bool {
        matches!(self, Self::Put(..) | Self::Create(..) | Self::Delete(_))
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(key, bytes) => write!(f, "put {key} ({})", bytes.len()),
            Self::Create(key, bytes) => write!(f, "create {key} ({})", bytes.len()),
            Self::Delete(key) => write!(f, "delete {key}"),
            Self::Get(key) => write!(f, "get {key}"),
            Self::GetRange(key, range) => write!(f, "get {key} {}..{}", range.start, range.end),
            Self::List(prefix) => write!(f, "list {prefix}"),
        }
    }
}

/// What a call that succeeded returns.
#[derive(Debug)]
pub(super) enum Answer {
    Done,
    Body(Bytes),
    Listing(Vec<ObjectMeta>),
}

/// An object that was deleted, for lists that still show it.
struct Gone {
    meta: ObjectMeta,
    since: Timestamp,
    until: Timestamp,
}

#[derive(Default)]
struct State {
    objects: Objects,
    gone: Vec<Gone>,
    counts: BTreeMap<Fault, u64>,
    calls: BTreeMap<String, u64>,
    crashes: BTreeMap<(String, u64), Fate>,
    trace: VecDeque<String>,
    digest: DefaultHasher,
    watches: Vec<Watch>,
}

/// The store of one simulation.
pub struct World {
    sim: Sim,
    staleness: Duration,
    state: Mutex<State>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("seed", &self.sim.seed()).finish_non_exhaustive()
    }
}

impl World {
    /// An empty store.
    pub fn new(sim: &Sim) -> Arc<Self> {
        let staleness = Duration::from_mins(1 + sim.below(60));
        Arc::new(Self { sim: sim.clone(), staleness, state: Mutex::default() })
    }

    /// The way of `actor` (the name under which its tasks were spawned) to this store.
    pub fn store(self: &Arc<Self>, actor: &str, faults: Faults) -> SimStore {
        SimStore::new(Arc::clone(self), actor.to_owned(), faults)
    }

    /// Kills `actor` when it makes its `nth` call, counted from 1; `fate` tells what becomes of
    /// that call if it is a write. Looping over all `nth` and fates is "death after each call".
    pub fn crash(&self, actor: &str, nth: u64, fate: Fate) {
        self.state().crashes.insert((actor.to_owned(), nth), fate);
    }

    /// How many calls `actor` has made.
    pub fn calls(&self, actor: &str) -> u64 {
        self.state().calls.get(actor).copied().unwrap_or(0)
    }

    /// How often a fault has made a difference.
    pub fn count(&self, fault: Fault) -> u64 {
        self.state().counts.get(&fault).copied().unwrap_or(0)
    }

    /// How far behind a stale list can be: 1 to 60 minutes, by seed.
    pub fn staleness(&self) -> Duration {
        self.staleness
    }

    /// A copy of the true state.
    pub fn objects(&self) -> Objects {
        self.state().objects.clone()
    }

    /// Changes, adds (`Some`) or removes (`None`) an object behind everybody's back: damage.
    pub fn replace(&self, key: &ObjectKey, bytes: Option<Bytes>) {
        let now = self.time();
        let mut state = self.state();
        match bytes {
            Some(bytes) => state.write(key, bytes, now),
            None => drop(state.objects.remove(key)),
        }
    }

    /// Adds an oracle that sees every request that arrives.
    pub fn watch(&self, watch: Watch) {
        self.state().watches.push(watch);
    }

    /// The last events, one a line: time, actor, request, outcome.
    pub fn trace(&self) -> String {
        self.state().trace.iter().fold(String::new(), |all, line| all + line + "\n")
    }

    /// A hash of all events since the start: equal for equal runs.
    pub fn digest(&self) -> u64 {
        self.state().digest.finish()
    }

    /// The store's own time.
    pub fn time(&self) -> Timestamp {
        START.plus(self.sim.now())
    }

    pub(super) fn sim(&self) -> &Sim {
        &self.sim
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A watch that panics is the end of the run; the trace is wanted then more than ever.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call; the fate of it when `actor` is to die now.
    pub(super) fn begin_call(&self, actor: &str) -> Option<Fate> {
        let mut state = self.state();
        let calls = state.calls.entry(actor.to_owned()).or_default();
        *calls += 1;
        let nth = *calls;
        state.crashes.remove(&(actor.to_owned(), nth))
    }

    /// Lets a request arrive that nobody waits for.
    pub(super) fn send_on(&self, fate: Fate, event: Event) {
        match fate {
            Fate::Lost => drop(event),
            Fate::Applied => drop(self.sim.after(travel_time(&self.sim), event)),
            Fate::Late => drop(self.sim.after(late_time(&self.sim), event)),
        }
    }

    /// Writes a line of the trace and counts `fault`.
    pub(super) fn note(&self, actor: &str, what: &str, fault: Option<Fault>, outcome: &str) {
        let at = self.sim.now();
        let mut line = format!("{:>14.6} {actor}: {what}: {outcome}", at.as_secs_f64());
        let mut state = self.state();
        if let Some(fault) = fault {
            write!(line, " [{fault:?}]").expect("writing to a string works");
            *state.counts.entry(fault).or_default() += 1;
        }
        line.hash(&mut state.digest);
        if state.trace.len() == TRACE_LINES {
            state.trace.pop_front();
        }
        state.trace.push_back(line);
    }

    /// The effect of a request that arrives now. `stale` holds the list faults that strike it.
    pub(super) fn apply(
        &self,
        actor: &str,
        request: &Request,
        stale: &[Fault],
    ) -> ObjectResult<Answer> {
        let now = self.time();
        let mut state = self.state();
        let mut seen_stale = None;
        let result = match request {
            Request::Create(key, _) if state.objects.contains_key(key) => {
                Err(ObjectError::AlreadyExists { key: key.clone() })
            }
            Request::Put(key, bytes) | Request::Create(key, bytes) => {
                state.write(key, bytes.clone(), now);
                Ok(Answer::Done)
            }
            Request::Delete(key) => {
                state.delete(key, now, self.staleness);
                Ok(Answer::Done)
            }
            Request::Get(key) => state.read(key).map(Answer::Body),
            Request::GetRange(key, range) => state.read_range(key, *range).map(Answer::Body),
            Request::List(prefix) => {
                let fresh = state.list(prefix);
                let listing = self.stale_list(&state, prefix, stale);
                if listing != fresh {
                    seen_stale = stale.first().copied();
                }
                Ok(Answer::Listing(listing))
            }
        };
        drop(state);
        let outcome = match &result {
            Ok(Answer::Listing(listing)) => format!("{} objects", listing.len()),
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        self.note(actor, &request.to_string(), seen_stale, &outcome);
        // After the note, so that the trace of a watch that panics ends with the culprit.
        let State { watches, objects, .. } = &mut *self.state();
        for watch in watches {
            watch(actor, request, objects);
        }
        result
    }

    /// What a list shows when the faults `stale` strike it.
    fn stale_list(&self, state: &State, prefix: &str, stale: &[Fault]) -> Vec<ObjectMeta> {
        let now = self.time();
        let before = |age: Duration| {
            let age = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
            Timestamp(now.0.saturating_sub(age))
        };
        // The moment whose truth the list shows about an object.
        let view = |key: &ObjectKey| match stale_fault(key.as_str()) {
            fault if !stale.contains(&fault) => now,
            Fault::StaleControlList => before(self.staleness),
            _ if self.sim.below(2) == 0 => now,
            _ => before(self.sim.span(self.staleness)),
        };
        let here = state.objects.iter().filter(|(key, _)| key.as_str().starts_with(prefix));
        let here = here.filter(|(key, object)| object.since <= view(key));
        let gone = state.gone.iter().filter(|gone| gone.meta.key.as_str().starts_with(prefix));
        let gone = gone.filter(|gone| {
            let view = view(&gone.meta.key);
            gone.since <= view && view < gone.until
        });
        let mut shown: Vec<ObjectMeta> = here.map(|(key, object)| object.meta(key)).collect();
        shown.extend(gone.map(|gone| gone.meta.clone()));
        shown.sort_by(|a, b| a.key.cmp(&b.key));
        shown.dedup_by(|a, b| a.key == b.key);
        shown
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("trace of seed {}:\n{}", self.sim.seed(), self.trace());
        }
    }
}

impl State {
    fn write(&mut self, key: &ObjectKey, bytes: Bytes, now: Timestamp) {
        let since = self.objects.get(key).map_or(now, |object| object.since);
        self.objects.insert(key.clone(), Stored { bytes, modified: now, since });
    }

    fn delete(&mut self, key: &ObjectKey, now: Timestamp, keep: Duration) {
        self.gone.retain(|gone| now.since(gone.until) < keep);
        if let Some(object) = self.objects.remove(key) {
            let meta = object.meta(key);
            self.gone.push(Gone { meta, since: object.since, until: now });
        }
    }

    fn read(&self, key: &ObjectKey) -> ObjectResult<Bytes> {
        let object = self.objects.get(key);
        object.map(|object| object.bytes.clone()).ok_or(ObjectError::NotFound { key: key.clone() })
    }

    fn read_range(&self, key: &ObjectKey, range: ByteRange) -> ObjectResult<Bytes> {
        let bytes = self.read(key)?;
        let short = || ObjectError::Short { key: key.clone(), end: range.end };
        let start = usize::try_from(range.start).map_err(|_| short())?;
        let end = usize::try_from(range.end).map_err(|_| short())?;
        if end > bytes.len() {
            return Err(short());
        }
        Ok(bytes.slice(start..end))
    }

    fn list(&self, prefix: &str) -> Vec<ObjectMeta> {
        let found = self.objects.iter().filter(|(key, _)| key.as_str().starts_with(prefix));
        found.map(|(key, object)| object.meta(key)).collect()
    }
}

impl Stored {
    fn meta(&self, key: &ObjectKey) -> ObjectMeta {
        ObjectMeta { key: key.clone(), size: self.bytes.len() as u64, modified: self.modified }
    }
}

/// The fault that makes a list wrong about the objects at this key or prefix.
pub(super) fn stale_fault(key: &str) -> Fault {
    if key.starts_with("pack/") {
        Fault::StalePackList
    } else if key.starts_with("index/") {
        Fault::StaleIndexList
    } else {
        Fault::StaleControlList
    }
}
