//! Servers.

use serde_json::{Value, json};
use strongroom_control::{Error, Noun, OpContext};
use strongroom_model::ResourceId;
use strongroom_model::disk::Disk;
use strongroom_model::filter::ServerFilter;
use strongroom_model::page::{Page, PageStart};
use strongroom_model::server::{Server, ServerStatus};

use super::wire::{native_schema, native_server, nova_server};
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::form::{Gives, Takes, paged};
use crate::query::{FitsNothing, Query};
use crate::schema::{Schema, empty_list, list as list_of, number, object, text};

/// What a page has when nobody says how many (related-services, 3.1).
const NATIVE_ROWS: u16 = 25;

type Servers = (Vec<(Server, Vec<Disk>)>, u64);

pub(super) async fn get_native(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let (server, disks) = call.service().server_get(cx, server_id(call)?).await?;
    let zone = &call.service().settings().zone;
    Ok(Answer::ok(&json!({"server": native_server(&server, &disks, zone)})))
}

pub(super) async fn get_nova(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let (server, disks) = call.service().server_get(cx, server_id(call)?).await?;
    let zone = &call.service().settings().zone;
    Ok(Answer::ok(&json!({"server": nova_server(&server, &disks, zone)})))
}

pub(super) async fn list_native(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let (found, count) = list(call, cx, &native_page(&call.query)?).await?;
    let zone = &call.service().settings().zone;
    let servers: Vec<Value> =
        found.iter().map(|(server, disks)| native_server(server, disks, zone)).collect();
    Ok(Answer::ok(&json!({"count": count, "servers": servers})))
}

pub(super) async fn list_nova(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let (found, _) = list(call, cx, &call.query.page()?).await?;
    let zone = &call.service().settings().zone;
    let servers: Vec<Value> =
        found.iter().map(|(server, disks)| nova_server(server, disks, zone)).collect();
    Ok(Answer::ok(&json!({"servers": servers, "servers_links": []})))
}

pub(super) async fn list_nova_short(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let (found, _) = list(call, cx, &call.query.page()?).await?;
    let short = |server: &Server| json!({"id": server.id, "name": server.name, "links": []});
    let servers: Vec<Value> = found.iter().map(|(server, _)| short(server)).collect();
    Ok(Answer::ok(&json!({"servers": servers, "servers_links": []})))
}

async fn list(call: &Call, cx: &OpContext, page: &Page<ResourceId>) -> Result<Servers, Failure> {
    Ok(if let Ok(filter) = read_filter(&call.query) {
        call.service().server_list(cx, &filter, page).await?
    } else {
        // Asked all the same, so that rights are checked as ever.
        let one = Page { limit: 1, ..Page::default() };
        call.service().server_list(cx, &ServerFilter::default(), &one).await?;
        (Vec::new(), 0)
    })
}

/// The query of the lists. What is no id and no status fits nothing, so any text will do.
pub(super) fn query() -> Takes {
    paged(["id", "uuid", "name", "status"].map(|key| (key, text())))
}

/// The answer of [`list_native`], described.
pub(super) fn listed_native() -> Gives {
    Gives::Json(object([("count", number()), ("servers", list_of(native_schema()))]))
}

/// The answer of Nova's lists, described.
pub(super) fn listed_nova(server: Schema) -> Gives {
    Gives::Json(object([("servers", list_of(server)), ("servers_links", empty_list())]))
}

fn read_filter(query: &Query) -> Result<ServerFilter, FitsNothing> {
    let status = query.text("status").map(ServerStatus::parse).transpose();
    Ok(ServerFilter {
        ids: query.ids(&["id", "uuid"])?,
        name: query.owned("name"),
        status: status.map_err(|_| FitsNothing)?,
    })
}

/// The native list counts in pages: 0 and 1 are the first (ECS-5).
fn native_page(query: &Query) -> Result<Page<ResourceId>, Failure> {
    let page: Page<ResourceId> = query.page()?;
    let limit = if query.text("limit").is_none() { NATIVE_ROWS } else { page.limit };
    let start = match page.start {
        PageStart::Offset(number) => {
            PageStart::Offset(number.saturating_sub(1).saturating_mul(u64::from(limit)))
        }
        after @ PageStart::After(_) => after,
    };
    Ok(Page { limit, start })
}

/// Clients try a name as an id; that is a server which is not there (ECS-4).
fn server_id(call: &Call) -> Result<ResourceId, Failure> {
    call.parameter("server_id").parse().map_err(|_| Error::NotFound(Noun::Server).into())
}
