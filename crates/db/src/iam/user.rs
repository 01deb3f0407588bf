//! Queries about users and their passwords.

use std::time::Duration;

use sea_orm::sea_query::{Expr, JoinType};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, Condition, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, UpdateMany,
};
use strongroom_base::Timestamp;
use strongroom_model::description::Description;
use strongroom_model::domain::Domain;
use strongroom_model::name::AccountName;
use strongroom_model::user::User;
use strongroom_model::{DomainId, UserId};

use crate::entity::iam_domain;
use crate::entity::iam_user::{ActiveModel, Column, Entity, Model};
use crate::row::{Row, micros};
use crate::{Db, DbError, Tx};

/// A user to add.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Who it is.
    pub user: User,
    /// The PHC string of its password; none for one that never logs in with a password.
    pub password_hash: Option<String>,
}

/// What a login is checked against.
#[derive(Debug, Clone)]
pub struct Login {
    /// Who it is.
    pub user: User,
    /// The PHC string of its password.
    pub password_hash: Option<String>,
    /// Wrong passwords in a row, when they were last counted.
    pub failures: u32,
    /// Until when no password counts.
    pub locked_until: Option<Timestamp>,
}

/// How somebody who logs in is named.
#[derive(Debug, Clone, Copy)]
pub enum LoginName<'a> {
    /// By its id.
    Id(UserId),
    /// By its name in a domain.
    In(DomainId, &'a str),
    /// By its name in a domain of this name.
    InNamed(&'a str, &'a str),
}

fn user(row: &Model) -> Result<User, DbError> {
    let at = Row { table: "iam_user", id: &row.id };
    let project = row.default_project_id.as_deref();
    Ok(User {
        id: at.id("id", &row.id)?,
        domain_id: at.id("domain_id", &row.domain_id)?,
        name: at.read("name", AccountName::parse(&row.name))?,
        description: at.read("description", Description::parse(&row.description))?,
        default_project_id: project.map(|id| at.id("default_project_id", id)).transpose()?,
        is_enabled: row.is_enabled,
        created_at: at.time("created_at", row.created_at)?,
    })
}

fn login(row: Model) -> Result<Login, DbError> {
    let at = Row { table: "iam_user", id: &row.id };
    Ok(Login {
        user: user(&row)?,
        failures: at.read("failed_logins", u32::try_from(row.failed_logins))?,
        locked_until: row.locked_until.map(|until| at.time("locked_until", until)).transpose()?,
        password_hash: row.password_hash,
    })
}

impl Tx {
    /// Adds a user. `Conflict` when one of its domain has its name.
    pub async fn user_insert(&self, new: &NewUser) -> Result<(), DbError> {
        let user = &new.user;
        let row = ActiveModel {
            id: Set(user.id.to_string()),
            domain_id: Set(user.domain_id.to_string()),
            name: Set(user.name.to_string()),
            description: Set(user.description.to_string()),
            default_project_id: Set(user.default_project_id.map(|id| id.to_string())),
            password_hash: Set(new.password_hash.clone()),
            is_enabled: Set(user.is_enabled),
            failed_logins: Set(0),
            failing_since: Set(None),
            locked_until: Set(None),
            created_at: Set(micros(user.created_at)),
        };
        let inserted = Entity::insert(row).exec_without_returning(&self.0).await;
        inserted.map(|_| ()).map_err(DbError::of("user_insert"))
    }

    /// Changes a password; whether there is such a user.
    pub async fn user_set_password(&self, id: UserId, hash: &str) -> Result<bool, DbError> {
        let change = change(id)
            .col_expr(Column::PasswordHash, Expr::value(hash))
            .col_expr(Column::FailedLogins, Expr::value(0))
            .col_expr(Column::FailingSince, Expr::value(None::<i64>))
            .col_expr(Column::LockedUntil, Expr::value(None::<i64>));
        let done = change.exec(&self.0).await.map_err(DbError::of("user_set_password"))?;
        Ok(done.rows_affected > 0)
    }

