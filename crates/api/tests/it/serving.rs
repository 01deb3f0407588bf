//! Connections: limits of heads, and the end.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use strongroom_api::{Security, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::world::World;

/// Serves until what `ask` does with the address is done; gives back what it found.
async fn while_serving<T: Send + 'static>(ask: impl FnOnce(SocketAddr) -> T + Send + 'static) -> T {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (done, shutdown) = oneshot::channel::<()>();
    let asked = tokio::task::spawn_blocking(move || {
        let found = ask(address);
        drop(done);
        found
    });
    let shutdown = async {
        // Dropped when the asking is over.
        let _: Result<(), _> = shutdown.await;
    };
    serve(listener, world.router.clone(), Security::Plain, shutdown).await.unwrap();
    asked.await.unwrap()
}

fn answer_to(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    // A server that refuses a head may reset the connection after its answer.
    drop(stream.read_to_string(&mut answer));
    answer
}

#[tokio::test]
async fn server_answers_and_ends() {
    let answer = while_serving(|address| {
        answer_to(address, "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    });
    let answer = answer.await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("x-request-id: req-"), "{answer}");
    assert!(answer.ends_with("{\"status\":\"ok\"}"), "{answer}");
}

#[tokio::test]
async fn idle_connection_does_not_hold_up_the_end() {
    let stream = while_serving(|address| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
        let mut first = [0; 15];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        stream
    });
    drop(stream.await);
}

#[tokio::test]
async fn head_with_too_many_headers_is_refused() {
    let many = "x-more: 1\r\n".repeat(200);
    let request = format!("GET /healthz HTTP/1.1\r\nHost: h\r\n{many}\r\n");
    let answer = while_serving(move |address| answer_to(address, &request)).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn head_of_a_post_and_its_length_agree() {
    let answer = while_serving(|address| {
        answer_to(address, "HEAD /iam/v3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    });
    let answer = answer.await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}
