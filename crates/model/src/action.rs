//! Actions: what the service can be asked to do, by the names that access policies use.

use crate::word::words;

words! {
    /// An action, `service:type:operation` (contract, section 2). Tokens, the catalogue and the list
    /// of one's own projects need none.
    Action in "action" {
        /// Make a vault.
        VaultCreate = "cbr:vaults:create",
        /// List vaults.
        VaultList = "cbr:vaults:list",
        /// Show a vault.
        VaultGet = "cbr:vaults:get",
        /// Change a vault.
        VaultUpdate = "cbr:vaults:update",
        /// Delete a vault and all that is in it.
        VaultDelete = "cbr:vaults:delete",
        /// Put resources into a vault.
        VaultAddResources = "cbr:vaults:addResources",
        /// Take resources out of a vault, and delete their backups.
        VaultRemoveResources = "cbr:vaults:removeResources",
        /// Make backups in a vault.
        VaultBackup = "cbr:vaults:backup",
        /// See what can be protected.
        ProtectableList = "cbr:vaults:listProtectables",
        /// See one resource that can be protected.
        ProtectableGet = "cbr:vaults:getProtectables",
        /// Find vaults by their tags.
        VaultListResourceInstances = "cbr:vaults:listResourceInstances",
        /// List the tags of all vaults.
        VaultListProjectTags = "cbr:vaults:listProjectTags",
        /// Show a vault's tags.
        VaultGetTags = "cbr:vaults:getTags",
        /// Put a tag on a vault.
        VaultSetTags = "cbr:vaults:setTags",
        /// Take a tag off a vault.
        VaultDeleteTags = "cbr:vaults:deleteTags",
        /// Put tags on a vault, or take them off.
        VaultBulkTags = "cbr:vaults:bulkCreateOrDeleteTags",
        /// List backups.
        BackupList = "cbr:backups:list",
        /// Show a backup or checkpoint.
        BackupGet = "cbr:backups:get",
        /// Rename a backup.
        BackupUpdate = "cbr:backups:update",
        /// Delete a backup.
        BackupDelete = "cbr:backups:delete",
        /// Restore a backup.
        BackupRestore = "cbr:backups:restore",
        /// List tasks.
        TaskList = "cbr:tasks:list",
        /// Show a task.
        TaskGet = "cbr:tasks:get",
        /// Adopt a disk of a host, so that it can be put into vaults.
        ResourceAdd = "strongroom:resources:add",
        /// List adopted disks.
        ResourceList = "strongroom:resources:list",
        /// Show an adopted disk.
        ResourceShow = "strongroom:resources:show",
        /// Give an adopted disk up.
        ResourceRemove = "strongroom:resources:remove",
        /// Stop a task.
        TaskCancel = "strongroom:tasks:cancel",
        /// Check what is stored of a backup.
        BackupVerify = "strongroom:backups:verify",
        /// Read a backup's disks.
        BackupExport = "strongroom:backups:export",
        /// Take a deletion back.
        BackupUndelete = "strongroom:backups:undelete",
        /// List all projects of a domain.
        ProjectList = "iam:projects:listProjects",
        /// Show a project.
        ProjectGet = "iam:projects:getProject",
        /// List the users of a domain.
        UserList = "iam:users:listUsers",
        /// Show a user.
        UserGet = "iam:users:getUser",
        /// List disks.
        VolumeList = "evs:volumes:list",
        /// Show a disk.
        VolumeGet = "evs:volumes:get",
        /// Make a disk.
        VolumeCreate = "evs:volumes:create",
        /// Delete a disk.
        VolumeDelete = "evs:volumes:delete",
        /// List servers.
        ServerList = "ecs:cloudServers:list",
        /// Show a server.
        ServerGet = "ecs:cloudServers:get",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_has_a_service_a_type_and_an_operation() {
        for action in Action::ALL {
            let parts: Vec<_> = action.as_str().split(':').collect();
            assert_eq!(parts.len(), 3, "{action}");
            assert!(["cbr", "strongroom", "iam", "evs", "ecs"].contains(&parts[0]), "{action}");
            assert!(parts.iter().all(|part| part.chars().all(|c| c.is_ascii_alphabetic())));
        }
    }
}
