//! The rules of the protocol that the model can leave out, one at a time.

macro_rules! rules {
    ($($name:ident: $text:literal,)*) => {
        /// One rule of the commit, deletion, undelete, hold, merge and GC protocol. Steps in
        /// parentheses are those of garbage collection.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Rule {
            $(#[doc = $text] $name,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What the product's code must do.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

rules! {
    CondemnedFirst: "A writer reads the condemned sets before the index, never after it.",
    ParentGrave: "A writer does not use a parent that is graved without an ungrave.",
    Tombstone: "A commit is one conditional create of the manifest key; a tombstone found there ends the session as failed.",
    KeepTombstone: "A tombstone is never removed, so that its key is never free again.",
    KeepGrave: "The grave of a collected manifest stays, or a buried set says the same, so that a late create of the same key is deleted at once.",
    UndeleteLooksAgain: "An undelete reads the buried sets after it has created its ungrave.",
    RelistSessions: "GC lists the sessions again after its condemned set is visible, and waits until each writer has a manifest or a tombstone.",
    MarkGraved: "GC marks in (5) every manifest that was not in the list of (1), even if it is graved by now.",
    Recondemned: "GC reads all condemned sets again in (4); a copy inside any of them is no copy.",
    RecheckMissing: "A unit that GC misses in (6) is an error only if a manifest that is not graved needs it, the graves listed again; a hold does not count there.",
    MissingRefuses: "If only an undelete under way needs a unit that GC misses in (6), GC refuses that undelete before it deletes anything.",
    CopyPresent: "GC relies on a copy only if it has seen the pack, not because an index segment names it.",
    FinalRefusal: "Before GC deletes a manifest's object it creates a refusal at the ungrave key of the grave it saw in (1); if an ungrave is there, the manifest stays.",
    DoomedRecheck: "GC deletes a manifest's object only if it was dead in (1) and is still dead in (5), and no listed reader reads it.",
    ReaderAnnounces: "A reader announces its session before it looks at the graves.",
    ReaderTargets: "GC treats the targets of all open readers of (1) and (4) as needed.",
    UndeleteIntent: "An undelete creates its intent before it looks at anything, and GC treats intents as roots in (1) and (5).",
    UndeletePresent: "An undelete sees each pack present; a name in the index is not enough.",
    UndeleteCondemnedFirst: "An undelete reads the condemned sets before it looks for index and packs.",
    UndeleteDecides: "An undelete accepts by a conditional create of the grave's ungrave key; whoever gives up on it, or deletes the manifest, creates a refusal at that key.",
    IntentOutlives: "An undelete removes its intent only after its ungrave key is decided.",
    IntentsFirst: "GC lists the intents in (5) before the ungraves.",
    HoldLooks: "Who creates a hold lists the graves afterwards; on a grave it removes the hold and refuses.",
    GraveLooks: "Who creates a grave lists the holds afterwards; on a hold the deletion is not accepted.",
    HoldRoots: "GC treats a held manifest as a root in (1) and again in (5), graved or not.",
    BackOffUndeletes: "Who backs off from its grave takes it back by an undelete with intent, check and decision, never by a bare ungrave.",
    HoldAdmitsNobody: "A reader refuses a graved manifest even if a hold exists: the hold may not be accepted.",
    MergeCondemned: "The merger reads the condemned sets before the segments and leaves their packs out.",
    MergeRecheck: "The merger reads the condemned sets again after publishing and withdraws a segment that names one of their packs.",
    MergeWaited: "The merger runs under a writer session, and GC waits for it in (4).",
    MergeTrusted: "The merger leaves segments of tombstoned sessions alone.",
    RewritePresent: "A segment that GC writes in place of another names only packs it has seen present.",
    SetAfterSessions: "A condemned set is removed only after every writer, merger and collector session announced before has ended.",
    SetAfterNames: "A condemned set is removed only when the index, listed after that, names none of its packs.",
    SetAfterLate: "A condemned set is removed only when no request sent before can still arrive.",
    SuspectSeen: "An entry that only segments of tombstoned sessions hold is used only after its pack was seen present; tombstones are read after the index.",
    CollectorSession: "GC writes packs and segments under an announced session of its own, which others can tombstone.",
    CollectorDamaged: "GC counts a damaged copy as no copy.",
    UndeleteDamaged: "An undelete counts a damaged copy as no copy.",
    ParentDamaged: "A parent hit on a damaged unit is no hit.",
    DamagedAgain: "A writer reads the damaged sets again before it commits and uploads what it relied on.",
    EqualBytes: "A create that finds its own bytes succeeded.",
    OtherBytes: "A create that finds other bytes failed, also when it was retried.",
    GiveUpTombstone: "A writer reports a failure after its commit was sent only once it has created the tombstone itself.",
}
