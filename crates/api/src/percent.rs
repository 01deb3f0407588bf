//! Percent-encoding, as paths, queries and signatures have it.

use std::fmt::Write as _;

/// Undoes percent-encoding; none when a `%` is not followed by two hexadecimal digits.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            decoded.push(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

/// Undoes the encoding of forms: a `+` is a space too.
pub(crate) fn decode_form(text: &str) -> Option<Vec<u8>> {
    decode(&text.replace('+', " "))
}

/// Every byte but letters, digits and `-_.~` becomes `%XX` with upper-case digits.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    encoded
}

/// The same, with `+` for a space.
pub(crate) fn encode_form(bytes: &[u8]) -> String {
    encode(bytes).replace("%20", "+")
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decode_takes_whole_escapes_only() {
        let check = |text: &str, bytes: Option<&[u8]>| assert_eq!(decode(text).as_deref(), bytes);
        check("a+b%2F%2f%00", Some(b"a+b//\0"));
        check("%E4%b8%AD", Some("中".as_bytes()));
        check("%2541", Some(b"%41"));
        for text in ["%", "%4", "%zz", "a%+1", "%%41"] {
            check(text, None);
        }
        assert_eq!(decode_form("a+b%2B").unwrap(), b"a b+");
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)).unwrap(), bytes.clone());
            prop_assert_eq!(decode_form(&encode_form(&bytes)).unwrap(), bytes);
        }
    }
}
