//! The forms of identity's requests and answers (related-services, 2.2).

pub(super) mod catalog;
pub(super) mod directory;
pub(super) mod token;
