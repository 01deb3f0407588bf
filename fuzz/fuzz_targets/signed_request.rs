//! A signed request with any head: its lines are method, path, query, and headers as `name:value`.
#![no_main]

use strongroom_api::signature::{BodyDigest, RequestHead, Scheme, SignedRequest, canonical};

type Header<'a> = (&'a [u8], &'a [u8]);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let mut text = || std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let (method, path, query) = (text(), text(), text());
    let headers: Vec<Header<'_>> = lines
        .filter_map(|line| line.iter().position(|&byte| byte == b':').map(|at| line.split_at(at)))
        .map(|(name, value)| (name, value.get(1..).unwrap_or_default()))
        .collect();
    check_canonical(path, query);
    check_request(RequestHead { method, path, query, headers: &headers });
    // Few inputs find the form of the header on their own: what follows it is tried with one that
    // signs all headers of the input.
    let names: Vec<String> = headers
        .iter()
        .map(|(name, _)| String::from_utf8_lossy(name).to_ascii_lowercase())
        .chain(["x-sdk-date".to_owned()])
        .collect();
    let rest = format!("SignedHeaders={}, Signature={}", names.join(";"), "0".repeat(64));
    for credential in [
        "SDK-HMAC-SHA256 Access=AK",
        "SDK-HMAC-SHA256 Credential=AK/20260101///sdk_request",
        "V11-HMAC-SHA256 Credential=AK/20260101/region/service",
    ] {
        let authorization = format!("{credential}, {rest}");
        let mut headers = headers.clone();
        headers.push((b"x-sdk-date", b"20260101T000000Z"));
        headers.push((b"authorization", authorization.as_bytes()));
        check_request(RequestHead { method, path, query, headers: &headers });
    }
});

/// What is canonical stays as it is.
fn check_canonical(path: &str, query: &str) {
    if let Ok(canonical) = canonical::path(path) {
        assert_eq!(canonical::path(&canonical), Ok(canonical));
    }
    for scheme in [Scheme::Scoped, Scheme::Plain, Scheme::Derived] {
        if let Ok(canonical) = canonical::query(scheme, query) {
            assert_eq!(canonical::query(scheme, &canonical), Ok(canonical));
        }
    }
    if let Ok(form) = canonical::form(query) {
        assert_eq!(canonical::form(&form), Ok(form));
    }
}

/// Nothing panics, and no signature is that of a key that does not exist.
fn check_request(head: RequestHead<'_>) {
    let Ok(signed) = SignedRequest::parse(head) else { return };
    for body in [b"".as_slice(), b"{}"] {
        if let Ok(claim) = signed.claim(BodyDigest::of(body), signed.date()) {
            assert!(!claim.strings_to_sign.is_empty());
            assert!(!claim.is_signed_with(None));
        }
    }
}
