//! Types of disks: words that clients choose from (EVS-9, EVS-15). Nothing follows from them here.

use serde_json::{Value, json};
use strongroom_control::{Error, Noun, OpContext};
use strongroom_model::FieldError;
use strongroom_model::filter::DiskFilter;
use strongroom_model::page::Page;

use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::schema::{Schema, boolean, id, named, null, object, one_of, text};

/// The names, and the ids by which they are asked for.
const TYPES: [(&str, &str); 5] = [
    ("SATA", "00000000-0000-4000-8000-000000000001"),
    ("SAS", "00000000-0000-4000-8000-000000000002"),
    ("SSD", "00000000-0000-4000-8000-000000000003"),
    ("GPSSD", "00000000-0000-4000-8000-000000000004"),
    ("ESSD", "00000000-0000-4000-8000-000000000005"),
];
/// The type of a disk whose maker names none.
pub(super) const DEFAULT: &str = "SSD";

/// The same names, in any case.
pub(super) const ANY_CASE: &str =
    "^(?:[Ss][Aa][Tt][Aa]|[Ss][Aa][Ss]|(?:[Gg][Pp]|[Ee])?[Ss][Ss][Dd])$";

/// Reads a name in any case.
pub(super) fn parse(text: &str) -> Result<&'static str, FieldError> {
    let found = TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    let allowed = "one of: SATA SAS SSD GPSSD ESSD";
    found.map(|(name, _)| *name).ok_or(FieldError::new("volume_type", allowed))
}

pub(super) async fn list(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    check_rights(call, cx).await?;
    let zone = &call.service().settings().zone;
    let types: Vec<Value> = TYPES.iter().map(|(name, id)| volume_type(name, id, zone)).collect();
    Ok(Answer::ok(&json!({"volume_types": types})))
}

pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    check_rights(call, cx).await?;
    let wanted = call.parameter("type_id");
    let found = TYPES.iter().find(|(_, id)| *id == wanted);
    let (name, id) = found.ok_or(Error::NotFound(Noun::Resource))?;
    let zone = &call.service().settings().zone;
    Ok(Answer::ok(&json!({"volume_type": volume_type(name, id, zone)})))
}

/// Who may list disks may list their types.
async fn check_rights(call: &Call, cx: &OpContext) -> Result<(), Failure> {
    let one = Page { limit: 1, ..Page::default() };
    call.service().disk_list(cx, &DiskFilter::default(), &one).await?;
    Ok(())
}

/// [`volume_type`], described.
pub(super) fn schema() -> Schema {
    let names = || one_of(TYPES.map(|(name, _)| name));
    let specs = object([("RESKEY:availability_zones", text()), ("volume_backend_name", names())]);
    named(
        "VolumeType",
        object([
            ("id", id()),
            ("name", names()),
            ("extra_specs", specs),
            ("is_public", boolean()),
            ("qos_specs_id", null()),
            ("description", null()),
        ]),
    )
}

/// One client breaks without the zones (EVS-16).
fn volume_type(name: &str, id: &str, zone: &str) -> Value {
    json!({
        "id": id,
        "name": name,
        "extra_specs": {"RESKEY:availability_zones": zone, "volume_backend_name": name},
        "is_public": true,
        "qos_specs_id": null,
        "description": null,
    })
}
