//! The APIs, each with its way to say no.
//!
//! # Why
//! One failure looks different in every service (related-services 1.6). A route belongs to a
//! surface, and only the surface knows status, code and body.

use http::StatusCode;
use serde::Serialize as _;

use crate::error_body::{Dialect, Fault};
use crate::failure::{Failure, Told};
use crate::mount::{Mounted, Service};
use crate::{cbr, ecs, evs, iam, strongroom};

/// The code of what the gateway before the services refuses (contract, 11b).
pub(crate) const GATEWAY: &str = "APIGW.0101";

/// An API as its clients know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surface {
    /// Backup and recovery, and what has no other place.
    Cbr,
    /// Keystone.
    Iam,
    /// Disks, native and Cinder.
    Evs,
    /// Servers, native.
    Ecs,
    /// Servers, Nova.
    Nova,
    /// Images.
    Ims,
    /// What CBR does not have.
    Strongroom,
}

impl Surface {
    /// The surface of a path that no route has.
    pub(crate) fn of_unknown(mounted: &Mounted) -> Self {
        match mounted.service {
            Some(Service::Iam) => Self::Iam,
            Some(Service::Evs) => Self::Evs,
            Some(Service::Ecs) if mounted.path.starts_with("/v2.1") => Self::Nova,
            Some(Service::Ecs) => Self::Ecs,
            Some(Service::Ims) => Self::Ims,
            _ => Self::Cbr,
        }
    }

    /// What clients are told of a failure.
    pub(crate) fn tell(self, failure: &Failure) -> Told {
        match self {
            Self::Cbr | Self::Strongroom => cbr::tell(failure),
            Self::Iam => iam::tell(failure),
            Self::Evs => evs::tell(failure),
            Self::Ecs | Self::Nova | Self::Ims => ecs::tell(failure),
        }
    }

    /// The shape of an error's body.
    pub(crate) fn dialect(self, status: StatusCode) -> Dialect {
        match self {
            Self::Cbr | Self::Strongroom if status == StatusCode::UNAUTHORIZED => Dialect::Gateway,
            Self::Cbr | Self::Strongroom => Dialect::Coded,
            Self::Iam => Dialect::Keystone,
            Self::Evs | Self::Ecs | Self::Ims => Dialect::Nested,
            Self::Nova => Dialect::Nova,
        }
    }

    /// The body of an error.
    pub(crate) fn body(self, told: &Told, request_id: &str) -> Vec<u8> {
        let Told { status, code, message } = told;
        let fault = Fault { status: *status, code, message, request_id };
        let mut bytes = Vec::new();
        self.dialect(*status)
            .body(fault)
            .serialize(&mut serde_json::Serializer::new(&mut bytes))
            .expect("error bodies are plain structs of text");
        bytes
    }

    /// The file that describes it, without its ending.
    pub fn document(self) -> &'static str {
        match self {
            Self::Cbr => "cbr",
            Self::Iam => "iam",
            Self::Evs => "evs",
            Self::Ecs | Self::Nova => "ecs",
            Self::Ims => "ims",
            Self::Strongroom => strongroom::NAME,
        }
    }
}
