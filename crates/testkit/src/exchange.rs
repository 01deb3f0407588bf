//! A request and its answer over one connection, byte for byte as a test wants them.
//!
//! # Why
//! Client libraries repair what they send and hide what they get. Here a test writes the target and
//! the headers itself, and a malformed request leaves as it is.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take: longer than any limit of the server.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// In upper case.
    pub method: String,
    /// Path and query, escaped.
    pub target: String,
    /// Names in lower case. `host`, `content-length` and `connection` are added unless they are here.
    pub headers: Vec<(String, String)>,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its bytes.
    pub body: Vec<u8>,
}

impl Ask {
    /// A request without a body.
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.to_owned(), target: target.to_owned(), ..Self::default() }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header("x-auth-token", token)
    }

    /// With a body of JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string().into_bytes())
    }

    /// With these bytes as a body, which are called JSON.
    #[must_use]
    pub fn bytes(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("content-type", "application/json")
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(found, _)| found == name)
    }

    /// The head as it goes over the wire.
    pub fn head(&self, address: SocketAddr) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let mut line = |name: &str, value: &str| {
            write!(head, "{name}: {value}\r\n").expect("writing to a String cannot fail");
        };
        for (name, value) in &self.headers {
            line(name, value);
        }
        let length = self.body.len().to_string();
        let added = [("host", address.to_string()), ("content-length", length)];
        for (name, value) in added {
            if !self.has(name) {
                line(name, &value);
            }
        }
        if !self.has("connection") {
            line("connection", "close");
        }
        head.push_str("\r\n");
        head
    }

    /// Sends it over a connection of its own and reads the answer.
    pub fn send(&self, address: SocketAddr) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(self.head(address).as_bytes())?;
        // A server that refuses the head may close before it has read the body.
        drop(stream.write_all(&self.body));
        Answer::read(&mut stream)
    }
}

impl Answer {
    /// Reads until the other side closes.
    pub fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let mut bytes = Vec::new();
        match stream.read_to_end(&mut bytes) {
            // What was not read of a refused body makes the end of the connection a reset.
            Err(error) if bytes.is_empty() => return Err(error),
            _ => {}
        }
        Self::parse(&bytes).ok_or_else(|| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            io::Error::new(io::ErrorKind::InvalidData, format!("no answer: {text:?}"))
        })
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let (head, body) = bytes.split_at_checked(end + 4)?;
        let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Self { status, headers, body: body.to_vec() })
    }

    /// A header's text; empty without.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }

    /// The body as JSON; null when it is empty or none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The code of an error, wherever the surface puts it; empty without.
    pub fn code(&self) -> String {
        let body = self.json();
        let places = ["/error_code", "/error/code", "/unauthorized/code"];
        let found = places.iter().find_map(|place| body.pointer(place));
        found.map_or_else(String::new, |code| match code {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// The body as text, for a person.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
