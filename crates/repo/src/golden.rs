//! Golden encodings: the bytes of each object kind, pinned.
//!
//! # Why
//! A change of the format must be seen as one. docs/format.md, "Golden encodings", quotes the
//! figures below, so that another implementation can check itself against them. Compressed bytes
//! belong to the library that made them, so the compressed frame here is written by hand.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use strongroom_base::block::testing::MemorySource;
use strongroom_base::clock::BoxFuture;
use strongroom_base::ids::{RepoId, SessionId, to_hex};
use strongroom_base::{Clock, Rng, Secret, Timestamp};

use crate::buffer::BufferPool;
use crate::buried::BuriedDoc;
use crate::compute::Inline;
use crate::crypto::slot::{self, RepoSecrets};
use crate::crypto::{RepoKeys, UnitId, derive};
use crate::format::{self, Config, Sharing};
use crate::index::segment::{self, IndexedPack};
use crate::key::{self, PackId};
use crate::manifest::ManifestDoc;
use crate::manifest::node::Node;
use crate::memory::MemoryBudget;
use crate::object::ObjectKey;
use crate::object::memory::MemoryStore;
use crate::pack::PackKind;
use crate::pack::builder::{PackBuilder, SealedPack};
use crate::pack::frame::{Codec, FrameUnit, PackedFrame, Payload, RawFrame};
use crate::repository::{Env, Repository};
use crate::{CollectOptions, DiskInput, NewBackup, VerifyOptions};

const REPO: RepoId = RepoId([0x11; 16]);
const MASTER: [u8; 32] = [0x22; 32];
const REPO_KEY: [u8; 32] = [0x33; 32];
const NAME_SECRET: [u8; 32] = [0x44; 32];
const SESSION: SessionId = SessionId([0x55; 16]);

/// Gives the bytes 00 01 02 .. ff 00 .., going on where the last call ended.
#[derive(Default)]
struct CountingRng(std::sync::Mutex<u8>);

impl Rng for CountingRng {
    fn fill(&self, bytes: &mut [u8]) {
        let mut next = self.0.lock().unwrap();
        for byte in bytes {
            *byte = *next;
            *next = next.wrapping_add(1);
        }
    }
}

/// A clock that stands still.
struct StoppedClock;

