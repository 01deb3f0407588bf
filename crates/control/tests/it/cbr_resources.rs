//! Resources: putting them into vaults and taking them out.

use strongroom_control::cbr::{NewResource, NewVault, ProtectableFilter};
use strongroom_db::dialect::Dialect;
use strongroom_model::ResourceId;
use strongroom_model::disk::DiskImageFormat;
use strongroom_model::page::Page;
use strongroom_model::resource::{ProtectStatus, VolumeSelection};
use strongroom_model::task::{TaskKind, TaskStatus};
use strongroom_model::vault::ObjectType;

use crate::cbr_world::{World, code, new_vault, resource, server_resource};
use crate::on_both;

on_both!(
    disk_is_in_one_vault,
    server_in_its_vault_gets_another_selection,
    removal_is_all_or_nothing_and_at_once,
    protectables_tell_what_protects_them,
);

async fn disk_is_in_one_vault(dialect: Dialect) {
    let world = World::new(dialect).await;
    let (service, cx) = (&world.service, &world.cx);
    let [a, b] = [world.disk("a", vec![1; 512]).await, world.disk("b", vec![1; 512]).await];
    let (one, two) = (world.vault(&[a]).await, world.vault(&[]).await);
    let add = async |vault, disks: &[NewResource]| {
        code(service.vault_add_resources(cx, vault, disks.to_vec()).await)
    };
    let unknown = ResourceId([9; 16]);
    assert_eq!(add(two, &[resource(a)]).await, 6103);
    assert_eq!(add(one, &[resource(a)]).await, 7006);
    assert_eq!(add(two, &[resource(b), resource(b)]).await, 6104);
    assert_eq!(add(two, &[resource(b), resource(unknown)]).await, 7000);
    assert_eq!(add(two, &[resource(b), server_resource(unknown)]).await, 6102);
    // Nothing came in with what was refused.
    assert!(service.vault_get(cx, two).await.unwrap().resources.is_empty());
    assert_eq!(add(two, &[resource(b)]).await, 0);
    let view = service.vault_get(cx, two).await.unwrap();
    assert_eq!((view.resources.len(), view.allocated_gigabytes()), (1, 1));
    assert_eq!(view.resources[0].resource.name.as_str(), "b");
    // Together with the vault, or no vault.
    let new = NewVault { resources: vec![resource(a)], ..new_vault(ObjectType::Disk) };
    assert_eq!(code(service.vault_create(cx, new).await), 6103);
    assert_eq!(
        service
            .vault_list(cx, &strongroom_model::filter::VaultFilter::default(), &Page::default())
            .await
            .unwrap()
            .count,
        2
    );
}

async fn server_in_its_vault_gets_another_selection(dialect: Dialect) {
    let world = World::new(dialect).await;
    let (service, cx) = (&world.service, &world.cx);
    let (server, disks) = fake_server(&world, 3).await;
    let vault = world.server_vault(&[server]).await;
    let size = async || {
        let view = service.vault_get(cx, vault).await.unwrap();
        assert_eq!(view.resources.len(), 1);
        (view.resources[0].resource.size_gigabytes, view.resources[0].resource.volumes.clone())
    };
    assert_eq!(size().await, (3, VolumeSelection::default()));
    let with = |exclude: &[ResourceId]| {
        let volumes = VolumeSelection { exclude: exclude.to_vec(), include: Vec::new() };
        vec![NewResource { volumes, ..server_resource(server) }]
    };
    // R35
    let added = service.vault_add_resources(cx, vault, with(&disks[..1])).await.unwrap();
    assert_eq!(added, [server]);
    assert_eq!(size().await.0, 2);
    assert_eq!(size().await.1.exclude, disks[..1]);
    // R8: one must be left.
    assert_eq!(code(service.vault_add_resources(cx, vault, with(&disks)).await), 7108);
    assert_eq!(size().await.0, 2);
    // A server's disk may be in a vault for disks by itself.
    let other = world.vault(&disks[1..2]).await;
    assert_eq!(service.vault_get(cx, other).await.unwrap().resources.len(), 1);
    let wrong = service.vault_add_resources(cx, other, vec![server_resource(server)]).await;
    assert_eq!(code(wrong), 6102);
}

