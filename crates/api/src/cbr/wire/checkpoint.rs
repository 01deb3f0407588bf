//! Checkpoints (contract, 3.8 and 4.4).

use serde::Serialize;
use serde_json::Value;
use strongroom_control::cbr::NewCheckpoint;
use strongroom_model::checkpoint::{CheckpointStatus, CheckpointView, LeftOut};
use strongroom_model::description::Description;
use strongroom_model::resource::{ProtectStatus, ResourceType, ResourceUse};
use strongroom_model::{CheckpointId, Name, ProjectId, ResourceId, VaultId};

use super::billing::megabytes;
use super::resource::{self, read_resources};
use super::vault::name_schema;
use crate::failure::Failure;
use crate::json::Object;
use crate::schema::{
    Schema, any_of, boolean, id, list, list_of, naive_time, named, number_of, object, one_of,
    pattern, plain_id, request, text, text_of,
};
use crate::time::TimeForm;

/// The longest life of a manual backup, in days.
const MOST_DAYS: i64 = 36_500;
/// The most resources that a run names.
const MOST_DETAILS: usize = 256;

/// As answers show it.
#[derive(Debug, Serialize)]
pub(crate) struct WireCheckpoint<'a> {
    id: CheckpointId,
    project_id: ProjectId,
    created_at: String,
    status: CheckpointStatus,
    vault: CheckpointVault<'a>,
    extra_info: CheckpointExtra<'a>,
}

#[derive(Debug, Serialize)]
struct CheckpointVault<'a> {
    id: VaultId,
    name: &'a str,
    resources: Vec<CheckpointResource<'a>>,
    skipped_resources: Vec<SkippedResource<'a>>,
}

/// Its sizes are texts; an `extra_info` is left out, as one client cannot read one (contract, 3.8).
#[derive(Debug, Serialize)]
struct CheckpointResource<'a> {
    id: ResourceId,
    name: &'a str,
    #[serde(rename = "type")]
    resource_type: ResourceType,
    protect_status: ProtectStatus,
    /// Gigabytes.
    resource_size: String,
    /// Megabytes.
    backup_size: String,
    backup_count: String,
}

#[derive(Debug, Serialize)]
struct SkippedResource<'a> {
    id: ResourceId,
    #[serde(rename = "type")]
    resource_type: ResourceType,
    name: &'a str,
    code: &'a str,
    reason: &'a str,
}

#[derive(Debug, Serialize)]
struct CheckpointExtra<'a> {
    name: &'a str,
    description: &'a str,
    /// Days; -1 for ever.
    retention_duration: i64,
}

impl<'a> WireCheckpoint<'a> {
    pub(crate) fn of(view: &'a CheckpointView) -> Self {
        let checkpoint = &view.checkpoint;
        Self {
            id: checkpoint.id,
            project_id: checkpoint.project_id,
            created_at: TimeForm::NaiveMicros.format(checkpoint.created_at),
            status: view.status,
            vault: CheckpointVault {
                id: checkpoint.vault_id,
                name: view.vault_name.as_str(),
                resources: view.resources.iter().map(CheckpointResource::of).collect(),
                skipped_resources: checkpoint.skipped.iter().map(SkippedResource::of).collect(),
            },
            extra_info: CheckpointExtra {
                name: checkpoint.name.as_str(),
                description: checkpoint.description.as_str(),
                retention_duration: checkpoint.retention_days.map_or(-1, i64::from),
            },
        }
    }
}

impl<'a> CheckpointResource<'a> {
    fn of(view: &'a ResourceUse) -> Self {
        let resource = &view.resource;
        Self {
            id: resource.id,
            name: resource.name.as_str(),
            resource_type: resource.resource_type,
            protect_status: resource.status,
            resource_size: resource.size_gigabytes.to_string(),
            backup_size: megabytes(view.backup_bytes).to_string(),
            backup_count: view.backup_count.to_string(),
        }
    }
}

impl<'a> SkippedResource<'a> {
    fn of(left: &'a LeftOut) -> Self {
        Self {
            id: left.id,
            resource_type: left.resource_type,
            name: left.name.as_str(),
            code: &left.code,
            reason: &left.reason,
        }
    }
}

