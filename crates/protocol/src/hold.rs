//! A hold and a grave of the first manifest: each is made, then its maker looks for the other.

use super::fault::Late;
use super::rule::Rule;
use super::state::{FIRST, State};
use super::step::{On, Steps};
use super::undelete::{Phase as UndeletePhase, Undelete};

/// Where the maker of a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Hold {
    #[default]
    Start,
    /// Looks for a grave.
    Look,
    Accepted,
    Refused,
    Dead,
}

/// Where the maker of a grave stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum GraveMaker {
    #[default]
    Start,
    /// Looks for a hold.
    Look,
    Accepted,
    /// Saw a hold and started an undelete; its caller is told to ask again.
    BackedOff,
    Dead,
}

/// Adds the steps of the hold's maker.
pub(super) fn hold_steps(state: &State, out: &mut Steps<'_>) {
    let mut next = *state;
    match state.hold {
        Hold::Start if state.ends & FIRST != 0 => {
            next.hold = Hold::Look;
            next.held = true;
            out.send("hold", "is created", On::Nothing, next, Late::PutHold);
        }
        Hold::Look => {
            if state.graved() & FIRST != 0 && !out.world.without(Rule::HoldLooks) {
                next.hold = Hold::Refused;
                next.held = false;
                out.send("hold", "sees a grave and is removed", On::Nothing, next, Late::DropHold);
            } else {
                next.hold = Hold::Accepted;
                out.add("hold", "sees no grave and is accepted", next);
            }
        }
        _ => {}
    }
}

/// Adds the steps of the grave's maker in a world with holds.
pub(super) fn grave_steps(state: &State, out: &mut Steps<'_>) {
    let mut next = *state;
    match state.grave_maker {
        GraveMaker::Start if state.ends & FIRST != 0 => {
            next.grave_maker = GraveMaker::Look;
            next.graves |= FIRST;
            out.add("grave", "of M0 is created", next);
        }
        GraveMaker::Look => {
            if !state.held || out.world.without(Rule::GraveLooks) {
                next.grave_maker = GraveMaker::Accepted;
                out.add("grave", "sees no hold and is accepted", next);
            } else {
                next.grave_maker = GraveMaker::BackedOff;
                if out.world.without(Rule::BackOffUndeletes) {
                    next.ungraves |= FIRST;
                } else {
                    let phase = UndeletePhase::Intent;
                    next.undeletes[1] = Undelete::new(phase);
                }
                out.add("grave", "sees a hold and backs off", next);
            }
        }
        _ => {}
    }
}
