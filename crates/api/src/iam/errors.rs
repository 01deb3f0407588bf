//! Status and text of everything that identity refuses (related-services, 1.6); Keystone's bodies
//! have no codes.

use http::StatusCode;
use strongroom_control::Error;

use crate::failure::{Failure, Told};

/// What clients are told of a failure.
pub(crate) fn tell(failure: &Failure) -> Told {
    match failure {
        Failure::Service(error) | Failure::Authentication(error) => {
            Told::new(status_of(error), "", text_of(error))
        }
        Failure::Invalid(invalid) => {
            Told::new(StatusCode::BAD_REQUEST, "", invalid.message.clone())
        }
        _ => {
            let (status, message) = failure.transport();
            Told::new(status, "", message)
        }
    }
}

fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::ForeignProject | Error::Forbidden { .. } => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Refused(_) | Error::Unusable { .. } => StatusCode::BAD_REQUEST,
        Error::Conflict => StatusCode::CONFLICT,
        Error::Busy | Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn text_of(error: &Error) -> String {
    match error {
        Error::Unauthenticated => "The request you have made requires authentication.".to_owned(),
        Error::NotFound(noun) => {
            format!("Could not find the {}.", format!("{noun:?}").to_lowercase())
        }
        _ => error.to_string(),
    }
}
