//! The footer of a pack: what decodes encodes to the same bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom_repo::testing::fuzz_footer(bytes));
