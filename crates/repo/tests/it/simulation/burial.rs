//! Directed scenarios of burials: the graves of collected backups go, the backups stay deleted.

use std::time::Duration;

use bytes::Bytes;
use strongroom_base::ids::ManifestId;
use strongroom_repo::CollectOptions;
use strongroom_repo::object::ObjectKey;
use strongroom_repo::testing::sim::Faults;

use super::cast::{Cast, Outcome, at_once, broken, collected, script};
use super::scripts::{DISK, first, garbage, hours};

/// Buries whatever can be buried.
fn burying() -> CollectOptions {
    CollectOptions { merge_graves: 1, ..at_once() }
}

/// As long as it takes until something is old enough for the next step of a burial.
const A_WEEK: Duration = Duration::from_mins(7 * 24 * 60 + 10);

/// The manifest of a backup that is deleted and collected now, and will be buried next.
struct Corpse {
    id: ManifestId,
    manifest: ObjectKey,
    bytes: Bytes,
}

impl Corpse {
    /// Its writer creates the manifest once more: the answer to its first try was lost.
    fn comes_back(&self, cast: &Cast) {
        cast.world.replace(&self.manifest, Some(self.bytes.clone()));
    }
}

/// The next collection will bury it.
fn corpse(cast: &mut Cast) -> Outcome<Corpse> {
    let id = cast.backup(DISK, &[])?;
    let Some(manifest) = cast.keys("manifest/").pop() else { return script("no manifest") };
    let Some(stored) = cast.world.objects().remove(&manifest) else { return script("no manifest") };
    cast.delete(id)?;
    cast.collect(burying())?;
    cast.pass(A_WEEK)?;
    cast.collect(burying())?;
    cast.pass(A_WEEK)?;
    Ok(Corpse { id, manifest, bytes: stored.bytes })
}

/// Its graves have gone.
fn buried(cast: &mut Cast) -> Outcome<Corpse> {
    let corpse = corpse(cast)?;
    cast.collect(burying())?;
    cast.pass(A_WEEK)?;
    cast.collect(burying())?;
    if !cast.keys("grave/").is_empty() || !cast.keys("ungrave/").is_empty() {
        return script("the graves stay");
    }
    Ok(corpse)
}

pub(super) fn buried_stays_deleted(cast: &mut Cast) -> Outcome {
    let corpse = buried(cast)?;
    corpse.comes_back(cast);
    cast.check()?;
    if cast.undelete(corpse.id, DISK)? {
        return broken("a buried backup is undeleted");
    }
    cast.collect(burying())?;
    if !cast.keys("manifest/").is_empty() {
        return broken("a buried backup's manifest stays");
    }
    cast.check()
}

pub(super) fn buried_after_graves(cast: &mut Cast) -> Outcome {
    let corpse = corpse(cast)?;
    let listed = cast.gate("reader", hours(8 * 24), first("list buried/"));
    let repo = cast.repo("reader", Faults::none());
    let list = cast.executor.spawn("reader", async move { repo.catalog().await });
    cast.until("the reader has listed the buried sets", || listed.is_reached())?;
    cast.collect(burying())?;
    cast.pass(A_WEEK)?;
    cast.collect(burying())?;
    corpse.comes_back(cast);
    let Ok(catalog) = cast.finish(&list)? else { return script("no catalog") };
    if catalog.backups.iter().any(|entry| entry.deleted.is_none()) {
        return broken("a buried backup is listed");
    }
    cast.check()
}

pub(super) fn merge_waits(cast: &mut Cast) -> Outcome {
    let corpse = corpse(cast)?;
    cast.collect(burying())?;
    let Some(set) = cast.keys("buried/").pop() else { return script("no buried set") };
    cast.world.replace(&set, Some(Bytes::from_static(b"spoiled")));
    cast.pass(A_WEEK)?;
    let gc = cast.start_collect("gc", burying());
    if cast.finish(&gc)?.is_ok() {
        return broken("a collector trusts a buried set that does not open");
    }
    corpse.comes_back(cast);
    cast.check()
}

pub(super) fn undelete_looks_again(cast: &mut Cast) -> Outcome {
    let id = garbage(cast)?;
    let checked = cast.gate("undeleter", hours(30 * 24), first("get pack/"));
    let repo = cast.repo("undeleter", Faults::none());
    let undelete = cast.executor.spawn("undeleter", async move { repo.undelete(id).await });
    cast.until("the undelete has checked", || checked.is_reached())?;
    // It is refused, its backup collected, its session swept, buried, its graves removed.
    for _ in 0..4 {
        cast.pass(A_WEEK)?;
        cast.collect(burying())?;
        cast.collect(burying())?;
    }
    if !cast.keys("ungrave/").is_empty() {
        return script("the refusal stays");
    }
    cast.pass(hours(24))?;
    let result = cast.finish(&undelete)?;
    cast.revived(id, DISK, result.map(|_| ()))?;
    cast.check()
}

/// Both publish a set of the same; one of them goes, and the graves.
pub(super) fn two_burials(cast: &mut Cast) -> Outcome {
    let corpse = corpse(cast)?;
    let listed = cast.gate("slow", hours(3), first("list buried/"));
    let slow = cast.start_collect("slow", burying());
    cast.until("the slow collector knows no set", || listed.is_reached())?;
    cast.collect(burying())?;
    let result = cast.finish(&slow)?;
    collected(result)?;
    if cast.keys("buried/").len() != 2 {
        return script("there are not two sets");
    }
    cast.pass(A_WEEK)?;
    let both = ["one", "other"].map(|name| cast.start_collect(name, burying()));
    for gc in both {
        let result = cast.finish(&gc)?;
        collected(result)?;
    }
    if cast.keys("buried/").len() != 1 || !cast.keys("grave/").is_empty() {
        return broken("two equal sets do not become one");
    }
    corpse.comes_back(cast);
    cast.check()
}
