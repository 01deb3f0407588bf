//! One directed scenario for each rule: the order of events in which only that rule saves a unit.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::ids::ManifestId;
use strongroom_repo::object::ObjectKey;
use strongroom_repo::rules::Rule;
use strongroom_repo::testing::fault::{Failure, FaultStore, Side};
use strongroom_repo::testing::sim::{Ended, Fault, Faults};
use strongroom_repo::{
    AgeLiveness, BackupError, CollectOptions, Env, GraveError, ReadError, RestoreError,
    VerifyOptions,
};

use super::burial::{
    buried_after_graves, buried_stays_deleted, merge_waits, two_burials, undelete_looks_again,
};
use super::cast::{
    Cast, Flaw, Outcome, at_once, backup, broken, collected, far_away, restore, script,
};

/// A directed scenario.
pub(super) type Script = fn(&mut Cast) -> Outcome;

pub(super) const DISK: &[u8] = &[1, 2, 3, 4];

pub(super) fn hours(n: u64) -> Duration {
    Duration::from_hours(n)
}

fn mins(n: u64) -> Duration {
    Duration::from_mins(n)
}

/// The first request that starts with `text`.
pub(super) fn first(text: &'static str) -> impl FnMut(&str) -> bool + Send {
    nth(1, text)
}

/// The `n`th request that starts with `text`.
fn nth(n: u32, text: &'static str) -> impl FnMut(&str) -> bool + Send {
    let mut seen = 0;
    move |request| {
        seen += u32::from(request.starts_with(text));
        seen == n
    }
}

/// The `n`th request that starts with `text` after a collector has published what it condemns.
fn published(n: usize, text: &'static str) -> impl FnMut(&str) -> bool + Send {
    let (mut is_published, mut seen) = (false, 0);
    move |request| {
        is_published |= request.starts_with("create condemned/");
        seen += usize::from(is_published && request.starts_with(text));
        seen == n
    }
}

/// A collector's listing of the sessions that it will wait for.
fn relist() -> impl FnMut(&str) -> bool + Send {
    published(1, "list session/")
}

/// Which scenario betrays that a rule is left out, and within how many seeds.
pub(super) const RULES: [(Rule, &str, Script, u64); 33] = [
    (Rule::RelistSessions, "a writer with an old index commits late", relist_sessions, 4),
    (Rule::MarkGravedNewcomers, "a new parent is deleted again", mark_graved_newcomers, 4),
    (Rule::CondemnedIsNoCopy, "two collectors rely on each other", condemned_is_no_copy, 8),
    (Rule::GravedParent, "a writer starts from a deleted parent", graved_parent, 4),
    (Rule::Tombstone, "a paused writer wakes after it was given up", tombstone, 4),
    (Rule::KeyStaysTaken, "a paused writer wakes after a sweep", key_stays_taken, 4),
    (Rule::CondemnedBeforeIndex, "a set goes while a writer reads", condemned_before_index, 30),
    (Rule::AvoidCondemned, "a writer finds a condemned pack", avoid_condemned, 4),
    (Rule::ReaderAnnounces, "a backup is deleted as a reader comes", reader_announces, 4),
    (Rule::UndeleteChecks, "an undelete comes while packs go", undelete_checks, 4),
    (Rule::UndeleteIntent, "a collector comes while an undelete checks", undelete_intent, 4),
    (Rule::RecheckMissing, "another collector was faster", recheck_missing, 4),
    (Rule::RelistManifests, "a writer commits while it is waited for", relist_manifests, 4),
    (Rule::ObeyHolds, "a hold wins against a deletion", obey_holds, 4),
    (Rule::HoldLooksForGrave, "a hold comes while packs go", hold_looks_for_grave, 4),
    (Rule::CondemnedStays, "an index segment arrives days late", condemned_stays, 4),
    (Rule::SparesOpenSessions, "a collector meets another's copies", spares_open_sessions, 4),
    (Rule::UnindexedBelongsToSession, "the same", spares_open_sessions, 4),
    (Rule::ManifestLast, "a writer dies as its manifest arrives", manifest_last, 20),
    (Rule::AvoidDamaged, "damaged content is backed up again", avoid_damaged, 4),
    (Rule::DamagedIsNoCopy, "the good copy's pack is condemned", damaged_is_no_copy, 4),
    (Rule::WithdrawSegment, "a segment arrives during a sweep", withdraw_segment, 30),
    (Rule::LostAnswer, "a hold's requests lose their answers", lost_answer, 30),
    (Rule::FreshList, "a store forgets what it was told", fresh_list, 4),
    (Rule::GiveUpFirst, "a writer's commit loses its answers", give_up_first, 60),
    (Rule::PresentPacks, "a segment arrives after its set has gone", present_packs, 4),
    (Rule::FinalRefusal, "an undelete wakes after a week", final_refusal, 4),
    (Rule::GraveDelay, "a deletion is regretted in time", grave_delay, 4),
    (Rule::MissingRefuses, "an undelete finds what a collector missed", missing_refuses, 4),
    (Rule::BuriedStaysDeleted, "a buried manifest arrives late", buried_stays_deleted, 4),
    (Rule::BuriedAfterGraves, "graves go while a list is made", buried_after_graves, 4),
    (Rule::MergeWaits, "a buried set is spoiled as it is written", merge_waits, 4),
    (Rule::UndeleteLooksAgain, "an undelete wakes after a burial", undelete_looks_again, 4),
];

