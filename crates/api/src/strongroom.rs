//! What CBR does not have (contract, 11b): resources that an operator makes known, exports of disks,
//! verifying, what vaults need, and tasks in finer words. Plain JSON in snake case; errors as CBR has them.

mod exports;
mod resources;
mod task_view;
mod tasks;
mod vaults;
mod verifications;
mod wire;

use strongroom_model::Action as A;

use crate::cbr::wire::operation_log;
use crate::form::{Form, Gives, all, body, nothing, one};
use crate::route::{Access, Route};
use crate::schema::id;
use crate::surface::Surface;

/// The name of its part of the interface.
pub(crate) const NAME: &str = "strongroom";

macro_rules! routes {
    ($($method:literal $path:literal $status:literal $action:ident $handler:path, $summary:literal, $takes:expr => $gives:expr;)+) => {
        &[$(
            Route {
                surface: Surface::Strongroom,
                method: $method,
                path: $path,
                status: $status,
                summary: $summary,
                access: Access::Within(A::$action, |call, cx| Box::pin($handler(call, cx))),
                form: Form { takes: || $takes, gives: || $gives },
            },
        )+]
    };
}

/// All routes, sorted by path.
pub(crate) const ROUTES: &[Route] = routes! {
    "GET" "/strongroom/v1/{project_id}/backups/{backup_id}/export" 200 BackupExport exports::get, "Downloads the disk of a backup, raw or as an image.", exports::query() => Gives::Disk;
    "POST" "/strongroom/v1/{project_id}/backups/{backup_id}/verify" 202 BackupVerify verifications::of_backup, "Begins to read back what is stored of a backup.", nothing() => one("task_id", id());
    "GET" "/strongroom/v1/{project_id}/resources" 200 ResourceList resources::list, "Lists the resources that were made known.", nothing() => all("resources", wire::schema());
    "POST" "/strongroom/v1/{project_id}/resources" 201 ResourceAdd resources::add, "Makes a disk or server of this host known.", body(wire::new_schema()) => one("resource", wire::schema());
    "DELETE" "/strongroom/v1/{project_id}/resources/{resource_id}" 204 ResourceRemove resources::remove, "Forgets a resource; its files and backups stay.", nothing() => Gives::Nothing;
    "GET" "/strongroom/v1/{project_id}/resources/{resource_id}" 200 ResourceShow resources::get, "Shows a resource.", nothing() => one("resource", wire::schema());
    "GET" "/strongroom/v1/{project_id}/tasks/{task_id}" 200 TaskGet tasks::get, "Shows a task with its bytes and the time that it will take.", nothing() => one("task", task_view::schema());
    "POST" "/strongroom/v1/{project_id}/tasks/{task_id}/cancel" 202 TaskCancel tasks::cancel, "Asks a task to stop.", nothing() => one("task", operation_log::schema());
    "GET" "/strongroom/v1/{project_id}/vaults/{vault_id}/usage" 200 VaultGet vaults::usage, "Counts a vault's bytes in the store.", nothing() => one("usage", vaults::usage_schema());
    "POST" "/strongroom/v1/{project_id}/vaults/{vault_id}/verify" 202 BackupVerify verifications::of_vault, "Begins to read back what is stored of a vault.", nothing() => one("task_id", id());
};
