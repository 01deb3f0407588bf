use std::collections::BTreeSet;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::{ByteRange, Clock};
use tokio::sync::{Semaphore, oneshot};

use super::*;
use crate::object::{ObjectError, ObjectKey, ObjectStore};

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn hours(n: u64) -> Duration {
    Duration::from_hours(n)
}

/// Writes, reads, lists and deletes `rounds` times; whatever fails is tried no second time.
async fn scripted(store: SimStore, own: String, rounds: usize) {
    for n in 0..rounds {
        let (pack, index) = (key(&format!("pack/{own}-{n}")), key(&format!("index/{own}-{n}")));
        let control = key(&format!("session/{own}-{n}"));
        drop(store.put(&pack, bytes("some bytes of a pack")).await);
        drop(store.put(&index, bytes("an index")).await);
        drop(store.create(&control, bytes("control")).await);
        drop(store.get(&pack).await);
        drop(store.get_range(&pack, ByteRange::at(2, 4)).await);
        for prefix in ["pack/", "index/", "session/"] {
            drop(store.list(prefix).await);
        }
        drop(store.delete(&pack).await);
    }
}

fn run_scripted(seed: u64, faults: &Faults) -> (Arc<World>, Executor) {
    let mut executor = Executor::new(seed);
    let world = World::new(&executor.sim());
    for actor in ["a", "b"] {
        let store = world.store(actor, faults.clone());
        executor.spawn(actor, scripted(store, actor.to_owned(), 20));
    }
    executor.run().unwrap();
    (world, executor)
}

#[test]
fn run_with_same_seed_gives_same_trace_and_other_seed_another() {
    let run = |seed| {
        let (world, mut executor) = run_scripted(seed, &Faults::fair(50));
        executor.run_for(LONGEST_FLIGHT).unwrap();
        (world.digest(), world.trace(), world.objects())
    };
    assert_eq!(run(7), run(7));
    let digests: BTreeSet<u64> = (0..20).map(|seed| run(seed).0).collect();
    assert_eq!(digests.len(), 20);
}

#[test]
fn run_with_rates_meets_every_fault_and_without_none() {
    let faults = Faults::fair(100).with(Fault::StaleControlList, 100);
    let mut seen = BTreeSet::new();
    for seed in 0..5 {
        let (world, _executor) = run_scripted(seed, &faults);
        seen.extend(Fault::RATED.into_iter().filter(|fault| world.count(*fault) > 0));
        let (world, _executor) = run_scripted(seed, &Faults::none());
        assert!(Fault::RATED.into_iter().all(|fault| world.count(fault) == 0));
    }
    assert_eq!(seen, BTreeSet::from(Fault::RATED));
}

/// Runs one `put` of an actor that meets `fault`, then a second put of other bytes that does not;
/// tells what the first returned, and what the store holds a week after.
fn put_under(fault: Fault, seed: u64) -> (bool, Option<Bytes>) {
    let mut executor = Executor::new(seed);
    let world = World::new(&executor.sim());
    let store = world.store("a", Faults::none().with(fault, 1000));
    let result =
        executor.spawn("a", async move { store.put(&key("pack/x"), bytes("x")).await.is_ok() });
    executor.run().unwrap();
    assert_eq!(world.count(fault), 1);
    executor.run_for(LONGEST_FLIGHT).unwrap();
    let held = world.objects().get(&key("pack/x")).map(|object| object.bytes.clone());
    (result.take().unwrap(), held)
}

#[test]
fn put_under_each_transport_fault_has_its_stated_effect() {
    for seed in 0..20 {
        assert_eq!(put_under(Fault::LostRequest, seed), (false, None));
        assert_eq!(put_under(Fault::Refused, seed), (false, None));
        assert_eq!(put_under(Fault::LostAnswer, seed), (false, Some(bytes("x"))));
        assert_eq!(put_under(Fault::Late, seed), (false, Some(bytes("x"))));
        assert_eq!(put_under(Fault::Duplicate, seed), (true, Some(bytes("x"))));
        assert_eq!(put_under(Fault::Pause, seed), (true, Some(bytes("x"))));
    }
}

#[test]
fn duplicate_of_a_put_brings_a_deleted_object_back_within_a_week() {
    let mut executor = Executor::new(3);
    let world = World::new(&executor.sim());
    let twice = world.store("a", Faults::none().with(Fault::Duplicate, 1000));
    let fair = world.store("a", Faults::none());
    executor.spawn("a", async move {
        twice.put(&key("pack/x"), bytes("x")).await.unwrap();
        fair.delete(&key("pack/x")).await.unwrap();
    });
    executor.run().unwrap();
    assert!(world.objects().is_empty());
    executor.run_for(LONGEST_FLIGHT).unwrap();
    assert_eq!(world.objects().len(), 1);
}

