//! The commit of a backup: one conditional create, last.

use std::sync::Arc;

use super::Session;
use super::reader::UnitReader;
use super::writer::BackupError;
use crate::control::Created;
use crate::key;
use crate::manifest::{Manifest, ManifestDoc};
use crate::repository::Repository;
use crate::rules::Rule;

/// Creates the manifest, unless somebody gave the session up first (REPO-10) or verify found
/// damage in what the manifest refers to.
pub(crate) async fn commit(
    repo: &Repository,
    session: Session,
    manifest: &Manifest,
) -> Result<(), BackupError> {
    if !is_undamaged(repo, manifest).await? {
        return Err(BackupError::DamagedMeanwhile);
    }
    let at = key::of_session(key::MANIFESTS, session.id);
    let doc = ManifestDoc::Backup(manifest.clone());
    match repo.create_control(&at, &doc).await? {
        Created::Theirs(_) if repo.obeys(Rule::Tombstone) => Err(BackupError::GivenUp),
        Created::Ours | Created::Theirs(_) => Ok(()),
    }
}

/// Looks at the damaged sets again. Almost always there are none, and nothing is walked.
async fn is_undamaged(repo: &Repository, manifest: &Manifest) -> Result<bool, BackupError> {
    if !repo.obeys(Rule::AvoidDamaged) || repo.load_damaged().await?.is_empty() {
        return Ok(true);
    }
    let reader = Arc::new(UnitReader::new(repo, repo.load_view().await?));
    let view = reader.view();
    Ok(crate::walk::every(&reader, manifest, &|id| view.readable(&id).is_some()).await?)
}
