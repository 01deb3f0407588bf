//! Where the services meet the engine: repositories of vaults, and the ground of the workflows.

mod ground;
mod place;
mod repositories;
mod step_error;

pub(crate) use ground::HostGround;
pub(crate) use place::place_of;
pub use repositories::{Repositories, RepositoriesParts, RepositoryError};
