//! A small filter over the names of a segment: most look-ups of what is not there end here.
//!
//! # Why
//! A repository has a segment for each backup until they are merged; without a filter, each new
//! unit would be searched for in all of them. Names are uniformly random, so their own bytes serve
//! as hashes. The filter is derived from the segment when it is loaded and lies in the same mapped
//! file; it is not part of the format.

use crate::crypto::UnitId;

/// Bytes of a block: one cache line, so that a question costs one memory access.
const BLOCK_LEN: usize = 64;
/// Bits set for each name. With [`BITS_PER_NAME`] bits of space, about one in two hundred absent
/// names passes.
const PROBES: usize = 5;
const BITS_PER_NAME: usize = 12;

/// Builds the filter over `names`, of which there are `count`.
pub(crate) fn build<'n>(count: usize, names: impl Iterator<Item = &'n [u8; 32]>) -> Vec<u8> {
    let blocks = (count * BITS_PER_NAME).div_ceil(BLOCK_LEN * 8).max(1);
    let mut filter = vec![0; blocks * BLOCK_LEN];
    for name in names {
        let (block, bits) = place(name, blocks);
        let bytes = filter.get_mut(block * BLOCK_LEN..(block + 1) * BLOCK_LEN).unwrap_or_default();
        for bit in bits {
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
    }
    filter
}

/// Whether `id` may be among the names; false is certain.
pub(crate) fn may_hold(filter: &[u8], id: &UnitId) -> bool {
    let (block, bits) = place(&id.0, filter.len() / BLOCK_LEN);
    let bytes = filter.get(block * BLOCK_LEN..(block + 1) * BLOCK_LEN).unwrap_or_default();
    bits.into_iter().all(|bit| bytes.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1))
}

/// The block of a name and its bits in it. Taken from bytes that the order of the names does not
/// depend on first.
fn place(name: &[u8; 32], blocks: usize) -> (usize, [usize; PROBES]) {
    let (words, _) = name.as_chunks::<8>();
    let word = |n: usize| words.get(n).map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let block = (u128::from(word(2)) * blocks as u128) >> 64;
    let mut bits = [0; PROBES];
    let mut rest = word(3);
    for bit in &mut bits {
        *bit = usize::try_from(rest % (BLOCK_LEN as u64 * 8)).unwrap_or(0);
        rest >>= 9;
    }
    (usize::try_from(block).unwrap_or(0), bits)
}

#[cfg(test)]
mod tests {
    use strongroom_base::Rng as _;
    use strongroom_base::rng::SeededRng;

    use super::*;

    #[test]
    fn filter_holds_every_name_and_few_others() {
        let rng = SeededRng::new(5);
        let mut names = vec![[0; 32]; 10_000];
        for name in &mut names {
            rng.fill(name);
        }
        let filter = build(names.len(), names.iter());
        assert!(names.iter().all(|name| may_hold(&filter, &UnitId(*name))));
        let mut other = [0; 32];
        let passed = (0..20_000)
            .filter(|_| {
                rng.fill(&mut other);
                may_hold(&filter, &UnitId(other))
            })
            .count();
        assert!(passed < 400, "{passed} of 20000 passed");
        assert!(!may_hold(&build(0, names.iter().take(0)), &UnitId([9; 32])));
    }
}
