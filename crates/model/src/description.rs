//! The text that a user adds to a vault or backup.

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::text::checked_text;

/// A description: at most 255 characters without `<` and `>` (contract, 5.4), often empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Description(String);

impl Description {
    /// Checks the description of a new vault: at most 64 characters.
    pub fn parse_for_vault(text: &str) -> Result<Self, FieldError> {
        if text.chars().count() > 64 {
            return Err(FieldError::new("description", "at most 64 characters without < and >"));
        }
        Self::parse(text)
    }

    /// Checks any other description.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if text.chars().count() > 255 || text.contains(['<', '>']) {
            return Err(FieldError::new("description", "at most 255 characters without < and >"));
        }
        Ok(Self(text.to_owned()))
    }
}

checked_text!(Description);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn description_keeps_to_its_length_and_letters() {
        let check = |text: &str, vault: bool, other: bool| {
            assert_eq!(Description::parse_for_vault(text).is_ok(), vault, "{text}");
            assert_eq!(Description::parse(text).is_ok(), other, "{text}");
        };
        check("", true, true);
        check("täglich, 3 Uhr", true, true);
        check(&"é".repeat(64), true, true);
        check(&"a".repeat(65), false, true);
        check(&"a".repeat(256), false, false);
        check("a<b", false, false);
        check("a>b", false, false);
    }
}
