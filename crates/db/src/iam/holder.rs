//! Who holds a token: every request asks.
//!
//! # Why
//! A holder is what five tables say together; to ask them all was about a seventh of what a `GET` by
//! id cost with `PostgreSQL`. They hardly ever change. So each process remembers holders, and asks
//! of a token only whether it is still there, and whether anything that a holder is made of has
//! changed since ([`super::version`]).
//!
//! # Invariants
//! - DB-11: what is remembered is never the answer once the database says otherwise: a token that is
//!   revoked, a user, project or domain that is disabled, a role that is taken away count with the
//!   next request, whichever process they were changed by (IAM-2).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sea_orm::sea_query::{Alias, Expr, JoinType, Query, SelectStatement, Value};
use sea_orm::{Condition, ConnectionTrait as _, ExprTrait as _, FromQueryResult};
use strongroom_base::Timestamp;
use strongroom_base::ids::to_hex;
use strongroom_model::name::AccountName;
use strongroom_model::{DomainId, Name, Role, Scope, UserId};

use super::grant::read_roles;
use super::token::TokenHash;
use super::version::current;
use crate::columns::Columns;
use crate::entity::{iam_domain, iam_grant, iam_project, iam_token, iam_user};
use crate::page::sub_query;
use crate::prepared::Prepared;
use crate::row::{NO_SCOPE, PROJECT, Row, micros};
use crate::{Db, DbError};

/// So many are remembered at most, some 5 MiB of them; at one more, all are forgotten.
const MOST: usize = 10_000;

/// Who holds a token that is good, and what with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    /// The user.
    pub user_id: UserId,
    /// Its name.
    pub user_name: AccountName,
    /// The user's domain.
    pub domain_id: DomainId,
    /// Its name.
    pub domain_name: AccountName,
    /// What the token is good for.
    pub scope: Option<Scope>,
    /// The name of the project that it is good for.
    pub project_name: Option<Name>,
    /// The roles that the user has there now, each once.
    pub roles: Vec<Role>,
    /// How it was asked for, with commas.
    pub methods: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// One row for each role, or one without a role.
#[derive(Debug, FromQueryResult)]
struct HolderRow {
    user_id: String,
    user_name: String,
    domain_id: String,
    domain_name: String,
    scope_kind: String,
    scope_id: String,
    project_name: Option<String>,
    role: Option<String>,
    methods: String,
    issued_at: i64,
    expires_at: i64,
    version: i64,
}

impl HolderRow {
    /// The holder that the rows of one token, of which this is the first, tell of.
    fn read(&self, hash: TokenHash, rows: &[Self]) -> Result<TokenHolder, DbError> {
        let token = to_hex(&hash.0);
        let at = Row { table: "iam_token", id: &token };
        let project_name = self.project_name.as_deref().map(Name::parse).transpose();
        Ok(TokenHolder {
            user_id: at.id("user_id", &self.user_id)?,
            user_name: at.read("user_name", AccountName::parse(&self.user_name))?,
            domain_id: at.id("domain_id", &self.domain_id)?,
            domain_name: at.read("domain_name", AccountName::parse(&self.domain_name))?,
            scope: at.scope(&self.scope_kind, &self.scope_id)?,
            project_name: at.read("project_name", project_name)?,
            roles: read_roles(at, rows.iter().filter_map(|row| row.role.as_deref()))?,
            methods: self.methods.clone(),
            issued_at: at.time("issued_at", self.issued_at)?,
            expires_at: at.time("expires_at", self.expires_at)?,
        })
    }
}

/// The holders that this process remembers, all of one version.
#[derive(Debug, Default)]
pub(crate) struct Holders(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    version: i64,
    holders: HashMap<TokenHash, TokenHolder>,
}

impl Holders {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn knows(&self, hash: TokenHash) -> bool {
        self.known().holders.contains_key(&hash)
    }

    /// The holder, if it was read at this version.
    fn recall(&self, hash: TokenHash, version: i64) -> Option<TokenHolder> {
        let known = self.known();
        known.holders.get(&hash).filter(|_| known.version == version).cloned()
    }

    fn remember(&self, hash: TokenHash, version: i64, holder: TokenHolder) {
        let mut known = self.known();
        if known.version != version || known.holders.len() >= MOST {
            known.holders.clear();
            known.version = version;
        }
        known.holders.insert(hash, holder);
    }

    fn forget(&self, hash: TokenHash) {
        self.known().holders.remove(&hash);
    }
}

