//! Requests to the service, and the token that they carry.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode};
use serde_json::Value;
use tokio::sync::Mutex;

use super::cloud::{Cloud, Trust};
use super::error::{ClientError, Refusal, request_id};
use super::identity::Login;
use super::request::Request;
use crate::failure::Failure;
use crate::output::warn;

/// A host that does not answer at all is given up sooner than one that works on its answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest silence in the middle of an answer.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// A user of the service. Signs in when it must.
pub(crate) struct Session {
    http: Client,
    cloud: Cloud,
    is_verbose: bool,
    login: Mutex<Option<Arc<Login>>>,
}

impl Session {
    pub(crate) fn new(cloud: Cloud, is_verbose: bool) -> Result<Self> {
        let http = Client::builder()
            .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .redirect(Policy::none());
        let http = match &cloud.trust {
            Trust::System => http,
            Trust::Authority(path) => {
                let at = path.display();
                let pem = fs::read(path).with_context(|| format!("reading cacert {at}"))?;
                let authorities = Certificate::from_pem_bundle(&pem)
                    .map_err(|_| Failure::usage(format!("cacert {at} holds no certificates")))?;
                http.tls_certs_only(authorities)
            }
            Trust::Anyone => {
                warn("certificates are not checked (verify: false): anyone could be answering");
                http.tls_danger_accept_invalid_certs(true)
            }
        };
        let http = http.build().map_err(ClientError::Prepare)?;
        Ok(Self { http, cloud, is_verbose, login: Mutex::new(None) })
    }

    /// Sends a request and reads its answer; null when it has no body.
    pub(crate) async fn send(&self, request: &Request) -> Result<Value, ClientError> {
        let response = self.open(request).await?;
        let at = response.url().to_string();
        let body = response.bytes().await;
        let body = body.map_err(|source| ClientError::unreachable(&at, source))?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body)
            .map_err(|error| ClientError::Malformed { at, why: error.to_string() })
    }

    /// Sends a request and gives the answer as it comes.
    pub(crate) async fn open(&self, request: &Request) -> Result<Response, ClientError> {
        let login = self.sign_in(None).await?;
        let mut response = self.attempt(request, &login).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let login = self.sign_in(Some(&login)).await?;
            response = self.attempt(request, &login).await?;
        }
        if response.status().is_success() {
            return Ok(response);
        }
        Err(ClientError::Refused(Refusal::read(response, self.is_verbose).await))
    }

    /// The login at hand; a new one if there is none or only the `stale` one.
    async fn sign_in(&self, stale: Option<&Arc<Login>>) -> Result<Arc<Login>, ClientError> {
        let mut login = self.login.lock().await;
        if let Some(login) = login.as_ref()
            && stale.is_none_or(|stale| !Arc::ptr_eq(stale, login))
        {
            return Ok(Arc::clone(login));
        }
        let fresh = Arc::new(Login::request(&self.http, &self.cloud, self.is_verbose).await?);
        *login = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    async fn attempt(&self, request: &Request, login: &Login) -> Result<Response, ClientError> {
        let url = request.url(login.base(request.area));
        let at = format!("{} {url}", request.method);
        let mut builder = self.http.request(request.method.clone(), url);
        builder = builder.header("X-Auth-Token", login.token.as_str());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        let sent = builder.send().await;
        let response = sent.map_err(|source| ClientError::unreachable(&at, source))?;
        if self.is_verbose {
            let id = request_id(&response).unwrap_or_default();
            eprintln!("{at}: {} {id}", response.status().as_u16());
        }
        Ok(response)
    }
}
