//! Words of another layer in a source file.

use crate::checkout::TextFile;
use crate::finding::Finding;

/// One finding for each line that says one of `words`.
pub(crate) fn check(file: &TextFile, words: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        if let Some(word) = find(line, words) {
            let text = format!("says `{word}`, a word of another layer");
            findings.push(Finding::failure(&file.path, index + 1, text));
        }
    }
    findings
}

/// The first of `words` that `text` says outside of URLs.
pub(crate) fn find<'a>(text: &str, words: &'a [String]) -> Option<&'a str> {
    let spoken = text.split_whitespace().filter(|part| !part.contains("://"));
    let names = spoken.flat_map(|part| part.split(|c: char| !is_name(c)));
    for name in names {
        let parts = parts(name);
        if let Some(word) = words.iter().find(|word| says(&parts, word)) {
            return Some(word);
        }
    }
    None
}

/// Whether the parts of `word`, perhaps in the plural, stand in a row among `parts`.
fn says(parts: &[String], word: &str) -> bool {
    let word = self::parts(word).join("_");
    let plural = format!("{word}s");
    let count = word.split('_').count();
    parts.windows(count).any(|row| {
        let row = row.join("_");
        row == word || row == plural
    })
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// The words of a name in snake, kebab or camel case, in lower case.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let chars: Vec<char> = name.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| chars.get(before));
        let after = chars.get(at + 1);
        // `VaultId` parts before the I, `HTTPServer` before the S.
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if (c == '_' || c == '-' || begins) && parts.last().is_some_and(|part| !part.is_empty()) {
            parts.push(String::new());
        }
        if c != '_' && c != '-' {
            parts.iter_mut().last().into_iter().for_each(|part| part.extend(c.to_lowercase()));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_every_case() {
        let check = |name: &str, expected: &[&str]| assert_eq!(parts(name), expected, "{name}");
        check("vault_id", &["vault", "id"]);
        check("VaultId", &["vault", "id"]);
        check("HTTPServer", &["http", "server"]);
        check("VAULT_ID", &["vault", "id"]);
        check("sqlx-postgres", &["sqlx", "postgres"]);
    }

    #[test]
    fn find_takes_whole_words_outside_urls() {
        let words = ["vault", "http", "strongroom_source", "project_id"].map(str::to_owned);
        let check = |text: &str, expected| assert_eq!(find(text, &words), expected, "{text}");
        check("let vaults = 1;", Some("vault"));
        check("per-vault key", Some("vault"));
        check("use strongroom_source::Raw;", Some("strongroom_source"));
        check("see strongroom-source", Some("strongroom_source"));
        check("vaulted, default, https://vault.example/vault", None);
        check("an HTTP header", Some("http"));
        check("source of strongroom, the project", None);
        check("old_project_ids", Some("project_id"));
        check("struct ProjectId;", Some("project_id"));
    }
}
