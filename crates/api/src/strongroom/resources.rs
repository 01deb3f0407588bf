//! Resources that an operator made known.

use http::StatusCode;
use serde_json::{Value, json};
use strongroom_control::OpContext;

use super::wire;
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;

pub(super) async fn add(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let adopted = call.service().resource_add(cx, wire::read(&call.json()?)?).await?;
    Ok(Answer::json(StatusCode::CREATED, &json!({"resource": wire::resource(&adopted)})))
}

pub(super) async fn list(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let found = call.service().resource_list(cx).await?;
    let resources: Vec<Value> = found.iter().map(wire::resource).collect();
    Ok(Answer::ok(&json!({"resources": resources})))
}

pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let found = call.service().resource_show(cx, call.id("resource_id")?).await?;
    Ok(Answer::ok(&json!({"resource": wire::resource(&found)})))
}

pub(super) async fn remove(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    call.service().resource_remove(cx, call.id("resource_id")?).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
