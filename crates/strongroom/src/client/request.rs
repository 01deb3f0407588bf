//! One request, before it is known where the service is.

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

/// Which of the service's two interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    /// The one of the cloud: `/v3/{project_id}`.
    Cbr,
    /// What that one does not have: `/strongroom/v1/{project_id}` (cbr-v3, 11b).
    Extension,
}

/// A request within the project.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(super) method: Method,
    pub(super) area: Area,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Request {
    fn new(method: Method, area: Area, path: &[&str]) -> Self {
        let path = path.iter().map(|&segment| segment.to_owned()).collect();
        Self { method, area, path, query: Vec::new(), body: None, headers: Vec::new() }
    }

    pub(crate) fn get(area: Area, path: &[&str]) -> Self {
        Self::new(Method::GET, area, path)
    }

    pub(crate) fn post(area: Area, path: &[&str]) -> Self {
        Self::new(Method::POST, area, path)
    }

    pub(crate) fn put(area: Area, path: &[&str]) -> Self {
        Self::new(Method::PUT, area, path)
    }

    pub(crate) fn delete(area: Area, path: &[&str]) -> Self {
        Self::new(Method::DELETE, area, path)
    }

    /// With a parameter, unless it has no value.
    #[must_use]
    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    #[must_use]
    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Its address below `base`.
    pub(super) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_escapes_what_it_is_given() {
        let base = Url::parse("http://h/cbr/v3/p/").expect("an address");
        let request = Request::get(Area::Cbr, &["vaults", "a/b"]);
        let request = request.query("name", Some("x y&z")).query("limit", None::<u8>);
        assert_eq!(request.url(&base).as_str(), "http://h/cbr/v3/p/vaults/a%2Fb?name=x+y%26z");
    }
}
