//! A recorded request as it is sent here: with real ids, real tokens, and signed anew.

use anyhow::{Context as _, Result};
use serde_json::Value;
use strongroom_api::signature::Scheme;

use super::ids::Ids;
use crate::exchange::{Answer, Ask};
use crate::server::Server;
use crate::signer::Signer;
use crate::trace::{ACCESS_KEY_ID, Exchange, QueryValue, Request};

/// What the clients of scheme A sign, of what they send.
const SCOPED_HEADERS: [&str; 4] = ["accept", "content-type", "host", "user-agent"];

/// Sends it and reads the answer.
pub(super) fn send(
    server: &Server,
    ids: &Ids,
    tokens: &[(String, String)],
    exchange: &Exchange,
) -> Result<Answer> {
    let request = &exchange.request;
    let mut ask = Ask {
        method: request.method.clone(),
        target: ids.put_into(&target(request)),
        headers: Vec::new(),
        body: body(server, ids, request),
    };
    for (name, value) in &request.headers {
        if name != "authorization" && name != "content-length" {
            let value = ids.put_into(value).replace("$BASE", &format!("http://{}", server.address));
            ask.headers.push((name.clone(), with_token(value, request, tokens, server)?));
        }
    }
    if let Some(authorization) = request.headers.get("authorization") {
        sign(server, exchange, authorization, &mut ask)?;
    }
    server.ask(&ask)
}

fn target(request: &Request) -> String {
    if !request.raw_query.is_empty() {
        return format!("{}?{}", request.path, request.raw_query);
    }
    let mut pairs = Vec::new();
    for (name, value) in &request.query {
        let values = match value {
            QueryValue::One(value) => std::slice::from_ref(value),
            QueryValue::Many(values) => values,
        };
        pairs.extend(values.iter().map(|value| format!("{}={}", escape(name), escape(value))));
    }
    if pairs.is_empty() {
        request.path.clone()
    } else {
        format!("{}?{}", request.path, pairs.join("&"))
    }
}

fn escape(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(
            |byte| {
                if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}

fn body(server: &Server, ids: &Ids, request: &Request) -> Vec<u8> {
    let text = match (&request.raw_body, &request.body) {
        (Some(raw), _) => raw.clone(),
        (None, Some(body)) => body.to_string(),
        (None, None) => String::new(),
    };
    let password = Value::from(server.admin.password.as_str()).to_string();
    ids.put_into(&text).replace("\"$PASSWORD\"", &password).into_bytes()
}

/// The token of the project in the path, else the newest; a new one before the client has any.
fn with_token(
    value: String,
    request: &Request,
    tokens: &[(String, String)],
    server: &Server,
) -> Result<String> {
    if value != "$TOKEN" {
        return Ok(value);
    }
    let of_path =
        |(scope, _): &&(String, String)| !scope.is_empty() && request.path.contains(scope.as_str());
    match tokens.iter().rev().find(of_path).or(tokens.last()) {
        Some((_, token)) => Ok(token.clone()),
        None => server.token(&server.admin.user, &server.admin.project_id.to_string()),
    }
}

/// Signs as the record says. What was refused is signed with an unknown key or a wrong secret.
fn sign(server: &Server, exchange: &Exchange, recorded: &str, ask: &mut Ask) -> Result<()> {
    let part = |begin: &str| {
        let (_, rest) = recorded.split_once(begin)?;
        Some(rest.split(',').next().unwrap_or(rest))
    };
    let (scheme, place) = match part("Credential=") {
        Some(credential) if recorded.starts_with("V11-") => {
            let place = credential.splitn(3, '/').nth(2).context("a derived key has a place")?;
            (Scheme::Derived, place.to_owned())
        }
        None if recorded.contains("Access=") => (Scheme::Plain, String::new()),
        _ => (Scheme::Scoped, String::new()),
    };
    let names: Vec<String> = match part("SignedHeaders=") {
        Some(names) => names.split(';').map(str::to_owned).collect(),
        None => SCOPED_HEADERS.map(str::to_owned).to_vec(),
    };
    if names.iter().any(|name| name == "host")
        && !ask.headers.iter().any(|(name, _)| name == "host")
    {
        ask.headers.push(("host".to_owned(), server.address.to_string()));
    }
    let signed: Vec<String> = names
        .into_iter()
        .filter(|name| ask.headers.iter().any(|(found, _)| found == name))
        .collect();
    let key = &server.admin.key;
    let is_known = !recorded.contains("Signature=")
        || recorded.contains(&format!("{ACCESS_KEY_ID},"))
        || recorded.contains(&format!("{ACCESS_KEY_ID}/"));
    let is_refused = exchange.response.status == 401;
    let signer = Signer {
        access: if is_known { key.access.clone() } else { format!("{}X", key.access) },
        secret: if is_refused && is_known {
            "another".to_owned()
        } else {
            key.secret.expose().to_owned()
        },
        scheme,
        place,
    };
    signer.sign(ask, &signed, server.now())
}
