//! Ends for what only a running task could have ended: those tasks are gone with their process.

use strongroom_base::Timestamp;
use strongroom_base::ids::TaskId;
use strongroom_db::{DbError, Tx};
use strongroom_model::backup::BackupStatus;
use strongroom_model::disk::DiskStatus;
use strongroom_model::resource::ProtectStatus;
use strongroom_model::task::TaskFailure;
use strongroom_model::vault::VaultStatus;

use super::report::RecoverReport;

/// The code of tasks whose real end is not known.
pub(crate) const RECOVERED: &str = "Strongroom.Recovered";

/// Ends all that was going on. Tasks whose backups are there have succeeded. A backup whose deletion
/// had begun never becomes available again (MODEL-2): it can be deleted once more, as can its vault.
/// A disk that was being restored is neither old nor new.
pub(super) async fn end_lost(
    tx: &Tx,
    done: &[TaskId],
    now: Timestamp,
    report: &mut RecoverReport,
) -> Result<(), DbError> {
    tx.lost_tasks_succeed(done, now).await?;
    let failure = TaskFailure {
        code: RECOVERED.to_owned(),
        message: "The service was recovered while this was going on.".to_owned(),
    };
    report.failed_tasks = tx.lost_tasks_fail(&failure, now).await?;
    let lost = [
        BackupStatus::WaitingProtect,
        BackupStatus::Protecting,
        BackupStatus::WaitingDelete,
        BackupStatus::Deleting,
    ];
    tx.lost_backups_set(&lost, BackupStatus::Error, now).await?;
    let unhurt = [BackupStatus::WaitingRestore, BackupStatus::Restoring];
    tx.lost_backups_set(&unhurt, BackupStatus::Available, now).await?;
    let lost = [ProtectStatus::Protecting, ProtectStatus::Removing];
    tx.lost_resources_set(&lost, ProtectStatus::Error).await?;
    tx.lost_resources_set(&[ProtectStatus::Restoring], ProtectStatus::Available).await?;
    tx.lost_vaults_set(VaultStatus::Deleting, VaultStatus::Error).await?;
    tx.lost_vaults_set(VaultStatus::Lock, VaultStatus::Available).await?;
    tx.lost_disks_set(DiskStatus::RestoringBackup, DiskStatus::ErrorRestoring, now).await
}