    /// Counts a wrong password; the answer is how many there were in a row, the first of them less
    /// than `window` ago. Counted by the database, so that guesses at the same time all count.
    pub async fn user_count_failure(
        &self,
        id: UserId,
        now: Timestamp,
        window: Duration,
    ) -> Result<u32, DbError> {
        let query = "user_count_failure";
        let begin = micros(now)
            .saturating_sub_unsigned(u64::try_from(window.as_micros()).unwrap_or(u64::MAX));
        let is_recent = Expr::col(Column::FailingSince).gt(begin);
        let count =
            Expr::case(is_recent.clone(), Expr::col(Column::FailedLogins).add(1)).finally(1);
        let since = Expr::case(is_recent, Expr::col(Column::FailingSince)).finally(micros(now));
        let change = change(id)
            .col_expr(Column::FailedLogins, count.into())
            .col_expr(Column::FailingSince, since.into());
        let rows = change.exec_with_returning(&self.0).await.map_err(DbError::of(query))?;
        let [row] = rows.as_slice() else {
            let actual = rows.len() as u64;
            return Err(DbError::Affected { query, expected: 1, actual });
        };
        let at = Row { table: "iam_user", id: &row.id };
        at.read("failed_logins", u32::try_from(row.failed_logins))
    }

    /// Lets no password of a user count until then; none begins to count anew.
    pub async fn user_lock(&self, id: UserId, until: Option<Timestamp>) -> Result<(), DbError> {
        let change = change(id)
            .col_expr(Column::FailedLogins, Expr::value(0))
            .col_expr(Column::FailingSince, Expr::value(None::<i64>))
            .col_expr(Column::LockedUntil, Expr::value(until.map(micros)));
        change.exec(&self.0).await.map(|_| ()).map_err(DbError::of("user_lock"))
    }

    /// Whether there is such a user; nobody else changes it until the end of this transaction.
    pub async fn user_get_for_change(&self, id: UserId) -> Result<bool, DbError> {
        let found = Entity::find_by_id(id.to_string()).lock_exclusive().one(&self.0).await;
        found.map(|row| row.is_some()).map_err(DbError::of("user_get_for_change"))
    }
}

fn change(id: UserId) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::Id.eq(id.to_string()))
}

impl Db {
    /// The user with this id, and its password.
    pub async fn user_login(&self, id: UserId) -> Result<Option<Login>, DbError> {
        let found = Entity::find_by_id(id.to_string()).one(&self.read).await;
        found.map_err(DbError::of("user_login"))?.map(login).transpose()
    }

    /// The user that somebody names, its password and its domain. One statement.
    pub async fn user_login_named(
        &self,
        name: LoginName<'_>,
    ) -> Result<Option<(Login, Domain)>, DbError> {
        let of_domain = Entity::belongs_to(iam_domain::Entity)
            .from(Column::DomainId)
            .to(iam_domain::Column::Id);
        let is_meant = match name {
            LoginName::Id(id) => Condition::all().add(Column::Id.eq(id.to_string())),
            LoginName::In(domain, name) => Condition::all()
                .add(Column::DomainId.eq(domain.to_string()))
                .add(Column::Name.eq(name)),
            LoginName::InNamed(domain, name) => {
                Condition::all().add(iam_domain::Column::Name.eq(domain)).add(Column::Name.eq(name))
            }
        };
        let found = Entity::find()
            .join(JoinType::InnerJoin, of_domain.into())
            .filter(is_meant)
            .select_also(iam_domain::Entity)
            .one(&self.read)
            .await;
        match found.map_err(DbError::of("user_login_named"))? {
            Some((user, Some(domain))) => Ok(Some((login(user)?, Domain::try_from(domain)?))),
            _ => Ok(None),
        }
    }

    /// The user of a domain with this name, and its password.
    pub async fn user_login_by_name(
        &self,
        domain: DomainId,
        name: &str,
    ) -> Result<Option<Login>, DbError> {
        let found = self.user_login_named(LoginName::In(domain, name)).await?;
        Ok(found.map(|(login, _)| login))
    }

    /// A domain's users by name; one at most when a name is given.
    pub async fn user_list(
        &self,
        domain: DomainId,
        name: Option<&str>,
    ) -> Result<Vec<User>, DbError> {
        let mut query = Entity::find().filter(Column::DomainId.eq(domain.to_string()));
        if let Some(name) = name {
            query = query.filter(Column::Name.eq(name));
        }
        let found = query.order_by_asc(Column::Name).all(&self.read).await;
        found.map_err(DbError::of("user_list"))?.iter().map(user).collect()
    }
}
