//! Backups: looking at them, renaming, deleting.

use http::StatusCode;
use serde_json::json;
use strongroom_control::OpContext;
use strongroom_control::cbr::BackupPage;
use strongroom_model::backup::{BackupStatus, ImageType};
use strongroom_model::filter::{BackupFilter, Ownership, VaultUsage};
use strongroom_model::page::Page;
use strongroom_model::resource::ResourceType;
use strongroom_model::sort::Sort;

use super::wire::backup::{WireBackup, read_rename};
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::invalid::Invalid;
use crate::query::{FitsNothing, Query, limit_and_offset};

pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let view = call.service().backup_get(cx, call.id("backup_id")?).await?;
    Ok(Answer::ok(&json!({"backup": WireBackup::of(&view)})))
}

pub(super) async fn update(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let id = call.id("backup_id")?;
    let name = read_rename(&call.json()?)?;
    let view = call.service().backup_rename(cx, id, name).await?;
    Ok(Answer::ok(&json!({"backup": WireBackup::of(&view)})))
}

pub(super) async fn delete(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    call.service().backup_delete(cx, call.id("backup_id")?).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub(super) async fn list(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let query = &call.query;
    let page = query.page()?;
    let sort = query.parse_with("sort", Sort::parse)?.unwrap_or_default();
    let mut filter = read_filter(query)?;
    check_unused(query)?;
    let found = if let Ok(()) = read_ids(query, &mut filter) {
        call.service().backup_list(cx, &filter, &sort, &page).await?
    } else {
        // Asked all the same, so that rights are checked as ever.
        let one = Page { limit: 1, ..Page::default() };
        call.service().backup_list(cx, &filter, &sort, &one).await?;
        BackupPage { backups: Vec::new(), count: 0 }
    };
    let (limit, offset) = limit_and_offset(&page);
    let backups: Vec<WireBackup<'_>> = found.backups.iter().map(WireBackup::of).collect();
    let body = json!({"backups": backups, "count": found.count, "limit": limit, "offset": offset});
    Ok(Answer::ok(&body))
}

fn read_ids(query: &Query, filter: &mut BackupFilter) -> Result<(), FitsNothing> {
    filter.checkpoint_id = query.id("checkpoint_id")?;
    filter.vault_id = query.id("vault_id")?;
    filter.resource_id = query.id("resource_id")?;
    filter.parent_id = query.id("parent_id")?;
    // Every backup is shown in the default one.
    match query.text("enterprise_project_id") {
        None | Some("0" | "all_granted_eps") => Ok(()),
        Some(_) => Err(FitsNothing),
    }
}

fn read_filter(query: &Query) -> Result<BackupFilter, Failure> {
    let statuses = query.all("status").map(BackupStatus::parse).collect::<Result<_, _>>()?;
    let usage = query.integer("used_percent")?.map(VaultUsage::new).transpose()?;
    Ok(BackupFilter {
        name: query.owned("name"),
        resource_name: query.owned("resource_name"),
        resource_zone: query.owned("resource_az"),
        resource_type: query.parse_with("resource_type", ResourceType::parse)?,
        image_type: query.parse_with("image_type", ImageType::parse)?,
        statuses,
        created: query.window("start_time", "end_time")?,
        ownership: query.parse_with("own_type", Ownership::parse)?.unwrap_or(Ownership::Private),
        vault_usage: usage,
        is_incremental: query.boolean("incremental")?,
        ..BackupFilter::default()
    })
}

/// Parameters that have a type and lead to nothing yet: nothing is shared, replicated or kept by
/// number.
fn check_unused(query: &Query) -> Result<(), Failure> {
    for switch in ["dec", "show_replication", "existed_quantity_based_retention_backups"] {
        query.boolean(switch)?;
    }
    match query.text("member_status") {
        None | Some("pending" | "accepted" | "accept" | "rejected" | "reject") => Ok(()),
        Some(_) => {
            let allowed = "pending, accepted or rejected";
            Err(Invalid::new("member_status", "member_status", allowed).into())
        }
    }
}
