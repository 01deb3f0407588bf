//! Look-ups: who sees which projects, users and domains.

use strongroom_control::iam::{DomainChoice, ProjectQuery, UserQuery, WantedScope};
use strongroom_control::{Caller, Error, Noun};
use strongroom_db::dialect::Dialect;
use strongroom_model::{Role, Scope};

use crate::iam_world::{World, project_by_id};
use crate::on_both;

on_both!(
    projects_are_seen_by_administrators_and_by_those_with_a_role,
    users_see_themselves_and_administrators_all,
    domain_is_the_callers_own,
);

/// The same user with a token of each scope.
async fn callers(world: &World, user: &str) -> Vec<Caller> {
    let domain = WantedScope::Domain(DomainChoice::Id(world.domain_id));
    let mut callers = Vec::new();
    for scope in [domain, WantedScope::Unscoped, project_by_id(world.admin.project_id)] {
        callers.push(world.log_in(user, scope).await.unwrap().holder);
    }
    callers
}

/// A domain with two projects and a user with a role in one; beside it another domain.
async fn populated(dialect: Dialect) -> World {
    let world = World::new(dialect).await;
    let ann = world.add_user("ann").await;
    world.grant(ann, world.project(), Role::Admin).await;
    world.add_project(world.domain_id, "eu-de_off", false).await;
    let other = world.add_domain("other", true).await;
    let foreign = world.add_project(other, "eu-nl", true).await;
    world.grant(ann, Scope::Project(foreign), Role::Member).await;
    let mut foreigner = world.user("foreigner");
    foreigner.user.domain_id = other;
    world.insert(foreigner).await;
    world
}

async fn projects_are_seen_by_administrators_and_by_those_with_a_role(dialect: Dialect) {
    let world = populated(dialect).await;
    for (user, seen) in [("root", ["eu-de", "eu-de_off"].as_slice()), ("ann", &["eu-de"])] {
        for caller in callers(&world, user).await {
            let list = async |query: ProjectQuery| -> Vec<String> {
                let listed = world.service.project_list(&caller, &query).await.unwrap();
                listed.iter().map(|project| project.name.to_string()).collect()
            };
            let named =
                |name: &str| ProjectQuery { name: Some(name.to_owned()), ..Default::default() };
            assert_eq!(list(ProjectQuery::default()).await, seen);
            assert_eq!(list(named("eu-de")).await, ["eu-de"]);
            assert!(list(named("eu")).await.is_empty());
            assert!(list(named("eu-nl")).await.is_empty());
            let enabled = ProjectQuery { is_enabled: Some(true), ..Default::default() };
            assert_eq!(list(enabled).await, ["eu-de"]);
            let of = |id| ProjectQuery { domain_id: Some(id), ..Default::default() };
            let other = world.scratch.db.domain_get_by_name("other").await.unwrap().unwrap().id;
            assert_eq!(list(of(world.domain_id)).await, seen);
            assert!(list(of(other)).await.is_empty());
            let granted = world.service.project_list_granted(&caller).await.unwrap();
            assert_eq!(
                granted.iter().map(|project| project.id).collect::<Vec<_>>(),
                [world.admin.project_id]
            );
            for domain in [world.domain_id, other] {
                for project in world.scratch.db.project_list(domain, None).await.unwrap() {
                    let shown = world.service.project_get(&caller, project.id).await;
                    if seen.contains(&project.name.as_str()) {
                        assert_eq!(shown.unwrap(), project);
                    } else {
                        assert!(matches!(shown, Err(Error::NotFound(Noun::Project))));
                    }
                }
            }
        }
    }
}

async fn users_see_themselves_and_administrators_all(dialect: Dialect) {
    let world = populated(dialect).await;
    let db = &world.scratch.db;
    let other = db.domain_get_by_name("other").await.unwrap().unwrap().id;
    let foreigner = db.user_list(other, None).await.unwrap().pop().unwrap();
    for (user, seen) in [("root", ["ann", "root"].as_slice()), ("ann", &["ann"])] {
        for caller in callers(&world, user).await {
            let list = async |query: UserQuery| -> Vec<String> {
                let listed = world.service.user_list(&caller, &query).await.unwrap();
                listed.iter().map(|user| user.name.to_string()).collect()
            };
            assert_eq!(list(UserQuery::default()).await, seen);
            let named = UserQuery { name: Some(user.to_owned()), ..Default::default() };
            assert_eq!(list(named).await, [user]);
            let disabled = UserQuery { is_enabled: Some(false), ..Default::default() };
            assert!(list(disabled).await.is_empty());
            let foreign = UserQuery { domain_id: Some(other), ..Default::default() };
            assert!(list(foreign).await.is_empty());
            for one in db.user_list(world.domain_id, None).await.unwrap() {
                let shown = world.service.user_get(&caller, one.id).await;
                if seen.contains(&one.name.as_str()) {
                    assert_eq!(shown.unwrap(), one);
                } else {
                    assert!(matches!(shown, Err(Error::NotFound(Noun::User))));
                }
            }
            let shown = world.service.user_get(&caller, foreigner.id).await;
            assert!(matches!(shown, Err(Error::NotFound(Noun::User))));
        }
    }
}

async fn domain_is_the_callers_own(dialect: Dialect) {
    let world = populated(dialect).await;
    for caller in callers(&world, "ann").await {
        let list = async |name| world.service.domain_list(&caller, name).await.unwrap();
        for name in [None, Some("acme")] {
            let domains = list(name).await;
            assert_eq!(
                domains.iter().map(|domain| domain.id).collect::<Vec<_>>(),
                [world.domain_id]
            );
        }
        assert!(list(Some("other")).await.is_empty());
    }
}
