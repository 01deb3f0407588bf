//! Identifiers, one type for each thing they name, in the two text forms that clients know.
//!
//! # Why
//! The cloud's own services disagree about dashes (contract, section 1): vaults, checkpoints,
//! backups, tasks and what they protect have dashed UUIDs; projects, domains, users and roles have
//! 32 hexadecimal digits, and are read with dashes too.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strongroom_base::Rng;
pub use strongroom_base::ids::TaskId;
use strongroom_base::ids::{from_dashed, from_hex, random_uuid, to_dashed, to_hex};

/// Text that is not an identifier of the form asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not of the form `8-4-4-4-12`.
    #[error("an id must be a lower-case UUID with dashes")]
    Dashed,
    /// Neither 32 digits nor a dashed UUID.
    #[error("an id must be 32 lower-case hexadecimal digits")]
    Plain,
}

fn from_plain(text: &str) -> Option<[u8; 16]> {
    from_hex(text).or_else(|| from_dashed(text))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $write:expr, $read:expr, $error:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// A new random id: a UUID of version 4.
            pub fn random(rng: &dyn Rng) -> Self {
                Self(random_uuid(rng))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&$write(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                $read(text).map(Self).ok_or($error)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                $write(&id.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }
    };
}

macro_rules! dashed {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        $(id! { $(#[$doc])* $name, to_dashed, from_dashed, IdError::Dashed })+
    };
}

macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        $(id! { $(#[$doc])* $name, to_hex, from_plain, IdError::Plain })+
    };
}

dashed! {
    /// A vault.
    VaultId;
    /// A checkpoint: the backups of one run of a vault.
    CheckpointId;
    /// A backup, also the backup of one disk inside a server's.
    BackupId;
    /// A server, disk or share, in the service that it comes from.
    ResourceId;
}

plain! {
    /// A project: the scope of vaults.
    ProjectId;
    /// A domain: the account that owns projects and users.
    DomainId;
    /// A user.
    UserId;
    /// A role, as the identity service lists it.
    RoleId;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strongroom_base::rng::SeededRng;

    use super::*;

    const DASHED: &str = "0daac4c5-6707-4851-97ba-169e36266b66";
    const PLAIN: &str = "0daac4c56707485197ba169e36266b66";

    #[test]
    fn each_family_reads_the_forms_it_may() {
        let check = |text: &str, dashed: bool, plain: bool| {
            assert_eq!(text.parse::<VaultId>().is_ok(), dashed, "{text}");
            assert_eq!(text.parse::<ProjectId>().is_ok(), plain, "{text}");
        };
        check(DASHED, true, true);
        check(PLAIN, false, true);
        check(&DASHED.to_uppercase(), false, false);
        check("0daac4c5-67074851-97ba-169e-36266b66", false, false);
        check("0daac4c5-6707-4851-97ba-169e36266b66-", false, false);
        check("0daac4c5-6707-4851-97ba-169e36266b6g", false, false);
        check("0daac4c5-6707-4851-97ba-169e36266bé", false, false);
        check("", false, false);
        assert_eq!(DASHED.parse::<ProjectId>().unwrap().to_string(), PLAIN);
    }

    #[test]
    fn random_id_is_a_uuid_of_version_4() {
        let rng = SeededRng::new(7);
        for _ in 0..100 {
            let text = BackupId::random(&rng).to_string();
            assert_eq!(&text[14..15], "4", "{text}");
            assert!("89ab".contains(&text[19..20]), "{text}");
        }
        assert_ne!(TaskId::random(&rng), TaskId::random(&rng));
    }

    proptest! {
        #[test]
        fn id_round_trips_as_text_and_in_documents(bytes: [u8; 16]) {
            let (vault, user) = (VaultId(bytes), UserId(bytes));
            prop_assert_eq!(vault.to_string().parse(), Ok(vault));
            prop_assert_eq!(user.to_string().parse(), Ok(user));
            let text = serde_json::to_string(&(vault, user)).unwrap();
            prop_assert_eq!(serde_json::from_str::<(VaultId, UserId)>(&text).unwrap(), (vault, user));
        }

        #[test]
        fn text_that_is_read_is_written_the_same(text in "[0-9a-f-]{30,38}") {
            if let Ok(id) = text.parse::<VaultId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
