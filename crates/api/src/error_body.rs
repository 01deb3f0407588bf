//! The bodies of errors, one shape for each dialect of the contract (cbr-v3 6.1, related-services
//! 1.6).
//!
//! # Not here
//! Which error has which status and code: the table of each service.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Serialize;

use crate::schema::{Schema, named, number_of, object, text, word};

/// How a group of calls writes its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `error_code` and `error_msg`: CBR, CTS, TMS, and IAM under `/v3.0`.
    Coded,
    /// `unauthorized`: what the gateway before CBR answers to a bad token or signature.
    Gateway,
    /// Keystone: IAM under `/v3`.
    Keystone,
    /// `error` with code and message: ECS, EVS and IMS, native and Cinder and Glance.
    Nested,
    /// Nova, which names the kind of fault by a key.
    Nova,
    /// `code` and `message`: VPC under `/v1`.
    Flat,
    /// Neutron: VPC under `/v2.0`.
    Neutron,
    /// `errCode` and `errMsg`.
    SfsTurbo,
    /// With the request's id.
    Smn,
    /// With the status as a string.
    Ces,
}

/// What an error says, before it is put into words of a service.
#[derive(Debug, Clone, Copy)]
pub struct Fault<'a> {
    /// The status that it is sent with.
    pub status: StatusCode,
    /// The service's code, such as `BackupService.6500`.
    pub code: &'a str,
    /// For people; holds nothing that the caller may not know.
    pub message: &'a str,
    /// The same as in the header X-Request-Id.
    pub request_id: &'a str,
}

/// The body of an error, ready to be written as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "the fields are the wire's; the dialects tell whose")]
pub enum ErrorBody<'a> {
    Coded {
        error_code: &'a str,
        error_msg: &'a str,
    },
    Gateway {
        unauthorized: CodeAndMessage<'a>,
    },
    Keystone {
        error: KeystoneError<'a>,
    },
    Nested {
        error: CodeAndMessage<'a>,
    },
    Nova(BTreeMap<&'static str, NovaFault<'a>>),
    Flat(CodeAndMessage<'a>),
    Neutron {
        #[serde(rename = "NeutronError")]
        error: NeutronError<'a>,
    },
    SfsTurbo {
        #[serde(rename = "errCode")]
        code: &'a str,
        #[serde(rename = "errMsg")]
        message: &'a str,
    },
    Smn {
        request_id: &'a str,
        code: &'a str,
        message: &'a str,
    },
    Ces {
        http_code: String,
        message: CesMessage<'a>,
    },
}

/// A code, which is a string, with its message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the wire's")]
pub struct CodeAndMessage<'a> {
    pub code: &'a str,
    pub message: &'a str,
}

/// Keystone's error: the code is the status, the title its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the wire's")]
pub struct KeystoneError<'a> {
    pub code: u16,
    pub message: &'a str,
    pub title: &'static str,
}

/// Nova's fault: the code is the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the wire's")]
pub struct NovaFault<'a> {
    pub code: u16,
    pub message: &'a str,
}

/// Neutron's error; we have no details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the wire's")]
pub struct NeutronError<'a> {
    #[serde(rename = "type")]
    pub kind: &'a str,
    pub message: &'a str,
    pub detail: &'static str,
}

/// The message of CES, which holds the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the fields are the wire's")]
pub struct CesMessage<'a> {
    pub details: &'a str,
    pub code: &'a str,
}

