//! Random 128-bit identifiers, one type for each thing they name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// Text that is not an identifier: 32 lower-case hexadecimal digits, a task's with dashes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id is 32 lower-case hexadecimal digits, a task's is a UUID with dashes")]
pub struct IdError;

/// Writes `bytes` as lower-case hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes);
    text
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
}

/// The hexadecimal digit of a number below 16. Lists write thousands of ids: a formatter is slower
/// by far.
fn digit(number: u8) -> char {
    char::from(if number < 10 { b'0' + number } else { b'a' + number - 10 })
}

/// Reads exactly `N` bytes of lower-case hexadecimal digits.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks();
    let pairs: &[[u8; 2]; N] = pairs.try_into().ok()?;
    rest.is_empty().then(|| from_pairs(pairs))?
}

/// Reads pairs of digits. All are read before any is refused: there is nothing to branch on.
fn from_pairs<const N: usize>(pairs: &[[u8; 2]; N]) -> Option<[u8; N]> {
    let mut digits = 0;
    let bytes = pairs.map(|pair| {
        let [high, low] = pair.map(number);
        digits |= high | low;
        high << 4 | low
    });
    (digits < 16).then_some(bytes)
}

/// The number that a hexadecimal digit is; 255 for what is none.
const fn number(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => u8::MAX,
    }
}

/// Writes `bytes` as a UUID with dashes.
pub fn to_dashed(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        push_hex(&mut text, &[*byte]);
    }
    text
}

/// Reads a lower-case UUID with dashes.
pub fn from_dashed(text: &str) -> Option<[u8; 16]> {
    const PAIRS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let mut pairs = [[0; 2]; 16];
    for (pair, place) in pairs.iter_mut().zip(PAIRS) {
        *pair = *text.get(place..)?.first_chunk()?;
    }
    let is_dashed = [8, 13, 18, 23].iter().all(|place| text.get(*place) == Some(&b'-'));
    is_dashed.then(|| from_pairs(&pairs))?
}

/// Random bytes with the version and variant of a random UUID (RFC 9562, version 4).
pub fn random_uuid(rng: &dyn Rng) -> [u8; 16] {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

fn random_bytes(rng: &dyn Rng) -> [u8; 16] {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    bytes
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $random:expr, $write:expr, $read:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// A new random id.
            pub fn random(rng: &dyn Rng) -> Self {
                Self($random(rng))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&$write(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                $read(text).map(Self).ok_or(IdError)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                $write(&id.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }
    };
}

id! {
    /// One repository: a key prefix with our format, keys and packs.
    RepoId, random_bytes, to_hex, from_hex
}
id! {
    /// One announced presence of a writer, reader or collector in a repository. A writer's session
    /// id is also the id of the manifest that it commits.
    SessionId, random_bytes, to_hex, from_hex
}
id! {
    /// One task: a durable piece of work that a worker carries out. Users see its id, as a UUID.
    TaskId, random_uuid, to_dashed, from_dashed
}

/// The id of a manifest: that of the session that committed it.
pub type ManifestId = SessionId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_round_trips_as_text() {
        let id = RepoId(*b"0123456789abcdef");
        assert_eq!(id.to_string().parse::<RepoId>(), Ok(id));
        assert_eq!("xyz".parse::<RepoId>(), Err(IdError));
        assert_eq!("3031323334353637383961626364656G".parse::<RepoId>(), Err(IdError));
        assert_eq!("303132333435363738396162636465".parse::<RepoId>(), Err(IdError));
        assert_eq!("303132333435363738396162636465666".parse::<RepoId>(), Err(IdError));
        let task = TaskId(*b"0123456789abcdef");
        assert_eq!(task.to_string(), "30313233-3435-3637-3839-616263646566");
        assert_eq!(task.to_string().parse::<TaskId>(), Ok(task));
        assert_eq!("30313233343536373839616263646566".parse::<TaskId>(), Err(IdError));
        assert_eq!("30313233-3435-3637-3839-61626364656".parse::<TaskId>(), Err(IdError));
        assert_eq!("30313233-3435-3637-3839_616263646566".parse::<TaskId>(), Err(IdError));
        assert_eq!("30313233-3435-3637-3839-61626364656F".parse::<TaskId>(), Err(IdError));
        assert_eq!("é0313233-3435-3637-3839-61626364656".parse::<TaskId>(), Err(IdError));
    }
}
