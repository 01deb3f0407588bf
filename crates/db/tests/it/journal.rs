//! What the journal is told, and a catalogue that is made from it.

use strongroom_base::Timestamp;
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::{Scratch, execute};
use strongroom_db::{Db, JournalRecord, JournalRows, NewAccessKey, NewUser, Tx};
use strongroom_model::audit::{Actor, AuditEvent, AuditOutcome, AuditRecord};
use strongroom_model::backup::BackupStatus;
use strongroom_model::description::Description;
use strongroom_model::filter::{BackupFilter, TaskFilter};
use strongroom_model::name::AccountName;
use strongroom_model::page::Page;
use strongroom_model::sort::Sort;
use strongroom_model::task::TaskStatus;
use strongroom_model::user::User;
use strongroom_model::{DomainId, Role, Scope, Task, UserId};

use crate::on_both;
use crate::world::{
    PROJECT, backup, backup_id, bound, checkpoint, child, disk, resource_id, server, task, vault,
    vault_id, with_projects, write,
};

on_both!(
    catalogue_that_is_made_from_turns_is_the_one_that_wrote_them,
    catalogue_that_is_made_from_a_dump_is_the_one_that_was_read,
    only_what_was_committed_is_noted,
    progress_of_a_task_is_not_noted_and_its_end_is,
    notes_that_others_may_have_read_are_not_forgotten,
    dump_and_notes_show_one_moment,
    row_without_the_one_that_it_names_is_left_out_and_named,
    catalogue_is_new_until_somebody_uses_it,
    catalogue_that_takes_over_begins_without_notes,
);

const USER: UserId = UserId([9; 16]);

fn user() -> NewUser {
    NewUser {
        user: User {
            id: USER,
            domain_id: DomainId([1; 16]),
            name: AccountName::parse("somebody").unwrap(),
            description: Description::parse("\"who\" it is").unwrap(),
            default_project_id: Some(PROJECT),
            is_enabled: true,
            created_at: Timestamp(5),
        },
        password_hash: Some("$argon2id$..".to_owned()),
    }
}

fn record(name: &str) -> AuditRecord {
    AuditRecord {
        at: Timestamp(7),
        event: AuditEvent::CreateVault,
        subject_id: Some(name.to_owned()),
        subject_name: None,
        outcome: AuditOutcome::Done,
        code: None,
        actor: Actor::Service,
        project_id: PROJECT,
        request_id: None,
    }
}

/// Rows in every table.
async fn fill(tx: &Tx) {
    tx.user_insert(&user()).await.unwrap();
    for scope in [Some(Scope::Project(PROJECT)), None] {
        tx.grant_insert(USER, scope, Role::Admin).await.unwrap();
    }
    let key = NewAccessKey {
        access: "ABC".to_owned(),
        user_id: USER,
        sealed_secret: vec![0, 1, 0xfe, 0xff],
        description: String::new(),
        created_at: Timestamp(6),
    };
    tx.access_key_insert(key).await.unwrap();
    tx.audit_insert(&record("first")).await.unwrap();
    for number in 1..=3 {
        tx.vault_insert(&vault(number)).await.unwrap();
    }
    tx.repository_insert(vault_id(1), strongroom_base::ids::RepoId([4; 16])).await.unwrap();
    tx.bound_insert(&[bound(1), bound(2)], PROJECT).await.unwrap();
    tx.checkpoint_insert(&checkpoint(1)).await.unwrap();
    tx.backup_insert(&[backup(1), child(5, 1), backup(2), child(3, 2), backup(4)]).await.unwrap();
    for number in 1..=3 {
        tx.task_insert_shown(&[task(number)]).await.unwrap();
    }
    tx.server_insert(&server(7)).await.unwrap();
    tx.disk_insert(&disk(8)).await.unwrap();
    tx.disk_insert(&disk(9)).await.unwrap();
}

