//! A store that fails on demand: the k-th write, or every write from some moment on.
//!
//! # Why
//! Ordinary tests want one exact failure on any store, without a simulation. "The error came after
//! the effect" is the case that people forget, so every rule says on which side it fails.
//!
//! # Concurrency and crash
//! Calls are numbered when they start. Callbacks run on the caller's task, with no lock held.

use std::fmt;
use std::future::Future;
use std::ops::{RangeFrom, RangeInclusive};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use strongroom_base::ByteRange;
use strongroom_base::clock::BoxFuture;

use crate::object::{ObjectError, ObjectKey, ObjectMeta, ObjectResult, ObjectStore};

/// The methods of an [`ObjectStore`] that reach the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `put`
    Put,
    /// `create`
    Create,
    /// `get`
    Get,
    /// `get_range`
    GetRange,
    /// `list`
    List,
    /// `delete`
    Delete,
}

impl Method {
    /// Whether it changes the store.
    pub fn is_write(self) -> bool {
        matches!(self, Self::Put | Self::Create | Self::Delete)
    }
}

/// One call as a callback sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which method.
    pub method: Method,
    /// The key, or the prefix of a list.
    pub at: String,
    /// Its number among the writes, or among the reads, from 1.
    pub nth: u64,
}

/// The error that a rule answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// [`ObjectError::Full`]; a full store still deletes.
    Full,
    /// [`ObjectError::ReadOnly`]
    ReadOnly,
    /// [`ObjectError::Unavailable`]
    Unavailable,
    /// [`ObjectError::Failed`]
    Failed,
}

/// On which side of the effect a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Nothing happens.
    Before,
    /// The store does what was asked; only the caller does not learn it.
    After,
}

struct Rule {
    writes: bool,
    calls: RangeInclusive<u64>,
    side: Side,
    failure: Failure,
}

type Callback = Arc<dyn Fn(&Call) + Send + Sync>;

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    callbacks: Vec<Callback>,
    writes: u64,
    reads: u64,
}

/// A decorator that fails by rule and counts calls.
pub struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    state: Mutex<State>,
}

impl fmt::Debug for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultStore").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl FaultStore {
    /// A store that does what `inner` does until a rule is added.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, state: Mutex::default() }
    }

    /// Lets the `nth` write fail, counted from 1.
    pub fn fail_write(&self, nth: u64, side: Side, failure: Failure) {
        self.state().rules.push(Rule { writes: true, calls: nth..=nth, side, failure });
    }

    /// Lets every write with a number in `calls` fail before its effect.
    pub fn fail_writes(&self, calls: RangeFrom<u64>, failure: Failure) {
        let calls = calls.start..=u64::MAX;
        self.state().rules.push(Rule { writes: true, calls, side: Side::Before, failure });
    }

    /// Lets every read and list with a number in `calls` fail.
    pub fn fail_reads(&self, calls: RangeFrom<u64>, failure: Failure) {
        let calls = calls.start..=u64::MAX;
        self.state().rules.push(Rule { writes: false, calls, side: Side::Before, failure });
    }

    /// Forgets all rules: the store works again.
    pub fn heal(&self) {
        self.state().rules.clear();
    }

    /// Calls `callback` at the start of each call.
    pub fn on_call(&self, callback: impl Fn(&Call) + Send + Sync + 'static) {
        self.state().callbacks.push(Arc::new(callback));
    }

    /// How many writes were made, those that failed included.
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// How many reads and lists were made, those that failed included.
    pub fn reads(&self) -> u64 {
        self.state().reads
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers a call; the failure that strikes it.
    fn begin(&self, method: Method, at: &str) -> Option<(Side, Failure)> {
        let mut state = self.state();
        let counter = if method.is_write() { &mut state.writes } else { &mut state.reads };
        *counter += 1;
        let nth = *counter;
        let strikes = |rule: &&Rule| {
            let works = rule.failure == Failure::Full && method == Method::Delete;
            rule.writes == method.is_write() && rule.calls.contains(&nth) && !works
        };
        let struck = state.rules.iter().find(strikes).map(|rule| (rule.side, rule.failure));
        let callbacks = state.callbacks.clone();
        drop(state);
        let call = Call { method, at: at.to_owned(), nth };
        for callback in &callbacks {
            callback(&call);
        }
        struck
    }

    async fn call<T>(
        &self,
        method: Method,
        at: &str,
        work: impl Future<Output = ObjectResult<T>>,
    ) -> ObjectResult<T> {
        match self.begin(method, at) {
            None => work.await,
            Some((Side::Before, failure)) => Err(failure.error(at)),
            Some((Side::After, failure)) => {
                work.await?;
                Err(failure.error(at))
            }
        }
    }
}

