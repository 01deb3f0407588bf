//! From a request to an answer: mount, route, body, caller, handler.
//!
//! # Why
//! The paths are somebody else's: prefixes and regions before them, doubled and trailing slashes,
//! names that look like ids. One table with one look-up serves all of it, and a layer around it
//! could not see the path as it was signed. So the one fallback of the axum router does the work.
//!
//! # Invariants
//! - API-6: every response carries `X-Request-Id`, and a panic is a 500 with a body.
//! - API-7: a project that is not the caller's is refused before anything is looked up, and one that
//!   is no id like one that is not there.
//! - Nothing is redirected.
//!
//! # Concurrency and crash
//! Requests share nothing but the services. A client that goes away drops its request's future; a
//! transaction that was not committed then changes nothing (DB-1).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::header::{ALLOW, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{Method, StatusCode};
use strongroom_base::Chain;
use strongroom_base::ids::{random_uuid, to_dashed};
use strongroom_control::{Caller, Error, OpContext, Service};
use strongroom_model::ProjectId;
use tracing::Instrument as _;

use crate::answer::Answer;
use crate::body;
use crate::call::{Call, State};
use crate::config::ApiConfig;
use crate::failure::Failure;
use crate::mount::{self, Mounted};
use crate::query::Query;
use crate::route::{Access, Captures, Found, Route};
use crate::surface::Surface;
use crate::{auth, cbr, table};

/// Seconds after which a client may ask again for what too many ask for.
const BUSY_FOR: HeaderValue = HeaderValue::from_static("30");

/// Everything that the server answers, as one router.
pub fn router(service: Service, config: ApiConfig) -> Router {
    let regions = vec![service.settings().region.clone()];
    let state = Arc::new(State { service, config, regions });
    Router::new().fallback(move |request: Request| answer(Arc::clone(&state), request))
}