impl Db {
    /// Who holds a token, if it is good now: not expired, and nobody in it disabled (IAM-2). One
    /// statement, because every request asks; two for the first that comes after a change to any
    /// user, domain, project or role.
    pub async fn token_holder(
        &self,
        hash: TokenHash,
        now: Timestamp,
    ) -> Result<Option<TokenHolder>, DbError> {
        if self.holders.knows(hash) {
            let Some(version) = self.token_version(hash, now).await? else {
                self.holders.forget(hash);
                return Ok(None);
            };
            if let Some(holder) = self.holders.recall(hash, version) {
                return Ok(Some(holder));
            }
        }
        let failed = DbError::of("token_holder");
        let statement = HOLDER.with(self.read.get_database_backend(), holder_values(hash, now));
        let found = self.read.query_all_raw(statement).await.map_err(&failed)?;
        let rows = found.iter().map(|row| HolderRow::from_query_result(row, ""));
        let rows = rows.collect::<Result<Vec<_>, _>>().map_err(&failed)?;
        let Some(first) = rows.first() else { return Ok(None) };
        let holder = first.read(hash, &rows)?;
        self.holders.remember(hash, first.version, holder.clone());
        Ok(Some(holder))
    }

    /// The version of what holders are made of, if a token is there and has not expired.
    async fn token_version(&self, hash: TokenHash, now: Timestamp) -> Result<Option<i64>, DbError> {
        let failed = DbError::of("token_version");
        let statement = VERSION.with(self.read.get_database_backend(), version_values(hash, now));
        let found = self.read.query_one_raw(statement).await.map_err(&failed)?;
        found.map(|row| Columns(&row).number(0)).transpose().map_err(&failed)
    }
}

static VERSION: Prepared = Prepared::new(|| version(TokenHash([0; 32]), Timestamp(0)));

/// The values of [`version`] in its order.
fn version_values(hash: TokenHash, now: Timestamp) -> Vec<Value> {
    vec![hash.0.to_vec().into(), micros(now).into()]
}

fn version(hash: TokenHash, now: Timestamp) -> SelectStatement {
    Query::select()
        .expr(sub_query(current()))
        .from(iam_token::Entity)
        .and_where(Expr::col(iam_token::Column::Hash).eq(hash.0.to_vec()))
        .and_where(Expr::col(iam_token::Column::ExpiresAt).gt(micros(now)))
        .to_owned()
}

static HOLDER: Prepared = Prepared::new(|| holder(TokenHash([0; 32]), Timestamp(0)));

/// The values of [`holder`] in its order.
fn holder_values(hash: TokenHash, now: Timestamp) -> Vec<Value> {
    let (hash, now): (Value, Value) = (hash.0.to_vec().into(), micros(now).into());
    let (project, yes): (Value, Value) = (PROJECT.into(), true.into());
    let [first, second] = [project.clone(), NO_SCOPE.into()];
    vec![first, second, hash, now, yes.clone(), yes.clone(), project, yes]
}

fn holder(hash: TokenHash, now: Timestamp) -> SelectStatement {
    use iam_token::Column as Token;
    let token = |column: Token| Expr::col((iam_token::Entity, column));
    let domain = |column: iam_domain::Column| Expr::col((iam_domain::Entity, column));
    let user = |column: iam_user::Column| Expr::col((iam_user::Entity, column));
    let project = |column: iam_project::Column| Expr::col((iam_project::Entity, column));
    let grant = |column: iam_grant::Column| Expr::col((iam_grant::Entity, column));
    let in_project = Condition::all()
        .add(token(Token::ScopeKind).eq(PROJECT))
        .add(project(iam_project::Column::Id).equals((iam_token::Entity, Token::ScopeId)));
    let here = Condition::all()
        .add(grant(iam_grant::Column::ScopeKind).equals((iam_token::Entity, Token::ScopeKind)))
        .add(grant(iam_grant::Column::ScopeId).equals((iam_token::Entity, Token::ScopeId)));
    let granted = Condition::all()
        .add(grant(iam_grant::Column::UserId).equals((iam_token::Entity, Token::UserId)))
        .add(Condition::any().add(here).add(grant(iam_grant::Column::ScopeKind).eq(NO_SCOPE)));
    let mut select = SelectStatement::new();
    select
        .columns([
            (iam_token::Entity, Token::UserId),
            (iam_token::Entity, Token::ScopeKind),
            (iam_token::Entity, Token::ScopeId),
            (iam_token::Entity, Token::Methods),
            (iam_token::Entity, Token::IssuedAt),
            (iam_token::Entity, Token::ExpiresAt),
        ])
        .expr_as(user(iam_user::Column::Name), Alias::new("user_name"))
        .expr_as(user(iam_user::Column::DomainId), Alias::new("domain_id"))
        .expr_as(domain(iam_domain::Column::Name), Alias::new("domain_name"))
        .expr_as(project(iam_project::Column::Name), Alias::new("project_name"))
        .expr_as(grant(iam_grant::Column::Role), Alias::new("role"))
        .expr_as(sub_query(current()), Alias::new("version"))
        .from(iam_token::Entity)
        .join(
            JoinType::InnerJoin,
            iam_user::Entity,
            user(iam_user::Column::Id).equals((iam_token::Entity, Token::UserId)),
        )
        .join(
            JoinType::InnerJoin,
            iam_domain::Entity,
            domain(iam_domain::Column::Id).equals((iam_user::Entity, iam_user::Column::DomainId)),
        )
        .join(JoinType::LeftJoin, iam_project::Entity, in_project)
        .join(JoinType::LeftJoin, iam_grant::Entity, granted)
        .and_where(token(Token::Hash).eq(hash.0.to_vec()))
        .and_where(token(Token::ExpiresAt).gt(micros(now)))
        .and_where(user(iam_user::Column::IsEnabled).eq(true))
        .and_where(domain(iam_domain::Column::IsEnabled).eq(true))
        // A project that is gone or disabled: its tokens are good for nothing.
        .cond_where(
            Condition::any()
                .add(token(Token::ScopeKind).ne(PROJECT))
                .add(project(iam_project::Column::IsEnabled).eq(true)),
        );
    select
}

