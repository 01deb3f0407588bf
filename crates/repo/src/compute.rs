//! The threads that hash and compress.
//!
//! # Why
//! Everything that decides what is stored, committed or deleted is async code over the store, the
//! clock and randomness, so that a simulation can run it step by step. Work that only turns bytes
//! into other bytes leaves that world through this one door; a simulation runs it inline.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use tokio::sync::oneshot;

/// A piece of work for a compute thread.
pub type Job = Box<dyn FnOnce() + Send>;

/// Runs jobs, at once or on threads.
pub trait Compute: Send + Sync {
    /// Queues `job`. Jobs never wait for one another.
    fn spawn(&self, job: Job);
    /// How many jobs run at once.
    fn width(&self) -> usize;
}

/// Queues `work` on `compute` at once; the future is its result.
///
/// # Panics
/// The future panics when `work` panicked.
pub fn run<T: Send + 'static, W: FnOnce() -> T + Send + 'static>(
    compute: &dyn Compute,
    work: W,
) -> impl Future<Output = T> + Send + use<T, W> {
    let (send, receive) = oneshot::channel();
    compute.spawn(Box::new(move || {
        // A receiver that went away has lost interest; there is nobody to tell.
        drop(send.send(work()));
    }));
    async { receive.await.expect("the job answers unless it panicked, which is passed on") }
}

/// Runs each job at once on the caller's thread: for simulations and tests.
#[derive(Debug, Default, Clone, Copy)]
pub struct Inline;

impl Compute for Inline {
    fn spawn(&self, job: Job) {
        job();
    }

    fn width(&self) -> usize {
        1
    }
}

/// A fixed set of threads that share one queue. They end when the pool is dropped.
pub struct ThreadPool {
    queue: mpsc::Sender<Job>,
    width: usize,
}

impl ThreadPool {
    /// Starts `width` threads, at least one.
    ///
    /// # Errors
    /// When the system starts no more threads.
    pub fn start(width: usize) -> std::io::Result<Self> {
        let width = width.max(1);
        let (queue, jobs) = mpsc::channel::<Job>();
        let jobs = Arc::new(Mutex::new(jobs));
        for n in 0..width {
            let jobs = Arc::clone(&jobs);
            thread::Builder::new().name(format!("compute-{n}")).spawn(move || {
                loop {
                    let next = {
                        let Ok(jobs) = jobs.lock() else { return };
                        jobs.recv()
                    };
                    let Ok(job) = next else { return };
                    job();
                }
            })?;
        }
        Ok(Self { queue, width })
    }
}

impl Compute for ThreadPool {
    fn spawn(&self, job: Job) {
        // The queue closes only when every thread died, and then `run` reports the panic.
        drop(self.queue.send(job));
    }

    fn width(&self) -> usize {
        self.width
    }
}
