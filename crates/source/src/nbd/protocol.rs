//! The messages of the NBD protocol as plain functions over bytes.
//!
//! # Invariants
//! - No `parse_*` function panics, reads beyond its input or allocates more than its input's size.
//! - Whatever a `parse_*` function returns has been checked against the limits that stand here.

use super::NbdError;

/// `NBDMAGIC`: the first eight bytes of a server.
pub const NBD_MAGIC: u64 = 0x4e42_444d_4147_4943;
/// `IHAVEOPT`: begins the second field of the greeting and every option.
pub const OPTION_MAGIC: u64 = 0x4948_4156_454f_5054;
/// Begins the answer to an option.
pub const OPTION_REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
/// Begins a request.
pub const REQUEST_MAGIC: u32 = 0x2560_9513;
/// Begins a simple reply.
pub const SIMPLE_REPLY_MAGIC: u32 = 0x6744_6698;
/// Begins a chunk of a structured reply.
pub const CHUNK_MAGIC: u32 = 0x668e_33ef;

/// `NBD_FLAG_FIXED_NEWSTYLE`, of the server and of the client.
pub const FLAG_FIXED_NEWSTYLE: u16 = 1;
/// `NBD_FLAG_NO_ZEROES`, of the server and of the client.
pub const FLAG_NO_ZEROES: u16 = 2;

/// `NBD_OPT_GO`: choose an export and begin.
pub const OPT_GO: u32 = 7;
/// `NBD_OPT_STRUCTURED_REPLY`.
pub const OPT_STRUCTURED_REPLY: u32 = 8;
/// `NBD_OPT_SET_META_CONTEXT`.
pub const OPT_SET_META_CONTEXT: u32 = 10;

/// `NBD_REP_ACK`.
pub const REP_ACK: u32 = 1;
/// `NBD_REP_INFO`.
pub const REP_INFO: u32 = 3;
/// `NBD_REP_META_CONTEXT`.
pub const REP_META_CONTEXT: u32 = 4;
/// Set in the type of every answer that is an error.
pub const REP_FLAG_ERROR: u32 = 1 << 31;

const INFO_EXPORT: u16 = 0;
const INFO_BLOCK_SIZE: u16 = 3;

/// `NBD_CMD_READ`.
pub const CMD_READ: u16 = 0;
/// `NBD_CMD_WRITE`.
pub const CMD_WRITE: u16 = 1;
/// `NBD_CMD_DISC`.
pub const CMD_DISC: u16 = 2;
/// `NBD_CMD_FLUSH`.
pub const CMD_FLUSH: u16 = 3;
/// `NBD_CMD_WRITE_ZEROES`. Without `NBD_CMD_FLAG_NO_HOLE` the server may make a hole.
pub const CMD_WRITE_ZEROES: u16 = 6;
/// `NBD_CMD_BLOCK_STATUS`.
pub const CMD_BLOCK_STATUS: u16 = 7;

/// `NBD_REPLY_TYPE_NONE`.
pub const CHUNK_NONE: u16 = 0;
/// `NBD_REPLY_TYPE_OFFSET_DATA`.
pub const CHUNK_OFFSET_DATA: u16 = 1;
/// `NBD_REPLY_TYPE_OFFSET_HOLE`.
pub const CHUNK_OFFSET_HOLE: u16 = 2;
/// `NBD_REPLY_TYPE_BLOCK_STATUS`.
pub const CHUNK_BLOCK_STATUS: u16 = 5;
/// Set in the type of every chunk that is an error.
pub const CHUNK_FLAG_ERROR: u16 = 1 << 15;

/// The meta context that tells holes and zeros.
pub const BASE_ALLOCATION: &str = "base:allocation";
/// `NBD_STATE_ZERO`: the extent reads as zeros.
pub const STATE_ZERO: u32 = 2;

/// Longest answer to an option that is accepted. Export names and messages are at most 4096 bytes
/// long in the protocol (`NBD_MAX_STRING`).
pub const MAX_OPTION_REPLY: u32 = 16 * 1024;
/// Longest payload of one read or write: what the protocol allows without agreeing on block sizes.
pub const MAX_PAYLOAD: u32 = 32 * 1024 * 1024;
/// Longest block status chunk that is accepted: QEMU sends at most 128 Ki extents.
pub const MAX_STATUS: u32 = 4 + 8 * 128 * 1024;
/// Longest error chunk: number, length, a message of up to 64 KiB, offset.
pub const MAX_ERROR: u32 = 4 + 2 + 65_535 + 8;
/// Largest export: offsets are signed 64-bit numbers in every kernel and in QEMU.
pub const MAX_EXPORT: u64 = i64::MAX as u64;

