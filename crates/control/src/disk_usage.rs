//! Whether somebody whom we cannot ask to hold still has a disk open.

use std::sync::Arc;

use strongroom_base::Chain;
use strongroom_model::disk::Disk;
use strongroom_provider::{DiskPlace, DiskUsage};

use crate::engine::place_of;
use crate::error::Error;
use crate::service::Service;

impl Service {
    /// Whether one of `disks` is open somewhere. One that is missing is not: what it is used for
    /// fails by itself, with a better word. One of which nobody can tell counts as open: the others
    /// must not suffer from it.
    pub(crate) async fn is_in_foreign_use(&self, disks: &[Disk]) -> Result<bool, Error> {
        let places: Vec<_> = disks.iter().map(place_of).collect();
        let provider = Arc::clone(&self.0.provider);
        let is_open = move |place: &DiskPlace| match provider.usage(place) {
            Ok(usage) => matches!(usage, DiskUsage::InUse { .. }),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "a disk cannot be looked at");
                true
            }
        };
        let look = move || places.iter().any(is_open);
        tokio::task::spawn_blocking(look).await.map_err(Error::internal)
    }
}
