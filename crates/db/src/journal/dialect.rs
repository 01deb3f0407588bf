//! Where the two databases differ in what the journal needs of them.

use sea_orm::{AccessMode, IsolationLevel, TransactionOptions};

use super::table::Table;
use crate::dialect::Dialect;

impl Dialect {
    /// The statements that make a table note which of its rows change.
    pub(crate) fn journal_triggers(self, table: &dyn Table) -> Vec<String> {
        match self {
            Self::Sqlite => sqlite(table),
            Self::Postgres => postgres(table),
        }
    }

    /// How a transaction begins in which all reads see one moment.
    pub(crate) fn reading(self) -> TransactionOptions {
        match self {
            // Any transaction that reads first does.
            Self::Sqlite => TransactionOptions::default(),
            Self::Postgres => TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..TransactionOptions::default()
            },
        }
    }

    /// What makes a table count its own numbers on after rows came with theirs.
    pub(super) fn count_on(self, table: &str, column: &str) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), \
                 (SELECT coalesce(max({column}), 0) + 1 FROM {table}), false)"
            )),
        }
    }
}

/// ` OF` with the columns whose change is noted.
fn of_noted(table: &dyn Table) -> String {
    let noted = table.noted();
    if noted.is_empty() { String::new() } else { format!(" OF \"{}\"", noted.join("\", \"")) }
}

fn key(table: &dyn Table, row: &str) -> String {
    let columns: Vec<_> = table.key().iter().map(|column| format!("{row}.\"{column}\"")).collect();
    columns.join(", ")
}

fn sqlite(table: &dyn Table) -> Vec<String> {
    let name = table.name();
    let trigger = |on: &str, of: &str, row: &str| {
        format!(
            "CREATE TRIGGER journal_{name}_{kind} AFTER {on}{of} ON {name} BEGIN \
             INSERT INTO journal_change (table_name, row_key) \
             VALUES ('{name}', json_array({key})); END",
            kind = on.to_lowercase(),
            key = key(table, row),
        )
    };
    vec![
        trigger("INSERT", "", "NEW"),
        trigger("UPDATE", &of_noted(table), "NEW"),
        trigger("DELETE", "", "OLD"),
    ]
}

fn postgres(table: &dyn Table) -> Vec<String> {
    let name = table.name();
    let note = |row: &str| {
        format!(
            "INSERT INTO journal_change (table_name, row_key) \
             VALUES ('{name}', json_build_array({})::text);",
            key(table, row)
        )
    };
    let function = format!(
        "CREATE FUNCTION journal_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF TG_OP = 'DELETE' THEN {} ELSE {} END IF; RETURN NULL; END $$",
        note("OLD"),
        note("NEW")
    );
    let trigger = |kind: &str, on: &str| {
        format!(
            "CREATE TRIGGER journal_{name}_{kind} AFTER {on} ON {name} \
             FOR EACH ROW EXECUTE FUNCTION journal_{name}()"
        )
    };
    let update = format!("UPDATE{}", of_noted(table));
    vec![function, trigger("whole", "INSERT OR DELETE"), trigger("update", &update)]
}
