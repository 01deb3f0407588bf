//! How every operation that changes something is done: asked for, tried, told.
//!
//! # Invariants
//! - CTL-10: what was done has its audit record in its own transaction; what was refused has one
//!   too, in another.

use std::future::Future;

use strongroom_model::action::Action;

use crate::caller::OpContext;
use crate::cbr::{code_of, code_of_absent};
use crate::error::Error;
use crate::service::Service;

/// How often an operation is tried when another one was faster: the second look at the facts
/// finds what the other one did, and a rule decides.
const TRIES: usize = 3;

impl Service {
    /// Does `work` if the caller may do `action`; again, when another operation was in the way.
    /// `subject` is what the request names.
    pub(crate) async fn perform<T, F, W>(
        &self,
        cx: &OpContext,
        action: Action,
        subject: Option<String>,
        work: F,
    ) -> Result<T, Error>
    where
        F: Fn() -> W,
        W: Future<Output = Result<T, Error>>,
    {
        self.authorize(cx, action).await?;
        let mut done = Err(Error::Conflict);
        for _ in 0..TRIES {
            done = work().await;
            if !matches!(done, Err(Error::Conflict)) {
                break;
            }
        }
        if let Err(error) = &done {
            self.audit_refused(cx, action, subject, &told(error)).await;
        }
        done
    }
}

/// What an audit record says about an error.
fn told(error: &Error) -> String {
    match error {
        Error::Refused(refusal) => code_of(refusal).to_string(),
        Error::NotFound(noun) => code_of_absent(*noun).to_string(),
        Error::Conflict => "Conflict".to_owned(),
        Error::Busy => "Busy".to_owned(),
        Error::Unavailable { .. } => "Unavailable".to_owned(),
        _ => "Internal".to_owned(),
    }
}
