//! A catalogue made anew from the store: the journal first, then the manifests of the repositories,
//! which know of backups that the journal does not, and of deletions.
//!
//! # Why
//! The machine with the catalogue may be gone with everything on it. What was promised to users is
//! in the store: the backups, and the journal that says whose they are.
//!
//! # Invariants
//! - JRN-11: a backup whose manifest is in a repository of a known vault has its row afterwards; one
//!   whose manifest is gone or has a grave has none.
//! - JRN-12: recovering either does all of it or leaves the catalogue new: it is one transaction.
//! - JRN-13: what cannot be read is named and changes nothing: no row goes because a repository
//!   cannot be read.
//!
//! # Concurrency and crash
//! The old catalogue's processes must be gone: what they go on to write counts for nothing once this
//! catalogue has its first snapshot, which is the last step. A recover that died before its commit
//! is begun anew; one that died after it is done, and its first change brings the snapshot.
//!
//! # Not here
//! Repositories of vaults that neither journal nor rows know: they are reported, and can be read
//! without a catalogue.

mod aftermath;
mod report;
mod restored;
mod vault;

use std::collections::BTreeSet;
use std::sync::Arc;

use strongroom_base::{Chain, Clock, ErrorClass, Rng};
use strongroom_db::{Db, JournalRows, Tx};
use strongroom_model::VaultId;
use strongroom_repo::journal::{Journal, OwnerId, Piece, Reading};

use crate::engine::{Repositories, RepositoryError};
use crate::journal::{CatalogueError, CatalogueJournal, parse};
use vault::Walk;

pub(crate) use aftermath::RECOVERED;
pub use report::{RecoverReport, Unreadable};

/// What a recover works with.
pub struct RecoverParts {
    /// A new catalogue.
    pub db: Db,
    /// The store, with the master key.
    pub repositories: Arc<Repositories>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
}

/// Makes a new catalogue what the store says that it was.
///
/// # Errors
/// [`CatalogueError::InUse`] for a catalogue that somebody used; the journal's when there is none or
/// nothing of it opens. What is damaged in parts is no error: the report names it.
pub async fn recover(parts: &RecoverParts) -> Result<RecoverReport, CatalogueError> {
    if !parts.db.journal_is_new().await? {
        return Err(CatalogueError::InUse);
    }
    let journal = parts.repositories.lost_journal().await?;
    let (rows, reading, illegible) = read(&journal).await?;
    let mut report = RecoverReport::of(&reading, illegible);
    let journaled = Journaled::of(&rows);
    let tx = parts.db.begin().await?;
    report.take(tx.journal_rebuild(rows).await?);
    let forgotten = tx.lost_repositories_forget().await?;
    let mut known = journaled.repositories;
    known.retain(|vault| !forgotten.contains(vault));
    let mut walk = Walk { tx: &tx, now: parts.clock.now(), report: &mut report, done: Vec::new() };
    for vault in journaled.vaults {
        if tx.vault_lock_by_id(vault).await?.is_some() {
            known.insert(vault);
            walk_vault(&parts.repositories, &mut walk, vault).await?;
        }
    }
    let done = walk.done;
    aftermath::end_lost(&tx, &done, parts.clock.now(), &mut report).await?;
    let listed = parts.repositories.list_vaults().await?;
    report.count(tx.journal_count().await?);
    report.unknown_vaults = listed.difference(&known).copied().collect();
    finish(parts, journal, tx, reading.head.owner).await?;
    Ok(report)
}

/// The vaults that the journal names.
struct Journaled {
    vaults: BTreeSet<VaultId>,
    /// Those with repositories, deleted ones among them.
    repositories: BTreeSet<VaultId>,
}

impl Journaled {
    fn of(rows: &JournalRows) -> Self {
        let ids = |table| rows.ids(table).into_iter().filter_map(|id| id.parse().ok()).collect();
        Self { vaults: ids("cbr_vault"), repositories: ids("cbr_repository") }
    }
}

/// The newest state of every row, how the reading went, and how many records were none.
async fn read(journal: &Journal) -> Result<(JournalRows, Reading, u64), CatalogueError> {
    let mut rows = JournalRows::default();
    let mut illegible = 0;
    let reading = journal
        .read(&mut |piece| match piece {
            Piece::Start => {
                rows.clear();
                illegible = 0;
            }
            Piece::Payload(payload) => {
                for record in parse(payload) {
                    match record {
                        Some(record) => rows.put(record),
                        None => illegible += 1,
                    }
                }
            }
        })
        .await?;
    Ok((rows, reading, illegible))
}

async fn walk_vault(
    repositories: &Repositories,
    walk: &mut Walk<'_>,
    vault: VaultId,
) -> Result<(), CatalogueError> {
    let repository = match repositories.find(vault).await {
        Ok(Some(repository)) => repository,
        Ok(None) => return walk.without_repository(vault).await,
        Err(error) if error.class() == ErrorClass::Retryable => return Err(error.into()),
        Err(error) => {
            walk.unreadable(vault, &error);
            return Ok(());
        }
    };
    match repository.catalog().await {
        Ok(catalog) => walk.vault(vault, repository.id(), &catalog).await,
        Err(error) if error.class() == ErrorClass::Retryable => Err(error.into()),
        Err(error) => {
            walk.report.unreadable.push(Unreadable {
                what: format!("the repository of vault {vault}"),
                why: Chain(&error).to_string(),
            });
            Ok(())
        }
    }
}

impl Walk<'_> {
    fn unreadable(&mut self, vault: VaultId, error: &RepositoryError) {
        self.report.unreadable.push(Unreadable {
            what: format!("the repository of vault {vault}"),
            why: Chain(error).to_string(),
        });
    }
}

/// Commits, and makes the journal this catalogue's.
async fn finish(
    parts: &RecoverParts,
    journal: Journal,
    tx: Tx,
    replaces: OwnerId,
) -> Result<(), CatalogueError> {
    let owner = OwnerId::random(&*parts.rng).to_string();
    tx.journal_take_over(&owner, &replaces.to_string()).await?;
    tx.commit().await?;
    let journal = CatalogueJournal::new(parts.db.clone(), journal, Arc::clone(&parts.rng));
    if let Err(error) = journal.compact().await {
        // The first change does it again.
        tracing::warn!(error = %Chain(&error), "the recovered catalogue has no snapshot yet");
    }
    Ok(())
}
