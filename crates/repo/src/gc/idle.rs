//! Whether there is anything to collect at all, told by control objects alone.
//!
//! # Why
//! A collection reads the whole index and every map. One that runs each hour in a repository where
//! nothing was deleted and nothing failed must not.

use super::census::Census;
use super::{CollectReport, Collector, Finish};
use crate::session::EndDoc;

impl Collector {
    /// Whether nothing but backups, restores and dry runs happened since the beginning of a
    /// collection that left nothing. Never for longer than a request may be on its way, so that
    /// what arrives late is found, too.
    pub(super) fn is_idle(&self, census: &Census, report: &CollectReport) -> bool {
        if self.options.full || report.given_up > 0 || !Finish::of(census).is_empty() {
            return false;
        }
        let mut ends: Vec<_> = census.ended_at.iter().collect();
        ends.sort_by_key(|(_, at)| std::cmp::Reverse(**at));
        let mut since = None;
        for (id, at) in ends {
            if since.is_some_and(|since| *at < since) {
                break;
            }
            match census.end_docs.get(id) {
                Some(EndDoc { collected: Some(true), .. }) => {
                    since = since.or(census.sessions.get(id).copied());
                }
                // A restore, a verification, a dry run.
                Some(EndDoc { by, collected: None }) if by == id => {}
                _ => return false,
            }
        }
        let Some(since) = since else { return false };
        let has_failed = |id| census.decided_at.get(id).is_none_or(|at| *at >= since);
        !census.tombstones.iter().any(has_failed)
            && census.now.since(since) < self.options.latest_arrival
    }
}
