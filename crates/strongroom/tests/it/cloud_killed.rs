//! `kill -9` of the real server at many instants of each operation: the next one on the same data
//! directory brings it to its end, and nothing is stuck or half there.
//!
//! A dead server's tasks wait until its lease runs out, half a minute; so the servers of all cases
//! wait side by side, each on a copy of one data directory. What is killed runs alone.

mod case;
mod check;
mod copy;

use std::path::Path;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use strongroom_base::clock::system_instant;

use self::case::{Again, Case, Instant, Operation, Usual};
use self::check::Check;
use self::copy::{Copy, Template};
use crate::cloud_client::{CloudClient, is_open};
use crate::installation::{BLINK, RealServer, Setup};

/// Longer than a lease, the look of an idle worker, and the work itself.
const PATIENCE: Duration = Duration::from_secs(75);
/// When a server is killed that was just started: before it listens, or soon after.
const WHILE_STARTING: Duration = Duration::from_millis(60);
/// How often it is asked whether it is still at work: seldom enough not to slow it down.
const WATCHING: Duration = Duration::from_millis(25);

/// How the cases went.
#[derive(Debug, Default)]
struct Tally {
    /// Those whose task had not ended when its server died.
    cut: Vec<Operation>,
    /// Those whose second server died at work on the task.
    cut_again: usize,
}

// proves: CTL-30
#[test]
fn killed_server_leaves_nothing_stuck_and_nothing_half_there() {
    let template = Template::make();
    let tally = Mutex::new(Tally::default());
    thread::scope(|scope| {
        let mut usual = Vec::new();
        for operation in Operation::ALL {
            usual.push((operation, undisturbed(&template, operation)));
        }
        println!("undisturbed: {usual:?}");
        for case in Case::all() {
            let copy = template.copy(case);
            let (_, usual) = usual.iter_mut().find(|(known, _)| *known == case.operation).unwrap();
            let client = kill_once(&copy, case, usual);
            let (template, tally) = (&template, &tally);
            scope.spawn(move || recover(template, &copy, case, &client, tally));
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("{tally:?}");
    // The tasks of deletions are open for a short time only.
    for (operation, least) in Operation::ALL.iter().zip([6, 6, 3, 3]) {
        let cut = tally.cut.iter().filter(|cut| *cut == operation).count();
        assert!(cut >= least, "{cut} of {operation:?} were at work when the server died");
    }
    assert!(tally.cut_again > 0, "no server died while it went on with a task");
}

/// How long an operation takes; what a case checks holds then as well.
fn undisturbed(template: &Template, operation: Operation) -> Usual {
    let case = Case { operation, number: Case::SPARE, again: Again::Never };
    let copy = template.copy(case);
    let (server, client) = start(&copy);
    let began = system_instant();
    client.send(&case.request(&template.ids, &client));
    let answer = began.elapsed();
    client.settle(PATIENCE);
    let usual = Usual { answer, task: began.elapsed().saturating_sub(answer) };
    Check { case, template, copy: &copy, client: &client }.all();
    server.stop();
    if operation == Operation::VaultDelete {
        // Not after a death: a collector waits for half an hour for a session that says nothing.
        copy.check_repository_goes();
    }
    copy.check_tidy();
    usual
}

fn start(copy: &Copy) -> (RealServer, CloudClient) {
    let (server, address) = copy.setup.start();
    (server, copy.client.at(address))
}

/// Starts a server, asks it, and kills it at the case's instant. Where the task ends before, the
/// machine is less busy than when `usual` was measured: later cases are killed sooner.
fn kill_once(copy: &Copy, case: Case, usual: &mut Usual) -> CloudClient {
    let (server, client) = start(copy);
    let request = case.request(&copy.ids, &client);
    let (answered, answer) = mpsc::channel();
    let ended = thread::scope(|scope| {
        let client = &client;
        let asking = scope.spawn(move || {
            // It may never come.
            drop(client.try_send(&request));
            let _nobody_waits = answered.send(());
            watch(client)
        });
        match case.instant(usual) {
            Instant::BeforeAnswer(after) => thread::sleep(after),
            Instant::AfterAnswer(after) => {
                answer.recv_timeout(PATIENCE).unwrap();
                thread::sleep(after);
            }
        }
        server.kill();
        asking.join().unwrap()
    });
    usual.task = ended.map_or(usual.task, |ended| ended.min(usual.task));
    client
}

/// How long a server was at work from now on; none if it died first.
fn watch(client: &CloudClient) -> Option<Duration> {
    let began = system_instant();
    while client.is_at_work().ok()? {
        thread::sleep(WATCHING);
    }
    Some(began.elapsed())
}

/// Starts servers until one has brought everything to its end, and looks at what is there.
fn recover(
    template: &Template,
    copy: &Copy,
    case: Case,
    client: &CloudClient,
    tally: &Mutex<Tally>,
) {
    if case.again == Again::WhileStarting {
        let server = copy.setup.spawn();
        thread::sleep(WHILE_STARTING * (case.number % 4 + 1));
        server.kill();
    }
    let (mut server, address) = copy.setup.start();
    let mut client = client.at(address);
    if client.tasks().iter().any(is_open) {
        tally.lock().unwrap().cut.push(case.operation);
    }
    if case.again == Again::WhileGoingOn && is_at_work(&server, &client) {
        // While it opens the disk, or soon after.
        thread::sleep(Duration::from_millis(u64::from(case.number) * 10));
        server.kill();
        tally.lock().unwrap().cut_again += 1;
        let (next, address) = copy.setup.start();
        (server, client) = (next, client.at(address));
    }
    client.settle(PATIENCE);
    Check { case, template, copy, client: &client }.all();
    server.stop();
    copy.check_tidy();
}

/// Waits until the server works on a disk; false if it has nothing to do.
fn is_at_work(server: &RealServer, client: &CloudClient) -> bool {
    let began = system_instant();
    // To list its tasks costs a server more than to look at its children costs us.
    for look in 0_u32.. {
        if !server.children().is_empty() {
            return true;
        }
        if look.is_multiple_of(20) && !client.tasks().iter().any(is_open) {
            return false;
        }
        assert!(began.elapsed() < PATIENCE, "nobody goes on with the task");
        thread::sleep(BLINK);
    }
    false
}

/// The flags of every server here: what is deleted goes at once.
fn setup_of(folder: &Path) -> Setup {
    Setup::below(folder).with(&["--grave-delay", "0s"])
}
