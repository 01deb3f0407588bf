//! A service that answers what a test says, and a world of a `clouds.yaml` that leads to it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::text;

/// What a client sent.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `GET vaults/1` for the interface of the cloud, `GET +tasks/1` for ours beside it.
    pub(crate) route: String,
    /// What follows the question mark.
    pub(crate) query: String,
    /// `name: value`, in lower case.
    headers: Vec<String>,
    pub(crate) body: Value,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }

    /// A parameter of the query, as it was sent.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")))
    }
}

/// What the service sends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
    /// The connection breaks after so many bytes of the body.
    cut: Option<usize>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, body: body.to_string().into(), ..Self::default() }
    }

    pub(crate) fn bytes(status: u16, body: &[u8]) -> Self {
        Self { status, body: body.to_vec(), ..Self::default() }
    }

    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({"error_code": code, "error_msg": message}))
    }

    pub(crate) fn header(mut self, line: impl Into<String>) -> Self {
        self.headers.push(line.into());
        self
    }

    pub(crate) fn cut(mut self, after: usize) -> Self {
        self.cut = Some(after);
        self
    }

    fn send(&self, mut to: &TcpStream) {
        let mut head = vec![format!("HTTP/1.1 {} Any", self.status), "connection: close".into()];
        if self.status != 204 {
            head.push(format!("content-length: {}", self.body.len()));
        }
        head.extend(self.headers.iter().cloned());
        // Who hangs up early wanted no more.
        drop(to.write_all(format!("{}\r\n\r\n", head.join("\r\n")).as_bytes()));
        drop(to.write_all(&self.body[..self.cut.unwrap_or(self.body.len())]));
    }
}

type Handler = Box<dyn FnMut(&Seen) -> Answer + Send>;

/// The service. Signs everybody in who has the password; each token is valid until the next
/// `forget_tokens`.
#[derive(Clone)]
pub(crate) struct CloudServer {
    at: String,
    state: Arc<Mutex<State>>,
}

struct State {
    handler: Handler,
    seen: Vec<Seen>,
    logins: usize,
    valid: Vec<String>,
}

const PASSWORD: &str = "secret";

impl CloudServer {
    pub(crate) fn start(handler: impl FnMut(&Seen) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let state =
            State { handler: Box::new(handler), seen: Vec::new(), logins: 0, valid: Vec::new() };
        let server = Self { at, state: Arc::new(Mutex::new(state)) };
        let here = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let here = here.clone();
                thread::spawn(move || here.serve(&stream.unwrap()));
            }
        });
        server
    }

    /// What was asked so far, without signing in.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    pub(crate) fn routes(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.route).collect()
    }

    pub(crate) fn logins(&self) -> usize {
        self.state.lock().unwrap().logins
    }

    fn serve(&self, stream: &TcpStream) {
        let Some((line, headers, body)) = read_request(stream) else { return };
        let (method, address) = line.split_once(' ').unwrap();
        let address = address.split_once(' ').unwrap().0;
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        if path == "/iam/v3/auth/tokens" {
            return self.sign_in(&body).send(stream);
        }
        let route = path
            .strip_prefix("/cbr/v3/p1/")
            .map(|path| format!("{method} {path}"))
            .or_else(|| {
                let path = path.strip_prefix("/strongroom/v1/p1/")?;
                Some(format!("{method} +{path}"))
            })
            .unwrap_or_else(|| panic!("{line} is nowhere"));
        let seen = Seen { route, query: query.to_owned(), headers, body };
        let mut state = self.state.lock().unwrap();
        state.seen.push(seen.clone());
        let token = seen.header("x-auth-token").unwrap_or_default();
        let answer = if state.valid.iter().any(|valid| valid == token) {
            (state.handler)(&seen)
        } else {
            Answer::json(401, &json!({"unauthorized": {"code": "401", "message": "No."}}))
        };
        drop(state);
        answer.header("x-request-id: req-77").send(stream);
    }

    fn sign_in(&self, body: &Value) -> Answer {
        let user = &body["auth"]["identity"]["password"]["user"];
        let expected = json!({"name": "u", "password": PASSWORD, "domain": {"name": "d"}});
        let scope = json!({"project": {"name": "p", "domain": {"name": "d"}}});
        if *user != expected || body["auth"]["scope"] != scope {
            return Answer::json(401, &json!({"error": {"code": 401, "message": "Unknown user."}}));
        }
        let mut state = self.state.lock().unwrap();
        state.logins += 1;
        // The first token does not live long: it has run out when it is used.
        let token = format!("token-{}", state.logins);
        let is_stale = token == "token-1" && state.valid.contains(&"stale".to_owned());
        if !is_stale {
            state.valid.push(token.clone());
        }
        let url = format!("{}/cbr/v3/p1", self.at);
        let endpoint =
            json!({"interface": "public", "region": "eu", "region_id": "eu", "url": url});
        let catalog = json!([{"type": "cbr", "name": "cbr", "endpoints": [endpoint]}]);
        let body = json!({"token": {"catalog": catalog, "project": {"id": "p1"}}});
        Answer::json(201, &body).header(format!("X-Subject-Token: {token}"))
    }

    /// The first token will be refused.
    pub(crate) fn with_stale_token(self) -> Self {
        self.state.lock().unwrap().valid.push("stale".to_owned());
        self
    }
}

fn read_request(stream: &TcpStream) -> Option<(String, Vec<String>, Value)> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let request = lines.remove(0);
    let lower = |line: String| {
        let (name, value) = line.split_once(':').unwrap();
        format!("{}: {}", name.to_ascii_lowercase(), value.trim())
    };
    let headers: Vec<_> = lines.into_iter().map(lower).collect();
    let len = headers.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; len.map_or(0, |len| len.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    Some((request, headers, body))
}

/// A folder with a `clouds.yaml`, and the program that finds it.
pub(crate) struct CloudWorld {
    dir: TempDir,
    pub(crate) server: CloudServer,
}

impl CloudWorld {
    pub(crate) fn new(handler: impl FnMut(&Seen) -> Answer + Send + 'static) -> Self {
        Self::of(CloudServer::start(handler))
    }

    pub(crate) fn of(server: CloudServer) -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap(), server };
        world.write_clouds(PASSWORD, "eu");
        world
    }

    pub(crate) fn write_clouds(&self, password: &str, region: &str) {
        let clouds = format!(
            "clouds:\n  test:\n    region_name: {region}\n    auth:\n      \
             auth_url: {}/iam/v3\n      username: u\n      password: {password}\n      \
             project_name: p\n      user_domain_name: d\n",
            self.server.at
        );
        fs::File::create(self.path("clouds.yaml")).unwrap().write_all(clouds.as_bytes()).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command, not yet started; it sees nothing of the caller's environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.args(arguments).env_clear().env("HOME", self.dir.path());
        command.env("OS_CLIENT_CONFIG_FILE", self.path("clouds.yaml")).env("OS_CLOUD", "test");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed; what it prints.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a command that must succeed; its JSON document.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let all: Vec<_> = arguments.iter().copied().chain(["--output", "json"]).collect();
        serde_json::from_str(&self.ok(&all)).unwrap()
    }

    /// Runs a command that must fail with `code`; what it says on standard error.
    pub(crate) fn fails(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stderr)
    }
}

/// The id that ends in `n`.
pub(crate) fn id(n: u32) -> String {
    format!("{n:08x}-0000-4000-8000-000000000000")
}
