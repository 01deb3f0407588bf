//! The life of a token.

use strongroom_base::Clock as _;
use strongroom_control::iam::WantedScope;
use strongroom_control::{Caller, Error, Noun};
use strongroom_db::dialect::Dialect;
use strongroom_model::{Role, Scope};

use crate::iam_world::{HOUR, MINUTE, World, is_unknown, project_by_id};
use crate::on_both;

on_both!(
    token_is_good_for_its_time_alone,
    exchanged_token_does_not_outlive_the_first,
    what_changes_counts_from_the_next_request_on,
    revoked_token_is_good_for_nothing_at_once,
    tokens_are_seen_by_their_holder_and_its_administrator,
    what_cannot_be_a_token_is_not_looked_up,
    debug_shows_no_secret,
);

async fn token_is_good_for_its_time_alone(dialect: Dialect) {
    let world = World::new(dialect).await;
    let began = world.clock.now();
    let issued = world.log_in("root", WantedScope::Absent).await.unwrap();
    assert_eq!((issued.holder.issued_at, issued.holder.expires_at), (began, began.plus(24 * HOUR)));
    world.clock.advance(23 * HOUR + 59 * MINUTE);
    assert!(world.service.authenticate_token(&issued.token).await.is_ok());
    world.clock.advance(MINUTE);
    assert!(is_unknown(&world.service.authenticate_token(&issued.token).await));
    assert!(is_unknown(&world.exchange(&issued.token, WantedScope::Unscoped).await));
}

// proves: CTL-3
async fn exchanged_token_does_not_outlive_the_first(dialect: Dialect) {
    let world = World::new(dialect).await;
    let project = || project_by_id(world.admin.project_id);
    let first = world.log_in("root", WantedScope::Unscoped).await.unwrap();
    world.clock.advance(HOUR);
    let second = world.exchange(&first.token, project()).await.unwrap();
    assert_ne!(second.token, first.token);
    assert_eq!(second.holder.expires_at, first.holder.expires_at);
    assert_eq!(second.holder.issued_at, world.clock.now());
    assert_eq!(second.holder.methods, ["token"]);
    assert_eq!(second.holder.scope, Some(world.project()));
    let third = world.exchange(&second.token, project()).await.unwrap();
    assert_eq!(third.holder.expires_at, first.holder.expires_at);
    world.clock.advance(23 * HOUR);
    for token in [first.token, second.token, third.token] {
        assert!(is_unknown(&world.service.authenticate_token(&token).await));
    }
}

// proves: CTL-3
async fn what_changes_counts_from_the_next_request_on(dialect: Dialect) {
    let world = World::new(dialect).await;
    let ann = world.add_user("ann").await;
    world.grant(ann, world.project(), Role::Reader).await;
    let token = world.log_in("ann", project_by_id(world.admin.project_id)).await.unwrap().token;
    let roles = async || world.service.authenticate_token(&token).await.unwrap().roles;
    assert_eq!(roles().await, [Role::Reader]);
    world.grant(ann, world.project(), Role::Member).await;
    let mut both = vec![Role::Reader, Role::Member];
    both.sort_unstable();
    assert_eq!(roles().await, both);
    world.take(ann, world.project(), Role::Reader).await;
    assert_eq!(roles().await, [Role::Member]);
    world.take(ann, world.project(), Role::Member).await;
    assert_eq!(roles().await, []);
    let again = world.exchange(&token, project_by_id(world.admin.project_id)).await;
    assert!(is_unknown(&again));
}

// proves: CTL-3
async fn revoked_token_is_good_for_nothing_at_once(dialect: Dialect) {
    let world = World::new(dialect).await;
    let issued = world.log_in("root", WantedScope::Absent).await.unwrap();
    let other = world.log_in("root", WantedScope::Absent).await.unwrap();
    world.service.token_revoke(&issued.holder, &issued.token).await.unwrap();
    assert!(is_unknown(&world.service.authenticate_token(&issued.token).await));
    assert!(world.service.authenticate_token(&other.token).await.is_ok());
    let again = world.service.token_revoke(&issued.holder, &issued.token).await;
    assert!(matches!(again, Err(Error::NotFound(Noun::Token))));
}

async fn tokens_are_seen_by_their_holder_and_its_administrator(dialect: Dialect) {
    let world = World::new(dialect).await;
    let other = world.add_domain("other", true).await;
    let mut foreigner = world.user("foreigner");
    foreigner.user.domain_id = other;
    let foreigner = world.insert(foreigner).await;
    world.grant(foreigner, Scope::Domain(other), Role::Admin).await;
    for name in ["ann", "bob"] {
        let user = world.add_user(name).await;
        // To administer a project is not to administer the domain.
        world.grant(user, world.project(), Role::Admin).await;
    }
    let ann = world.log_in("ann", WantedScope::Unscoped).await.unwrap();
    let bob = world.caller("bob").await;
    let root = world.caller("root").await;
    let foreigner = Caller {
        user_id: foreigner,
        domain_id: other,
        scope: Some(Scope::Domain(other)),
        ..root.clone()
    };
    let token = ann.token.as_str();
    for caller in [&bob, &foreigner] {
        let shown = world.service.token_show(caller, token).await;
        assert!(matches!(shown, Err(Error::NotFound(Noun::Token))), "{shown:?}");
        let revoked = world.service.token_revoke(caller, token).await;
        assert!(matches!(revoked, Err(Error::NotFound(Noun::Token))), "{revoked:?}");
    }
    for caller in [&ann.holder, &root] {
        assert_eq!(world.service.token_show(caller, token).await.unwrap(), ann.holder);
    }
    world.service.token_revoke(&root, token).await.unwrap();
    assert!(is_unknown(&world.service.authenticate_token(token).await));
}

async fn what_cannot_be_a_token_is_not_looked_up(dialect: Dialect) {
    let world = World::new(dialect).await;
    let issued = world.log_in("root", WantedScope::Absent).await.unwrap();
    // Nothing answers any more, so whatever is looked up fails otherwise.
    world.scratch.db.clone().close().await.unwrap();
    let looked_up = world.service.authenticate_token(&issued.token).await;
    assert!(looked_up.is_err() && !is_unknown(&looked_up), "{looked_up:?}");
    let token = issued.token.as_str();
    for malformed in ["", "token", &token[1..], &format!("{token}A"), &format!("{}=", &token[1..])]
    {
        assert!(is_unknown(&world.service.authenticate_token(malformed).await), "{malformed}");
        let shown = world.service.token_show(&issued.holder, malformed).await;
        assert!(matches!(shown, Err(Error::NotFound(Noun::Token))), "{shown:?}");
    }
}

// proves: CTL-2
async fn debug_shows_no_secret(dialect: Dialect) {
    use strongroom_control::iam::{Identity, TokenRequest};

    let world = World::new(dialect).await;
    let issued = world.log_in("root", WantedScope::Absent).await.unwrap();
    let secrets = [
        issued.token.to_string(),
        world.admin.password.to_string(),
        world.admin.key.secret.expose().to_owned(),
    ];
    let request = |identity| TokenRequest { identity, scope: WantedScope::Absent };
    let user = crate::iam_world::named("root");
    let password = world.admin.password.clone();
    let shown = [
        format!("{:?}", world.admin),
        format!("{issued:?}"),
        format!("{:?}", request(Identity::Token(issued.token.clone()))),
        format!("{:?}", request(Identity::Password { user, password })),
    ];
    for text in shown {
        assert!(secrets.iter().all(|secret| !text.contains(secret.as_str())), "{text}");
    }
}
