//! One connection to an NBD server, one request at a time.

use std::io::{Read, Write};

use strongroom_base::{ByteRange, Extent, ExtentKind};

use super::coverage::Coverage;
use super::handshake::{read_array, read_vec};
use super::protocol::{
    CHUNK_BLOCK_STATUS, CHUNK_FLAG_ERROR, CHUNK_NONE, CHUNK_OFFSET_DATA, CHUNK_OFFSET_HOLE,
    CMD_BLOCK_STATUS, CMD_DISC, CMD_FLUSH, CMD_READ, CMD_WRITE, CMD_WRITE_ZEROES, MAX_ERROR,
    MAX_STATUS, ReplyHead, Request, STATE_ZERO, check_length, parse_block_status,
    parse_error_chunk, parse_hole, parse_reply, parse_reply_magic,
};
use super::{Export, NbdError, negotiate};

/// Longest piece of one block status or write-zeroes request; a power of two, so that every
/// alignment is kept.
const MAX_STATUS_SPAN: u64 = 1 << 30;

/// Chunks of one answer, errors included.
const MAX_CHUNKS: usize = 32 * 1024;

/// A connection on which requests may be sent.
#[derive(Debug)]
pub struct Client<S: Read + Write> {
    stream: S,
    export: Export,
    cookie: u64,
    is_broken: bool,
}

/// A piece of a structured answer whose head was read and belongs to the request under way.
struct Chunk {
    is_done: bool,
    kind: u16,
    length: u32,
}

impl<S: Read + Write> Client<S> {
    /// Negotiates the export `name` on a fresh connection. The default export's name is empty.
    pub fn connect(mut stream: S, name: &str) -> Result<Self, NbdError> {
        let export = negotiate(&mut stream, name)?;
        Ok(Self { stream, export, cookie: 0, is_broken: false })
    }

    /// What was agreed with the server.
    pub fn export(&self) -> Export {
        self.export
    }

