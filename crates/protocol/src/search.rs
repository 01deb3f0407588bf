//! Breadth-first search over all states of a world.

use std::hash::{Hash, Hasher};

use super::collector::Grain;
use super::janitor;
use super::rule::Rule;
use super::state::{COLLECTORS, FIRST, MERGER, State, bit};
use super::step::{Label, On, Steps};
use super::world::Asleep;
use super::{Outcome, World, invariant};
use super::{burial, collector, fault, hold, merge, reader, undelete, writer};

/// A fast hash of small states; nobody chooses them to collide.
#[derive(Default)]
struct StateHasher {
    hash: u64,
    pending: u64,
    count: u32,
}

impl StateHasher {
    fn mix(&mut self) {
        // Multiply by the odd constant of the golden ratio and fold.
        let product = u128::from(self.hash ^ self.pending) * 0x9E37_79B9_7F4A_7C15;
        let folded = (product ^ (product >> 64)) & u128::from(u64::MAX);
        self.hash = u64::try_from(folded).unwrap_or(0).rotate_left(23);
        (self.pending, self.count) = (0, 0);
    }
}

impl Hasher for StateHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u8(*byte);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.pending = self.pending << 8 | u64::from(byte);
        self.count += 1;
        if self.count == 8 {
            self.mix();
        }
    }

    fn write_isize(&mut self, discriminant: isize) {
        self.write_u8(u8::try_from(discriminant).unwrap_or(u8::MAX));
    }

    /// Lengths of arrays never differ.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        let mut last = Self { ..*self };
        last.mix();
        last.hash
    }
}

/// All states seen, in order of discovery, with an open-addressing table of their numbers.
struct Seen {
    states: Vec<State>,
    parents: Vec<u32>,
    /// Upper half of the hash and number of the state plus one; 0 is empty.
    table: Vec<(u32, u32)>,
}

impl Seen {
    fn new() -> Self {
        Self { states: Vec::new(), parents: Vec::new(), table: vec![(0, 0); 1 << 16] }
    }

    fn hash(state: &State) -> (usize, u32) {
        let mut hasher = StateHasher::default();
        state.hash(&mut hasher);
        let hash = hasher.finish();
        let low = usize::try_from(hash & u64::from(u32::MAX)).unwrap_or(0);
        (low, u32::try_from(hash >> 32).unwrap_or(0))
    }

    fn add(&mut self, state: &State, parent: u32) {
        let (low, high) = Self::hash(state);
        let mask = self.table.len() - 1;
        let mut slot = low & mask;
        loop {
            let (found, number) = self.table[slot];
            if number == 0 {
                break;
            }
            if found == high && self.states[number as usize - 1] == *state {
                return;
            }
            slot = (slot + 1) & mask;
        }
        self.states.push(*state);
        self.parents.push(parent);
        let number = u32::try_from(self.states.len()).expect("a world of fewer than 2^32 states");
        self.table[slot] = (high, number);
        if self.states.len() * 2 > self.table.len() {
            self.grow();
        }
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 2 - 1;
        let mut table = vec![(0, 0); self.table.len() * 2];
        for (state, number) in self.states.iter().zip(1..) {
            let (low, high) = Self::hash(state);
            let mut slot = low & mask;
            while table[slot] != (0, 0) {
                slot = (slot + 1) & mask;
            }
            table[slot] = (high, number);
        }
        self.table = table;
    }
}

/// Visits every state of `world`, up to the first that breaks an invariant.
pub(super) fn explore(world: &World) -> Outcome {
    let mut seen = Seen::new();
    let mut out = Steps { world, found: Vec::new() };
    seen.add(&first(world), 0);
    let mut at = 0;
    while let Some(state) = seen.states.get(at).copied() {
        if at > world.limit {
            let why = format!("more than {} states", world.limit);
            return Outcome { states: seen.states.len(), violation: Some(vec![why]) };
        }
        if let Some(why) = invariant::violation(&state) {
            return broken(world, &seen, at, why.to_owned());
        }
        if let Some(why) = janitor::complaint(world, &state) {
            return broken(world, &seen, at, why);
        }
        out.found.clear();
        successors(&state, &mut out);
        let parent = u32::try_from(at).expect("a world of fewer than 2^32 states");
        for (_, next) in &out.found {
            seen.add(next, parent);
        }
        at += 1;
    }
    Outcome { states: seen.states.len(), violation: None }
}

