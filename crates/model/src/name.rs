//! The names that users give.

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::text::checked_text;

/// The longest name, in characters.
const LONGEST: usize = 64;
/// The longest prefix of automatic names, in characters.
const LONGEST_PREFIX: usize = 32;

/// The letters of Chinese, Japanese and Korean that names and tags may have (contract, 5.4).
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fa5}' | '\u{f900}'..='\u{fa2d}')
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') || is_cjk(c)
}

/// The name of a vault, a project, or a backup that a user named: 1 to 64 letters, digits, `_`,
/// `-`, `.` (contract, 5.4). Names are not unique (R13).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Name(String);

impl Name {
    /// Checks `text`, as the field `name`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let fits = (1..=LONGEST).contains(&text.chars().count());
        if fits && text.chars().all(is_name_char) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldError::new("name", "1 to 64 letters, digits, underscores, hyphens or dots"))
        }
    }
}

/// What stands before the names of automatic backups: 0 to 32 characters of a [`Name`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct NamePrefix(String);

impl NamePrefix {
    /// Checks `text`, as the field `backup_name_prefix`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if text.chars().count() <= LONGEST_PREFIX && text.chars().all(is_name_char) {
            Ok(Self(text.to_owned()))
        } else {
            let allowed = "up to 32 letters, digits, underscores, hyphens or dots";
            Err(FieldError::new("backup_name_prefix", allowed))
        }
    }
}

/// The name of a user or domain: 1 to 64 characters, none of control, no blank at either end. Ours:
/// names may come from a directory that has its own rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AccountName(String);

impl AccountName {
    /// Checks `text`, as the field `name`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let fits = (1..=LONGEST).contains(&text.chars().count());
        if fits && text.trim() == text && !text.contains(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldError::new("name", "1 to 64 printable characters without blanks at its ends"))
        }
    }
}

checked_text!(Name, NamePrefix, AccountName);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn name_keeps_to_its_letters_and_length() {
        let check = |text: &str, ok: bool| assert_eq!(Name::parse(text).is_ok(), ok, "{text}");
        check("vault_1-a.B", true);
        check("保险库", true);
        check("\u{fa2d}\u{f900}\u{9fa5}\u{4e00}", true);
        check("\u{9fa6}", false);
        check(&"库".repeat(64), true);
        check(&"a".repeat(65), false);
        check("", false);
        check("a b", false);
        check("é", false);
        check("a/b", false);
    }

    #[test]
    fn prefix_may_be_empty_and_is_shorter() {
        let check = |text: &str, ok: bool| assert_eq!(NamePrefix::parse(text).is_ok(), ok);
        check("", true);
        check(&"a".repeat(32), true);
        check(&"a".repeat(33), false);
        check("a b", false);
    }

    #[test]
    fn account_name_takes_what_directories_have() {
        let check = |text: &str, ok: bool| assert_eq!(AccountName::parse(text).is_ok(), ok);
        check("Jürgen Müller", true);
        check("ops@example.org", true);
        check(" a", false);
        check("a\u{7}b", false);
        check("", false);
        check(&"a".repeat(65), false);
    }

    proptest! {
        #[test]
        fn name_that_is_read_is_kept(text in ".{0,70}") {
            match Name::parse(&text) {
                Ok(name) => prop_assert_eq!(name.as_str(), text),
                Err(error) => prop_assert_eq!(error.field, "name"),
            }
        }

        #[test]
        fn name_of_its_letters_is_read(text in "[A-Za-z0-9_.-]{1,64}") {
            prop_assert!(Name::parse(&text).is_ok());
        }
    }
}
