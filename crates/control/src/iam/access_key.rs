//! Access keys: pairs of a public name and a secret that sign requests.

use strongroom_base::Rng;
use strongroom_model::UserId;
use strongroom_model::description::Description;

use super::SecretKey;
use super::random_text::{ALPHANUMERIC, UPPER, random_text};
use super::sealing::seal;
use crate::error::{Error, Noun};
use crate::service::Service;

/// Access keys of a user (IAM-13).
const MOST: u64 = 2;
/// Characters of an access key (related services, 1.8).
const ACCESS_LEN: usize = 20;
/// Characters of its secret.
const SECRET_LEN: usize = 40;

/// A new access key; its secret is shown this once.
#[derive(Debug, Clone)]
pub struct NewAccessKey {
    /// 20 upper-case letters and digits.
    pub access: String,
    /// 40 letters and digits.
    pub secret: SecretKey,
}

impl NewAccessKey {
    /// Draws one.
    pub(super) fn random(rng: &dyn Rng) -> Self {
        let secret = random_text(rng, ALPHANUMERIC, SECRET_LEN);
        Self {
            access: random_text(rng, UPPER, ACCESS_LEN).to_string(),
            secret: SecretKey::new(secret.to_string()),
        }
    }
}

impl Service {
    /// Makes an access key for a user; two at most (IAM-13).
    pub async fn access_key_create(
        &self,
        user: UserId,
        description: &str,
    ) -> Result<NewAccessKey, Error> {
        let description = Description::parse(description)?;
        let key = NewAccessKey::random(&*self.0.rng);
        let tx = self.0.db.begin().await?;
        // Two requests at once come one after the other here.
        if !tx.user_get_for_change(user).await? {
            return Err(Error::NotFound(Noun::User));
        }
        if tx.access_key_count(user).await? >= MOST {
            return Err(Error::TooManyAccessKeys);
        }
        tx.access_key_insert(self.sealed(user, &key, &description)).await?;
        tx.commit().await?;
        Ok(key)
    }

    /// An access key as the catalogue keeps it.
    pub(super) fn sealed(
        &self,
        user_id: UserId,
        key: &NewAccessKey,
        description: &Description,
    ) -> strongroom_db::NewAccessKey {
        strongroom_db::NewAccessKey {
            access: key.access.clone(),
            user_id,
            sealed_secret: seal(&self.0.master, &*self.0.rng, &key.access, &key.secret),
            description: description.to_string(),
            created_at: self.0.clock.now(),
        }
    }
}
