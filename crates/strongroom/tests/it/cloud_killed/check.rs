//! What must be so when all tasks have ended, as clients see it.

use std::time::Duration;

use serde_json::Value;

use super::PATIENCE;
use super::case::{Case, Operation};
use super::copy::{Copy, Template};
use crate::cloud_client::{CloudClient, wait_for};
use crate::installation::is_same_image;
use crate::program::MIB;

/// How long a repair may take to come round: it rests a quarter of a minute.
const REPAIR: Duration = Duration::from_secs(40);

pub(super) struct Check<'a> {
    pub(super) case: Case,
    pub(super) template: &'a Template,
    pub(super) copy: &'a Copy,
    pub(super) client: &'a CloudClient,
}

impl Check<'_> {
    pub(super) fn all(&self) {
        self.nothing_is_under_way(&["available", "error_restoring"]);
        match self.case.operation {
            Operation::Backup => self.backup(),
            Operation::Restore => self.restore(),
            Operation::BackupDelete => self.backup_delete(),
            Operation::VaultDelete => self.vault_delete(),
        }
        self.nothing_is_under_way(&["available"]);
        self.counts_are_true();
    }

    /// Everything is in a state in which it may stay for ever; disks in one of `disks`.
    fn nothing_is_under_way(&self, disks: &[&str]) {
        for vault in self.client.vaults() {
            assert_eq!(vault["billing"]["status"], "available", "{self}: {vault}");
            for resource in vault["resources"].as_array().unwrap() {
                assert_eq!(resource["protect_status"], "available", "{self}: {vault}");
            }
            for backup in self.client.backups(vault["id"].as_str().unwrap()) {
                assert_eq!(backup["status"], "available", "{self}: {backup}");
            }
        }
        for id in [&self.copy.ids.source, &self.copy.ids.other] {
            let disk = self.client.disk(id);
            assert!(disks.iter().any(|status| disk["status"] == *status), "{self}: {disk}");
        }
    }

    /// The task of the operation; none if the server died before it took the request.
    fn task(&self, kind: &str, vault: &str) -> Option<Value> {
        let is_ours = |task: &&Value| {
            let kinds = [&task["operation_type"], &task["vault_id"]];
            // The template's own have ended long before.
            kinds == [kind, vault] && !self.copy.tasks_before.contains(&task["id"].to_string())
        };
        let tasks = self.client.tasks();
        tasks.iter().find(is_ours).cloned()
    }

    /// The same, which must have succeeded.
    fn succeeded(&self, kind: &str, vault: &str) -> bool {
        let task = self.task(kind, vault);
        assert!(task.as_ref().is_none_or(|task| task["status"] == "success"), "{self}: {task:?}");
        task.is_some()
    }

    fn backup(&self) {
        let vault = &self.copy.ids.fresh;
        let begun = self.succeeded("backup", vault);
        assert_eq!(self.client.backups(vault).len(), usize::from(begun), "{self}");
        let backup = match self.client.backups(vault).first() {
            Some(backup) => backup["id"].as_str().unwrap().to_owned(),
            None => self.client.back_up(vault),
        };
        self.copy.lose_disk(self.case);
        self.client.restore(&backup, &self.copy.ids.source);
        self.disk_is_as_backed_up();
    }

    fn restore(&self) {
        let ids = &self.copy.ids;
        let task = self.task("restore", &ids.kept);
        if task.as_ref().is_none_or(|task| task["status"] != "success") {
            // One that failed says why, and the next one works.
            if let Some(task) = task {
                println!("{self}: {}", task["error_info"]);
                assert_ne!(task["error_info"]["message"], "", "{self}: {task}");
            }
            self.client.restore(&ids.backup, &ids.other);
        }
        self.disk_is_as_backed_up();
        // Nobody holds the disk any more.
        self.client.restore(&ids.backup, &ids.other);
    }

    fn disk_is_as_backed_up(&self) {
        let disk = self.copy.disk(self.case);
        assert!(is_same_image(&self.template.image, &disk), "{self}: other bytes");
    }

    fn backup_delete(&self) {
        let ids = &self.copy.ids;
        if !self.succeeded("delete", &ids.kept) {
            self.client.send(&self.client.cbr("DELETE", &format!("backups/{}", ids.backup)));
            self.client.settle(PATIENCE);
        }
        assert!(self.client.backups(&ids.kept).is_empty(), "{self}");
        let vault = self.client.vault(&ids.kept).unwrap();
        assert_eq!(vault["resources"][0]["backup_count"], 0, "{self}: {vault}");
        assert_eq!(vault["resources"][0]["backup_size"], 0, "{self}: {vault}");
    }

    fn vault_delete(&self) {
        let ids = &self.copy.ids;
        if !self.succeeded("vault_delete", &ids.many) {
            self.client.send(&self.client.cbr("DELETE", &format!("vaults/{}", ids.many)));
            self.client.settle(PATIENCE);
        }
        assert!(self.client.vault(&ids.many).is_none(), "{self}");
        assert!(self.client.backups(&ids.many).is_empty(), "{self}");
    }

    /// What the vaults say is what is there.
    fn counts_are_true(&self) {
        for vault in self.client.vaults() {
            let id = vault["id"].as_str().unwrap();
            assert_eq!(vault["resources"].as_array().unwrap().len(), 1, "{self}: {vault}");
            assert_eq!(vault["billing"]["allocated"], 1, "{self}: {vault}");
            let backups = self.client.backups(id).len();
            assert_eq!(vault["resources"][0]["backup_count"], backups, "{self}: {vault}");
            let used = self.used(id).div_ceil(MIB);
            wait_for(&format!("{self}: {vault} uses {used} MiB"), REPAIR, || {
                self.client.vault(id).unwrap()["billing"]["used"] == used
            });
        }
    }

    /// What the vault's repository says itself.
    fn used(&self, vault: &str) -> u64 {
        let repository = self.copy.setup.data.join("store/vaults").join(vault);
        let key = self.copy.setup.data.join("master.key");
        let mut stat = crate::program::strongroom();
        stat.args(["repo", "stat", "--output", "json", "--repo"]).arg(&repository);
        let output = stat.arg("--key-file").arg(key).output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        document["used_bytes"].as_u64().unwrap_or(0)
    }
}

impl std::fmt::Display for Check<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.case.name(), self.case.again)
    }
}