#[test]
fn create_raced_by_many_has_one_winner() {
    for seed in 0..20 {
        let mut executor = Executor::new(seed);
        let world = World::new(&executor.sim());
        let racers: Vec<_> = (0..5)
            .map(|n| {
                let actor = format!("racer-{n}");
                let store = world.store(&actor, Faults::none());
                executor.spawn(&actor, async move {
                    store.create(&key("manifest/m"), Bytes::from(vec![n])).await
                })
            })
            .collect();
        executor.run().unwrap();
        let results: Vec<_> = racers.iter().map(|racer| racer.take().unwrap()).collect();
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        let lost = |it: &Result<(), _>| matches!(it, Err(ObjectError::AlreadyExists { .. }));
        assert_eq!(results.iter().filter(|result| lost(result)).count(), 4);
    }
}

#[test]
fn stale_control_list_misses_what_its_caller_has_just_created() {
    let mut executor = Executor::new(5);
    let world = World::new(&executor.sim());
    let faults = Faults::none().with(Fault::StaleControlList, 1000);
    let (store, clock) = (world.store("gc", faults), SimClock::new(&executor.sim(), 0));
    let listed = executor.spawn("gc", async move {
        store.create(&key("session/s"), Bytes::new()).await.unwrap();
        let at_once = store.list("session/").await.unwrap().len();
        clock.sleep(hours(2)).await;
        (at_once, store.list("session/").await.unwrap().len())
    });
    executor.run().unwrap();
    assert_eq!(listed.take(), Some((0, 1)));
}

#[test]
fn stale_pack_list_shows_deleted_and_misses_new_objects_and_no_others() {
    let (mut missed, mut ghosts) = (0, 0);
    for seed in 0..20 {
        let mut executor = Executor::new(seed);
        let world = World::new(&executor.sim());
        let faults = Faults::none().with(Fault::StalePackList, 1000);
        let (store, clock) = (world.store("a", faults), SimClock::new(&executor.sim(), 0));
        let listed = executor.spawn("a", async move {
            for name in ["pack/old", "pack/gone"] {
                store.put(&key(name), Bytes::new()).await.unwrap();
            }
            clock.sleep(hours(2)).await;
            store.delete(&key("pack/gone")).await.unwrap();
            store.put(&key("pack/new"), Bytes::new()).await.unwrap();
            store.create(&key("session/new"), Bytes::new()).await.unwrap();
            assert_eq!(store.list("session/").await.unwrap().len(), 1);
            let listed = store.list("pack/").await.unwrap();
            listed.into_iter().map(|meta| meta.key).collect::<Vec<_>>()
        });
        executor.run().unwrap();
        let listed = listed.take().unwrap();
        assert!(listed.contains(&key("pack/old")));
        missed += usize::from(!listed.contains(&key("pack/new")));
        ghosts += usize::from(listed.contains(&key("pack/gone")));
    }
    assert!((1..20).contains(&missed) && (1..20).contains(&ghosts), "{missed} {ghosts}");
}

#[test]
fn bodies_arrive_torn_or_flipped_when_struck() {
    for (fault, is_short) in [(Fault::TornBody, true), (Fault::FlippedBit, false)] {
        let mut executor = Executor::new(1);
        let world = World::new(&executor.sim());
        let store = world.store("a", Faults::none().with(fault, 1000));
        let body = executor.spawn("a", async move {
            store.put(&key("pack/x"), bytes("payload")).await.unwrap();
            store.get(&key("pack/x")).await.unwrap()
        });
        executor.run().unwrap();
        let body = body.take().unwrap();
        assert_ne!(body, bytes("payload"));
        assert_eq!(body.len() < 7, is_short);
    }
}

/// Three calls, of which each needs the one before.
async fn chain(store: SimStore) {
    for name in ["pack/1", "index/1", "manifest/1"] {
        store.put(&key(name), Bytes::new()).await.unwrap();
    }
}

#[test]
fn crash_at_each_call_leaves_a_prefix_of_the_script() {
    let mut executor = Executor::new(1);
    let world = World::new(&executor.sim());
    executor.spawn("w", chain(world.store("w", Faults::none())));
    executor.run().unwrap();
    assert_eq!((world.calls("w"), world.objects().len()), (3, 3));

    for nth in 1..=3_u64 {
        for (fate, soon, later) in [(Fate::Lost, 0, 0), (Fate::Applied, 1, 1), (Fate::Late, 0, 1)] {
            let mut executor = Executor::new(nth);
            let world = World::new(&executor.sim());
            world.crash("w", nth, fate);
            let result = executor.spawn("w", chain(world.store("w", Faults::none())));
            executor.run().unwrap();
            assert!(result.take().is_none());
            assert_eq!((world.calls("w"), world.count(Fault::Abandoned(fate))), (nth, 1));
            executor.run_for(Duration::from_secs(30)).unwrap();
            let before = usize::try_from(nth).unwrap() - 1;
            assert_eq!(world.objects().len(), before + soon, "{nth} {fate:?}");
            executor.run_for(LONGEST_FLIGHT).unwrap();
            assert_eq!(world.objects().len(), before + later, "{nth} {fate:?}");
        }
    }
}

