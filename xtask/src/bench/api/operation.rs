//! What is asked of the service, and where.

use super::rows::MADE_VAULT;
use super::scale::{PROJECTS, Scale, hex, id, project_of};
use super::token::Tokens;

/// How many different requests a load goes through.
const REQUESTS: u64 = 20_000;
/// Steps from one row to the next: a prime, so that all are gone through in an order that no index has.
const STEP: u64 = 7_368_787;

/// Which projects the requests go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The one that has half of everything.
    Large,
    /// All of them alike.
    Spread,
}

impl Scope {
    pub(super) const ALL: [Self; 2] = [Self::Large, Self::Spread];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Spread => "spread",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Large => "in the project that has half of the rows",
            Self::Spread => "in all 100 projects alike",
        }
    }

    /// The project of the `turn`-th request.
    fn project(self, turn: u64) -> u64 {
        match self {
            Self::Large => 0,
            Self::Spread => turn % PROJECTS,
        }
    }
}

/// An operation that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    GetVault,
    GetBackup,
    GetTask,
    ListVaults,
    ListBackups,
    ListTasks,
    CreateVault,
}

impl Operation {
    /// What changes the tables comes last.
    pub(super) const ALL: [Self; 7] = [
        Self::GetVault,
        Self::GetBackup,
        Self::GetTask,
        Self::ListVaults,
        Self::ListBackups,
        Self::ListTasks,
        Self::CreateVault,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::GetVault => "get-vault",
            Self::GetBackup => "get-backup",
            Self::GetTask => "get-task",
            Self::ListVaults => "list-vaults",
            Self::ListBackups => "list-backups",
            Self::ListTasks => "list-tasks",
            Self::CreateVault => "create-vault",
        }
    }

    pub(super) fn is_get(self) -> bool {
        matches!(self, Self::GetVault | Self::GetBackup | Self::GetTask)
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::ListVaults | Self::ListBackups | Self::ListTasks)
    }

    /// The requests of a load, each with one of the tokens in turn.
    pub(super) fn requests(self, scale: &Scale, scope: Scope, tokens: &Tokens) -> Vec<Request> {
        (0..REQUESTS)
            .map(|turn| {
                let project = scope.project(turn);
                self.request(scale, project, turn, tokens.of(project, turn))
            })
            .collect()
    }

    /// The `turn`-th request to a project.
    pub(super) fn request(self, scale: &Scale, project: u64, turn: u64, token: &str) -> Request {
        let base = format!("/v3/{}", hex("p", project));
        let row = |rows: u64| number_in(scale, project, turn, rows);
        let get = |path: String| Request::get(format!("{base}/{path}"), token);
        match self {
            Self::GetVault => get(format!("vaults/{}", id("v", row(scale.vaults)))),
            Self::GetBackup => get(format!("backups/{}", id("b", row(scale.backups)))),
            Self::GetTask => get(format!("operation-logs/{}", id("t", row(scale.tasks)))),
            Self::ListVaults => get("vaults?limit=1000".to_owned()),
            Self::ListBackups => get("backups?limit=1000".to_owned()),
            Self::ListTasks => get("operation-logs?limit=1000".to_owned()),
            Self::CreateVault => Request {
                method: "POST",
                path: format!("{base}/vaults"),
                token: token.to_owned(),
                body: vault_body(),
            },
        }
    }
}

/// Paths whose statements are counted beside those of what is measured.
pub(super) fn counted(scale: &Scale, project: u64, turn: u64) -> Vec<(&'static str, String)> {
    let row = |rows: u64| number_in(scale, project, turn, rows);
    let vault = row(scale.vaults);
    let in_vault = id("v", vault);
    // The first disk of the vault, and the server that it is attached to.
    let (disk, server) = (id("r", vault), id("s", vault));
    let paths = [
        ("get checkpoint", format!("v3/:p/checkpoints/{}", id("c", row(scale.backups / 2)))),
        ("list backups of a vault", format!("v3/:p/backups?vault_id={in_vault}")),
        ("list backups of a resource", format!("v3/:p/backups?resource_id={disk}")),
        ("list backups sorted", "v3/:p/backups?sort=created_at:asc".to_owned()),
        ("list tasks of a vault", format!("v3/:p/operation-logs?vault_id={in_vault}")),
        ("list tasks by state", "v3/:p/operation-logs?status=failed".to_owned()),
        ("list vaults of a kind", "v3/:p/vaults?object_type=disk".to_owned()),
        ("list tags of all vaults", "v3/:p/vault/tags".to_owned()),
        ("list tags of a vault", format!("v3/:p/vault/{in_vault}/tags")),
        ("list protectable disks", "v3/:p/protectables/disk/instances".to_owned()),
        ("list protectable servers", "v3/:p/protectables/server/instances".to_owned()),
        ("get protectable disk", format!("v3/:p/protectables/disk/instances/{disk}")),
        ("get protectable server", format!("v3/:p/protectables/server/instances/{server}")),
        ("list volumes", "v3/:p/cloudvolumes/detail".to_owned()),
        ("get volume", format!("v3/:p/cloudvolumes/{disk}")),
        ("list servers", "v1/:p/cloudservers/detail".to_owned()),
        ("get server", format!("v1/:p/cloudservers/{server}")),
        ("list projects", "v3/auth/projects".to_owned()),
    ];
    let project = hex("p", project);
    paths
        .into_iter()
        .map(|(name, path)| (name, format!("/{}", path.replace(":p", &project))))
        .collect()
}

/// A row of the project, another one each turn: all kinds of rows follow their vault.
fn number_in(scale: &Scale, project: u64, turn: u64, rows: u64) -> u64 {
    let start = turn.wrapping_mul(STEP) % rows;
    let mut numbers = (0..rows).map(|more| (start + more) % rows);
    numbers.find(|number| project_of(scale.vault_of(*number)) == project).unwrap_or(0)
}

fn vault_body() -> String {
    format!(
        r#"{{"vault":{{"name":"{MADE_VAULT}","billing":{{"cloud_type":"public","consistent_level":"crash_consistent","object_type":"disk","protect_type":"backup","size":100}},"resources":[]}}}}"#
    )
}

/// A request of a load.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    /// Empty without one.
    pub(super) token: String,
    /// Empty without one.
    pub(super) body: String,
}

impl Request {
    pub(super) fn get(path: String, token: &str) -> Self {
        Self { method: "GET", path, token: token.to_owned(), body: String::new() }
    }

    /// As load.lua reads it.
    pub(super) fn line(&self) -> String {
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        format!("{} {} {} {}\n", self.method, self.path, or_dash(&self.token), or_dash(&self.body))
    }
}

#[cfg(test)]
mod tests {
    use super::super::scale::{FULL, RESOURCES};
    use super::*;

    #[test]
    fn number_in_is_of_the_project() {
        for project in [0, 1, 50, 99] {
            for turn in [0, 1, 12_345] {
                for rows in [FULL.vaults, FULL.backups, FULL.vaults * RESOURCES] {
                    let number = number_in(&FULL, project, turn, rows);
                    assert_eq!(project_of(FULL.vault_of(number)), project);
                }
            }
        }
    }
}