/// What once went wrong although every rule was obeyed.
pub(super) const REGRESSIONS: [(&str, Script); 12] = [
    ("an undelete ends between two listings", undelete_between_listings),
    ("a backup is undeleted and deleted again", undelete_then_delete_again),
    ("a collector rewrites the index twice", rewrite_index_twice),
    ("the removal of an old intent arrives late", late_intent_removal),
    ("the removal of an old hold arrives late", late_hold_removal),
    ("a slow collector's segment arrives late", slow_collector),
    ("a backup goes while its units are copied", missing_while_copying),
    ("the index changes while a collector marks", index_changes_while_marking),
    ("units move between two looks of a collector", units_move_between_looks),
    ("an index segment is unreadable for a moment", undelete_meets_unreadable_index),
    ("packs go while verify reads them", verify_meets_collector),
    ("two collectors bury at once", two_burials),
];

/// A deleted backup, whose packs nobody needs any more.
pub(super) fn garbage(cast: &mut Cast) -> Outcome<ManifestId> {
    let id = cast.backup(DISK, &[])?;
    cast.delete(id)?;
    Ok(id)
}

fn relist_sessions(cast: &mut Cast) -> Outcome {
    garbage(cast)?;
    let knows = cast.gate("writer", mins(20), first("list pack/"));
    let writer = cast.start_backup("writer", DISK, &[]);
    cast.until("the writer has the index", || knows.is_reached())?;
    let gc = cast.start_collect("gc", at_once());
    let result = cast.finish(&gc)?;
    collected(result)?;
    let result = cast.finish(&writer)?;
    cast.made(DISK, result)?;
    cast.check()
}

/// The same order of events; here the collector does wait, but must look what was committed.
fn relist_manifests(cast: &mut Cast) -> Outcome {
    relist_sessions(cast)
}

fn mark_graved_newcomers(cast: &mut Cast) -> Outcome {
    garbage(cast)?;
    let knows = cast.gate("first", mins(20), first("get index/"));
    let first_writer = cast.start_backup("first", DISK, &[]);
    cast.until("the first writer has the index", || knows.is_reached())?;
    let waits = cast.gate("gc", hours(3), relist());
    let gc = cast.start_collect("gc", at_once());
    cast.until("the collector waits", || waits.is_reached())?;
    let result = cast.finish(&first_writer)?;
    let Some(parent) = cast.made(DISK, result)? else { return script("given up") };
    let read = cast.gate("second", hours(6), first("get pack/"));
    let second = cast.start_backup("second", DISK, &[parent]);
    cast.until("the second writer has read its parent", || read.is_reached())?;
    cast.delete(parent)?;
    let result = cast.finish(&gc)?;
    collected(result)?;
    let result = cast.finish(&second)?;
    cast.made(DISK, result)?;
    cast.check()
}

fn condemned_is_no_copy(cast: &mut Cast) -> Outcome {
    let (left, right) = (DISK, &[1, 5, 6, 7]);
    // Both upload unit 1, because neither sees the other's pack.
    let knows = cast.gate("right", mins(10), first("list index/"));
    let writer = cast.start_backup("right", right, &[]);
    cast.until("the right writer has the index", || knows.is_reached())?;
    let left_id = cast.backup(left, &[])?;
    let result = cast.finish(&writer)?;
    let Some(right_id) = cast.made(right, result)? else { return script("given up") };
    cast.delete(right_id)?;
    // One collector is about to condemn the right pack, and then the right backup comes back.
    let chooses = cast.gate("gc-right", hours(3), nth(2, "list session/"));
    let gc_right = cast.start_collect("gc-right", at_once());
    cast.until("it chooses the right pack", || chooses.is_reached())?;
    if !cast.undelete(right_id, right)? {
        return script("the undelete came too late");
    }
    cast.delete(left_id)?;
    let copied = cast.gate("gc-left", hours(12), published(2, "list index/"));
    let gc_left = cast.start_collect("gc-left", at_once());
    cast.until("the left one has copied what it must", || copied.is_reached())?;
    for gc in [gc_right, gc_left] {
        let result = cast.finish(&gc)?;
        collected(result)?;
    }
    cast.check()
}

