//! A node of a map: what decodes encodes to the same bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom_repo::testing::fuzz_node(bytes));