/// [`WireCheckpoint`], described.
pub(crate) fn schema() -> Schema {
    let digits = || pattern("^[0-9]+$");
    let kind = || one_of(ResourceType::ALL);
    let resource = object([
        ("id", id()),
        ("name", text()),
        ("type", kind()),
        ("protect_status", one_of(ProtectStatus::ALL)),
        ("resource_size", digits()),
        ("backup_size", digits()),
        ("backup_count", digits()),
    ]);
    let skipped = object([
        ("id", id()),
        ("type", kind()),
        ("name", text()),
        ("code", text()),
        ("reason", text()),
    ]);
    let vault = object([
        ("id", id()),
        ("name", text()),
        ("resources", list(resource)),
        ("skipped_resources", list(skipped)),
    ]);
    let extra_info = object([
        ("name", text()),
        ("description", text()),
        ("retention_duration", number_of(-1, MOST_DAYS)),
    ]);
    named(
        "Checkpoint",
        object([
            ("id", id()),
            ("project_id", plain_id()),
            ("created_at", naive_time()),
            ("status", one_of(CheckpointStatus::ALL)),
            ("vault", vault),
            ("extra_info", extra_info),
        ]),
    )
}

/// What [`read_new`] reads.
pub(crate) fn new_schema() -> Schema {
    let details = list_of(resource::new_schema(), 0, MOST_DETAILS);
    let parameters = request(
        [],
        [
            ("name", name_schema()),
            ("description", text_of(0, 255)),
            ("auto_trigger", boolean()),
            ("incremental", boolean()),
            ("resources", list(id())),
            ("resource_details", any_of([details, resource::new_schema()])),
            ("retention_duration_days", any_of([number_of(-1, -1), number_of(1, MOST_DAYS)])),
            ("policy_id", text()),
        ],
    );
    let checkpoint = request([("vault_id", id())], [("parameters", parameters)]);
    request([("checkpoint", named("NewCheckpoint", checkpoint))], [])
}

/// Reads the body of a request for a run.
pub(crate) fn read_new(body: &Value) -> Result<NewCheckpoint, Failure> {
    let checkpoint = Object::inside(body, "checkpoint")?;
    let vault_id = checkpoint.id_required("vault_id")?;
    let mut new = NewCheckpoint {
        vault_id,
        name: None,
        description: Description::default(),
        is_automatic: false,
        is_incremental: true,
        resources: Vec::new(),
        details: Vec::new(),
        retention_days: None,
    };
    if let Some(parameters) = checkpoint.object("parameters")? {
        read_parameters(&parameters, &mut new)?;
    }
    Ok(new)
}

fn read_parameters(parameters: &Object<'_>, new: &mut NewCheckpoint) -> Result<(), Failure> {
    new.name = parameters.parse("name", Name::parse)?;
    new.description = parameters.parse("description", Description::parse)?.unwrap_or_default();
    new.is_automatic = parameters.boolean("auto_trigger")?.unwrap_or(false);
    new.is_incremental = parameters.boolean("incremental")?.unwrap_or(true);
    new.resources = parameters.ids("resources")?;
    // One client models the list as one object (contract, 4.4).
    let details = parameters.list_or_one("resource_details")?.unwrap_or_default();
    if details.len() > MOST_DETAILS {
        return Err(parameters.invalid("resource_details", "a list of at most 256").into());
    }
    new.details = read_resources(&details)?;
    new.retention_days = read_days(parameters, new.is_automatic)?;
    // Policies are not known yet; a run that names one is a run like any other.
    parameters.text("policy_id")?;
    Ok(())
}

/// A run of a policy takes its backups' life from the policy (R77).
fn read_days(parameters: &Object<'_>, is_automatic: bool) -> Result<Option<u32>, Failure> {
    const KEY: &str = "retention_duration_days";
    let Some(days) = parameters.integer(KEY)? else { return Ok(None) };
    if is_automatic {
        return Err(parameters.invalid(KEY, "absent when auto_trigger is true").into());
    }
    match u32::try_from(days) {
        _ if days == -1 => Ok(None),
        Ok(count) if (1..=MOST_DAYS).contains(&days) => Ok(Some(count)),
        _ => Err(parameters.invalid(KEY, "-1 or 1 to 36500").into()),
    }
}

#[cfg(test)]
mod tests;
