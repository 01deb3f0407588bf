//! What a token is good for: each row of the table of scopes (related services, 2.2).

use strongroom_control::Error;
use strongroom_control::iam::{DomainChoice, ProjectChoice, WantedScope};
use strongroom_db::dialect::Dialect;
use strongroom_model::{ProjectId, Role, Scope};

use crate::iam_world::{World, is_unknown, project_by_id};
use crate::on_both;

on_both!(
    project_is_given_by_id_or_name,
    domain_is_given_by_id_or_name,
    no_scope_means_the_default_project_if_there_is_a_good_one,
    place_without_a_right_is_refused_like_one_that_is_not_there,
);

fn domain(name: &str) -> DomainChoice {
    DomainChoice::Name(name.to_owned())
}

fn project(name: &str, domain: Option<DomainChoice>) -> WantedScope {
    WantedScope::Project(ProjectChoice::Name(name.to_owned(), domain))
}

async fn project_is_given_by_id_or_name(dialect: Dialect) {
    let world = World::new(dialect).await;
    for wanted in [
        project_by_id(world.admin.project_id),
        project("eu-de", None),
        project("eu-de", Some(domain("acme"))),
        project("eu-de", Some(DomainChoice::Id(world.domain_id))),
    ] {
        let issued = world.log_in("root", wanted.clone()).await.unwrap();
        assert_eq!(issued.holder.scope, Some(world.project()), "{wanted:?}");
        assert_eq!(issued.holder.project_name.as_ref().unwrap().as_str(), "eu-de");
        assert_eq!(issued.holder.roles, [Role::Admin, Role::Operator]);
        let holder = world.service.authenticate_token(&issued.token).await.unwrap();
        assert_eq!(holder, issued.holder);
    }
}

async fn domain_is_given_by_id_or_name(dialect: Dialect) {
    let world = World::new(dialect).await;
    world.add_user("ann").await;
    for wanted in [domain("acme"), DomainChoice::Id(world.domain_id)] {
        let wanted = WantedScope::Domain(wanted);
        // Clients ask for it at every start, whoever they are.
        for (user, roles) in [("root", vec![Role::Admin]), ("ann", vec![])] {
            let issued = world.log_in(user, wanted.clone()).await.unwrap();
            assert_eq!(issued.holder.scope, Some(Scope::Domain(world.domain_id)));
            assert_eq!((issued.holder.project_name.as_ref(), &issued.holder.roles), (None, &roles));
            let holder = world.service.authenticate_token(&issued.token).await.unwrap();
            assert_eq!(holder, issued.holder);
        }
    }
}

async fn no_scope_means_the_default_project_if_there_is_a_good_one(dialect: Dialect) {
    let world = World::new(dialect).await;
    let off = world.add_project(world.domain_id, "eu-de_off", false).await;
    let foreign = world.add_domain("other", true).await;
    let foreign = world.add_project(foreign, "eu-de", true).await;
    let gone = ProjectId([9; 16]);
    let granted = [world.admin.project_id, off, foreign, gone];
    for (name, default, expected) in [
        ("here", Some(world.admin.project_id), Some(world.project())),
        ("off", Some(off), None),
        ("foreign", Some(foreign), None),
        ("gone", Some(gone), None),
        ("none", None, None),
    ] {
        let mut user = world.user(name);
        user.user.default_project_id = default;
        let id = world.insert(user).await;
        let without_a_role = world.log_in(name, WantedScope::Absent).await.unwrap();
        assert_eq!(without_a_role.holder.scope, None, "{name}");
        for project in granted {
            world.grant(id, Scope::Project(project), Role::Reader).await;
        }
        let issued = world.log_in(name, WantedScope::Absent).await.unwrap();
        assert_eq!(issued.holder.scope, expected, "{name}");
        let exchanged = world.exchange(&issued.token, WantedScope::Absent).await.unwrap();
        assert_eq!(exchanged.holder.scope, expected, "{name}");
        let issued = world.log_in(name, WantedScope::Unscoped).await.unwrap();
        assert_eq!((issued.holder.scope, issued.holder.roles.as_slice()), (None, [].as_slice()));
        let holder = world.service.authenticate_token(&issued.token).await.unwrap();
        assert_eq!(holder, issued.holder);
    }
}

async fn place_without_a_right_is_refused_like_one_that_is_not_there(dialect: Dialect) {
    let world = World::new(dialect).await;
    let ann = world.add_user("ann").await;
    let ungranted = world.add_project(world.domain_id, "eu-de_ops", true).await;
    let off = world.add_project(world.domain_id, "eu-de_off", false).await;
    let other = world.add_domain("other", true).await;
    let foreign = world.add_project(other, "eu-de", true).await;
    for project in [world.admin.project_id, off, foreign] {
        world.grant(ann, Scope::Project(project), Role::Member).await;
    }
    world.grant(ann, Scope::Domain(other), Role::Admin).await;
    let token = world.log_in("ann", WantedScope::Unscoped).await.unwrap().token;
    for wanted in [
        project_by_id(ungranted),
        project_by_id(off),
        project_by_id(foreign),
        project_by_id(ProjectId([9; 16])),
        project("eu-de_ops", None),
        project("eu-de_none", None),
        project("eu\0de", None),
        project("eu-de", Some(domain("other"))),
        project("eu-de", Some(DomainChoice::Id(other))),
        project("eu-de", Some(domain("nowhere"))),
        WantedScope::Domain(domain("other")),
        WantedScope::Domain(DomainChoice::Id(other)),
        WantedScope::Domain(domain("nowhere")),
    ] {
        let by_password = world.log_in("ann", wanted.clone()).await;
        assert!(is_unknown(&by_password), "{wanted:?} {by_password:?}");
        let by_token = world.exchange(&token, wanted.clone()).await;
        assert!(matches!(by_token, Err(Error::Unauthenticated)), "{wanted:?} {by_token:?}");
    }
    // All that was right but the place: nobody is locked for it.
    assert!(world.log_in("ann", project("eu-de", None)).await.is_ok());
}