#[test]
fn kill_at_some_await_leaves_each_fate_to_chance() {
    let mut fates = BTreeSet::new();
    for seed in 0..60 {
        let mut executor = Executor::new(seed);
        let world = World::new(&executor.sim());
        executor.spawn("w", chain(world.store("w", Faults::none())));
        executor.sim().kill_after_polls("w", 1 + seed % 6);
        let sim = executor.sim();
        let ended = executor.spawn("heir", async move { sim.ended("w").await });
        executor.run().unwrap();
        assert!(ended.take().is_some());
        let all = [Fate::Lost, Fate::Applied, Fate::Late];
        fates.extend(all.into_iter().filter(|fate| world.count(Fault::Abandoned(*fate)) > 0));
        executor.run_for(LONGEST_FLIGHT).unwrap();
        assert!(world.objects().len() <= 3);
    }
    assert_eq!(fates.len(), 3);
}

#[test]
fn watch_sees_each_effect_with_the_state_after_it() {
    let mut executor = Executor::new(1);
    let world = World::new(&executor.sim());
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&sizes);
    world.watch(Box::new(move |actor, request, objects| {
        assert!(actor == "w" && request.is_write());
        sink.lock().unwrap().push(objects.len());
    }));
    executor.spawn("w", chain(world.store("w", Faults::none())));
    executor.run().unwrap();
    assert_eq!(*sizes.lock().unwrap(), [1, 2, 3]);
}

#[test]
fn clock_sleeps_in_order_and_skew_moves_wall_time_only() {
    let mut executor = Executor::new(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    for n in [3, 1, 2] {
        let (clock, order) = (SimClock::new(&executor.sim(), 0), Arc::clone(&order));
        executor.spawn("sleeper", async move {
            clock.sleep(hours(n)).await;
            order.lock().unwrap().push(n);
        });
    }
    executor.run().unwrap();
    assert_eq!(*order.lock().unwrap(), [1, 2, 3]);
    let clock = SimClock::new(&executor.sim(), -7200);
    assert_eq!(clock.monotonic(), hours(3));
    assert_eq!(clock.now(), START.plus(hours(1)));
    clock.set_skew(3600);
    assert_eq!(clock.now(), START.plus(hours(4)));
}

#[test]
fn paused_actor_makes_no_step_until_the_pause_ends() {
    let mut executor = Executor::new(1);
    let sim = executor.sim();
    sim.pause("w", hours(5));
    sim.pause("w", hours(1));
    let woke = executor.spawn("w", async move {
        sim.sleep(hours(1)).await;
        sim.now()
    });
    executor.run().unwrap();
    // It starts to sleep only after the longer pause.
    assert_eq!(woke.take(), Some(hours(6)));
}

#[test]
fn tokio_primitives_work_and_order_depends_on_the_seed() {
    let orders: BTreeSet<Vec<u32>> = (0..20)
        .map(|seed| {
            let mut executor = Executor::new(seed);
            let (permits, order) = (Arc::new(Semaphore::new(1)), Arc::default());
            for n in 0..3 {
                let (permits, order) = (Arc::clone(&permits), Arc::clone(&order));
                executor.spawn("w", async move {
                    let _permit = permits.acquire().await.unwrap();
                    let order: &Mutex<Vec<u32>> = &order;
                    order.lock().unwrap().push(n);
                });
            }
            executor.run().unwrap();
            order.lock().unwrap().clone()
        })
        .collect();
    assert_eq!(orders.len(), 6);
}

#[test]
fn run_without_progress_fails_and_names_the_seed() {
    let mut executor = Executor::new(42);
    let (_keep, never) = oneshot::channel::<()>();
    executor.spawn("waiter", async move { drop(never.await) });
    let stuck = executor.run().unwrap_err();
    assert_eq!(
        (stuck.why, stuck.alive.as_slice()),
        (Why::Deadlock, ["waiter".to_owned()].as_slice())
    );
    assert!(stuck.to_string().contains("seed 42"));

    let mut executor = Executor::new(43);
    executor.limit_steps(1000);
    let clock = SimClock::new(&executor.sim(), 0);
    executor.spawn("spinner", async move {
        loop {
            clock.sleep(hours(1)).await;
        }
    });
    executor.spawn("idler", pending::<()>());
    assert_eq!(executor.run().unwrap_err().why, Why::Livelock);
}
