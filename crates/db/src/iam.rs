//! Identity: who there is, who may enter, and with what.

mod access_key;
mod access_key_owner;
mod dialect;
mod domain;
mod grant;
mod holder;
mod project;
mod token;
mod user;
pub(crate) mod version;

pub use access_key::{AccessKey, NewAccessKey};
pub use access_key_owner::AccessKeyOwner;
pub(crate) use holder::Holders;
pub use holder::TokenHolder;
pub use project::ProjectName;
pub use token::{NewToken, TokenHash};
pub use user::{Login, LoginName, NewUser};
