//! Tags: words that users put on vaults.
//!
//! Rules: contract, 3.5 and 4.9, R4, R102.

use serde::{Deserialize, Serialize};

use crate::field::FieldError;
use crate::name::is_cjk;
use crate::quota::Quota;
use crate::refusal::Refusal;
use crate::text::checked_text;

/// A tag's key: 1 to 36 letters, digits, `-`, `_`, without blanks around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TagKey(String);

impl TagKey {
    /// Trims and checks `text`, as the field `key`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        let fits = (1..=36).contains(&text.chars().count());
        if fits && text.chars().all(is_key_char) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldError::new("key", "1 to 36 letters, digits, hyphens or underscores"))
        }
    }
}

/// A tag's value: up to 43 letters, digits, `-`, `_`, `.`, without blanks around it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TagValue(String);

impl TagValue {
    /// Trims and checks `text`, as the field `value`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        if text.chars().count() <= 43 && text.chars().all(|c| is_key_char(c) || c == '.') {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldError::new("value", "up to 43 letters, digits, hyphens, underscores or dots"))
        }
    }
}

checked_text!(TagKey, TagValue);

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || is_cjk(c)
}

/// A key with a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tag {
    /// Unique on its vault.
    pub key: TagKey,
    /// Often empty.
    pub value: TagValue,
}

impl Tag {
    /// Checks a key and a value; a value that is absent is empty.
    pub fn parse(key: &str, value: Option<&str>) -> Result<Self, FieldError> {
        Ok(Self { key: TagKey::parse(key)?, value: TagValue::parse(value.unwrap_or_default())? })
    }
}

/// A key as a deletion names it: trimmed, and not looked at otherwise, so that tags go that today's
/// rules would not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LooseKey(String);

impl LooseKey {
    /// Trims the key that a path names.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// Checks the lengths of an entry of a list to delete: the key up to 127, the value up to 255
    /// characters. The value decides nothing: a vault has one tag of a key.
    pub fn parse(key: &str, value: Option<&str>) -> Result<Self, FieldError> {
        if !(1..=127).contains(&key.chars().count()) {
            return Err(FieldError::new("key", "1 to 127 characters"));
        }
        if value.unwrap_or_default().chars().count() > 255 {
            return Err(FieldError::new("value", "at most 255 characters"));
        }
        Ok(Self::new(key))
    }

    fn names(&self, tag: &Tag) -> bool {
        tag.key.as_str() == self.0
    }
}

/// The tags of a vault, or of a request to add some: keys are unique, the order is that of adding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<Tag>", try_from = "Vec<Tag>")]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// Takes tags whose keys differ.
    pub fn new(tags: Vec<Tag>) -> Result<Self, FieldError> {
        let mut keys: Vec<&TagKey> = tags.iter().map(|tag| &tag.key).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(FieldError::new("tags", "a list without the same key twice"));
        }
        Ok(Self(tags))
    }

    /// Checks a list that a request brings to add: not empty, no longer than a vault's may be.
    pub fn parse_request(tags: Vec<Tag>, quota: &Quota) -> Result<Self, FieldError> {
        if tags.is_empty() || tags.len() > quota.tags {
            return Err(FieldError::new("tags", "a list of at least one and not too many tags"));
        }
        Self::new(tags)
    }

    /// Adds `more`; a key that is there already gets the new value.
    pub fn add(&self, more: &Self, quota: &Quota) -> Result<Self, Refusal> {
        let mut all = self.0.clone();
        for tag in &more.0 {
            match all.iter_mut().find(|known| known.key == tag.key) {
                Some(known) => known.value = tag.value.clone(),
                None => all.push(tag.clone()),
            }
        }
        if all.len() > quota.tags { Err(Refusal::TooManyTags) } else { Ok(Self(all)) }
    }

    /// Removes the tag of one key.
    pub fn remove(&self, key: &LooseKey) -> Result<Self, Refusal> {
        let rest = self.remove_all(std::slice::from_ref(key));
        if rest.0.len() == self.0.len() { Err(Refusal::TagAbsent) } else { Ok(rest) }
    }

    /// Removes the tags of these keys; those that are not there do not matter.
    #[must_use]
    pub fn remove_all(&self, keys: &[LooseKey]) -> Self {
        let kept = self.0.iter().filter(|tag| !keys.iter().any(|key| key.names(tag)));
        Self(kept.cloned().collect())
    }

    /// The tags in their order.
    pub fn as_slice(&self) -> &[Tag] {
        &self.0
    }
}

impl From<Tags> for Vec<Tag> {
    fn from(tags: Tags) -> Self {
        tags.0
    }
}

impl TryFrom<Vec<Tag>> for Tags {
    type Error = FieldError;
    fn try_from(tags: Vec<Tag>) -> Result<Self, FieldError> {
        Self::new(tags)
    }
}

#[cfg(test)]
mod tests;
