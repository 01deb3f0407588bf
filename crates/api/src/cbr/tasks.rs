//! Tasks, which the wire calls operation logs.

use serde_json::json;
use strongroom_control::OpContext;
use strongroom_control::cbr::TaskPage;
use strongroom_model::filter::TaskFilter;
use strongroom_model::page::Page;
use strongroom_model::task::{ShownStatus, TaskKind};
use strongroom_model::vault::ObjectType;

use super::wire::operation_log::OperationLog;
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::query::{FitsNothing, Query, limit_and_offset};

pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let task = call.service().task_get(cx, call.id("operation_log_id")?).await?;
    Ok(Answer::ok(&json!({"operation_log": OperationLog::of(&task)})))
}

pub(super) async fn list(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let page = call.query.page()?;
    let mut filter = read_filter(&call.query)?;
    let found = if let Ok(()) = read_ids(&call.query, &mut filter) {
        call.service().task_list(cx, &filter, &page).await?
    } else {
        // Asked all the same, so that rights are checked as ever.
        let one = Page { limit: 1, ..Page::default() };
        call.service().task_list(cx, &filter, &one).await?;
        TaskPage { tasks: Vec::new(), count: 0 }
    };
    let (limit, offset) = limit_and_offset(&page);
    let logs: Vec<OperationLog<'_>> = found.tasks.iter().map(OperationLog::of).collect();
    Ok(Answer::ok(&json!({
        "operation_logs": logs,
        "count": found.count,
        "limit": limit,
        "offset": offset,
    })))
}

fn read_ids(query: &Query, filter: &mut TaskFilter) -> Result<(), FitsNothing> {
    filter.resource_id = query.id("resource_id")?;
    filter.vault_id = query.id("vault_id")?;
    if let Some(provider) = query.text("provider_id") {
        filter.object = Some(ObjectType::from_provider_id(provider).ok_or(FitsNothing)?);
    }
    Ok(())
}

fn read_filter(query: &Query) -> Result<TaskFilter, Failure> {
    Ok(TaskFilter {
        kind: query.parse_with("operation_type", TaskKind::parse)?,
        status: query.parse_with("status", ShownStatus::parse)?,
        resource_name: query.owned("resource_name"),
        vault_name: query.owned("vault_name"),
        created: query.window("start_time", "end_time")?,
        ..TaskFilter::default()
    })
}
