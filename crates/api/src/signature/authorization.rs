//! The Authorization header of a signed request.

use strongroom_base::ids::from_hex;
use strongroom_control::iam::Scheme;

use crate::signature::ParseError;

/// Clients sign up to ten headers. Names are compared with each other and looked up one by one, so
/// that a long list from anybody would keep us busy.
const MAX_SIGNED_HEADERS: usize = 64;

/// The header's parts, each of its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Authorization<'a> {
    pub(super) scheme: Scheme,
    pub(super) access_key_id: &'a str,
    /// What follows the access key in a credential; begins with the day.
    pub(super) scope: Option<&'a str>,
    /// In lower case, in the order in which they were sent; none twice.
    pub(super) signed_headers: Vec<&'a str>,
    pub(super) signature: [u8; 32],
}

impl<'a> Authorization<'a> {
    /// Takes `<algorithm> <name>=<value>, ..` apart.
    pub(super) fn parse(text: &'a str) -> Result<Self, ParseError> {
        let (algorithm, parameters) = text.split_once(' ').unwrap_or((text, ""));
        let known = [Scheme::Plain.algorithm(), Scheme::Derived.algorithm()];
        if !known.contains(&algorithm) {
            return Err(ParseError::UnsupportedAlgorithm);
        }
        let parameters = Parameters::parse(parameters)?;
        let (scheme, access_key_id, scope) = match (parameters.access, parameters.credential) {
            (Some(access), None) if algorithm == Scheme::Plain.algorithm() => {
                (Scheme::Plain, access, None)
            }
            (None, Some(credential)) => {
                let (access, scope) =
                    credential.split_once('/').ok_or(malformed("Credential has no scope"))?;
                (scheme_of(algorithm, scope)?, access, Some(scope))
            }
            _ => return Err(malformed("it needs either Access or Credential")),
        };
        if !is_access_key_id(access_key_id) {
            return Err(malformed("the access key id has another form"));
        }
        let signature = parameters.signature.ok_or(malformed("Signature is missing"))?;
        let signature = from_hex(signature).ok_or(malformed("Signature is not 64 hex digits"))?;
        let signed_headers = signed_headers(parameters.signed_headers)?;
        Ok(Self { scheme, access_key_id, scope, signed_headers, signature })
    }

    /// The day that the credential is for, `YYYYMMDD`; none when the scheme has no scope.
    pub(super) fn day(&self) -> Option<&'a str> {
        self.scope?.split('/').next()
    }
}

/// The values of the header's parameters, in whatever order they came.
#[derive(Default)]
struct Parameters<'a> {
    access: Option<&'a str>,
    credential: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    fn parse(text: &'a str) -> Result<Self, ParseError> {
        let mut parameters = Self::default();
        for parameter in text.split(',') {
            let (name, value) =
                parameter.trim().split_once('=').ok_or(malformed("a parameter has no value"))?;
            let slot = match name {
                "Access" => &mut parameters.access,
                "Credential" => &mut parameters.credential,
                "SignedHeaders" => &mut parameters.signed_headers,
                "Signature" => &mut parameters.signature,
                _ => return Err(malformed("a parameter is unknown")),
            };
            if slot.replace(value).is_some() {
                return Err(malformed("a parameter appears more than once"));
            }
        }
        Ok(parameters)
    }
}

/// The scheme that an algorithm with a scope means; the parts of the scope may be empty.
fn scheme_of(algorithm: &str, scope: &str) -> Result<Scheme, ParseError> {
    let parts: Vec<&str> = scope.split('/').collect();
    let scheme = match parts.as_slice() {
        [_, _, _, "sdk_request"] if algorithm == Scheme::Scoped.algorithm() => Scheme::Scoped,
        [_, _, _] if algorithm == Scheme::Derived.algorithm() => Scheme::Derived,
        _ => return Err(malformed("the scope of Credential has another form")),
    };
    let is_plain = scope.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain { Ok(scheme) } else { Err(malformed("the scope of Credential has another form")) }
}

/// Clients have 20 letters and digits (related-services 1.8); test keys are shorter.
fn is_access_key_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn signed_headers(list: Option<&str>) -> Result<Vec<&str>, ParseError> {
    let list = list.ok_or(malformed("SignedHeaders is missing"))?;
    let mut names: Vec<&str> = Vec::new();
    for name in list.split(';') {
        if !is_lower_token(name) {
            return Err(malformed("SignedHeaders holds something other than lower-case names"));
        }
        if names.contains(&name) {
            return Err(malformed("SignedHeaders names a header twice"));
        }
        if names.len() == MAX_SIGNED_HEADERS {
            return Err(malformed("SignedHeaders names more than 64 headers"));
        }
        names.push(name);
    }
    Ok(names)
}

/// A header's name as RFC 9110 has it, in lower case.
fn is_lower_token(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
        })
}

fn malformed(part: &'static str) -> ParseError {
    ParseError::Authorization { part }
}

#[cfg(test)]
mod tests {
    use strongroom_base::ids::to_hex;

    use super::*;

