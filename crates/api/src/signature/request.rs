//! A request whose headers say that it is signed.

use strongroom_base::Timestamp;
use strongroom_base::ids::to_hex;

use crate::signature::authorization::Authorization;
use crate::signature::date::SdkDate;
use crate::signature::payload::{self, BodyDigest};
use crate::signature::{Claim, ParseError, Refusal, RequestHead, Scheme, canonical};

/// The head of a signed request: every header that counts is there once and of its form.
#[derive(Debug, Clone)]
pub struct SignedRequest<'a> {
    head: RequestHead<'a>,
    authorization: Authorization<'a>,
    date: SdkDate<'a>,
    /// The signed headers' values, in the order of their names.
    values: Vec<&'a [u8]>,
    declared_hash: Option<&'a str>,
    security_token: Option<&'a str>,
}

impl<'a> SignedRequest<'a> {
    /// Reads the signature's headers; the body may still be on its way.
    ///
    /// # Errors
    /// What the headers lack; no error depends on the access key that they name.
    pub fn parse(head: RequestHead<'a>) -> Result<Self, ParseError> {
        let text = head.text("authorization")?.ok_or(ParseError::Absent)?;
        let authorization = Authorization::parse(text)?;
        let date = head.text("x-sdk-date")?.and_then(SdkDate::parse).ok_or(ParseError::Date)?;
        if !authorization.signed_headers.contains(&"x-sdk-date") {
            return Err(ParseError::DateNotSigned);
        }
        if authorization.day().is_some_and(|day| day != date.day()) {
            return Err(ParseError::ScopeDate);
        }
        let mut values = Vec::with_capacity(authorization.signed_headers.len());
        for &name in &authorization.signed_headers {
            let missing = || ParseError::MissingHeader { name: name.to_owned() };
            values.push(head.header(name)?.ok_or_else(missing)?);
        }
        let declared_hash = head.text("x-sdk-content-sha256")?;
        let security_token = head.text("x-security-token")?;
        Ok(Self { head, authorization, date, values, declared_hash, security_token })
    }

    /// How it was signed.
    pub fn scheme(&self) -> Scheme {
        self.authorization.scheme
    }

    /// The access key that it names, which may not exist.
    pub fn access_key_id(&self) -> &'a str {
        self.authorization.access_key_id
    }

    /// The date that it was signed at, by the client's clock.
    pub fn date(&self) -> Timestamp {
        self.date.at()
    }

    /// The names of the signed headers, in lower case and in the order in which they were sent.
    pub fn signed_headers(&self) -> &[&'a str] {
        &self.authorization.signed_headers
    }

    /// The token that goes with a temporary access key.
    pub fn security_token(&self) -> Option<&'a str> {
        self.security_token
    }

    /// Rebuilds what was signed, from the body that came and the time that it is.
    ///
    /// # Errors
    /// The clock, a target that cannot be decoded, or a body that is not the declared one; no error
    /// depends on the access key.
    pub fn claim(&self, body: BodyDigest, now: Timestamp) -> Result<Claim, Refusal> {
        if !self.date.is_near(now) {
            return Err(Refusal::ClockSkew);
        }
        let path = canonical::path(self.head.path)?;
        let (query, payloads) = self.query_and_payloads(body)?;
        let strings_to_sign = payloads
            .iter()
            .map(|payload| self.string_to_sign(&self.canonical_form(&path, &query, payload)))
            .collect();
        Ok(Claim {
            scheme: self.scheme(),
            access_key_id: self.access_key_id().to_owned(),
            security_token: self.security_token.map(str::to_owned),
            scope: self.authorization.scope.unwrap_or_default().to_owned(),
            strings_to_sign,
            signature: self.authorization.signature,
        })
    }

    /// The canonical query, and what may stand for the body. In a scoped signature of a POST
    /// without a body the query takes the body's place, so that nothing else may stand there.
    fn query_and_payloads(&self, body: BodyDigest) -> Result<(String, Vec<String>), Refusal> {
        let scheme = self.scheme();
        let is_in_body = scheme == Scheme::Scoped && self.head.method == "POST" && body.is_empty();
        let (query, covered) = if is_in_body {
            (String::new(), BodyDigest::of(canonical::form(self.head.query)?.as_bytes()))
        } else {
            (canonical::query(scheme, self.head.query)?, body)
        };
        Ok((query, payload::texts(self.declared_hash, covered)?))
    }

    fn canonical_form(&self, path: &str, query: &str, payload: &str) -> Vec<u8> {
        let mut form = format!("{}\n{path}\n{query}\n", self.head.method).into_bytes();
        for (name, value) in self.signed_headers().iter().zip(&self.values) {
            canonical::header_line(self.scheme(), name, value, &mut form);
        }
        let names = self.signed_headers().join(";");
        form.extend_from_slice(format!("\n{names}\n{payload}").as_bytes());
        form
    }

    fn string_to_sign(&self, canonical_form: &[u8]) -> String {
        let algorithm = self.scheme().algorithm();
        let date = self.date.text();
        let hash = to_hex(&payload::sha256(canonical_form));
        match self.authorization.scope {
            Some(scope) => format!("{algorithm}\n{date}\n{scope}\n{hash}"),
            None => format!("{algorithm}\n{date}\n{hash}"),
        }
    }
}
