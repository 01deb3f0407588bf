//! What needs the whole service, or recorded traffic and the crates that must understand it.
#![expect(clippy::indexing_slicing, reason = "what is missing in an answer fails the test")]
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected shall stop there")]

mod bad_input;
mod canonical;
mod described;
mod export;
mod isolation;
mod replay_gophertelekomcloud;
mod replay_huaweicloud_sdk_go;
mod replay_huaweicloud_sdk_python;
mod replay_openstack_cli;
mod replay_terraform_huaweicloud;
mod replay_terraform_opentelekomcloud;
mod replayed;
mod sent;
mod signature;
mod world;
