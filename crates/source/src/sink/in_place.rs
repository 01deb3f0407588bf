//! An existing raw file or block device that becomes another disk, touched only where it differs.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{FallocateFlags, SeekFrom, fallocate, seek};
use rustix::io::Errno;
use strongroom_base::{BlockSink, ByteRange, SinkError};

use crate::existing::ExistingDisk;
use crate::lock::Purpose;
use crate::open::OpenOptions;
use crate::spec::{DiskFormat, DiskSpec};

/// What is compared at once: the engine's unit, so that a changed unit is written alone.
const PIECE: usize = 64 * 1024;
/// What is read at once.
const READ: usize = 1024 * 1024;
/// Holes are made of whole pages only: the kernel then neither keeps nor zeroes parts of pages
/// that another thread writes.
const PAGE: u64 = 4096;

static ZEROS: [u8; PIECE] = [0; PIECE];

/// A disk overwritten in place. A crash leaves it partly old and partly new.
#[derive(Debug)]
pub struct InPlaceSink {
    at: String,
    disk: ExistingDisk,
    size: u64,
    bytes_written: AtomicU64,
    bytes_zeroed: AtomicU64,
    /// Cleared when the file system or device refuses to make holes.
    can_punch: AtomicBool,
}

impl InPlaceSink {
    /// Opens the disk that `spec` names to be overwritten with one of `size` bytes, and keeps
    /// everybody else out.
    pub fn open(spec: &DiskSpec, size: u64, options: OpenOptions) -> Result<Self, SinkError> {
        match open_existing(spec, options)? {
            (disk, DiskFormat::Raw) => Self::of(disk, spec, size),
            (_, format) => Err(unwritable(spec, format)),
        }
    }

    pub(super) fn of(disk: ExistingDisk, spec: &DiskSpec, size: u64) -> Result<Self, SinkError> {
        let at = spec.at();
        if disk.size < size {
            return Err(SinkError::TooSmall { at, size: disk.size, needed: size });
        }
        Ok(Self {
            at,
            disk,
            size,
            bytes_written: AtomicU64::new(0),
            bytes_zeroed: AtomicU64::new(0),
            can_punch: AtomicBool::new(true),
        })
    }

