//! The canonical form of a request: what was signed, rebuilt from what came.
//!
//! Six parts joined by line feeds: method, path, query, header lines, names of the signed headers,
//! hash of the body (contract cbr-v3 10.2).

use std::collections::{BTreeMap, btree_map::Entry};

use crate::percent;
use crate::signature::{Refusal, Scheme};

/// The canonical path: decoded as a whole, then each segment encoded, with a slash at its end.
///
/// A `+` stays one. An encoded slash parts segments, because clients decode before they split.
/// Empty segments stay.
///
/// # Errors
/// [`Refusal::Target`] when it does not begin with a slash or holds half an escape.
pub fn path(raw: &str) -> Result<String, Refusal> {
    if !raw.starts_with('/') {
        return Err(Refusal::Target);
    }
    let decoded = percent::decode(raw).ok_or(Refusal::Target)?;
    let segments: Vec<String> = decoded.split(|&byte| byte == b'/').map(percent::encode).collect();
    let mut path = segments.join("/");
    if !path.ends_with('/') {
        path.push('/');
    }
    Ok(path)
}

/// The canonical query of a scheme.
///
/// A `+` is a space, a parameter without `=` has an empty value, and an empty parameter is none:
/// so forms are read everywhere. Plain and derived signatures hold all parameters, sorted by
/// decoded name, then value. Scoped ones hold the first value of each name, sorted by encoded name
/// without regard to case; names that differ in case only stand in no order that the client
/// itself would keep, here in that of their bytes.
///
/// # Errors
/// [`Refusal::Target`] when it holds half an escape.
pub fn query(scheme: Scheme, raw: &str) -> Result<String, Refusal> {
    let pairs = parameters(raw)?;
    let encoded: Vec<(String, String)> = match scheme {
        Scheme::Scoped => first_of_each(pairs),
        Scheme::Plain | Scheme::Derived => sorted(pairs)
            .into_iter()
            .map(|(name, value)| (percent::encode(&name), percent::encode(&value)))
            .collect(),
    };
    Ok(join(&encoded))
}

/// The query as the body of a form: what a scoped signature of a POST without a body covers in the
/// body's place. Sorted by name; values of one name keep their order.
///
/// # Errors
/// [`Refusal::Target`] when it holds half an escape.
pub fn form(raw: &str) -> Result<String, Refusal> {
    let mut pairs = parameters(raw)?;
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    let encoded: Vec<(String, String)> = pairs
        .iter()
        .map(|(name, value)| (percent::encode_form(name), percent::encode_form(value)))
        .collect();
    Ok(join(&encoded))
}

/// A header's line: name, colon, value, line feed. A scoped signature collapses white space.
pub(super) fn header_line(scheme: Scheme, name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    if scheme == Scheme::Scoped {
        let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for (number, word) in words.enumerate() {
            if number > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word);
        }
    } else {
        out.extend_from_slice(value.trim_ascii());
    }
    out.push(b'\n');
}

/// A decoded name and value.
type Parameter = (Vec<u8>, Vec<u8>);

fn parameters(raw: &str) -> Result<Vec<Parameter>, Refusal> {
    raw.split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            Some((percent::decode_form(name)?, percent::decode_form(value)?))
        })
        .collect::<Option<_>>()
        .ok_or(Refusal::Target)
}

fn sorted(mut pairs: Vec<Parameter>) -> Vec<Parameter> {
    pairs.sort_unstable();
    pairs
}

fn first_of_each(pairs: Vec<Parameter>) -> Vec<(String, String)> {
    let mut first = BTreeMap::new();
    for (name, value) in pairs {
        let name = percent::encode(&name);
        if let Entry::Vacant(entry) = first.entry((name.to_ascii_lowercase(), name)) {
            entry.insert(percent::encode(&value));
        }
    }
    first.into_iter().map(|((_, name), value)| (name, value)).collect()
}

