//! Bind rules: by which tags a vault finds the resources that it takes in by itself.

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::tag::Tag;

/// The most tags that rules have (contract, 3.5).
const MOST: usize = 5;

/// Tags of which a resource needs one; without any, every resource fits (R43). The same key may
/// stand there with several values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<Tag>", try_from = "Vec<Tag>")]
pub struct BindRules(Vec<Tag>);

impl BindRules {
    /// Takes up to 5 tags, as the field `bind_rules`.
    pub fn new(tags: Vec<Tag>) -> Result<Self, FieldError> {
        if tags.len() > MOST {
            return Err(FieldError::new("bind_rules", "at most 5 tags"));
        }
        Ok(Self(tags))
    }

    /// The tags.
    pub fn tags(&self) -> &[Tag] {
        &self.0
    }
}

impl From<BindRules> for Vec<Tag> {
    fn from(rules: BindRules) -> Self {
        rules.0
    }
}

impl TryFrom<Vec<Tag>> for BindRules {
    type Error = FieldError;
    fn try_from(tags: Vec<Tag>) -> Result<Self, FieldError> {
        Self::new(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_take_up_to_five_tags() {
        let check = |count: usize, ok: bool| {
            let tags = vec![Tag::parse("k", None).unwrap(); count];
            assert_eq!(BindRules::new(tags).is_ok(), ok, "{count}");
        };
        check(0, true);
        check(5, true);
        check(6, false);
    }

    #[test]
    fn rules_round_trip_in_documents() {
        let rules = BindRules::new(vec![Tag::parse("team", Some("db")).unwrap()]).unwrap();
        let text = serde_json::to_string(&rules).unwrap();
        assert_eq!(text, r#"[{"key":"team","value":"db"}]"#);
        assert_eq!(serde_json::from_str::<BindRules>(&text).unwrap(), rules);
    }
}
