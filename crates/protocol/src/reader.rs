//! A reader: a restore, mount or export of one manifest.

use super::rule::Rule;
use super::state::{FIRST, State, bit};
use super::step::{On, Steps};

/// Where a reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Phase {
    #[default]
    Start,
    /// Announced, or has looked if that comes first by mistake.
    Between,
    /// Admitted: it must find its unit.
    Reading,
    End,
    /// Somebody gave up on it; it will be told at its next operation.
    Cut,
    Dead,
}

/// A reader's own memory and its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Reader {
    pub phase: Phase,
    /// The manifest it reads, as a bit.
    pub manifest: u8,
    /// Whether its session object is there and open.
    pub announced: bool,
}

impl Reader {
    /// What a collector that lists sessions must keep.
    pub(super) fn target(self) -> u8 {
        if self.announced { self.manifest } else { 0 }
    }
}

/// Adds the reader's steps.
pub(super) fn steps(state: &State, out: &mut Steps<'_>) {
    let reader = state.reader;
    let looks_first = out.world.without(Rule::ReaderAnnounces);
    let step = |phase, announced| {
        let mut next = *state;
        let ended = matches!(phase, Phase::End | Phase::Cut);
        let manifest = if ended { 0 } else { reader.manifest };
        next.reader = Reader { phase, manifest, announced };
        next
    };
    match reader.phase {
        Phase::Start => {
            for manifest in [FIRST, bit(1)].into_iter().filter(|m| state.ends & m != 0) {
                let mut next = step(Phase::Between, !looks_first);
                next.reader.manifest = manifest;
                if !looks_first {
                    out.add_on("reader", "announces", On::Manifests(manifest), next);
                } else if is_readable(state, manifest, out) {
                    out.add_on("reader", "finds no grave of", On::Manifests(manifest), next);
                }
            }
        }
        Phase::Between if looks_first => {
            out.add("reader", "announces", step(Phase::Reading, true));
        }
        Phase::Between if is_readable(state, reader.manifest, out) => {
            out.add("reader", "is admitted", step(Phase::Reading, true));
        }
        Phase::Between => out.add("reader", "is refused", step(Phase::End, false)),
        Phase::Reading => out.add("reader", "ends", step(Phase::End, false)),
        Phase::End | Phase::Cut | Phase::Dead => {}
    }
    if reader.announced
        && state.collectors.iter().any(|c| c.phase != super::collector::Phase::Start)
    {
        out.add("collector", "tombstones the reader", step(Phase::Cut, false));
    }
}

fn is_readable(state: &State, manifest: u8, out: &Steps<'_>) -> bool {
    let trusting = out.world.without(Rule::HoldAdmitsNobody) && state.held && manifest == FIRST;
    state.ends & manifest != 0 && (state.graved() & manifest == 0 || trusting)
}
