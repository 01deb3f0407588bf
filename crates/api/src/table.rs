//! All routes, by the surfaces they belong to.

use crate::route::Route;
use crate::{cbr, ecs, evs, health, iam, ims, strongroom};

/// Every route that is served.
pub(crate) const ROUTES: &[&[Route]] = &[
    cbr::ROUTES,
    iam::ROUTES,
    evs::ROUTES,
    ecs::ROUTES,
    ims::ROUTES,
    strongroom::ROUTES,
    health::ROUTES,
];

/// Every route that is served, for descriptions and tests.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().copied().flatten()
}