    /// Fills `buffer` from byte `offset`.
    pub fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), NbdError> {
        self.check_range(offset, buffer.len() as u64)?;
        let mut position = offset;
        for piece in buffer.chunks_mut(self.piece_bytes()) {
            self.guarded(|client| client.read_piece(position, piece))?;
            position += piece.len() as u64;
        }
        Ok(())
    }

    /// Writes `bytes` at byte `offset`. Durable only after [`Self::flush`].
    pub fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), NbdError> {
        self.check_writable()?;
        self.check_range(offset, bytes.len() as u64)?;
        let mut position = offset;
        for piece in bytes.chunks(self.piece_bytes()) {
            self.guarded(|client| {
                let cookie = client.send(CMD_WRITE, position, piece.len() as u64, piece)?;
                client.receive_ack(cookie)
            })?;
            position += piece.len() as u64;
        }
        Ok(())
    }

    /// Makes `range` read as zeros; the server may make a hole of it.
    pub fn write_zeroes(&mut self, range: ByteRange) -> Result<(), NbdError> {
        self.check_writable()?;
        self.check_range(range.start, range.len())?;
        if !self.export.flags.can_write_zeroes() {
            return Err(NbdError::Unsupported { what: "writing zeros" });
        }
        let mut position = range.start;
        while position < range.end {
            let length = (range.end - position).min(MAX_STATUS_SPAN);
            self.guarded(|client| {
                let cookie = client.send(CMD_WRITE_ZEROES, position, length, &[])?;
                client.receive_ack(cookie)
            })?;
            position += length;
        }
        Ok(())
    }

    /// Makes everything durable that was answered before, on this connection and, where the
    /// server says multi-conn, on all others.
    pub fn flush(&mut self) -> Result<(), NbdError> {
        if !self.export.flags.can_flush() {
            return Err(NbdError::Unsupported { what: "flushing" });
        }
        self.guarded(|client| {
            let cookie = client.send(CMD_FLUSH, 0, 0, &[])?;
            client.receive_ack(cookie)
        })
    }

    /// The extents of `range`, neighbours of one kind merged. One data extent when the server
    /// knows nothing of its allocation.
    pub fn extents(&mut self, range: ByteRange) -> Result<Vec<Extent>, NbdError> {
        self.check_range(range.start, range.len())?;
        let mut extents = Vec::new();
        let Some(context) = self.export.allocation else {
            push_extent(&mut extents, range, ExtentKind::Data);
            return Ok(extents);
        };
        let mut position = range.start;
        while position < range.end {
            let piece = ByteRange { start: position, end: range.end };
            let piece = ByteRange::at(position, piece.len().min(MAX_STATUS_SPAN));
            let status = self.guarded(|client| client.status_piece(piece, context))?;
            for (length, flags) in status {
                let rest = ByteRange { start: position, end: piece.end };
                // The last extent may reach beyond the question.
                let length = rest.len().min(length.into());
                let is_zero = flags & STATE_ZERO != 0;
                let kind = if is_zero { ExtentKind::Zero } else { ExtentKind::Data };
                push_extent(&mut extents, ByteRange::at(position, length), kind);
                position += length;
            }
        }
        Ok(extents)
    }

    /// Says goodbye. The server closes the export when its last client has gone.
    pub fn disconnect(&mut self) {
        if !self.is_broken {
            // There is no answer, and a server that is gone already is what is wanted.
            let _sent = self.send(CMD_DISC, 0, 0, &[]);
            self.is_broken = true;
        }
    }

    /// Longest payload of one request: a power of two, so that every alignment is kept.
    fn piece_bytes(&self) -> usize {
        let floor = self.export.max_payload.checked_ilog2().unwrap_or_default();
        1 << floor
    }

    fn check_writable(&self) -> Result<(), NbdError> {
        if self.export.flags.is_read_only() { Err(NbdError::ReadOnly) } else { Ok(()) }
    }

    fn check_range(&self, offset: u64, length: u64) -> Result<(), NbdError> {
        let size = self.export.size;
        match offset.checked_add(length) {
            Some(end) if end <= size => Ok(()),
            end => Err(NbdError::OutOfRange { offset, end: end.unwrap_or(u64::MAX), size }),
        }
    }

    /// Runs one exchange and remembers when it left the stream in an unknown state.
    fn guarded<T>(
        &mut self,
        exchange: impl FnOnce(&mut Self) -> Result<T, NbdError>,
    ) -> Result<T, NbdError> {
        if self.is_broken {
            return Err(NbdError::Broken);
        }
        let result = exchange(self);
        if let Err(error) = &result {
            self.is_broken = !error.keeps_connection();
        }
        result
    }

    /// Sends a request and its payload; answers its cookie.
    fn send(
        &mut self,
        command: u16,
        offset: u64,
        length: u64,
        payload: &[u8],
    ) -> Result<u64, NbdError> {
        self.cookie = self.cookie.wrapping_add(1);
        check_length("a request", length, 0, u32::MAX.into())?;
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let request = Request { command, cookie: self.cookie, offset, length };
        self.stream.write_all(&request.encode())?;
        self.stream.write_all(payload)?;
        self.stream.flush()?;
        Ok(self.cookie)
    }

    /// Reads the head of an answer and checks that it belongs to `cookie`.
    fn receive_head(&mut self, cookie: u64) -> Result<ReplyHead, NbdError> {
        let magic = read_array::<4>(&mut self.stream)?;
        let mut bytes = magic.to_vec();
        let rest = u32::try_from(parse_reply_magic(magic)?).unwrap_or_default();
        bytes.extend(read_vec(&mut self.stream, rest)?);
        let head = parse_reply(&bytes)?;
        let (ReplyHead::Simple { cookie: found, .. } | ReplyHead::Chunk { cookie: found, .. }) =
            head;
        if found == cookie { Ok(head) } else { Err(NbdError::Cookie { expected: cookie, found }) }
    }

    /// Waits for an answer without content.
    fn receive_ack(&mut self, cookie: u64) -> Result<(), NbdError> {
        let mut error = None;
        for _ in 0..MAX_CHUNKS {
            match self.receive_head(cookie)? {
                ReplyHead::Simple { errno: 0, .. } => return Ok(()),
                ReplyHead::Simple { errno, .. } => return Err(server_error(errno)),
                ReplyHead::Chunk { is_done, kind, length, .. } => {
                    self.receive_other(&Chunk { is_done, kind, length }, &mut error)?;
                    if is_done {
                        return error.map_or(Ok(()), Err);
                    }
                }
            }
        }
        Err(TOO_MANY)
    }

    /// Takes a chunk that carries no content: the end of an answer, or an error, which goes to
    /// `error` until the answer is complete.
    fn receive_other(
        &mut self,
        chunk: &Chunk,
        error: &mut Option<NbdError>,
    ) -> Result<(), NbdError> {
        if chunk.kind & CHUNK_FLAG_ERROR != 0 {
            check_length("an error", chunk.length.into(), 6, MAX_ERROR.into())?;
            let payload = read_vec(&mut self.stream, chunk.length)?;
            error.get_or_insert(parse_error_chunk(&payload)?);
            return Ok(());
        }
        if chunk.kind != CHUNK_NONE || !chunk.is_done {
            return Err(NbdError::Unexpected { what: "a chunk", found: chunk.kind.into() });
        }
        check_length("an empty chunk", chunk.length.into(), 0, 0)
    }

    /// Hands the chunks of one structured answer to `each`, which says whether it took the chunk.
    fn receive_chunks(
        &mut self,
        cookie: u64,
        mut each: impl FnMut(&mut Self, &Chunk) -> Result<bool, NbdError>,
    ) -> Result<(), NbdError> {
        let mut error = None;
        for _ in 0..MAX_CHUNKS {
            let chunk = match self.receive_head(cookie)? {
                ReplyHead::Chunk { is_done, kind, length, .. } => Chunk { is_done, kind, length },
                // Not allowed by the protocol here, but an error is an error.
                ReplyHead::Simple { errno, .. } if errno != 0 => return Err(server_error(errno)),
                ReplyHead::Simple { .. } => {
                    return Err(NbdError::Unexpected { what: "a reply", found: 0 });
                }
            };
            if !each(self, &chunk)? {
                self.receive_other(&chunk, &mut error)?;
            }
            if chunk.is_done {
                return error.map_or(Ok(()), Err);
            }
        }
        Err(TOO_MANY)
    }

    fn read_piece(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), NbdError> {
        let cookie = self.send(CMD_READ, offset, buffer.len() as u64, &[])?;
        if !self.export.is_structured {
            return match self.receive_head(cookie)? {
                ReplyHead::Simple { errno: 0, .. } => Ok(self.stream.read_exact(buffer)?),
                ReplyHead::Simple { errno, .. } => Err(server_error(errno)),
                ReplyHead::Chunk { kind, .. } => {
                    Err(NbdError::Unexpected { what: "a chunk", found: kind.into() })
                }
            };
        }
        let mut coverage = Coverage::of(buffer.len() as u64);
        self.receive_chunks(cookie, |client, chunk| match chunk.kind {
            CHUNK_OFFSET_DATA => {
                check_length("data", chunk.length.into(), 9, 8 + buffer.len() as u64)?;
                let start = u64::from_be_bytes(read_array(&mut client.stream)?);
                let length = u64::from(chunk.length) - 8;
                let target = target(buffer, offset, start, length, &mut coverage)?;
                client.stream.read_exact(target)?;
                Ok(true)
            }
            CHUNK_OFFSET_HOLE => {
                check_length("a hole", chunk.length.into(), 12, 12)?;
                let (start, length) = parse_hole(&read_array::<12>(&mut client.stream)?)?;
                target(buffer, offset, start, length.into(), &mut coverage)?.fill(0);
                Ok(true)
            }
            _ => Ok(false),
        })?;
        coverage.check_complete()
    }

    /// Lengths and flags from the start of `piece` on; at least one, not necessarily up to its end.
    fn status_piece(
        &mut self,
        piece: ByteRange,
        context: u32,
    ) -> Result<Vec<(u32, u32)>, NbdError> {
        let cookie = self.send(CMD_BLOCK_STATUS, piece.start, piece.len(), &[])?;
        let mut answer = None;
        self.receive_chunks(cookie, |client, chunk| {
            if chunk.kind != CHUNK_BLOCK_STATUS {
                return Ok(false);
            }
            check_length("a block status", chunk.length.into(), 12, MAX_STATUS.into())?;
            let payload = read_vec(&mut client.stream, chunk.length)?;
            let (found, extents) = parse_block_status(&payload)?;
            if found != context || answer.is_some() {
                return Err(NbdError::Unexpected { what: "a context", found: found.into() });
            }
            answer = Some(extents);
            Ok(true)
        })?;
        answer.ok_or(NbdError::Coverage { why: "the block status is missing" })
    }
}