    const SIGNATURE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn parse_tells_the_schemes_apart() {
        let check = |text: String, scheme: Scheme, scope: Option<&str>| {
            let parsed = Authorization::parse(&text).unwrap();
            assert_eq!((parsed.scheme, parsed.scope), (scheme, scope), "{text}");
            assert_eq!(parsed.access_key_id, "AK1");
            assert_eq!(parsed.signed_headers, ["host", "x-sdk-date"]);
            assert_eq!(to_hex(&parsed.signature), SIGNATURE);
        };
        let rest = format!("SignedHeaders=host;x-sdk-date, Signature={SIGNATURE}");
        check(format!("SDK-HMAC-SHA256 Access=AK1, {rest}"), Scheme::Plain, None);
        check(
            format!("SDK-HMAC-SHA256 Credential=AK1/20260101///sdk_request, {rest}"),
            Scheme::Scoped,
            Some("20260101///sdk_request"),
        );
        check(
            format!("V11-HMAC-SHA256 {rest},Credential=AK1/20260101/region-1/cbr"),
            Scheme::Derived,
            Some("20260101/region-1/cbr"),
        );
    }

    #[test]
    fn parse_takes_64_signed_headers() {
        let parse = |count: usize| {
            let names: Vec<String> = (0..count).map(|number| format!("a{number}")).collect();
            let list = names.join(";");
            let text = format!("SDK-HMAC-SHA256 Access=A, SignedHeaders={list}, SIG");
            let text = text.replace("SIG", &format!("Signature={SIGNATURE}"));
            Authorization::parse(&text).map(|parsed| parsed.signed_headers.len())
        };
        assert_eq!(parse(64), Ok(64));
        assert_eq!(parse(65), Err(malformed("SignedHeaders names more than 64 headers")));
    }

    #[test]
    fn parse_names_what_is_wrong() {
        let check = |text: &str, expected: &ParseError| {
            let text = text.replace("SIG", &format!("Signature={SIGNATURE}"));
            assert_eq!(Authorization::parse(&text).as_ref(), Err(expected), "{text}");
        };
        let unsupported = [
            "",
            "SDK-HMAC-SHA256,Access=AK1",
            "SDK-HMAC-SM3 Access=AK1, SignedHeaders=a, SIG",
            "SDK-ECDSA-P256-SHA256 Access=AK1, SignedHeaders=a, SIG",
            "SDK-SM2-SM3 Access=AK1, SignedHeaders=a, SIG",
            "sdk-hmac-sha256 Access=AK1, SignedHeaders=a, SIG",
            "AWS4-HMAC-SHA256 Credential=AK1/20260101/a/b/aws4_request",
            "Bearer x",
        ];
        for text in unsupported {
            check(text, &ParseError::UnsupportedAlgorithm);
        }
        for (text, part) in [
            ("SDK-HMAC-SHA256", "a parameter has no value"),
            ("SDK-HMAC-SHA256 Access=AK1, SIG,", "a parameter has no value"),
            ("SDK-HMAC-SHA256 SignedHeaders=a, SIG", "it needs either Access or Credential"),
            (
                "SDK-HMAC-SHA256 Access=A, Credential=A/1///sdk_request, SignedHeaders=a, SIG",
                "it needs either Access or Credential",
            ),
            (
                "V11-HMAC-SHA256 Access=A, SignedHeaders=a, SIG",
                "it needs either Access or Credential",
            ),
            ("SDK-HMAC-SHA256 Access=A, access=A, SignedHeaders=a, SIG", "a parameter is unknown"),
            (
                "SDK-HMAC-SHA256 Access=A, SignedHeaders=a, SIG, SIG",
                "a parameter appears more than once",
            ),
            ("SDK-HMAC-SHA256 Access=, SignedHeaders=a, SIG", "the access key id has another form"),
            (
                "SDK-HMAC-SHA256 Access=A/B, SignedHeaders=a, SIG",
                "the access key id has another form",
            ),
            ("SDK-HMAC-SHA256 Credential=A, SignedHeaders=a, SIG", "Credential has no scope"),
            (
                "SDK-HMAC-SHA256 Credential=A/20260101/r/s, SignedHeaders=a, SIG",
                "the scope of Credential has another form",
            ),
            (
                "V11-HMAC-SHA256 Credential=A/20260101/r/s/sdk_request, SignedHeaders=a, SIG",
                "the scope of Credential has another form",
            ),
            (
                "V11-HMAC-SHA256 Credential=A/20260101/r\t/s, SignedHeaders=a, SIG",
                "the scope of Credential has another form",
            ),
            ("SDK-HMAC-SHA256 Access=A, SignedHeaders=a", "Signature is missing"),
            (
                "SDK-HMAC-SHA256 Access=A, SignedHeaders=a, Signature=00",
                "Signature is not 64 hex digits",
            ),
            ("SDK-HMAC-SHA256 Access=A, SIG", "SignedHeaders is missing"),
            (
                "SDK-HMAC-SHA256 Access=A, SignedHeaders=Host, SIG",
                "SignedHeaders holds something other than lower-case names",
            ),
            (
                "SDK-HMAC-SHA256 Access=A, SignedHeaders=a;, SIG",
                "SignedHeaders holds something other than lower-case names",
            ),
            (
                "SDK-HMAC-SHA256 Access=A, SignedHeaders=a;b;a, SIG",
                "SignedHeaders names a header twice",
            ),
        ] {
            check(text, &ParseError::Authorization { part });
        }
    }
}
