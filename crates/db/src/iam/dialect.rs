//! Where the two databases differ in how the version of holders changes.

use crate::dialect::Dialect;

impl Dialect {
    /// What the triggers need first. `random()` of a server is below 1 and has some 48 bits.
    pub(super) fn version_function(self) -> Option<String> {
        let function = "CREATE FUNCTION iam_version_changed() RETURNS trigger LANGUAGE plpgsql \
                        AS $$ BEGIN UPDATE iam_version SET version = (random() * 9e15)::bigint; \
                        RETURN NULL; END $$";
        (self == Self::Postgres).then(|| function.to_owned())
    }

    /// What makes a kind of change of a table draw another number.
    pub(super) fn version_trigger(self, table: &str, name: &str, on: &str) -> String {
        match self {
            Self::Sqlite => format!(
                "CREATE TRIGGER version_{table}_{name} AFTER {on} ON {table} BEGIN \
                 UPDATE iam_version SET version = random(); END"
            ),
            // When the transaction commits: all take the one row last, so that none waits for
            // another that waits for it.
            Self::Postgres => format!(
                "CREATE CONSTRAINT TRIGGER version_{table}_{name} AFTER {on} ON {table} \
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION iam_version_changed()"
            ),
        }
    }
}
