//! A signed request as it was sent, in a form that a test can change.

use strongroom_api::signature::{
    BodyDigest, ParseError, Refusal, RequestHead, Scheme, SecretKey, SignedRequest,
};
use strongroom_base::Timestamp;
use strongroom_testkit::trace;

/// Everything that a signature is computed from, and the secret of the one access key that exists.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) label: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) secret: String,
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Verified,
    Unparsed(ParseError),
    Refused(Refusal),
    /// Well-formed, and not signed with that key's secret.
    False,
}

impl Sent {
    pub(crate) fn recorded(label: String, request: &trace::Request) -> Self {
        let headers = request.headers.iter();
        Self {
            label,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.raw_query.clone(),
            headers: headers.map(|(name, value)| (name.clone(), value.clone().into())).collect(),
            body: request.raw_body.clone().unwrap().into(),
            secret: trace::SECRET_KEY.to_owned(),
        }
    }

    pub(crate) fn header(&mut self, name: &str) -> &mut Vec<u8> {
        let found = self.headers.iter_mut().find(|(found, _)| found == name);
        &mut found.unwrap_or_else(|| panic!("no header {name}")).1
    }

    /// Puts another text in a header's place of it.
    pub(crate) fn replace_in(&mut self, header: &str, from: &str, to: &str) {
        let value = self.header(header);
        let text = String::from_utf8(value.clone()).unwrap();
        assert!(text.contains(from), "{header}: {text}");
        *value = text.replace(from, to).into();
    }

    fn with_parsed<T>(&self, f: impl FnOnce(Result<SignedRequest<'_>, ParseError>) -> T) -> T {
        let headers: Vec<(&[u8], &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice())).collect();
        f(SignedRequest::parse(RequestHead {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
        }))
    }

    /// Scheme, date and signed headers; the request must parse.
    pub(crate) fn signed(&self) -> (Scheme, Timestamp, Vec<String>) {
        self.with_parsed(|parsed| {
            let parsed = parsed.unwrap();
            let names = parsed.signed_headers().iter().map(ToString::to_string).collect();
            (parsed.scheme(), parsed.date(), names)
        })
    }

    /// Checks it as a server would, with a clock that shows `now`.
    pub(crate) fn outcome_at(&self, now: Timestamp) -> Outcome {
        self.with_parsed(|parsed| {
            let claim = match parsed.map(|signed| signed.claim(BodyDigest::of(&self.body), now)) {
                Err(error) => return Outcome::Unparsed(error),
                Ok(Err(refusal)) => return Outcome::Refused(refusal),
                Ok(Ok(claim)) => claim,
            };
            let secret = SecretKey::new(self.secret.clone());
            let known = (claim.access_key_id == trace::ACCESS_KEY_ID).then_some(&secret);
            if claim.is_signed_with(known) { Outcome::Verified } else { Outcome::False }
        })
    }
}
