//! Vaults and what is in them.

mod backup;
mod backup_list;
mod backup_row;
mod checkpoint;
mod repository;
mod resource;
mod task;
mod task_list;
mod task_row;
mod vault;
mod vault_list;
mod vault_row;
mod vault_tag;

pub use backup_list::BackupList;
pub use repository::StoredRepository;
pub use task::TaskSubject;
pub use task_list::TaskList;
pub use vault_list::VaultList;
pub use vault_row::StoredVault;
