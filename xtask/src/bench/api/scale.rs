//! How many rows there are, and which belongs to whom.
//!
//! # Invariants
//! - Every second vault is in project 0, the large one, and with them half of everything.
//! - The id of a row follows from its kind and number, here and in SQL ([`SQL_OF_BACKUP`]).

use aws_lc_rs::digest::{SHA256, digest};

/// How many projects there are.
pub(super) const PROJECTS: u64 = 100;
/// The resources of each vault.
pub(super) const RESOURCES: u64 = 10;
/// A backup's id in `PostgreSQL`, from its number `:n`.
pub(super) const SQL_OF_BACKUP: &str =
    "substr(encode(sha256(('b' || :n)::bytea), 'hex'), 1, 32)::uuid::text";

/// How many rows there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) word: &'static str,
    pub(super) vaults: u64,
    pub(super) backups: u64,
    pub(super) tasks: u64,
    /// How long each load is measured unless it is said.
    pub(super) seconds: u32,
    /// How many tokens are used in each scope.
    pub(super) tokens: usize,
}

/// What the gates are about.
pub(super) const FULL: Scale = Scale {
    word: "full",
    vaults: 10_000,
    backups: 1_000_000,
    tasks: 5_000_000,
    seconds: 60,
    tokens: 1000,
};

/// For a machine with less disk: a fifth of the tasks.
pub(super) const MEDIUM: Scale = Scale { word: "medium", tasks: 1_000_000, ..FULL };

/// To try the bench itself.
pub(super) const SMALL: Scale =
    Scale { word: "small", vaults: 1000, backups: 10_000, tasks: 50_000, seconds: 5, tokens: 100 };

impl Scale {
    /// The vault of backup or task `number`.
    pub(super) fn vault_of(&self, number: u64) -> u64 {
        number % self.vaults
    }

    /// The resource of backup or task `number`: one of its vault.
    pub(super) fn resource_of(&self, number: u64) -> u64 {
        number % (self.vaults * RESOURCES)
    }
}

/// The project of a vault.
pub(super) fn project_of(vault: u64) -> u64 {
    if vault.is_multiple_of(2) { 0 } else { 1 + vault / 2 % (PROJECTS - 1) }
}

/// The id of a row with dashes, as random as those that the program makes.
pub(super) fn id(kind: &str, number: u64) -> String {
    let hex = hex(kind, number);
    let mut dashed = String::with_capacity(36);
    for (place, letter) in hex.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            dashed.push('-');
        }
        dashed.push(letter);
    }
    dashed
}

/// The same without dashes, as projects and users have it.
pub(super) fn hex(kind: &str, number: u64) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let hash = digest(&SHA256, format!("{kind}{number}").as_bytes());
    let digits = hash.as_ref().iter().take(16).flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| DIGITS.get(usize::from(digit))).copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_project_has_half_and_the_others_the_rest() {
        let mut vaults = [0; 100];
        for vault in 0..FULL.vaults {
            vaults[usize::try_from(project_of(vault)).unwrap()] += 1;
        }
        assert_eq!(vaults[0], 5000);
        assert!(vaults[1..].iter().all(|count| (50..=51).contains(count)));
        assert_eq!(FULL.vault_of(FULL.resource_of(123_456)), FULL.vault_of(123_456));
    }

    #[test]
    fn id_is_what_sql_makes_of_it() {
        // select substr(encode(sha256('b7'::bytea), 'hex'), 1, 32)::uuid
        assert_eq!(id("b", 7).replace('-', ""), hex("b", 7));
        assert_eq!(id("b", 7).len(), 36);
    }
}
