//! The journal's bytes, pinned; docs/format.md quotes them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::to_hex;
use strongroom_base::{Clock, Rng, Secret, Timestamp};

use super::document::{Head, Segment};
use super::seal::{HEADER_LEN, LABEL, MAGIC};
use super::{Journal, JournalError, OwnerId, PAYLOAD_LEN, Writer, name};
use crate::crypto::derive;
use crate::object::memory::MemoryStore;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// Fills with one byte.
struct Same(u8);

impl Rng for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

const WRITER: Writer = Writer { owner: OwnerId([0x55; 16]), fence: 0x0102 };

fn journal() -> Journal {
    let store = MemoryStore::new(Arc::new(Still));
    Journal::new(Arc::new(store), Secret::new([0x22; 32]), Arc::new(Still), Arc::new(Same(0x66)))
}

/// A zstd frame (RFC 8878) of one raw block, so that these bytes do not depend on the library: magic,
/// a single segment of `len` bytes, the last block.
fn stored_frame(plain: &[u8]) -> Vec<u8> {
    let len = u8::try_from(plain.len()).unwrap();
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, len, len << 3 | 1, len >> 5, 0];
    frame.extend_from_slice(plain);
    frame
}

/// Seals `frame` as the bytes that `plain_len` bytes were compressed to.
fn seal_frame(key: &crate::object::ObjectKey, plain_len: u32, frame: &[u8]) -> Vec<u8> {
    let mut out = [&MAGIC[..], &[0x66; 32], &plain_len.to_le_bytes(), frame].concat();
    let seal = journal().object_key(&[0x66; 32]);
    seal.seal_tail(0, key.as_str().as_bytes(), &mut out, HEADER_LEN);
    out
}

#[test]
fn bytes_of_the_journal_are_stable() {
    let derived = derive(&Secret::new([0x22; 32]), &[0x66; 32], LABEL);
    assert_eq!(
        to_hex(derived.expose()),
        "c061cc415e8677b623e48e1c6704df66cff498eb32c523d2387dcf94b401acd4"
    );
    let keys = [name::head(0xab), name::segment(0xab), name::part(&[0x11; 16], 0xab)];
    assert_eq!(
        keys.map(|key| key.to_string()),
        [
            "head/000000ab",
            "segment/00000000000000ab",
            "part/11111111111111111111111111111111-000000ab",
        ]
    );
    let segment = Segment::encode(WRITER, true, b"change");
    assert_eq!(
        to_hex(&segment),
        "55555555555555555555555555555555\
         0201000000000000\
         01\
         6368616e6765"
    );
    let head = Head {
        owner: WRITER.owner,
        fence: 2,
        created: Timestamp(3),
        from: 4,
        snapshot: [0x11; 16],
        parts: 5,
    };
    assert_eq!(
        String::from_utf8(head.encode()).unwrap(),
        "{\"owner\":\"55555555555555555555555555555555\",\"fence\":2,\"created\":3,\"from\":4,\
         \"snapshot\":\"11111111111111111111111111111111\",\"parts\":5}"
    );
    assert_eq!(Head::decode(&head.encode()), Some(head));
    let sealed = seal_frame(&name::segment(1), 31, &stored_frame(&segment));
    // Computed by another program from docs/format.md.
    assert_eq!(
        to_hex(&sealed),
        "53524a3066666666666666666666666666666666666666666666666666666666\
         666666662785dd9b12b4aa261674df5efa999808f09958e42e92174a30f5c1a7\
         4ef1b747c81fd1866e98f75ece74d7454684d0d7980b6884b3fe9183d191b0ba"
    );
    let opened = journal().unseal(&name::segment(1), Bytes::from(sealed)).unwrap();
    assert_eq!(opened, segment);
}

#[test]
fn what_no_encoder_wrote_is_refused() {
    let segment = Segment::encode(WRITER, false, b"");
    assert!(Segment::decode(&segment).is_some());
    assert_eq!(Segment::decode(&segment[..24]), None);
    let mut unknown = segment.clone();
    unknown[24] = 2;
    assert_eq!(Segment::decode(&unknown), None);
    assert_eq!(Head::decode(b"{}"), None);
    let key = name::segment(0);
    let refused = |plain_len, frame: &[u8]| {
        let opened = journal().unseal(&key, Bytes::from(seal_frame(&key, plain_len, frame)));
        assert!(matches!(opened, Err(JournalError::Damaged { .. })), "{opened:?}");
    };
    let frame = stored_frame(b"12345");
    // Too short, too long, beyond the limit, no frame.
    refused(4, &frame);
    refused(6, &frame);
    refused(u32::MAX, &frame);
    refused(5, b"12345");
    let long = vec![0; PAYLOAD_LEN + 1];
    assert!(matches!(journal().seal(&key, &long), Err(JournalError::TooLong { .. })));
}
