//! What handlers get of a request.

use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use strongroom_control::Service;

use crate::config::ApiConfig;
use crate::failure::Failure;
use crate::invalid::Invalid;
use crate::query::Query;

/// A request that found its route.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) state: Arc<State>,
    /// The parameters of the path, decoded.
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    /// Whether the answer's body will not be sent.
    pub(crate) is_head: bool,
    pub(crate) body: Bytes,
}

/// What all requests share.
pub(crate) struct State {
    pub(crate) service: Service,
    pub(crate) config: ApiConfig,
    /// The names that may stand in paths as regions.
    pub(crate) regions: Vec<String>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("regions", &self.regions).finish_non_exhaustive()
    }
}

impl Call {
    /// The control services.
    pub(crate) fn service(&self) -> &Service {
        &self.state.service
    }

    /// A parameter of the path; empty if the route has none of that name.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(key, _)| *key == name);
        found.map_or("", |(_, value)| value)
    }

    /// A parameter of the path that is an id.
    pub(crate) fn id<I: FromStr>(&self, name: &'static str) -> Result<I, Failure> {
        self.parameter(name).parse().map_err(|_| Invalid::path_id(name).into())
    }

    /// The body as JSON, whatever its content type says (contract, section 1).
    pub(crate) fn json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(&self.body).map_err(|_| Invalid::json().into())
    }

    /// A header that holds text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The address that clients know.
    pub(crate) fn base(&self) -> &str {
        &self.service().settings().public_url
    }
}
