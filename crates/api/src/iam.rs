//! Identity: Keystone v3, as far as clients need it to begin (related-services, section 2).

mod catalog;
mod directory;
mod errors;
mod routes;
mod tokens;
mod versions;
mod wire;

pub(crate) use errors::tell;
pub(crate) use routes::ROUTES;
