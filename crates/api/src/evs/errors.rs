//! Status, code and text of everything that EVS refuses (related-services, 1.6 and 5.4).

use http::StatusCode;
use strongroom_control::{Error, Noun};
use strongroom_model::Refusal;

use crate::failure::{Failure, Told};

/// What clients are told of a failure.
pub(crate) fn tell(failure: &Failure) -> Told {
    match failure {
        Failure::Service(error) | Failure::Authentication(error) => of_error(error),
        Failure::Invalid(invalid) => {
            Told::new(StatusCode::BAD_REQUEST, code_of(invalid.field), invalid.message.clone())
        }
        _ => {
            let (status, message) = failure.transport();
            Told::new(status, code_by_status(status), message)
        }
    }
}

fn of_error(error: &Error) -> Told {
    let text = error.to_string();
    let by_status = |status, text| Told::new(status, code_by_status(status), text);
    match error {
        Error::Unauthenticated => by_status(
            StatusCode::UNAUTHORIZED,
            "Token or signature is missing or invalid.".to_owned(),
        ),
        Error::ForeignProject | Error::Forbidden { .. } => by_status(StatusCode::FORBIDDEN, text),
        Error::NotFound(noun) => {
            let what = if *noun == Noun::Disk { "The disk" } else { "It" };
            by_status(StatusCode::NOT_FOUND, format!("{what} does not exist."))
        }
        Error::Refused(Refusal::Field(field)) => {
            Told::new(StatusCode::BAD_REQUEST, code_of(field.field), text)
        }
        // All that is left to refuse is a deletion in the wrong state (EVS-11).
        Error::Refused(_) => Told::new(StatusCode::BAD_REQUEST, "EVS.1046", text),
        Error::Unusable { .. } => by_status(StatusCode::BAD_REQUEST, text),
        Error::Conflict => by_status(StatusCode::CONFLICT, text),
        Error::Busy | Error::Unavailable { .. } => by_status(StatusCode::SERVICE_UNAVAILABLE, text),
        _ => by_status(StatusCode::INTERNAL_SERVER_ERROR, text),
    }
}

/// The family of codes that end in the status (EVS-18).
fn code_by_status(status: StatusCode) -> String {
    format!("EVS.5{}", status.as_str())
}

/// The code of a field that breaks its rule.
fn code_of(field: &str) -> &'static str {
    match field {
        "name" => "EVS.1003",
        "description" => "EVS.1004",
        "backup_id" => "EVS.1006",
        "size" => "EVS.1010",
        "imageRef" | "snapshot_id" | "source_volid" => "EVS.1016",
        "volume_type" => "EVS.1020",
        "limit" => "EVS.1023",
        "marker" => "EVS.1024",
        "availability_zone" => "EVS.1036",
        "sort_key" => "EVS.1039",
        "sort_dir" => "EVS.1040",
        "count" => "EVS.1051",
        _ => "EVS.5400",
    }
}
