//! Buried sets: the graves of backups that were collected long ago, merged into one object.
//!
//! # Why
//! A manifest key is never free again, so something must say for ever that a collected backup is
//! deleted. One grave and one refusal for each would make every listing as long as the
//! repository's history; a set says it for all of them.
//!
//! # Invariants
//! - REPO-20: a backup in a set is deleted and stays deleted, whatever else says otherwise. A set
//!   goes only when another one that says the same, or more, stays.
//! - Whoever looks at graves looks at the sets afterwards: a grave that is not listed any more was
//!   in a set that was there before.
//!
//! # Not here
//! Who buries and when the graves go: `crate::gc::sweep`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strongroom_base::Timestamp;
use strongroom_base::ids::ManifestId;

use crate::error::ReadError;
use crate::key;
use crate::object::ObjectKey;
use crate::repository::Repository;

/// Sets go once in a week: a listing that goes on to show what is gone is old.
const ROUNDS: usize = 5;

/// The document at `buried/<session>-<n>`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BuriedDoc {
    pub(crate) manifests: BTreeSet<ManifestId>,
}

/// One set, as it was read.
#[derive(Debug, Clone)]
pub(crate) struct BuriedSet {
    pub(crate) key: ObjectKey,
    /// When it was written, by the store's clock.
    pub(crate) since: Timestamp,
    pub(crate) manifests: BTreeSet<ManifestId>,
}

impl BuriedSet {
    /// Whether nothing is lost without this set as long as `other` is there. Of equal sets the one
    /// with the smaller key stays, so that two collectors never remove each other's.
    pub(crate) fn is_in(&self, other: &Self) -> bool {
        let is_smaller = (self.manifests.len(), &other.key) < (other.manifests.len(), &self.key);
        is_smaller && self.manifests.is_subset(&other.manifests)
    }
}

/// All sets, and those that cannot be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct BuriedSets {
    pub(crate) sets: Vec<BuriedSet>,
    pub(crate) unreadable: Vec<ObjectKey>,
}

impl Repository {
    /// Lists and reads the sets. One that goes between listing and reading is part of another,
    /// which the listing may lack: then they are listed again.
    pub(crate) async fn load_buried(&self) -> Result<BuriedSets, ReadError> {
        'list: for _ in 0..ROUNDS {
            let listed = self.list_fresh(key::BURIED).await?;
            let keys = listed.iter().map(|meta| meta.key.clone()).collect();
            let mut all = BuriedSets::default();
            for (meta, doc) in listed.into_iter().zip(self.read_controls::<BuriedDoc>(keys).await?)
            {
                match doc {
                    Ok(Some(BuriedDoc { manifests })) => {
                        let (key, since) = (meta.key, meta.modified);
                        all.sets.push(BuriedSet { key, since, manifests });
                    }
                    Ok(None) => continue 'list,
                    Err(_) => all.unreadable.push(meta.key),
                }
            }
            return Ok(all);
        }
        Err(ReadError::StaleList { prefix: key::BURIED.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use strongroom_base::ids::SessionId;

    use super::*;

    fn set(name: u8, manifests: &[u8]) -> BuriedSet {
        BuriedSet {
            key: key::numbered(key::BURIED, SessionId([name; 16]), 0),
            since: Timestamp(0),
            manifests: manifests.iter().map(|byte| SessionId([*byte; 16])).collect(),
        }
    }

    #[test]
    fn of_two_sets_at_most_one_goes() {
        let cases = [
            (set(1, &[1]), set(2, &[1, 2])),
            (set(2, &[1]), set(1, &[1, 2])),
            (set(2, &[1, 2]), set(1, &[1, 2])),
        ];
        for (goes, stays) in cases {
            assert!(goes.is_in(&stays) && !stays.is_in(&goes));
            assert!(!goes.is_in(&goes) && !stays.is_in(&stays));
        }
        let (left, right) = (set(1, &[1, 2]), set(2, &[2, 3, 4]));
        assert!(!left.is_in(&right) && !right.is_in(&left));
    }
}
