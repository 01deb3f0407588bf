//! Whether a caller may do something.

use strongroom_model::action::Action;
use strongroom_model::permission;

use crate::caller::OpContext;
use crate::error::Error;
use crate::service::Service;

/// What the record of a refusal says where a right is missing.
const FORBIDDEN: &str = "Forbidden";

impl Service {
    /// Lets the operation go on if the caller's roles allow `action` and all that it needs. A refusal
    /// is recorded if the action would have been (CTL-4); a record that fails changes nothing.
    pub async fn authorize(&self, cx: &OpContext, action: Action) -> Result<(), Error> {
        let checked = permission::check(&cx.caller.roles, action);
        if checked.is_err() {
            self.audit_refused(cx, action, None, FORBIDDEN).await;
        }
        Ok(checked?)
    }
}
