//! The worlds: who is in them.
//!
//! # Why
//! Ten kinds of actors and faults make 45 pairs, and every pair makes sense: two faults meet in
//! one writer and one collector, which are always there. What two actors do to each other needs
//! no third one beyond those; what a third could add is left to [`Size::Nightly`] and to the
//! simulation, which runs the product's code.
//!
//! Reductions, each chosen so that no loss is hidden: a list that can only make its reader more
//! careful when it is read later is read at its earliest moment; manifests are deleted at their
//! latest; two collectors that have not begun are alike. In crowded worlds [`Grain::Coarse`] joins
//! lists of a collector; where two collectors meet two writers, the second writer starts after the
//! first has ended. Second collectors meet only deletions of the first manifest.

use super::Rule;
use super::collector::{Grain, List};

/// How many of each kind take part in a world, which rule it leaves out, how (1) lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// The pair that the world is about.
    pub name: String,
    /// Writers, 1 to 3.
    pub writers: u8,
    /// Collectors, 1 or 2.
    pub collectors: u8,
    /// Readers, 0 or 1.
    pub readers: u8,
    /// Undeletes by an operator, 0 or 1.
    pub undeletes: u8,
    /// Holds, 0 or 1; with one, graves of the first manifest are made in two steps.
    pub holds: u8,
    /// Merges of index segments, 0 or 1.
    pub merges: u8,
    /// Burials, 0 or 1: whether the graves of collected manifests become a buried set.
    pub burials: u8,
    /// How many packs verify may find damaged.
    pub damages: u8,
    /// How many requests may be answered to nobody and arrive again later.
    pub lost_answers: u8,
    /// How many actors may die.
    pub crashes: u8,
    /// The rule that nobody obeys in this world.
    pub without: Option<Rule>,
    /// Further rules that nobody obeys: other guards against the same loss.
    pub unguarded: &'static [Rule],
    /// Whether collectors never delete a manifest's object.
    pub keeps_manifests: bool,
    /// Who sleeps when the world begins.
    pub asleep: Asleep,
    /// Order of the lists in step (1).
    pub order: [List; 4],
    /// How finely collectors step.
    pub grain: Grain,
    /// A search that meets more states than this gives up, which counts as a violation: the
    /// world has outgrown the time that is planned for it.
    pub limit: usize,
}

/// States that the largest world of [`Size::Daily`] may have.
const LIMIT: usize = 8_000_000;
/// States that a world of [`Size::Nightly`] may have: about 8 GiB of memory.
const NIGHTLY_LIMIT: usize = 60_000_000;

/// Who was paused before it published its index, and wakes up in the world after others have
/// tombstoned it and collected its pack. Two collections more would reach the same state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asleep {
    /// Nobody: the world begins with one pack and one manifest.
    Nobody,
    /// The first writer.
    Writer,
    /// The first collector.
    Collector,
    /// The merger, with a segment of the first pack and of one that is gone.
    Merger,
}

/// Who is added to one writer and one collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Writer,
    Collector,
    Reader,
    Undelete,
    Hold,
    Merge,
    Burial,
    Damage,
    LostAnswer,
    Crash,
}

const KINDS: [(Kind, &str); 10] = [
    (Kind::Writer, "writer"),
    (Kind::Collector, "second gc"),
    (Kind::Reader, "reader"),
    (Kind::Undelete, "undelete"),
    (Kind::Hold, "hold"),
    (Kind::Merge, "index merge"),
    (Kind::Burial, "burial"),
    (Kind::Damage, "damage"),
    (Kind::LostAnswer, "lost answer"),
    (Kind::Crash, "crash"),
];

/// The orders of the lists in step (1) that are tried.
pub const ORDERS: [[List; 4]; 3] = [
    [List::Sessions, List::Graves, List::Cancels, List::Manifests],
    [List::Manifests, List::Graves, List::Sessions, List::Cancels],
    [List::Cancels, List::Graves, List::Manifests, List::Sessions],
];

impl World {
    /// One writer and one collector.
    pub fn base() -> Self {
        Self {
            name: "base".to_owned(),
            writers: 1,
            collectors: 1,
            readers: 0,
            undeletes: 0,
            holds: 0,
            merges: 0,
            burials: 0,
            damages: 0,
            lost_answers: 0,
            crashes: 0,
            without: None,
            unguarded: &[],
            keeps_manifests: false,
            asleep: Asleep::Nobody,
            order: ORDERS[0],
            grain: Grain::Medium,
            limit: LIMIT,
        }
    }

    /// The base with more actors.
    fn of(kinds: &[Kind]) -> Self {
        let mut world = Self::base();
        let mut names = Vec::new();
        for kind in kinds {
            let count = match kind {
                Kind::Writer => &mut world.writers,
                Kind::Collector => &mut world.collectors,
                Kind::Reader => &mut world.readers,
                Kind::Undelete => &mut world.undeletes,
                Kind::Hold => &mut world.holds,
                Kind::Merge => &mut world.merges,
                Kind::Burial => &mut world.burials,
                Kind::Damage => &mut world.damages,
                Kind::LostAnswer => &mut world.lost_answers,
                Kind::Crash => &mut world.crashes,
            };
            *count += 1;
            names.extend(KINDS.iter().filter(|(k, _)| k == kind).map(|(_, name)| *name));
        }
        let others = world.holds + world.merges + world.undeletes;
        let crowded = (world.writers > 1 && others > 0) || (world.holds > 0 && world.merges > 0);
        if world.collectors > 1 || crowded {
            world.grain = Grain::Coarse;
        }
        world.name = names.join(" and ");
        world
    }

