//! Random plays: many actors at once, with whatever may go wrong on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use strongroom_base::ErrorClass;
use strongroom_base::Timestamp;
use strongroom_base::ids::ManifestId;
use strongroom_repo::rules::Rule;
use strongroom_repo::testing::sim::{Fate, Fault, Faults, LONGEST_FLIGHT, Sim};
use strongroom_repo::{
    AgeLiveness, BackupError, CollectOptions, GraveError, Repository, RestoreError, VerifyOptions,
};

use super::cast::{
    Cast, Flaw, Outcome, Units, at_once, broken, collected, content, far_away, is_transient,
    noted_backup, restore,
};

/// A session that showed no life for so long may be given up.
const GIVE_UP_AFTER: Duration = Duration::from_mins(30);
/// Longer than any request is on its way and any actor sleeps in between.
const LATEST_ARRIVAL: Duration = Duration::from_hours(8 * 24);
/// Each grave, so that graves are merged within a play.
const MERGE_GRAVES: usize = 1;

/// What the world does to its actors.
#[derive(Debug, Clone)]
struct Weather {
    faults: Faults,
    /// Nothing lies: whoever misses something has found a flaw.
    is_honest: bool,
    /// The longest that an actor rests: in some plays so long that graves grow old.
    longest_rest: Duration,
}

impl Weather {
    fn of(seed: u64) -> Self {
        let rough = [Fault::LostRequest, Fault::LostAnswer, Fault::Late, Fault::Duplicate];
        let rough = rough.into_iter().fold(Faults::none(), |all, fault| all.with(fault, 10));
        let rough = rough.with(Fault::Refused, 20).with(Fault::Pause, 5);
        let (faults, is_honest) = match seed % 4 {
            0 => (Faults::none(), true),
            1 => (rough, true),
            2 => {
                let stale = rough.with(Fault::StalePackList, 100).with(Fault::StaleIndexList, 50);
                (stale.with(Fault::StaleControlList, 10), false)
            }
            _ => (Faults::fair(10), false),
        };
        let longest_rest = Duration::from_hours(if seed.is_multiple_of(3) { 40 * 24 } else { 48 });
        Self { faults, is_honest, longest_rest }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Delete,
    Undelete,
    Hold,
}

/// Something that was done to a backup.
#[derive(Debug)]
struct Attempt {
    deed: Deed,
    began: Duration,
    /// When it returned and whether it succeeded; nothing while that is unknown.
    ended: Option<(Duration, bool)>,
}

/// What the actors know and were told.
#[derive(Default)]
struct Ledger {
    backups: BTreeMap<ManifestId, (Units, Vec<Attempt>)>,
    /// Notes of backups that were said to be given up.
    given_up: BTreeSet<String>,
    flaw: Option<String>,
}

#[derive(Clone)]
struct Actor {
    name: String,
    repo: Repository,
    sim: Sim,
    weather: Weather,
    ledger: Arc<Mutex<Ledger>>,
    hold_until: Timestamp,
}

impl Actor {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    fn flaw(&self, what: impl AsRef<str>) {
        let (who, what) = (&self.name, what.as_ref());
        self.ledger().flaw.get_or_insert_with(|| format!("{who}: {what}"));
    }

    /// Sleeps for minutes, hours or days.
    async fn rest(&self) {
        let longest = match self.sim.below(4) {
            0 | 1 => Duration::from_mins(5),
            2 => Duration::from_hours(3),
            _ => self.weather.longest_rest,
        };
        self.sim.sleep(self.sim.span(longest)).await;
    }

    /// One of the backups that were made, by chance; the newer ones more often.
    fn any_backup(&self) -> Option<(ManifestId, Units)> {
        let ledger = self.ledger();
        let count = ledger.backups.len();
        if count == 0 {
            return None;
        }
        let n = usize::try_from(self.sim.below(count as u64)).unwrap();
        ledger.backups.iter().nth(n).map(|(id, (units, _))| (*id, units.clone()))
    }

    fn any_units(&self) -> Units {
        let len = 1 + self.sim.below(6);
        (0..len).map(|_| u8::try_from(self.sim.below(10)).unwrap()).collect()
    }