/// Reads big-endian fields one after the other.
struct Fields<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn of(what: &'static str, rest: &'a [u8]) -> Self {
        Self { what, rest }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], NbdError> {
        let (field, rest) =
            self.rest.split_first_chunk().ok_or(NbdError::Short { what: self.what })?;
        self.rest = rest;
        Ok(*field)
    }

    fn u16(&mut self) -> Result<u16, NbdError> {
        self.take().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, NbdError> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, NbdError> {
        self.take().map(u64::from_be_bytes)
    }

    fn magic(&mut self, expected: u64) -> Result<(), NbdError> {
        let found = self.u64()?;
        if found == expected { Ok(()) } else { Err(NbdError::Magic { what: self.what, found }) }
    }
}

/// Refuses a length outside of `min..=max`.
pub fn check_length(what: &'static str, found: u64, min: u64, max: u64) -> Result<(), NbdError> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(NbdError::Length { what, found, min, max })
}

/// Text of the server with everything that could confuse a terminal replaced, at most 512 letters.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().take(512).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The server's handshake flags from its greeting of 18 bytes.
pub fn parse_greeting(bytes: &[u8]) -> Result<u16, NbdError> {
    let mut fields = Fields::of("the greeting", bytes);
    fields.magic(NBD_MAGIC)?;
    fields.magic(OPTION_MAGIC)?;
    let flags = fields.u16()?;
    if flags & FLAG_FIXED_NEWSTYLE == 0 {
        let why = "it does not speak the fixed newstyle handshake".to_owned();
        return Err(NbdError::Handshake { why });
    }
    Ok(flags)
}

/// The head of an answer to an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionReply {
    /// The option that is answered.
    pub option: u32,
    /// `NBD_REP_*`.
    pub kind: u32,
    /// Bytes that follow; at most [`MAX_OPTION_REPLY`].
    pub length: u32,
}

/// The head of an answer to an option, 20 bytes.
pub fn parse_option_reply(bytes: &[u8]) -> Result<OptionReply, NbdError> {
    let mut fields = Fields::of("an option's answer", bytes);
    fields.magic(OPTION_REPLY_MAGIC)?;
    let (option, kind, length) = (fields.u32()?, fields.u32()?, fields.u32()?);
    check_length("an option's answer", length.into(), 0, MAX_OPTION_REPLY.into())?;
    Ok(OptionReply { option, kind, length })
}

/// The error that an answer with [`REP_FLAG_ERROR`] stands for.
pub fn parse_refusal(option: u32, code: u32, payload: &[u8]) -> NbdError {
    NbdError::Refused { option, code, message: printable(payload) }
}

/// One piece of what the server says about an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportInfo {
    /// Size in bytes, at most [`MAX_EXPORT`], and transmission flags.
    Export {
        /// Size in bytes.
        size: u64,
        /// `NBD_FLAG_*` of the transmission phase.
        flags: u16,
    },
    /// Longest payload that the server takes, at least 4096 bytes.
    MaxPayload(u32),
    /// Something that is of no use here: a name, a description.
    Other,
}

/// One `NBD_REP_INFO`.
pub fn parse_export_info(payload: &[u8]) -> Result<ExportInfo, NbdError> {
    let mut fields = Fields::of("the description of an export", payload);
    match fields.u16()? {
        INFO_EXPORT => {
            let (size, flags) = (fields.u64()?, fields.u16()?);
            check_length("an export", size, 0, MAX_EXPORT)?;
            Ok(ExportInfo::Export { size, flags })
        }
        INFO_BLOCK_SIZE => {
            let (min, _preferred, max) = (fields.u32()?, fields.u32()?, fields.u32()?);
            // We do not ask for block sizes, so the protocol lets us use any alignment. A server
            // that says otherwise cannot be used without reading around every write.
            check_length("the smallest block", min.into(), 1, 512)?;
            check_length("the largest block", max.into(), 4096, u64::from(u32::MAX))?;
            Ok(ExportInfo::MaxPayload(max))
        }
        _ => Ok(ExportInfo::Other),
    }
}

/// The number that the server gave to a meta context, and the context's name as it wrote it.
pub fn parse_meta_context(payload: &[u8]) -> Result<(u32, &[u8]), NbdError> {
    let mut fields = Fields::of("a meta context", payload);
    let id = fields.u32()?;
    Ok((id, fields.rest))
}

/// Transmission flags of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportFlags(pub u16);

impl ExportFlags {
    fn has(self, bit: u16) -> bool {
        // Bit 0, `NBD_FLAG_HAS_FLAGS`, says that the others mean something.
        self.0 & 1 != 0 && self.0 & bit != 0
    }

    /// `NBD_FLAG_READ_ONLY`.
    pub fn is_read_only(self) -> bool {
        self.has(1 << 1)
    }

    /// `NBD_FLAG_SEND_FLUSH`.
    pub fn can_flush(self) -> bool {
        self.has(1 << 2)
    }

