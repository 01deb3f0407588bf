//! The conversation before the first request: which export, which extensions.

use std::io::{Read, Write};

use super::NbdError;
use super::protocol::{
    BASE_ALLOCATION, ExportFlags, ExportInfo, FLAG_FIXED_NEWSTYLE, FLAG_NO_ZEROES, MAX_PAYLOAD,
    OPT_GO, OPT_SET_META_CONTEXT, OPT_STRUCTURED_REPLY, REP_ACK, REP_FLAG_ERROR, REP_INFO,
    REP_META_CONTEXT, encode_option, parse_export_info, parse_greeting, parse_meta_context,
    parse_option_reply, parse_refusal, push_text,
};

/// Answers to one option before its acknowledgement. A server needs four.
const MAX_REPLIES: usize = 64;

/// What was agreed with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Export {
    /// Size in bytes.
    pub size: u64,
    /// What the export can do.
    pub flags: ExportFlags,
    /// Whether answers come in chunks.
    pub is_structured: bool,
    /// The number of the context `base:allocation`; `None` when the server has none.
    pub allocation: Option<u32>,
    /// Longest payload of a read or write.
    pub max_payload: u32,
}

/// Brings a fresh connection to the point where requests may be sent to the export `name`.
///
/// A server without structured replies or without `base:allocation` is fine: its export then is
/// one data extent.
pub fn negotiate<S: Read + Write>(stream: &mut S, name: &str) -> Result<Export, NbdError> {
    let server_flags = parse_greeting(&read_array::<18>(stream)?)?;
    let flags = FLAG_FIXED_NEWSTYLE | server_flags & FLAG_NO_ZEROES;
    stream.write_all(&u32::from(flags).to_be_bytes())?;

    let is_structured = ask(stream, OPT_STRUCTURED_REPLY, &[], |_, _| Ok(()))?.is_ok();
    let mut allocation = None;
    if is_structured {
        let mut query = Vec::new();
        push_text(&mut query, name);
        query.extend(1_u32.to_be_bytes());
        push_text(&mut query, BASE_ALLOCATION);
        // A refusal means no extents, which is no reason to give up.
        let _refusal = ask(stream, OPT_SET_META_CONTEXT, &query, |kind, payload| {
            if kind != REP_META_CONTEXT {
                return Err(unexpected(kind));
            }
            let (id, found) = parse_meta_context(payload)?;
            if found == BASE_ALLOCATION.as_bytes() {
                allocation = Some(id);
            }
            Ok(())
        })?;
    }
    go(stream, name, is_structured, allocation)
}

fn go<S: Read + Write>(
    stream: &mut S,
    name: &str,
    is_structured: bool,
    allocation: Option<u32>,
) -> Result<Export, NbdError> {
    let mut query = Vec::new();
    push_text(&mut query, name);
    query.extend(0_u16.to_be_bytes()); // no special information asked for
    let mut max_payload = MAX_PAYLOAD;
    let mut described = None;
    ask(stream, OPT_GO, &query, |kind, payload| {
        if kind != REP_INFO {
            return Err(unexpected(kind));
        }
        match parse_export_info(payload)? {
            ExportInfo::Export { size, flags } => described = Some((size, ExportFlags(flags))),
            ExportInfo::MaxPayload(max) => max_payload = max_payload.min(max),
            ExportInfo::Other => {}
        }
        Ok(())
    })??;
    let (size, flags) = described.ok_or_else(|| NbdError::Handshake {
        why: "it does not say how large the export is".to_owned(),
    })?;
    Ok(Export { size, flags, is_structured, allocation, max_payload })
}

/// Sends an option and hands every answer before the acknowledgement to `each`. The inner result
/// is the server's refusal, after which the next option may be sent.
fn ask<S: Read + Write>(
    stream: &mut S,
    option: u32,
    data: &[u8],
    mut each: impl FnMut(u32, &[u8]) -> Result<(), NbdError>,
) -> Result<Result<(), NbdError>, NbdError> {
    stream.write_all(&encode_option(option, data))?;
    for _ in 0..MAX_REPLIES {
        let reply = parse_option_reply(&read_array::<20>(stream)?)?;
        if reply.option != option {
            return Err(NbdError::Unexpected { what: "an answer", found: reply.option.into() });
        }
        let payload = read_vec(stream, reply.length)?;
        if reply.kind == REP_ACK {
            return Ok(Ok(()));
        }
        if reply.kind & REP_FLAG_ERROR != 0 {
            return Ok(Err(parse_refusal(option, reply.kind, &payload)));
        }
        each(reply.kind, &payload)?;
    }
    Err(NbdError::Handshake { why: "it answers an option without end".to_owned() })
}

fn unexpected(kind: u32) -> NbdError {
    NbdError::Unexpected { what: "an option's answer", found: kind.into() }
}

/// Reads exactly `N` bytes.
pub(super) fn read_array<const N: usize>(stream: &mut impl Read) -> Result<[u8; N], NbdError> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads exactly `length` bytes. The caller has compared `length` with a limit.
pub(super) fn read_vec(stream: &mut impl Read, length: u32) -> Result<Vec<u8>, NbdError> {
    let too_long = NbdError::Short { what: "a message that fits into memory" };
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| too_long)?];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
