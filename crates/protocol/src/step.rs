//! The steps out of a state: each is one atomic operation of one actor on the store.

use super::World;
use super::fault::Late;
use super::state::State;

/// What a step did, cheap to make; written out only for a path that is printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    pub actor: &'static str,
    pub what: &'static str,
    pub on: On,
    /// Whether a copy of the request stays on its way.
    pub late: bool,
}

/// What a step acted on.
#[derive(Debug, Clone, Copy)]
pub(super) enum On {
    Nothing,
    Packs(u8),
    Manifests(u8),
}

impl Label {
    /// A line of a path.
    pub(super) fn text(self) -> String {
        let names = match self.on {
            On::Nothing => String::new(),
            On::Packs(set) => list(set, &["P", "Q1", "Q2", "Q3", "?", "C1", "C2", "C3"]),
            On::Manifests(set) => list(
                set,
                &["M0", "M1", "M2", "M3", "merger", "collector 1", "collector 2", "collector 3"],
            ),
        };
        let late = if self.late { " (a copy of the request stays on its way)" } else { "" };
        format!("{} {}{names}{late}", self.actor, self.what)
    }
}

fn list(set: u8, names: &[&str]) -> String {
    let chosen: Vec<&str> =
        names.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, n)| *n).collect();
    format!(" [{}]", chosen.join(", "))
}

/// Collects the steps out of one state.
pub(super) struct Steps<'a> {
    pub world: &'a World,
    pub found: Vec<(Label, State)>,
}

impl Steps<'_> {
    /// A step that acts on nothing worth naming.
    pub(super) fn add(&mut self, actor: &'static str, what: &'static str, next: State) {
        self.add_on(actor, what, On::Nothing, next);
    }

    /// A step that names packs or manifests.
    pub(super) fn add_on(&mut self, actor: &'static str, what: &'static str, on: On, next: State) {
        self.found.push((Label { actor, what, on, late: false }, next));
    }

    /// A step that writes. Where the world loses answers, the same request may also stay on its
    /// way while the sender's retry succeeds.
    pub(super) fn send(
        &mut self,
        actor: &'static str,
        what: &'static str,
        on: On,
        next: State,
        late: Late,
    ) {
        self.add_on(actor, what, on, next);
        if next.lost_left > 0 && next.late == Late::Nothing {
            let lost = State { late, lost_left: next.lost_left - 1, ..next };
            self.found.push((Label { actor, what, on, late: true }, lost));
        }
    }
}