fn graved_parent(cast: &mut Cast) -> Outcome {
    let parent = garbage(cast)?;
    let waits = cast.gate("gc", hours(3), relist());
    let gc = cast.start_collect("gc", at_once());
    cast.until("the collector waits", || waits.is_reached())?;
    let read = cast.gate("writer", hours(6), first("get pack/"));
    let writer = cast.start_backup("writer", DISK, &[parent]);
    let early = cast.reach_or_finish(&read, &writer)?;
    let result = cast.finish(&gc)?;
    collected(result)?;
    let result = early.map_or_else(|| cast.finish(&writer), Ok)?;
    cast.made(DISK, result)?;
    cast.check()
}

fn impatient() -> CollectOptions {
    CollectOptions { liveness: Arc::new(AgeLiveness::default()), ..at_once() }
}

fn tombstone(cast: &mut Cast) -> Outcome {
    garbage(cast)?;
    let knows = cast.gate("writer", hours(3), first("list pack/"));
    let writer = cast.start_backup("writer", DISK, &[]);
    cast.until("the writer has the index", || knows.is_reached())?;
    cast.collect(impatient())?;
    let result = cast.finish(&writer)?;
    cast.made(DISK, result)?;
    cast.check()
}

fn key_stays_taken(cast: &mut Cast) -> Outcome {
    garbage(cast)?;
    let knows = cast.gate("writer", hours(3), first("list pack/"));
    let writer = cast.start_backup("writer", DISK, &[]);
    cast.until("the writer has the index", || knows.is_reached())?;
    cast.pass(mins(40))?;
    cast.collect(impatient())?;
    let result = cast.finish(&writer)?;
    cast.made(DISK, result)?;
    cast.check()
}

/// What a backup left in the store: its index segment and its packs.
struct Remains(Vec<(ObjectKey, Bytes)>);

impl Remains {
    /// Requests that arrive late bring back what is below `prefix`.
    fn come_back(&self, cast: &Cast, prefix: &str) {
        for (key, bytes) in self.0.iter().filter(|(key, _)| key.as_str().starts_with(prefix)) {
            cast.world.replace(key, Some(bytes.clone()));
        }
    }

    /// The removals of the packs arrive once more.
    fn go_again(&self, cast: &Cast) {
        for (key, _) in self.0.iter().filter(|(key, _)| key.as_str().starts_with("pack/")) {
            cast.world.replace(key, None);
        }
    }
}

/// The remains of a backup that is deleted and collected then.
fn collected_remains(cast: &mut Cast) -> Outcome<Remains> {
    let id = cast.backup(DISK, &[])?;
    let is_data = |key: &str| key.starts_with("pack/") || key.starts_with("index/");
    let remains = cast.world.objects().into_iter().filter(|(key, _)| is_data(key.as_str()));
    let remains = Remains(remains.map(|(key, stored)| (key, stored.bytes)).collect());
    cast.delete(id)?;
    cast.collect(at_once())?;
    Ok(remains)
}

/// A writer whose listings of packs are old.
fn late_seeing_backup(cast: &mut Cast, actor: &str) -> Ended<Result<ManifestId, BackupError>> {
    let repo = cast.repo(actor, Faults::none().with(Fault::StalePackList, 1000));
    cast.executor.spawn(actor, backup(repo, DISK.to_vec(), Vec::new()))
}

fn condemned_before_index(cast: &mut Cast) -> Outcome {
    let remains = collected_remains(cast)?;
    cast.pass(mins(7 * 24 * 60 - 10))?;
    remains.come_back(cast, "");
    cast.pass(mins(20))?;
    let waits = cast.gate("gc", hours(1), nth(3, "list session/"));
    let gc = cast.start_collect("gc", at_once());
    cast.until("the collector waits for writers", || waits.is_reached())?;
    let knows = cast.gate("writer", mins(63), first("get index/"));
    let writer = late_seeing_backup(cast, "writer");
    cast.until("the writer has the index", || knows.is_reached())?;
    let result = cast.finish(&gc)?;
    collected(result)?;
    let result = cast.finish(&writer)?;
    cast.made(DISK, result)?;
    cast.check()
}

fn avoid_condemned(cast: &mut Cast) -> Outcome {
    garbage(cast)?;
    let waits = cast.gate("gc", hours(3), relist());
    let gc = cast.start_collect("gc", at_once());
    cast.until("the collector waits", || waits.is_reached())?;
    let knows = cast.gate("writer", hours(6), first("list pack/"));
    let writer = cast.start_backup("writer", DISK, &[]);
    cast.until("the writer has the index", || knows.is_reached())?;
    let result = cast.finish(&gc)?;
    collected(result)?;
    let result = cast.finish(&writer)?;
    cast.made(DISK, result)?;
    cast.check()
}