const TOO_MANY: NbdError = NbdError::Coverage { why: "it comes in too many pieces" };

fn server_error(errno: u32) -> NbdError {
    NbdError::Server { errno, message: String::new() }
}

/// The part of `buffer`, read from `offset`, that a piece `start..start + length` of the export
/// belongs to. The piece must lie inside and be new.
fn target<'a>(
    buffer: &'a mut [u8],
    offset: u64,
    start: u64,
    length: u64,
    coverage: &mut Coverage,
) -> Result<&'a mut [u8], NbdError> {
    const OUTSIDE: NbdError = NbdError::Coverage { why: "a piece lies outside" };
    let start = start.checked_sub(offset).ok_or(OUTSIDE)?;
    coverage.add(start, length)?;
    let start = usize::try_from(start).map_err(|_| OUTSIDE)?;
    let length = usize::try_from(length).map_err(|_| OUTSIDE)?;
    buffer.get_mut(start..).and_then(|rest| rest.get_mut(..length)).ok_or(OUTSIDE)
}

/// Appends an extent, merging it with the last one where both are of one kind.
pub(crate) fn push_extent(extents: &mut Vec<Extent>, range: ByteRange, kind: ExtentKind) {
    match extents.last_mut() {
        _ if range.is_empty() => {}
        Some(last) if last.kind == kind && last.range.end == range.start => {
            last.range.end = range.end;
        }
        _ => extents.push(Extent { range, kind }),
    }
}

/// Uses a client against a server that sends exactly `bytes`, in every way there is. For fuzzing:
/// whatever the bytes are, it must return, and soon.
pub fn drive(bytes: &[u8]) -> Result<(), NbdError> {
    /// Reads from the bytes, swallows what is written.
    struct Script<'a>(&'a [u8]);
    impl Read for Script<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Write for Script<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut client = Client::connect(Script(bytes), "")?;
    let size = client.export().size.min(1 << 20);
    let mut buffer = vec![0; usize::try_from(size / 2).unwrap_or_default()];
    let results = [
        client.read_at(size / 4, &mut buffer),
        client.extents(ByteRange::at(0, size)).map(drop),
        client.write_at(0, &buffer),
        client.write_zeroes(ByteRange::at(0, size)),
        client.flush(),
    ];
    client.disconnect();
    results.into_iter().collect()
}

#[cfg(test)]
mod tests;
