//! Disks: the native paths and Cinder's (related-services, section 5).

mod errors;
mod routes;
mod volume_types;
mod volumes;
mod wire;

pub(crate) use errors::tell;
pub(crate) use routes::ROUTES;
pub(crate) use wire::{device, volume, volume_schema};
