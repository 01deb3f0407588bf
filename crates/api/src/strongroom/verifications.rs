//! Orders to read back what is stored.

use http::StatusCode;
use serde_json::json;
use strongroom_control::OpContext;

use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;

/// Begins to verify a vault.
pub(super) async fn of_vault(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let task = call.service().vault_verify(cx, call.id("vault_id")?).await?;
    Ok(Answer::json(StatusCode::ACCEPTED, &json!({"task_id": task})))
}

/// Begins to verify a backup.
pub(super) async fn of_backup(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let task = call.service().backup_verify(cx, call.id("backup_id")?).await?;
    Ok(Answer::json(StatusCode::ACCEPTED, &json!({"task_id": task})))
}
