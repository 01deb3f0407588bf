//! The download itself: asks for what is missing until nothing is.

use std::pin::pin;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::{Either, select};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderValue, IF_RANGE, RANGE,
};
use reqwest::{Response, StatusCode};
use strongroom_base::{CancelToken, Progress};

use super::output::Output;
use crate::client::{ClientError, Request};
use crate::failure::{Failure, Kind};
use crate::output::warn;
use crate::service_context::ServiceContext;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Connections that bring nothing, one after the other. With the pauses: about four minutes.
const MOST_FAILURES: u32 = 12;
/// How often a silent connection is left to see whether the user wants to stop.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A download.
pub(crate) struct Transfer<'a> {
    pub(crate) cx: &'a ServiceContext,
    pub(crate) request: Request,
    pub(crate) cancel: &'a CancelToken,
    pub(crate) progress: &'a Progress,
}

/// What an answer brings.
struct Body {
    response: Response,
    /// Of the whole content; unknown when the service does not say it.
    total: Option<u64>,
}

/// How a connection ended.
enum End {
    /// All is there.
    Complete,
    /// Why it broke.
    Broken(String),
}

impl Transfer<'_> {
    /// Downloads what `output` does not have yet.
    pub(crate) async fn run(&self, output: &mut Output) -> Result<()> {
        if output.is_complete() {
            return Ok(());
        }
        let mut failures = 0;
        let mut pause = FIRST_PAUSE;
        loop {
            let before = output.position();
            let why = match self.attempt(output).await? {
                End::Complete => return Ok(()),
                End::Broken(why) => why,
            };
            if output.position() > before {
                (failures, pause) = (0, FIRST_PAUSE);
            }
            failures += 1;
            if failures >= MOST_FAILURES {
                return Err(Failure::new(Kind::Unavailable, format!("the download broke: {why}"))
                    .hint("the same command goes on where it broke")
                    .into());
            }
            warn(&format!("the download broke and goes on: {why}"));
            self.cx.clock.sleep(pause).await;
            self.stop_if_cancelled()?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt(&self, output: &mut Output) -> Result<End> {
        let opened = self.cx.session.open(&self.asking(output)).await;
        let body = match opened {
            Ok(response) => accept(response, output)?,
            Err(error) if error.is_passing() => return Ok(End::Broken(cause(&error))),
            // The content is another one and shorter.
            Err(ClientError::Refused(refusal))
                if refusal.status == StatusCode::RANGE_NOT_SATISFIABLE =>
            {
                output.restart(None, None)?;
                return Ok(End::Broken("what is there belongs to nothing any more".to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        self.copy(body, output).await
    }

    /// The request for what is missing, on the condition that the content is still the same.
    fn asking(&self, output: &Output) -> Request {
        let identity = HeaderValue::from_static("identity");
        let request = self.request.clone().header(ACCEPT_ENCODING, identity);
        let range = HeaderValue::try_from(format!("bytes={}-", output.position()));
        match (output.etag().map(HeaderValue::try_from), range) {
            (Some(Ok(etag)), Ok(range)) if output.position() > 0 => {
                request.header(RANGE, range).header(IF_RANGE, etag)
            }
            _ => request,
        }
    }

    async fn copy(&self, mut body: Body, output: &mut Output) -> Result<End> {
        self.progress.set_total(body.total.unwrap_or(0));
        self.note(output);
        loop {
            let chunk = {
                let mut next = pin!(body.response.chunk());
                loop {
                    let tick = self.cx.clock.sleep(LOOK_EVERY);
                    match select(next.as_mut(), tick).await {
                        Either::Left((chunk, _)) => break chunk,
                        Either::Right(_) => self.stop_if_cancelled()?,
                    }
                }
            };
            match chunk {
                Ok(Some(bytes)) => {
                    output.write(&bytes)?;
                    self.note(output);
                    self.stop_if_cancelled()?;
                }
                Ok(None) if body.total.is_none_or(|total| total == output.position()) => {
                    return Ok(End::Complete);
                }
                Ok(None) => return Ok(End::Broken("the answer ended too early".to_owned())),
                Err(error) => return Ok(End::Broken(cause(&error))),
            }
        }
    }

    fn note(&self, output: &Output) {
        self.progress.add_done(output.position().saturating_sub(self.progress.done()));
    }

    fn stop_if_cancelled(&self) -> Result<()> {
        if !self.cancel.is_cancelled() {
            return Ok(());
        }
        Err(Failure::new(Kind::Interrupted, "stopped; the export is not complete")
            .hint("with -o FILE the same command goes on from here")
            .into())
    }
}

/// Takes the answer as the rest of what is there, or as a new beginning.
fn accept(response: Response, output: &mut Output) -> Result<Body> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let etag = header(ETAG).filter(|etag| !etag.starts_with("W/")).map(str::to_owned);
    if response.status() == StatusCode::PARTIAL_CONTENT {
        let range = header(CONTENT_RANGE).and_then(parse_content_range);
        if let Some((start, total)) = range
            && start == output.position()
            && (etag.is_none() || etag.as_deref() == output.etag())
        {
            return Ok(Body { response, total });
        }
        let why = "it is not the part that was asked for".to_owned();
        return Err(ClientError::Malformed { at: response.url().to_string(), why }.into());
    }
    let total = header(CONTENT_LENGTH).and_then(|len| len.parse().ok());
    output.restart(etag.as_deref(), total)?;
    Ok(Body { response, total })
}

/// `bytes 5-9/10`: where it starts, and how long the whole is.
fn parse_content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.parse().ok()?, total.parse().ok()))
}

fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_content_range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(parse_content_range("bytes */10"), None);
        assert_eq!(parse_content_range("5-9/10"), None);
    }
}