impl Clock for StoppedClock {
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

fn keys() -> RepoKeys {
    RepoKeys::new(REPO, &Secret::new(REPO_KEY), &Secret::new(NAME_SECRET))
}

fn env(store: &MemoryStore, rng: Arc<dyn Rng>) -> Env {
    Env {
        store: Arc::new(store.clone()),
        clock: Arc::new(StoppedClock),
        rng,
        compute: Arc::new(Inline),
        memory: MemoryBudget::default(),
    }
}

fn repository() -> Repository {
    let store = MemoryStore::new(Arc::new(StoppedClock));
    let env = env(&store, Arc::new(CountingRng::default()));
    Repository { env, keys: keys(), sharing: Sharing::Many, without: None }
}

/// Length, first 48 bytes and BLAKE3 of `bytes`.
fn check(bytes: &[u8], len: usize, head: &str, digest: &str) {
    let found = to_hex(bytes.get(..48.min(bytes.len())).unwrap());
    let sum = blake3::hash(bytes).to_hex();
    assert_eq!((bytes.len(), found.as_str(), sum.as_str()), (len, head, digest));
}

#[test]
fn derived_keys_are_stable() {
    let check = |secret: [u8; 32], salt: &[u8], label: &str, hex: &str| {
        assert_eq!(to_hex(derive(&Secret::new(secret), salt, label).expose()), hex, "{label}");
    };
    check(
        REPO_KEY,
        &REPO.0,
        "strongroom/0/control",
        "00dd6c0442216440c94c06a0d7b19700c0e3f260c1b7865754ef8e8c09c792fa",
    );
    check(
        REPO_KEY,
        &REPO.0,
        "strongroom/0/epoch/0",
        "1cb5333cee4b4a390321feea8bd8b3abfe6a51eba1e33542aecad737170f80eb",
    );
    check(
        NAME_SECRET,
        &REPO.0,
        "strongroom/0/unit-names",
        "1ec663f1969cc5fbdaa949c329f7455c7d456b304f8c29f40291e86603151a60",
    );
    check(
        NAME_SECRET,
        &REPO.0,
        "strongroom/0/node-names",
        "a83dc8edaca7681e5869a03457f2818c1c08e278d84f3ce7b51a52dad40d888d",
    );
    check(
        MASTER,
        &[0x66; 32],
        "strongroom/0/slot",
        "13f4b457d07a1036116f248ca29ebac2e2298fb72d1ee13003b93314b16ecbc0",
    );
    check(
        MASTER,
        &[0x66; 32],
        "strongroom/0/slot-check",
        "a53a89f7b3944d6074f3f96a110c9ecc4352567b7b7a951651cf834e68aaf7cf",
    );
}

#[test]
fn names_are_stable() {
    let keys = keys();
    assert_eq!(
        keys.unit_id(b"unit").to_string(),
        "558651baaaa820b0a7bf6b1b1e2fb9ad27e8d1501271ddc2ae6ca349f57471cd"
    );
    assert_eq!(
        keys.node_id(b"unit").to_string(),
        "7391ab1cf51d9637fe31bb7a19e618c09e9d9cc921344784718e0d2eee6da0dc"
    );
}

#[test]
fn config_is_stable() {
    let config = Config { version: 0, repo: REPO, sharing: Sharing::Many };
    let config = format::encode(&config);
    assert_eq!(
        String::from_utf8(config).unwrap(),
        "{\"magic\":\"strongroom repository\",\"version\":0,\
         \"repo\":\"11111111111111111111111111111111\"}\n\
         4bbd55aa0fcc205f158cddbf7b426ec28b0b110054fa99974505b2b8895e2d31\n"
    );
}

#[test]
fn slot_is_stable() {
    let secrets =
        RepoSecrets { repo_key: Secret::new(REPO_KEY), name_secret: Secret::new(NAME_SECRET) };
    let slot = slot::wrap(&secrets, &Secret::new(MASTER), REPO, &CountingRng::default());
    check(
        &slot,
        168,
        "5352534c4f540000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f91c23b5ce70e2a2d",
        "afa6f38d2480a092731fc2b4a3ca2eca3001be1cf3677532dc30584e01d7926c",
    );
}

#[test]
fn control_object_is_stable() {
    let at = key::of_session(key::MANIFESTS, SESSION);
    let plain = serde_json::to_vec(&ManifestDoc::Tombstone { by: SessionId([0x77; 16]) }).unwrap();
    assert_eq!(plain, br#"{"kind":"tombstone","by":"77777777777777777777777777777777"}"#);
    check(
        &repository().seal(&at, &plain),
        112,
        "53524330000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f1ecfb593d81675daff239f4d",
        "8fdfebc9ccd7818467b810904e53bf6d9e656f3bac43d29fbf6e654937732aee",
    );
}

fn node() -> Node {
    let mut node = Node::empty(0);
    node.children[0] = Some(keys().unit_id(b"unit"));
    node.children[9] = Some(keys().unit_id(b"strongroom"));
    node
}

#[test]
fn node_is_stable() {
    let node = node().encode();
    check(
        &node,
        97,
        "000102000000000000000000000000000000000000000000000000000000000000558651baaaa820b0a7bf6b1b1e2fb9",
        "e1c4031f901492cd004991048650b8d27f9eb16a4b2e4da69d0aff85593bf7a1",
    );
    assert_eq!(
        keys().node_id(&node).to_string(),
        "a2600c7e51240c9473e4949d824eb079b5525d43f1f0a944cc9e1711b97e11ee"
    );
}

fn frame(codec: Codec, raw: &[&[u8]], payload: Vec<u8>) -> PackedFrame {
    let name = |bytes: &&[u8]| FrameUnit {
        id: keys().unit_id(bytes),
        len: u32::try_from(bytes.len()).unwrap(),
    };
    let units: Vec<_> = raw.iter().map(name).collect();
    let raw_len = units.iter().map(|unit| unit.len).sum();
    let payload = match codec {
        Codec::Raw => Payload::Raw(RawFrame::gathered(payload, Vec::new())),
        Codec::Zstd => Payload::Compressed(payload),
    };
    PackedFrame { codec, payload, raw_len, units }
}

/// Two frames: one stored raw, one compressed.
fn data_pack() -> SealedPack {
    let id = PackId { session: SESSION, number: 1 };
    let mut pack = PackBuilder::new(
        id,
        PackKind::Data,
        &keys(),
        &CountingRng::default(),
        &BufferPool::default(),
    );
    pack.push(frame(Codec::Raw, &[b"unit"], b"unit".to_vec()));
    // Magic, descriptor (single segment), content size 14, block header (last, raw, 14 bytes).
    let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, 14, 14 << 3 | 1, 0, 0];
    zstd.extend_from_slice(b"strongroomunit");
    pack.push(frame(Codec::Zstd, &[b"strongroom", b"unit"], zstd));
    pack.finish()
}

fn node_pack() -> SealedPack {
    let id = PackId { session: SESSION, number: 2 };
    let mut pack = PackBuilder::new(
        id,
        PackKind::Nodes,
        &keys(),
        &CountingRng::default(),
        &BufferPool::default(),
    );
    let bytes = node().encode();
    let unit = FrameUnit { id: keys().node_id(&bytes), len: u32::try_from(bytes.len()).unwrap() };
    let raw_len = unit.len;
    let payload = Payload::Raw(RawFrame::gathered(bytes, Vec::new()));
    pack.push(PackedFrame { codec: Codec::Raw, payload, raw_len, units: vec![unit] });
    pack.finish()
}

#[test]
fn packs_are_stable() {
    let data = data_pack();
    check(
        &data.bytes,
        282,
        "53525041434b00000000000000000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "68b71a01acbef994214a47b2595b4fb6beb1de2ade2ade6bac2b0902b4905dc4",
    );
    check(
        &data.footer.encode(),
        147,
        "00020000003000000014000000040000000001000000558651baaaa820b0a7bf6b1b1e2fb9ad27e8d1501271ddc2ae6c",
        "dba9abea441a9fd70538187ecade5a786d78df8394d6ad4da694cdb533e6a59e",
    );
    check(
        &node_pack().bytes,
        247,
        "53525041434b00000000010000000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "2bcf43e42de67715f1599d7214f6033d8f1298ab99292ff2b8cbfd05bfcee695",
    );
}

#[test]
fn pack_of_golden_bytes_opens() {
    use crate::pack::open::OpenPack;
    let pack = data_pack();
    let (salt, kind) = crate::pack::open::parse_header(&pack.bytes).unwrap();
    let open = OpenPack::new(&keys(), pack.id, &salt);
    assert_eq!(kind, PackKind::Data);
    assert_eq!(open.footer(&pack.bytes).unwrap(), pack.footer);
    let indexed = segment::encode(&[pack.clone().into()]);
    let index = segment::Segment::decode(indexed).unwrap().unwrap();
    let (_, place) = index.frame(1).unwrap();
    let sealed = &pack.bytes[place.offset as usize..(place.offset + place.sealed_len) as usize];
    let (mut scratch, mut out) = (Vec::new(), Vec::new());
    open.open_frame(place, sealed, &mut scratch, &mut out).unwrap();
    assert_eq!(out, b"strongroomunit");
}

#[test]
fn index_segment_is_stable() {
    let packs: Vec<IndexedPack> = vec![data_pack().into(), node_pack().into()];
    let plain = segment::encode(&packs);
    check(
        &plain,
        400,
        "5352494e4445580000000000020000000300000004000000555555555555555555555555555555550100000000000000",
        "aac3accf07a3e30e96d4dd820bb85091ccf8b7116b005022f74d2262023679db",
    );
    let at = key::numbered(key::INDEX, SESSION, 0);
    check(
        &repository().seal(&at, &plain),
        452,
        "53524330000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f36bf97b4f2370fe0dd57f020",
        "3fe8e69421430b75c9d91348cfc5115a43b4b2c27d561e0bbf7a9fb7f3e80b7b",
    );
}

/// A document with its ids, names and numbers replaced: `ID`, `NAME`, `N`.
fn shape(json: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in json.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let is_hex = word.bytes().all(|b| b.is_ascii_hexdigit());
        let is_number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
        match (is_hex, word.len()) {
            (true, 32) => out.push_str("ID"),
            (true, 64) => out.push_str("NAME"),
            _ if is_number => out.push('N'),
            _ => out.push_str(&word),
        }
        word.clear();
        out.push(c);
    }
    out.trim_end().to_owned()
}