fn reader_announces(cast: &mut Cast) -> Outcome {
    let id = cast.backup(DISK, &[])?;
    let looked = cast.gate("reader", hours(3), first("list grave/"));
    let repo = cast.repo("reader", Faults::none());
    let reader = cast.executor.spawn("reader", restore(repo, id));
    cast.until("the reader finds no grave", || looked.is_reached())?;
    cast.delete(id)?;
    let deletes = cast.gate("gc", hours(6), first("delete pack/"));
    let gc = cast.start_collect("gc", at_once());
    let early = cast.reach_or_finish(&deletes, &gc)?;
    match cast.finish(&reader)? {
        Ok(_) | Err(RestoreError::Absent { .. }) => {}
        Err(error) => return broken(format!("an admitted reader loses its target: {error:?}")),
    }
    let result = early.map_or_else(|| cast.finish(&gc), Ok)?;
    collected(result)?;
    cast.check()
}

/// A collector of a deleted backup that is about to delete its packs.
fn deleting(cast: &mut Cast) -> Outcome<Ended<CollectResult>> {
    let deletes = cast.gate("gc", hours(3), first("delete index/"));
    let gc = cast.start_collect("gc", at_once());
    cast.until("the collector deletes", || deletes.is_reached())?;
    Ok(gc)
}

type CollectResult = Result<strongroom_repo::CollectReport, strongroom_repo::CollectError>;

fn undelete_checks(cast: &mut Cast) -> Outcome {
    let id = garbage(cast)?;
    let gc = deleting(cast)?;
    cast.undelete(id, DISK)?;
    let result = cast.finish(&gc)?;
    collected(result)?;
    cast.check()
}

fn undelete_intent(cast: &mut Cast) -> Outcome {
    let id = garbage(cast)?;
    let checked = cast.gate("undeleter", hours(3), first("get pack/"));
    let repo = cast.repo("undeleter", Faults::none());
    let undelete = cast.executor.spawn("undeleter", async move { repo.undelete(id).await });
    cast.until("the undelete has checked", || checked.is_reached())?;
    let deletes = cast.gate("gc", hours(6), nth(2, "delete pack/"));
    let gc = cast.start_collect("gc", at_once());
    let early = cast.reach_or_finish(&deletes, &gc)?;
    let result = cast.finish(&undelete)?;
    cast.revived(id, DISK, result.map(|_| ()))?;
    let result = early.map_or_else(|| cast.finish(&gc), Ok)?;
    collected(result)?;
    cast.check()
}

fn recheck_missing(cast: &mut Cast) -> Outcome {
    let id = cast.backup(DISK, &[])?;
    let listed = cast.gate("slow", hours(3), first("list done/"));
    let slow = cast.start_collect("slow", at_once());
    cast.until("the slow collector has its census", || listed.is_reached())?;
    cast.delete(id)?;
    cast.collect(at_once())?;
    let result = cast.finish(&slow)?;
    collected(result)?;
    cast.check()
}

fn obey_holds(cast: &mut Cast) -> Outcome {
    let id = cast.backup(DISK, &[])?;
    let looked = cast.gate("deleter", hours(1), first("list hold/"));
    let graved = cast.gate("deleter", hours(5), first("create grave/"));
    let repo = cast.repo("deleter", Faults::none());
    let delete = cast.executor.spawn("deleter", async move { repo.delete(id).await });
    cast.until("the deleter finds no hold", || looked.is_reached())?;
    let until = far_away(cast);
    let held = cast.act("user", move |repo| async move { repo.hold(id, until, "test").await })?;
    let held = cast.revived(id, DISK, held)?;
    cast.until("the grave is made", || graved.is_reached())?;
    cast.collect(at_once())?;
    if cast.finish(&delete)?.is_ok() && held {
        return broken("a backup was deleted although it was held");
    }
    cast.check()
}

fn hold_looks_for_grave(cast: &mut Cast) -> Outcome {
    let id = garbage(cast)?;
    let gc = deleting(cast)?;
    let until = far_away(cast);
    let held = cast.act("user", move |repo| async move { repo.hold(id, until, "test").await })?;
    cast.revived(id, DISK, held)?;
    let result = cast.finish(&gc)?;
    collected(result)?;
    cast.check()
}

fn condemned_stays(cast: &mut Cast) -> Outcome {
    let remains = collected_remains(cast)?;
    cast.collect(at_once())?;
    cast.pass(hours(6 * 24))?;
    remains.come_back(cast, "");
    cast.backup(DISK, &[])?;
    remains.go_again(cast);
    cast.check()
}

fn spares_open_sessions(cast: &mut Cast) -> Outcome {
    let old = cast.backup(DISK, &[])?;
    cast.backup(&[1], &[])?;
    cast.delete(old)?;
    let copied = cast.gate("slow", hours(3), first("put pack/"));
    let slow = cast.start_collect("slow", at_once());
    cast.until("the slow collector has copied", || copied.is_reached())?;
    cast.collect(at_once())?;
    let result = cast.finish(&slow)?;
    collected(result)?;
    cast.check()
}

