//! Whether the process lives, and whether it can work.

use std::future::ready;

use http::StatusCode;
use serde_json::json;

use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::route::{Access, Route};
use crate::surface::Surface;

pub(crate) const ROUTES: &[Route] = &[
    Route {
        surface: Surface::Strongroom,
        method: "GET",
        path: "/healthz",
        status: 200,
        summary: "Says that the process answers.",
        access: Access::Open(|_| Box::pin(ready(Ok(healthz())))),
    },
    Route {
        surface: Surface::Strongroom,
        method: "GET",
        path: "/readyz",
        status: 200,
        summary: "Says whether database and store answer; 503 if not.",
        access: Access::Open(|call| Box::pin(readyz(call))),
    },
];

fn healthz() -> Answer {
    Answer::ok(&json!({"status": "ok"}))
}

async fn readyz(call: &Call) -> Result<Answer, Failure> {
    let ready = (call.state.config.readiness)().await;
    Ok(match ready {
        Ok(()) => Answer::ok(&json!({"status": "ok"})),
        Err(reason) => {
            // What is missing is the operator's business: it may name hosts.
            tracing::warn!(reason, "not ready");
            Answer::json(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "unavailable"}))
        }
    })
}
