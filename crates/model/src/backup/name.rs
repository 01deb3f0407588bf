//! How backups are called.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use strongroom_base::Rng;
use strongroom_base::ids::to_hex;

use crate::field::FieldError;
use crate::name::{Name, NamePrefix};
use crate::resource::ResourceName;
use crate::text::checked_text;

/// The name of a backup or checkpoint. Users give a [`Name`]; what is made from it may be longer,
/// and a disk's part has the letters that the disk's name has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BackupName(String);

impl BackupName {
    /// Takes back what was stored: 1 to 512 characters, more than any name made here has.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if (1..=512).contains(&text.chars().count()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FieldError::new("name", "1 to 512 characters"))
        }
    }

    /// The name of the backup of one of a server's disks: the parent's, `_`, the disk's
    /// (contract, 5.4).
    #[must_use]
    pub fn of_child(&self, disk: &ResourceName) -> Self {
        Self(format!("{self}_{disk}"))
    }
}

checked_text!(BackupName);

impl From<Name> for BackupName {
    fn from(name: Name) -> Self {
        Self(name.into())
    }
}

/// The name of a run: as `given`, else `manualbk_xxxx`, or `autobk_xxxx` after the vault's prefix
/// where a policy made it (R71).
pub fn run_name(
    given: Option<Name>,
    is_automatic: bool,
    prefix: &NamePrefix,
    rng: &dyn Rng,
) -> BackupName {
    if let Some(name) = given {
        return name.into();
    }
    let mut random = [0; 2];
    rng.fill(&mut random);
    let random = to_hex(&random);
    BackupName(if is_automatic {
        format!("{prefix}autobk_{random}")
    } else {
        format!("manualbk_{random}")
    })
}

/// The names of a run's backups: the run's for one alone, else with -0001, -0002 and so on (R71).
pub fn backup_names(run: &BackupName, count: usize) -> Vec<BackupName> {
    if count == 1 {
        return vec![run.clone()];
    }
    (1..=count)
        .map(|number| {
            let mut name = run.0.clone();
            write!(name, "-{number:04}").expect("writing to a String cannot fail");
            BackupName(name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strongroom_base::rng::SeededRng;

    use super::*;

    #[test]
    fn run_without_a_name_gets_one() {
        let check =
            |given: Option<&str>, is_automatic, prefix: &str, start: &str, length: usize| {
                let given = given.map(|name| Name::parse(name).unwrap());
                let prefix = NamePrefix::parse(prefix).unwrap();
                let name = run_name(given, is_automatic, &prefix, &SeededRng::new(1));
                assert!(name.as_str().starts_with(start), "{name}");
                assert_eq!(name.as_str().len(), length, "{name}");
            };
        check(Some("mine"), false, "p-", "mine", 4);
        check(None, false, "p-", "manualbk_", 13);
        check(None, true, "p-", "p-autobk_", 13);
        check(None, true, "", "autobk_", 11);
    }

    #[test]
    fn backups_of_a_run_are_numbered_unless_there_is_one() {
        let check = |count: usize, expected: &[&str]| {
            let names = backup_names(&BackupName::parse("b").unwrap(), count);
            assert_eq!(names.iter().map(BackupName::as_str).collect::<Vec<_>>(), expected);
        };
        check(0, &[]);
        check(1, &["b"]);
        check(3, &["b-0001", "b-0002", "b-0003"]);
    }

    #[test]
    fn child_is_called_after_its_parent_and_its_disk() {
        let parent = BackupName::parse("b-0001").unwrap();
        let disk = ResourceName::parse("vm disk/1").unwrap();
        assert_eq!(parent.of_child(&disk).as_str(), "b-0001_vm disk/1");
    }

    proptest! {
        #[test]
        fn every_name_made_here_can_be_stored(
            name in "[a-z.-]{1,64}", disk in ".{0,255}", count in 1_usize..300,
        ) {
            let run = BackupName::from(Name::parse(&name).unwrap());
            let disk = ResourceName::parse(&disk).unwrap();
            for name in backup_names(&run, count) {
                let child = name.of_child(&disk);
                prop_assert_eq!(BackupName::parse(child.as_str()), Ok(child));
            }
        }
    }
}
