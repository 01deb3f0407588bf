//! Identity: who there is, who may enter, and with what.

mod access_key;
mod access_key_owner;
mod domain;
mod grant;
mod project;
mod token;
mod user;

pub use access_key::{AccessKey, NewAccessKey};
pub use access_key_owner::AccessKeyOwner;
pub use project::ProjectName;
pub use token::{NewToken, TokenHash, TokenHolder};
pub use user::{Login, LoginName, NewUser};
