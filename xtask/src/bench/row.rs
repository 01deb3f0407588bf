//! The rows of the table: what is measured of every variant, in the order it happens.

use anyhow::{Context, Result};

/// One thing that is measured. A run goes through them in this order, in one repository.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Row {
    /// State one into an empty repository.
    First,
    /// The same file again; peers may trust its times and not read it. Never judged.
    Untouched,
    /// The same content with new file times, so that everyone has to look at the data.
    Unchanged,
    /// State two.
    Changed,
    /// The page image.
    Pages,
    /// The newest backup into a new file.
    Restore,
    /// Reading and checking everything that is stored.
    Verify,
}

impl Row {
    pub(super) const ALL: [Self; 7] = [
        Self::First,
        Self::Untouched,
        Self::Unchanged,
        Self::Changed,
        Self::Pages,
        Self::Restore,
        Self::Verify,
    ];

    /// The word on the command line and in JSON.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Untouched => "untouched",
            Self::Unchanged => "unchanged",
            Self::Changed => "changed",
            Self::Pages => "pages",
            Self::Restore => "restore",
            Self::Verify => "verify",
        }
    }

    /// The heading of its table.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::First => "first backup",
            Self::Untouched => "unchanged, file times too (not judged)",
            Self::Unchanged => "unchanged, new file times",
            Self::Changed => "1-5 % changed",
            Self::Pages => "random 8 KiB pages",
            Self::Restore => "restore to a new file",
            Self::Verify => "verify everything",
        }
    }

    pub(super) fn parse(word: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|row| row.word() == word);
        found.with_context(|| format!("there is no row {word}"))
    }
}