fn first(world: &World) -> State {
    let mut state = State {
        packs: FIRST,
        index: FIRST,
        ends: FIRST,
        sessions: FIRST,
        lost_left: world.lost_answers,
        damages_left: world.damages,
        crashes_left: world.crashes,
        ..State::default()
    };
    let asleep = match world.asleep {
        Asleep::Nobody => 0,
        Asleep::Writer => {
            state.writers[0] = writer::Writer::new(writer::Phase::Publish);
            bit(1)
        }
        Asleep::Collector => {
            state.collectors[0] = collector::Collector::new(collector::Phase::Publish);
            bit(COLLECTORS)
        }
        Asleep::Merger => {
            state.merge = merge::Merge::publishing(FIRST | bit(3));
            bit(MERGER)
        }
    };
    state.sessions |= asleep;
    if !world.without(Rule::CollectorSession) {
        state.tombs |= asleep;
    }
    state
}

fn successors(state: &State, out: &mut Steps<'_>) {
    let world = out.world;
    user(state, out);
    for at in 0..usize::from(world.writers) {
        writer::steps(state, at, out);
    }
    for at in 0..usize::from(world.collectors) {
        collector::steps(state, at, out);
    }
    if world.readers > 0 {
        reader::steps(state, out);
    }
    if world.undeletes > 0 {
        undelete::steps(state, 0, out);
    }
    if world.holds > 0 {
        undelete::steps(state, 1, out);
        hold::hold_steps(state, out);
        hold::grave_steps(state, out);
    }
    if world.merges > 0 {
        merge::steps(state, out);
    }
    if world.burials > 0 {
        burial::steps(state, out);
    }
    fault::steps(state, out);
}

/// Deletions by users, and a cleaner of tombstones that the rules forbid.
fn user(state: &State, out: &mut Steps<'_>) {
    let mut may = [FIRST, bit(1)];
    if out.world.holds > 0 {
        may[0] = 0;
    }
    let crowded = out.world.collectors > 1 || out.world.writers == 1;
    if out.world.grain == Grain::Coarse && crowded {
        // Nobody builds on this manifest, or the world is large enough.
        may[1] = 0;
    }
    for manifest in may.into_iter().filter(|m| state.ends & !state.graves & !state.buried & m != 0)
    {
        let next = State { graves: state.graves | manifest, ..*state };
        out.add_on("user", "graves", On::Manifests(manifest), next);
    }
    if out.world.holds == 0
        && state.ungraves != 0
        && state.graves >> 7 == 0
        && state.buried & FIRST == 0
        && state.ends & FIRST != 0
    {
        let next = State { graves: state.graves | bit(7), ..*state };
        out.add("user", "graves M0 a second time", next);
    }
    let idle = |c: &collector::Collector| {
        matches!(c.phase, collector::Phase::Start | collector::Phase::End)
    };
    if out.world.without(Rule::KeepTombstone) && state.collectors.iter().all(idle) {
        for tomb in (0..8).map(bit).filter(|t| state.tombs & t != 0) {
            let next = State { tombs: state.tombs & !tomb, ..*state };
            out.add_on("cleaner", "removes a tombstone of", On::Manifests(tomb), next);
        }
    }
}

/// The path to state `at`, found again from the parents.
fn broken(world: &World, seen: &Seen, at: usize, why: String) -> Outcome {
    let mut lines = vec![why];
    let mut number = at;
    while number != 0 {
        let parent = seen.parents[number] as usize;
        let mut out = Steps { world, found: Vec::new() };
        successors(&seen.states[parent], &mut out);
        let label: Option<Label> = out
            .found
            .iter()
            .find(|(_, next)| *next == seen.states[number])
            .map(|(label, _)| *label);
        lines.extend(label.map(Label::text));
        number = parent;
    }
    if let Some(path) = lines.get_mut(1..) {
        path.reverse();
    }
    Outcome { states: seen.states.len(), violation: Some(lines) }
}
