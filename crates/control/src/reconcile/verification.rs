//! Reads repositories back, so that damage is found before somebody needs what is damaged.

use strongroom_base::{CancelToken, Chain};
use strongroom_db::StoredRepository;
use strongroom_model::{BackupId, VaultId};
use strongroom_repo::{VerifyLevel, VerifyOptions};

use crate::engine::verify;
use crate::error::Error;
use crate::service::Service;

/// Repositories looked at by one statement.
const PAGE: u64 = 100;

/// What verifying some repositories found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerificationReport {
    /// Vaults whose repositories were read.
    pub verified: Vec<VaultId>,
    /// Backups that cannot be restored whole.
    pub damaged: Vec<BackupId>,
}

impl Service {
    /// Verifies the repositories that are due, one after the other: control objects, index, maps,
    /// and the seal of every frame.
    pub async fn verify_due(&self, cancel: &CancelToken) -> Result<VerificationReport, Error> {
        let mut report = VerificationReport::default();
        let mut after = None;
        loop {
            let page = self.0.db.repository_page_all(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(report) };
            after = Some(last.vault_id);
            for one in page {
                if cancel.is_cancelled() {
                    return Ok(report);
                }
                let is_due = self.is_due(one.verified_at, self.0.settings.verify_every);
                if !is_due || one.retired_at.is_some() {
                    continue;
                }
                if let Err(error) = self.verify_one(&one, cancel, &mut report).await {
                    let vault = one.vault_id;
                    tracing::warn!(vault.id = %vault, error = %Chain(&error), "not verified");
                }
            }
        }
    }

    async fn verify_one(
        &self,
        one: &StoredRepository,
        cancel: &CancelToken,
        report: &mut VerificationReport,
    ) -> Result<(), Error> {
        let id = one.vault_id;
        let found = self.0.repositories.find(id).await.map_err(Error::internal)?;
        let Some(repository) = found else { return Ok(()) };
        let options = VerifyOptions {
            level: VerifyLevel::Authenticate,
            cancel: cancel.clone(),
            ..VerifyOptions::default()
        };
        let verified = verify(id, &repository, &options).await.map_err(Error::internal)?;
        report.damaged.extend(verified.affected.iter().filter_map(|(_, backup)| *backup));
        let tx = self.0.db.begin().await?;
        tx.repository_set_verified(id, self.0.clock.now()).await?;
        tx.commit().await?;
        report.verified.push(id);
        Ok(())
    }
}