    /// `NBD_FLAG_SEND_WRITE_ZEROES`.
    pub fn can_write_zeroes(self) -> bool {
        self.has(1 << 6)
    }

    /// `NBD_FLAG_CAN_MULTI_CONN`: what one connection wrote and flushed, all others see.
    pub fn can_multi_conn(self) -> bool {
        self.has(1 << 8)
    }
}

/// The head of an answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyHead {
    /// A simple reply; after one without error to a read, the data follows.
    Simple {
        /// `NBD_E*`, zero when the request went well.
        errno: u32,
        /// The request that is answered.
        cookie: u64,
    },
    /// A piece of a structured reply.
    Chunk {
        /// Whether it is the last piece.
        is_done: bool,
        /// `NBD_REPLY_TYPE_*`.
        kind: u16,
        /// The request that is answered.
        cookie: u64,
        /// Bytes that follow. Not checked yet: the limit depends on the kind.
        length: u32,
    },
}

/// How many bytes follow the first four of a reply, which are its magic number.
pub fn parse_reply_magic(bytes: [u8; 4]) -> Result<usize, NbdError> {
    match u32::from_be_bytes(bytes) {
        SIMPLE_REPLY_MAGIC => Ok(12),
        CHUNK_MAGIC => Ok(16),
        found => Err(NbdError::Magic { what: "a reply", found: found.into() }),
    }
}

/// The head of a reply: 16 bytes when it is simple, 20 when it is a chunk.
pub fn parse_reply(bytes: &[u8]) -> Result<ReplyHead, NbdError> {
    let mut fields = Fields::of("a reply", bytes);
    match fields.u32()? {
        SIMPLE_REPLY_MAGIC => Ok(ReplyHead::Simple { errno: fields.u32()?, cookie: fields.u64()? }),
        CHUNK_MAGIC => {
            let (flags, kind) = (fields.u16()?, fields.u16()?);
            let (cookie, length) = (fields.u64()?, fields.u32()?);
            Ok(ReplyHead::Chunk { is_done: flags & 1 != 0, kind, cookie, length })
        }
        found => Err(NbdError::Magic { what: "a reply", found: found.into() }),
    }
}

/// Offset and length of a hole chunk, whose payload is 12 bytes.
pub fn parse_hole(payload: &[u8]) -> Result<(u64, u32), NbdError> {
    let mut fields = Fields::of("a hole", payload);
    Ok((fields.u64()?, fields.u32()?))
}

/// The error that an error chunk stands for.
pub fn parse_error_chunk(payload: &[u8]) -> Result<NbdError, NbdError> {
    let mut fields = Fields::of("an error", payload);
    let (errno, length) = (fields.u32()?, fields.u16()?);
    let message = fields.rest.get(..length.into()).ok_or(NbdError::Short { what: "an error" })?;
    if errno == 0 {
        return Err(NbdError::Unexpected { what: "an error", found: 0 });
    }
    Ok(NbdError::Server { errno, message: printable(message) })
}

/// Context number and extents (length, flags) of a block status chunk. At least one extent, none
/// of them empty.
pub fn parse_block_status(payload: &[u8]) -> Result<(u32, Vec<(u32, u32)>), NbdError> {
    const WHAT: &str = "a block status";
    check_length(WHAT, payload.len() as u64, 12, MAX_STATUS.into())?;
    let mut fields = Fields::of(WHAT, payload);
    let context = fields.u32()?;
    let mut extents = Vec::with_capacity(fields.rest.len() / 8);
    while !fields.rest.is_empty() {
        let (length, flags) = (fields.u32()?, fields.u32()?);
        check_length("an extent", length.into(), 1, u32::MAX.into())?;
        extents.push((length, flags));
    }
    Ok((context, extents))
}

/// A request without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// `NBD_CMD_*`.
    pub command: u16,
    /// What the answer must name.
    pub cookie: u64,
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u32,
}

impl Request {
    /// The 28 bytes that go to the server.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(28);
        bytes.extend(REQUEST_MAGIC.to_be_bytes());
        bytes.extend(0_u16.to_be_bytes()); // command flags: none is needed
        bytes.extend(self.command.to_be_bytes());
        bytes.extend(self.cookie.to_be_bytes());
        bytes.extend(self.offset.to_be_bytes());
        bytes.extend(self.length.to_be_bytes());
        bytes
    }
}

/// An option with its data. `data` is shorter than 4 GiB.
pub(crate) fn encode_option(option: u32, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("our own options are short");
    let mut bytes = OPTION_MAGIC.to_be_bytes().to_vec();
    bytes.extend(option.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend(data);
    bytes
}

/// Appends a text with its length in front.
pub(crate) fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(u32::try_from(text.len()).expect("our own names are short").to_be_bytes());
    bytes.extend(text.as_bytes());
}

#[cfg(test)]
mod tests;
