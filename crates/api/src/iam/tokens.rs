//! Tokens: issuing, showing, revoking.

use http::{HeaderName, StatusCode};
use strongroom_control::Caller;
use strongroom_model::Scope;

use super::wire::catalog::{Entry, catalog};
use super::wire::token;
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::form::{Takes, nothing};
use crate::invalid::Invalid;
use crate::schema::{Key, text};

const SUBJECT: HeaderName = HeaderName::from_static("x-subject-token");

pub(super) async fn create(call: &Call) -> Result<Answer, Failure> {
    let request = token::read(&call.json()?)?;
    let issued = call.service().token_issue(request).await?;
    show(call, StatusCode::CREATED, &issued.holder, &issued.token)
}

pub(super) async fn get(call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    let subject = subject(call)?;
    let holder = call.service().token_show(caller, subject).await?;
    show(call, StatusCode::OK, &holder, subject)
}

pub(super) async fn revoke(call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    call.service().token_revoke(caller, subject(call)?).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// The query of what shows a token: whether the catalogue is left out.
pub(super) fn query() -> [Key<'static>; 1] {
    [("nocatalog", text())]
}

/// The header of what is about a token.
pub(super) fn subject_header() -> Takes {
    nothing().and_needed("header", "X-Subject-Token", &text())
}

/// The token that a request is about.
fn subject(call: &Call) -> Result<&str, Failure> {
    let found = call.header("x-subject-token");
    Ok(found.ok_or_else(|| Invalid::missing("X-Subject-Token", "X-Subject-Token"))?)
}

fn show(
    call: &Call,
    status: StatusCode,
    holder: &Caller,
    subject: &str,
) -> Result<Answer, Failure> {
    let is_short = call.query.has("nocatalog");
    let entries = (!is_short).then(|| catalog_of(call, holder));
    let body = token::token(holder, entries.as_deref());
    Answer::json(status, &body).with_header(SUBJECT, subject)
}

/// The catalogue of a caller's scope.
pub(super) fn catalog_of(call: &Call, caller: &Caller) -> Vec<Entry> {
    catalog(call.service().settings(), caller.scope.and_then(Scope::project))
}
