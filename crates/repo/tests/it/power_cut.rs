//! The store in a directory, after power cuts and beside processes that die.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use strongroom_repo::object::local::LocalStore;
use strongroom_repo::object::local::files::Files;
use strongroom_repo::object::local::model_files::{Call, ModelFiles, PowerCut};
use strongroom_repo::object::{ObjectError, ObjectKey, ObjectStore};

/// Where the traced child finds its directory.
const TRACED_DIR: &str = "STRONGROOM_TEST_TRACED_DIR";

#[derive(Debug, Clone)]
enum Op {
    Put(&'static str, Bytes),
    Create(&'static str, Bytes),
    Delete(&'static str),
    List(&'static str),
}

/// What the store promised: the bytes of a key (`None`: some bytes), or its absence.
#[derive(Debug, Default)]
struct Promises {
    present: BTreeMap<ObjectKey, Option<Bytes>>,
    absent: BTreeSet<ObjectKey>,
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

/// Distinct bytes over several sectors.
fn body(tag: u8) -> Bytes {
    (0..1500_u32).map(|n| tag ^ n.to_le_bytes()[0]).collect::<Vec<_>>().into()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Runs the operations until one fails for another reason than a taken key, and says whether none
/// did.
async fn run<F: Files>(store: &LocalStore<F>, ops: &[Op]) -> (Promises, bool) {
    let mut promises = Promises::default();
    for op in ops {
        let (at, result) = match op {
            Op::Put(at, bytes) => {
                let result = store.put(&key(at), bytes.clone()).await;
                (at, result.map(|()| Some(bytes.clone())))
            }
            Op::Create(at, bytes) => match store.create(&key(at), bytes.clone()).await {
                Err(ObjectError::AlreadyExists { .. }) => (at, Ok(None)),
                result => (at, result.map(|()| Some(bytes.clone()))),
            },
            Op::Delete(at) => {
                promises.present.remove(&key(at));
                if store.delete(&key(at)).await.is_err() {
                    return (promises, false);
                }
                promises.absent.insert(key(at));
                continue;
            }
            Op::List(prefix) => {
                let Ok(listed) = store.list(prefix).await else { return (promises, false) };
                for meta in listed {
                    promises.present.entry(meta.key).or_insert(None);
                }
                continue;
            }
        };
        promises.absent.remove(&key(at));
        match result {
            Ok(bytes) => promises.present.insert(key(at), bytes),
            Err(_) => return (promises, false),
        };
    }
    (promises, true)
}

/// Looks for a broken promise and for objects that nobody wrote in whole.
async fn check(files: ModelFiles, ops: &[Op], promises: &Promises) -> Result<(), String> {
    let store = LocalStore::with_files(files, "after the cut".to_owned());
    for (key, bytes) in &promises.present {
        match store.get(key).await {
            Ok(stored) if bytes.as_ref().is_none_or(|bytes| *bytes == stored) => {}
            got => return Err(format!("{key} was promised, got {got:?}")),
        }
    }
    for key in &promises.absent {
        match store.get(key).await {
            Err(ObjectError::NotFound { .. }) => {}
            got => return Err(format!("{key} was deleted, got {got:?}")),
        }
    }
    for meta in store.list("").await.map_err(|error| error.to_string())? {
        let stored = store.get(&meta.key).await.map_err(|error| error.to_string())?;
        let whole = ops.iter().any(|op| match op {
            Op::Put(at, bytes) | Op::Create(at, bytes) => {
                *at == meta.key.as_str() && *bytes == stored
            }
            _ => false,
        });
        if !whole {
            return Err(format!("{} has {} bytes that nobody wrote", meta.key, stored.len()));
        }
    }
    Ok(())
}

const CUTS: [PowerCut; 7] = [
    PowerCut::Clean,
    PowerCut::Torn(1),
    PowerCut::Torn(2),
    PowerCut::Torn(3),
    PowerCut::Torn(4),
    PowerCut::Torn(5),
    PowerCut::Torn(6),
];

fn lone_ops() -> Vec<Op> {
    vec![
        Op::Put("pack/a-1", body(1)),
        Op::Create("manifest/m", body(2)),
        Op::Create("grave/m/1", body(3)),
        Op::Put("pack/a-2", Bytes::new()),
        // Without bytes: a file that does not get its name would be synced for nothing.
        Op::Create("manifest/m", Bytes::new()),
        Op::Delete("pack/a-1"),
        Op::Put("pack/a-3", body(6)),
        Op::Put("pack/a-1", body(5)),
    ]
}

/// Cuts the power after each call of one process; returns the syncs that made something durable.
fn cut_one_process(swallowed: Option<u64>) -> Result<BTreeSet<u64>, String> {
    let ops = lone_ops();
    let mut effective = BTreeSet::new();
    for calls in 0.. {
        let mut finished = false;
        for cut in CUTS {
            let process = ModelFiles::new();
            process.die_after(calls);
            if let Some(nth) = swallowed {
                process.swallow_sync(nth);
            }
            let store = LocalStore::with_files(process.clone(), "before the cut".to_owned());
            let (promises, all) = block_on(run(&store, &ops));
            finished = all;
            effective.extend(process.effective_syncs());
            process.power_cut(cut);
            block_on(check(process.process(), &ops, &promises))
                .map_err(|why| format!("after {calls} calls, {cut:?}: {why}"))?;
        }
        if finished {
            break;
        }
    }
    Ok(effective)
}

/// Lets one process die after each of its calls, another one do its work beside what is left, and
/// then cuts the power: whatever the second was told must hold, though the first had not synced.
fn cut_second_process(swallowed: Option<u64>) -> Result<BTreeSet<u64>, String> {
    let first = [
        Op::Create("manifest/m", body(2)),
        Op::Put("pack/a-1", body(1)),
        Op::Create("hold/m/1", body(3)),
    ];
    let second = [
        Op::List(""),
        Op::Create("manifest/m", body(4)),
        Op::Put("pack/a-1", body(1)),
        Op::List("hold/m/"),
        Op::Create("hold/m/2", body(5)),
    ];
    let written: Vec<_> = first.iter().chain(&second).cloned().collect();
    let mut effective = BTreeSet::new();
    for calls in 0.. {
        let mut finished = false;
        // The second process stops after each of its operations: a later one may sync what an
        // earlier one relied on.
        let starts = (1..=second.len()).filter_map(|len| second.get(..len));
        for (second, cut) in starts.flat_map(|start| CUTS.map(|cut| (start, cut))) {
            let dying = ModelFiles::new();
            dying.die_after(calls);
            let store = LocalStore::with_files(dying.clone(), "dying".to_owned());
            finished = block_on(run(&store, &first)).1;
            let process = dying.process();
            if let Some(nth) = swallowed {
                process.swallow_sync(nth);
            }
            let store = LocalStore::with_files(process.clone(), "second".to_owned());
            let (promises, all) = block_on(run(&store, second));
            assert!(all, "the second process meets no failure");
            effective.extend(process.effective_syncs());
            process.power_cut(cut);
            block_on(check(process.process(), &written, &promises))
                .map_err(|why| format!("{calls} and {}, {cut:?}: {why}", second.len()))?;
        }
        if finished {
            break;
        }
    }
    Ok(effective)
}

// proves: REPO-2
#[test]
fn power_cut_after_each_call_keeps_what_was_reported() {
    let effective = cut_one_process(None).unwrap();
    assert!(effective.len() >= 10, "the operations sync: {effective:?}");
}

// proves: REPO-2
#[test]
fn power_cut_beside_a_dead_process_keeps_what_was_reported() {
    let effective = cut_second_process(None).unwrap();
    assert!(effective.len() >= 4, "the operations sync: {effective:?}");
}

#[test]
fn power_cut_without_any_one_sync_is_noticed() {
    for nth in cut_one_process(None).unwrap() {
        assert!(cut_one_process(Some(nth)).is_err(), "sync {nth} is not needed");
    }
    for nth in cut_second_process(None).unwrap() {
        assert!(cut_second_process(Some(nth)).is_err(), "sync {nth} of the second is not needed");
    }
}

/// What the traced child does, and the model beside it. The large object goes past the page cache
/// where the file system allows that.
fn traced_ops() -> Vec<Op> {
    let large = vec![7; (2 << 20) + 8192];
    let to_block = large.as_ptr().align_offset(4096);
    let large = Bytes::from(large).slice(to_block..to_block + (2 << 20) + 100);
    vec![
        Op::Put("pack/a-1", body(1)),
        Op::Create("manifest/m", body(2)),
        Op::Create("manifest/m", body(3)),
        Op::Put("pack/a-2", large),
        Op::Create("hold/m/1", body(4)),
        Op::List("hold/"),
        Op::Delete("pack/a-1"),
    ]
}

/// Also the child that the next test traces.
#[test]
fn local_store_keeps_what_it_promises() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = std::env::var_os(TRACED_DIR);
    let dir = dir.as_deref().map_or(scratch.path(), Path::new);
    let store = LocalStore::open(dir).unwrap();
    let (promises, finished) = block_on(run(&store, &traced_ops()));
    assert!(finished);
    for (key, bytes) in promises.present {
        let stored = block_on(store.get(&key)).unwrap();
        assert!(bytes.is_none_or(|bytes| bytes == stored), "{key}");
    }
    for key in promises.absent {
        assert!(block_on(store.get(&key)).unwrap_err().is_not_found(), "{key}");
    }
}

/// Gives temporary files one name and joins the writes of one file.
fn normal(calls: Vec<Call>) -> Vec<Call> {
    let plain = |path: String| if path.starts_with(".tmp/") { ".tmp/x".to_owned() } else { path };
    let mut normal: Vec<Call> = calls
        .into_iter()
        .map(|call| match call {
            Call::Create(path) => Call::Create(plain(path)),
            Call::Write(path) => Call::Write(plain(path)),
            Call::Sync(path) => Call::Sync(plain(path)),
            Call::Publish(from, to) => Call::Publish(plain(from), to),
            Call::Remove(path) => Call::Remove(plain(path)),
            other => other,
        })
        .collect();
    normal.dedup_by(|a, b| a == b && matches!(a, Call::Write(_)));
    normal
}

/// Reads one line of the trace; `None` when it is not about the directory of the store.
fn traced_call(line: &str, root: &str) -> Option<Call> {
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    let (name, rest) = line.split_once('(')?;
    // The path of the first descriptor, which `-y` prints in angle brackets.
    let of_descriptor = || {
        let path = rest.split_once('<')?.1.split_once('>')?.0;
        let path = path.strip_prefix(root)?;
        Some(path.trim_start_matches('/').to_owned())
    };
    let quoted = |nth: usize| rest.split('"').nth(2 * nth + 1).map(str::to_owned);
    let under = |dir: String, name: String| {
        if dir.is_empty() { name } else { format!("{dir}/{name}") }
    };
    let failed = line.contains("= -1 E");
    match name {
        "openat" | "openat2" if rest.contains("O_CREAT") && !failed => {
            Some(Call::Create(under(of_descriptor()?, quoted(0)?)))
        }
        "write" | "pwrite64" => Some(Call::Write(of_descriptor()?)),
        "fsync" | "fdatasync" => {
            let path = of_descriptor()?;
            let is_file = path.starts_with(".tmp/");
            Some(if is_file { Call::Sync(path) } else { Call::SyncDir(path) })
        }
        "mkdir" | "mkdirat" if !failed => Some(Call::MakeDir(under(of_descriptor()?, quoted(0)?))),
        "renameat2" => {
            let to_dir = rest.split('<').nth(2)?.split_once('>')?.0.strip_prefix(root)?;
            let to = under(to_dir.trim_start_matches('/').to_owned(), quoted(1)?);
            Some(Call::Publish(under(of_descriptor()?, quoted(0)?), to))
        }
        "unlinkat" if !failed => Some(Call::Remove(under(of_descriptor()?, quoted(0)?))),
        _ => None,
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test that traces itself")]
fn trace_of_the_real_calls_equals_the_model() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("store");
    let trace = scratch.path().join("trace");
    std::fs::create_dir(&root).unwrap();
    let calls = "trace=openat,openat2,write,pwrite64,fsync,fdatasync,renameat2,linkat,mkdir,mkdirat,\
                 unlinkat";
    let traced = Command::new("strace")
        .args(["-f", "-y", "-e", calls, "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "power_cut::local_store_keeps_what_it_promises"])
        .env(TRACED_DIR, &root)
        .output()
        .expect("strace is installed: it is in the list of Debian packages");
    assert!(traced.status.success(), "{}", String::from_utf8_lossy(&traced.stdout));

    let trace = std::fs::read_to_string(trace).unwrap();
    let root = root.canonicalize().unwrap();
    let root = root.to_str().unwrap();
    let real = trace.lines().filter_map(|line| traced_call(line, root)).collect();
    let model = ModelFiles::new();
    let store = LocalStore::with_files(model.clone(), "model".to_owned());
    assert!(block_on(run(&store, &traced_ops())).1);
    assert_eq!(normal(real), normal(model.calls()), "{trace}");
}