fn join(pairs: &[(String, String)]) -> String {
    let parameters: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parameters.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_decoded_before_it_is_split() {
        let check = |raw: &str, canonical: &str| assert_eq!(path(raw).unwrap(), canonical, "{raw}");
        check("/", "/");
        check("/v3/a", "/v3/a/");
        check("/v3/a/", "/v3/a/");
        check("/v3//a//", "/v3//a//");
        check("//", "//");
        check("/a%2Fb", "/a/b/");
        check("/a%2fb%2F", "/a/b/");
        check("/a+b%2B", "/a%2Bb%2B/");
        check("/%2541", "/%2541/");
        check("/%41%7e", "/A~/");
        check("/ä&[1]*;", "/%C3%A4%26%5B1%5D%2A%3B/");
        check("/%ff", "/%FF/");
        for raw in ["", "v3", "*", "%2Fv3", "/%", "/%4", "/%zz"] {
            assert_eq!(path(raw), Err(Refusal::Target), "{raw}");
        }
    }

    #[test]
    fn query_of_plain_signatures_holds_every_parameter() {
        let check = |raw: &str, canonical: &str| {
            assert_eq!(query(Scheme::Plain, raw).unwrap(), canonical, "{raw}");
            assert_eq!(query(Scheme::Derived, raw).unwrap(), canonical, "{raw}");
        };
        check("", "");
        check("b=2&a=1", "a=1&b=2");
        check("status=b&status=a", "status=a&status=b");
        // By decoded names: `%` comes before `=` in neither of them.
        check("a%25=9&a=2", "a=2&a%25=9");
        check("a2=1&a%25=1", "a%25=1&a2=1");
        check("name&dec=true", "dec=true&name=");
        check("&&a=1&", "a=1");
        check("=x&=", "=&=x");
        check("a=b=c", "a=b%3Dc");
        check("a=x+y%2B%20", "a=x%20y%2B%20");
        check("a=%c3%A4", "a=%C3%A4");
        check("B=1&a=1", "B=1&a=1");
    }

    #[test]
    fn query_of_scoped_signatures_holds_first_values() {
        let check = |raw: &str, canonical: &str| {
            assert_eq!(query(Scheme::Scoped, raw).unwrap(), canonical, "{raw}");
        };
        check("", "");
        check("status=b&limit=1&status=a", "limit=1&status=b");
        check("B=1&a=1&C=1", "a=1&B=1&C=1");
        check("a=&a=1", "a=");
        check("a&a=1", "a=");
        check("b=1&B=2", "B=2&b=1");
        // By encoded names: the escape of a brace comes before the tilde.
        check("a~=1&a%7D=2", "a%7D=2&a~=1");
        check("%61=1&a=2", "a=1");
    }

    #[test]
    fn form_keeps_all_values_in_order() {
        assert_eq!(form("b=2&a=z+%2B&a=1&c").unwrap(), "a=z+%2B&a=1&b=2&c=");
        assert_eq!(form("").unwrap(), "");
    }

    #[test]
    fn half_an_escape_is_refused() {
        for raw in ["a=%", "%4=1", "a=1&b=%zz"] {
            assert_eq!(query(Scheme::Plain, raw), Err(Refusal::Target));
            assert_eq!(query(Scheme::Scoped, raw), Err(Refusal::Target));
            assert_eq!(form(raw), Err(Refusal::Target));
        }
    }

    #[test]
    fn header_line_collapses_white_space_in_scoped_signatures_only() {
        let line = |scheme, value: &[u8]| {
            let mut out = Vec::new();
            header_line(scheme, "a", value, &mut out);
            out
        };
        assert_eq!(line(Scheme::Plain, b" x  y\t z "), b"a:x  y\t z\n");
        assert_eq!(line(Scheme::Scoped, b" x  y\t z "), b"a:x y z\n");
        assert_eq!(line(Scheme::Plain, b"\xff"), b"a:\xff\n");
        assert_eq!(line(Scheme::Scoped, b""), b"a:\n");
    }
}
