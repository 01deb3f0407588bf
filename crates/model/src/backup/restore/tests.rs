use super::*;
use crate::backup::BackupSource;
use crate::backup::tests::backup;
use crate::vault::tests::vault;
use crate::vault::{ProtectType, VaultStatus};

fn id(byte: u8) -> ResourceId {
    ResourceId([byte; 16])
}

fn disk(byte: u8) -> TargetDisk {
    TargetDisk {
        id: id(byte),
        size_gigabytes: 10,
        status: DiskStatus::Available,
        is_system: false,
        activity: Activity::Idle,
    }
}

#[test]
fn disk_is_restored_to_itself_detached_and_idle() {
    let check = |target: TargetDisk, expected| {
        assert_eq!(backup().may_restore_to_disk(&vault(), &target), expected);
    };
    let disk_id = id(1);
    check(disk(1), Ok(()));
    check(TargetDisk { size_gigabytes: 11, ..disk(1) }, Ok(()));
    check(TargetDisk { status: DiskStatus::ErrorRestoring, ..disk(1) }, Ok(()));
    check(disk(2), Err(Refusal::TargetNotSource { target: id(2) }));
    let attached = TargetDisk { status: DiskStatus::InUse, ..disk(1) };
    check(attached, Err(Refusal::DiskNotDetached { disk: disk_id }));
    let small = TargetDisk { size_gigabytes: 9, ..disk(1) };
    check(small, Err(Refusal::TargetTooSmall { disk: disk_id }));
    let busy = TargetDisk { activity: Activity::BackingUp, ..disk(1) };
    check(busy, Err(Refusal::TargetBeingBackedUp { target: disk_id }));
    let busy = TargetDisk { activity: Activity::Restoring, ..disk(1) };
    check(busy, Err(Refusal::TargetBeingRestored { target: disk_id }));
}

#[test]
fn only_an_available_backup_of_the_right_type_is_restored() {
    let check = |backup: Backup, expected| {
        assert_eq!(backup.may_restore_to_disk(&vault(), &disk(1)), expected);
    };
    for &status in BackupStatus::ALL {
        let expected = match status {
            BackupStatus::Available => Ok(()),
            _ => Err(Refusal::BackupNotAvailable),
        };
        check(Backup { status, ..backup() }, expected);
    }
    let replica = Backup { image_type: ImageType::Replication, ..backup() };
    check(replica, Err(Refusal::BackupNotAvailable));
    let source = BackupSource { resource_type: ResourceType::Share, ..backup().source };
    check(Backup { source, ..backup() }, Err(Refusal::TypeNotRestorable));
    let status = VaultStatus::Frozen;
    let frozen = Vault { status, ..vault() };
    let refused = backup().may_restore_to_disk(&frozen, &disk(1));
    assert_eq!(refused, Err(Refusal::VaultStatusForbidsRestore { status }));
}

/// A backup of server 50 with the disks 1 (system) and 2.
fn server_backup() -> (Backup, Vec<Backup>) {
    let source =
        BackupSource { id: id(50), resource_type: ResourceType::Server, ..backup().source };
    let parent = Backup { id: BackupId([50; 16]), source, ..backup() };
    let children = [1_u8, 2].map(|byte| Backup {
        id: BackupId([byte; 16]),
        parent_id: Some(parent.id),
        source: BackupSource { id: id(byte), ..backup().source },
        is_system_disk: byte == 1,
        ..backup()
    });
    (parent, children.into())
}

fn server(disks: &[u8]) -> TargetServer {
    let disks = disks.iter().map(|byte| TargetDisk {
        is_system: *byte == 1,
        status: DiskStatus::InUse,
        ..disk(*byte)
    });
    TargetServer {
        id: id(50),
        status: ServerStatus::Active,
        disks: disks.collect(),
        activity: Activity::Idle,
    }
}

type Pairs<'a> = &'a [(u8, u8)];

fn restore(target: &TargetServer, asked: Pairs<'_>) -> Result<Vec<(u8, u8)>, Refusal> {
    let asked: Vec<_> = asked
        .iter()
        .map(|(backup, disk)| Mapping { backup: BackupId([*backup; 16]), disk: id(*disk) })
        .collect();
    let (parent, children) = server_backup();
    let vault = crate::vault::tests::server_vault(ProtectType::Backup);
    let mappings = parent.may_restore_to_server(&vault, &children, target, &asked)?;
    Ok(mappings.iter().map(|mapping| (mapping.backup.0[0], mapping.disk.0[0])).collect())
}

#[test]
fn server_is_restored_disk_by_disk() {
    let check = |disks: &[u8], asked: Pairs<'_>, expected: Result<Pairs<'_>, Refusal>| {
        assert_eq!(restore(&server(disks), asked), expected.map(<[_]>::to_vec), "{asked:?}");
    };
    check(&[1, 2], &[], Ok(&[(1, 1), (2, 2)]));
    check(&[1, 3], &[], Ok(&[(1, 1)]));
    check(&[3], &[], Err(Refusal::TargetNotSource { target: id(50) }));
    check(&[1, 2, 3], &[(2, 3)], Ok(&[(2, 3)]));
    check(&[1, 2], &[(1, 2)], Ok(&[(1, 2)]));
    check(&[1, 2], &[(2, 1)], Err(Refusal::DataToSystemDisk { disk: id(1) }));
    check(&[1, 2], &[(2, 4)], Err(Refusal::MappedDiskNotAllowed { disk: id(4) }));
    check(&[1, 2], &[(9, 2)], Err(MAPPINGS.into()));
    check(&[1, 2, 3], &[(1, 2), (1, 3)], Err(MAPPINGS.into()));
    check(&[1, 2, 3], &[(1, 2), (2, 2)], Err(MAPPINGS.into()));
}

#[test]
fn server_has_to_be_the_source_and_in_order() {
    let check = |change: fn(&mut TargetServer), expected: Refusal| {
        let mut target = server(&[1, 2]);
        change(&mut target);
        assert_eq!(restore(&target, &[]), Err(expected));
    };
    let target = id(50);
    let disk = id(2);
    check(|server| server.id = id(51), Refusal::TargetNotSource { target: id(51) });
    check(
        |server| server.status = ServerStatus::Deleted,
        Refusal::ServerDeleted { server: target },
    );
    check(
        |server| server.status = ServerStatus::Error,
        Refusal::ServerNotRestorable { server: target },
    );
    check(|server| server.activity = Activity::Restoring, Refusal::TargetBeingRestored { target });
    check(
        |server| server.disks[1].activity = Activity::BackingUp,
        Refusal::TargetBeingBackedUp { target: disk },
    );
    check(|server| server.disks[1].size_gigabytes = 9, Refusal::TargetTooSmall { disk });
}
