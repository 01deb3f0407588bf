//! Whether the process lives, and whether it can work.

use std::future::ready;

use http::StatusCode;
use serde_json::json;

use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::form::{Form, Gives, nothing, one};
use crate::route::{Access, Route};
use crate::schema::{Schema, object, word};
use crate::surface::Surface;

/// The one route whose 503 is an answer.
pub(crate) const READYZ: &str = "/readyz";

pub(crate) const ROUTES: &[Route] = &[
    Route {
        surface: Surface::Strongroom,
        method: "GET",
        path: "/healthz",
        status: 200,
        summary: "Says that the process answers.",
        access: Access::Open(|_| Box::pin(ready(Ok(healthz())))),
        form: Form { takes: nothing, gives: fine },
    },
    Route {
        surface: Surface::Strongroom,
        method: "GET",
        path: READYZ,
        status: 200,
        summary: "Says whether database and store answer; 503 if not.",
        access: Access::Open(|call| Box::pin(readyz(call))),
        form: Form { takes: nothing, gives: fine },
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

fn fine() -> Gives {
    one("status", word("ok"))
}

/// What [`READYZ`] answers while something is missing.
pub(crate) fn unavailable_schema() -> Schema {
    object([("status", word("unavailable"))])
}
