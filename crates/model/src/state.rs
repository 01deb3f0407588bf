//! State machines: which state may follow which, as a table.
//!
//! # Why
//! A row that changes its state is written by several processes. Each asks the same table before
//! it writes, so that none can bring a deleted backup back or finish a task twice.

/// A state that changes only as a table says.
pub trait StateMachine: Copy + PartialEq + Into<&'static str> + 'static {
    /// Every possible transition: a state, and the states that may follow it. A state that stays
    /// as it is makes no transition.
    const TRANSITIONS: &'static [(Self, &'static [Self])];

    /// Whether `next` may follow.
    fn can_become(self, next: Self) -> bool {
        Self::TRANSITIONS.iter().any(|(from, to)| *from == self && to.contains(&next))
    }

    /// Goes to `next`, if it may follow.
    fn advance(self, next: Self) -> Result<Self, NoTransition> {
        if self.can_become(next) {
            Ok(next)
        } else {
            Err(NoTransition { from: self.into(), to: next.into() })
        }
    }
}

/// A transition that no table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is {from} cannot become {to}")]
pub struct NoTransition {
    /// The present state.
    pub from: &'static str,
    /// The state asked for.
    pub to: &'static str,
}

/// Compares every transition that `advance` lets through with lines `from: to to ..`.
#[cfg(test)]
pub(crate) fn check_transitions<S: StateMachine>(all: &[S], expected: &[&str]) {
    let mut possible = Vec::new();
    for &from in all {
        let next: Vec<&str> =
            all.iter().filter_map(|&to| from.advance(to).ok().map(Into::into)).collect();
        let from: &str = from.into();
        possible.push(format!("{from}: {}", next.join(" ")).trim_end().to_owned());
    }
    assert_eq!(possible, expected);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::VaultStatus;

    #[test]
    fn transition_without_an_entry_is_refused_with_both_words() {
        let refused = VaultStatus::Deleting.advance(VaultStatus::Available).unwrap_err();
        assert_eq!(refused.to_string(), "what is deleting cannot become available");
    }
}
