//! Stopping tasks.

use http::StatusCode;
use serde_json::json;
use strongroom_control::OpContext;

use crate::answer::Answer;
use crate::call::Call;
use crate::cbr::wire::operation_log::OperationLog;
use crate::failure::Failure;

/// Answers with the task as it is then; whoever works on it will notice.
pub(super) async fn cancel(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let task = call.service().task_cancel(cx, call.id("task_id")?).await?;
    Ok(Answer::json(StatusCode::ACCEPTED, &json!({"task": OperationLog::of(&task)})))
}
