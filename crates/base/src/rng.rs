//! Randomness as a parameter, so that a simulation can replay it.

use std::sync::{Mutex, PoisonError};

/// Where random bytes come from.
pub trait Rng: Send + Sync {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator, fit for keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRng;

impl Rng for OsRng {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the kernel's random generator works once it has started");
    }
}

/// A repeatable generator for simulations and tests (`SplitMix64`). Never for keys that matter.
#[derive(Debug)]
pub struct SeededRng(Mutex<u64>);

impl SeededRng {
    /// A generator that gives the same bytes for the same `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// The next 64 random bits.
    ///
    /// # Panics
    /// When another thread panicked in here.
    pub fn next_u64(&self) -> u64 {
        step(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number below `bound`; `bound` must not be zero.
    pub fn below(&self, bound: u64) -> u64 {
        self.next_u64() % bound
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (words, rest) = bytes.as_chunks_mut();
        for word in words {
            *word = step(&mut state).to_le_bytes();
        }
        if !rest.is_empty() {
            let last = step(&mut state).to_le_bytes();
            rest.copy_from_slice(last.get(..rest.len()).unwrap_or_default());
        }
    }
}

/// The next word of `SplitMix64`.
fn step(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
