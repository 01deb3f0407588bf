//! Every `#[expect(...)]` says why.

use crate::finding::Finding;
use crate::tidy::RustFile;

pub(crate) fn check(file: &RustFile<'_>) -> Vec<Finding> {
    let code = file.parsed.code();
    let starts = ["#[expect(", "#![expect("];
    let mut findings = Vec::new();
    for (at, start) in starts.iter().flat_map(|start| code.match_indices(start)) {
        let open = at + start.len() - 1;
        let close = file.parsed.closing(open).unwrap_or(code.len());
        let inside = code.get(open..close).unwrap_or_default();
        if !inside.contains("reason") {
            let line = file.parsed.line_of(at);
            findings.push(Finding::failure(file.path, line, "#[expect] without a reason"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files;

    #[test]
    fn asks_each_expectation_for_its_reason() {
        let check = |text: &str, lines: &[usize]| {
            let files = files(&[("a.rs", text)]);
            let findings = check(&RustFile::new(&files[0]));
            assert_eq!(findings.iter().map(|f| f.line).collect::<Vec<_>>(), lines, "{text}");
        };
        check("#[expect(dead_code)]\nfn a() {}", &[1]);
        check("\n#![expect(dead_code)]", &[2]);
        check("#[expect(\n    dead_code,\n    reason = \"(\"\n)]", &[]);
        check("#[expect(dead_code, /* reason */)]", &[1]);
        check("// #[expect(dead_code)]", &[]);
    }
}
