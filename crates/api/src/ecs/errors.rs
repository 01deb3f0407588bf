//! Status, code and text of everything that ECS refuses (related-services, 1.6 and 3.6). Nova's
//! bodies show the status instead of the code.

use http::StatusCode;
use strongroom_control::Error;

use crate::failure::{Failure, Told};
use crate::surface::GATEWAY;

/// A parameter of a request breaks its rule.
const PARAMETER: &str = "Ecs.0005";
/// The project is not the caller's. The contract gives it 400 and leaves the choice of 403 (1.9).
const FOREIGN_PROJECT: &str = "Ecs.0023";
/// There is no such server.
const NO_SERVER: &str = "Ecs.0114";

/// What clients are told of a failure.
pub(crate) fn tell(failure: &Failure) -> Told {
    match failure {
        Failure::Service(error) | Failure::Authentication(error) => of_error(error),
        Failure::Invalid(invalid) => {
            Told::new(StatusCode::BAD_REQUEST, PARAMETER, invalid.message.clone())
        }
        _ => {
            let (status, message) = failure.transport();
            Told::new(status, GATEWAY, message)
        }
    }
}

/// Where the contract names no code, the gateway's stands: clients read the status.
fn of_error(error: &Error) -> Told {
    let text = error.to_string();
    match error {
        Error::Unauthenticated => Told::new(
            StatusCode::UNAUTHORIZED,
            GATEWAY,
            "Token or signature is missing or invalid.",
        ),
        Error::ForeignProject => Told::new(StatusCode::FORBIDDEN, FOREIGN_PROJECT, text),
        Error::Forbidden { .. } => Told::new(StatusCode::FORBIDDEN, GATEWAY, text),
        Error::NotFound(_) => {
            Told::new(StatusCode::NOT_FOUND, NO_SERVER, "The server does not exist.")
        }
        Error::Refused(_) | Error::Unusable { .. } => {
            Told::new(StatusCode::BAD_REQUEST, PARAMETER, text)
        }
        Error::Conflict => Told::new(StatusCode::CONFLICT, GATEWAY, text),
        Error::Busy | Error::Unavailable { .. } => {
            Told::new(StatusCode::SERVICE_UNAVAILABLE, GATEWAY, text)
        }
        _ => Told::new(StatusCode::INTERNAL_SERVER_ERROR, GATEWAY, text),
    }
}
