//! Who a request comes from: by its token, or by its signature (related-services 1.9).
//!
//! # Invariants
//! - API-5: what a signed request may do is judged by the project in its path; the header counts
//!   where the path has none. G adds its headers after signing, so they prove nothing.
//! - API-1: the signature is checked on the path and the body as they came.

use bytes::Bytes;
use http::request::Parts;
use strongroom_control::{Caller, Error, Service};
use strongroom_model::ProjectId;

use crate::signature::{BodyDigest, RequestHead, SignedRequest};

/// Finds out who sent a request. `path_project` is the project that its path names.
pub(crate) async fn caller(
    service: &Service,
    head: &Parts,
    body: &Bytes,
    path_project: Option<ProjectId>,
) -> Result<Caller, Error> {
    if let Some(token) = head.headers.get("x-auth-token") {
        let token = token.to_str().map_err(|_| Error::Unauthenticated)?;
        return service.authenticate_token(token).await;
    }
    let project = judged_project(head, path_project);
    let claim = {
        let headers = head_with_host(head);
        let head = RequestHead {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &headers,
        };
        let signed = SignedRequest::parse(head).map_err(|error| {
            tracing::debug!(reason = %error, "no signature to check");
            Error::Unauthenticated
        })?;
        signed.claim(BodyDigest::of(body), service.clock().now()).map_err(|refusal| {
            tracing::debug!(reason = %refusal, "signature refused");
            Error::Unauthenticated
        })?
    };
    service.authenticate_claim(&claim, project).await
}

/// The project by which a signed request is judged: the path's, else the one that a header names. A
/// header that is malformed names none.
fn judged_project(head: &Parts, path_project: Option<ProjectId>) -> Option<ProjectId> {
    let named = || head.headers.get("x-project-id")?.to_str().ok()?.parse().ok();
    path_project.or_else(named)
}

/// All headers, with the authority as the host where a request has it in its target instead.
fn head_with_host(head: &Parts) -> Vec<(&[u8], &[u8])> {
    let mut headers: Vec<(&[u8], &[u8])> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
        .collect();
    if let Some(authority) = head.uri.authority()
        && !head.headers.contains_key("host")
    {
        headers.push((b"host", authority.as_str().as_bytes()));
    }
    headers
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    // proves: API-5
    #[test]
    fn project_of_the_path_counts_before_that_of_the_header() {
        let (of_path, of_header) = (ProjectId([1; 16]), ProjectId([2; 16]));
        let named = head("/", &[("x-project-id", &of_header.to_string())]);
        assert_eq!(judged_project(&named, Some(of_path)), Some(of_path));
        assert_eq!(judged_project(&named, None), Some(of_header));
        let malformed = head("/", &[("x-project-id", "mine"), ("x-domain-id", "d")]);
        assert_eq!(judged_project(&malformed, None), None);
    }

    #[test]
    fn authority_of_the_target_is_the_host_where_none_is_sent() {
        let host = |head: &Parts| {
            let headers = head_with_host(head);
            let found = headers.iter().find(|(name, _)| *name == b"host");
            found.map(|(_, value)| String::from_utf8(value.to_vec()).unwrap())
        };
        assert_eq!(host(&head("http://a.test:1/x", &[])).as_deref(), Some("a.test:1"));
        let sent = head("http://a.test/x", &[("host", "b.test")]);
        assert_eq!(host(&sent).as_deref(), Some("b.test"));
        assert_eq!(host(&head("/x", &[])), None);
    }
}