/// Changes of all kinds.
async fn change(tx: &Tx) {
    tx.backup_delete(backup_id(1)).await.unwrap();
    tx.backup_set_status(&[backup_id(4)], BackupStatus::Error, Timestamp(9)).await.unwrap();
    tx.disk_delete(PROJECT, resource_id(8)).await.unwrap();
    tx.vault_delete(vault_id(3)).await.unwrap();
    let mut renamed = vault(2);
    renamed.tags = strongroom_model::Tags::new(vec![crate::world::tag("new", "tag")]).unwrap();
    tx.vault_update(&renamed).await.unwrap();
    tx.bound_count_backup(resource_id(1), 1, 5).await.unwrap();
    tx.grant_delete(USER, None, Role::Admin).await.unwrap();
    tx.audit_insert(&record("second")).await.unwrap();
}

/// One turn into `rows`; the notes are forgotten.
async fn turn(db: &Db, rows: &mut JournalRows) {
    let owner = db.journal_begin(&"0".repeat(32), 0).await.unwrap();
    for record in read(db).await {
        rows.put(wire(&record));
    }
    let mut notes = db.journal_notes().await.unwrap();
    while !notes.page().await.unwrap().is_empty() {}
    assert!(db.journal_forget(owner.fence, &notes.read()).await.unwrap());
    assert!(db.journal_is_idle().await.unwrap());
}

