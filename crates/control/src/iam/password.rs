//! Passwords: hashed with argon2id, checked with the same work whether or not there is one.
//!
//! # Why
//! A hash must be dear to whoever guesses, so it is dear to us too: 19 MiB and some tens of
//! milliseconds of a core. At most one for each core is at work; the others wait in line, so that
//! all together never hold more than 19 MiB for each core, however many log in.
//!
//! # Concurrency and crash
//! A hash that nobody waits for any more runs to its end, and keeps its place in the line until then.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::Error as HashError;
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
};
use strongroom_base::Rng;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::Error;

/// Memory of one hash. This and the next two: OWASP Password Storage Cheat Sheet, argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
/// How often it goes over that memory.
const PASSES: u32 = 2;
/// Threads of one hash.
const LANES: u32 = 1;
/// What RFC 9106 recommends for passwords, section 4.
const SALT_LEN: usize = 16;
/// Checked where there is no hash, so that there is as much work. Of no password that anybody knows.
const STAND_IN: &str = "$argon2id$v=19$m=19456,t=2,p=1$c3Ryb25ncm9vbS1zYWx0IQ\
    $c3Ryb25ncm9vbSBrbm93cyBubyBzdWNoIHBhc3N3b3I";

/// The line of those who hash. Clones are the same line.
#[derive(Debug, Clone)]
pub(crate) struct Passwords(Arc<Semaphore>);

impl Passwords {
    /// A line for all cores of this machine.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(available_parallelism().map_or(1, NonZero::get))))
    }

    /// Hashes a password; the answer is a PHC string.
    pub(super) async fn hash(
        &self,
        password: Zeroizing<String>,
        rng: &dyn Rng,
    ) -> Result<String, Error> {
        let mut salt = [0; SALT_LEN];
        rng.fill(&mut salt);
        let hashed = self.work(move || {
            argon2()?
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map(|hash| hash.to_string())
        });
        hashed.await?.map_err(Error::internal)
    }

    /// Whether a PHC string is that of `password`. Without one it is not, after the same work.
    pub(super) async fn is_right(
        &self,
        password: Zeroizing<String>,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| STAND_IN.to_owned());
        let verified = self.work(move || {
            argon2()?.verify_password(password.as_bytes(), &PasswordHash::new(&hash)?)
        });
        match verified.await? {
            Ok(()) => Ok(exists),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// Runs `job` on a thread of its own when its turn has come. The place in the line goes with the
    /// job: who gives up waiting does not let another one begin beside it.
    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.0).acquire_owned().await.map_err(Error::internal)?;
        let job = move || {
            let done = job();
            drop(place);
            done
        };
        tokio::task::spawn_blocking(job).await.map_err(Error::internal)
    }
}

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use strongroom_base::rng::SeededRng;

    use super::*;

    fn text(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn password_is_right_for_its_hash_alone() {
        let passwords = Passwords::new();
        let rng = SeededRng::new(1);
        let hash = passwords.hash(text("right"), &rng).await.unwrap();
        let again = passwords.hash(text("right"), &rng).await.unwrap();
        assert_ne!(hash, again, "each has its own salt");
        assert!(!hash.contains("right"));
        let is_right = async |password: &str| {
            passwords.is_right(text(password), Some(hash.clone())).await.unwrap()
        };
        assert!(is_right("right").await);
        assert!(!is_right("wrong").await);
        assert!(!is_right("").await);
        assert!(passwords.is_right(text("right"), Some("damaged".to_owned())).await.is_err());
    }

    // proves: CTL-1
    #[tokio::test]
    async fn password_of_nobody_costs_as_much_and_is_wrong() {
        let passwords = Passwords::new();
        let hash = passwords.hash(text("right"), &SeededRng::new(1)).await.unwrap();
        let cost = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(cost(&hash), cost(STAND_IN));
        assert_eq!(hash.len(), STAND_IN.len());
        assert!(!passwords.is_right(text("right"), None).await.unwrap());
    }
}
