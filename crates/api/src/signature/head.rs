//! What comes before the body of a request, as it was on the wire.

use crate::signature::ParseError;

/// The head of a request, with the bytes that came: nothing decoded, nothing normalised.
#[derive(Debug, Clone, Copy)]
pub struct RequestHead<'a> {
    /// In upper case, as HTTP has it.
    pub method: &'a str,
    /// The path as sent, with its mount prefix; no query.
    pub path: &'a str,
    /// What follows the question mark; empty when there is none.
    pub query: &'a str,
    /// Names in any case and values. HTTP/2 has no `host`: the caller puts the `:authority` there.
    pub headers: &'a [(&'a [u8], &'a [u8])],
}

impl<'a> RequestHead<'a> {
    /// The one value of a header, `name` in lower case; none when it is not there.
    pub(super) fn header(&self, name: &str) -> Result<Option<&'a [u8]>, ParseError> {
        let mut values = self
            .headers
            .iter()
            .filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|&(_, value)| value.trim_ascii());
        let value = values.next();
        if values.next().is_some() {
            return Err(ParseError::Repeated { name: name.to_owned() });
        }
        // A line break cannot come over the wire; in the canonical form it would be a header more.
        if value.is_some_and(|value| value.iter().any(|byte| b"\r\n\0".contains(byte))) {
            return Err(ParseError::HeaderValue { name: name.to_owned() });
        }
        Ok(value)
    }

    /// The one value of a header that holds visible ASCII only.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, ParseError> {
        let Some(value) = self.header(name)? else { return Ok(None) };
        match str::from_utf8(value) {
            Ok(text) if text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) => {
                Ok(Some(text))
            }
            _ => Err(ParseError::HeaderValue { name: name.to_owned() }),
        }
    }
}