    async fn write(self, rounds: u32) {
        for round in 0..rounds {
            self.rest().await;
            // Mostly a changed copy of something that is there already.
            let parent = self.any_backup().filter(|_| self.sim.below(4) > 0);
            let mut units = parent.as_ref().map_or_else(|| self.any_units(), |it| it.1.clone());
            if let Some(last) = units.last_mut() {
                *last = u8::try_from(self.sim.below(10)).unwrap();
            }
            let parents = parent.into_iter().map(|(id, _)| id).collect();
            let note = format!("{}-{round}", self.name);
            let made = noted_backup(self.repo.clone(), units.clone(), parents, &note);
            let made = Box::pin(made).await;
            match made {
                Ok(id) => drop(self.ledger().backups.insert(id, (units, Vec::new()))),
                Err(BackupError::GivenUp) => drop(self.ledger().given_up.insert(note)),
                Err(BackupError::Undecided { .. }) => {}
                Err(BackupError::Repository(error)) if is_transient(&error) => {}
                Err(error) if self.weather.is_honest => self.flaw(format!("backup: {error:?}")),
                Err(_) => {}
            }
        }
    }

    async fn tend(self, rounds: u32) {
        for _ in 0..rounds {
            self.rest().await;
            let Some((id, _)) = self.any_backup() else { continue };
            let deed = match self.sim.below(8) {
                0..=4 => Deed::Delete,
                5 | 6 => Deed::Undelete,
                _ => Deed::Hold,
            };
            let began = self.sim.now();
            let n = {
                let mut ledger = self.ledger();
                let Some((_, attempts)) = ledger.backups.get_mut(&id) else { continue };
                attempts.push(Attempt { deed, began, ended: None });
                attempts.len() - 1
            };
            let result = match deed {
                Deed::Delete => self.repo.delete(id).await,
                Deed::Undelete => self.repo.undelete(id).await.map(|_| ()),
                Deed::Hold => self.repo.hold(id, self.hold_until, "test").await,
            };
            let now = self.sim.now();
            if let Some((_, attempts)) = self.ledger().backups.get_mut(&id)
                && let Some(attempt) = attempts.get_mut(n)
            {
                // What a refusal says is certain; after any other error nothing is.
                attempt.ended = match &result {
                    Ok(()) => Some((now, true)),
                    Err(GraveError::Read(_)) => None,
                    Err(_) => Some((now, false)),
                };
            }
            if let Err(GraveError::Read(error)) = result
                && !is_transient(&error)
                && self.weather.is_honest
            {
                self.flaw(format!("{deed:?} of {id}: {error:?}"));
            }
        }
    }

    async fn read(self, rounds: u32) {
        for _ in 0..rounds {
            self.rest().await;
            let Some((id, units)) = self.any_backup() else { continue };
            let began = self.sim.now();
            let restored = restore(self.repo.clone(), id).await;
            let took = self.sim.now().saturating_sub(began);
            match restored {
                Ok(bytes) if bytes == content(&units) => {}
                Ok(_) => self.flaw(format!("backup {id} restores wrong bytes")),
                Err(RestoreError::Absent { .. }) => {}
                Err(RestoreError::Repository(error) | RestoreError::Unit { source: error, .. })
                    if is_transient(&error) => {}
                // Who shows no life for so long may have been given up.
                Err(_) if took >= GIVE_UP_AFTER || !self.weather.is_honest => {}
                Err(error) => self.flaw(format!("reading {id} in {took:?}: {error:?}")),
            }
        }
    }

    async fn collect(self, rounds: u32, grave_delay: Duration) {
        for _ in 0..rounds {
            self.rest().await;
            let options = options(grave_delay, self.sim.span(Duration::from_mins(40)));
            let result = Box::pin(self.repo.collect(&options)).await;
            if let Err(Flaw::Broken(what)) = collected(result)
                && self.weather.is_honest
            {
                self.flaw(what);
            }
        }
    }

