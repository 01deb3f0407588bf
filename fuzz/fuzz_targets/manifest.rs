//! The document of a manifest or tombstone: what decodes survives a round trip.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom_repo::testing::fuzz_manifest(bytes));