// proves: CTL-11
async fn removal_is_all_or_nothing_and_at_once(dialect: Dialect) {
    let mut world = World::new(dialect).await;
    let [a, b] = [world.disk("a", vec![1; 70_000]).await, world.disk("b", vec![1; 512]).await];
    let vault = world.vault(&[a]).await;
    world.work();
    let backup = world.backed_up(vault).await.remove(0).backup;
    let (service, cx) = (&world.service, &world.cx);
    service.vault_add_resources(cx, vault, vec![resource(b)]).await.unwrap();
    let unknown = ResourceId([9; 16]);
    let refused = service.vault_remove_resources(cx, vault, vec![b, unknown]).await;
    assert_eq!(code(refused), 6135);
    assert_eq!(service.vault_get(cx, vault).await.unwrap().resources.len(), 2);
    // R38: without backups at once, with backups when these are gone.
    let removed = service.vault_remove_resources(cx, vault, vec![b, a]).await.unwrap();
    assert_eq!(removed, [b, a]);
    assert_eq!(world.protect_status(b).await, None);
    world.settle().await;
    assert_eq!(world.protect_status(a).await, None);
    assert_eq!(code(service.backup_get(cx, backup.id).await), 6200);
    assert_eq!(code(service.checkpoint_get(cx, backup.checkpoint_id).await), 6217);
    assert!(world.manifests(vault).await.is_empty());
    service.collect_due(&strongroom_base::CancelToken::new()).await.unwrap();
    assert_eq!(service.vault_get(cx, vault).await.unwrap().used.0, 0);
    let task = world.tasks().await.remove(0);
    assert_eq!((task.kind, task.status), (TaskKind::RemoveResource, TaskStatus::Success));
    let removed: Vec<_> = task.details.removed.iter().map(|one| one.id).collect();
    assert_eq!((removed.len(), removed.contains(&a) && removed.contains(&b)), (2, true));
    assert_eq!(task.details.deletions.unwrap().total, 1);
    // Without any backups the task is over with the request.
    service.vault_add_resources(cx, vault, vec![resource(a)]).await.unwrap();
    service.vault_remove_resources(cx, vault, vec![a]).await.unwrap();
    let task = world.tasks().await.remove(0);
    assert_eq!((task.kind, task.status), (TaskKind::RemoveResource, TaskStatus::Success));
}

async fn protectables_tell_what_protects_them(dialect: Dialect) {
    let world = World::new(dialect).await;
    let (service, cx) = (&world.service, &world.cx);
    let (server, disks) = fake_server(&world, 2).await;
    let alone = world.disk("alone", vec![1; 512]).await;
    let vault = world.vault(&[alone]).await;
    let all = ProtectableFilter::default();
    let list = async |object, filter: &ProtectableFilter| {
        service.protectable_list(cx, object, filter, &Page::default()).await.unwrap()
    };
    assert_eq!(list(ObjectType::Disk, &all).await.len(), 3);
    assert_eq!(list(ObjectType::Server, &all).await.len(), 1);
    assert!(list(ObjectType::Turbo, &all).await.is_empty());
    let of_server = ProtectableFilter { server_id: Some(server), ..all.clone() };
    assert_eq!(list(ObjectType::Disk, &of_server).await.len(), 2);
    let one = ProtectableFilter { id: Some(alone), ..all };
    let found = list(ObjectType::Disk, &one).await.remove(0).protection;
    assert_eq!(found.refusal, None);
    let view = found.vault.unwrap();
    assert_eq!((view.vault.id, view.resources.len()), (vault, 1));
    let found = service.protectable_get(cx, ObjectType::Disk, disks[0]).await.unwrap();
    assert!(found.protection.vault.is_none());
    assert_eq!(code(service.protectable_get(cx, ObjectType::Server, alone).await), 7100);
    assert_eq!(world.protect_status(alone).await, Some(ProtectStatus::Available));
}

/// A stopped server with so many disks.
pub(crate) async fn fake_server(world: &World, count: u8) -> (ResourceId, Vec<ResourceId>) {
    let put = |number: u8| {
        let name = format!("server-{number}");
        let place = world.fake.put(&name, DiskImageFormat::Raw, vec![number + 1; 200_000]);
        (place.path, DiskImageFormat::Raw)
    };
    world.server("server", (0..count).map(put).collect()).await
}
