//! Signed requests: whose they are.

use std::time::Duration;

use aws_lc_rs::{hkdf, hmac};
use strongroom_base::Clock as _;
use strongroom_base::ids::to_hex;
use strongroom_control::Error;
use strongroom_control::iam::{Claim, NewAccessKey, Scheme, SecretKey};
use strongroom_db::dialect::Dialect;
use strongroom_model::{ProjectId, Role, Scope};

use crate::iam_world::{World, is_unknown};
use crate::on_both;

on_both!(
    each_scheme_shows_who_signed,
    what_does_not_sign_is_refused_alike,
    project_without_a_role_is_foreign_whether_or_not_it_exists,
    roles_are_those_of_the_moment,
);

fn tag(key: &[u8], text: &str) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().try_into().unwrap()
}

/// What a client sends that signs with `key` (contract cbr-v3, 10.2).
fn sign(scheme: Scheme, key: &NewAccessKey) -> Claim {
    let secret = key.secret.expose();
    let (scope, signing_key) = match scheme {
        Scheme::Plain => ("", secret.as_bytes().to_vec()),
        Scheme::Scoped => {
            let seed = format!("SDK{secret}").into_bytes();
            let parts = ["20260101", "", "", "sdk_request"];
            let key = parts.iter().fold(seed, |key, part| tag(&key, part).to_vec());
            ("20260101///sdk_request", key)
        }
        Scheme::Derived => {
            let mut derived = [0; 32];
            let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, key.access.as_bytes());
            let scope = "20260101/eu-de/cbr";
            let extracted = salt.extract(secret.as_bytes());
            extracted
                .expand(&[scope.as_bytes()], hkdf::HKDF_SHA256)
                .unwrap()
                .fill(&mut derived)
                .unwrap();
            (scope, to_hex(&derived).into_bytes())
        }
    };
    let text = "what is asked for";
    Claim {
        scheme,
        access_key_id: key.access.clone(),
        security_token: None,
        scope: scope.to_owned(),
        strings_to_sign: vec![text.to_owned()],
        signature: tag(&signing_key, text),
    }
}

async fn each_scheme_shows_who_signed(dialect: Dialect) {
    let world = World::new(dialect).await;
    let project = world.admin.project_id;
    for scheme in [Scheme::Plain, Scheme::Scoped, Scheme::Derived] {
        let claim = sign(scheme, &world.admin.key);
        let caller = world.service.authenticate_claim(&claim, Some(project)).await.unwrap();
        assert_eq!(caller.user_id, world.admin_id);
        assert_eq!((caller.user_name.as_str(), caller.domain_name.as_str()), ("root", "acme"));
        assert_eq!(caller.domain_id, world.domain_id);
        assert_eq!(caller.scope, Some(world.project()));
        assert_eq!(caller.project_name.as_ref().unwrap().as_str(), "eu-de");
        assert_eq!(caller.roles, [Role::Admin, Role::Operator]);
        assert!(caller.methods.is_empty());
        let now = world.clock.now();
        let end = now.plus(Duration::from_mins(15));
        assert_eq!((caller.issued_at, caller.expires_at), (now, end));
        let caller = world.service.authenticate_claim(&claim, None).await.unwrap();
        assert_eq!(caller.scope, Some(Scope::Domain(world.domain_id)));
        assert_eq!((caller.project_name, caller.roles), (None, vec![Role::Admin]));
    }
}

// proves: CTL-1
async fn what_does_not_sign_is_refused_alike(dialect: Dialect) {
    let world = World::new(dialect).await;
    let closed = world.add_domain("closed", false).await;
    let mut users = [world.user("disabled"), world.user("enclosed"), world.user("inactive")];
    users[0].user.is_enabled = false;
    users[1].user.domain_id = closed;
    let mut claims = Vec::new();
    for user in users {
        let id = world.insert(user).await;
        let key = world.service.access_key_create(id, "").await.unwrap();
        claims.push(sign(Scheme::Plain, &key));
    }
    let right = || sign(Scheme::Plain, &world.admin.key);
    let inactive = claims.last().unwrap();
    assert!(world.service.authenticate_claim(inactive, None).await.is_ok());
    let tx = world.scratch.db.begin().await.unwrap();
    assert!(tx.access_key_set_active(&inactive.access_key_id, false).await.unwrap());
    tx.commit().await.unwrap();
    let other = SecretKey::new("x".repeat(40));
    let forged = NewAccessKey { access: world.admin.key.access.clone(), secret: other.clone() };
    claims.push(sign(Scheme::Plain, &forged));
    for unknown in ["A".repeat(20), "A".repeat(65), String::new(), "\0".to_owned(), "é".to_owned()]
    {
        let key = NewAccessKey { access: unknown, secret: other.clone() };
        claims.push(sign(Scheme::Plain, &key));
    }
    claims.push(Claim { security_token: Some("token".to_owned()), ..right() });
    claims.push(Claim { strings_to_sign: vec!["something else".to_owned()], ..right() });
    for claim in &claims {
        for project in [None, Some(world.admin.project_id), Some(ProjectId([9; 16]))] {
            let refused = world.service.authenticate_claim(claim, project).await;
            assert!(is_unknown(&refused), "{claim:?} {refused:?}");
        }
    }
    assert!(world.service.authenticate_claim(&right(), None).await.is_ok());
}

async fn project_without_a_role_is_foreign_whether_or_not_it_exists(dialect: Dialect) {
    let world = World::new(dialect).await;
    let other = world.add_domain("other", true).await;
    let foreign = world.add_project(other, "eu-de", true).await;
    let off = world.add_project(world.domain_id, "eu-de_off", false).await;
    let ungranted = world.add_project(world.domain_id, "eu-de_ops", true).await;
    for project in [foreign, off] {
        world.grant(world.admin_id, Scope::Project(project), Role::Admin).await;
    }
    let claim = sign(Scheme::Plain, &world.admin.key);
    for project in [foreign, off, ungranted, ProjectId([9; 16])] {
        let refused = world.service.authenticate_claim(&claim, Some(project)).await;
        assert!(matches!(refused, Err(Error::ForeignProject)), "{refused:?}");
    }
}

// proves: CTL-3
async fn roles_are_those_of_the_moment(dialect: Dialect) {
    let world = World::new(dialect).await;
    let project = Some(world.admin.project_id);
    let claim = sign(Scheme::Plain, &world.admin.key);
    world.take(world.admin_id, world.project(), Role::Admin).await;
    let caller = world.service.authenticate_claim(&claim, project).await.unwrap();
    assert_eq!(caller.roles, [Role::Operator]);
    world.take(world.admin_id, world.project(), Role::Operator).await;
    let refused = world.service.authenticate_claim(&claim, project).await;
    assert!(matches!(refused, Err(Error::ForeignProject)));
}
