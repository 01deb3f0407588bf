//! Restores.

use http::StatusCode;
use serde_json::json;
use strongroom_control::OpContext;

use super::wire::restore;
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;

/// Answers with the task, which the documents do not have and one client needs (R90).
pub(super) async fn create(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let id = call.id("backup_id")?;
    let new = restore::read(&call.json()?)?;
    let task = call.service().backup_restore(cx, id, new).await?;
    Ok(Answer::json(StatusCode::ACCEPTED, &json!({"job_id": task})))
}