impl Failure {
    fn error(self, at: &str) -> ObjectError {
        let source = "simulated by a test".into();
        match (self, ObjectKey::parse(at)) {
            (Self::Full, Some(key)) => ObjectError::Full { key },
            (Self::ReadOnly, Some(key)) => ObjectError::ReadOnly { key },
            (Self::Unavailable, _) => ObjectError::Unavailable { at: at.to_owned(), source },
            _ => ObjectError::Failed { at: at.to_owned(), source },
        }
    }
}

impl ObjectStore for FaultStore {
    fn label(&self) -> String {
        self.inner.label()
    }

    fn put<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(self.call(Method::Put, key.as_str(), self.inner.put(key, bytes)))
    }

    fn create<'a>(&'a self, key: &'a ObjectKey, bytes: Bytes) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(self.call(Method::Create, key.as_str(), self.inner.create(key, bytes)))
    }

    fn get<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(self.call(Method::Get, key.as_str(), self.inner.get(key)))
    }

    fn get_range<'a>(
        &'a self,
        key: &'a ObjectKey,
        range: ByteRange,
    ) -> BoxFuture<'a, ObjectResult<Bytes>> {
        Box::pin(self.call(Method::GetRange, key.as_str(), self.inner.get_range(key, range)))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, ObjectResult<Vec<ObjectMeta>>> {
        Box::pin(self.call(Method::List, prefix, self.inner.list(prefix)))
    }

    fn delete<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, ObjectResult<()>> {
        Box::pin(self.call(Method::Delete, key.as_str(), self.inner.delete(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sim::{Executor, Faults, World};

    fn key(text: &str) -> ObjectKey {
        ObjectKey::parse(text).unwrap()
    }

    /// Runs `test` on a fault store over an empty store.
    fn check<F: Future<Output = ()> + 'static>(test: impl FnOnce(Arc<FaultStore>) -> F) {
        let mut executor = Executor::new(1);
        let inner = World::new(&executor.sim()).store("test", Faults::none());
        executor.spawn("test", test(Arc::new(FaultStore::new(Arc::new(inner)))));
        executor.run().unwrap();
    }

    #[test]
    fn fail_write_before_and_after_effect_differ_in_the_store_only() {
        check(|store| async move {
            store.fail_write(1, Side::Before, Failure::Unavailable);
            store.fail_write(2, Side::After, Failure::Unavailable);
            for name in ["pack/a", "pack/b"] {
                let result = store.put(&key(name), Bytes::new()).await;
                assert!(matches!(result, Err(ObjectError::Unavailable { .. })), "{name}");
            }
            store.put(&key("pack/c"), Bytes::new()).await.unwrap();
            assert!(store.get(&key("pack/a")).await.unwrap_err().is_not_found());
            store.get(&key("pack/b")).await.unwrap();
            assert_eq!((store.writes(), store.reads()), (3, 2));
        });
    }

    #[test]
    fn full_store_refuses_writes_yet_deletes_until_healed() {
        check(|store| async move {
            store.put(&key("pack/a"), Bytes::new()).await.unwrap();
            store.fail_writes(2.., Failure::Full);
            for _ in 0..2 {
                let result = store.create(&key("pack/b"), Bytes::new()).await;
                assert!(matches!(result, Err(ObjectError::Full { .. })));
            }
            store.delete(&key("pack/a")).await.unwrap();
            assert!(store.get(&key("pack/a")).await.unwrap_err().is_not_found());
            store.heal();
            store.create(&key("pack/b"), Bytes::new()).await.unwrap();
        });
    }

    #[test]
    fn on_call_sees_every_call_and_failing_reads_leave_writes_alone() {
        check(|store| async move {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let sink = Arc::clone(&seen);
            store.on_call(move |call| sink.lock().unwrap().push((call.method, call.nth)));
            store.fail_reads(2.., Failure::Failed);
            store.put(&key("pack/a"), Bytes::new()).await.unwrap();
            store.list("pack/").await.unwrap();
            assert!(matches!(store.list("").await, Err(ObjectError::Failed { .. })));
            store.fail_writes(1.., Failure::ReadOnly);
            let result = store.delete(&key("pack/a")).await;
            assert!(matches!(result, Err(ObjectError::ReadOnly { .. })));
            let wanted =
                [(Method::Put, 1), (Method::List, 1), (Method::List, 2), (Method::Delete, 2)];
            assert_eq!(*seen.lock().unwrap(), wanted);
        });
    }
}