#[cfg(test)]
mod tests {
    use strongroom_model::ProjectId;
    use strongroom_model::description::Description;
    use strongroom_model::domain::Domain;
    use strongroom_model::project::Project;
    use strongroom_model::user::User;

    use super::*;
    use crate::dialect::Dialect;
    use crate::prepared::check;
    use crate::testing::Scratch;
    use crate::{NewToken, NewUser};

    #[test]
    fn holder_is_prepared_as_it_is_built() {
        let (hash, now) = (TokenHash([7; 32]), Timestamp(11));
        check(&HOLDER, &holder_values(hash, now), &holder(hash, now));
        check(&VERSION, &version_values(hash, now), &version(hash, now));
    }

    fn somebody() -> TokenHolder {
        TokenHolder {
            user_id: UserId([1; 16]),
            user_name: AccountName::parse("ann").unwrap(),
            domain_id: DomainId([1; 16]),
            domain_name: AccountName::parse("acme").unwrap(),
            scope: None,
            project_name: None,
            roles: Vec::new(),
            methods: String::new(),
            issued_at: Timestamp(1),
            expires_at: Timestamp(2),
        }
    }

    fn token(number: usize) -> TokenHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        TokenHash(hash)
    }

    #[test]
    fn holders_of_another_version_are_forgotten() {
        let holders = Holders::default();
        holders.remember(token(1), 5, somebody());
        assert_eq!(holders.recall(token(1), 5), Some(somebody()));
        assert_eq!(holders.recall(token(1), 6), None);
        assert_eq!(holders.recall(token(2), 5), None);
        holders.remember(token(2), 6, somebody());
        assert!(!holders.knows(token(1)));
        assert_eq!(holders.recall(token(2), 6), Some(somebody()));
        holders.forget(token(2));
        assert!(!holders.knows(token(2)));
    }

    #[test]
    fn holders_are_no_more_than_may_be() {
        let holders = Holders::default();
        for number in 0..=MOST {
            holders.remember(token(number), 1, somebody());
            assert!(holders.known().holders.len() <= MOST);
        }
        assert!(holders.knows(token(MOST)));
    }

    const ANN: UserId = UserId([1; 16]);
    const HASH: TokenHash = TokenHash([7; 32]);
    const NOW: Timestamp = Timestamp(15);

    /// A user with a role in a project, and a token for it.
    async fn populated(dialect: Dialect) -> Scratch {
        let scratch = Scratch::new(dialect).await;
        let (domain, project) = (DomainId([1; 16]), ProjectId([1; 16]));
        let scope = Some(Scope::Project(project));
        let name = |name: &str| AccountName::parse(name).unwrap();
        let tx = scratch.db.begin().await.unwrap();
        let acme = Domain { id: domain, name: name("acme"), is_enabled: true };
        tx.domain_insert(&acme, Timestamp(1)).await.unwrap();
        let project = Project {
            id: project,
            domain_id: domain,
            name: Name::parse("eu-de").unwrap(),
            description: Description::default(),
            is_enabled: true,
        };
        tx.project_insert(&project, Timestamp(1)).await.unwrap();
        let user = User {
            id: ANN,
            domain_id: domain,
            name: name("ann"),
            description: Description::default(),
            default_project_id: None,
            is_enabled: true,
            created_at: Timestamp(1),
        };
        tx.user_insert(&NewUser { user, password_hash: None }).await.unwrap();
        tx.grant_insert(ANN, scope, Role::Member).await.unwrap();
        let token = NewToken {
            hash: HASH,
            user_id: ANN,
            scope,
            methods: "password".to_owned(),
            issued_at: Timestamp(10),
            expires_at: Timestamp(20),
        };
        tx.token_insert(&token).await.unwrap();
        tx.commit().await.unwrap();
        scratch
    }

    // proves: DB-11
    async fn remembered_holder_is_that_of_the_moment(dialect: Dialect) {
        let db = &populated(dialect).await.db;
        let mut before = db.token_holder(HASH, NOW).await.unwrap();
        assert!(before.is_some());
        for change in [
            "UPDATE iam_user SET is_enabled = false",
            "UPDATE iam_user SET is_enabled = true",
            "UPDATE iam_domain SET is_enabled = false",
            "UPDATE iam_domain SET is_enabled = true",
            "UPDATE iam_project SET is_enabled = false",
            "UPDATE iam_project SET is_enabled = true",
            "UPDATE iam_user SET name = 'eve'",
            "UPDATE iam_domain SET name = 'other'",
            "UPDATE iam_project SET name = 'eu-nl'",
            "UPDATE iam_grant SET role = 'reader'",
            "DELETE FROM iam_grant",
            "INSERT INTO iam_grant SELECT id, 'none', '', 'operator' FROM iam_user",
            "UPDATE iam_token SET expires_at = 15",
            "UPDATE iam_token SET expires_at = 16",
            "DELETE FROM iam_token",
        ] {
            db.write.execute_unprepared(change).await.unwrap();
            let found = db.token_holder(HASH, NOW).await.unwrap();
            // Another process, which remembers nothing.
            let other = Db::of(db.read.clone(), db.write.clone(), dialect);
            assert_eq!(found, other.token_holder(HASH, NOW).await.unwrap(), "{change}");
            assert_ne!(found, before, "{change}");
            before = found;
        }
    }

    // proves: DB-11
    async fn holder_goes_with_what_it_is_made_of(dialect: Dialect) {
        for gone in ["iam_project", "iam_user"] {
            let db = &populated(dialect).await.db;
            assert!(db.token_holder(HASH, NOW).await.unwrap().is_some());
            db.write.execute_unprepared(&format!("DELETE FROM {gone}")).await.unwrap();
            assert_eq!(db.token_holder(HASH, NOW).await.unwrap(), None, "{gone}");
        }
    }

    async fn change_counts_when_it_is_committed(dialect: Dialect) {
        let db = &populated(dialect).await.db;
        let roles = async || db.token_holder(HASH, NOW).await.unwrap().unwrap().roles;
        assert_eq!(roles().await, [Role::Member]);
        let tx = db.begin().await.unwrap();
        tx.grant_insert(ANN, None, Role::Operator).await.unwrap();
        assert_eq!(roles().await, [Role::Member]);
        tx.commit().await.unwrap();
        let mut both = vec![Role::Member, Role::Operator];
        both.sort_unstable();
        assert_eq!(roles().await, both);
        let tx = db.begin().await.unwrap();
        assert!(tx.grant_delete(ANN, None, Role::Operator).await.unwrap());
        drop(tx);
        assert_eq!(roles().await, both);
    }

    async fn holder_is_remembered_while_nothing_changes(dialect: Dialect) {
        let db = &populated(dialect).await.db;
        db.token_holder(HASH, NOW).await.unwrap();
        db.write.execute_unprepared("UPDATE iam_user SET failed_logins = 3").await.unwrap();
        let version = db.token_version(HASH, NOW).await.unwrap().unwrap();
        assert!(db.holders.recall(HASH, version).is_some(), "a wrong password changes no holder");
    }

    macro_rules! on_each {
        ($dialect:expr, $name:ident: $($test:ident),+) => {
            mod $name {
                $(#[tokio::test]
                async fn $test() {
                    super::$test($dialect).await;
                })+
            }
        };
    }

    on_each!(
        super::Dialect::Sqlite,
        sqlite: remembered_holder_is_that_of_the_moment, holder_goes_with_what_it_is_made_of,
        change_counts_when_it_is_committed, holder_is_remembered_while_nothing_changes
    );
    on_each!(
        super::Dialect::Postgres,
        postgres: remembered_holder_is_that_of_the_moment, holder_goes_with_what_it_is_made_of,
        change_counts_when_it_is_committed, holder_is_remembered_while_nothing_changes
    );
}
