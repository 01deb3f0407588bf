//! The rows of the bench, table by table, as the program writes them.
//!
//! # Why
//! Making a million backups takes longer than anybody waits, so the rows are written past the program.
//! They are good for it all the same: it is the program that answers with them.

use super::scale::{PROJECTS, RESOURCES, Scale, hex, id, project_of};

/// The vaults that the bench makes through the service are called so, and removed by that name.
pub(super) const MADE_VAULT: &str = "made-by-bench";
/// When everything was made: 2025-01-01, microseconds.
const EPOCH: i64 = 1_735_689_600_000_000;
/// When backups expire: 2099-01-01. Before that nothing deletes them.
const EXPIRY: i64 = 4_070_908_800_000_000;

/// One value of a row.
pub(super) enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
    Null,
}

/// A table with what fills it.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static str,
    pub(super) rows: fn(&Scale) -> u64,
    pub(super) row: fn(&Scale, u64) -> Vec<Value>,
}

/// All tables, in an order that foreign keys allow.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "cbr_vault",
        columns: "id, project_id, user_id, created_at, name, description, object_type, \
                  protect_type, consistent_level, cloud_type, size_gb, status, threshold, \
                  sends_notices, is_auto_bind, bind_rules, tags, is_auto_expand, is_locked, \
                  backup_name_prefix, enterprise_project_id, used_bytes",
        rows: |scale| scale.vaults,
        row: vault,
    },
    Table {
        name: "host_server",
        columns: "id, project_id, name, status, created_at, updated_at",
        rows: |scale| scale.vaults,
        row: server,
    },
    Table {
        name: "host_disk",
        columns: "id, project_id, user_id, name, description, status, size_bytes, format, path, \
                  server_id, position, is_system, is_managed, volume_type, zone, metadata, \
                  is_multiattach, created_at, updated_at",
        rows: |scale| scale.vaults * RESOURCES,
        row: disk,
    },
    Table {
        name: "cbr_vault_resource",
        columns: "resource_id, vault_id, project_id, position, resource_type, name, size_gb, \
                  protect_status, selection, backup_bytes, backup_count",
        rows: |scale| scale.vaults * RESOURCES,
        row: resource,
    },
    Table {
        name: "cbr_checkpoint",
        columns: "id, project_id, vault_id, name, description, is_automatic, skipped, created_at",
        rows: |scale| scale.backups / 2,
        row: checkpoint,
    },
    Table {
        name: "cbr_backup",
        columns: "id, checkpoint_id, project_id, vault_id, position, name, description, status, \
                  image_type, resource_id, resource_type, resource_name, resource_size_gb, \
                  resource_zone, is_automatic, is_incremental, is_encrypted, is_system_disk, \
                  created_at, updated_at, protected_at, expires_at, stored_bytes",
        rows: |scale| scale.backups,
        row: backup,
    },
    Table {
        name: "cbr_task",
        columns: "id, project_id, kind, status, shown_status, progress, bytes_done, bytes_total, \
                  failure_code, failure_message, request_id, object_type, vault_id, vault_name, \
                  checkpoint_id, resource_id, resource_name, details, created_at, updated_at, \
                  started_at, ended_at",
        rows: |scale| scale.tasks,
        row: task,
    },
];

/// The projects, each with a user of its own, who has the roles and the password of `admin`. The same
/// statements for both databases.
pub(super) fn accounts() -> String {
    (0..PROJECTS).map(account).collect()
}

fn account(project: u64) -> String {
    let (own, user) = (hex("p", project), hex("u", project));
    format!(
        "INSERT INTO iam_project (id, domain_id, name, description, is_enabled, created_at) \
         SELECT '{own}', id, 'bench_{project}', '', true, 0 FROM iam_domain;\n\
         INSERT INTO iam_user (id, domain_id, name, description, password_hash, is_enabled, \
         failed_logins, created_at) SELECT '{user}', domain_id, 'bench-{project}', '', \
         password_hash, true, 0, 0 FROM iam_user WHERE name = 'admin';\n\
         INSERT INTO iam_grant (user_id, scope_kind, scope_id, role) SELECT '{user}', \
         'project', '{own}', role FROM iam_grant WHERE scope_kind = 'project' AND user_id = \
         (SELECT id FROM iam_user WHERE name = 'admin');\n"
    )
}

/// Counts what the program counts as it writes.
pub(super) const COUNTERS: &str = "\
INSERT INTO cbr_count (project_id, what, count) \
SELECT project_id, 'backup', count(*) FROM cbr_backup WHERE parent_id IS NULL GROUP BY project_id \
UNION ALL SELECT project_id, 'task', count(*) FROM cbr_task GROUP BY project_id;\n";

fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

fn number(number: u64) -> Value {
    Value::Number(i64::try_from(number).unwrap_or(i64::MAX))
}

