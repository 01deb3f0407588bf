//! Signing requests as clients do (contract cbr-v3 10.2).
//!
//! # Why
//! The text to sign is the one that the server rebuilds, so a fault in the rebuilding is not found
//! by this signer; recorded signatures and the contract's vectors are there for that.

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::{hkdf, hmac};
use strongroom_api::signature::{BodyDigest, RequestHead, Scheme, SignedRequest};
use strongroom_api::time::TimeForm;
use strongroom_base::Timestamp;
use strongroom_base::ids::to_hex;

use crate::exchange::Ask;

/// An access key, and the way in which its owner signs.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The public half.
    pub access: String,
    /// The other half.
    pub secret: String,
    /// How.
    pub scheme: Scheme,
    /// Region and service of a derived key, joined by a slash.
    pub place: String,
}

impl Signer {
    /// Adds `x-sdk-date` and `authorization`; `signed` are names of headers that the request has.
    pub fn sign(&self, ask: &mut Ask, signed: &[String], now: Timestamp) -> Result<()> {
        let date = sdk_date(now);
        let day = date.get(..8).context("a date has a day")?;
        ask.headers.retain(|(name, _)| name != "authorization" && name != "x-sdk-date");
        ask.headers.push(("x-sdk-date".to_owned(), date.clone()));
        let mut names: Vec<&str> = signed.iter().map(String::as_str).collect();
        names.push("x-sdk-date");
        names.sort_unstable();
        names.dedup();
        let credential = match self.scheme {
            Scheme::Plain => format!("Access={}", self.access),
            Scheme::Scoped => format!("Credential={}/{day}///sdk_request", self.access),
            Scheme::Derived => format!("Credential={}/{day}/{}", self.access, self.place),
        };
        let unsigned = format!(
            "{} {credential}, SignedHeaders={}, Signature=",
            self.scheme.algorithm(),
            names.join(";")
        );
        let text = string_to_sign(ask, &format!("{unsigned}{}", "0".repeat(64)), now)?;
        let signature = hmac::sign(&self.key(day)?, text.as_bytes());
        let authorization = format!("{unsigned}{}", to_hex(signature.as_ref()));
        ask.headers.push(("authorization".to_owned(), authorization));
        Ok(())
    }

    fn key(&self, day: &str) -> Result<hmac::Key> {
        let secret = self.secret.as_bytes();
        let bytes = match self.scheme {
            Scheme::Plain => secret.to_vec(),
            Scheme::Scoped => {
                let first = format!("SDK{}", self.secret).into_bytes();
                [day, "", "", "sdk_request"].iter().fold(first, |key, text| {
                    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
                    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
                })
            }
            Scheme::Derived => {
                let info = format!("{day}/{}", self.place);
                let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, self.access.as_bytes());
                let mut derived = [0; 32];
                salt.extract(secret)
                    .expand(&[info.as_bytes()], hkdf::HKDF_SHA256)
                    .and_then(|key| key.fill(&mut derived))
                    .map_err(|_| anyhow!("deriving a key"))?;
                to_hex(&derived).into_bytes()
            }
        };
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }
}

/// `20260101T000000Z`.
fn sdk_date(now: Timestamp) -> String {
    TimeForm::ZuluSeconds.format(now).replace(['-', ':'], "")
}

fn string_to_sign(ask: &Ask, authorization: &str, now: Timestamp) -> Result<String> {
    let (path, query) = ask.target.split_once('?').unwrap_or((&ask.target, ""));
    let mut headers: Vec<(&[u8], &[u8])> =
        ask.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    headers.push((b"authorization", authorization.as_bytes()));
    let head = RequestHead { method: &ask.method, path, query, headers: &headers };
    let signed = SignedRequest::parse(head).map_err(|error| anyhow!("signing: {error}"))?;
    let claim = signed.claim(BodyDigest::of(&ask.body), now);
    let claim = claim.map_err(|refusal| anyhow!("signing: {refusal:?}"))?;
    claim.strings_to_sign.into_iter().next().context("a signature covers a text")
}
