//! Child processes that do not outlive us.
//!
//! # Why
//! A `qemu-nbd` that has no client yet waits for one, for ever, and holds the locks of its image. If
//! we are killed before we connect, nobody would end it, and the disk would stay in use.
//!
//! # Concurrency and crash
//! The kernel sends the signal when the *thread* that started a child ends. So one thread starts
//! them all, and it lives as long as the process.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::thread;

use nix::errno::Errno;
use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

type Order = (Command, SyncSender<io::Result<Child>>);

static STARTER: LazyLock<io::Result<Sender<Order>>> = LazyLock::new(|| {
    let (orders, taken) = channel::<Order>();
    let start_all = move || {
        for (command, answer) in taken {
            // Whoever ordered it waits for the answer.
            drop(answer.send(start(command)));
        }
    };
    thread::Builder::new().name("children".to_owned()).spawn(start_all)?;
    Ok(orders)
});

/// Starts a process that is killed when this one dies, however it dies.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    let starter = STARTER.as_ref().map_err(|error| io::Error::from(error.kind()))?;
    let (answer, answered) = sync_channel(1);
    let gone = || io::Error::other("the thread that starts processes is gone");
    starter.send((command, answer)).map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}

#[expect(unsafe_code, reason = "only the child itself can ask for the signal")]
fn start(mut command: Command) -> io::Result<Child> {
    let parent = getpid();
    let follow = move || {
        // Not SIGTERM: `qemu-nbd` forgets one that comes while it opens its image. A qcow2 image whose
        // writer is killed keeps at worst clusters that nothing refers to.
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // A parent that died before that sends nothing any more.
        if getppid() == Some(parent) { Ok(()) } else { Err(Errno::ESRCH.into()) }
    };
    // SAFETY: between fork and exec only what is safe in a signal handler may run; these are two
    // plain system calls, which neither allocate nor lock.
    unsafe { command.pre_exec(follow) };
    command.spawn()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test needs a process to kill")]
mod tests {
    use std::fs;
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;
    use std::time::Duration;

    use strongroom_base::clock::system_instant;

    use super::*;

    /// Set for the process that is killed.
    const VICTIM: &str = "STRONGROOM_TEST_VICTIM";
    const PATIENCE: Duration = Duration::from_secs(10);

    fn be_the_victim() -> ! {
        let order = || {
            let mut command = Command::new("sleep");
            command.arg("600").stdout(Stdio::null());
            spawn(command).unwrap()
        };
        // A thread of a pool orders it, and is gone soon.
        println!("child {}", thread::spawn(order).join().unwrap().id());
        loop {
            thread::sleep(PATIENCE);
        }
    }

    fn lives(id: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }

    #[test]
    fn child_ends_with_a_process_that_is_killed_and_not_before() {
        if std::env::var_os(VICTIM).is_some() {
            be_the_victim();
        }
        let mut victim = Command::new(std::env::current_exe().unwrap());
        let name = "child::tests::child_ends_with_a_process_that_is_killed_and_not_before";
        victim.args([name, "--exact", "--nocapture"]).env(VICTIM, "1").stdout(Stdio::piped());
        let mut victim = victim.spawn().unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
        let find = |line: String| line.split_once("child ").map(|(_, id)| id.to_owned());
        let child = lines.filter_map(find).find(|id| id.parse::<u32>().is_ok()).unwrap();
        thread::sleep(Duration::from_millis(100));
        assert!(lives(&child), "it ended with the thread that ordered it");
        victim.kill().unwrap();
        victim.wait().unwrap();
        let began = system_instant();
        while lives(&child) {
            assert!(began.elapsed() < PATIENCE, "it outlives its parent");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
