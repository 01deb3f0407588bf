//! The first start, and access keys.

use strongroom_control::Error;
use strongroom_control::iam::{Bootstrap, WantedScope};
use strongroom_db::dialect::Dialect;
use strongroom_model::UserId;

use crate::iam_world::{Installation, World, first};
use crate::on_both;

on_both!(
    first_start_makes_an_administrator_who_can_log_in,
    second_start_changes_nothing,
    of_two_first_starts_at_once_one_makes_it,
    name_that_is_none_is_refused,
    user_has_two_access_keys_at_most,
);

async fn first_start_makes_an_administrator_who_can_log_in(dialect: Dialect) {
    let world = World::new(dialect).await;
    let admin = &world.admin;
    assert_eq!((admin.domain.as_str(), admin.user.as_str()), ("acme", "root"));
    assert_eq!(admin.project, "eu-de");
    assert_eq!(admin.password.len(), 24);
    assert!(!admin.password.contains(['0', 'O', 'o', '1', 'l', 'I']));
    let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    assert!(admin.key.access.len() == 20 && admin.key.access.chars().all(is_upper));
    let secret = admin.key.secret.expose();
    assert!(secret.len() == 40 && secret.chars().all(|c| c.is_ascii_alphanumeric()));
    let issued = world.log_in("root", WantedScope::Absent).await.unwrap();
    assert_eq!(issued.holder.scope, Some(world.project()), "its default project");
}

async fn second_start_changes_nothing(dialect: Dialect) {
    let world = World::new(dialect).await;
    let other = Bootstrap { domain: "other".to_owned(), admin: "other".to_owned() };
    for again in [first(), other] {
        assert!(world.service.bootstrap(&again).await.unwrap().is_none());
    }
    let db = &world.scratch.db;
    assert!(db.domain_get_by_name("other").await.unwrap().is_none());
    assert_eq!(db.user_list(world.domain_id, None).await.unwrap().len(), 1);
    assert_eq!(db.project_list(world.domain_id, None).await.unwrap().len(), 1);
    assert_eq!(db.access_key_list(world.admin_id).await.unwrap().len(), 1);
    assert!(world.log_in("root", WantedScope::Absent).await.is_ok());
}

async fn of_two_first_starts_at_once_one_makes_it(dialect: Dialect) {
    for name in ["acme", "another"] {
        let Installation { scratch, clock, service } = Installation::new(dialect).await;
        let other = Installation::service(&scratch.db, &clock);
        let (first, second) = (first(), Bootstrap { domain: name.to_owned(), ..first() });
        let (one, another) = tokio::join!(service.bootstrap(&first), other.bootstrap(&second));
        let made: Vec<_> = [one, another].into_iter().filter_map(Result::unwrap).collect();
        let [made] = made.as_slice() else { panic!("{made:?}") };
        let domain = |name| scratch.db.domain_get_by_name(name);
        assert_eq!(domain("acme").await.unwrap().is_some(), made.domain == "acme");
        assert_eq!(domain("another").await.unwrap().is_some(), made.domain == "another");
        let domain = domain(&made.domain).await.unwrap().unwrap().id;
        assert_eq!(scratch.db.user_list(domain, None).await.unwrap().len(), 1);
    }
}

async fn name_that_is_none_is_refused(dialect: Dialect) {
    let Installation { scratch, service, .. } = Installation::new(dialect).await;
    for (domain, admin) in [("", "root"), ("acme", " root"), ("a\0", "root")] {
        let wrong = Bootstrap { domain: domain.to_owned(), admin: admin.to_owned() };
        assert!(matches!(service.bootstrap(&wrong).await, Err(Error::Refused(_))), "{wrong:?}");
    }
    assert!(!scratch.db.domain_exists().await.unwrap());
}

async fn user_has_two_access_keys_at_most(dialect: Dialect) {
    let world = World::new(dialect).await;
    let ann = world.add_user("ann").await;
    let create = || world.service.access_key_create(ann, "of a test");
    let made = futures_util::future::join_all((0..4).map(|_| create())).await;
    assert_eq!(made.iter().filter(|key| key.is_ok()).count(), 2, "{made:?}");
    assert!(matches!(create().await, Err(Error::TooManyAccessKeys)));
    let keys = world.scratch.db.access_key_list(ann).await.unwrap();
    assert!(keys.len() == 2 && keys.iter().all(|key| key.description == "of a test"));
    let nobody = world.service.access_key_create(UserId([9; 16]), "").await;
    assert!(matches!(nobody, Err(Error::NotFound(_))));
    let described = world.service.access_key_create(ann, "<").await;
    assert!(matches!(described, Err(Error::Refused(_))));
}
