use proptest::prelude::*;
use strongroom_base::{ByteCount, Timestamp};

use super::*;
use crate::refusal::Refusal;

/// An empty vault of 100 GB for disks.
pub(crate) fn vault() -> Vault {
    Vault {
        id: VaultId([1; 16]),
        project_id: ProjectId([2; 16]),
        user_id: UserId([3; 16]),
        created_at: Timestamp(1),
        name: Name::parse("v").unwrap(),
        description: Description::default(),
        kind: VaultKind::new(ObjectType::Disk, ProtectType::Backup, Consistency::Crash).unwrap(),
        cloud_type: CloudType::Public,
        size: VaultSize::new(100).unwrap(),
        status: VaultStatus::Available,
        threshold: Threshold::DEFAULT,
        has_notices: true,
        is_auto_bind: false,
        bind_rules: BindRules::default(),
        is_auto_expand: false,
        is_locked: false,
        tags: Tags::default(),
        backup_name_prefix: NamePrefix::default(),
        enterprise_project_id: EnterpriseProjectId::DEFAULT,
        availability_zone: None,
    }
}

pub(crate) fn server_vault(protect: ProtectType) -> Vault {
    let kind = VaultKind::new(ObjectType::Server, protect, Consistency::Crash).unwrap();
    Vault { kind, ..vault() }
}

fn gigabytes(count: u64) -> ByteCount {
    ByteCount(count << 30)
}

#[test]
fn status_decides_what_may_be_done() {
    let check = |status: VaultStatus, allowed: &str| {
        let vault = Vault { status, ..vault() };
        let mut may = Vec::new();
        may.extend(vault.may_delete(false, false).is_ok().then_some("delete"));
        may.extend(vault.may_change().is_ok().then_some("change"));
        may.extend(vault.may_take_resources().is_ok().then_some("take"));
        may.extend(vault.may_give_up_resources().is_ok().then_some("give"));
        may.extend(vault.may_back_up(ByteCount(0)).is_ok().then_some("backup"));
        may.extend(vault.may_restore().is_ok().then_some("restore"));
        assert_eq!(may.join(" "), allowed, "{status}");
    };
    check(VaultStatus::Available, "delete change take give backup restore");
    check(VaultStatus::Lock, "change take give backup restore");
    check(VaultStatus::Frozen, "delete");
    check(VaultStatus::Deleting, "");
    check(VaultStatus::Error, "delete");
}

// proves: MODEL-4
#[test]
fn delete_of_a_busy_or_locked_vault_is_refused() {
    let check = |is_locked, is_busy, has_unexpired, expected| {
        let vault = Vault { is_locked, ..vault() };
        assert_eq!(vault.may_delete(is_busy, has_unexpired), expected);
    };
    check(false, false, true, Ok(()));
    check(true, false, false, Ok(()));
    check(true, false, true, Err(Refusal::HasLockedBackups));
    check(false, true, false, Err(Refusal::VaultBusy));
}

// proves: MODEL-4
#[test]
fn locked_vault_keeps_its_resources() {
    let locked = Vault { is_locked: true, ..vault() };
    assert_eq!(locked.may_give_up_resources(), Err(Refusal::VaultLocked));
    assert_eq!(locked.may_take_resources(), Ok(()));
}

#[test]
fn replication_vault_takes_nothing_and_backs_nothing_up() {
    let vault = server_vault(ProtectType::Replication);
    assert_eq!(vault.may_take_resources(), Err(Refusal::TakesNoResources));
    assert_eq!(vault.may_back_up(ByteCount(0)), Err(Refusal::VaultTypeForbidsBackup));
    assert_eq!(vault.may_restore(), Ok(()));
}

#[test]
fn full_vault_backs_up_only_if_it_grows() {
    let check = |used: ByteCount, is_auto_expand: bool, expected| {
        let vault = Vault { is_auto_expand, ..vault() };
        assert_eq!(vault.may_back_up(used), expected);
    };
    check(ByteCount(gigabytes(100).get() - 1), false, Ok(()));
    check(gigabytes(100), false, Err(Refusal::VaultFull));
    check(gigabytes(200), true, Ok(()));
}

