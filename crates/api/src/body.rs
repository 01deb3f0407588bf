//! Taking in the body of a request, within limits.
//!
//! # Why
//! A signature covers the body, so it must be there before anything is decided; and anybody may
//! send one. So it may be neither long nor slow.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use strongroom_base::Clock;

use crate::failure::Failure;

/// Reads a body of at most `most` bytes that comes within `time`.
pub(crate) async fn read(
    body: Body,
    most: usize,
    time: Duration,
    clock: &dyn Clock,
) -> Result<Bytes, Failure> {
    let collect = Box::pin(Limited::new(body, most).collect());
    match select(collect, clock.sleep(time)).await {
        Either::Left((Ok(body), _)) => Ok(body.to_bytes()),
        Either::Left((Err(error), _)) if error.is::<LengthLimitError>() => Err(Failure::TooLarge),
        Either::Left((Err(_), _)) => Err(Failure::BrokenBody),
        Either::Right(((), _)) => Err(Failure::TooSlow),
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use futures_util::{FutureExt as _, stream};
    use strongroom_base::Timestamp;
    use strongroom_base::clock::BoxFuture;

    use super::*;

    /// Time that is over at once, for whoever waits.
    struct Impatient;

    impl Clock for Impatient {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
            Box::pin(future::ready(()))
        }
    }

    fn run(body: impl FnOnce() -> Body) -> Result<Bytes, Failure> {
        let read = read(body(), 4, Duration::from_secs(1), &Impatient);
        read.now_or_never().expect("somebody is always ready")
    }

    #[test]
    fn body_may_be_as_long_as_the_limit() {
        assert_eq!(run(|| Body::from("1234")).unwrap(), "1234");
        assert!(matches!(run(|| Body::from("12345")), Err(Failure::TooLarge)));
        assert_eq!(run(Body::empty).unwrap(), "");
    }

    #[test]
    fn body_that_never_ends_is_given_up() {
        let never = || Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        assert!(matches!(run(never), Err(Failure::TooSlow)));
    }

    #[test]
    fn body_that_breaks_off_is_no_body() {
        let broken = || {
            let parts = [Ok(Bytes::from("12")), Err(std::io::Error::other("gone"))];
            Body::from_stream(stream::iter(parts))
        };
        assert!(matches!(run(broken), Err(Failure::BrokenBody)));
    }
}
