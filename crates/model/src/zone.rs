//! Availability zones.

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::text::checked_text;

/// Where a resource runs, in the provider's words: 1 to 32 characters (contract, 3.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AvailabilityZone(String);

impl AvailabilityZone {
    /// Checks `text`, as the field `availability_zone`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if (1..=32).contains(&text.chars().count()) && !text.contains(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldError::new("availability_zone", "1 to 32 printable characters"))
        }
    }
}

checked_text!(AvailabilityZone);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_keeps_to_its_length() {
        let check = |text: &str, ok: bool| assert_eq!(AvailabilityZone::parse(text).is_ok(), ok);
        check("eu-de-01", true);
        check("", false);
        check(&"a".repeat(33), false);
        check("a\n", false);
    }
}
