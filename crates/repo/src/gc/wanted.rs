//! A set of names that is looked up in the whole index at once.
//!
//! # Why
//! One look-up asks every segment, so many of them cost names times segments. Both sides are
//! sorted, so a set of names is matched with a segment by going through the segment once, in the
//! order in which it lies; that costs as much as the segment is long, however many there are.

use super::mark::{Grade, Grades};
use crate::crypto::UnitId;
use crate::index::view::IndexView;

/// The best copy found so far for one name: lower is better. Nothing: no copy.
type Best = Option<(Grade, usize)>;

/// Sorted names, with a table that leads near each.
pub(crate) struct Wanted {
    ids: Vec<UnitId>,
    first: u64,
    scale: f64,
    /// For each slot of the table the first name that is in it or behind it.
    starts: Vec<usize>,
}

/// Which packs may have what is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Among {
    /// Packs of nodes alone: of others, the names are not looked at.
    Nodes,
    All,
}

impl Wanted {
    /// Takes names in any order, some more than once.
    pub(crate) fn new(mut ids: Vec<UnitId>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        let edge = |id: Option<&UnitId>| id.map_or(0, |id| prefix(&id.0));
        let (first, last) = (edge(ids.first()), edge(ids.last()));
        let slots = ids.len() / 2 + 1;
        let scale = slots as f64 / (last - first).max(1) as f64;
        let mut wanted = Self { ids, first, scale, starts: vec![0; slots + 2] };
        let mut filled = 0;
        for (n, id) in wanted.ids.iter().enumerate() {
            let slot = wanted.slot(&id.0);
            for start in wanted.starts.iter_mut().take(slot + 1).skip(filled) {
                *start = n;
            }
            filled = filled.max(slot + 1);
        }
        let len = wanted.ids.len();
        wanted.starts.iter_mut().skip(filled).for_each(|start| *start = len);
        wanted
    }

    /// The names, sorted, each once.
    pub(crate) fn ids(&self) -> &[UnitId] {
        &self.ids
    }

    /// The names alone.
    pub(crate) fn into_ids(self) -> Vec<UnitId> {
        self.ids
    }

    /// The place of `name` in the table; later names never have an earlier one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the product lies between zero and the number of slots"
    )]
    fn slot(&self, name: &[u8; 32]) -> usize {
        let slot = (prefix(name).saturating_sub(self.first) as f64 * self.scale) as usize;
        slot.min(self.starts.len().saturating_sub(2))
    }

    fn find(&self, name: &[u8; 32]) -> Option<usize> {
        let slot = self.slot(name);
        let (start, end) = (*self.starts.get(slot)?, *self.starts.get(slot + 1)?);
        let near = self.ids.get(start..end)?;
        near.iter().position(|id| id.0 == *name).map(|n| start + n)
    }

    /// For each name the number of its best copy: of the best grade, and of those the newest.
    pub(crate) fn best(&self, view: &IndexView, grades: &Grades, among: Among) -> Vec<Best> {
        let mut best: Vec<Best> = vec![None; self.ids.len()];
        let (Some(first), Some(last)) = (self.ids.first(), self.ids.last()) else { return best };
        for (number, loaded) in view.segments().iter().enumerate().rev() {
            let segment = &loaded.segment;
            for n in segment.between(first, last) {
                let Some(frame) = segment.frame_of(n) else { continue };
                if among == Among::Nodes && !grades.has_nodes(number, frame) {
                    continue;
                }
                let Some(found) = segment.name(n).and_then(|name| self.find(name)) else {
                    continue;
                };
                let (Some(grade), Some(best)) = (grades.of(number, frame), best.get_mut(found))
                else {
                    continue;
                };
                if best.is_none_or(|(other, _)| grade < other) {
                    *best = Some((grade, loaded.base() + n));
                }
            }
        }
        best
    }
}

fn prefix(name: &[u8; 32]) -> u64 {
    name.first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
}

#[cfg(test)]
mod tests {
    use strongroom_base::Rng as _;
    use strongroom_base::rng::SeededRng;

    use super::*;

    #[test]
    fn find_sees_every_name_and_no_other() {
        let rng = SeededRng::new(9);
        let random = || {
            let mut id = UnitId([0; 32]);
            rng.fill(&mut id.0);
            id
        };
        for count in [0, 1, 2, 3, 100, 5000] {
            let mut ids: Vec<_> = (0..count).map(|_| random()).collect();
            if count > 2 {
                // Names that begin alike, and the ends of the range.
                ids[0] = UnitId([0; 32]);
                ids[1] = UnitId([255; 32]);
                ids[2] = UnitId([255; 32]);
                ids[2].0[31] = 0;
            }
            let wanted = Wanted::new([&ids[..], &ids[..]].concat());
            assert_eq!(wanted.ids().len(), ids.len());
            for id in &ids {
                let found = wanted.find(&id.0).and_then(|n| wanted.ids().get(n));
                assert_eq!(found, Some(id), "{count}");
            }
            for _ in 0..100 {
                assert_eq!(wanted.find(&random().0), None);
            }
        }
    }
}
