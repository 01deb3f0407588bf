//! Why a signature is not accepted. All of it is answered with 401 (related-services 1.6).

/// The headers of a request do not make up a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// There is nothing to check.
    #[error("the request has no Authorization header")]
    Absent,
    /// A header that counts is there twice: it is not clear which one was signed.
    #[error("header {name} appears more than once")]
    Repeated {
        /// In lower case.
        name: String,
    },
    /// A header that counts holds bytes that it cannot hold.
    #[error("header {name} holds characters that are not allowed in it")]
    HeaderValue {
        /// In lower case.
        name: String,
    },
    /// Another algorithm than the two that we check: SM3, ECDSA, Basic.
    #[error("the signature algorithm is not supported")]
    UnsupportedAlgorithm,
    /// A part of the Authorization header is missing, repeated, unknown or not of its form.
    #[error("the Authorization header is malformed: {part}")]
    Authorization {
        /// Which part.
        part: &'static str,
    },
    /// X-Sdk-Date is missing or no date of the form `YYYYMMDDTHHMMSSZ`.
    #[error("X-Sdk-Date is missing or malformed")]
    Date,
    /// X-Sdk-Date is not among the signed headers.
    #[error("X-Sdk-Date is not signed")]
    DateNotSigned,
    /// The day in the scope of the credential is not the day of X-Sdk-Date.
    #[error("the credential is of another day than X-Sdk-Date")]
    ScopeDate,
    /// A header is said to be signed and is not there.
    #[error("header {name} is signed but missing")]
    MissingHeader {
        /// In lower case.
        name: String,
    },
}

/// A well-formed signature that is not accepted for this request, body and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The date is more than 15 minutes away from now.
    #[error("X-Sdk-Date is more than 15 minutes away from the server's time")]
    ClockSkew,
    /// The path does not begin with a slash, or it or the query is not percent-encoded.
    #[error("the request target is malformed")]
    Target,
    /// X-Sdk-Content-Sha256 is not the hash of the body that came.
    #[error("X-Sdk-Content-Sha256 is not the hash of the body")]
    BodyHash,
    /// The body was left out of the signature.
    #[error("the body is not signed")]
    UnsignedPayload,
}