#[test]
fn resize_keeps_what_is_used() {
    let check = |status: VaultStatus, size: i64, used: u64, expected: Result<u32, Refusal>| {
        let update =
            VaultUpdate { size: Some(VaultSize::new(size).unwrap()), ..VaultUpdate::default() };
        let updated = Vault { status, ..vault() }.updated(&update, gigabytes(used));
        assert_eq!(updated.map(|vault| vault.size.gigabytes()), expected);
    };
    check(VaultStatus::Available, 120, 0, Ok(120));
    check(VaultStatus::Available, 50, 50, Ok(50));
    check(VaultStatus::Available, 50, 51, Err(Refusal::SizeInvalid));
    check(VaultStatus::Available, 110, 200, Err(Refusal::SizeInvalid));
    check(VaultStatus::Lock, 120, 0, Err(Refusal::SizeChanging));
    check(VaultStatus::Lock, 100, 0, Ok(100));
    let status = VaultStatus::Frozen;
    check(status, 120, 0, Err(Refusal::VaultStatusForbids { status }));
}

#[test]
fn update_to_what_is_there_is_allowed_in_any_state() {
    for &status in VaultStatus::ALL {
        let vault = Vault { status, ..vault() };
        let same = VaultUpdate { name: Some(vault.name.clone()), ..VaultUpdate::default() };
        for update in [VaultUpdate::default(), same] {
            assert_eq!(vault.updated(&update, ByteCount(0)), Ok(vault.clone()));
        }
    }
}

#[test]
fn consistency_changes_where_there_is_such_a_kind() {
    let update =
        VaultUpdate { consistency: Some(Consistency::Application), ..VaultUpdate::default() };
    let servers = server_vault(ProtectType::Backup).updated(&update, ByteCount(0)).unwrap();
    assert_eq!(servers.kind.consistency(), Consistency::Application);
    assert!(vault().updated(&update, ByteCount(0)).is_err());
}

// proves: MODEL-4
#[test]
fn lock_is_set_and_never_unset() {
    let set = |locked| VaultUpdate { is_locked: Some(locked), ..VaultUpdate::default() };
    let locked = vault().updated(&set(true), ByteCount(0)).unwrap();
    assert!(locked.is_locked);
    assert_eq!(locked.updated(&set(true), ByteCount(0)), Ok(locked.clone()));
    assert_eq!(locked.updated(&set(false), ByteCount(0)), Err(Refusal::Unlocking));
    assert_eq!(vault().updated(&set(false), ByteCount(0)), Ok(vault()));
}

#[test]
fn notice_is_due_when_the_threshold_is_crossed() {
    let check = |before: u64, after: u64, expected: bool| {
        assert_eq!(vault().is_notice_due(gigabytes(before), gigabytes(after)), expected);
    };
    check(10, 80, false);
    check(80, 81, true);
    check(81, 95, false);
    check(95, 10, false);
    let silent = Vault { has_notices: false, ..vault() };
    assert!(!silent.is_notice_due(gigabytes(80), gigabytes(81)));
}

fn any_update() -> impl Strategy<Value = VaultUpdate> {
    let size = prop::option::of((10_i64..300).prop_map(|size| VaultSize::new(size).unwrap()));
    let flags = prop::array::uniform4(prop::option::of(any::<bool>()));
    let threshold = prop::option::of((1_i64..=100).prop_map(|t| Threshold::new(t).unwrap()));
    (size, flags, threshold).prop_map(|(size, [bind, expand, notices, locked], threshold)| {
        VaultUpdate {
            size,
            threshold,
            is_auto_bind: bind,
            is_auto_expand: expand,
            has_notices: notices,
            is_locked: locked,
            ..VaultUpdate::default()
        }
    })
}

proptest! {
    #[test]
    fn updates_do_what_they_say_and_keep_the_rules(
        updates in prop::collection::vec(any_update(), 0..8),
        used in 0_u64..150,
    ) {
        let mut now = vault();
        for update in updates {
            let Ok(next) = now.updated(&update, gigabytes(used)) else { continue };
            prop_assert!(next.is_locked || !now.is_locked);
            prop_assert!(next.size == now.size || next.size.bytes() >= gigabytes(used));
            prop_assert_eq!(next.size, update.size.unwrap_or(now.size));
            prop_assert_eq!(next.is_auto_expand, update.is_auto_expand.unwrap_or(now.is_auto_expand));
            prop_assert_eq!(next.updated(&update, gigabytes(used)), Ok(next.clone()));
            now = next;
        }
    }
}
