//! Vaults (contract, 3.1 and 4.2).

use serde::Serialize;
use serde_json::Value;
use strongroom_control::cbr::NewVault;
use strongroom_model::description::Description;
use strongroom_model::name::NamePrefix;
use strongroom_model::project::EnterpriseProjectId;
use strongroom_model::vault::{ObjectType, Threshold, VaultUpdate, VaultView};
use strongroom_model::zone::AvailabilityZone;
use strongroom_model::{Name, ProjectId, Quota, ResourceId, UserId, VaultId};

use super::billing::{self, Billing, NewBilling};
use super::resource::{self, WireResource, read_resources};
use super::tag::{self, WireBindRules, WireTag, read_bind_rules, read_tags, tags};
use crate::failure::Failure;
use crate::json::Object;
use crate::schema::{
    Schema, any_of, boolean, id, list, list_of, naive_time, named, nullable, number_of, object,
    one_of, pattern, plain_id, request, text, text_of, word,
};
use crate::time::TimeForm;

/// As answers show it. Every key is always there: clients compare an answer with the next.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are the wire's")]
pub(crate) struct WireVault<'a> {
    id: VaultId,
    name: &'a str,
    description: &'a str,
    project_id: ProjectId,
    provider_id: &'static str,
    user_id: UserId,
    created_at: String,
    enterprise_project_id: String,
    tags: Vec<WireTag<'a>>,
    resources: Vec<WireResource<'a>>,
    billing: Billing,
    auto_bind: bool,
    bind_rules: WireBindRules<'a>,
    auto_expand: bool,
    locked: bool,
    smn_notify: bool,
    threshold: u8,
    backup_name_prefix: &'a str,
    sys_lock_source_service: &'static str,
    availability_zone: Option<&'a str>,
}

impl<'a> WireVault<'a> {
    pub(crate) fn of(view: &'a VaultView) -> Self {
        let vault = &view.vault;
        Self {
            id: vault.id,
            name: vault.name.as_str(),
            description: vault.description.as_str(),
            project_id: vault.project_id,
            provider_id: vault.kind.object().provider_id(),
            user_id: vault.user_id,
            created_at: TimeForm::NaiveMicros.format(vault.created_at),
            enterprise_project_id: vault.enterprise_project_id.to_string(),
            tags: tags(vault.tags.as_slice()),
            resources: view.resources.iter().map(WireResource::of).collect(),
            billing: Billing::of(view),
            auto_bind: vault.is_auto_bind,
            bind_rules: WireBindRules::of(&vault.bind_rules),
            auto_expand: vault.is_auto_expand,
            locked: vault.is_locked,
            smn_notify: vault.has_notices,
            threshold: vault.threshold.percent(),
            backup_name_prefix: vault.backup_name_prefix.as_str(),
            sys_lock_source_service: "",
            availability_zone: vault.availability_zone.as_ref().map(AvailabilityZone::as_str),
        }
    }
}

/// [`WireVault`], described.
pub(crate) fn schema() -> Schema {
    named(
        "Vault",
        object([
            ("id", id()),
            ("name", text()),
            ("description", text()),
            ("project_id", plain_id()),
            ("provider_id", provider_schema()),
            ("user_id", plain_id()),
            ("created_at", naive_time()),
            ("enterprise_project_id", enterprise_schema()),
            ("tags", list(tag::schema())),
            ("resources", list(resource::schema())),
            ("billing", billing::schema()),
            ("auto_bind", boolean()),
            ("bind_rules", tag::bind_rules_schema()),
            ("auto_expand", boolean()),
            ("locked", boolean()),
            ("smn_notify", boolean()),
            ("threshold", number_of(1, 100)),
            ("backup_name_prefix", text()),
            ("sys_lock_source_service", word("")),
            ("availability_zone", nullable(text())),
        ]),
    )
}

/// The id of the part of the service that protects a type of resource.
pub(super) fn provider_schema() -> Schema {
    one_of(ObjectType::ALL.iter().map(|object| object.provider_id()).collect::<Vec<_>>())
}

fn enterprise_schema() -> Schema {
    any_of([word("0"), id()])
}

/// A name that a user gives.
pub(super) fn name_schema() -> Schema {
    pattern(r"^[A-Za-z0-9_.\u4e00-\u9fa5\uf900-\ufa2d-]{1,64}$")
}