/// A request that has a route, or why it has none.
struct Target {
    surface: Surface,
    route: Result<(&'static Route, Captures), Failure>,
}

async fn answer(state: Arc<State>, request: Request) -> Response {
    let request_id = format!("req-{}", to_dashed(&random_uuid(state.service.rng())));
    let target = find_target(&state.regions, request.method(), request.uri().path());
    let name = target.route.as_ref().map_or("", |(route, _)| route.path);
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        route = name,
        request.id = request_id,
        status = tracing::field::Empty,
        duration_ms = tracing::field::Empty,
    );
    let clock_state = Arc::clone(&state);
    let began = clock_state.service.clock().monotonic();
    let is_head = request.method() == Method::HEAD;
    let surface = target.surface;
    let work = run(state, target, request, &request_id);
    let work = AssertUnwindSafe(work).catch_unwind().instrument(span.clone());
    let result = work.await.unwrap_or(Err(Failure::Panicked));
    let mut response = match result {
        Ok(answer) => answer.into_response(),
        Err(failure) => span.in_scope(|| failed(surface, &failure, &request_id)),
    };
    if is_head {
        *response.body_mut() = Body::empty();
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    let duration = clock_state.service.clock().monotonic().saturating_sub(began);
    span.record("status", response.status().as_u16());
    span.record("duration_ms", u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    span.in_scope(|| tracing::debug!("request answered"));
    response
}

/// Finds the route of a method and a path as it was sent.
fn find_target(regions: &[String], method: &Method, path: &str) -> Target {
    let mounted = Mounted::at(path, regions);
    let belongs = |surface| is_served_at(surface, &mounted);
    let found = if cbr::is_yet_to_come(method.as_str(), &mounted.path) {
        Found::Nothing
    } else {
        table::TABLE.find(method, &mounted.path, belongs)
    };
    match found {
        Found::Route(route, captures) => {
            Target { surface: route.surface, route: Ok((route, captures)) }
        }
        Found::OtherMethods(surface, methods) => {
            Target { surface, route: Err(Failure::WrongMethod(methods.join(", "))) }
        }
        Found::Nothing => {
            Target { surface: Surface::of_unknown(&mounted), route: Err(Failure::NoRoute) }
        }
    }
}

/// Whether a surface's routes are served under a mount. Versions' documents differ by mount
/// (related-services 1.1); every other path belongs to one surface, and any mount serves it.
fn is_served_at(surface: Surface, mounted: &Mounted) -> bool {
    if mounted.path.split('/').count() > 2 {
        return true;
    }
    match surface {
        Surface::Iam => match mounted.service {
            Some(service) => service == mount::Service::Iam,
            None => mounted.path != "/",
        },
        Surface::Ims => mounted.service == Some(mount::Service::Ims),
        _ => matches!(mounted.service, None | Some(mount::Service::Cbr)),
    }
}

async fn run(
    state: Arc<State>,
    target: Target,
    request: Request,
    request_id: &str,
) -> Result<Answer, Failure> {
    let (route, parameters) = target.route?;
    let (head, body) = request.into_parts();
    let (service, config) = (&state.service, &state.config);
    let body = body::read(body, config.body_bytes, config.body_time, service.clock()).await?;
    let call = Call {
        query: Query::default(),
        state: Arc::clone(&state),
        parameters,
        headers: head.headers.clone(),
        is_head: head.method == Method::HEAD,
        body,
    };
    dispatch(route, call, &head, request_id).await
}

async fn dispatch(
    route: &Route,
    mut call: Call,
    head: &Parts,
    request_id: &str,
) -> Result<Answer, Failure> {
    let path_project = call.parameter("project_id").parse::<ProjectId>().ok();
    let caller = match route.access {
        Access::Open(_) => None,
        _ => Some(
            auth::caller(call.service(), head, &call.body, path_project)
                .await
                .map_err(Failure::Authentication)?,
        ),
    };
    let query = Query::parse(head.uri.query().unwrap_or_default());
    match (route.access, caller) {
        (Access::Open(handler), _) => {
            call.query = query?;
            handler(&call).await
        }
        (Access::Known(_, handler), Some(caller)) => {
            call.query = query?;
            handler(&call, &caller).await
        }
        (Access::Within(_, handler), Some(caller)) => {
            let cx = context(caller, path_project, request_id)?;
            call.query = query?;
            handler(&call, &cx).await
        }
        (_, None) => Err(Failure::Panicked),
    }
}

/// The caller in the project of the path. Text that is no project is like a project that is not the
/// caller's.
fn context(
    caller: Caller,
    path_project: Option<ProjectId>,
    request_id: &str,
) -> Result<OpContext, Error> {
    let project = path_project.ok_or(Error::ForeignProject)?;
    OpContext::new(caller, project, request_id.to_owned())
}

/// Tells the operator what is the operator's business, and the client the rest.
fn failed(surface: Surface, failure: &Failure, request_id: &str) -> Response {
    match failure {
        Failure::Service(error) | Failure::Authentication(error) => match error {
            Error::Internal { .. } => tracing::error!(error = %Chain(error), "request failed"),
            Error::Unavailable { .. } => tracing::warn!(error = %Chain(error), "request failed"),
            _ => {}
        },
        Failure::Panicked => tracing::error!("request failed by a mistake in the program"),
        _ => {}
    }
    let told = surface.tell(failure);
    let mut response = Response::new(Body::from(surface.body(&told, request_id)));
    *response.status_mut() = told.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Failure::WrongMethod(methods) = failure
        && let Ok(methods) = HeaderValue::from_str(methods)
    {
        headers.insert(ALLOW, methods);
    }
    if let Failure::NoSuchRange(length) = failure
        && let Ok(length) = HeaderValue::from_str(&format!("bytes */{length}"))
    {
        headers.insert(CONTENT_RANGE, length);
    }
    if let Failure::Service(Error::Busy) = failure {
        headers.insert(RETRY_AFTER, BUSY_FOR);
    }
    if told.status == StatusCode::PAYLOAD_TOO_LARGE || told.status == StatusCode::REQUEST_TIMEOUT {
        // What is left of the body is not worth reading.
        headers.insert("connection", HeaderValue::from_static("close"));
    }
    response
}

#[cfg(test)]
mod tests {
    use strongroom_base::Timestamp;
    use strongroom_model::name::AccountName;
    use strongroom_model::{DomainId, Role, Scope, UserId};

    use super::*;

    fn caller(scope: Option<Scope>) -> Caller {
        Caller {
            user_id: UserId([1; 16]),
            user_name: AccountName::parse("u").unwrap(),
            domain_id: DomainId([2; 16]),
            domain_name: AccountName::parse("d").unwrap(),
            scope,
            project_name: None,
            roles: vec![Role::Admin],
            methods: Vec::new(),
            issued_at: Timestamp(0),
            expires_at: Timestamp(1),
        }
    }

    // proves: API-7
    #[test]
    fn project_that_is_not_the_caller_s_is_refused_alike() {
        let (own, other) = (ProjectId([3; 16]), ProjectId([4; 16]));
        let mine = Some(Scope::Project(own));
        assert!(context(caller(mine), Some(own), "req-1").is_ok());
        let mut told = Vec::new();
        for (scope, project) in [
            (mine, Some(other)),
            (mine, None),
            (Some(Scope::Domain(DomainId([2; 16]))), Some(own)),
            (None, Some(own)),
        ] {
            let error = context(caller(scope), project, "req-1").unwrap_err();
            told.push(Surface::Cbr.tell(&error.into()));
        }
        assert!(told.iter().all(|one| *one == told[0] && one.status == StatusCode::FORBIDDEN));
    }

    #[test]
    fn literal_segment_wins_over_an_id() {
        let regions = [];
        let route = |path: &str| {
            let target = find_target(&regions, &Method::GET, path);
            target.route.map(|(route, captures)| (route.path, captures)).unwrap()
        };
        let project = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
        let (found, _) = route(&format!("/v3/{project}/volumes/detail"));
        assert_eq!(found, "/v3/{project_id}/volumes/detail");
        let (found, captures) = route(&format!("/v3/{project}/volumes/other"));
        assert_eq!(found, "/v3/{project_id}/volumes/{volume_id}");
        assert_eq!(captures[1], ("volume_id", "other".to_owned()));
        // Parameters are decoded once, and an escaped slash parts nothing.
        let key = format!("/v3/{project}/vault/x/tags/a%2Fb%2541%20c+d");
        let target = find_target(&regions, &Method::DELETE, &key);
        let (_, captures) = target.route.unwrap();
        assert_eq!(captures[2], ("key", "a/b%41 c+d".to_owned()));
        // Bytes that are no text have no route.
        let target = find_target(&regions, &Method::GET, &format!("/v3/{project}/vaults/%ff"));
        assert!(matches!(target.route, Err(Failure::NoRoute)));
    }
}