    async fn verify(self, rounds: u32) {
        for _ in 0..rounds {
            self.rest().await;
            let began = self.sim.now();
            let verified = self.repo.verify(&VerifyOptions::default()).await;
            let took = self.sim.now().saturating_sub(began);
            match verified {
                Ok(report) if report.is_sound() || !self.weather.is_honest => {}
                // Who shows no life for so long may have been given up.
                _ if took >= GIVE_UP_AFTER => {}
                Ok(report) => self.flaw(format!("verify calls sound things damaged: {report:?}")),
                Err(error) if error.class() == ErrorClass::Retryable => {}
                Err(error) if self.weather.is_honest => self.flaw(format!("verify: {error:?}")),
                Err(_) => {}
            }
        }
    }
}

fn options(grave_delay: Duration, wait: Duration) -> CollectOptions {
    CollectOptions {
        grave_delay,
        liveness: Arc::new(AgeLiveness { after: GIVE_UP_AFTER }),
        wait,
        latest_arrival: LATEST_ARRIVAL,
        merge_graves: MERGE_GRAVES,
        ..CollectOptions::default()
    }
}

/// One random play, its oracle included.
pub(super) fn play(cast: &mut Cast, seed: u64) -> Outcome {
    let weather = Weather::of(seed);
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let sim = cast.executor.sim();
    let grave_delay = [Duration::ZERO, Duration::from_hours(1), Duration::from_hours(24)];
    let grave_delay = grave_delay[usize::try_from(sim.below(3)).unwrap()];
    let hold_until = far_away(cast);
    let names = [
        "writer-0", "writer-1", "writer-2", "writer-3", "writer-4", "tender-0", "tender-1",
        "tender-2", "reader-0", "reader-1", "gc-0", "gc-1", "gc-2", "gc-3", "verifier",
    ];
    for name in names {
        let skew = i64::try_from(sim.below(240)).unwrap() - 120;
        let actor = Actor {
            name: name.to_owned(),
            repo: cast.repo_skewed(name, weather.faults.clone(), skew),
            sim: sim.clone(),
            weather: weather.clone(),
            ledger: Arc::clone(&ledger),
            hold_until,
        };
        let spawn = &mut cast.executor;
        drop(match name.split('-').next() {
            Some("writer") => spawn.spawn(name, actor.write(4)),
            Some("tender") => spawn.spawn(name, actor.tend(5)),
            Some("reader") => spawn.spawn(name, actor.read(5)),
            Some("gc") => spawn.spawn(name, actor.collect(4, grave_delay)),
            _ => spawn.spawn(name, actor.verify(2)),
        });
        crash_by_chance(cast, &sim, name);
    }
    cast.executor.run().map_err(|stuck| Flaw::Broken(stuck.to_string()))?;
    cast.pass(LONGEST_FLIGHT)?;
    judge(cast, &ledger.lock().unwrap(), grave_delay)
}

/// Every second actor dies somewhere.
fn crash_by_chance(cast: &Cast, sim: &Sim, name: &str) {
    let fates = [Fate::Lost, Fate::Applied, Fate::Late];
    match sim.below(4) {
        0 => sim.kill_after_polls(name, 1 + sim.below(600)),
        1 => {
            let fate = fates[usize::try_from(sim.below(3)).unwrap()];
            cast.world.crash(name, 1 + sim.below(200), fate);
        }
        _ => {}
    }
}

/// Nobody is alive, nothing is on its way: what was promised must hold, and all garbage go.
fn judge(cast: &mut Cast, ledger: &Ledger, grave_delay: Duration) -> Outcome {
    if let Some(flaw) = &ledger.flaw {
        return broken(flaw.clone());
    }
    let catalog = cast.act("judge", |repo| async move { repo.catalog().await })?;
    let catalog = catalog.map_err(|error| Flaw::Broken(format!("catalog: {error:?}")))?;
    for entry in &catalog.backups {
        let note = entry.manifest.description.split(':').nth(1).unwrap_or_default();
        if ledger.given_up.contains(note) {
            return broken(format!("backup {} was called given up", entry.id));
        }
    }
    let visible = |id: &ManifestId| {
        catalog.backups.iter().any(|entry| entry.id == *id && entry.deleted.is_none())
    };
    for (id, (units, attempts)) in &ledger.backups {
        if is_held(attempts) && !visible(id) {
            // Whoever deleted it died before he could take the grave back.
            let revived = cast.undelete(*id, units)?;
            if !revived {
                return broken(format!("backup {id} was held and is gone: {attempts:?}"));
            }
        } else if must_restore(attempts) {
            cast.promised.insert(*id, units.clone());
        } else if is_surely_deleted(attempts) && visible(id) {
            return broken(format!("backup {id} was deleted and is back: {attempts:?}"));
        }
    }
    cast.check()?;
    clean_up(cast, grave_delay)?;
    cast.check()?;
    let plan = CollectOptions { dry_run: true, full: true, ..options(grave_delay, Duration::ZERO) };
    let left = cast.collect(plan)?;
    if left.packs > 0 {
        return broken(format!("garbage is left: {left:?}"));
    }
    for (id, (units, attempts)) in &ledger.backups {
        if !is_held(attempts) {
            cast.promised.remove(id);
            let target = *id;
            match cast.act("user", move |repo| async move { repo.delete(target).await })? {
                // A hold that was reported failed may stand all the same, and keep what is there.
                Err(GraveError::Held { .. }) if visible(id) => {
                    cast.promised.insert(*id, units.clone());
                }
                Ok(()) | Err(GraveError::Absent { .. } | GraveError::Held { .. }) => {}
                Err(error) => return broken(format!("a deletion fails: {error:?}")),
            }
        }
    }
    cast.pass(grave_delay)?;
    clean_up(cast, grave_delay)?;
    cast.check()?;
    let catalog = cast.act("judge", |repo| async move { repo.catalog().await })?;
    let catalog = catalog.map_err(|error| Flaw::Broken(format!("catalog: {error:?}")))?;
    if catalog.backups.is_empty() {
        let prefixes = ["pack/", "index/", "condemned/", "done/", "intent/", "alive/"];
        for prefix in prefixes.into_iter().chain(["grave/", "ungrave/"]) {
            let left: Vec<_> = cast.keys(prefix);
            let left: Vec<_> = left.iter().filter(|key| !key.as_str().contains("marker")).collect();
            if !left.is_empty() {
                return broken(format!("nothing is backed up, yet there are {left:?}"));
            }
        }
    }
    Ok(())
}

/// Collects as time goes by; nobody has to help.
fn clean_up(cast: &mut Cast, grave_delay: Duration) -> Outcome {
    for _ in 0..5 {
        cast.pass(LATEST_ARRIVAL + Duration::from_hours(24))?;
        let wait = at_once().wait;
        cast.collect(options(grave_delay, wait))?;
    }
    Ok(())
}

/// A hold was reported made.
fn is_held(attempts: &[Attempt]) -> bool {
    attempts.iter().any(|it| it.deed == Deed::Hold && it.ended.is_some_and(|(_, ok)| ok))
}

/// Whether no deletion can be in force: there was none that did anything, or an undelete
/// succeeded that began after all of them had ended.
fn must_restore(attempts: &[Attempt]) -> bool {
    let deletions = attempts.iter().filter(|it| it.deed == Deed::Delete);
    let last_end = deletions
        .filter(|it| it.ended.is_none_or(|(_, ok)| ok))
        .map(|it| it.ended.map_or(Duration::MAX, |(at, _)| at))
        .max();
    let Some(last_end) = last_end else { return true };
    attempts.iter().any(|it| {
        it.deed == Deed::Undelete && it.began > last_end && it.ended.is_some_and(|(_, ok)| ok)
    })
}

/// A deletion was reported and nobody tried to take it back.
fn is_surely_deleted(attempts: &[Attempt]) -> bool {
    attempts.iter().any(|it| it.deed == Deed::Delete && it.ended.is_some_and(|(_, ok)| ok))
        && attempts.iter().all(|it| it.deed != Deed::Undelete)
        && !is_held(attempts)
}

/// A world for one seed, played.
pub(super) fn run(seed: u64, without: Option<Rule>) -> (Outcome, String) {
    let mut cast = Cast::new(seed, without);
    let outcome = play(&mut cast, seed);
    let trace = cast.world.trace();
    (outcome, trace)
}
