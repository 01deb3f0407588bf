//! Servers: the native paths and Nova's (related-services, section 3).

mod errors;
mod routes;
mod servers;
mod wire;

pub(crate) use errors::tell;
pub(crate) use routes::ROUTES;
pub(crate) use wire::{nova_server, nova_server_keys};
