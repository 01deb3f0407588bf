//! A raw image file or block device as a source.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{Advice, SeekFrom, fadvise, seek};
use rustix::io::Errno;
use strongroom_base::{BlockSource, ByteRange, Extent, ExtentKind, SourceError};

use crate::existing::ExistingDisk;
use crate::nbd::push_extent;
use crate::stamp::Stamp;

/// A disk whose bytes are those of a file or block device.
#[derive(Debug)]
pub struct RawSource {
    at: String,
    size: u64,
    is_device: bool,
    stamp: Stamp,
}

impl RawSource {
    pub(crate) fn of(disk: ExistingDisk, at: String) -> Result<Self, SourceError> {
        let ExistingDisk { file, is_device, size, .. } = disk;
        // Doubles the kernel's read-ahead; where it cannot, reading is merely slower.
        let _advised = fadvise(&file, 0, None, Advice::Sequential);
        match Stamp::of(file, at.clone()) {
            Ok(stamp) => Ok(Self { at, size, is_device, stamp }),
            Err(source) => Err(SourceError::Open { at, source }),
        }
    }

    fn file(&self) -> &File {
        self.stamp.file()
    }

    fn data_extents(&self, range: ByteRange) -> Result<Vec<Extent>, Errno> {
        let mut extents = Vec::new();
        let mut position = range.start;
        while position < range.end {
            // The file's own position is of no use to anybody, so threads may move it.
            let data = match seek(self.file(), SeekFrom::Data(position)) {
                Ok(data) => data.clamp(position, range.end),
                Err(Errno::NXIO) => range.end, // nothing but a hole up to the end
                Err(errno) => return Err(errno),
            };
            push_extent(&mut extents, ByteRange { start: position, end: data }, ExtentKind::Zero);
            if data == range.end {
                break;
            }
            let hole = match seek(self.file(), SeekFrom::Hole(data)) {
                Ok(hole) if hole > data => hole.min(range.end),
                // The file changed under us. Reading finds out how.
                Ok(_) | Err(Errno::NXIO) => range.end,
                Err(errno) => return Err(errno),
            };
            push_extent(&mut extents, ByteRange { start: data, end: hole }, ExtentKind::Data);
            position = hole;
        }
        Ok(extents)
    }
}

impl BlockSource for RawSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        let at = self.at.clone();
        self.file().read_exact_at(buffer, offset).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => {
                SourceError::Changed { at, what: "it is shorter than it was".to_owned() }
            }
            _ => SourceError::Read { at, offset, source },
        })
    }

    fn extents(&self, range: ByteRange) -> Result<Vec<Extent>, SourceError> {
        if !self.is_device {
            match self.data_extents(range) {
                Ok(extents) => return Ok(extents),
                Err(Errno::INVAL | Errno::OPNOTSUPP) => {} // the file system knows no holes
                Err(errno) => {
                    let (at, source) = (self.at.clone(), errno.into());
                    return Err(SourceError::Read { at, offset: range.start, source });
                }
            }
        }
        let mut extents = Vec::new();
        push_extent(&mut extents, range, ExtentKind::Data);
        Ok(extents)
    }

    fn check_unchanged(&self) -> Result<(), SourceError> {
        self.stamp.check()
    }
}
