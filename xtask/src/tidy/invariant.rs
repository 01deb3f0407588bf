//! Every named invariant has a test that says it proves it, and nobody names one that is not there.
//!
//! An invariant is declared where its id begins a line of docs/invariants.md, be it a heading, a
//! list entry or a table row. A test proves it with a comment line `proves: REPO-3` (several ids
//! parted by commas) above or in the test function.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkout::TextFile;
use crate::finding::Finding;
use crate::tidy::RustFile;

const DOCUMENT: &str = "docs/invariants.md";

pub(crate) fn check(files: &[TextFile], rust: &[RustFile<'_>]) -> Vec<Finding> {
    let Some(document) = files.iter().find(|file| file.path == DOCUMENT) else {
        return vec![Finding::failure(DOCUMENT, 0, "is missing")];
    };
    let mut findings = Vec::new();
    let declared = declared(document, &mut findings);
    let families: BTreeSet<&str> =
        declared.keys().filter_map(|id| id.rsplit_once('-')).map(|(family, _)| family).collect();
    let mut proven = BTreeSet::new();
    for file in rust {
        let tests_from = tests_from(file);
        for (index, comment) in file.parsed.comments().lines().enumerate() {
            let line = index + 1;
            for id in ids(comment) {
                let is_ours = id.rsplit_once('-').is_some_and(|(f, _)| families.contains(f));
                if is_ours && !declared.contains_key(id) {
                    let text = format!("{id} is not in {DOCUMENT}");
                    findings.push(Finding::failure(file.path, line, text));
                }
            }
            let Some(list) = proof(comment) else { continue };
            if tests_from.is_none_or(|from| line < from) {
                findings.push(Finding::failure(file.path, line, "a proof outside test code"));
                continue;
            }
            for id in list.split(',').map(str::trim) {
                if !declared.contains_key(id) {
                    let text = format!("proves `{id}`, which is not in {DOCUMENT}");
                    findings.push(Finding::failure(file.path, line, text));
                }
                proven.insert(id.to_owned());
            }
        }
    }
    for (id, line) in declared.iter().filter(|(id, _)| !proven.contains(**id)) {
        let text = format!("no test says `// proves: {id}`");
        findings.push(Finding::failure(DOCUMENT, *line, text));
    }
    findings
}

/// The ids that begin a line of the document, with their lines.
fn declared<'a>(document: &'a TextFile, findings: &mut Vec<Finding>) -> BTreeMap<&'a str, usize> {
    let mut declared = BTreeMap::new();
    for (index, line) in document.text.lines().enumerate() {
        // Running text may begin a line with SHA-256.
        if !line.trim_start().starts_with(['#', '|', '-', '*']) {
            continue;
        }
        let start = line.trim_start_matches(|c: char| "#|-*_`[ \t".contains(c));
        let Some(id) = leading_id(start) else {
            continue;
        };
        if declared.insert(id, index + 1).is_some() {
            let text = format!("{id} is declared twice");
            findings.push(Finding::failure(DOCUMENT, index + 1, text));
        }
    }
    declared
}

/// The line from which a file is test code; none when no line is.
fn tests_from(file: &RustFile<'_>) -> Option<usize> {
    // A conformance suite in a `testing` module is run by tests of several crates.
    let is_suite = file.path.contains("/testing/") || file.path.ends_with("/testing.rs");
    if file.is_test_file() || is_suite { Some(1) } else { file.parsed.first_test_line() }
}

/// What follows `proves:` at the beginning of a comment.
fn proof(comment: &str) -> Option<&str> {
    comment
        .trim_start()
        .strip_prefix("//")?
        .trim_start_matches(['/', '!'])
        .trim_start()
        .strip_prefix("proves:")
}

/// The id (`REPO-3`) that `text` begins with.
fn leading_id(text: &str) -> Option<&str> {
    let letters = text.find(|c: char| !c.is_ascii_uppercase()).filter(|&at| at > 0)?;
    let digits = text.get(letters..)?.strip_prefix('-')?;
    let count = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let goes_on = digits.get(count..)?.starts_with(|c: char| c.is_alphanumeric() || c == '-');
    (count > 0 && !goes_on).then(|| text.get(..letters + 1 + count))?
}

/// All ids in a text.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '-'))
        .filter(|word| leading_id(word) == Some(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files;

    const DOC: &str = "\
# Invariants
Hashes are SHA-256 throughout; REPO-9 is a gap.
| REPO-1 | packs first |
## REPO-2: no two winners
- **TASK-1**: one lease
";

    fn findings(document: &str, path: &str, source: &str) -> Vec<String> {
        let files = files(&[(DOCUMENT, document), (path, source)]);
        let rust = [RustFile::new(&files[1])];
        check(&files, &rust).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn passes_when_each_invariant_is_proven() {
        let source = "\
//! - REPO-1: packs first, hashed by SHA-256.
#[cfg(test)]
mod tests {
    // proves: REPO-1, REPO-2
    #[test]
    fn a() {
        // proves: TASK-1
    }
}
";
        assert_eq!(findings(DOC, "crates/a/src/b.rs", source), [""; 0]);
    }

    #[test]
    fn names_what_is_unproven_unknown_or_outside_tests() {
        let source = "\
// proves: REPO-1
// REPO-7 is unknown
fn a() {}
#[cfg(test)]
mod tests {
    // proves: REPO-2, FOO
    const TEXT: &str = \"// proves: TASK-1\";
}
";
        assert_eq!(
            findings(DOC, "crates/a/src/b.rs", source),
            [
                "error: crates/a/src/b.rs:1: a proof outside test code",
                "error: crates/a/src/b.rs:2: REPO-7 is not in docs/invariants.md",
                "error: crates/a/src/b.rs:6: proves `FOO`, which is not in docs/invariants.md",
                "error: docs/invariants.md:3: no test says `// proves: REPO-1`",
                "error: docs/invariants.md:5: no test says `// proves: TASK-1`",
            ]
        );
    }

    #[test]
    fn a_file_of_tests_proves_everywhere() {
        let proofs = "// proves: REPO-1\n/// proves: REPO-2\n//! proves: TASK-1\n";
        for path in
            ["crates/a/tests/it/b.rs", "crates/a/src/b/tests.rs", "crates/a/src/testing/b.rs"]
        {
            assert_eq!(findings(DOC, path, proofs), [""; 0], "{path}");
        }
    }

    #[test]
    fn refuses_a_missing_document_and_a_double_id() {
        assert_eq!(check(&[], &[]).len(), 1);
        let twice = "# REPO-1 a\n# REPO-1 b\nSHA-256 c\n";
        let source = "// proves: REPO-1";
        assert_eq!(
            findings(twice, "crates/a/tests/b.rs", source),
            ["error: docs/invariants.md:2: REPO-1 is declared twice"]
        );
    }
}