fn manifest_last(cast: &mut Cast) -> Outcome {
    let sim = cast.executor.sim();
    let died = cast.on("writer", first("create manifest/"), move || sim.kill("writer"));
    let repo = cast.repo("writer", Faults::none());
    drop(cast.executor.spawn("writer", backup(repo, DISK.to_vec(), Vec::new())));
    cast.until("the manifest arrives", || died.is_reached())?;
    cast.pass(mins(1))?;
    cast.check()
}

/// Flips a bit `from_end` bytes before the end of the biggest pack and lets verify find it.
fn damage(cast: &mut Cast, from_end: usize) -> Outcome {
    let mut packs = cast.world.objects();
    packs.retain(|key, _| key.as_str().starts_with("pack/"));
    let Some((key, pack)) = packs.into_iter().max_by_key(|(_, pack)| pack.bytes.len()) else {
        return script("no pack");
    };
    let mut bytes = pack.bytes.to_vec();
    let place = bytes.len() - from_end;
    bytes[place] ^= 1;
    cast.world.replace(&key, Some(bytes.into()));
    let options = VerifyOptions::default();
    let report = cast.act("verifier", |repo| async move { repo.verify(&options).await })?;
    match report {
        Ok(report) if report.is_sound() => broken("verify does not see a flipped bit"),
        Ok(_) => Ok(()),
        Err(error) => broken(format!("verify fails: {error:?}")),
    }
}

fn avoid_damaged(cast: &mut Cast) -> Outcome {
    let id = cast.backup(DISK, &[])?;
    cast.promised.remove(&id);
    damage(cast, 60 << 10)?;
    cast.backup(DISK, &[id])?;
    cast.check()
}

fn damaged_is_no_copy(cast: &mut Cast) -> Outcome {
    // Two whole frames and one of a single unit, which is the one that is damaged.
    let big: Vec<u8> = (1..=33).collect();
    cast.backup(&big, &[])?;
    damage(cast, 16 << 10)?;
    let heals = cast.backup(&[33, 40, 41, 42], &[])?;
    cast.check()?;
    cast.delete(heals)?;
    cast.collect(at_once())?;
    cast.check()
}

fn withdraw_segment(cast: &mut Cast) -> Outcome {
    let remains = collected_remains(cast)?;
    cast.pass(hours(6 * 24))?;
    remains.come_back(cast, "pack/");
    cast.pass(hours(24) + mins(10))?;
    let rewrites = cast.gate("gc", mins(1), nth(3, "list index/"));
    let gc = cast.start_collect("gc", at_once());
    cast.until("the collector rewrites the index", || rewrites.is_reached())?;
    remains.come_back(cast, "index/");
    let result = cast.finish(&gc)?;
    collected(result)?;
    let writer = late_seeing_backup(cast, "writer");
    let result = cast.finish(&writer)?;
    cast.made(DISK, result)?;
    cast.check()
}

fn lost_answer(cast: &mut Cast) -> Outcome {
    let id = cast.backup(DISK, &[])?;
    let until = far_away(cast);
    let repo = cast.repo("holder", Faults::none().with(Fault::LostAnswer, 100));
    let hold = async move { repo.hold(id, until, "test").await };
    let hold = cast.executor.spawn("holder", hold);
    let held = cast.finish(&hold)?;
    let holds = cast.keys("hold/");
    let holds = holds.iter().filter(|key| !key.as_str().contains("marker")).count();
    if held.is_ok() && holds != 1 {
        return broken(format!("one hold was made {holds} times"));
    }
    cast.check()
}

fn give_up_first(cast: &mut Cast) -> Outcome {
    let repo = cast.repo("writer", Faults::none());
    // Each seed another write; one of them is the manifest.
    let store = FaultStore::new(Arc::clone(&repo.env().store));
    store.fail_write(1 + cast.executor.sim().seed(), Side::After, Failure::Unavailable);
    let env = Env { store: Arc::new(store), ..repo.env().clone() };
    let writer =
        cast.executor.spawn("writer", backup(repo.with_env(env), DISK.to_vec(), Vec::new()));
    let result = cast.finish(&writer)?;
    let catalog = cast.act("judge", |repo| async move { repo.catalog().await })?;
    let is_visible = catalog.is_ok_and(|catalog| !catalog.backups.is_empty());
    match result {
        Ok(_) | Err(BackupError::Undecided { .. }) => cast.check(),
        Err(error) if is_visible => broken(format!("it is there, yet was refused: {error:?}")),
        Err(_) => Ok(()),
    }
}

fn present_packs(cast: &mut Cast) -> Outcome {
    let remains = collected_remains(cast)?;
    cast.pass(hours(7 * 24) + mins(10))?;
    cast.collect(at_once())?;
    remains.come_back(cast, "index/");
    cast.backup(DISK, &[])?;
    cast.check()
}

