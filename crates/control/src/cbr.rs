//! Vaults and what is done with them.

mod backups;
mod checkpoints;
mod code;
mod protectables;
mod resources;
mod restores;
mod source;
mod tags;
mod tasks;
mod vault_deletion;
mod vaults;
mod verifications;

pub use backups::BackupPage;
pub use checkpoints::NewCheckpoint;
pub use code::{Code, code_of, code_of_absent};
pub use protectables::{Protectable, ProtectableFilter, ProtectableSource, Protection};
pub use resources::NewResource;
pub use restores::NewRestore;
pub(crate) use source::{Source, Sources};
pub use tags::TagChange;
pub(crate) use tasks::Order;
pub use tasks::{TaskPage, WatchedTask};
pub(crate) use vault_deletion::remove_vault;
pub(crate) use vaults::UNKNOWN_MARKER;
pub use vaults::{NewVault, VaultPage};
