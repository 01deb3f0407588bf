//! A comment that leaves work behind names the issue that will do it.

use crate::finding::Finding;
use crate::tidy::RustFile;

const MARKS: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

pub(crate) fn check(file: &RustFile<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.parsed.comments().lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric());
        let mark = words.find_map(|word| MARKS.into_iter().find(|mark| *mark == word));
        if let Some(mark) = mark.filter(|_| !names_issue(line)) {
            let text = format!("{mark} without an issue number: write `TODO(#12)`");
            findings.push(Finding::failure(file.path, number + 1, text));
        }
    }
    findings
}

/// Whether the line holds `#` and a digit.
fn names_issue(line: &str) -> bool {
    line.split('#').skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files;

    #[test]
    fn asks_for_an_issue_in_comments_only() {
        let check = |text: &str, lines: &[usize]| {
            let files = files(&[("a.rs", text)]);
            let findings = check(&RustFile::new(&files[0]));
            assert_eq!(findings.iter().map(|f| f.line).collect::<Vec<_>>(), lines, "{text}");
        };
        check("x\n// TODO: later", &[2]);
        check("/// FIXME", &[1]);
        check("// TODO(#12): later", &[]);
        check("let a = \"TODO\"; // see TODOS", &[]);
    }
}
