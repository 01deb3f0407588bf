//! Lists, page by page.

use std::collections::BTreeSet;

use serde_json::Value;

use super::error::ClientError;
use super::request::Request;
use super::session::Session;
use super::wire_value::text;

impl Session {
    /// The elements of a list, `page` at a time, at most `limit` of them. A page begins after the
    /// element that `marker` names (cbr-v3, 1): unlike an offset it skips nothing when something
    /// new comes in between.
    pub(crate) async fn list(
        &self,
        request: &Request,
        key: &str,
        page: usize,
        limit: Option<usize>,
    ) -> Result<Vec<Value>, ClientError> {
        let limit = limit.unwrap_or(usize::MAX);
        let size = page.min(limit);
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut marker = None;
        loop {
            let asked = request.clone().query("limit", Some(size)).query("marker", marker);
            let mut answer = self.send(&asked).await?;
            let Some(Value::Array(elements)) = answer.get_mut(key).map(Value::take) else {
                let why = format!("it has no list {key:?}");
                return Err(ClientError::Malformed { at: "a list".to_owned(), why });
            };
            let is_last = elements.len() < size;
            let before = found.len();
            for element in elements {
                if seen.insert(text(&element, "/id").to_owned()) {
                    found.push(element);
                }
            }
            // A service that knows no markers gives the first page for ever.
            if is_last || found.len() >= limit || found.len() == before {
                found.truncate(limit);
                return Ok(found);
            }
            marker = found.last().map(|last| text(last, "/id").to_owned());
        }
    }
}
