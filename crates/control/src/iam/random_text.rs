//! Text that nobody can guess: passwords and access keys.

use strongroom_base::Rng;
use zeroize::Zeroizing;

/// Letters and digits without those that look like others (`0 O o 1 l I`): 56.
pub(super) const READABLE: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Upper-case letters and digits.
pub(super) const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Letters and digits.
pub(super) const ALPHANUMERIC: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Text of `length` characters of an ASCII `alphabet`, each as likely as any other.
pub(super) fn random_text(rng: &dyn Rng, alphabet: &[u8], length: usize) -> Zeroizing<String> {
    // It never grows, so no copy of it is left behind.
    let mut text = Zeroizing::new(String::with_capacity(length));
    // Bytes above would make the first characters likelier.
    let fair = 256 - 256 % alphabet.len();
    let mut byte = Zeroizing::new([0]);
    while text.len() < length {
        rng.fill(byte.as_mut());
        let [drawn] = *byte;
        let place = usize::from(drawn);
        let character = alphabet.get(place % alphabet.len()).filter(|_| place < fair);
        text.extend(character.map(|byte| char::from(*byte)));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use strongroom_base::rng::SeededRng;

    use super::*;

    #[test]
    fn text_is_long_enough_and_uses_its_alphabet_evenly() {
        let rng = SeededRng::new(3);
        for alphabet in [READABLE, UPPER, ALPHANUMERIC] {
            let length = alphabet.len() * 1000;
            let text = random_text(&rng, alphabet, length);
            assert_eq!(text.len(), length);
            let mut counts = BTreeMap::new();
            for byte in text.bytes() {
                *counts.entry(byte).or_insert(0) += 1;
            }
            let known: std::collections::BTreeSet<u8> = alphabet.iter().copied().collect();
            assert_eq!(known.len(), alphabet.len(), "no letter twice");
            assert!(counts.keys().eq(known.iter()));
            // Eight standard deviations; without the draw again they would be 24 apart.
            assert!(counts.values().all(|count| (750..1250).contains(count)), "{counts:?}");
        }
        assert_ne!(random_text(&rng, UPPER, 20), random_text(&rng, UPPER, 20));
    }
}
