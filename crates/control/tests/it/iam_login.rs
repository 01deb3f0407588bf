//! Passwords: who gets in, and who is locked out.

use std::time::Duration;

use futures_util::future::join_all;
use strongroom_base::Clock as _;
use strongroom_control::iam::{DomainChoice, UserChoice, WantedScope};
use strongroom_db::dialect::Dialect;
use strongroom_model::{DomainId, UserId};

use crate::iam_world::{MINUTE, World, is_unknown, named};
use crate::on_both;

on_both!(
    right_password_gives_a_token,
    whatever_is_wrong_is_refused_alike,
    five_wrong_passwords_lock_for_a_quarter_of_an_hour,
    wrong_passwords_count_together_for_a_quarter_of_an_hour,
    right_password_ends_the_count,
    guesses_at_the_same_time_all_count,
);

const UNSCOPED: WantedScope = WantedScope::Unscoped;

async fn right_password_gives_a_token(dialect: Dialect) {
    let world = World::new(dialect).await;
    let domain = || DomainChoice::Id(world.domain_id);
    for user in [
        named("root"),
        UserChoice::Id(world.admin_id),
        UserChoice::Name("root".to_owned(), domain()),
    ] {
        let issued = world.log_in_with(user, &world.admin.password, UNSCOPED).await.unwrap();
        assert_eq!(issued.token.len(), 43);
        assert_eq!(issued.holder.user_id, world.admin_id);
        assert_eq!(issued.holder.user_name.as_str(), "root");
        assert_eq!(issued.holder.domain_name.as_str(), "acme");
        assert_eq!(issued.holder.methods, ["password"]);
        let holder = world.service.authenticate_token(&issued.token).await.unwrap();
        assert_eq!(holder, issued.holder);
    }
}

// proves: CTL-1
async fn whatever_is_wrong_is_refused_alike(dialect: Dialect) {
    let world = World::new(dialect).await;
    let other = world.add_domain("other", true).await;
    let closed = world.add_domain("closed", false).await;
    let mut disabled = world.user("disabled");
    disabled.user.is_enabled = false;
    let disabled = world.insert(disabled).await;
    let mut enclosed = world.user("ann");
    enclosed.user.domain_id = closed;
    let enclosed = world.insert(enclosed).await;
    let mut keyed = world.user("keyed");
    keyed.password_hash = None;
    world.insert(keyed).await;
    let named_in = |user: &str, domain| UserChoice::Name(user.to_owned(), domain);
    let by_name = |domain: &str| DomainChoice::Name(domain.to_owned());
    let right = world.admin.password.as_str();
    for (user, password) in [
        (named("root"), "wrong"),
        (named("root"), ""),
        (named("Root"), right),
        (named("nobody"), right),
        (named("ro\0ot"), right),
        (named("disabled"), right),
        (named("keyed"), right),
        (UserChoice::Id(disabled), right),
        (UserChoice::Id(enclosed), right),
        (UserChoice::Id(UserId([9; 16])), right),
        (named_in("ann", by_name("closed")), right),
        (named_in("root", by_name("other")), right),
        (named_in("root", by_name("nowhere")), right),
        (named_in("root", by_name("\0")), right),
        (named_in("root", DomainChoice::Id(other)), right),
        (named_in("root", DomainChoice::Id(DomainId([9; 16]))), right),
    ] {
        let asked = format!("{user:?}");
        let began = world.clock.now();
        assert!(is_unknown(&world.log_in_with(user, password, UNSCOPED).await), "{asked}");
        let took = world.clock.now().since(began);
        assert_eq!(took, Duration::from_millis(250), "{asked}");
    }
    assert!(world.log_in("root", UNSCOPED).await.is_ok());
}

async fn five_wrong_passwords_lock_for_a_quarter_of_an_hour(dialect: Dialect) {
    let world = World::new(dialect).await;
    world.add_user("ann").await;
    for _ in 0..5 {
        assert!(is_unknown(&world.log_in_with(named("root"), "wrong", UNSCOPED).await));
    }
    assert!(is_unknown(&world.log_in("root", UNSCOPED).await));
    assert!(world.log_in("ann", UNSCOPED).await.is_ok(), "others are not locked");
    world.clock.advance(14 * MINUTE);
    // Guesses meanwhile do not make it longer.
    for _ in 0..5 {
        assert!(is_unknown(&world.log_in_with(named("root"), "wrong", UNSCOPED).await));
    }
    assert!(is_unknown(&world.log_in("root", UNSCOPED).await));
    world.clock.advance(MINUTE);
    assert!(world.log_in("root", UNSCOPED).await.is_ok());
}

async fn wrong_passwords_count_together_for_a_quarter_of_an_hour(dialect: Dialect) {
    let world = World::new(dialect).await;
    for _ in 0..4 {
        assert!(is_unknown(&world.log_in_with(named("root"), "wrong", UNSCOPED).await));
    }
    world.clock.advance(16 * MINUTE);
    for _ in 0..4 {
        assert!(is_unknown(&world.log_in_with(named("root"), "wrong", UNSCOPED).await));
    }
    assert!(world.log_in("root", UNSCOPED).await.is_ok());
}

async fn right_password_ends_the_count(dialect: Dialect) {
    let world = World::new(dialect).await;
    for _ in 0..3 {
        for _ in 0..4 {
            assert!(is_unknown(&world.log_in_with(named("root"), "wrong", UNSCOPED).await));
        }
        assert!(world.log_in("root", UNSCOPED).await.is_ok());
    }
}

async fn guesses_at_the_same_time_all_count(dialect: Dialect) {
    let world = World::new(dialect).await;
    let guesses = (0..5).map(|_| world.log_in_with(named("root"), "wrong", UNSCOPED));
    assert!(join_all(guesses).await.iter().all(is_unknown));
    assert!(is_unknown(&world.log_in("root", UNSCOPED).await));
}
