//! The rules of the commit, hold and deletion protocol, by name.
//!
//! # Why
//! A protocol whose proof does not fail when a rule is left out proves nothing. Each rule has a
//! name here; the simulation leaves one out at a time and must lose a unit. In a build without
//! the `testing` feature every rule is obeyed and the question costs nothing.

use crate::repository::Repository;

/// A rule of the protocol (docs/format.md, "Protocol").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// A collector lists sessions again after it published its condemned set, and waits for them.
    RelistSessions,
    /// A collector marks manifests that are new since its first list even when graved by now.
    MarkGravedNewcomers,
    /// A copy inside any condemned set is no copy.
    CondemnedIsNoCopy,
    /// A writer does not use a graved parent.
    GravedParent,
    /// A writer whose manifest key holds a tombstone has lost.
    Tombstone,
    /// A manifest key stays taken: tombstones are not removed, collected manifests leave a grave or are
    /// buried.
    KeyStaysTaken,
    /// A writer reads the condemned sets before the index.
    CondemnedBeforeIndex,
    /// A writer uses nothing in a condemned pack.
    AvoidCondemned,
    /// A reader announces itself before it looks at the graves.
    ReaderAnnounces,
    /// An undelete checks that every unit is present, indexed, undamaged and not condemned.
    UndeleteChecks,
    /// An undelete creates its intent before it checks.
    UndeleteIntent,
    /// A collector decides that a grave stands for ever before it removes the manifest.
    FinalRefusal,
    /// A collector that misses a unit which only an undelete needs refuses that undelete first.
    MissingRefuses,
    /// Nothing in a pack that a listing does not show is referred to, counted as a copy or named
    /// in a rewritten segment: a segment may come late, after its packs were collected.
    PresentPacks,
    /// A writer reports failure only after its manifest key is decided.
    GiveUpFirst,
    /// A collector that misses a unit lists the graves again before it calls that an error.
    RecheckMissing,
    /// A collector lists manifests, holds and intents again before it deletes.
    RelistManifests,
    /// A collector keeps what a hold protects.
    ObeyHolds,
    /// Whoever makes a grave looks for a hold afterwards, and the other way round.
    HoldLooksForGrave,
    /// A condemned set goes only when its packs are gone, every session announced before has ended
    /// and no request can be on its way.
    CondemnedStays,
    /// A collector condemns no pack of a session that was open when it listed.
    SparesOpenSessions,
    /// A pack of an ended session that no index names is condemned only after its session ended.
    UnindexedBelongsToSession,
    /// A manifest's units are durable and indexed before the manifest.
    ManifestLast,
    /// A writer uses nothing that verify found damaged, and looks again before it commits.
    AvoidDamaged,
    /// A copy in a damaged place is no copy.
    DamagedIsNoCopy,
    /// An index segment that names a newly condemned pack is withdrawn.
    WithdrawSegment,
    /// A refused create whose stored bytes are ours has succeeded.
    LostAnswer,
    /// A listing on whose word something is deleted must show what was written before it.
    FreshList,
    /// A collector acts on a grave only after the delay.
    GraveDelay,
    /// A manifest in a buried set is deleted, whatever graves and ungraves say.
    BuriedStaysDeleted,
    /// Whoever looks at graves looks at the buried sets afterwards, never before.
    BuriedAfterGraves,
    /// Old graves go only on the word of a buried set that the census has listed and opened, and
    /// that was written days ago.
    MergeWaits,
    /// An undelete looks at the buried sets after it has created its ungrave.
    UndeleteLooksAgain,
}

impl Repository {
    /// Whether `rule` is obeyed: always, but for the one that a test leaves out.
    pub(crate) fn obeys(&self, rule: Rule) -> bool {
        #[cfg(feature = "testing")]
        return self.without != Some(rule);
        #[cfg(not(feature = "testing"))]
        {
            let _: Rule = rule;
            true
        }
    }
}
