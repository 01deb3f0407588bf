//! What vaults need in the store.

use serde_json::json;
use strongroom_control::OpContext;

use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::schema::{Schema, number, object};

/// Counts a vault's bytes.
pub(super) async fn usage(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let usage = call.service().vault_usage(cx, call.id("vault_id")?).await?;
    Ok(Answer::ok(&json!({"usage": {
        "used_bytes": usage.used,
        "reclaimable_bytes": usage.reclaimable,
        "overhead_bytes": usage.overhead,
        "stored_bytes": usage.stored,
    }})))
}

/// What [`usage`] counts, described.
pub(super) fn usage_schema() -> Schema {
    let keys = ["used_bytes", "reclaimable_bytes", "overhead_bytes", "stored_bytes"];
    object(keys.map(|key| (key, number())))
}
