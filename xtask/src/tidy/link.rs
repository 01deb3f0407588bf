//! Relative links in Markdown lead to a file of the checkout.

use crate::checkout::TextFile;
use crate::finding::Finding;

pub(crate) fn check(files: &[TextFile], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("md")) {
        for (line, target) in targets(&file.text) {
            let path = target.trim_matches(['<', '>']).split('#').next().unwrap_or_default();
            if path.is_empty() || is_url(path) {
                continue;
            }
            let found = resolve(&file.path, path).is_some_and(|path| exists(&path));
            if !found {
                let text = format!("link to `{target}`, which is not in this checkout");
                findings.push(Finding::failure(&file.path, line, text));
            }
        }
    }
    findings
}

/// The targets of inline links and images, and of reference definitions, with their lines.
/// Fenced and inline code holds no links.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut targets = Vec::new();
    let mut is_fenced = false;
    for (index, line) in text.lines().enumerate() {
        let start = line.trim_start();
        if start.starts_with("```") || start.starts_with("~~~") {
            is_fenced = !is_fenced;
            continue;
        }
        if is_fenced {
            continue;
        }
        if let Some((label, target)) = start.strip_prefix('[').and_then(|l| l.split_once("]: "))
            && !label.contains(']')
        {
            targets.extend(target.split_whitespace().next().map(|target| (index + 1, target)));
            continue;
        }
        // Every second part between backticks is code.
        for part in line.split('`').step_by(2) {
            for after in part.split("](").skip(1) {
                let target = after.split([')', ' ']).next().unwrap_or_default();
                targets.push((index + 1, target));
            }
        }
    }
    targets
}

fn is_url(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// The path from the root that `target` in `file` means; none when it leaves the checkout.
fn resolve(file: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files;

    fn broken(path: &str, text: &str) -> Vec<usize> {
        let existing = ["README.md", "docs/format.md", "docs/adr/a.md", "crates/repo"];
        let findings = check(&files(&[(path, text)]), |path| existing.contains(&path));
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn finds_links_that_lead_nowhere() {
        let text = "\
[a](docs/format.md) and [b](docs/form.md)
[c](#here) [d](https://a.example/x) ![e](docs/format.md#points \"title\")
[`code`](docs/gone.md)

[ref]: docs/none.md
[ref]: <https://a.example>
";
        assert_eq!(broken("README.md", text), [1, 3, 5]);
    }

    #[test]
    fn resolves_from_the_folder_of_the_document() {
        assert_eq!(
            broken("docs/adr/b.md", "[a](a.md) [b](../format.md) [c](../../crates/repo/)"),
            [0; 0]
        );
        assert_eq!(broken("docs/a.md", "[a](../../other/README.md)"), [1]);
        assert_eq!(broken("README.md", "[a](/README.md)"), [1]);
    }

    #[test]
    fn code_holds_no_links() {
        assert_eq!(broken("README.md", "```\n[a](gone.md)\n```\n`[b](gone.md)` x"), [0; 0]);
    }
}
