//! Signing in: a token for the project, and where its catalogue says that the service is.

use reqwest::{Client, StatusCode, Url};
use serde_json::Value;
use zeroize::Zeroizing;

use super::cloud::Cloud;
use super::error::{ClientError, Refusal};
use super::request::Area;
use super::wire_value::{items, text};

/// What signing in gave. Has no `Debug`: it holds a token.
pub(super) struct Login {
    pub(super) token: Zeroizing<String>,
    cbr: Url,
    extension: Url,
}

impl Login {
    /// Where requests of an area go.
    pub(super) fn base(&self, area: Area) -> &Url {
        match area {
            Area::Cbr => &self.cbr,
            Area::Extension => &self.extension,
        }
    }

    /// Signs in (related-services, 2.2).
    pub(super) async fn request(
        http: &Client,
        cloud: &Cloud,
        with_id: bool,
    ) -> Result<Self, ClientError> {
        let at = format!("{}/auth/tokens", cloud.auth_url);
        let sent = http.post(&at).json(&cloud.token_request()).send().await;
        let response = sent.map_err(|source| ClientError::unreachable(&at, source))?;
        let malformed = |why: &str| ClientError::Malformed { at: at.clone(), why: why.to_owned() };
        if response.status() != StatusCode::CREATED && response.status() != StatusCode::OK {
            let refusal = Refusal::read(response, with_id).await;
            return Err(ClientError::SignIn { at, refusal });
        }
        let token = response.headers().get("x-subject-token").and_then(|token| token.to_str().ok());
        let token = token.ok_or_else(|| malformed("it has no token"))?;
        let token = Zeroizing::new(token.to_owned());
        let body: Value =
            response.json().await.map_err(|_| malformed("the token's description is no JSON"))?;
        let region = cloud.region.as_deref();
        let cbr = endpoint(&body, region)
            .ok_or_else(|| ClientError::NoService { region: region.map(str::to_owned) })?;
        let cbr = Url::parse(cbr).map_err(|_| malformed("the service's address is none"))?;
        let extension = extension(&cbr);
        Ok(Self { token, cbr, extension })
    }
}

/// The public address of `cbr` (related-services, 1.3). Without a region the first one.
fn endpoint<'a>(body: &'a Value, region: Option<&str>) -> Option<&'a str> {
    let services = items(body, "/token/catalog").filter(|service| text(service, "/type") == "cbr");
    let mut endpoints = services.flat_map(|service| items(service, "/endpoints"));
    let found = endpoints.find(|endpoint| {
        let is_there = region.is_none_or(|region| {
            text(endpoint, "/region") == region || text(endpoint, "/region_id") == region
        });
        text(endpoint, "/interface") == "public" && is_there
    });
    found.map(|endpoint| text(endpoint, "/url"))
}

/// `{B}/cbr/v3/{project}` is beside `{B}/strongroom/v1/{project}`.
fn extension(cbr: &Url) -> Url {
    let segments: Vec<_> = cbr.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let (project, before) = segments.split_last().map_or(("", [].as_slice()), |(p, b)| (*p, b));
    let before = before.strip_suffix(&["v3"]).unwrap_or(before);
    let before = before.strip_suffix(&["cbr"]).unwrap_or(before);
    let mut url = cbr.clone();
    let path: Vec<_> = before.iter().copied().chain(["strongroom", "v1", project]).collect();
    url.set_path(&path.join("/"));
    url
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn extension_is_beside_the_service() {
        let check = |cbr: &str, expected: &str| {
            assert_eq!(extension(&Url::parse(cbr).expect("an address")).as_str(), expected);
        };
        check("http://h:1/cbr/v3/p", "http://h:1/strongroom/v1/p");
        check("http://h/v3/p/", "http://h/strongroom/v1/p");
        check("https://h/cloud/cbr/v3/p", "https://h/cloud/strongroom/v1/p");
    }

    #[test]
    fn endpoint_is_the_public_one_of_the_region() {
        let at = |region: &str, interface: &str, url: &str| json!({"interface": interface, "region": region, "region_id": region, "url": url});
        let body = json!({"token": {"catalog": [
            {"type": "identity", "endpoints": [at("a", "public", "0")]},
            {"type": "cbr", "endpoints": [at("a", "internal", "1"), at("a", "public", "2")]},
            {"type": "cbr", "endpoints": [at("b", "public", "3")]},
        ]}});
        let check = |region, expected| assert_eq!(endpoint(&body, region), expected);
        check(None, Some("2"));
        check(Some("a"), Some("2"));
        check(Some("b"), Some("3"));
        check(Some("c"), None);
        assert_eq!(endpoint(&json!({}), None), None);
    }
}
