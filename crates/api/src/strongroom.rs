//! What CBR does not have: resources that an operator makes known, and stopping tasks (contract,
//! 11b). Plain JSON in snake case; errors as CBR has them.

mod resources;
mod tasks;
mod wire;

use strongroom_model::Action as A;

use crate::route::{Access, Route};
use crate::surface::Surface;

/// The name of its part of the interface.
pub(crate) const NAME: &str = "strongroom";

macro_rules! routes {
    ($($method:literal $path:literal $status:literal $action:ident $handler:path, $summary:literal;)+) => {
        &[$(
            Route {
                surface: Surface::Strongroom,
                method: $method,
                path: $path,
                status: $status,
                summary: $summary,
                access: Access::Within(A::$action, |call, cx| Box::pin($handler(call, cx))),
            },
        )+]
    };
}

/// All routes, sorted by path.
pub(crate) const ROUTES: &[Route] = routes! {
    "GET" "/strongroom/v1/{project_id}/resources" 200 ResourceList resources::list, "Lists the resources that were made known.";
    "POST" "/strongroom/v1/{project_id}/resources" 201 ResourceAdd resources::add, "Makes a disk or server of this host known.";
    "DELETE" "/strongroom/v1/{project_id}/resources/{resource_id}" 204 ResourceRemove resources::remove, "Forgets a resource; its files and backups stay.";
    "GET" "/strongroom/v1/{project_id}/resources/{resource_id}" 200 ResourceShow resources::get, "Shows a resource.";
    "POST" "/strongroom/v1/{project_id}/tasks/{task_id}/cancel" 202 TaskCancel tasks::cancel, "Asks a task to stop.";
};