/// The shape of the document in the newest object below `prefix`.
async fn document(repo: &Repository, prefix: &str) -> String {
    let listed = repo.list(prefix).await.unwrap();
    let at = &listed.last().unwrap_or_else(|| panic!("nothing below {prefix}")).key;
    let plain = repo.unseal(at, repo.env.store.get(at).await.unwrap()).unwrap();
    shape(&String::from_utf8(plain).unwrap())
}

async fn backup(repo: &Repository, byte: u8) -> SessionId {
    let mut bytes = vec![byte; 100_000];
    bytes[70_000..].fill(0);
    let source = Arc::new(MemorySource::new(bytes));
    let input = DiskInput { name: "root".to_owned(), source };
    repo.backup(NewBackup::of(vec![input], Vec::new())).await.unwrap().0
}

#[test]
fn documents_have_these_fields() {
    let store = MemoryStore::new(Arc::new(StoppedClock));
    let rng = Arc::new(strongroom_base::rng::SeededRng::new(1));
    let now = CollectOptions { grave_delay: Duration::ZERO, ..CollectOptions::default() };
    let check = async {
        let repo = Repository::init(env(&store, rng), &Secret::new(MASTER)).await.unwrap();
        let is = async |prefix: &str, text: &str| {
            assert_eq!(document(&repo, prefix).await, text, "{prefix}");
        };
        let id = backup(&repo, 1).await;
        is("session/", r#"{"kind":"writer","manifests":[],"started":N}"#).await;
        is(
            "manifest/",
            r#"{"kind":"backup","created":N,"parents":[],"disks":[{"name":"root","size":N,"root":"NAME"}],"server":null,"description":"","cost":{"read":N,"new":N,"stored":N,"duration_ms":N}}"#,
        )
        .await;
        repo.delete(id).await.unwrap();
        is("grave/", r#"{"by":"ID"}"#).await;
        repo.undelete(id).await.unwrap();
        is("ungrave/", r#"{"by":"ID","accepted":true}"#).await;
        let until = Timestamp(2_000_000_000_000_000);
        repo.hold(id, until, "audit").await.unwrap();
        is("hold/", r#"{"until":N,"kind":"audit","by":"ID"}"#).await;
        let other = backup(&repo, 2).await;
        let pack = repo.list(key::PACKS).await.unwrap();
        let first = format!("pack/{other}-00000000");
        let pack = pack.into_iter().find(|meta| meta.key.as_str() == first).unwrap();
        let mut damaged = store.raw(&pack.key).unwrap().to_vec();
        damaged[60] ^= 1;
        store.overwrite(&pack.key, Bytes::from(damaged));
        repo.verify(&VerifyOptions::default()).await.unwrap();
        is("damaged/", r#"{"packs":[],"frames":[[{"session":"ID","number":N},N]]}"#).await;
        is("end/", r#"{"by":"ID"}"#).await;
        repo.delete(other).await.unwrap();
        repo.collect(&now).await.unwrap();
        // How many packs are condemned is the collector's choice, not the format's.
        let condemned = document(&repo, "condemned/").await;
        let pack = r#"{"session":"ID","number":N}"#;
        let packs = vec![pack; condemned.matches(pack).count()].join(",");
        assert_eq!(condemned, format!(r#"{{"packs":[{packs}],"manifests":["ID"]}}"#));
        assert!(packs.contains(pack));
        is("done/", r#"{"by":"ID"}"#).await;
        // On a clock that stands still everything is old at once.
        let bury = CollectOptions { latest_arrival: Duration::ZERO, merge_graves: 1, ..now };
        for _ in 0..2 {
            repo.collect(&bury).await.unwrap();
        }
        is("buried/", r#"{"manifests":["ID"]}"#).await;
    };
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(check);
}

#[test]
fn buried_set_is_stable() {
    let manifests = [SessionId([0x77; 16]), SESSION].into_iter().collect();
    let plain = serde_json::to_vec(&BuriedDoc { manifests }).unwrap();
    assert_eq!(
        String::from_utf8(plain.clone()).unwrap(),
        r#"{"manifests":["55555555555555555555555555555555","77777777777777777777777777777777"]}"#
    );
    let at = key::numbered(key::BURIED, SESSION, 0);
    check(
        &repository().seal(&at, &plain),
        137,
        "53524330000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f1ecfb39bd81b3185ae238302",
        "2ffda811a757145a4d1cd1e69d7890f702feb068b3bf02a5d53548a19c57e6c8",
    );
}

#[test]
fn keys_are_stable() {
    let check = |key: ObjectKey, text: &str| assert_eq!(key.as_str(), text);
    let ones = "55555555555555555555555555555555";
    check(key::config(), "config");
    check(PackId { session: SESSION, number: 0x1f }.key(), &format!("pack/{ones}-0000001f"));
    check(key::of_session(key::MANIFESTS, SESSION), &format!("manifest/{ones}"));
    check(key::numbered(key::ALIVE, SESSION, 3), &format!("alive/{ones}-00000003"));
    check(key::numbered(key::INTENTS, SESSION, 1), &format!("intent/{ones}-00000001"));
    check(key::numbered(key::BURIED, SESSION, 0), &format!("buried/{ones}-00000000"));
    check(key::marker(key::GRAVES, SESSION), &format!("grave/marker-{ones}"));
    assert_eq!(UnitId([0xab; 32]).to_string(), "ab".repeat(32));
}
