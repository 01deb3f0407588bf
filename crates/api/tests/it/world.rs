//! A server over an empty database, asked without a network.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use strongroom_api::{ApiConfig, Readiness, router};
use strongroom_base::clock::BoxFuture;
use strongroom_base::rng::SeededRng;
use strongroom_base::{Clock, Secret, Timestamp};
use strongroom_control::{Parts, Repositories, RepositoriesParts, Service, Settings};
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Scratch;
use strongroom_model::Quota;
use strongroom_provider::testing::FakeProvider;
use strongroom_repo::MemoryBudget;
use strongroom_repo::compute::Inline;
use strongroom_repo::object::address::StoreAddress;
use tower_service::Service as _;

/// Time that stands, and that is over at once for whoever waits.
pub(crate) struct Impatient;

impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_225_600_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A server with its database.
pub(crate) struct World {
    pub(crate) router: Router,
    pub(crate) service: Service,
    _scratch: Scratch,
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    /// A server that is ready.
    pub(crate) async fn new() -> Self {
        Self::with(Arc::new(|| Box::pin(async { Ok(()) }))).await
    }

    /// A server that says of itself what `readiness` says.
    pub(crate) async fn with(readiness: Readiness) -> Self {
        let scratch = Scratch::new(Dialect::Sqlite).await;
        let service = Service::new(parts(&scratch));
        let router = router(service.clone(), ApiConfig::new(readiness));
        Self { router, service, _scratch: scratch }
    }

    /// Asks without a body.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> Answer {
        self.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a request.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response: Response = self.router.clone().call(request).await.unwrap();
        let (head, body) = response.into_parts();
        let text = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8(text.to_vec()).unwrap(),
        }
    }
}

fn parts(scratch: &Scratch) -> Parts {
    let clock = Arc::new(Impatient);
    let rng = Arc::new(SeededRng::new(7));
    let hour = Duration::from_hours(1);
    let repositories = Repositories::new(RepositoriesParts {
        address: StoreAddress::Local("/nowhere".into()),
        credentials: None,
        master: Secret::new([7; 32]),
        clock: clock.clone(),
        rng: rng.clone(),
        compute: Arc::new(Inline),
        memory: MemoryBudget::default(),
    });
    Parts {
        db: scratch.db.clone(),
        provider: Arc::new(FakeProvider::new()),
        repositories: Arc::new(repositories),
        clock,
        rng,
        master: Secret::new([7; 32]),
        settings: Settings {
            region: "eu-test".to_owned(),
            zone: "eu-test-01".to_owned(),
            public_url: "https://backup.example.test".to_owned(),
            object_url: None,
            quota: Quota::default(),
            token_life: 24 * hour,
            grave_delay: hour,
            collect_every: hour,
            verify_every: hour,
        },
    }
}
