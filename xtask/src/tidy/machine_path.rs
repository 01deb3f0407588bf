//! No tracked file may name an absolute path of the machine it was written on.

use crate::checkout::TextFile;
use crate::finding::Finding;

/// Folders of one machine or one person; their names are parted here so that this file passes.
const FOLDERS: [&str; 3] = ["work", "home", "root"];

pub(crate) fn check(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for folder in FOLDERS {
            let path = format!("/{folder}/");
            let starts = line.match_indices(&path).any(|(at, _)| is_path_start(line, at));
            if starts {
                let text = format!("names {path}, a folder of one machine");
                findings.push(Finding::failure(&file.path, number + 1, text));
            }
        }
    }
    findings
}

/// Whether an absolute path begins at `at`, rather than the middle of a relative one or of a URL.
fn is_path_start(line: &str, at: usize) -> bool {
    let before = line.get(..at).and_then(|before| before.chars().next_back());
    before.is_none_or(|c| !(c.is_alphanumeric() || "._-~*})>$".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files;

    #[test]
    fn finds_absolute_paths_only() {
        let check = |text: String, lines: &[usize]| {
            let findings = check(&files(&[("a.md", &text)])[0]);
            assert_eq!(findings.iter().map(|f| f.line).collect::<Vec<_>>(), lines, "{text}");
        };
        check(format!("see /{}/x\nand `/{}/y`", "work", "root"), &[1, 2]);
        check(format!("crates/{}/x ~/{}/x https://a.example/{}/x", "work", "home", "root"), &[]);
        check("the /workshop and the /rootless".to_owned(), &[]);
    }
}
