//! Replays the traces of one client, prints what is served, and compares it with what was.

use std::fmt::Write as _;
use std::path::Path;

use strongroom_db::dialect::Dialect;
use strongroom_testkit::replay::replay;
use strongroom_testkit::trace::Trace;

/// Served and total of each file, as committed: coverage cannot shrink unnoticed.
const GOLDEN: &str = "golden/replay.txt";

/// Replays every trace of a client. `UPDATE_GOLDEN=1` writes down what is served.
pub(crate) fn check(client: &str) {
    let traces = Trace::all().unwrap().into_iter().filter(|trace| trace.client == client);
    let wanted = std::env::var("TRACE").unwrap_or_default();
    let (mut table, mut told) = (String::new(), String::new());
    let mut lines = Vec::new();
    for trace in traces.filter(|trace| trace.name.contains(&wanted)) {
        let outcome = replay(&trace, Dialect::Sqlite).unwrap();
        let (served, total) = (outcome.served, outcome.total);
        let differing = outcome.differences.len();
        writeln!(table, "{:40} | {served:4} | {total:4} | {differing:4}", trace.name).unwrap();
        lines.push(format!("{client}/{} {served} {total}", trace.name));
        for difference in &outcome.differences {
            writeln!(told, "{}/{difference}", trace.name).unwrap();
        }
        for (n, why) in &outcome.skipped {
            println!("{}/{n} {why}", trace.name);
        }
    }
    println!("{client}\n{:40} | served | total | differing\n{table}", "file");
    assert!(told.is_empty(), "{told}");
    if wanted.is_empty() {
        compare(client, &lines);
    }
}

fn compare(client: &str, lines: &[String]) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let is_ours = |line: &&str| line.starts_with(&format!("{client}/"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let others = committed.lines().filter(|line| !is_ours(line)).map(str::to_owned);
        let mut all: Vec<String> = others.chain(lines.iter().cloned()).collect();
        all.sort();
        #[expect(clippy::disallowed_methods, reason = "a golden file, written by hand")]
        std::fs::write(&file, all.join("\n") + "\n").unwrap();
        return;
    }
    let ours: Vec<&str> = committed.lines().filter(is_ours).collect();
    assert_eq!(ours, lines, "UPDATE_GOLDEN=1 (one test at a time) writes {GOLDEN}");
}
