//! What must hold in every state.

use super::collector;
use super::hold::{GraveMaker, Hold};
use super::reader;
use super::state::{FIRST, MANIFESTS, State, bit};
use super::undelete;
use super::writer;

/// What is wrong with `state`.
pub(super) fn violation(state: &State) -> Option<&'static str> {
    if state.collectors.iter().any(|c| c.phase == collector::Phase::Broken) {
        return Some("a collector misses a unit that is needed");
    }
    if state.undeletes.iter().any(|one| one.phase == undelete::Phase::Lied) {
        return Some("an undelete of a buried manifest was accepted");
    }
    let graved = state.graved();
    let mut must = FIRST & !graved;
    for (at, one) in (1..).zip(&state.writers) {
        let there = state.ends & bit(at) != 0;
        if one.phase == writer::Phase::Failed && there {
            return Some("a backup reported as failed was committed");
        }
        if one.phase == writer::Phase::Won {
            must |= bit(at) & !graved;
        }
    }
    if state.hold == Hold::Accepted {
        if state.grave_maker == GraveMaker::Accepted && graved & FIRST != 0 {
            return Some("a hold and a deletion of the same manifest were both accepted");
        }
        must |= FIRST;
    }
    let reading = state.reader.phase == reader::Phase::Reading;
    if reading {
        must |= state.reader.manifest;
    }
    if must & !state.ends != 0 {
        return Some("a manifest that is needed is gone");
    }
    let needed = (must | (state.ends & MANIFESTS & !graved)) & !state.excused;
    if needed != 0 && state.copies() == 0 {
        return Some(if needed & !graved != 0 {
            "a committed manifest lost its unit"
        } else if reading {
            "an admitted reader lost its unit"
        } else {
            "an accepted hold lost its unit"
        });
    }
    None
}
