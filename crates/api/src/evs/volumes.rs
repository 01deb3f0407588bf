//! Disks.

use http::StatusCode;
use serde_json::{Value, json};
use strongroom_control::{Error, Noun, OpContext};
use strongroom_model::ResourceId;
use strongroom_model::disk::DiskStatus;
use strongroom_model::filter::DiskFilter;
use strongroom_model::page::Page;

use super::wire::{read_new, volume, volume_schema};
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::form::{Gives, Takes, paged};
use crate::query::{FitsNothing, Query};
use crate::schema::{empty_list, list as list_of, number, object, text};

pub(super) async fn create(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let new = read_new(&call.json()?)?;
    let disk = call.service().disk_create(cx, new).await?;
    let body = json!({"volume": volume(&disk, &call.service().settings().zone)});
    Ok(Answer::json(StatusCode::ACCEPTED, &body))
}

pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let disk = call.service().disk_get(cx, volume_id(call)?).await?;
    Ok(Answer::ok(&json!({"volume": volume(&disk, &call.service().settings().zone)})))
}

pub(super) async fn delete(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    call.service().disk_delete(cx, volume_id(call)?).await?;
    Ok(Answer::empty(StatusCode::ACCEPTED))
}

pub(super) async fn list(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let page = call.query.page()?;
    let (disks, count) = if let Ok(filter) = read_filter(&call.query) {
        call.service().disk_list(cx, &filter, &page).await?
    } else {
        // Asked all the same, so that rights are checked as ever.
        let one = Page { limit: 1, ..Page::default() };
        call.service().disk_list(cx, &DiskFilter::default(), &one).await?;
        (Vec::new(), 0)
    };
    let zone = &call.service().settings().zone;
    let volumes: Vec<Value> = disks.iter().map(|disk| volume(disk, zone)).collect();
    Ok(Answer::ok(&json!({"count": count, "volumes": volumes, "volumes_links": []})))
}

/// The query of [`list`]. What is no id and no status fits nothing, so any text will do.
pub(super) fn query() -> Takes {
    paged(["id", "ids", "name", "status", "server_id"].map(|key| (key, text())))
}

/// The answer of [`list`], described.
pub(super) fn listed() -> Gives {
    Gives::Json(object([
        ("count", number()),
        ("volumes", list_of(volume_schema())),
        ("volumes_links", empty_list()),
    ]))
}

/// Clients try a name as an id; that is a disk which is not there (EVS-18).
fn volume_id(call: &Call) -> Result<ResourceId, Failure> {
    call.parameter("volume_id").parse().map_err(|_| Error::NotFound(Noun::Disk).into())
}

/// `ids` is written like a list in Python: `['a','b']`.
fn read_filter(query: &Query) -> Result<DiskFilter, FitsNothing> {
    let listed = query.text("ids").map(|text| text.replace(['[', ']', '\'', '"', ' '], ""));
    let mut ids: Vec<ResourceId> = query.ids(&["id"])?;
    if let Some(listed) = listed {
        let more = listed.split(',').map(str::parse::<ResourceId>).collect::<Result<Vec<_>, _>>();
        ids.extend(more.map_err(|_| FitsNothing)?);
    }
    let status = query.text("status").map(DiskStatus::parse).transpose();
    Ok(DiskFilter {
        ids,
        name: query.owned("name"),
        status: status.map_err(|_| FitsNothing)?,
        server: query.id("server_id")?,
    })
}
