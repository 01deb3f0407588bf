//! All routes of CBR (contract, section 2), sorted by path.

use std::future::ready;

use strongroom_model::Action as A;

use super::{
    backups, checkpoints, protectables, resources, restores, tags, tasks, vaults, versions,
};
use crate::route::{Access, Route};
use crate::surface::Surface;

macro_rules! routes {
    ($($method:literal $path:literal $status:literal $action:ident $handler:path, $summary:literal;)+) => {
        &[$(
            Route {
                surface: Surface::Cbr,
                method: $method,
                path: $path,
                status: $status,
                summary: $summary,
                access: Access::Within(A::$action, |call, cx| Box::pin($handler(call, cx))),
            },
        )+
            open("/", "Lists the versions."),
            open("/csbs", "Lists the versions."),
            open("/vbs", "Lists the versions."),
        ]
    };
}

/// Endpoints of the contract that are not served yet and whose last segment would be taken for an id:
/// they are unknown paths (11b), not wrong ids and not wrong methods.
const YET_TO_COME: &[(&str, &str)] = &[
    ("GET", "vaults/external"),
    ("GET", "vaults/summary"),
    ("PUT", "vaults/batch-update"),
    ("POST", "vaults/change-charge-mode"),
    ("POST", "vaults/order"),
    ("POST", "backups/sync"),
    ("POST", "checkpoints/replicate"),
    ("POST", "checkpoints/sync"),
];

/// Whether a path, as mounts leave it, is of an endpoint that is not served yet.
pub(crate) fn is_yet_to_come(method: &str, path: &str) -> bool {
    let within = path.strip_prefix("/v3/").and_then(|rest| rest.split_once('/'));
    within.is_some_and(|(_, rest)| YET_TO_COME.contains(&(method, rest)))
}

const fn open(path: &'static str, summary: &'static str) -> Route {
    Route {
        surface: Surface::Cbr,
        method: "GET",
        path,
        status: 300,
        summary,
        access: Access::Open(|call| Box::pin(ready(Ok(versions::list(call))))),
    }
}

pub(crate) const ROUTES: &[Route] = routes! {
    "GET" "/v3/{project_id}/backups" 200 BackupList backups::list, "Lists backups.";
    "DELETE" "/v3/{project_id}/backups/{backup_id}" 204 BackupDelete backups::delete, "Deletes a backup.";
    "GET" "/v3/{project_id}/backups/{backup_id}" 200 BackupGet backups::get, "Shows a backup.";
    "PUT" "/v3/{project_id}/backups/{backup_id}" 200 BackupUpdate backups::update, "Renames a backup.";
    "POST" "/v3/{project_id}/backups/{backup_id}/restore" 202 BackupRestore restores::create, "Restores a backup.";
    "POST" "/v3/{project_id}/checkpoints" 200 VaultBackup checkpoints::create, "Backs a vault's resources up.";
    "GET" "/v3/{project_id}/checkpoints/{checkpoint_id}" 200 BackupGet checkpoints::get, "Shows a checkpoint.";
    "GET" "/v3/{project_id}/operation-logs" 200 TaskList tasks::list, "Lists tasks.";
    "GET" "/v3/{project_id}/operation-logs/{operation_log_id}" 200 TaskGet tasks::get, "Shows a task.";
    "GET" "/v3/{project_id}/protectables/{protectable_type}/instances" 200 ProtectableList protectables::list, "Lists what can be protected.";
    "GET" "/v3/{project_id}/protectables/{protectable_type}/instances/{instance_id}" 200 ProtectableGet protectables::get, "Shows whether something can be protected.";
    "POST" "/v3/{project_id}/vault/resource_instances/action" 200 VaultListResourceInstances tags::find, "Finds vaults by their tags.";
    "GET" "/v3/{project_id}/vault/tags" 200 VaultListProjectTags tags::list_of_project, "Lists the tags of all vaults.";
    "GET" "/v3/{project_id}/vault/{vault_id}/tags" 200 VaultGetTags tags::list, "Lists a vault's tags.";
    "POST" "/v3/{project_id}/vault/{vault_id}/tags" 204 VaultSetTags tags::set, "Puts a tag on a vault.";
    "POST" "/v3/{project_id}/vault/{vault_id}/tags/action" 204 VaultBulkTags tags::change, "Puts tags on a vault, or takes them off.";
    "DELETE" "/v3/{project_id}/vault/{vault_id}/tags/{key}" 204 VaultDeleteTags tags::delete, "Takes a tag off a vault.";
    "GET" "/v3/{project_id}/vaults" 200 VaultList vaults::list, "Lists vaults.";
    "POST" "/v3/{project_id}/vaults" 200 VaultCreate vaults::create, "Makes a vault.";
    "DELETE" "/v3/{project_id}/vaults/{vault_id}" 204 VaultDelete vaults::delete, "Deletes a vault with its backups.";
    "GET" "/v3/{project_id}/vaults/{vault_id}" 200 VaultGet vaults::get, "Shows a vault.";
    "PUT" "/v3/{project_id}/vaults/{vault_id}" 200 VaultUpdate vaults::update, "Changes a vault.";
    "POST" "/v3/{project_id}/vaults/{vault_id}/addresources" 200 VaultAddResources resources::add, "Puts resources into a vault.";
    "POST" "/v3/{project_id}/vaults/{vault_id}/removeresources" 200 VaultRemoveResources resources::remove, "Takes resources out of a vault and deletes their backups.";
};
