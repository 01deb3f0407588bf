//! Which clusters of a disk hold data, and the how many-th each is.

use strongroom_base::ByteRange;

use super::{CLUSTER, ENTRIES};

/// Bits of a word.
const BITS: u64 = 64;
/// Words of the clusters that one L2 table covers.
const WORDS: usize = 128;

/// A set of clusters: 2 MiB for each TiB of the disk.
#[derive(Debug, Clone, Default)]
pub struct ClusterSet {
    words: Vec<u64>,
    /// For each part of [`WORDS`] words, how many clusters the parts before it have; one more at
    /// the end for all of them.
    before: Vec<u64>,
}

impl ClusterSet {
    /// Adds the clusters that `range` of the disk touches. Ranges come in order, the last one may
    /// be of a cluster that is there already.
    pub fn insert(&mut self, range: ByteRange) {
        for cluster in range.start / CLUSTER..range.end.div_ceil(CLUSTER) {
            if !self.has(cluster) {
                self.put(cluster);
            }
        }
    }

    fn put(&mut self, cluster: u64) {
        let Ok(word) = usize::try_from(cluster / BITS) else { return };
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= 1 << (cluster % BITS);
        }
        let all = self.count();
        self.before.resize(self.before.len().max(word / WORDS + 2), all);
        self.before.iter_mut().skip(word / WORDS + 1).for_each(|before| *before += 1);
    }

    /// Whether a cluster holds data.
    pub(super) fn has(&self, cluster: u64) -> bool {
        let word = usize::try_from(cluster / BITS).ok().and_then(|word| self.words.get(word));
        word.is_some_and(|bits| bits >> (cluster % BITS) & 1 == 1)
    }

    /// How many hold data.
    pub fn count(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// How many before part `part` hold data; a part is what one L2 table covers.
    pub(super) fn count_before(&self, part: u64) -> u64 {
        let before = usize::try_from(part).ok().and_then(|part| self.before.get(part));
        before.copied().unwrap_or_else(|| self.count())
    }

    /// How many of a part hold data.
    pub(super) fn count_in(&self, part: u64) -> u64 {
        self.count_before(part + 1) - self.count_before(part)
    }

    /// The number of the `position`-th cluster that holds data, from 0.
    pub(super) fn nth(&self, position: u64) -> Option<u64> {
        if position >= self.count() {
            return None;
        }
        // The last part with no more than that before it.
        let part = self.before.partition_point(|before| *before <= position).checked_sub(1)?;
        let mut left = position - self.before.get(part)?;
        for (n, word) in (0_u64..).zip(self.words.get(part * WORDS..)?) {
            let ones = u64::from(word.count_ones());
            if left < ones {
                let mut bits = *word;
                for _ in 0..left {
                    bits &= bits - 1;
                }
                return Some(part as u64 * ENTRIES + n * BITS + u64::from(bits.trailing_zeros()));
            }
            left -= ones;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nth_and_counts_are_those_of_the_list(
            gaps in proptest::collection::vec(1_u64..20_000, 0..60)
        ) {
            let clusters: Vec<u64> =
                gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at - 1) }).collect();
            let mut set = ClusterSet::default();
            for cluster in &clusters {
                set.insert(ByteRange::at(cluster * CLUSTER, 1));
            }
            prop_assert_eq!(set.count(), clusters.len() as u64);
            for (n, cluster) in (0_u64..).zip(&clusters) {
                prop_assert_eq!(set.nth(n), Some(*cluster));
                prop_assert!(set.has(*cluster));
                let part = cluster / ENTRIES;
                let inside = clusters.iter().filter(|it| *it / ENTRIES == part).count();
                prop_assert_eq!(set.count_in(part), inside as u64);
                let before = clusters.iter().filter(|it| *it / ENTRIES < part).count();
                prop_assert_eq!(set.count_before(part), before as u64);
            }
            prop_assert_eq!(set.nth(clusters.len() as u64), None);
        }
    }
}