fn final_refusal(cast: &mut Cast) -> Outcome {
    let id = garbage(cast)?;
    let checked = cast.gate("undeleter", hours(9 * 24), first("get pack/"));
    let repo = cast.repo("undeleter", Faults::none());
    let undelete = cast.executor.spawn("undeleter", async move { repo.undelete(id).await });
    cast.until("the undelete has checked", || checked.is_reached())?;
    cast.pass(hours(8 * 24))?;
    // The first finds an intent that nobody finishes, the second collects.
    cast.collect(at_once())?;
    let deletes = cast.gate("gc", hours(48), nth(2, "delete pack/"));
    let gc = cast.start_collect("gc", at_once());
    cast.until("the packs go", || deletes.is_reached())?;
    let result = cast.finish(&undelete)?;
    cast.revived(id, DISK, result.map(|_| ()))?;
    cast.pass(hours(24))?;
    let result = cast.finish(&gc)?;
    collected(result)?;
    cast.check()
}

fn fresh_list(cast: &mut Cast) -> Outcome {
    cast.backup(DISK, &[])?;
    let repo = cast.repo("gc", Faults::none().with(Fault::StaleControlList, 1000));
    let options = at_once();
    let gc = cast.executor.spawn("gc", async move { Box::pin(repo.collect(&options)).await });
    let result = cast.finish(&gc)?;
    collected(result)?;
    cast.check()
}

fn grave_delay(cast: &mut Cast) -> Outcome {
    let id = garbage(cast)?;
    cast.pass(hours(23))?;
    cast.collect(CollectOptions { grave_delay: hours(24), ..at_once() })?;
    if !cast.undelete(id, DISK)? {
        return broken("a deletion could not be taken back in time");
    }
    cast.check()
}

/// An undelete that checked before anything was condemned ends while the collector, which lists
/// cancellations and intents, is between the two.
fn undelete_between_listings(cast: &mut Cast) -> Outcome {
    let id = garbage(cast)?;
    // The collector's first look sees no intent yet: nothing protects the backup.
    let looked = cast.gate("gc", mins(10), first("list intent/"));
    let gc = cast.start_collect("gc", at_once());
    cast.until("the collector has listed the intents", || looked.is_reached())?;
    let checked = cast.gate("undeleter", hours(3), first("get pack/"));
    let repo = cast.repo("undeleter", Faults::none());
    let undelete = cast.executor.spawn("undeleter", async move { repo.undelete(id).await });
    cast.until("the undelete has checked", || checked.is_reached())?;
    // Its second look stops between the two listings until the undelete has ended.
    let mut is_published = false;
    let between = cast.gate("gc", hours(9), move |request| {
        is_published |= request.starts_with("create condemned/");
        is_published && matches!(request, "list ungrave/" | "list intent/")
    });
    let ended = cast.reach_or_finish(&between, &gc)?;
    let result = cast.finish(&undelete)?;
    cast.revived(id, DISK, result.map(|_| ()))?;
    let result = ended.map_or_else(|| cast.finish(&gc), Ok)?;
    collected(result)?;
    cast.check()
}

/// A writer used the backup as its parent while it was not deleted.
fn undelete_then_delete_again(cast: &mut Cast) -> Outcome {
    let parent = garbage(cast)?;
    let chooses = cast.gate("gc", hours(1), nth(2, "list session/"));
    let waits = cast.gate("gc", hours(3), relist());
    let gc = cast.start_collect("gc", at_once());
    cast.until("the collector has chosen", || chooses.is_reached())?;
    if !cast.undelete(parent, DISK)? {
        return script("the undelete came too late");
    }
    cast.until("the collector waits", || waits.is_reached())?;
    let read = cast.gate("writer", hours(8), first("get pack/"));
    let writer = cast.start_backup("writer", DISK, &[parent]);
    cast.until("the writer has read its parent", || read.is_reached())?;
    cast.delete(parent)?;
    let result = cast.finish(&gc)?;
    collected(result)?;
    let result = cast.finish(&writer)?;
    cast.made(DISK, result)?;
    cast.check()
}

/// The first rewrite keeps entries; the second one, of a late segment, must not replace them.
fn rewrite_index_twice(cast: &mut Cast) -> Outcome {
    // The same units in another order: the old map goes, the pack of units stays.
    let old = cast.backup(DISK, &[])?;
    let Some(key) = cast.keys("index/").pop() else { return script("no index") };
    let stored = cast.world.objects().remove(&key).map(|stored| stored.bytes);
    cast.backup(&[4, 3, 2, 1], &[])?;
    cast.delete(old)?;
    cast.collect(at_once())?;
    cast.pass(hours(7 * 24) + mins(10))?;
    let old = cast.backup(&[5, 6, 7, 8], &[])?;
    cast.backup(&[8, 7, 6, 5], &[])?;
    cast.delete(old)?;
    let rewrites = cast.gate("gc", hours(1), nth(3, "list index/"));
    let gc = cast.start_collect("gc", at_once());
    cast.until("the collector rewrites the index", || rewrites.is_reached())?;
    cast.world.replace(&key, stored);
    let result = cast.finish(&gc)?;
    collected(result)?;
    cast.check()
}

