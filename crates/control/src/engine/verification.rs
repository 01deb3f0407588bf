//! Reading a repository back, for tasks and for the repair that does it now and then.

use strongroom_base::ids::ManifestId;
use strongroom_model::{BackupId, VaultId};
use strongroom_repo::{Repository, VerifyError, VerifyOptions};

use crate::workflow::BackupNote;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verified {
    /// How many objects are damaged or missing.
    pub(crate) damaged: u64,
    /// The backups that cannot be restored whole; a manifest that we did not make names none.
    pub(crate) affected: Vec<(ManifestId, Option<BackupId>)>,
}

/// Verifies the repository of a vault, and tells the operator what is damaged.
pub(crate) async fn verify(
    vault: VaultId,
    repository: &Repository,
    options: &VerifyOptions,
) -> Result<Verified, VerifyError> {
    let report = repository.verify(options).await?;
    for object in &report.damaged {
        let (key, what) = (object.key.to_string(), object.what.as_str());
        tracing::error!(vault.id = %vault, key, what, "an object of a repository is damaged");
    }
    let affected = report.affected.iter().map(|affected| {
        let note = BackupNote::parse(&affected.manifest.description);
        let backup = note.map(|note| note.backup.id);
        let named = backup.map(|id| id.to_string());
        tracing::error!(vault.id = %vault, backup.id = named, "a backup cannot be restored whole");
        (affected.id, backup)
    });
    let affected = affected.collect();
    Ok(Verified { damaged: report.damaged.len() as u64, affected })
}