/// What [`read_new`] reads.
pub(crate) fn new_schema() -> Schema {
    let vault = request(
        [
            ("name", name_schema()),
            ("billing", billing::new_schema()),
            ("resources", list_of(resource::new_schema(), 0, 256)),
        ],
        [
            ("description", text_of(0, 64)),
            ("backup_policy_id", id()),
            ("tags", list_of(tag::new_schema(), 1, 20)),
            ("enterprise_project_id", enterprise_schema()),
            ("auto_bind", boolean()),
            ("bind_rules", tag::new_bind_rules_schema()),
            ("auto_expand", boolean()),
            ("locked", boolean()),
            ("smn_notify", boolean()),
            ("threshold", number_of(1, 100)),
            ("backup_name_prefix", text_of(0, 32)),
            ("availability_zone", text_of(1, 32)),
            ("demand_billing", boolean()),
            ("sys_lock_source_service", one_of(["", "SMB"])),
        ],
    );
    request([("vault", named("NewVault", vault))], [])
}

/// What [`read_update`] reads.
pub(crate) fn update_schema() -> Schema {
    let vault = request(
        [],
        [
            ("name", name_schema()),
            ("billing", billing::update_schema()),
            ("auto_bind", boolean()),
            ("bind_rules", tag::new_bind_rules_schema()),
            ("auto_expand", boolean()),
            ("smn_notify", boolean()),
            ("threshold", number_of(1, 100)),
            ("locked", boolean()),
        ],
    );
    request([("vault", named("VaultUpdate", vault))], [])
}

/// Reads the body of a request for a new vault.
pub(crate) fn read_new(body: &Value, quota: &Quota) -> Result<NewVault, Failure> {
    let vault = Object::inside(body, "vault")?;
    let name = vault.parse_required("name", Name::parse)?;
    let billing = vault.require("billing", vault.object("billing")?)?;
    let billing = NewBilling::read(&billing)?;
    let resources = vault.require("resources", vault.list("resources")?)?;
    check_unused(&vault)?;
    Ok(NewVault {
        name,
        description: vault.parse("description", Description::parse_for_vault)?.unwrap_or_default(),
        kind: billing.kind,
        cloud_type: billing.cloud_type,
        size: billing.size,
        resources: read_resources(&resources)?,
        policy: vault.id::<ResourceId>("backup_policy_id")?.map(|id| id.to_string()),
        tags: read_tags(&vault, quota)?,
        enterprise_project_id: vault
            .parse("enterprise_project_id", EnterpriseProjectId::parse)?
            .unwrap_or(EnterpriseProjectId::DEFAULT),
        is_auto_bind: vault.boolean("auto_bind")?.unwrap_or(false),
        bind_rules: read_bind_rules(&vault)?.unwrap_or_default(),
        is_auto_expand: vault.boolean("auto_expand")?.unwrap_or(false),
        is_locked: vault.boolean("locked")?.unwrap_or(false),
        has_notices: vault.boolean("smn_notify")?.unwrap_or(true),
        threshold: read_threshold(&vault)?.unwrap_or(Threshold::DEFAULT),
        backup_name_prefix: vault
            .parse("backup_name_prefix", NamePrefix::parse)?
            .unwrap_or_default(),
        availability_zone: vault.parse("availability_zone", AvailabilityZone::parse)?,
    })
}

/// Fields that have a rule and lead to nothing.
fn check_unused(vault: &Object<'_>) -> Result<(), Failure> {
    vault.boolean("demand_billing")?;
    match vault.text("sys_lock_source_service")? {
        None | Some("" | "SMB") => Ok(()),
        Some(_) => Err(vault.invalid("sys_lock_source_service", "SMB or empty").into()),
    }
}

fn read_threshold(vault: &Object<'_>) -> Result<Option<Threshold>, Failure> {
    let Some(percent) = vault.integer("threshold")? else { return Ok(None) };
    let threshold = Threshold::new(percent);
    Ok(Some(threshold.map_err(|error| vault.invalid("threshold", error.allowed))?))
}

/// Reads the body of an update; what is absent stays.
pub(crate) fn read_update(body: &Value) -> Result<VaultUpdate, Failure> {
    let vault = Object::inside(body, "vault")?;
    let (size, consistency) = match vault.object("billing")? {
        Some(billing) => NewBilling::read_update(&billing)?,
        None => (None, None),
    };
    Ok(VaultUpdate {
        name: vault.parse("name", Name::parse)?,
        size,
        consistency,
        is_auto_bind: vault.boolean("auto_bind")?,
        bind_rules: read_bind_rules(&vault)?,
        is_auto_expand: vault.boolean("auto_expand")?,
        has_notices: vault.boolean("smn_notify")?,
        threshold: read_threshold(&vault)?,
        is_locked: vault.boolean("locked")?,
    })
}

#[cfg(test)]
mod tests;