impl Dialect {
    /// Writes a fault down. Keystone, Nova and the gateway have no codes of their own and show the
    /// status instead.
    pub fn body(self, fault: Fault<'_>) -> ErrorBody<'_> {
        let Fault { status, code, message, request_id } = fault;
        match self {
            Self::Coded => ErrorBody::Coded { error_code: code, error_msg: message },
            Self::Gateway => {
                // The one that clients know is "401", and no other status comes from the gateway.
                ErrorBody::Gateway { unauthorized: CodeAndMessage { code: "401", message } }
            }
            Self::Keystone => {
                let title = status.canonical_reason().unwrap_or_default();
                ErrorBody::Keystone {
                    error: KeystoneError { code: status.as_u16(), message, title },
                }
            }
            Self::Nested => ErrorBody::Nested { error: CodeAndMessage { code, message } },
            Self::Nova => {
                let fault = NovaFault { code: status.as_u16(), message };
                ErrorBody::Nova(BTreeMap::from([(nova_key(status), fault)]))
            }
            Self::Flat => ErrorBody::Flat(CodeAndMessage { code, message }),
            Self::Neutron => {
                ErrorBody::Neutron { error: NeutronError { kind: code, message, detail: "" } }
            }
            Self::SfsTurbo => ErrorBody::SfsTurbo { code, message },
            Self::Smn => ErrorBody::Smn { request_id, code, message },
            Self::Ces => ErrorBody::Ces {
                http_code: status.as_str().to_owned(),
                message: CesMessage { details: message, code },
            },
        }
    }
}

impl Dialect {
    /// The body of an error with a status, described.
    pub(crate) fn schema(self, status: StatusCode) -> Schema {
        let texts = |keys: [&'static str; 2]| object(keys.map(|key| (key, text())));
        let number = || number_of(400, 599);
        match self {
            Self::Coded => named("CodedError", texts(["error_code", "error_msg"])),
            Self::Gateway => {
                let unauthorized = object([("code", word("401")), ("message", text())]);
                named("GatewayError", object([("unauthorized", unauthorized)]))
            }
            Self::Keystone => {
                let error = object([("code", number()), ("message", text()), ("title", text())]);
                named("KeystoneError", object([("error", error)]))
            }
            Self::Nested => named("NestedError", object([("error", texts(["code", "message"]))])),
            Self::Nova => {
                let fault = object([("code", number()), ("message", text())]);
                object([(nova_key(status), named("NovaFault", fault))])
            }
            Self::Flat => named("FlatError", texts(["code", "message"])),
            Self::Neutron => {
                let error = object(["type", "message", "detail"].map(|key| (key, text())));
                named("NeutronError", object([("NeutronError", error)]))
            }
            Self::SfsTurbo => named("SfsTurboError", texts(["errCode", "errMsg"])),
            Self::Smn => {
                let keys = ["request_id", "code", "message"];
                named("SmnError", object(keys.map(|key| (key, text()))))
            }
            Self::Ces => {
                let message = texts(["details", "code"]);
                named("CesError", object([("http_code", text()), ("message", message)]))
            }
        }
    }
}

/// The key that Nova puts over a fault. The contract has the one of 404; the others are those of
/// Nova's own interface.
fn nova_key(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "badRequest",
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::NOT_FOUND => "itemNotFound",
        StatusCode::METHOD_NOT_ALLOWED => "badMethod",
        StatusCode::CONFLICT => "conflictingRequest",
        StatusCode::PAYLOAD_TOO_LARGE => "overLimit",
        StatusCode::SERVICE_UNAVAILABLE => "serviceUnavailable",
        _ => "computeFault",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(dialect: Dialect, status: u16, code: &str) -> String {
        let fault = Fault {
            status: StatusCode::from_u16(status).unwrap(),
            code,
            message: "Not \"there\".",
            request_id: "req-1",
        };
        serde_json::to_string(&dialect.body(fault)).unwrap()
    }

    #[test]
    fn bodies_are_those_of_the_contract() {
        for (dialect, code, expected) in [
            (
                Dialect::Coded,
                "BackupService.6500",
                r#"{"error_code":"BackupService.6500","error_msg":"MSG"}"#,
            ),
            (
                Dialect::Keystone,
                "",
                r#"{"error":{"code":404,"message":"MSG","title":"Not Found"}}"#,
            ),
            (Dialect::Nested, "Ecs.0114", r#"{"error":{"code":"Ecs.0114","message":"MSG"}}"#),
            (Dialect::Nova, "", r#"{"itemNotFound":{"code":404,"message":"MSG"}}"#),
            (Dialect::Flat, "VPC.0202", r#"{"code":"VPC.0202","message":"MSG"}"#),
            (
                Dialect::Neutron,
                "PortNotFound",
                r#"{"NeutronError":{"type":"PortNotFound","message":"MSG","detail":""}}"#,
            ),
            (Dialect::SfsTurbo, "SFS.TURBO.0002", r#"{"errCode":"SFS.TURBO.0002","errMsg":"MSG"}"#),
            (
                Dialect::Smn,
                "SMN.0006",
                r#"{"request_id":"req-1","code":"SMN.0006","message":"MSG"}"#,
            ),
            (
                Dialect::Ces,
                "ces.0016",
                r#"{"http_code":"404","message":{"details":"MSG","code":"ces.0016"}}"#,
            ),
        ] {
            let expected = expected.replace("MSG", "Not \\\"there\\\".");
            assert_eq!(text(dialect, 404, code), expected, "{dialect:?}");
        }
        assert_eq!(
            text(Dialect::Gateway, 401, "ignored"),
            r#"{"unauthorized":{"code":"401","message":"Not \"there\"."}}"#
        );
    }

    #[test]
    fn nova_names_the_fault_by_the_status() {
        let key = |status: u16| nova_key(StatusCode::from_u16(status).unwrap());
        assert_eq!(
            [400, 403, 404, 409].map(key),
            ["badRequest", "forbidden", "itemNotFound", "conflictingRequest",]
        );
        assert_eq!([500, 501, 418].map(key), ["computeFault"; 3]);
    }
}
