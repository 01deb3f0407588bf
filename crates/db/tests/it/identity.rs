//! Domains, projects, users, roles, tokens and access keys.

use std::time::Duration;

use strongroom_base::Timestamp;
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Scratch;
use strongroom_db::{Db, NewAccessKey, NewToken, NewUser, TokenHash};
use strongroom_model::description::Description;
use strongroom_model::domain::Domain;
use strongroom_model::name::AccountName;
use strongroom_model::project::Project;
use strongroom_model::user::User;
use strongroom_model::{DomainId, Name, ProjectId, Role, Scope, UserId};

use crate::on_both;

on_both!(
    token_is_good_until_it_expires_or_is_revoked,
    token_of_somebody_disabled_is_good_for_nothing,
    roles_are_those_of_the_moment,
    login_counts_failures,
    access_keys_are_kept_with_their_secrets,
    access_key_has_its_owner_where_it_asks,
    projects_are_listed_by_name_and_grant,
);

const HASH: TokenHash = TokenHash([7; 32]);
const PROJECT: ProjectId = ProjectId([1; 16]);
const USER: UserId = UserId([1; 16]);
/// How long wrong passwords are counted together.
const WINDOW: Duration = Duration::from_micros(60);

pub(crate) fn domain(number: u8, name: &str) -> Domain {
    let name = AccountName::parse(name).unwrap();
    Domain { id: DomainId([number; 16]), name, is_enabled: true }
}

fn project(number: u8, name: &str, is_enabled: bool) -> Project {
    Project {
        id: ProjectId([number; 16]),
        domain_id: DomainId([1; 16]),
        name: Name::parse(name).unwrap(),
        description: Description::default(),
        is_enabled,
    }
}

fn user(number: u8, name: &str, is_enabled: bool) -> NewUser {
    NewUser {
        user: User {
            id: UserId([number; 16]),
            domain_id: DomainId([1; 16]),
            name: AccountName::parse(name).unwrap(),
            description: Description::parse("who it is").unwrap(),
            default_project_id: Some(PROJECT),
            is_enabled,
            created_at: Timestamp(5),
        },
        password_hash: Some("$argon2id$..".to_owned()),
    }
}

/// A domain with two projects and two users, of which the second ones are disabled.
async fn populated(dialect: Dialect) -> Scratch {
    let scratch = Scratch::new(dialect).await;
    let tx = scratch.db.begin().await.unwrap();
    tx.domain_insert(&domain(1, "acme"), Timestamp(1)).await.unwrap();
    tx.project_insert(&project(1, "eu-de", true), Timestamp(1)).await.unwrap();
    tx.project_insert(&project(2, "eu-de_off", false), Timestamp(1)).await.unwrap();
    tx.user_insert(&user(1, "ann", true)).await.unwrap();
    tx.user_insert(&user(2, "bob", false)).await.unwrap();
    tx.commit().await.unwrap();
    scratch
}

fn token(user_id: UserId, scope: Option<Scope>) -> NewToken {
    NewToken {
        hash: HASH,
        user_id,
        scope,
        methods: "password".to_owned(),
        issued_at: Timestamp(10),
        expires_at: Timestamp(20),
    }
}

async fn issue(db: &Db, token: &NewToken) {
    let tx = db.begin().await.unwrap();
    tx.token_insert(token).await.unwrap();
    tx.commit().await.unwrap();
}

