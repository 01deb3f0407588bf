//! Tasks: one with all that is known of it, and stopping it.

use http::StatusCode;
use serde_json::json;
use strongroom_control::OpContext;

use super::task_view;
use crate::answer::Answer;
use crate::call::Call;
use crate::cbr::wire::operation_log::OperationLog;
use crate::failure::Failure;

/// A task in finer words than those of CBR.
pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let watched = call.service().task_watch(cx, call.id("task_id")?).await?;
    Ok(Answer::ok(&json!({"task": task_view::view(&watched)})))
}

/// Answers with the task as it is then; whoever works on it will notice.
pub(super) async fn cancel(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let task = call.service().task_cancel(cx, call.id("task_id")?).await?;
    Ok(Answer::json(StatusCode::ACCEPTED, &json!({"task": OperationLog::of(&task)})))
}
