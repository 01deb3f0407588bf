//! What a handler answers with when all went well.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use crate::failure::Failure;

/// A status with a body, or with none.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    body: Content,
    headers: HeaderMap,
}

#[derive(Debug)]
enum Content {
    Nothing,
    Json(Vec<u8>),
    /// Of a type that a header names.
    Stream(Body),
}

impl Answer {
    /// A body with a status.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // Only maps without text keys and failing `Serialize` impls of our own could fail.
        let body = serde_json::to_vec(body).expect("wire types are plain structs and maps by text");
        Self { status, body: Content::Json(body), headers: HeaderMap::new() }
    }

    /// A body with 200.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// No body at all; with 204 clients expect none, not even `{}`.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, body: Content::Nothing, headers: HeaderMap::new() }
    }

    /// A body that comes bit by bit; its headers say what and how much.
    pub(crate) fn stream(status: StatusCode, body: Body) -> Self {
        Self { status, body: Content::Stream(body), headers: HeaderMap::new() }
    }

    /// The same with a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Result<Self, Failure> {
        let value = HeaderValue::from_str(value).map_err(|_| Failure::Panicked)?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// As the server sends it.
    pub(crate) fn into_response(self) -> Response {
        let is_json = matches!(self.body, Content::Json(_));
        let mut response = Response::new(match self.body {
            Content::Nothing => Body::empty(),
            Content::Json(body) => Body::from(body),
            Content::Stream(body) => body,
        });
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if is_json {
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
        }
        response
    }
}