async fn token_is_good_until_it_expires_or_is_revoked(dialect: Dialect) {
    let scratch = populated(dialect).await;
    let db = &scratch.db;
    issue(db, &token(USER, Some(Scope::Project(PROJECT)))).await;
    let holder = db.token_holder(HASH, Timestamp(19)).await.unwrap().unwrap();
    assert_eq!(holder.user_id, USER);
    assert_eq!((holder.user_name.as_str(), holder.domain_name.as_str()), ("ann", "acme"));
    assert_eq!(holder.scope, Some(Scope::Project(PROJECT)));
    assert_eq!(holder.project_name.as_ref().map(Name::as_str), Some("eu-de"));
    assert_eq!((holder.issued_at, holder.expires_at), (Timestamp(10), Timestamp(20)));
    assert_eq!(holder.roles, []);
    assert_eq!(db.token_holder(HASH, Timestamp(20)).await.unwrap(), None);
    assert_eq!(db.token_holder(TokenHash([8; 32]), Timestamp(19)).await.unwrap(), None);
    let tx = db.begin().await.unwrap();
    assert_eq!(tx.token_delete_expired(Timestamp(19)).await.unwrap(), 0);
    assert!(tx.token_delete(HASH).await.unwrap());
    assert!(!tx.token_delete(HASH).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(db.token_holder(HASH, Timestamp(19)).await.unwrap(), None);
}

async fn token_of_somebody_disabled_is_good_for_nothing(dialect: Dialect) {
    let scratch = populated(dialect).await;
    let db = &scratch.db;
    let off = Scope::Project(ProjectId([2; 16]));
    let gone = Scope::Project(ProjectId([9; 16]));
    for (user, scope) in [(UserId([2; 16]), None), (USER, Some(off)), (USER, Some(gone))] {
        issue(db, &token(user, scope)).await;
        assert_eq!(db.token_holder(HASH, Timestamp(15)).await.unwrap(), None, "{user} {scope:?}");
        let tx = db.begin().await.unwrap();
        assert_eq!(tx.token_delete_of_user(user).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }
}

async fn roles_are_those_of_the_moment(dialect: Dialect) {
    let scratch = populated(dialect).await;
    let db = &scratch.db;
    let scope = Scope::Project(PROJECT);
    issue(db, &token(USER, Some(scope))).await;
    let tx = db.begin().await.unwrap();
    tx.grant_insert(USER, Some(scope), Role::Member).await.unwrap();
    tx.grant_insert(USER, Some(scope), Role::Reader).await.unwrap();
    tx.grant_insert(USER, None, Role::Reader).await.unwrap();
    tx.grant_insert(USER, None, Role::Operator).await.unwrap();
    tx.grant_insert(USER, Some(Scope::Domain(DomainId([1; 16]))), Role::Admin).await.unwrap();
    tx.grant_insert(UserId([2; 16]), Some(scope), Role::Admin).await.unwrap();
    tx.commit().await.unwrap();
    let mut expected = vec![Role::Member, Role::Reader, Role::Operator];
    expected.sort_unstable();
    let holder = db.token_holder(HASH, Timestamp(15)).await.unwrap().unwrap();
    assert_eq!(holder.roles, expected);
    assert_eq!(db.grant_roles(USER, scope).await.unwrap(), expected);
    let tx = db.begin().await.unwrap();
    assert!(tx.grant_delete(USER, Some(scope), Role::Member).await.unwrap());
    assert!(!tx.grant_delete(USER, Some(scope), Role::Admin).await.unwrap());
    tx.commit().await.unwrap();
    let holder = db.token_holder(HASH, Timestamp(15)).await.unwrap().unwrap();
    assert_eq!(holder.roles, [Role::Reader, Role::Operator]);
}

async fn login_counts_failures(dialect: Dialect) {
    let scratch = populated(dialect).await;
    let db = &scratch.db;
    let domain = DomainId([1; 16]);
    let login = db.user_login_by_name(domain, "ann").await.unwrap().unwrap();
    assert_eq!(login.user, user(1, "ann", true).user);
    assert_eq!((login.failures, login.locked_until), (0, None));
    assert!(db.user_login_by_name(domain, "Ann").await.unwrap().is_none());
    assert!(db.user_login_by_name(DomainId([2; 16]), "ann").await.unwrap().is_none());
    for expected in 1..=3 {
        let tx = db.begin().await.unwrap();
        let at = Timestamp(1000 + u64::from(expected));
        assert_eq!(tx.user_count_failure(USER, at, WINDOW).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    // What lies back longer than the window counts no more.
    let tx = db.begin().await.unwrap();
    let later = Timestamp(1001 + 60);
    assert_eq!(tx.user_count_failure(USER, later, WINDOW).await.unwrap(), 1);
    assert_eq!(tx.user_count_failure(USER, later, WINDOW).await.unwrap(), 2);
    assert!(tx.user_get_for_change(USER).await.unwrap());
    assert!(!tx.user_get_for_change(UserId([9; 16])).await.unwrap());
    tx.commit().await.unwrap();
    let tx = db.begin().await.unwrap();
    tx.user_lock(USER, Some(Timestamp(99))).await.unwrap();
    tx.commit().await.unwrap();
    let login = db.user_login(USER).await.unwrap().unwrap();
    assert_eq!((login.failures, login.locked_until), (0, Some(Timestamp(99))));
    let tx = db.begin().await.unwrap();
    assert!(tx.user_set_password(USER, "new").await.unwrap());
    assert!(!tx.user_set_password(UserId([9; 16]), "new").await.unwrap());
    tx.commit().await.unwrap();
    let login = db.user_login(USER).await.unwrap().unwrap();
    assert_eq!((login.password_hash.as_deref(), login.locked_until), (Some("new"), None));
}

async fn access_keys_are_kept_with_their_secrets(dialect: Dialect) {
    let scratch = populated(dialect).await;
    let db = &scratch.db;
    let key = |access: &str, at| NewAccessKey {
        access: access.to_owned(),
        user_id: USER,
        sealed_secret: vec![0, 255, 7],
        description: "ä".to_owned(),
        created_at: Timestamp(at),
    };
    let tx = db.begin().await.unwrap();
    tx.access_key_insert(key("B", 1)).await.unwrap();
    tx.access_key_insert(key("A", 2)).await.unwrap();
    assert_eq!(tx.access_key_count(USER).await.unwrap(), 2);
    tx.commit().await.unwrap();
    let (found, secret) = db.access_key_get("B").await.unwrap().unwrap();
    assert_eq!((found.user_id, found.is_active, secret), (USER, true, vec![0, 255, 7]));
    let listed = db.access_key_list(USER).await.unwrap();
    let names: Vec<_> = listed.iter().map(|key| key.access.as_str()).collect();
    assert_eq!(names, ["B", "A"]);
    let tx = db.begin().await.unwrap();
    assert!(tx.access_key_delete("B").await.unwrap());
    tx.commit().await.unwrap();
    assert!(db.access_key_get("B").await.unwrap().is_none());
}

async fn access_key_has_its_owner_where_it_asks(dialect: Dialect) {
    let scratch = populated(dialect).await;
    let db = &scratch.db;
    let key = |access: &str, user_id| NewAccessKey {
        access: access.to_owned(),
        user_id,
        sealed_secret: vec![0, 255, 7],
        description: String::new(),
        created_at: Timestamp(1),
    };
    let other = DomainId([2; 16]);
    let foreign = Project { domain_id: other, ..project(3, "eu-de", true) };
    let tx = db.begin().await.unwrap();
    tx.domain_insert(&domain(2, "other"), Timestamp(1)).await.unwrap();
    tx.project_insert(&foreign, Timestamp(1)).await.unwrap();
    tx.access_key_insert(key("ANN", USER)).await.unwrap();
    tx.access_key_insert(key("BOB", UserId([2; 16]))).await.unwrap();
    for number in 1..=3 {
        let scope = Scope::Project(ProjectId([number; 16]));
        tx.grant_insert(USER, Some(scope), Role::Member).await.unwrap();
    }
    tx.grant_insert(USER, Some(Scope::Domain(DomainId([1; 16]))), Role::Admin).await.unwrap();
    tx.grant_insert(USER, None, Role::Operator).await.unwrap();
    tx.commit().await.unwrap();
    let ask = async |project| {
        let owner = db.access_key_owner("ANN", project).await.unwrap().unwrap();
        assert_eq!((owner.user_id, owner.sealed_secret), (USER, vec![0, 255, 7]));
        assert_eq!((owner.user_name.as_str(), owner.domain_name.as_str()), ("ann", "acme"));
        (owner.project_name.map(|name| name.to_string()), owner.roles)
    };
    assert_eq!(ask(None).await, (None, vec![Role::Admin, Role::Operator]));
    let here = (Some("eu-de".to_owned()), vec![Role::Member, Role::Operator]);
    assert_eq!(ask(Some(PROJECT)).await, here);
    // Disabled, foreign, and not there: as if it did not exist.
    for number in [2, 3, 9] {
        let nothing = (None, vec![Role::Operator]);
        assert_eq!(ask(Some(ProjectId([number; 16]))).await, nothing, "{number}");
    }
    assert!(db.access_key_owner("BOB", None).await.unwrap().is_none(), "its user is disabled");
    assert!(db.access_key_owner("EVE", None).await.unwrap().is_none());
    let tx = db.begin().await.unwrap();
    assert!(tx.access_key_set_active("ANN", false).await.unwrap());
    assert!(!tx.access_key_set_active("EVE", false).await.unwrap());
    tx.commit().await.unwrap();
    assert!(db.access_key_owner("ANN", None).await.unwrap().is_none(), "it is inactive");
}

async fn projects_are_listed_by_name_and_grant(dialect: Dialect) {
    let scratch = populated(dialect).await;
    let db = &scratch.db;
    let domain = DomainId([1; 16]);
    let names = |projects: Vec<Project>| -> Vec<String> {
        projects.iter().map(|project| project.name.to_string()).collect()
    };
    assert_eq!(names(db.project_list(domain, None).await.unwrap()), ["eu-de", "eu-de_off"]);
    assert_eq!(names(db.project_list(domain, Some("eu-de")).await.unwrap()), ["eu-de"]);
    assert!(db.project_list(domain, Some("eu")).await.unwrap().is_empty());
    assert!(db.project_list_granted(domain, USER).await.unwrap().is_empty());
    let tx = db.begin().await.unwrap();
    tx.grant_insert(USER, Some(Scope::Project(PROJECT)), Role::Reader).await.unwrap();
    tx.grant_insert(UserId([2; 16]), None, Role::Admin).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(names(db.project_list_granted(domain, USER).await.unwrap()), ["eu-de"]);
    let everywhere = db.project_list_granted(domain, UserId([2; 16])).await.unwrap();
    assert_eq!(names(everywhere), ["eu-de", "eu-de_off"]);
    assert!(db.project_list_granted(DomainId([2; 16]), USER).await.unwrap().is_empty());
}
