//! The store in a bucket, on real servers.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use opendal::Operator;
use strongroom_base::ByteRange;
use strongroom_base::clock::BoxFuture;
use strongroom_base::rng::OsRng;
use strongroom_repo::object::probe::{ProbeError, probe};
use strongroom_repo::object::s3::{S3Credentials, S3Store};
use strongroom_repo::object::{ObjectError, ObjectKey, ObjectMeta, ObjectResult, ObjectStore};
use strongroom_repo::testing::conformance::Case;
use strongroom_repo::testing::s3_server::{S3Server, S3ServerKind};
use tokio::runtime::{Builder, Runtime};

strongroom_repo::object_store_conformance!(seaweedfs, with_seaweedfs);
strongroom_repo::object_store_conformance!(versitygw, with_versitygw);

const KINDS: [S3ServerKind; 2] = [S3ServerKind::SeaweedFs, S3ServerKind::VersityGw];

/// One server of a kind for all tests; it ends with this process.
fn server(kind: S3ServerKind) -> &'static S3Server {
    static SEAWEEDFS: OnceLock<S3Server> = OnceLock::new();
    static VERSITYGW: OnceLock<S3Server> = OnceLock::new();
    let server = match kind {
        S3ServerKind::SeaweedFs => &SEAWEEDFS,
        S3ServerKind::VersityGw => &VERSITYGW,
    };
    server.get_or_init(|| S3Server::start(kind).unwrap_or_else(|error| panic!("{error}")))
}

/// One runtime for all tests, because the HTTP client shares its connections between them.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| Builder::new_multi_thread().enable_all().build().unwrap())
        .block_on(future)
}

/// A store without objects.
fn store(kind: S3ServerKind) -> S3Store {
    static STORES: AtomicU32 = AtomicU32::new(0);
    let server = server(kind);
    let address = server.address(&format!("t/{}", STORES.fetch_add(1, Ordering::Relaxed)));
    S3Store::open(&address, &server.credentials()).unwrap()
}

fn with_seaweedfs(case: Case) {
    block_on(case(&store(S3ServerKind::SeaweedFs)));
}

fn with_versitygw(case: Case) {
    block_on(case(&store(S3ServerKind::VersityGw)));
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

// proves: REPO-1
#[test]
fn probe_of_real_servers_passes() {
    for kind in KINDS {
        let store = store(kind);
        block_on(probe(&store, &OsRng)).unwrap_or_else(|error| panic!("{kind:?}: {error:?}"));
        assert_eq!(block_on(store.list("")).unwrap(), [], "{kind:?}");
    }
}

/// A bucket whose server ignores If-None-Match.
#[derive(Debug)]
struct Unconditional(S3Store);

impl ObjectStore for Unconditional {
    fn label(&self) -> String {
        self.0.label()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        self.0.put(key, bytes)
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        self.0.put(key, bytes)
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        self.0.get(key)
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        self.0.get_range(key, range)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        self.0.list(prefix)
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        self.0.delete(key)
    }
}

#[test]
fn probe_of_a_server_that_ignores_conditions_is_refused() {
    for kind in KINDS {
        let store = Unconditional(store(kind));
        let error = block_on(probe(&store, &OsRng)).unwrap_err();
        assert!(matches!(error, ProbeError::Winners { winners: 2.. }), "{kind:?}: {error:?}");
        assert_eq!(block_on(store.list("")).unwrap(), [], "{kind:?}");
    }
}

#[test]
fn wrong_secret_is_denied() {
    for kind in KINDS {
        let server = server(kind);
        let wrong = S3Credentials { secret_key: "wrong".to_owned(), ..server.credentials() };
        let store = S3Store::open(&server.address("denied"), &wrong).unwrap();
        let denied = |error| match error {
            ObjectError::Denied { why, .. } => why.contains("SignatureDoesNotMatch"),
            _ => false,
        };
        let put = block_on(store.put(&key("pack/1"), Bytes::from_static(b"x"))).unwrap_err();
        assert!(denied(put), "{kind:?}");
        assert!(denied(block_on(store.get(&key("pack/1"))).unwrap_err()), "{kind:?}");
        assert!(denied(block_on(store.list("")).unwrap_err()), "{kind:?}");
    }
}

#[test]
fn missing_bucket_is_denied() {
    for kind in KINDS {
        let server = server(kind);
        let mut address = server.address("");
        address.bucket = "absent".to_owned();
        let store = S3Store::open(&address, &server.credentials()).unwrap();
        for error in [
            block_on(store.get(&key("pack/1"))).unwrap_err(),
            block_on(store.list("pack/")).unwrap_err(),
        ] {
            let ObjectError::Denied { why, .. } = error else { panic!("{kind:?}: {error:?}") };
            assert!(why.contains("NoSuchBucket"), "{kind:?}: {why}");
        }
    }
}

/// A multipart upload would leave an entity tag with a dash and the number of parts.
#[test]
fn put_of_64_mib_is_one_request() {
    for kind in KINDS {
        let server = server(kind);
        let address = server.address("one-put");
        let store = S3Store::open(&address, &server.credentials()).unwrap();
        block_on(store.create(&key("pack/1"), Bytes::from(vec![5; 64 << 20]))).unwrap();
        let client = opendal::services::S3::default()
            .bucket(&address.bucket)
            .endpoint(&address.endpoint)
            .region(&address.region)
            .access_key_id(&server.credentials().access_key)
            .secret_access_key(&server.credentials().secret_key);
        let found = block_on(Operator::new(client).unwrap().stat("one-put/pack/1")).unwrap();
        assert_eq!(found.content_length(), 64 << 20);
        let tag = found.etag().unwrap();
        assert!(!tag.contains('-'), "{kind:?}: {tag}");
    }
}

#[test]
fn server_that_is_not_there_is_unavailable() {
    let server = server(S3ServerKind::VersityGw);
    let mut address = server.address("");
    // The discard port: nothing listens there.
    address.endpoint = "http://127.0.0.1:9".to_owned();
    let store = S3Store::open(&address, &server.credentials()).unwrap();
    for result in [
        block_on(store.put(&key("pack/1"), Bytes::from_static(b"x"))),
        block_on(store.list("")).map(drop),
        block_on(store.get(&key("pack/1"))).map(drop),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, ObjectError::Unavailable { .. }), "{error:?}");
    }
}
