//! Billing: the size of a vault, what it protects, and how much is used (contract, 3.2 and 4.2).

use serde::Serialize;
use serde_json::Value;
use strongroom_base::ByteCount;
use strongroom_model::Refusal;
use strongroom_model::vault::{
    ChargingMode, CloudType, Consistency, ObjectType, ProtectType, VaultKind, VaultSize,
    VaultStatus, VaultView,
};

use crate::failure::Failure;
use crate::json::Object;
use crate::schema::{
    Schema, boolean, named, null, number, number_of, object, one_of, request, text, text_of,
};

const MEGABYTE: u64 = 1 << 20;

/// Megabytes, rounded up: a vault that holds anything never shows 0.
pub(crate) fn megabytes(bytes: ByteCount) -> u64 {
    bytes.get().div_ceil(MEGABYTE)
}

/// As answers show it.
#[derive(Debug, Serialize)]
pub(crate) struct Billing {
    /// Gigabytes.
    allocated: u64,
    /// Megabytes.
    used: u64,
    /// Gigabytes.
    size: u32,
    status: VaultStatus,
    charging_mode: ChargingMode,
    cloud_type: CloudType,
    consistent_level: Consistency,
    object_type: ObjectType,
    protect_type: ProtectType,
    spec_code: &'static str,
    is_multi_az: bool,
    // Nothing is sold, so there is no order; no bucket is the client's business.
    order_id: Value,
    product_id: Value,
    storage_unit: Value,
    frozen_scene: Value,
}

impl Billing {
    pub(crate) fn of(view: &VaultView) -> Self {
        let vault = &view.vault;
        Self {
            allocated: view.allocated_gigabytes(),
            used: megabytes(view.used),
            size: vault.size.gigabytes(),
            status: vault.status,
            charging_mode: ChargingMode::PostPaid,
            cloud_type: vault.cloud_type,
            consistent_level: vault.kind.consistency(),
            object_type: vault.kind.object(),
            protect_type: vault.kind.protect(),
            spec_code: vault.kind.spec_code(),
            is_multi_az: false,
            order_id: Value::Null,
            product_id: Value::Null,
            storage_unit: Value::Null,
            frozen_scene: Value::Null,
        }
    }
}

/// [`Billing`], described.
pub(super) fn schema() -> Schema {
    named(
        "Billing",
        object([
            ("allocated", number()),
            ("used", number()),
            ("size", number()),
            ("status", one_of(VaultStatus::ALL)),
            ("charging_mode", one_of(ChargingMode::ALL)),
            ("cloud_type", one_of(CloudType::ALL)),
            ("consistent_level", one_of(Consistency::ALL)),
            ("object_type", one_of(ObjectType::ALL)),
            ("protect_type", one_of(ProtectType::ALL)),
            ("spec_code", text()),
            ("is_multi_az", boolean()),
            ("order_id", null()),
            ("product_id", null()),
            ("storage_unit", null()),
            ("frozen_scene", null()),
        ]),
    )
}

/// In gigabytes (R5, R6).
fn size_schema() -> Schema {
    number_of(10, 10_485_760)
}

/// What [`NewBilling::read`] reads.
pub(super) fn new_schema() -> Schema {
    request(
        [
            ("object_type", one_of(ObjectType::ALL)),
            ("protect_type", one_of(ProtectType::ALL)),
            ("consistent_level", one_of(Consistency::ALL)),
            ("size", size_schema()),
        ],
        [
            ("cloud_type", one_of(CloudType::ALL)),
            ("charging_mode", one_of(ChargingMode::ALL)),
            ("is_auto_renew", boolean()),
            ("is_auto_pay", boolean()),
            ("is_multi_az", boolean()),
            ("console_url", text_of(1, 255)),
        ],
    )
}

/// What [`NewBilling::read_update`] reads.
pub(super) fn update_schema() -> Schema {
    request([], [("consistent_level", one_of(Consistency::ALL)), ("size", size_schema())])
}

/// What a request for a new vault says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewBilling {
    pub(crate) kind: VaultKind,
    pub(crate) size: VaultSize,
    pub(crate) cloud_type: CloudType,
}

impl NewBilling {
    /// Reads `billing`. Periods and automatic renewal are ignored: clients send them with vaults
    /// that are paid by use (contract, 4.2).
    pub(crate) fn read(billing: &Object<'_>) -> Result<Self, Failure> {
        let object = billing.parse_required("object_type", ObjectType::parse)?;
        let protect = billing
            .parse_required("protect_type", ProtectType::parse)
            .map_err(|error| unknown_word(billing, "protect_type", error))?;
        let consistency = billing.parse_required("consistent_level", Consistency::parse)?;
        let size = billing.require("size", billing.integer("size")?)?;
        let cloud_type = billing.parse("cloud_type", CloudType::parse)?;
        if let Some(mode) = billing.parse("charging_mode", ChargingMode::parse)? {
            mode.check()?;
        }
        check_unused(billing)?;
        Ok(Self {
            kind: VaultKind::new(object, protect, consistency)?,
            size: VaultSize::new(size)?,
            cloud_type: cloud_type.unwrap_or(CloudType::Public),
        })
    }

    /// Reads the `billing` of an update: size and level of consistency alone can change.
    pub(crate) fn read_update(
        billing: &Object<'_>,
    ) -> Result<(Option<VaultSize>, Option<Consistency>), Failure> {
        let consistency = billing.parse("consistent_level", Consistency::parse)?;
        Ok((billing.integer("size")?.map(VaultSize::new).transpose()?, consistency))
    }
}

/// Fields that have a type and lead to nothing.
fn check_unused(billing: &Object<'_>) -> Result<(), Failure> {
    for switch in ["is_auto_renew", "is_auto_pay", "is_multi_az"] {
        billing.boolean(switch)?;
    }
    if let Some(url) = billing.text("console_url")?
        && !(1..=255).contains(&url.chars().count())
    {
        return Err(billing.invalid("console_url", "1 to 255 characters").into());
    }
    Ok(())
}

/// A word that is none of the kinds of protection has a code of its own (6116); a field that is
/// missing or no text has not.
fn unknown_word(
    billing: &Object<'_>,
    key: &'static str,
    error: crate::invalid::Invalid,
) -> Failure {
    match billing.text(key) {
        Ok(Some(_)) => Refusal::ProtectTypeUnsupported.into(),
        _ => error.into(),
    }
}
