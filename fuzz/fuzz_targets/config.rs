//! The configuration, with any checksum and with the right one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom_repo::testing::fuzz_config(bytes));
