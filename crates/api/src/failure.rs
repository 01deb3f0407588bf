//! Why a request is not answered as it wished, before a service puts it into its words.

use http::StatusCode;
use strongroom_control::Error;
use strongroom_model::{FieldError, Refusal};

use crate::invalid::Invalid;

/// Why not.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The control services say no.
    Service(Error),
    /// The same while they found out who asks.
    Authentication(Error),
    /// The request is not of its form.
    Invalid(Invalid),
    /// Nothing is served under this path.
    NoRoute,
    /// Something is, for the methods named here.
    WrongMethod(String),
    /// The body is longer than it may be.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    /// The body broke off.
    BrokenBody,
    /// The bytes that are asked for lie beyond the end of a content of so many.
    NoSuchRange(u64),
    /// A mistake of ours.
    Panicked,
}

/// What clients are told: a status, the service's code, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Told {
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }
}

impl Failure {
    /// The status of what goes wrong before any service is asked, with a sentence. What is not
    /// listed is a mistake of ours.
    pub(crate) fn transport(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoRoute => (StatusCode::NOT_FOUND, "The API does not exist."),
            Self::WrongMethod(_) => {
                (StatusCode::METHOD_NOT_ALLOWED, "The API does not support this method.")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large."),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "The body did not come in time."),
            Self::NoSuchRange(_) => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "The range begins after the last byte.")
            }
            Self::BrokenBody => (StatusCode::BAD_REQUEST, "The body broke off."),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "The service failed."),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Service(refusal.into())
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<FieldError> for Failure {
    fn from(error: FieldError) -> Self {
        Self::Invalid(error.into())
    }
}
