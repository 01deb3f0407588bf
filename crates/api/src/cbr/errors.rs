//! Status, code and text of everything that CBR refuses (contract, section 6).
//!
//! # Why
//! - 5xx: a mistake of ours, or damage, is 9910 "unknown error" with 500. What may go away by itself
//!   is 503 with the same code: the contract has no code for it, and gophertelekomcloud repeats
//!   502 and 504 of its own accord, which would double the load on a database that is down.
//! - 9998 is for the one step that it names, finding out who asks.
//! - A lost race is 409: clients know the status (section 9.2), and the same request may succeed.

use http::StatusCode;
use strongroom_control::cbr::{Code, code_of, code_of_absent};
use strongroom_control::{Error, Noun};

use crate::failure::{Failure, Told};
use crate::surface::GATEWAY;

const PARAMETER: Code = Code(9900);
const UNKNOWN: Code = Code(9910);
const AUTHENTICATION: Code = Code(9998);

/// What clients are told of a failure.
pub(crate) fn tell(failure: &Failure) -> Told {
    match failure {
        Failure::Service(error) => of_error(error, UNKNOWN),
        Failure::Authentication(error) => of_error(error, AUTHENTICATION),
        Failure::Invalid(invalid) => {
            let code = invalid.code.unwrap_or(PARAMETER);
            Told::new(status_of(code), code.to_string(), invalid.message.clone())
        }
        Failure::NoRoute | Failure::WrongMethod(_) => {
            let (status, message) = failure.transport();
            Told::new(status, GATEWAY, message)
        }
        Failure::TooLarge | Failure::TooSlow | Failure::BrokenBody | Failure::NoSuchRange(_) => {
            let (status, message) = failure.transport();
            Told::new(status, PARAMETER.to_string(), message)
        }
        Failure::Panicked => {
            let (status, message) = failure.transport();
            Told::new(status, UNKNOWN.to_string(), message)
        }
    }
}

/// `unknown` is the code where nothing better is known.
fn of_error(error: &Error, unknown: Code) -> Told {
    let coded = |status, code: Code, message: String| Told::new(status, code.to_string(), message);
    let message = error.to_string();
    match error {
        Error::Unauthenticated => {
            Told::new(StatusCode::UNAUTHORIZED, "401", "Token or signature is missing or invalid.")
        }
        Error::ForeignProject | Error::Forbidden { .. } => {
            Told::new(StatusCode::FORBIDDEN, "Forbidden", message)
        }
        Error::NotFound(noun) => {
            let code = code_of_absent(*noun);
            coded(StatusCode::NOT_FOUND, code, absent(*noun).to_owned())
        }
        Error::Refused(refusal) => {
            let code = code_of(refusal);
            coded(status_of(code), code, refusal.to_string())
        }
        // Only operators name such things, by paths that they know.
        Error::Unusable { .. } => coded(StatusCode::BAD_REQUEST, PARAMETER, message),
        Error::Conflict => coded(StatusCode::CONFLICT, unknown, message),
        Error::Busy | Error::Unavailable { .. } => {
            coded(StatusCode::SERVICE_UNAVAILABLE, unknown, message)
        }
        _ => coded(StatusCode::INTERNAL_SERVER_ERROR, unknown, message),
    }
}

/// The status that goes with a code (contract, 6.2), as far as refusals have codes: things that are
/// not there are 404, all else is 400.
fn status_of(code: Code) -> StatusCode {
    match code.0 {
        6000 | 6002 | 6105 | 6200 | 6217 | 6302 | 6500 | 6601 | 7000 | 7100 => {
            StatusCode::NOT_FOUND
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

/// What clients are told of something that is not there.
fn absent(noun: Noun) -> &'static str {
    match noun {
        Noun::Vault => "Vault does not exist.",
        Noun::Policy => "Policy does not exist.",
        Noun::Checkpoint => "Checkpoint does not exist.",
        Noun::Backup => "Backup does not exist.",
        Noun::Task => "Operation log does not exist.",
        Noun::Resource => "Resource does not exist.",
        Noun::Disk => "Disk does not exist.",
        Noun::Server => "Server does not exist.",
        Noun::Project => "Project does not exist.",
        Noun::Domain => "Domain does not exist.",
        Noun::User => "User does not exist.",
        Noun::Token => "Token does not exist.",
    }
}

#[cfg(test)]
mod tests;
