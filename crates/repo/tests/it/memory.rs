//! Many sessions in one process keep to its memory budget: proven by the kernel, which kills a
//! process that takes more than its control group may have.
#![expect(clippy::disallowed_methods, reason = "the kernel's files, and a child of its own")]

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use strongroom_base::rng::OsRng;
use strongroom_base::{
    BlockSink, BlockSource, ByteRange, CancelToken, Extent, ExtentKind, Progress, Secret,
    SinkError, SourceError,
};
use strongroom_repo::compute::ThreadPool;
use strongroom_repo::object::local::LocalStore;
use strongroom_repo::testing::real_clock::RealClock;
use strongroom_repo::{
    DiskInput, Env, MemoryBudget, NewBackup, Repository, VerifyOptions, return_large_buffers,
};

const MIB: u64 = 1 << 20;
/// One backup's share on two threads is 235 MiB and a restore's 108: one fits, or two.
const BUDGET: u64 = 248 * MIB;
/// The budget, and what the process has besides: code, threads, tables, the runtime.
const LIMIT: u64 = BUDGET + 64 * MIB;
const SESSIONS: u64 = 12;
const DISK: u64 = 192 * MIB;
/// What the child shall do: keep to the budget or know none.
const CHILD: &str = "STRONGROOM_TEST_MEMORY_BUDGET";
const PLACE: &str = "STRONGROOM_TEST_MEMORY_PLACE";

// proves: REPO-21
#[test]
fn sessions_of_a_process_keep_to_its_memory_budget() {
    if let (Ok(budget), Ok(place)) = (std::env::var(CHILD), std::env::var(PLACE)) {
        return child(budget.parse().unwrap(), Path::new(&place));
    }
    let kept = in_group("kept", BUDGET);
    assert!(kept.success(), "{kept}");
    // The group does bind, and the sessions do want more: without a budget the kernel ends them.
    let unbound = in_group("unbound", u64::MAX);
    assert_eq!(unbound.signal(), Some(9), "{unbound}");
}

/// Runs this test as a child in a control group of its own that may have [`LIMIT`].
fn in_group(name: &str, budget: u64) -> ExitStatus {
    let group = Group::new(name);
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let enter =
        format!("echo $$ > {} && exec \"$0\" \"$@\"", group.0.join("cgroup.procs").display());
    Command::new("sh")
        .args(["-c", &enter])
        .arg(std::env::current_exe().unwrap())
        .args(["memory::sessions_of_a_process_keep_to_its_memory_budget", "--exact", "--nocapture"])
        .env(CHILD, budget.to_string())
        .env(PLACE, place.path())
        .status()
        .unwrap()
}

/// A memory control group that goes with the test. Needs root.
struct Group(PathBuf);

impl Group {
    fn new(name: &str) -> Self {
        let name = format!("strongroom-test-{}-{name}", std::process::id());
        let one = Path::new("/sys/fs/cgroup/memory");
        let (dir, limit) = if one.exists() {
            (one.join(name), "memory.limit_in_bytes")
        } else {
            (Path::new("/sys/fs/cgroup").join(name), "memory.max")
        };
        fs::create_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        let group = Self(dir);
        fs::write(group.0.join(limit), LIMIT.to_string()).unwrap();
        // Swapped memory is memory all the same, where the kernel counts it.
        for (file, value) in
            [("memory.memsw.limit_in_bytes", LIMIT.to_string()), ("memory.swap.max", "0".into())]
        {
            drop(fs::write(group.0.join(file), value));
        }
        group
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(fs::remove_dir(&self.0));
    }
}

/// Many backups at once, then as many restores, then verify.
fn child(budget: u64, place: &Path) {
    return_large_buffers();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let env = Env {
        store: Arc::new(LocalStore::create(place).unwrap()),
        clock: Arc::new(RealClock::new()),
        rng: Arc::new(OsRng),
        compute: Arc::new(ThreadPool::start(2).unwrap()),
        memory: MemoryBudget::new(budget),
    };
    let repo = runtime.block_on(Repository::init(env, &Secret::new([1; 32]))).unwrap();
    let backups: Vec<_> = (0..SESSIONS)
        .map(|seed| {
            let source = Arc::new(Noise { seed });
            let disk = DiskInput { name: "disk".to_owned(), source };
            let repo = repo.clone();
            runtime.spawn(async move { repo.backup(NewBackup::of(vec![disk], Vec::new())).await })
        })
        .collect();
    let ids: Vec<_> =
        backups.into_iter().map(|made| runtime.block_on(made).unwrap().unwrap().0).collect();
    let restores: Vec<_> = (0..SESSIONS)
        .zip(ids)
        .map(|(seed, id)| {
            let repo = repo.clone();
            runtime.spawn(async move {
                let session = repo.read_backup(id).await.unwrap();
                let sink = Arc::new(Check { noise: Noise { seed } });
                let (cancel, progress) = (CancelToken::new(), Progress::new());
                session.restore("disk", sink, &cancel, &progress).await.unwrap();
                session.end().await.unwrap();
            })
        })
        .collect();
    for restored in restores {
        runtime.block_on(restored).unwrap();
    }
    let report = runtime.block_on(repo.verify(&VerifyOptions::default())).unwrap();
    assert!(report.is_sound() && report.backups == SESSIONS);
}

/// A disk of bytes that do not compress and take no memory.
#[derive(Debug)]
struct Noise {
    seed: u64,
}

impl Noise {
    fn fill(&self, offset: u64, buffer: &mut [u8]) {
        let mut stream = blake3::Hasher::new().update(&self.seed.to_le_bytes()).finalize_xof();
        stream.set_position(offset);
        stream.fill(buffer);
    }
}

impl BlockSource for Noise {
    fn size(&self) -> u64 {
        DISK
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        self.fill(offset, buffer);
        Ok(())
    }

    fn extents(&self, range: ByteRange) -> Result<Vec<Extent>, SourceError> {
        Ok(vec![Extent { range, kind: ExtentKind::Data }])
    }

    fn check_unchanged(&self) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Compares what is restored with the disk that it came from.
#[derive(Debug)]
struct Check {
    noise: Noise,
}

impl BlockSink for Check {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        let mut expected = vec![0; bytes.len()];
        self.noise.fill(offset, &mut expected);
        assert!(expected == bytes, "a wrong byte at {offset}");
        Ok(())
    }

    fn zero(&self, range: ByteRange) -> Result<(), SinkError> {
        panic!("there are no zeros at {range:?}");
    }

    fn finish(&self) -> Result<(), SinkError> {
        Ok(())
    }
}
