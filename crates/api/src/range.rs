//! Which part of a content a request wants (RFC 9110, sections 13.1.5 and 14).
//!
//! One range of bytes is understood. Several, another unit, and text that is no range are as if they
//! had not been sent, which the RFC allows; so is a range on a condition that does not hold.

use http::HeaderMap;
use http::header::{IF_RANGE, RANGE};
use strongroom_base::ByteRange;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes, of which there is at least one.
    Part(ByteRange),
    /// Bytes that are not there.
    Nothing,
}

/// Reads the headers about a content of `length` bytes whose strong tag is `tag`, with its quotes.
pub(crate) fn wanted(headers: &HeaderMap, length: u64, tag: &str) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(range) = text(RANGE).and_then(|range| range.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    // A date is no condition here: nothing has one. A weak tag never fits.
    if headers.contains_key(IF_RANGE) && text(IF_RANGE).map(str::trim) != Some(tag) {
        return Wanted::Whole;
    }
    let Some((start, end)) = range.split_once('-') else { return Wanted::Whole };
    match (number(start), number(end)) {
        (Number::Is(start), Number::Absent) => part(start, length, length),
        (Number::Is(start), Number::Is(end)) if start <= end => {
            part(start, end.saturating_add(1), length)
        }
        (Number::Absent, Number::Is(last)) => part(length.saturating_sub(last), length, length),
        _ => Wanted::Whole,
    }
}

fn part(start: u64, end: u64, length: u64) -> Wanted {
    let end = end.min(length);
    if start < end { Wanted::Part(ByteRange { start, end }) } else { Wanted::Nothing }
}

/// One end of a range.
enum Number {
    Absent,
    Is(u64),
    Malformed,
}

fn number(text: &str) -> Number {
    let text = text.trim();
    if text.is_empty() {
        return Number::Absent;
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Number::Malformed;
    }
    // Only digits: what does not fit is beyond every end.
    Number::Is(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(headers: &[(http::HeaderName, &str)]) -> Wanted {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(name.clone(), value.parse().unwrap());
        }
        wanted(&map, 1000, "\"tag\"")
    }

    #[test]
    fn one_range_is_understood() {
        let check = |range: &str, expected: Wanted| assert_eq!(ask(&[(RANGE, range)]), expected);
        let part = |start, end| Wanted::Part(ByteRange { start, end });
        check("bytes=0-", part(0, 1000));
        check("bytes=5-9", part(5, 10));
        check("bytes=999-999", part(999, 1000));
        check("bytes=990-99999999999999999999999", part(990, 1000));
        check("bytes=-10", part(990, 1000));
        check("bytes=-5000", part(0, 1000));
        check("bytes=1000-", Wanted::Nothing);
        check("bytes=-0", Wanted::Nothing);
        check("bytes=99999999999999999999999-", Wanted::Nothing);
        for other in [
            "bytes=",
            "bytes=-",
            "bytes=5",
            "bytes=9-5",
            "bytes=1-2,5-9",
            "units=1-2",
            "bytes=+1-2",
        ] {
            check(other, Wanted::Whole);
        }
        assert_eq!(ask(&[]), Wanted::Whole);
    }

    #[test]
    fn range_counts_only_for_the_same_content() {
        let part = Wanted::Part(ByteRange { start: 5, end: 1000 });
        let check = |tag: &str, expected: Wanted| {
            assert_eq!(ask(&[(RANGE, "bytes=5-"), (IF_RANGE, tag)]), expected, "{tag}");
        };
        check("\"tag\"", part);
        for other in ["\"other\"", "W/\"tag\"", "tag", "Sat, 29 Oct 1994 19:43:31 GMT"] {
            check(other, Wanted::Whole);
        }
    }
}