/// An undelete that fails removes its intent; that request arrives again when a second undelete is
/// under way.
fn late_intent_removal(cast: &mut Cast) -> Outcome {
    let id = garbage(cast)?;
    let mut packs = cast.world.objects();
    packs.retain(|key, _| key.as_str().starts_with("pack/"));
    for key in packs.keys() {
        cast.world.replace(key, None);
    }
    let before: BTreeSet<_> = intents_seen(cast, id)?;
    for (key, pack) in &packs {
        cast.world.replace(key, Some(pack.bytes.clone()));
    }
    let checked = cast.gate("undeleter", hours(3), first("get pack/"));
    let repo = cast.repo("undeleter", Faults::none());
    let undelete = cast.executor.spawn("undeleter", async move { repo.undelete(id).await });
    cast.until("the second undelete has checked", || checked.is_reached())?;
    for key in cast.keys("intent/").iter().filter(|key| before.contains(key.as_str())) {
        cast.world.replace(key, None);
    }
    cast.collect(at_once())?;
    let result = cast.finish(&undelete)?;
    cast.revived(id, DISK, result.map(|_| ()))?;
    cast.check()
}

/// The keys of the intents that a failing undelete removes.
fn intents_seen(cast: &mut Cast, id: ManifestId) -> Outcome<BTreeSet<String>> {
    let removed = Arc::new(std::sync::Mutex::new(BTreeSet::new()));
    let sink = Arc::clone(&removed);
    cast.world.watch(Box::new(move |actor, request, _| {
        if let ("user", Some(key)) = (actor, request.to_string().strip_prefix("delete ")) {
            sink.lock().unwrap().insert(key.to_owned());
        }
    }));
    if cast.undelete(id, DISK)? {
        return broken("an undelete succeeds without packs");
    }
    let removed = removed.lock().unwrap().clone();
    Ok(removed)
}

fn late_hold_removal(cast: &mut Cast) -> Outcome {
    let id = garbage(cast)?;
    let until = far_away(cast);
    let removed = Arc::new(std::sync::Mutex::new(BTreeSet::new()));
    let sink = Arc::clone(&removed);
    cast.world.watch(Box::new(move |_, request, _| {
        if let Some(key) = request.to_string().strip_prefix("delete hold/")
            && !key.starts_with("marker")
        {
            sink.lock().unwrap().insert(format!("hold/{key}"));
        }
    }));
    let held = cast.act("user", move |repo| async move { repo.hold(id, until, "test").await })?;
    if held.is_ok() {
        return broken("a deleted backup was held");
    }
    if !cast.undelete(id, DISK)? {
        return script("the undelete came too late");
    }
    let held = cast.act("user", move |repo| async move { repo.hold(id, until, "test").await })?;
    if held.is_err() {
        return script("the hold was refused");
    }
    for key in cast.keys("hold/") {
        if removed.lock().unwrap().contains(key.as_str()) {
            cast.world.replace(&key, None);
        }
    }
    let deleted = cast.act("user", move |repo| async move { repo.delete(id).await })?;
    if deleted.is_ok() {
        return broken("a held backup was deleted");
    }
    cast.check()
}

/// A collector publishes a rewritten segment long after another has deleted what it names; the
/// request comes a second time almost a week later.
fn slow_collector(cast: &mut Cast) -> Outcome {
    let gone = cast.backup(DISK, &[])?;
    let Some(key) = cast.keys("index/").pop() else { return script("no index") };
    let stored = cast.world.objects().remove(&key).map(|stored| stored.bytes);
    let census = cast.gate("slow", hours(12), first("list done/"));
    let slow = cast.start_collect("slow", at_once());
    cast.until("the slow collector has its census", || census.is_reached())?;
    cast.delete(gone)?;
    cast.collect(at_once())?;
    let result = cast.finish(&slow)?;
    collected(result)?;
    // Whatever the slow one sent last can arrive until a week after its end.
    cast.pass(hours(6 * 24 + 18))?;
    cast.collect(at_once())?;
    cast.world.replace(&key, stored);
    cast.backup(DISK, &[])?;
    cast.check()
}

fn missing_while_copying(cast: &mut Cast) -> Outcome {
    let old = cast.backup(DISK, &[])?;
    let young = cast.backup(&[1], &[])?;
    cast.delete(old)?;
    // It has the index and is about to copy unit 1.
    let knows = cast.gate("slow", hours(3), published(1, "list pack/"));
    let slow = cast.start_collect("slow", at_once());
    cast.until("the slow collector has the index", || knows.is_reached())?;
    cast.delete(young)?;
    cast.collect(at_once())?;
    let result = cast.finish(&slow)?;
    collected(result)?;
    cast.check()
}

