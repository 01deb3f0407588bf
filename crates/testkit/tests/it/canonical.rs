//! The canonical form does not depend on how a client spelled its percent-encoding.

use proptest::prelude::*;
use strongroom_api::signature::{Scheme, canonical};

const SCHEMES: [Scheme; 3] = [Scheme::Scoped, Scheme::Plain, Scheme::Derived];

/// How one byte is written.
#[derive(Debug, Clone, Copy)]
enum Spelling {
    Raw,
    UpperHex,
    LowerHex,
}

fn spelling() -> impl Strategy<Value = Spelling> {
    prop_oneof![Just(Spelling::Raw), Just(Spelling::UpperHex), Just(Spelling::LowerHex)]
}

/// A byte and two ways to write it.
type Spelled = (u8, Spelling, Spelling);

fn spelled_bytes() -> impl Strategy<Value = Vec<Spelled>> {
    prop::collection::vec((any::<u8>(), spelling(), spelling()), 0..24)
}

/// Writes bytes as they are spelled; `plain` tells which bytes may stand for themselves.
fn write(bytes: impl Iterator<Item = (u8, Spelling)>, plain: fn(u8) -> bool) -> String {
    bytes
        .map(|(byte, spelling)| match spelling {
            Spelling::Raw if plain(byte) => char::from(byte).to_string(),
            Spelling::LowerHex => format!("%{byte:02x}"),
            Spelling::Raw | Spelling::UpperHex => format!("%{byte:02X}"),
        })
        .collect()
}

/// A path's slash may be escaped: clients decode before they split.
fn is_plain_in_path(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"%?#".contains(&byte)
}

fn is_plain_in_query(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"%#&=+".contains(&byte)
}

fn first(bytes: &[Spelled]) -> impl Iterator<Item = (u8, Spelling)> {
    bytes.iter().map(|&(byte, one, _)| (byte, one))
}

fn second(bytes: &[Spelled]) -> impl Iterator<Item = (u8, Spelling)> {
    bytes.iter().map(|&(byte, _, other)| (byte, other))
}

proptest! {
    #[test]
    fn path_is_stable_under_spelling(bytes in spelled_bytes()) {
        let one = format!("/{}", write(first(&bytes), is_plain_in_path));
        let other = format!("/{}", write(second(&bytes), is_plain_in_path));
        let canonical = canonical::path(&one).unwrap();
        prop_assert_eq!(&canonical, &canonical::path(&other).unwrap());
        prop_assert_eq!(&canonical, &canonical::path(&canonical).unwrap());
    }

    #[test]
    fn query_is_stable_under_spelling(
        pairs in prop::collection::vec((spelled_bytes(), spelled_bytes()), 0..6),
    ) {
        let text = |side: fn(&[Spelled]) -> Vec<(u8, Spelling)>, space: &str| {
            let parameters: Vec<String> = pairs
                .iter()
                .map(|(name, value)| {
                    let name = write(side(name).into_iter(), is_plain_in_query);
                    let value = write(side(value).into_iter(), is_plain_in_query);
                    format!("{name}={value}").replace("%20", space)
                })
                .collect();
            parameters.join("&")
        };
        let one = text(|bytes| first(bytes).collect(), "%20");
        let other = text(|bytes| second(bytes).collect(), "+");
        for scheme in SCHEMES {
            let canonical = canonical::query(scheme, &one).unwrap();
            prop_assert_eq!(&canonical, &canonical::query(scheme, &other).unwrap());
            prop_assert_eq!(&canonical, &canonical::query(scheme, &canonical).unwrap());
        }
        prop_assert_eq!(canonical::form(&one).unwrap(), canonical::form(&other).unwrap());
    }

    #[test]
    fn plain_query_does_not_depend_on_the_order(
        pairs in prop::collection::vec("[a-c%=]{0,2}", 0..6).prop_shuffle(),
    ) {
        let parameters: Vec<String> = pairs.iter().map(|text| text.replace('%', "%25")).collect();
        let mut reversed = parameters.clone();
        reversed.reverse();
        for scheme in [Scheme::Plain, Scheme::Derived] {
            prop_assert_eq!(
                canonical::query(scheme, &parameters.join("&")).unwrap(),
                canonical::query(scheme, &reversed.join("&")).unwrap()
            );
        }
    }

    #[test]
    fn different_paths_have_different_forms(one in "/[a-c/%+]{0,6}", other in "/[a-c/%+]{0,6}") {
        let escape = |text: &str| text.replace('%', "%25");
        // But for the one slash at the end, which counts as there.
        let whole = |text: &str| if text.ends_with('/') { text.to_owned() } else { format!("{text}/") };
        let is_same = whole(&one) == whole(&other);
        let is_same_form =
            canonical::path(&escape(&one)).unwrap() == canonical::path(&escape(&other)).unwrap();
        prop_assert_eq!(is_same, is_same_form);
    }
}
