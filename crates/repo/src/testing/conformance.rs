//! What every [`ObjectStore`] must do, as one suite of cases.
//!
//! # Why
//! The engine relies on the trait's words, so every backend is held to the same ones. Each case
//! gets a store without objects; [`object_store_conformance!`](crate::object_store_conformance)
//! makes a test of each.

#![expect(clippy::missing_panics_doc, reason = "a case panics when the store breaks the contract")]

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use strongroom_base::clock::BoxFuture;
use strongroom_base::rng::SeededRng;
use strongroom_base::{ByteRange, Rng, Timestamp};

use crate::object::{ObjectError, ObjectKey, ObjectStore};

/// One case of the suite.
pub type Case = for<'a> fn(&'a dyn ObjectStore) -> BoxFuture<'a, ()>;

/// Makes a module of tests, one for each case, that `$setup` runs: a function of the module around,
/// which takes a [`Case`] and gives it a store without objects.
#[macro_export]
macro_rules! object_store_conformance {
    ($module:ident, $setup:ident) => {
        $crate::object_store_conformance! {
            $module, $setup:
            put_then_get_returns_the_bytes,
            put_of_the_same_bytes_again_is_success,
            get_of_an_absent_key_is_not_found,
            get_range_returns_exactly_the_range,
            get_range_past_the_end_is_short,
            object_without_bytes_is_kept,
            object_of_32_mib_is_kept_whole,
            key_with_every_character_is_kept,
            list_is_ascending_and_bounded_by_its_prefix,
            list_tells_size_and_time,
            list_of_2500_keys_is_complete,
            delete_of_an_absent_key_is_success,
            deleted_object_is_gone,
            create_on_an_existing_key_is_refused,
            create_race_has_one_winner,
        }
    };
    ($module:ident, $setup:ident: $($case:ident,)*) => {
        mod $module {
            $(
                #[test]
                fn $case() {
                    super::$setup(|store| {
                        ::std::boxed::Box::pin($crate::testing::conformance::$case(store))
                    });
                }
            )*
        }
    };
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).expect("the suite uses valid keys")
}

/// `len` bytes that do not repeat.
fn random(seed: u64, len: usize) -> Bytes {
    let mut bytes = vec![0; len];
    SeededRng::new(seed).fill(&mut bytes);
    Bytes::from(bytes)
}

async fn keys(store: &dyn ObjectStore, prefix: &str) -> Vec<String> {
    let listed = store.list(prefix).await.expect("a listing works");
    listed.into_iter().map(|meta| meta.key.to_string()).collect()
}

/// What was put is read.
pub async fn put_then_get_returns_the_bytes(store: &dyn ObjectStore) {
    let (key, bytes) = (key("pack/0a-1"), random(1, 70_000));
    store.put(&key, bytes.clone()).await.expect("the key is free");
    assert_eq!(store.get(&key).await.expect("it was put"), bytes);
}

/// A repeated attempt of the same write is harmless.
pub async fn put_of_the_same_bytes_again_is_success(store: &dyn ObjectStore) {
    let (key, bytes) = (key("pack/0a-1"), random(1, 70_000));
    store.put(&key, bytes.clone()).await.expect("the key is free");
    store.put(&key, bytes.clone()).await.expect("the bytes are the same");
    assert_eq!(store.get(&key).await.expect("it was put"), bytes);
}

/// Absence is told apart from every other failure.
pub async fn get_of_an_absent_key_is_not_found(store: &dyn ObjectStore) {
    store.put(&key("pack/there"), random(1, 10)).await.expect("the key is free");
    for key in ["pack/absent", "manifest/absent"].map(key) {
        let error = store.get(&key).await.expect_err("nobody wrote it");
        assert!(error.is_not_found(), "{error:?}");
        let error = store.get_range(&key, ByteRange::at(0, 5)).await.expect_err("nobody wrote it");
        assert!(error.is_not_found(), "{error:?}");
    }
}

/// First, middle and last bytes, and ranges of nothing.
pub async fn get_range_returns_exactly_the_range(store: &dyn ObjectStore) {
    let (key, bytes) = (key("pack/0a-1"), random(2, 10_000));
    store.put(&key, bytes.clone()).await.expect("the key is free");
    for (start, end) in [(0, 1), (0, 10_000), (4_095, 8_193), (9_999, 10_000), (77, 77)] {
        let range = ByteRange { start: start as u64, end: end as u64 };
        let read = store.get_range(&key, range).await.expect("the object has this range");
        assert_eq!(read, bytes.slice(start..end), "{range:?}");
    }
    let end = store.get_range(&key, ByteRange::at(10_000, 0)).await.expect("nothing at the end");
    assert!(end.is_empty());
}

/// A range that the object does not have is never answered with less.
pub async fn get_range_past_the_end_is_short(store: &dyn ObjectStore) {
    let key = key("pack/0a-1");
    store.put(&key, random(2, 10_000)).await.expect("the key is free");
    for range in [
        ByteRange::at(9_999, 2),
        ByteRange::at(0, 10_001),
        ByteRange::at(10_000, 1),
        ByteRange::at(20_000, 5),
        ByteRange::at(10_001, 0),
        ByteRange::at(5_000, 1 << 40),
    ] {
        match store.get_range(&key, range).await {
            Err(ObjectError::Short { end, .. }) => assert_eq!(end, range.end),
            other => panic!("{range:?}: {other:?}"),
        }
    }
}

/// An object may be empty, and it is there.
pub async fn object_without_bytes_is_kept(store: &dyn ObjectStore) {
    let key = key("damaged/1");
    store.create(&key, Bytes::new()).await.expect("the key is free");
    assert_eq!(store.get(&key).await.expect("it was created"), Bytes::new());
    assert_eq!(keys(store, "damaged/").await, ["damaged/1"]);
    let again = store.create(&key, Bytes::new()).await;
    assert!(matches!(again, Err(ObjectError::AlreadyExists { .. })), "{again:?}");
}

