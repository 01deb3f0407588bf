//! Vaults.

use http::StatusCode;
use strongroom_control::OpContext;
use strongroom_control::cbr::VaultPage;
use strongroom_model::VaultId;
use strongroom_model::filter::VaultFilter;
use strongroom_model::page::Page;
use strongroom_model::project::EnterpriseProjectId;
use strongroom_model::vault::{CloudType, ObjectType, ProtectType, VaultStatus};

use super::wire::vault::{WireVault, read_new, read_update};
use crate::answer::Answer;
use crate::call::Call;
use crate::document::{Listed, Named};
use crate::failure::Failure;
use crate::form::{Takes, paged};
use crate::query::{FitsNothing, Query};
use crate::schema::{list as list_of, one_of, text};

pub(super) async fn create(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let new = read_new(&call.json()?, &call.service().settings().quota)?;
    let view = call.service().vault_create(cx, new).await?;
    Ok(Answer::ok(&Named("vault", WireVault::of(&view))))
}

pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let view = call.service().vault_get(cx, call.id("vault_id")?).await?;
    Ok(Answer::ok(&Named("vault", WireVault::of(&view))))
}

pub(super) async fn update(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let id = call.id("vault_id")?;
    let update = read_update(&call.json()?)?;
    let view = call.service().vault_update(cx, id, &update).await?;
    Ok(Answer::ok(&Named("vault", WireVault::of(&view))))
}

pub(super) async fn delete(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    call.service().vault_delete(cx, call.id("vault_id")?).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub(super) async fn list(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let page = call.query.page()?;
    let filter = read_filter(&call.query)?;
    let found = if let Ok((ids, resource_ids)) = read_ids(&call.query) {
        let filter = VaultFilter { ids, resource_ids, ..filter };
        call.service().vault_list(cx, &filter, &page).await?
    } else {
        // Asked all the same, so that rights are checked as ever.
        let one = Page { limit: 1, ..Page::default() };
        call.service().vault_list(cx, &filter, &one).await?;
        VaultPage { vaults: Vec::new(), count: 0 }
    };
    let vaults: Vec<WireVault<'_>> = found.vaults.iter().map(WireVault::of).collect();
    Ok(Answer::ok(&Listed::new("vaults", vaults, found.count, &page)))
}

type Ids = (Vec<VaultId>, Vec<strongroom_model::ResourceId>);

/// The filters by ids. No policy is known yet, so a vault that carries one is not to be found.
fn read_ids(query: &Query) -> Result<Ids, FitsNothing> {
    if query.text("policy_id").is_some() {
        return Err(FitsNothing);
    }
    // The second spelling is python-otcextensions' (contract, 9.2).
    Ok((query.ids(&["id"])?, query.ids(&["resource_ids", "resources_ids"])?))
}

/// The query of [`list`]. What is no id fits nothing, so any text will do for one.
pub(super) fn query() -> Takes {
    paged([
        ("id", list_of(text())),
        ("name", text()),
        ("object_type", one_of(ObjectType::ALL)),
        ("protect_type", one_of(ProtectType::ALL)),
        ("cloud_type", one_of(CloudType::ALL)),
        ("status", one_of(VaultStatus::ALL)),
        ("resource_ids", list_of(text())),
        ("enterprise_project_id", text()),
        ("availability_zone", text()),
        ("policy_id", text()),
    ])
}

fn read_filter(query: &Query) -> Result<VaultFilter, Failure> {
    let enterprise = match query.text("enterprise_project_id") {
        Some("all_granted_eps") => None,
        _ => query.parse_with("enterprise_project_id", EnterpriseProjectId::parse)?,
    };
    Ok(VaultFilter {
        name: query.owned("name"),
        object: query.parse_with("object_type", ObjectType::parse)?,
        protect: query.parse_with("protect_type", ProtectType::parse)?,
        cloud_type: query.parse_with("cloud_type", CloudType::parse)?,
        status: query.parse_with("status", VaultStatus::parse)?,
        enterprise_project_id: enterprise,
        availability_zone: query.owned("availability_zone"),
        ..VaultFilter::default()
    })
}
