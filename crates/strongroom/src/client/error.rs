//! Why the service could not be asked, or what it answered instead.

use std::fmt;

use reqwest::{Response, StatusCode};
use serde_json::Value;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ClientError {
    #[error("preparing the connection")]
    Prepare(#[source] reqwest::Error),
    #[error("asking {at}")]
    Unreachable {
        at: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("{0}")]
    Refused(Refusal),
    #[error("{at} does not let us in: {refusal}")]
    SignIn { at: String, refusal: Refusal },
    #[error("the catalogue has no service `cbr`{}", InRegion(region.as_deref()))]
    NoService { region: Option<String> },
    #[error("the answer of {at} is not what was expected: {why}")]
    Malformed { at: String, why: String },
}

/// An answer that says no.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// The service's own code (`BackupService.6105`), if it gave one.
    pub(crate) code: Option<String>,
    message: String,
    /// Known only to those who asked for details.
    request_id: Option<String>,
}

impl ClientError {
    /// Without the address in `source`: `at` says it.
    pub(super) fn unreachable(at: &str, source: reqwest::Error) -> Self {
        Self::Unreachable { at: at.to_owned(), source: source.without_url() }
    }

    /// Whether the same request may succeed in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => !source.is_builder() && !source.is_redirect(),
            Self::Refused(refusal) | Self::SignIn { refusal, .. } => refusal.is_passing(),
            _ => false,
        }
    }

    /// Whether what was asked for is not there.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.status == StatusCode::NOT_FOUND)
    }
}

impl Refusal {
    /// Reads an answer; the shapes are those of the contract (cbr-v3, 6.1).
    pub(super) async fn read(response: Response, with_id: bool) -> Self {
        let status = response.status();
        let request_id = request_id(&response).filter(|_| with_id);
        let body = response.text().await.unwrap_or_default();
        Self::of(status, &body, request_id)
    }

    fn of(status: StatusCode, body: &str, request_id: Option<String>) -> Self {
        let parsed: Value = serde_json::from_str(body).unwrap_or_default();
        let nested = parsed.as_object().into_iter().flat_map(|object| object.values());
        let found = std::iter::once(&parsed).chain(nested).find_map(read_object);
        let (code, message) = found.unwrap_or_else(|| (None, reason(status)));
        Self { status, code, message, request_id }
    }

    fn is_passing(&self) -> bool {
        matches!(self.status.as_u16(), 408 | 429 | 502 | 503 | 504)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (", self.message.trim_end_matches('.'))?;
        if let Some(code) = &self.code {
            write!(f, "{code}, ")?;
        }
        write!(f, "HTTP {}", self.status.as_u16())?;
        if let Some(id) = &self.request_id {
            write!(f, ", request {id}")?;
        }
        f.write_str(")")
    }
}

/// The id that the service gave the request.
pub(super) fn request_id(response: &Response) -> Option<String> {
    let id = response.headers().get("x-request-id")?;
    id.to_str().ok().map(str::to_owned)
}

fn read_object(value: &Value) -> Option<(Option<String>, String)> {
    let pairs = [("error_code", "error_msg"), ("errCode", "errMsg"), ("code", "message")];
    pairs.into_iter().find_map(|(code, message)| {
        let message = value.get(message)?.as_str()?.to_owned();
        let code = value.get(code).and_then(Value::as_str).map(str::to_owned);
        // Keystone repeats the status there.
        Some((code.filter(|code| code.parse::<u16>().is_err()), message))
    })
}

fn reason(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or("no reason given");
    format!("the service refused: {reason}")
}

struct InRegion<'a>(Option<&'a str>);

impl fmt::Display for InRegion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |region| write!(f, " in the region {region}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_in_every_shape() {
        let check = |status: u16, body: &str, expected: &str| {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(Refusal::of(status, body, None).to_string(), expected);
        };
        check(
            404,
            r#"{"error_code":"BackupService.6105","error_msg":"Vault gone."}"#,
            "Vault gone (BackupService.6105, HTTP 404)",
        );
        check(
            401,
            r#"{"error":{"code":401,"message":"Wrong.","title":"Unauthorized"}}"#,
            "Wrong (HTTP 401)",
        );
        check(401, r#"{"unauthorized":{"code":"401","message":"No"}}"#, "No (HTTP 401)");
        check(
            400,
            r#"{"error":{"code":"EVS.5404","message":"No disk"}}"#,
            "No disk (EVS.5404, HTTP 400)",
        );
        check(502, "<html>", "the service refused: Bad Gateway (HTTP 502)");
    }

    #[test]
    fn display_names_the_request_for_those_who_asked() {
        let refusal = Refusal::of(StatusCode::CONFLICT, "", Some("req-1".to_owned()));
        assert!(refusal.to_string().ends_with("(HTTP 409, request req-1)"));
    }
}
