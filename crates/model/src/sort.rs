//! In which order a list of backups is asked for.

use crate::field::FieldError;
use crate::word::words;

words! {
    /// What backups are ordered by (contract, section 1).
    SortKey in "sort" {
        /// When the row was made.
        CreatedAt = "created_at",
        /// When it last changed.
        UpdatedAt = "updated_at",
        /// Its name.
        Name = "name",
        /// The word of its state.
        Status = "status",
        /// When the backup was made.
        ProtectedAt = "protected_at",
        /// Its id.
        Id = "id",
    }
}

words! {
    /// Upwards or downwards.
    Direction in "sort" {
        /// The smallest first.
        Ascending = "asc",
        /// The largest first.
        Descending = "desc",
    }
}

const LONGEST: usize = 255;
const GRAMMAR: FieldError = FieldError::new(
    "sort",
    "up to 255 characters: key[:asc|desc], with commas between; keys: created_at, updated_at, name, status, protected_at, id",
);

/// An order in which no two rows are equal: it always ends with the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort(Vec<(SortKey, Direction)>);

impl Sort {
    /// Reads `key[:asc|desc],..`; downwards unless said otherwise.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if text.len() > LONGEST {
            return Err(GRAMMAR);
        }
        let mut keys = text.split(',').map(parse_key).collect::<Result<Vec<_>, _>>()?;
        if keys.iter().all(|(key, _)| *key != SortKey::Id) {
            keys.push((SortKey::Id, Direction::Descending));
        }
        Ok(Self(keys))
    }

    /// The keys, the most significant first.
    pub fn keys(&self) -> &[(SortKey, Direction)] {
        &self.0
    }
}

impl Default for Sort {
    /// The newest first.
    fn default() -> Self {
        let down = Direction::Descending;
        Self(vec![(SortKey::CreatedAt, down), (SortKey::Id, down)])
    }
}

fn parse_key(text: &str) -> Result<(SortKey, Direction), FieldError> {
    let (key, direction) = text.split_once(':').unwrap_or((text, "desc"));
    let key = SortKey::parse(key.trim()).map_err(|_| GRAMMAR)?;
    let direction = Direction::parse(direction.trim()).map_err(|_| GRAMMAR)?;
    Ok((key, direction))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(sort: &Sort) -> String {
        let keys: Vec<_> =
            sort.keys().iter().map(|(key, direction)| format!("{key}:{direction}")).collect();
        keys.join(",")
    }

    #[test]
    fn sort_reads_its_grammar_and_ends_with_the_id() {
        let check = |text: &str, expected: Option<&str>| {
            let sort = Sort::parse(text).ok();
            assert_eq!(sort.as_ref().map(written).as_deref(), expected, "{text}");
        };
        let longest = format!("{}id:desc", "name:desc,".repeat(51));
        check("name", Some("name:desc,id:desc"));
        check("name:asc,created_at", Some("name:asc,created_at:desc,id:desc"));
        check("status:desc, id:asc", Some("status:desc,id:asc"));
        check("", None);
        check("size", None);
        check("name:up", None);
        check("name:", None);
        check("name,,id", None);
        check(&format!("{}name", "name,".repeat(50)), Some(&longest));
        check(&format!("{}name:asc", "name,".repeat(50)), None);
        assert_eq!(Sort::parse("created_at"), Ok(Sort::default()));
    }

    proptest! {
        #[test]
        fn sort_that_is_read_reads_the_same_again(text in "((name|id|status)(:asc|:desc)?,?){0,4}") {
            if let Ok(sort) = Sort::parse(&text) {
                prop_assert_eq!(Sort::parse(&written(&sort)), Ok(sort));
            }
        }
    }
}
