//! Faults, simulation and models for the tests of this and other crates.

pub mod conformance;
pub mod fault;
pub mod large;
pub mod real_clock;
pub mod s3_server;
pub mod sim;

pub use crate::format::fuzz as fuzz_config;
pub use crate::index::segment::fuzz as fuzz_segment;
pub use crate::manifest::fuzz as fuzz_manifest;
pub use crate::manifest::node::fuzz as fuzz_node;
pub use crate::pack::footer::fuzz as fuzz_footer;
