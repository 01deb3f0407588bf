//! Who may do what: the one table of roles and actions.
//!
//! # Invariants
//! - MODEL-5: what is not in the table is denied, and so is what needs an action that is denied.
//!
//! # Not here
//! Which roles a user has in a project.

use crate::action::Action as A;
use crate::role::Role::{self, Admin, Member, Operator, Reader};

/// An action that none of the caller's roles allows; clients are told its name (IAM-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{action} is not allowed")]
pub struct Denied {
    /// The action that is missing. It may be one that the action asked for depends on.
    pub action: A,
}

/// One row: an action, who may do it, and what else one must be allowed for it.
type Rule = (A, &'static [Role], &'static [A]);

const READ: &[Role] = &[Reader, Member, Admin];
const WRITE: &[Role] = &[Member, Admin];
const MANAGE: &[Role] = &[Admin];
const OPERATE: &[Role] = &[Operator];

const NOTHING: &[A] = &[];
/// What touches servers and disks needs to see them (contract, section 7; X-5).
const SEE_RESOURCES: &[A] = &[A::ServerList, A::VolumeList];

const RULES: &[Rule] = &[
    (A::VaultCreate, WRITE, SEE_RESOURCES),
    (A::VaultList, READ, NOTHING),
    (A::VaultGet, READ, NOTHING),
    (A::VaultUpdate, WRITE, NOTHING),
    (A::VaultDelete, WRITE, NOTHING),
    (A::VaultAddResources, WRITE, SEE_RESOURCES),
    (A::VaultRemoveResources, WRITE, NOTHING),
    (A::VaultBackup, WRITE, SEE_RESOURCES),
    (A::ProtectableList, READ, SEE_RESOURCES),
    (A::ProtectableGet, READ, SEE_RESOURCES),
    (A::VaultListResourceInstances, READ, NOTHING),
    (A::VaultListProjectTags, READ, NOTHING),
    (A::VaultGetTags, READ, NOTHING),
    (A::VaultSetTags, WRITE, NOTHING),
    (A::VaultDeleteTags, WRITE, NOTHING),
    (A::VaultBulkTags, WRITE, NOTHING),
    (A::BackupList, READ, NOTHING),
    (A::BackupGet, READ, NOTHING),
    (A::BackupUpdate, WRITE, NOTHING),
    (A::BackupDelete, WRITE, NOTHING),
    (A::BackupRestore, WRITE, SEE_RESOURCES),
    (A::TaskList, READ, NOTHING),
    (A::TaskGet, READ, NOTHING),
    (A::ResourceAdd, OPERATE, NOTHING),
    (A::ResourceList, READ, NOTHING),
    (A::ResourceShow, READ, NOTHING),
    (A::ResourceRemove, OPERATE, NOTHING),
    (A::TaskCancel, WRITE, NOTHING),
    (A::BackupVerify, WRITE, NOTHING),
    (A::BackupExport, WRITE, NOTHING),
    (A::BackupUndelete, WRITE, NOTHING),
    (A::ProjectList, MANAGE, NOTHING),
    (A::ProjectGet, READ, NOTHING),
    (A::UserList, MANAGE, NOTHING),
    (A::UserGet, MANAGE, NOTHING),
    (A::VolumeList, READ, NOTHING),
    (A::VolumeGet, READ, NOTHING),
    (A::VolumeCreate, WRITE, NOTHING),
    (A::VolumeDelete, WRITE, NOTHING),
    (A::ServerList, READ, NOTHING),
    (A::ServerGet, READ, NOTHING),
];

/// Whether somebody with these roles may do `action`, and all that it depends on.
pub fn check(roles: &[Role], action: A) -> Result<(), Denied> {
    check_by(RULES, roles, action)
}

/// The actions that `action` depends on; they depend on nothing themselves.
pub fn needs(action: A) -> &'static [A] {
    rule(RULES, action).map_or(NOTHING, |(_, _, needs)| needs)
}

fn rule(rules: &[Rule], action: A) -> Option<&Rule> {
    rules.iter().find(|(of, ..)| *of == action)
}

fn check_by(rules: &[Rule], roles: &[Role], action: A) -> Result<(), Denied> {
    let needs = rule(rules, action).map_or(NOTHING, |(_, _, needs)| needs);
    [action].iter().chain(needs).try_for_each(|&action| {
        let allowed = rule(rules, action).map_or([].as_slice(), |(_, allowed, _)| allowed);
        let is_allowed = roles.iter().any(|role| allowed.contains(role));
        if is_allowed { Ok(()) } else { Err(Denied { action }) }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // proves: MODEL-5
    #[test]
    fn each_action_has_one_row() {
        for action in A::ALL {
            assert_eq!(RULES.iter().filter(|(of, ..)| of == action).count(), 1, "{action}");
        }
        assert_eq!(RULES.len(), A::ALL.len());
    }

    #[test]
    fn needs_of_an_action_need_nothing() {
        for action in A::ALL.iter().flat_map(|action| needs(*action)) {
            assert_eq!(needs(*action), NOTHING, "{action}");
        }
    }

    #[test]
    fn roles_allow_what_they_should() {
        let may = |roles: &[Role], action| check(roles, action).is_ok();
        let check = |action, expected: [bool; 4]| {
            let allowed = [Reader, Member, Admin, Operator].map(|role| may(&[role], action));
            assert_eq!(allowed, expected, "{action}");
        };
        check(A::VaultList, [true, true, true, false]);
        check(A::VaultCreate, [false, true, true, false]);
        check(A::BackupExport, [false, true, true, false]);
        check(A::UserList, [false, false, true, false]);
        check(A::ResourceAdd, [false, false, false, true]);
        assert!(!may(&[], A::VaultList));
    }

    // proves: MODEL-5
    #[test]
    fn every_need_is_checked_and_named() {
        let rules: &[Rule] = &[
            (A::VaultBackup, WRITE, SEE_RESOURCES),
            (A::ServerList, READ, NOTHING),
            (A::VolumeList, MANAGE, NOTHING),
        ];
        let check = |role: Role, action: A, missing: Option<A>| {
            let denied = check_by(rules, &[role], action).err();
            assert_eq!(denied.map(|denied| denied.action), missing, "{role} {action}");
        };
        check(Admin, A::VaultBackup, None);
        check(Member, A::VaultBackup, Some(A::VolumeList));
        check(Reader, A::VaultBackup, Some(A::VaultBackup));
        check(Admin, A::VaultGet, Some(A::VaultGet));
        let refused = super::check(&[Reader], A::VaultBackup).unwrap_err();
        assert_eq!(refused.to_string(), "cbr:vaults:backup is not allowed");
    }

    proptest! {
        #[test]
        fn more_roles_never_take_a_right_away(
            roles in prop::collection::vec(prop::sample::select(Role::ALL), 0..4),
            more in prop::sample::select(Role::ALL),
            action in prop::sample::select(A::ALL),
        ) {
            let with_more: Vec<_> = roles.iter().copied().chain([more]).collect();
            prop_assert!(check(&roles, action).is_err() || check(&with_more, action).is_ok());
        }
    }
}