    /// How many bytes differed and were written, zeros not counted.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written.load(Ordering::Relaxed)
    }

    /// How many bytes were not zero and were made zero.
    pub fn bytes_zeroed(&self) -> u64 {
        self.bytes_zeroed.load(Ordering::Relaxed)
    }

    /// Calls `each` with every piece of `range` and what stands there now.
    fn compare(
        &self,
        range: ByteRange,
        mut each: impl FnMut(ByteRange, &[u8]) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        if range.end > self.size {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "beyond the end of the disk");
            return Err(self.write_error(range.start, source));
        }
        let longest = usize::try_from(range.len()).map_or(READ, |len| len.min(READ));
        let mut present = vec![0; longest];
        let mut position = range.start;
        while position < range.end {
            let length = usize::try_from(range.end - position).map_or(READ, |len| len.min(READ));
            let present = present.get_mut(..length).unwrap_or_default();
            self.disk.file.read_exact_at(present, position).map_err(|source| {
                SinkError::Compare { at: self.at.clone(), offset: position, source }
            })?;
            for piece in present.chunks(PIECE) {
                let range = ByteRange::at(position, piece.len() as u64);
                each(range, piece)?;
                position = range.end;
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        let written = self.disk.file.write_all_at(bytes, offset);
        written.map_err(|source| self.write_error(offset, source))
    }

    fn write_error(&self, offset: u64, source: io::Error) -> SinkError {
        SinkError::Write { at: self.at.clone(), offset, source }
    }

    /// The parts of `range` that are no holes already.
    fn next_data(&self, range: ByteRange) -> ByteRange {
        let nothing = ByteRange { start: range.end, end: range.end };
        if self.disk.is_device {
            return range;
        }
        match seek(&self.disk.file, SeekFrom::Data(range.start)) {
            Ok(data) if data >= range.end => nothing,
            Err(Errno::NXIO) => nothing,
            Ok(data) => {
                let start = data.max(range.start);
                let hole = seek(&self.disk.file, SeekFrom::Hole(start)).unwrap_or(range.end);
                let end = if hole > start { hole.min(range.end) } else { range.end };
                ByteRange { start, end }
            }
            Err(_) => range, // the file system knows no holes
        }
    }

    /// Makes a piece zero that is not: a hole of its whole pages where that can be had.
    fn zero_piece(&self, piece: ByteRange) -> Result<(), SinkError> {
        let start = piece.start.next_multiple_of(PAGE);
        let pages = ByteRange { start, end: (piece.end / PAGE * PAGE).max(start) };
        if pages.is_empty() || pages.end > piece.end || !self.punch(pages)? {
            return self.write_zeros(piece);
        }
        self.write_zeros(ByteRange { start: piece.start, end: pages.start })?;
        self.write_zeros(ByteRange { start: pages.end, end: piece.end })
    }

    /// Makes a hole; `false` when that cannot be had here. On a block device the kernel zeroes the
    /// range, by unmapping only where the device promises that this reads as zeros (unlike
    /// `BLKDISCARD`, which promises nothing).
    fn punch(&self, range: ByteRange) -> Result<bool, SinkError> {
        if !self.can_punch.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        let zero = FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE;
        for flags in [hole, zero] {
            match fallocate(&self.disk.file, flags, range.start, range.len()) {
                Ok(()) => return Ok(true),
                Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => {}
                Err(errno) => return Err(self.write_error(range.start, errno.into())),
            }
        }
        self.can_punch.store(false, Ordering::Relaxed);
        Ok(false)
    }

    fn write_zeros(&self, range: ByteRange) -> Result<(), SinkError> {
        let mut position = range.start;
        while position < range.end {
            let length = (range.end - position).min(PIECE as u64);
            let zeros = usize::try_from(length).ok().and_then(|length| ZEROS.get(..length));
            self.write(position, zeros.unwrap_or(&ZEROS))?;
            position += length;
        }
        Ok(())
    }
}

/// Opens the disk that `spec` names to be overwritten, keeps everybody else out, and finds its
/// format.
pub(super) fn open_existing(
    spec: &DiskSpec,
    options: OpenOptions,
) -> Result<(ExistingDisk, DiskFormat), SinkError> {
    let at = spec.at();
    let disk = ExistingDisk::open(spec, Purpose::Write, options.force_unsafe)
        .map_err(|refusal| refusal.of_sink(at.clone()))?;
    let head = disk.head().map_err(|source| SinkError::Open { at: at.clone(), source })?;
    match spec.format_of(disk.is_device, &head) {
        Err(why) => Err(SinkError::Unusable { at, why }),
        Ok(format) => Ok((disk, format)),
    }
}

/// The refusal of a format that has no sink for existing disks.
pub(super) fn unwritable(spec: &DiskSpec, format: DiskFormat) -> SinkError {
    let why = format!("a disk in the format {format} cannot be written in place");
    SinkError::Unusable { at: spec.at(), why }
}

impl BlockSink for InPlaceSink {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), SinkError> {
        let mut wanted = bytes.chunks(PIECE);
        self.compare(ByteRange::at(offset, bytes.len() as u64), |piece, present| {
            let wanted = wanted.next().unwrap_or_default();
            if wanted == present {
                return Ok(());
            }
            self.write(piece.start, wanted)?;
            self.bytes_written.fetch_add(piece.len(), Ordering::Relaxed);
            Ok(())
        })
    }

    fn zero(&self, range: ByteRange) -> Result<(), SinkError> {
        let mut rest = range;
        while !rest.is_empty() {
            let data = self.next_data(rest);
            self.compare(data, |piece, present| {
                if present.iter().all(|byte| *byte == 0) {
                    return Ok(());
                }
                self.zero_piece(piece)?;
                self.bytes_zeroed.fetch_add(piece.len(), Ordering::Relaxed);
                Ok(())
            })?;
            rest.start = data.end;
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), SinkError> {
        self.disk.file.sync_all().map_err(|source| self.write_error(0, source))
    }
}
