//! All routes, by the surfaces they belong to.

use std::sync::LazyLock;

use crate::route::{Route, Table};
use crate::{cbr, ecs, evs, health, iam, ims, strongroom};

/// Every route that is served, to be looked up.
pub(crate) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::new(ROUTES));

const ROUTES: &[&[Route]] = &[
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