/// The size of a large pack, not a multiple of any block, once in memory of any alignment and once
/// in memory that starts a page.
pub async fn object_of_32_mib_is_kept_whole(store: &dyn ObjectStore) {
    const LEN: usize = (32 << 20) + 77;
    let memory = random(3, LEN + 8192);
    let page = memory.as_ptr().align_offset(4096);
    for (name, start) in [("pack/page", page), ("pack/byte", page + 1)] {
        let (key, bytes) = (key(name), memory.slice(start..start + LEN));
        store.put(&key, bytes.clone()).await.expect("the key is free");
        assert!(store.get(&key).await.expect("it was put") == bytes, "{name} changed");
        let range = ByteRange::at((32 << 20) - 5, 82);
        let tail = store.get_range(&key, range).await.expect("the object has this range");
        assert_eq!(tail, bytes.slice(LEN - 82..));
    }
}

/// Every character that a key may have, and a long key.
pub async fn key_with_every_character_is_kept(store: &dyn ObjectStore) {
    let all = "0123456789abcdefghijklmnopqrstuvwxyz-/-x";
    let long = format!("hold/{}/{}", "a".repeat(100), "b".repeat(100));
    for text in [all, &long] {
        store.create(&key(text), random(4, 9)).await.expect("the key is free");
        assert_eq!(store.get(&key(text)).await.expect("it was created"), random(4, 9));
        assert_eq!(keys(store, text.split_at(text.len() - 1).0).await.len(), 1);
    }
}

/// Keys in order as whole texts, also where `-` sorts before `/`, and none of another prefix.
pub async fn list_is_ascending_and_bounded_by_its_prefix(store: &dyn ObjectStore) {
    let ascending = ["hold-x/1", "hold/a-1/1", "hold/a/1", "hold/a/2", "hold/b/1", "holds/1"];
    for text in ascending.iter().rev() {
        store.create(&key(text), random(5, 3)).await.expect("the key is free");
    }
    assert_eq!(keys(store, "").await, ascending);
    assert_eq!(keys(store, "hold/").await, ascending[1..5]);
    assert_eq!(keys(store, "hold/a/").await, ascending[2..4]);
    assert_eq!(keys(store, "grave/").await, Vec::<String>::new());
}

/// Sizes are exact and times are not absent.
pub async fn list_tells_size_and_time(store: &dyn ObjectStore) {
    store.put(&key("pack/1"), random(6, 12_345)).await.expect("the key is free");
    let listed = store.list("pack/").await.expect("a listing works");
    let [meta] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!(meta.size, 12_345);
    assert!(meta.modified > Timestamp(0), "the store dates its objects");
}

/// More keys than any store lists on one page.
pub async fn list_of_2500_keys_is_complete(store: &dyn ObjectStore) {
    let expected: Vec<String> = (0..2_500).map(|n| format!("pack/{n:04}")).collect();
    stream::iter(&expected)
        .for_each_concurrent(16, |text| async move {
            store.put(&key(text), random(7, 20)).await.expect("the key is free");
        })
        .await;
    assert_eq!(keys(store, "pack/").await, expected);
}

/// Deleting is repeatable.
pub async fn delete_of_an_absent_key_is_success(store: &dyn ObjectStore) {
    store.delete(&key("pack/absent")).await.expect("an absent object is as deleted");
}

/// A deleted object is neither read nor listed, and its key is free.
pub async fn deleted_object_is_gone(store: &dyn ObjectStore) {
    let key = key("session/1");
    store.create(&key, random(8, 50)).await.expect("the key is free");
    store.delete(&key).await.expect("it is there");
    let error = store.get(&key).await.expect_err("it was deleted");
    assert!(error.is_not_found(), "{error:?}");
    assert_eq!(keys(store, "session/").await, Vec::<String>::new());
    store.create(&key, random(9, 50)).await.expect("the key is free again");
    assert_eq!(store.get(&key).await.expect("it was created"), random(9, 50));
}

/// Who comes second changes nothing.
pub async fn create_on_an_existing_key_is_refused(store: &dyn ObjectStore) {
    let key = key("manifest/1");
    store.create(&key, random(10, 50)).await.expect("the key is free");
    for bytes in [random(11, 50), random(10, 50)] {
        let again = store.create(&key, bytes).await;
        assert!(matches!(again, Err(ObjectError::AlreadyExists { .. })), "{again:?}");
    }
    assert_eq!(store.get(&key).await.expect("it was created"), random(10, 50));
}

/// Of 16 that race for each of 5 keys one wins, and its bytes stay.
// proves: REPO-1
pub async fn create_race_has_one_winner(store: &dyn ObjectStore) {
    let keys = (0..5).map(|race| key(&format!("manifest/{race}")));
    join_all(keys.map(|key| race(store, key))).await;
}

async fn race(store: &dyn ObjectStore, key: ObjectKey) {
    let bodies: Vec<Bytes> = (0..16).map(|racer| random(racer, 300)).collect();
    let results = join_all(bodies.iter().map(|body| store.create(&key, body.clone()))).await;
    let won: Vec<_> = bodies.iter().zip(&results).filter(|(_, result)| result.is_ok()).collect();
    let [(body, _)] = won.as_slice() else { panic!("{} won: {results:?}", won.len()) };
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert!(matches!(error, ObjectError::AlreadyExists { .. }), "{error:?}");
    }
    assert_eq!(store.get(&key).await.expect("one won"), **body);
}
