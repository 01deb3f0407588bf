//! Tasks, which the wire calls operation logs.

use strongroom_control::OpContext;
use strongroom_control::cbr::TaskPage;
use strongroom_model::filter::TaskFilter;
use strongroom_model::page::Page;
use strongroom_model::task::{ShownStatus, TaskKind};
use strongroom_model::vault::ObjectType;

use super::wire::operation_log::OperationLog;
use crate::answer::Answer;
use crate::call::Call;
use crate::document::{Listed, Named};
use crate::failure::Failure;
use crate::form::{Takes, paged};
use crate::query::{FitsNothing, Query};
use crate::schema::{any_time, one_of, text};

pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let task = call.service().task_get(cx, call.id("operation_log_id")?).await?;
    Ok(Answer::ok(&Named("operation_log", OperationLog::of(&task))))
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
    let logs: Vec<OperationLog<'_>> = found.tasks.iter().map(OperationLog::of).collect();
    Ok(Answer::ok(&Listed::new("operation_logs", logs, found.count, &page)))
}

/// The query of [`list`]. What is no id fits nothing, so any text will do for one.
pub(super) fn query() -> Takes {
    let texts = ["resource_id", "resource_name", "vault_id", "vault_name", "provider_id"];
    paged([
        ("operation_type", one_of(TaskKind::ALL)),
        ("status", one_of(ShownStatus::ALL)),
        ("start_time", any_time()),
        ("end_time", any_time()),
    ])
    .and_query(texts.map(|key| (key, text())))
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
