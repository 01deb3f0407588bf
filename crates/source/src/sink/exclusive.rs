//! An existing disk that is held and not written, for callers that remove it.

use strongroom_base::SinkError;

use crate::existing::ExistingDisk;
use crate::lock::Purpose;
use crate::spec::DiskSpec;

/// A disk that nobody else used when it was opened; whoever asks for locks is kept out as long as
/// this lives.
#[derive(Debug)]
pub struct ExclusiveDisk {
    _disk: ExistingDisk,
}

impl ExclusiveDisk {
    /// Takes the disk that `spec` names. Refuses one that anybody reads or writes
    /// ([`SinkError::InUse`]).
    pub fn take(spec: &DiskSpec) -> Result<Self, SinkError> {
        match ExistingDisk::open(spec, Purpose::Write, false) {
            Ok(disk) => Ok(Self { _disk: disk }),
            Err(refusal) => Err(refusal.of_sink(spec.at())),
        }
    }
}
