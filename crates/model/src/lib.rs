//! The domain of the backup service: its nouns, their states, and the rules about them.
//!
//! # Why
//! Whether a vault may be deleted now, or how a backup is called, is decided in one place that
//! needs neither a database nor a server, so that it can be tried with thousands of made-up cases.
//! The layers above fetch the facts, ask here, and act.
//!
//! # Invariants
//! - Everything here is a pure function of its arguments: the time is a parameter, and nothing is
//!   awaited.
//! - A value of a type that can be parsed obeys the type's rule, wherever it came from.
//! - MODEL-1: a state changes only as its table says: [`StateMachine`].
//! - Words that both clients and tables know (states, kinds, actions) are spelt as clients spell
//!   them; numbers of errors and the form of answers are not known here.
//!
//! # Not here
//! The form of requests and answers, tables and queries, the order of work. Policies, sharing and
//! replication have no types yet.

mod text;
mod word;

pub mod action;
pub mod audit;
pub mod backup;
pub mod bind_rules;
pub mod checkpoint;
pub mod description;
pub mod disk;
pub mod domain;
pub mod field;
pub mod filter;
pub mod id;
pub mod name;
pub mod page;
pub mod permission;
pub mod project;
pub mod quota;
pub mod refusal;
pub mod resource;
pub mod role;
pub mod scope;
pub mod server;
pub mod sort;
pub mod state;
pub mod tag;
pub mod task;
pub mod user;
pub mod vault;
pub mod zone;

pub use action::Action;
pub use audit::AuditRecord;
pub use backup::Backup;
pub use bind_rules::BindRules;
pub use description::Description;
pub use field::FieldError;
pub use id::{
    BackupId, CheckpointId, DomainId, ProjectId, ResourceId, RoleId, TaskId, UserId, VaultId,
};
pub use name::Name;
pub use page::Page;
pub use quota::Quota;
pub use refusal::Refusal;
pub use role::Role;
pub use scope::Scope;
pub use state::StateMachine;
pub use tag::{Tag, Tags};
pub use task::Task;
pub use vault::Vault;
