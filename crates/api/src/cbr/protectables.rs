//! What can be protected.

use serde_json::{Value, json};
use strongroom_control::OpContext;
use strongroom_control::cbr::ProtectableFilter;
use strongroom_model::ResourceId;
use strongroom_model::page::Page;
use strongroom_model::vault::ObjectType;

use super::wire::protectable;
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::form::{self, Takes};
use crate::invalid::Invalid;
use crate::query::{FitsNothing, Query};
use crate::schema::{id, number, number_of, text};

/// The most rows of a page (contract, section 1).
const MOST_ROWS: u16 = 50;

pub(super) async fn list(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let object = object_type(call)?;
    let page = read_page(&call.query)?;
    let zone = &call.service().settings().zone;
    let found = if let Ok(filter) = read_filter(&call.query) {
        call.service().protectable_list(cx, object, &filter, &page).await?
    } else {
        // Asked all the same, so that rights are checked as ever.
        let one = Page { limit: 1, ..Page::default() };
        let all = ProtectableFilter::default();
        call.service().protectable_list(cx, object, &all, &one).await?;
        Vec::new()
    };
    let instances: Vec<Value> = found.iter().map(|one| protectable::of(one, zone)).collect();
    Ok(Answer::ok(&json!({"instances": instances})))
}

pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let object = object_type(call)?;
    let id = call.id("instance_id")?;
    let found = call.service().protectable_get(cx, object, id).await?;
    let instance = protectable::of(&found, &call.service().settings().zone);
    Ok(Answer::ok(&json!({"instance": instance})))
}

fn object_type(call: &Call) -> Result<ObjectType, Failure> {
    let key = "protectable_type";
    let parsed = ObjectType::parse(call.parameter(key));
    Ok(parsed.map_err(|error| Invalid::new(key, key, error.allowed))?)
}

/// The query of [`list`]. What is no id fits nothing, so any text will do for one.
pub(super) fn query() -> Takes {
    let page = [("limit", number_of(1, MOST_ROWS.into())), ("offset", number()), ("marker", id())];
    let filters = ["id", "name", "status", "server_id"];
    form::query(page).and_query(filters.map(|key| (key, text())))
}

fn read_page(query: &Query) -> Result<Page<ResourceId>, Failure> {
    let page = query.page()?;
    if query.text("limit").is_none() {
        return Ok(Page { limit: MOST_ROWS, ..page });
    }
    if page.limit > MOST_ROWS {
        return Err(Invalid::new("limit", "limit", "1 to 50").into());
    }
    Ok(page)
}

fn read_filter(query: &Query) -> Result<ProtectableFilter, FitsNothing> {
    Ok(ProtectableFilter {
        id: query.id("id")?,
        name: query.owned("name"),
        status: query.owned("status"),
        server_id: query.id("server_id")?,
    })
}