/// What is noted.
async fn read(db: &Db) -> Vec<JournalRecord> {
    let mut notes = db.journal_notes().await.unwrap();
    let mut all = Vec::new();
    loop {
        let page = notes.page().await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// As it comes back from the store.
fn wire(record: &JournalRecord) -> JournalRecord {
    serde_json::from_str(&serde_json::to_string(record).unwrap()).unwrap()
}

async fn dump(db: &Db) -> Vec<JournalRecord> {
    let mut dump = db.journal_dump().await.unwrap();
    let mut all = Vec::new();
    loop {
        let page = dump.page().await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

async fn made_from(dialect: Dialect, rows: JournalRows) -> Scratch {
    let scratch = Scratch::new(dialect).await;
    let count = rows.len() as u64;
    let rebuilt = write(&scratch.db, async |tx| tx.journal_rebuild(rows).await.unwrap()).await;
    assert_eq!((rebuilt.rows, rebuilt.left_out, rebuilt.unknown), (count, vec![], vec![]));
    scratch
}

/// Whether the counters of lists are right, and new rows find their numbers.
async fn check_use(db: &Db, backups: u64, tasks: u64) {
    let (filter, page) = (BackupFilter::default(), Page::default());
    let listed = db.backup_list(PROJECT, &filter, &Sort::default(), &page).await.unwrap().unwrap();
    assert_eq!((listed.count, listed.backups.len() as u64), (backups, backups));
    let listed =
        db.task_list(PROJECT, &TaskFilter::default(), &Page::default()).await.unwrap().unwrap();
    assert_eq!(listed.count, tasks);
    write(db, async |tx| tx.audit_insert(&record("third")).await.unwrap()).await;
    let newest = db.audit_list(PROJECT, 1).await.unwrap();
    assert_eq!(newest[0].subject_id.as_deref(), Some("third"));
}

// proves: JRN-6, JRN-8
async fn catalogue_that_is_made_from_turns_is_the_one_that_wrote_them(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let mut rows = JournalRows::default();
    write(&scratch.db, fill_all).await;
    turn(&scratch.db, &mut rows).await;
    write(&scratch.db, change_all).await;
    turn(&scratch.db, &mut rows).await;
    let made = made_from(dialect, rows).await;
    let (there, here) = (dump(&scratch.db).await, dump(&made.db).await);
    assert_eq!(here, there);
    for table in ["iam_access_key", "cbr_vault_tag", "cbr_backup", "host_disk", "audit_record"] {
        assert!(here.iter().any(|record| record.table == table), "{table}");
    }
    check_use(&made.db, 2, 3).await;
    let key = made.db.access_key_get("ABC").await.unwrap().unwrap();
    assert_eq!(key.1, [0, 1, 0xfe, 0xff]);
}

async fn fill_all(tx: &Tx) {
    fill(tx).await;
}

async fn change_all(tx: &Tx) {
    change(tx).await;
}

// proves: JRN-8
async fn catalogue_that_is_made_from_a_dump_is_the_one_that_was_read(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    write(&scratch.db, fill_all).await;
    // More rows than a page, with keys of several columns.
    write(&scratch.db, async |tx| {
        for number in 100..1200 {
            let vault = vault(number);
            tx.vault_insert(&vault).await.unwrap();
        }
    })
    .await;
    let mut rows = JournalRows::default();
    for record in dump(&scratch.db).await {
        rows.put(wire(&record));
    }
    let made = made_from(dialect, rows).await;
    assert_eq!(dump(&made.db).await, dump(&scratch.db).await);
}

// proves: JRN-6
async fn only_what_was_committed_is_noted(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let mut rows = JournalRows::default();
    turn(&scratch.db, &mut rows).await;
    let tx = scratch.db.begin().await.unwrap();
    fill(&tx).await;
    drop(tx);
    assert_eq!(read(&scratch.db).await, []);
    write(&scratch.db, async |tx| {
        tx.vault_insert(&vault(1)).await.unwrap();
        tx.vault_delete(vault_id(1)).await.unwrap();
    })
    .await;
    let read = read(&scratch.db).await;
    let tables: Vec<_> =
        read.iter().map(|record| (record.table.as_str(), record.row.is_some())).collect();
    // The tags went with their vault, by the database's own hand.
    assert_eq!(tables, [("cbr_vault", false), ("cbr_vault_tag", false), ("cbr_vault_tag", false)]);
}

// proves: JRN-6
async fn progress_of_a_task_is_not_noted_and_its_end_is(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let mut rows = JournalRows::default();
    write(&scratch.db, async |tx| tx.task_insert_shown(&[task(1)]).await.unwrap()).await;
    turn(&scratch.db, &mut rows).await;
    for statement in [
        "UPDATE cbr_task SET progress = 5, bytes_done = 6, bytes_total = 7, updated_at = 8",
        "UPDATE iam_user SET failed_logins = 1, failing_since = 2",
    ] {
        execute(&scratch.db, statement).await.unwrap();
        assert!(scratch.db.journal_is_idle().await.unwrap(), "{statement}");
    }
    execute(&scratch.db, "UPDATE cbr_task SET status = 'success', progress = 100").await.unwrap();
    let read = read(&scratch.db).await;
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].row.as_ref().unwrap()["progress"], 100);
}

// proves: JRN-6
async fn notes_that_others_may_have_read_are_not_forgotten(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    let db = &scratch.db;
    let slow = db.journal_begin("slow", 0).await.unwrap();
    let mut notes = db.journal_notes().await.unwrap();
    while !notes.page().await.unwrap().is_empty() {}
    let fast = db.journal_begin("fast", 0).await.unwrap();
    assert_eq!((fast.owner.as_str(), fast.fence), ("slow", slow.fence + 1));
    let before = read(db).await;
    assert!(!db.journal_forget(slow.fence, &notes.read()).await.unwrap());
    assert_eq!(read(db).await, before);
    // Exactly what was read is forgotten, not what came meanwhile.
    let mut notes = db.journal_notes().await.unwrap();
    while !notes.page().await.unwrap().is_empty() {}
    write(db, async |tx| tx.vault_insert(&vault(1)).await.unwrap()).await;
    assert!(db.journal_forget(fast.fence, &notes.read()).await.unwrap());
    assert_eq!(read(db).await.len(), 3);
    let behind = db.journal_begin("other", 70).await.unwrap();
    assert_eq!((behind.fence, behind.is_behind, fast.is_behind), (71, true, false));
}

// proves: JRN-7
async fn dump_and_notes_show_one_moment(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    write(&scratch.db, fill_all).await;
    let (whole, noted) = (dump(&scratch.db).await, read(&scratch.db).await);
    let mut early = scratch.db.journal_dump().await.unwrap();
    let mut notes = scratch.db.journal_notes().await.unwrap();
    let mut dumped = early.page().await.unwrap();
    let mut read = notes.page().await.unwrap();
    write(&scratch.db, change_all).await;
    loop {
        let (page, noted) = (early.page().await.unwrap(), notes.page().await.unwrap());
        if page.is_empty() && noted.is_empty() {
            break;
        }
        dumped.extend(page);
        read.extend(noted);
    }
    assert_eq!((dumped, read), (whole, noted));
}

// proves: JRN-8
async fn row_without_the_one_that_it_names_is_left_out_and_named(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    write(&scratch.db, fill_all).await;
    let mut rows = JournalRows::default();
    for record in dump(&scratch.db).await {
        // The run is lost: its backups, and their children, have no place.
        if record.table != "cbr_checkpoint" {
            rows.put(record);
        }
    }
    rows.put(JournalRecord { table: "moon".to_owned(), key: "[]".to_owned(), row: None });
    let made = Scratch::new(dialect).await;
    let rebuilt = write(&made.db, async |tx| tx.journal_rebuild(rows).await.unwrap()).await;
    let keys = |numbers: [u64; 5]| {
        let mut keys: Vec<_> = numbers
            .map(|number| format!("cbr_backup [\"{}\"]", backup_id(number)))
            .into_iter()
            .collect();
        keys.sort();
        keys
    };
    let mut left_out = rebuilt.left_out;
    left_out.sort();
    assert_eq!(left_out, keys([1, 2, 3, 4, 5]));
    assert_eq!(rebuilt.unknown, ["moon"]);
    check_use(&made.db, 0, 3).await;
}

async fn catalogue_is_new_until_somebody_uses_it(dialect: Dialect) {
    let scratch = Scratch::new(dialect).await;
    assert!(scratch.db.journal_is_new().await.unwrap());
    scratch.db.journal_begin("owner", 0).await.unwrap();
    assert!(!scratch.db.journal_is_new().await.unwrap());
    let scratch = with_projects(dialect).await;
    assert!(!scratch.db.journal_is_new().await.unwrap());
}

async fn catalogue_that_takes_over_begins_without_notes(dialect: Dialect) {
    let scratch = with_projects(dialect).await;
    write(&scratch.db, async |tx| {
        let ended = Task { status: TaskStatus::Success, ended_at: Some(Timestamp(2)), ..task(2) };
        for task in [task(1), ended, task(3)] {
            tx.task_insert_shown(&[task]).await.unwrap();
        }
        tx.lost_tasks_succeed(&[task(1).id, task(2).id], Timestamp(5)).await.unwrap();
        let failure = strongroom_model::task::TaskFailure {
            code: "code".to_owned(),
            message: "message".to_owned(),
        };
        assert_eq!(tx.lost_tasks_fail(&failure, Timestamp(5)).await.unwrap(), 1);
        tx.journal_take_over("new", "old").await.unwrap();
    })
    .await;
    let tasks = [1, 2, 3].map(|number| task(number).id);
    let mut ends = Vec::new();
    for id in tasks {
        let task = scratch.db.task_find(id).await.unwrap().unwrap();
        ends.push((task.status, task.ended_at, task.failure.map(|failure| failure.code)));
    }
    let at = |seconds| Some(Timestamp(seconds));
    assert_eq!(
        ends,
        [
            (TaskStatus::Success, at(5), None),
            (TaskStatus::Success, at(2), None),
            (TaskStatus::Failed, at(5), Some("code".to_owned())),
        ]
    );
    assert!(scratch.db.journal_is_idle().await.unwrap());
    let owner = scratch.db.journal_begin("other", 0).await.unwrap();
    assert_eq!((owner.owner.as_str(), owner.replaces.as_deref()), ("new", Some("old")));
}
