//! The forms of CBR's requests and answers (contract, sections 3 and 4), quirks included.
//!
//! # Invariants
//! - API-8: a field that breaks its rule is named in the answer, with the contract's code.
//! - Sizes in checkpoints are texts, everywhere else numbers; clients fail on the other.

pub(crate) mod backup;
pub(crate) mod billing;
pub(crate) mod checkpoint;
pub(crate) mod operation_log;
pub(crate) mod protectable;
pub(crate) mod resource;
pub(crate) mod restore;
pub(crate) mod tag;
pub(crate) mod vault;
