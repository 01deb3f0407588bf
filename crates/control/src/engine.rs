//! Where the services meet the engine: repositories of vaults, and the ground of the workflows.

mod ground;
mod place;
mod repositories;
mod step_error;
mod verification;

pub(crate) use ground::HostGround;
pub(crate) use place::place_of;
pub use repositories::{Repositories, RepositoriesParts, RepositoryError, is_journaled};
pub(crate) use verification::verify;
