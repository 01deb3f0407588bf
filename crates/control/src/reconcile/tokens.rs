//! Tokens that are over.

use crate::error::Error;
use crate::service::Service;

impl Service {
    /// Removes tokens that are good no more; the answer is how many.
    pub async fn sweep_tokens(&self) -> Result<u64, Error> {
        let tx = self.0.db.begin().await?;
        let gone = tx.token_delete_expired(self.0.clock.now()).await?;
        tx.commit().await?;
        Ok(gone)
    }
}
