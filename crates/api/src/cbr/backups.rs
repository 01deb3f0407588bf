//! Backups: looking at them, renaming, deleting.

use http::StatusCode;
use strongroom_control::OpContext;
use strongroom_control::cbr::BackupPage;
use strongroom_model::backup::{BackupStatus, ImageType};
use strongroom_model::filter::{BackupFilter, Ownership, VaultUsage};
use strongroom_model::page::Page;
use strongroom_model::resource::ResourceType;
use strongroom_model::sort::{Sort, SortKey};

use super::wire::backup::{WireBackup, read_rename};
use crate::answer::Answer;
use crate::call::Call;
use crate::document::{Listed, Named};
use crate::failure::Failure;
use crate::form::{Takes, paged};
use crate::invalid::Invalid;
use crate::query::{FitsNothing, Query};
use crate::schema::{Schema, any_time, boolean, list as list_of, number_of, one_of, pattern, text};

/// Both spellings that documents have.
const MEMBER_STATUSES: [&str; 5] = ["pending", "accepted", "accept", "rejected", "reject"];

pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let view = call.service().backup_get(cx, call.id("backup_id")?).await?;
    Ok(Answer::ok(&Named("backup", WireBackup::of(&view))))
}

pub(super) async fn update(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let id = call.id("backup_id")?;
    let name = read_rename(&call.json()?)?;
    let view = call.service().backup_rename(cx, id, name).await?;
    Ok(Answer::ok(&Named("backup", WireBackup::of(&view))))
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
    let backups: Vec<WireBackup<'_>> = found.backups.iter().map(WireBackup::of).collect();
    Ok(Answer::ok(&Listed::new("backups", backups, found.count, &page)))
}

/// The query of [`list`]. What is no id fits nothing, so any text will do for one.
pub(super) fn query() -> Takes {
    let ids = ["checkpoint_id", "vault_id", "resource_id", "parent_id", "enterprise_project_id"];
    let texts = ["name", "resource_name", "resource_az"];
    let switches =
        ["incremental", "dec", "show_replication", "existed_quantity_based_retention_backups"];
    paged([
        ("status", list_of(one_of(BackupStatus::ALL))),
        ("resource_type", one_of(ResourceType::ALL)),
        ("image_type", one_of(ImageType::ALL)),
        ("own_type", one_of(Ownership::ALL)),
        ("used_percent", number_of(1, 100)),
        ("sort", sort_schema()),
        ("start_time", any_time()),
        ("end_time", any_time()),
        ("member_status", one_of(MEMBER_STATUSES)),
    ])
    .and_query(ids.map(|key| (key, text())))
    .and_query(texts.map(|key| (key, text())))
    .and_query(switches.map(|key| (key, boolean())))
}

/// Keys, each with its direction.
fn sort_schema() -> Schema {
    let keys: Vec<&str> = SortKey::ALL.iter().map(|key| key.as_str()).collect();
    let key = format!("({})(:(asc|desc))?", keys.join("|"));
    pattern(&format!("^{key}(,{key})*$"))
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
        None => Ok(()),
        Some(status) if MEMBER_STATUSES.contains(&status) => Ok(()),
        Some(_) => {
            let allowed = "pending, accepted or rejected";
            Err(Invalid::new("member_status", "member_status", allowed).into())
        }
    }
}
