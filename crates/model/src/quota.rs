//! How many things another thing may have.

/// The limits of one vault. The contract's numbers are the default; an operator may raise them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Resources in a vault (R1).
    pub resources: usize,
    /// Tags on a vault (R4).
    pub tags: usize,
}

impl Default for Quota {
    fn default() -> Self {
        Self { resources: 256, tags: 20 }
    }
}
