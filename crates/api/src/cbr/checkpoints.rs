//! Checkpoints: runs that make backups.

use strongroom_control::OpContext;

use super::wire::checkpoint::{WireCheckpoint, read_new};
use crate::answer::Answer;
use crate::call::Call;
use crate::document::Named;
use crate::failure::Failure;

pub(super) async fn create(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let new = read_new(&call.json()?)?;
    let view = call.service().checkpoint_create(cx, new).await?;
    Ok(Answer::ok(&Named("checkpoint", WireCheckpoint::of(&view))))
}

pub(super) async fn get(call: &Call, cx: &OpContext) -> Result<Answer, Failure> {
    let view = call.service().checkpoint_get(cx, call.id("checkpoint_id")?).await?;
    Ok(Answer::ok(&Named("checkpoint", WireCheckpoint::of(&view))))
}