    /// Makes a world finer, and its faults twice as many.
    fn grow(&mut self) {
        self.limit = NIGHTLY_LIMIT;
        self.damages *= 2;
        self.lost_answers *= 2;
        self.crashes *= 2;
        self.grain = match self.grain {
            Grain::Coarse => Grain::Medium,
            Grain::Medium | Grain::Fine => Grain::Fine,
        };
    }

    /// Whether this world leaves `rule` out.
    pub fn without(&self, rule: Rule) -> bool {
        self.without == Some(rule) || self.unguarded.contains(&rule)
    }
}

/// How much a run of all worlds tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Seconds for each world.
    Daily,
    /// Finer steps, every subset of packs condemned, two of each fault: minutes for each world.
    Nightly,
}

/// One world for each pair of kinds; in the larger size also worlds of three writers.
pub fn worlds(size: Size) -> Vec<World> {
    let mut all = Vec::new();
    for (at, (one, _)) in KINDS.iter().enumerate() {
        for (other, _) in KINDS.iter().skip(at + 1) {
            let mut world = World::of(&[*one, *other]);
            world.order = ORDERS[all.len() % ORDERS.len()];
            all.push(world);
        }
    }
    if size == Size::Nightly {
        all.push(World::of(&[Kind::Writer, Kind::Writer]));
        for world in &mut all {
            world.grow();
        }
    }
    all
}

/// The world that loses something without `rule`, and nothing with it.
///
/// Where several rules guard against one loss, the others are left out in that world
/// ([`World::unguarded`]), so that the rule shows its worth as the last one.
pub fn breaking_world(rule: Rule) -> World {
    use Rule as R;
    let (kinds, unguarded): (&[Kind], &'static [Rule]) = match rule {
        R::CondemnedFirst => (&[], &[R::SetAfterSessions]),
        R::SetAfterSessions => (&[], &[R::CondemnedFirst]),
        R::MarkGraved | R::DoomedRecheck | R::ReaderAnnounces | R::ReaderTargets => {
            (&[Kind::Reader], &[])
        }
        R::Recondemned | R::CollectorSession => (&[Kind::Collector], &[]),
        R::ParentGrave
        | R::Tombstone
        | R::KeepTombstone
        | R::KeepGrave
        | R::RelistSessions
        | R::CopyPresent => (&[], &[]),
        R::MergeTrusted => (&[Kind::Writer, Kind::Merge], &[]),
        R::RewritePresent => (&[Kind::Merge], &[]),
        R::RecheckMissing | R::CollectorDamaged | R::ParentDamaged | R::DamagedAgain => {
            (&[Kind::Damage], &[])
        }
        R::MissingRefuses => (&[Kind::Collector, Kind::Undelete], &[]),
        R::FinalRefusal
        | R::UndeleteIntent
        | R::UndeletePresent
        | R::UndeleteCondemnedFirst
        | R::UndeleteDecides
        | R::IntentOutlives
        | R::IntentsFirst => (&[Kind::Undelete], &[]),
        R::UndeleteLooksAgain => (&[Kind::Undelete, Kind::Burial], &[]),
        R::UndeleteDamaged => (&[Kind::Undelete, Kind::Damage], &[]),
        R::HoldLooks | R::GraveLooks | R::HoldRoots | R::BackOffUndeletes => (&[Kind::Hold], &[]),
        R::HoldAdmitsNobody => (&[Kind::Reader, Kind::Hold], &[]),
        R::MergeCondemned | R::MergeWaited => (&[Kind::Merge], &[R::SetAfterSessions]),
        R::MergeRecheck => (&[Kind::Merge], &[R::SetAfterNames, R::MergeCondemned]),
        R::SetAfterNames => (&[Kind::Merge], &[R::MergeRecheck, R::MergeCondemned]),
        R::SuspectSeen => (&[Kind::Writer], &[]),
        R::SetAfterLate => (&[Kind::Writer, Kind::LostAnswer], &[]),
        R::EqualBytes | R::OtherBytes | R::GiveUpTombstone => (&[Kind::LostAnswer], &[]),
    };
    let mut world = World { without: Some(rule), unguarded, ..World::of(kinds) };
    if rule == R::Recondemned {
        world.grain = Grain::Medium;
    }
    world.asleep = match rule {
        R::CopyPresent | R::SuspectSeen | R::MergeTrusted => Asleep::Writer,
        R::CollectorSession => Asleep::Collector,
        R::RewritePresent => Asleep::Merger,
        _ => Asleep::Nobody,
    };
    world.keeps_manifests = matches!(rule, R::UndeletePresent | R::UndeleteCondemnedFirst);
    world
}
