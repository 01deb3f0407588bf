//! How long files and functions may be.

use crate::finding::Finding;
use crate::tidy::RustFile;

/// Lines above the first inline test module: review asks why beyond the first number, the second
/// fails. The best Rust servers of this size have 90 % of their files below 250 lines.
const PRODUCTION: (usize, usize) = (500, 800);
/// Lines of an inline test module; longer ones move to `foo/tests.rs`.
const INLINE_TESTS: (usize, usize) = (200, 1_000);
/// Lines of a file that is all tests.
const TEST_FILE: (usize, usize) = (600, 1_000);
/// Lines of a function's body, tests included.
const FUNCTION: (usize, usize) = (80, 120);

pub(crate) fn check(file: &RustFile<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = file.text.lines().count();
    if file.is_test_file() {
        findings.extend(judge(file.path, 0, "lines of tests", lines, TEST_FILE));
    } else {
        let production = file.parsed.first_test_line().map_or(lines, |line| line - 1);
        let tests = lines - production;
        findings.extend(judge(file.path, 0, "lines of production code", production, PRODUCTION));
        findings.extend(judge(file.path, 0, "lines of inline tests", tests, INLINE_TESTS));
    }
    for function in file.parsed.functions() {
        if !function.may_be_long {
            let what = format!("lines in the body of `{}`", function.name);
            findings.extend(judge(file.path, function.line, &what, function.body_lines, FUNCTION));
        }
    }
    findings
}

fn judge(
    path: &str,
    line: usize,
    what: &str,
    count: usize,
    (soft, hard): (usize, usize),
) -> Option<Finding> {
    if count > hard {
        Some(Finding::failure(path, line, format!("{count} {what}, the limit is {hard}")))
    } else if count > soft {
        Some(Finding::warning(path, line, format!("{count} {what}, more than {soft}")))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Level::{self, Failure, Warning};
    use crate::tidy::files;

    fn levels(path: &str, text: &str) -> Vec<Level> {
        let files = files(&[(path, text)]);
        check(&RustFile::new(&files[0])).iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn files_are_judged_by_what_they_hold() {
        let production = |count: usize| "//\n".repeat(count);
        assert_eq!(levels("crates/a/src/b.rs", &production(500)), []);
        assert_eq!(levels("crates/a/src/b.rs", &production(501)), [Warning]);
        assert_eq!(levels("crates/a/src/b.rs", &production(801)), [Failure]);
        assert_eq!(levels("crates/a/tests/it/b.rs", &production(801)), [Warning]);
        assert_eq!(levels("crates/a/src/b/tests.rs", &production(1_001)), [Failure]);
        let tests = format!("{}#[cfg(test)]\nmod tests {{\n", production(500));
        assert_eq!(levels("crates/a/src/b.rs", &format!("{tests}{}}}", "\n".repeat(190))), []);
        assert_eq!(
            levels("crates/a/src/b.rs", &format!("{tests}{}}}", "\n".repeat(200))),
            [Warning]
        );
    }

    #[test]
    fn functions_are_judged_unless_they_say_why_they_are_long() {
        let function = |count: usize| format!("fn a() {{\n{}}}\n", "    b();\n".repeat(count));
        assert_eq!(levels("a.rs", &function(80)), []);
        assert_eq!(levels("a.rs", &function(120)), [Warning]);
        assert_eq!(levels("a.rs", &function(121)), [Failure]);
        let excused = "#[expect(clippy::too_many_lines, reason = \"a table\")]\n";
        assert_eq!(levels("a.rs", &format!("{excused}{}", function(300))), []);
    }
}
