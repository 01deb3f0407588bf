//! What every provider can do.

use std::path::Path;

use strongroom_base::{BlockSink, BlockSource};
use strongroom_model::disk::DiskImageFormat;

use crate::error::{InspectError, ProviderError};
use crate::place::{DiskFacts, DiskPlace, DiskUsage};

/// A host or cloud that has disks. All calls block. [`crate::testing::check_provider`] is what each
/// must pass.
pub trait Provider: Send + Sync {
    /// Looks at a disk that somebody wants to adopt, whoever uses it. Without a `format` it must be
    /// a block device, or be a qcow2 image by its name and by its content.
    fn inspect(
        &self,
        path: &Path,
        format: Option<DiskImageFormat>,
    ) -> Result<DiskFacts, InspectError>;

    /// Whether somebody uses the disk so that it cannot be backed up now. A look that keeps nobody
    /// out; whoever opens the disk asks again.
    fn usage(&self, disk: &DiskPlace) -> Result<DiskUsage, ProviderError>;

    /// Opens the disk to be read. Nobody who asks for locks writes it until the source is dropped.
    fn open_source(&self, disk: &DiskPlace) -> Result<Box<dyn BlockSource>, ProviderError>;

    /// Opens the disk to be overwritten in place with a disk of `size` bytes; what lies beyond them
    /// stays. Nobody else who asks for locks opens it until the sink is dropped.
    fn open_target(&self, disk: &DiskPlace, size: u64)
    -> Result<Box<dyn BlockSink>, ProviderError>;

    /// Where `create` puts the disk of this name. Nothing is looked at.
    fn managed_place(&self, name: &str) -> Result<DiskPlace, ProviderError>;

    /// Makes an empty qcow2 disk of `size` bytes, rounded up to whole sectors of 512, durably. A
    /// name that is taken is refused ([`ProviderError::is_taken`]): the same call may have taken it
    /// before its answer was lost, so names should not be used twice, and `inspect` tells. A name
    /// is 1 to 100 of the letters `a-z A-Z 0-9 . _ -` and begins with a letter or digit.
    fn create(&self, name: &str, size: u64) -> Result<DiskPlace, ProviderError>;

    /// Removes a disk that `create` made, durably. One that is gone already is no error; one that
    /// anybody uses is refused.
    fn remove(&self, disk: &DiskPlace) -> Result<(), ProviderError>;
}