/// While a collector marks a new backup that is deleted already, another one removes its nodes and
/// with them its segment, so that all entries of the index are numbered anew.
fn index_changes_while_marking(cast: &mut Cast) -> Outcome {
    let old = cast.backup(DISK, &[])?;
    cast.backup(&[1, 7, 8], &[])?;
    cast.backup(&[20, 21, 22, 23], &[])?;
    cast.delete(old)?;
    let chooses = cast.gate("slow", hours(3), nth(2, "list session/"));
    let slow = cast.start_collect("slow", at_once());
    cast.until("the slow collector chooses", || chooses.is_reached())?;
    if !cast.undelete(old, DISK)? {
        return script("the undelete came too late");
    }
    let new = cast.backup(&[50, 51], &[])?;
    cast.delete(new)?;
    // The other one lists the condemned sets before the slow one publishes, and goes on when the
    // slow one has the index.
    let listed = cast.gate("quick", hours(6), published(1, "list condemned/"));
    let quick = cast.start_collect("quick", at_once());
    cast.until("the quick collector knows no other set", || listed.is_reached())?;
    let knows = cast.gate("slow", hours(9), published(1, "list pack/"));
    cast.until("the slow collector has the index", || knows.is_reached())?;
    for gc in [quick, slow] {
        let result = cast.finish(&gc)?;
        collected(result)?;
    }
    cast.check()
}

fn units_move_between_looks(cast: &mut Cast) -> Outcome {
    let old = cast.backup(DISK, &[])?;
    cast.backup(&[1, 7, 8], &[])?;
    cast.delete(old)?;
    let looks = cast.gate("slow", hours(3), first("get index/"));
    let slow = cast.start_collect("slow", at_once());
    cast.until("the slow collector has the index", || looks.is_reached())?;
    let moved = cast.collect(at_once())?;
    if moved.moved_bytes == 0 {
        return script("nothing was moved");
    }
    let result = cast.finish(&slow)?;
    collected(result)?;
    cast.check()
}

fn undelete_meets_unreadable_index(cast: &mut Cast) -> Outcome {
    let id = garbage(cast)?;
    let keys = cast.keys("index/").into_iter();
    let segments: Vec<_> =
        keys.map(|key| (cast.world.objects()[&key].bytes.clone(), key)).collect();
    for (_, key) in &segments {
        cast.world.replace(key, Some(Bytes::from_static(b"spoiled")));
    }
    let result = cast.act("user", move |repo| async move { repo.undelete(id).await })?;
    if !matches!(result, Err(GraveError::Read(ReadError::Damaged { .. }))) {
        return broken(format!("who cannot read the index decides for ever: {result:?}"));
    }
    for (bytes, key) in segments {
        cast.world.replace(&key, Some(bytes));
    }
    if !cast.undelete(id, DISK)? {
        return broken("an undelete was refused for ever although all is there");
    }
    cast.check()
}

fn verify_meets_collector(cast: &mut Cast) -> Outcome {
    let gone = cast.backup(DISK, &[])?;
    cast.backup(&[9, 10], &[])?;
    let listed = cast.gate("verifier", hours(3), first("list pack/"));
    let repo = cast.repo("verifier", Faults::none());
    cast.delete(gone)?;
    let options = VerifyOptions::default();
    let verify = cast.executor.spawn("verifier", async move { repo.verify(&options).await });
    cast.until("verify has its lists", || listed.is_reached())?;
    cast.collect(at_once())?;
    match cast.finish(&verify)? {
        Ok(report) if report.is_sound() => cast.check(),
        other => Err(Flaw::Broken(format!("verify calls what was collected damaged: {other:?}"))),
    }
}

/// A writer that was given up publishes the index of what a collector deletes, after that one has
/// missed the unit and before an undelete looks for it.
fn missing_refuses(cast: &mut Cast) -> Outcome {
    let id = cast.backup(DISK, &[])?;
    for pack in cast.keys("pack/") {
        cast.world.replace(&pack, None);
    }
    cast.delete(id)?;
    let uploaded = cast.gate("writer", hours(5), nth(2, "put pack/"));
    let writer = cast.start_backup("writer", DISK, &[]);
    cast.until("the writer has uploaded its packs", || uploaded.is_reached())?;
    cast.pass(mins(40))?;
    let looked = cast.gate("undeleter", hours(6), first("list condemned/"));
    let repo = cast.repo("undeleter", Faults::none());
    let undelete = cast.executor.spawn("undeleter", async move { repo.undelete(id).await });
    cast.until("the undelete has read the condemned sets", || looked.is_reached())?;
    let rewrites = cast.gate("gc", hours(9), first("delete index/"));
    let gc = cast.start_collect("gc", CollectOptions { grave_delay: hours(24), ..impatient() });
    let early = cast.reach_or_finish(&rewrites, &gc)?;
    let result = cast.finish(&writer)?;
    cast.made(DISK, result)?;
    let result = cast.finish(&undelete)?;
    cast.revived(id, DISK, result.map(|_| ()))?;
    let result = early.map_or_else(|| cast.finish(&gc), Ok)?;
    collected(result)?;
    cast.check()
}
