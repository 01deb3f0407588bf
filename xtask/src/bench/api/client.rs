//! A small HTTP client: one connection, one request after another.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::operation::Request;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// An open connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

/// What the server said.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Client {
    /// Connects to `host`, an address with a port.
    pub(super) fn connect(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host).with_context(|| format!("connecting to {host}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), host: host.to_owned() })
    }

    /// Sends a request and reads the answer.
    pub(super) fn send(&mut self, request: &Request) -> Result<Answer> {
        let Request { method, path, token, body } = request;
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        if !token.is_empty() {
            write!(text, "X-Auth-Token: {token}\r\n")?;
        }
        if !body.is_empty() {
            text += "Content-Type: application/json\r\n";
        }
        write!(text, "Content-Length: {}\r\n\r\n{body}", body.len())?;
        self.stream.get_mut().write_all(text.as_bytes())?;
        self.read().with_context(|| format!("answer to {method} {path}"))
    }

    /// The same; anything but success is an error.
    pub(super) fn expect(&mut self, request: &Request) -> Result<Answer> {
        let answer = self.send(request)?;
        ensure!(
            (200..300).contains(&answer.status),
            "{} {} answered {}: {}",
            request.method,
            request.path,
            answer.status,
            answer.body
        );
        Ok(answer)
    }

    fn read(&mut self) -> Result<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.context("is no HTTP")?;
        let mut length = 0;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().context("has a length that is no number")?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.stream.read_line(&mut line)? > 0, "the connection was closed");
        Ok(line.trim_end().to_owned())
    }
}
