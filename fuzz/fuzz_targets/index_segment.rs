//! An index segment: whatever decodes can be searched.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom_repo::testing::fuzz_segment(bytes));
