//! Plans, as files keep them.
#![expect(clippy::disallowed_methods, reason = "a test keeps its golden files as it likes")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use strongroom_db::Db;
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Watched;

/// Tables that stay small, so that planners may read them whole: a row for each domain, project,
/// counter, and key of a running task, and one of the version.
const SMALL: [&str; 5] = ["iam_domain", "iam_project", "iam_version", "cbr_count", "task_held_key"];

/// What was planned for each query.
pub(super) struct Plans {
    watched: Watched,
    files: BTreeMap<String, String>,
    /// What reads more than it needs.
    faults: String,
}

impl Plans {
    pub(super) fn new(watched: Watched) -> Self {
        Self { watched, files: BTreeMap::new(), faults: String::new() }
    }

    /// The database to ask.
    pub(super) fn db(&self) -> Db {
        self.watched.db.clone()
    }

    /// Keeps the plans of what was asked since the last time, as a case of a query.
    pub(super) async fn add(&mut self, query: &str, case: &str) {
        let plans = self.watched.plans().await.unwrap();
        assert!(!plans.is_empty() && plans.len() <= 5, "{query}: {} statements", plans.len());
        let file = self.files.entry(query.to_owned()).or_default();
        writeln!(file, "{case}:").unwrap();
        for plan in plans {
            // Reconcilers go over everything, page by page.
            if plan.lines().any(is_whole) && !query.ends_with("_page_all") {
                writeln!(self.faults, "{query}, {case}:\n{plan}").unwrap();
            }
            writeln!(file, "{plan}").unwrap();
        }
    }

    /// Compares everything with the files, or writes them.
    pub(super) fn compare(self) {
        assert!(self.faults.is_empty(), "whole tables are read:\n{}", self.faults);
        let dialect = match self.watched.db.dialect() {
            Dialect::Sqlite => "sqlite",
            Dialect::Postgres => "postgres",
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/plans");
        let ending = format!(".{dialect}.txt");
        let mut there = names(&folder, &ending);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(&folder).unwrap();
            for name in there.drain(..).filter(|name| !self.files.contains_key(name)) {
                fs::remove_file(folder.join(name + &ending)).unwrap();
            }
            for (query, plans) in &self.files {
                fs::write(folder.join(format!("{query}{ending}")), plans).unwrap();
            }
            return;
        }
        let queries: Vec<_> = self.files.keys().cloned().collect();
        assert_eq!(there, queries, "files without a query, or the reverse; UPDATE_GOLDEN=1");
        for (query, plans) in self.files {
            let golden = fs::read_to_string(folder.join(format!("{query}{ending}"))).unwrap();
            assert!(golden == plans, "{query} of {dialect} is now planned so:\n{plans}");
        }
    }
}

/// The queries that have a file.
fn names(folder: &PathBuf, ending: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> =
        names.filter_map(|name| Some(name.strip_suffix(ending)?.to_owned())).collect();
    names.sort_unstable();
    names
}

/// Whether a line of a plan reads a whole table, or all of an index, that may be large.
fn is_whole(line: &str) -> bool {
    // An index of what has not ended stays small.
    let is_small = line.contains("_running")
        || SMALL.iter().any(|table| line.split(' ').any(|word| word == *table));
    let reads_all = line.contains("Seq Scan") || line.contains("(all of it)");
    let sqlite_reads_all =
        line.trim_start().starts_with("SCAN ") && !line.contains("SCAN CONSTANT");
    (reads_all || sqlite_reads_all) && !is_small
}