fn time(second: u64) -> Value {
    Value::Number(EPOCH + i64::try_from(second).unwrap_or(0) * 1_000_000)
}

fn project(vault: u64) -> Value {
    text(hex("p", project_of(vault)))
}

fn user(vault: u64) -> Value {
    text(hex("u", project_of(vault)))
}

fn vault(_: &Scale, v: u64) -> Vec<Value> {
    vec![
        text(id("v", v)),
        project(v),
        user(v),
        time(v),
        text(format!("vault-{v}")),
        text(""),
        text("disk"),
        text("backup"),
        text("crash_consistent"),
        text("public"),
        number(100),
        text("available"),
        number(80),
        Value::Truth(true),
        Value::Truth(false),
        text("[]"),
        text("[]"),
        Value::Truth(false),
        Value::Truth(false),
        text(""),
        text("0"),
        number(0),
    ]
}

fn server(_: &Scale, v: u64) -> Vec<Value> {
    let name = text(format!("server-{v}"));
    vec![text(id("s", v)), project(v), name, text("ACTIVE"), time(v), time(v)]
}

/// The first two disks of a vault are attached to a server.
fn disk(scale: &Scale, r: u64) -> Vec<Value> {
    let (vault, position) = (scale.vault_of(r), r / scale.vaults);
    let is_attached = position < 2;
    let attached = |value: Value| if is_attached { value } else { Value::Null };
    vec![
        text(id("r", r)),
        project(vault),
        user(vault),
        text(format!("disk-{r}")),
        text(""),
        text(if is_attached { "in-use" } else { "available" }),
        number(10 << 30),
        text("qcow2"),
        text(format!("/bench/disk-{r}.qcow2")),
        attached(text(id("s", vault))),
        attached(number(position)),
        attached(Value::Truth(position == 0)),
        Value::Truth(false),
        text("SSD"),
        text("region-1a"),
        text("{}"),
        Value::Truth(false),
        time(r),
        time(r),
    ]
}

fn resource(scale: &Scale, r: u64) -> Vec<Value> {
    let vault = scale.vault_of(r);
    vec![
        text(id("r", r)),
        text(id("v", vault)),
        project(vault),
        number(r / scale.vaults),
        text("OS::Cinder::Volume"),
        text(format!("disk-{r}")),
        number(10),
        text("available"),
        text("{}"),
        number(0),
        number(10),
    ]
}

fn checkpoint(scale: &Scale, c: u64) -> Vec<Value> {
    let vault = scale.vault_of(c);
    vec![
        text(id("c", c)),
        project(vault),
        text(id("v", vault)),
        text(format!("autobk_{c}")),
        text(""),
        Value::Truth(true),
        text("[]"),
        time(c),
    ]
}

fn backup(scale: &Scale, n: u64) -> Vec<Value> {
    let (vault, resource) = (scale.vault_of(n), scale.resource_of(n));
    vec![
        text(id("b", n)),
        text(id("c", n % (scale.backups / 2))),
        project(vault),
        text(id("v", vault)),
        number(0),
        text(format!("autobk_{n}")),
        text(""),
        text(if n % 991 < 2 { "error" } else { "available" }),
        text("backup"),
        text(id("r", resource)),
        text("OS::Cinder::Volume"),
        text(format!("disk-{resource}")),
        number(10),
        text("region-1a"),
        Value::Truth(true),
        Value::Truth(!n.is_multiple_of(7)),
        Value::Truth(false),
        Value::Truth(false),
        time(n),
        time(n + 60),
        time(n + 60),
        Value::Number(EXPIRY),
        number(1_000_000),
    ]
}

fn task(scale: &Scale, n: u64) -> Vec<Value> {
    let (vault, resource) = (scale.vault_of(n), scale.resource_of(n));
    let has_failed = n.is_multiple_of(101);
    let failed = |said: &str| if has_failed { text(said) } else { Value::Null };
    let status = if has_failed { "failed" } else { "success" };
    let kind = match n % 97 {
        0 => "restore",
        1..10 => "delete",
        _ => "backup",
    };
    let disk = id("r", resource);
    let details = format!(
        r#"{{"resource":{{"id":"{disk}","resource_type":"OS::Cinder::Volume","name":"disk-{resource}"}}}}"#
    );
    vec![
        text(id("t", n)),
        project(vault),
        text(kind),
        text(status),
        text(status),
        number(100),
        number(1_000_000),
        number(1_000_000),
        failed("BackupService.0001"),
        failed("it failed"),
        text(format!("req-{}", id("q", n))),
        text("disk"),
        text(id("v", vault)),
        text(format!("vault-{vault}")),
        text(id("c", n % (scale.backups / 2))),
        text(disk),
        text(format!("disk-{resource}")),
        text(details),
        time(n),
        time(n + 50),
        time(n + 10),
        time(n + 50),
    ]
}
