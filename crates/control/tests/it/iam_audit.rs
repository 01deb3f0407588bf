//! What callers may do, and what is recorded when they may not.

use strongroom_base::Clock as _;
use strongroom_control::{Error, OpContext};
use strongroom_db::dialect::Dialect;
use strongroom_model::Role;
use strongroom_model::action::Action;
use strongroom_model::audit::{Actor, AuditEvent, AuditOutcome, AuditRecord};

use crate::iam_world::World;
use crate::on_both;

on_both!(refusal_of_a_change_is_recorded, refusal_stands_when_it_cannot_be_recorded);

async fn reader(world: &World) -> OpContext {
    let ann = world.add_user("ann").await;
    world.grant(ann, world.project(), Role::Reader).await;
    let caller = world.caller("ann").await;
    OpContext::new(caller, world.admin.project_id, "req-1".to_owned()).unwrap()
}

// proves: CTL-4
async fn refusal_of_a_change_is_recorded(dialect: Dialect) {
    let world = World::new(dialect).await;
    let cx = reader(&world).await;
    let records = async || world.scratch.db.audit_list(cx.project, 10).await.unwrap();
    world.service.authorize(&cx, Action::VaultList).await.unwrap();
    // Looking is never recorded (MODEL-6), not even where it is refused.
    let refused = world.service.authorize(&cx, Action::UserList).await;
    assert!(matches!(refused, Err(Error::Forbidden { action: Action::UserList })));
    assert_eq!(records().await, []);
    let refused = world.service.authorize(&cx, Action::VaultDelete).await;
    assert!(matches!(refused, Err(Error::Forbidden { action: Action::VaultDelete })));
    let expected = AuditRecord {
        at: world.clock.now(),
        event: AuditEvent::DeleteVault,
        subject_id: None,
        subject_name: None,
        outcome: AuditOutcome::Refused,
        code: Some("Forbidden".to_owned()),
        actor: Actor::User { id: cx.caller.user_id, name: cx.caller.user_name.clone() },
        project_id: cx.project,
        request_id: Some("req-1".to_owned()),
    };
    assert_eq!(records().await, [expected]);
}

async fn refusal_stands_when_it_cannot_be_recorded(dialect: Dialect) {
    let world = World::new(dialect).await;
    let cx = reader(&world).await;
    world.scratch.db.clone().close().await.unwrap();
    let refused = world.service.authorize(&cx, Action::VaultDelete).await;
    assert!(matches!(refused, Err(Error::Forbidden { action: Action::VaultDelete })));
}
