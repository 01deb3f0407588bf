//! What the server takes in, and how it says no.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Request;

use crate::world::World;

fn post(path: &str, body: Body) -> Request<Body> {
    Request::builder().method("POST").uri(path).body(body).unwrap()
}

#[tokio::test]
async fn body_that_is_too_large_is_413_in_the_words_of_the_surface() {
    let world = World::new().await;
    let large = || Body::from(vec![b'x'; (1 << 20) + 1]);
    let answer = world.send(post("/v3/0a1b2c3d4e5f60718293a4b5c6d7e8f9/vaults", large())).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error_code"], "BackupService.9900");
    assert_eq!(answer.header("connection"), "close");
    let answer = world.send(post("/iam/v3/auth/tokens", large())).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_u64()), (413, Some(413)));
}

#[tokio::test]
async fn body_that_does_not_come_is_408() {
    let world = World::new().await;
    let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = world.send(post("/iam/v3/auth/tokens", never)).await;
    assert_eq!(answer.status, 408);
}

#[tokio::test]
async fn body_that_is_no_json_is_named() {
    let world = World::new().await;
    for text in ["", "{", "\u{0}"] {
        let answer = world.send(post("/v3/auth/tokens", Body::from(text))).await;
        assert_eq!(answer.status, 400, "{text:?}");
        assert_eq!(answer.json()["error"]["message"], "the body must be a JSON object");
    }
}

#[tokio::test]
async fn readiness_is_asked_and_its_reason_kept() {
    let world = World::with(Arc::new(|| Box::pin(async { Err("db.internal is down".to_owned()) })));
    let world = world.await;
    assert_eq!(world.ask("GET", "/healthz").await.status, 200);
    let answer = world.ask("GET", "/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(!answer.text.contains("db.internal"));
    assert_eq!(World::new().await.ask("GET", "/readyz").await.status, 200);
}

// proves: API-6
#[tokio::test]
async fn panic_is_a_500_like_any_other() {
    let world = World::with(Arc::new(|| Box::pin(async { panic!("a mistake") }))).await;
    let answer = world.ask("GET", "/readyz").await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["error_code"], "BackupService.9910");
    assert!(!answer.text.contains("mistake"));
    assert!(answer.header("x-request-id").starts_with("req-"));
}
