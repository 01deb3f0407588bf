//! An NBD server that sends anything: the client returns, and each parser takes any bytes.
#![no_main]

use strongroom_source::nbd::drive;
use strongroom_source::nbd::protocol::{
    parse_block_status, parse_error_chunk, parse_export_info, parse_greeting, parse_hole,
    parse_meta_context, parse_option_reply, parse_refusal, parse_reply, parse_reply_magic,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Errors are fine; panics, endless work and huge allocations are not.
    drop(drive(bytes));
    drop(parse_greeting(bytes));
    drop(parse_option_reply(bytes));
    drop(parse_export_info(bytes));
    drop(parse_meta_context(bytes));
    drop(parse_reply(bytes));
    drop(parse_hole(bytes));
    drop(parse_error_chunk(bytes));
    drop(parse_refusal(0, 0, bytes));
    if let Some(magic) = bytes.first_chunk() {
        drop(parse_reply_magic(*magic));
    }
    if let Ok((_, extents)) = parse_block_status(bytes) {
        assert!(!extents.is_empty() && extents.iter().all(|(length, _)| *length > 0));
    }
});
