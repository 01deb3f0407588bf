//! All routes of CBR (contract, section 2), sorted by path.

use std::future::ready;

use strongroom_model::Action as A;

use super::wire::{backup, checkpoint, operation_log, protectable, resource, restore, tag, vault};
use super::{
    backups, checkpoints, protectables, resources, restores, tags, tasks, vaults, versions,
};
use crate::form::{Form, Gives, all, body, nothing, one, page};
use crate::route::{Access, Route};
use crate::schema::id;
use crate::surface::Surface;

macro_rules! routes {
    ($($method:literal $path:literal $status:literal $action:ident $handler:path, $summary:literal, $takes:expr => $gives:expr;)+) => {
        &[$(
            Route {
                surface: Surface::Cbr,
                method: $method,
                path: $path,
                status: $status,
                summary: $summary,
                access: Access::Within(A::$action, |call, cx| Box::pin($handler(call, cx))),
                form: Form { takes: || $takes, gives: || $gives },
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
        form: Form { takes: nothing, gives: versions::listed },
    }
}

pub(crate) const ROUTES: &[Route] = routes! {
    "GET" "/v3/{project_id}/backups" 200 BackupList backups::list, "Lists backups.", backups::query() => page("backups", backup::schema());
    "DELETE" "/v3/{project_id}/backups/{backup_id}" 204 BackupDelete backups::delete, "Deletes a backup.", nothing() => Gives::Nothing;
    "GET" "/v3/{project_id}/backups/{backup_id}" 200 BackupGet backups::get, "Shows a backup.", nothing() => one("backup", backup::schema());
    "PUT" "/v3/{project_id}/backups/{backup_id}" 200 BackupUpdate backups::update, "Renames a backup.", body(backup::rename_schema()) => one("backup", backup::schema());
    "POST" "/v3/{project_id}/backups/{backup_id}/restore" 202 BackupRestore restores::create, "Restores a backup.", body(restore::schema()) => one("job_id", id());
    "POST" "/v3/{project_id}/checkpoints" 200 VaultBackup checkpoints::create, "Backs a vault's resources up.", body(checkpoint::new_schema()) => one("checkpoint", checkpoint::schema());
    "GET" "/v3/{project_id}/checkpoints/{checkpoint_id}" 200 BackupGet checkpoints::get, "Shows a checkpoint.", nothing() => one("checkpoint", checkpoint::schema());
    "GET" "/v3/{project_id}/operation-logs" 200 TaskList tasks::list, "Lists tasks.", tasks::query() => page("operation_logs", operation_log::schema());
    "GET" "/v3/{project_id}/operation-logs/{operation_log_id}" 200 TaskGet tasks::get, "Shows a task.", nothing() => one("operation_log", operation_log::schema());
    "GET" "/v3/{project_id}/protectables/{protectable_type}/instances" 200 ProtectableList protectables::list, "Lists what can be protected.", protectables::query() => all("instances", protectable::schema());
    "GET" "/v3/{project_id}/protectables/{protectable_type}/instances/{instance_id}" 200 ProtectableGet protectables::get, "Shows whether something can be protected.", nothing() => one("instance", protectable::schema());
    "POST" "/v3/{project_id}/vault/resource_instances/action" 200 VaultListResourceInstances tags::find, "Finds vaults by their tags.", body(tag::query_schema()) => tags::found();
    "GET" "/v3/{project_id}/vault/tags" 200 VaultListProjectTags tags::list_of_project, "Lists the tags of all vaults.", nothing() => all("tags", tag::project_schema());
    "GET" "/v3/{project_id}/vault/{vault_id}/tags" 200 VaultGetTags tags::list, "Lists a vault's tags.", nothing() => all("tags", tag::schema());
    "POST" "/v3/{project_id}/vault/{vault_id}/tags" 204 VaultSetTags tags::set, "Puts a tag on a vault.", body(tag::set_schema()) => Gives::Nothing;
    "POST" "/v3/{project_id}/vault/{vault_id}/tags/action" 204 VaultBulkTags tags::change, "Puts tags on a vault, or takes them off.", body(tag::change_schema()) => Gives::Nothing;
    "DELETE" "/v3/{project_id}/vault/{vault_id}/tags/{key}" 204 VaultDeleteTags tags::delete, "Takes a tag off a vault.", nothing() => Gives::Nothing;
    "GET" "/v3/{project_id}/vaults" 200 VaultList vaults::list, "Lists vaults.", vaults::query() => page("vaults", vault::schema());
    "POST" "/v3/{project_id}/vaults" 200 VaultCreate vaults::create, "Makes a vault.", body(vault::new_schema()) => one("vault", vault::schema());
    "DELETE" "/v3/{project_id}/vaults/{vault_id}" 204 VaultDelete vaults::delete, "Deletes a vault with its backups.", nothing() => Gives::Nothing;
    "GET" "/v3/{project_id}/vaults/{vault_id}" 200 VaultGet vaults::get, "Shows a vault.", nothing() => one("vault", vault::schema());
    "PUT" "/v3/{project_id}/vaults/{vault_id}" 200 VaultUpdate vaults::update, "Changes a vault.", body(vault::update_schema()) => one("vault", vault::schema());
    "POST" "/v3/{project_id}/vaults/{vault_id}/addresources" 200 VaultAddResources resources::add, "Puts resources into a vault.", body(resource::add_schema()) => all("add_resource_ids", id());
    "POST" "/v3/{project_id}/vaults/{vault_id}/removeresources" 200 VaultRemoveResources resources::remove, "Takes resources out of a vault and deletes their backups.", body(resource::remove_schema()) => all("remove_resource_ids", id());
};
