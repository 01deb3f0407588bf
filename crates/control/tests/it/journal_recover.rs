//! The whole database is lost, the store and the master key are kept: everything is as before.

#![expect(clippy::disallowed_methods, reason = "files of the store are damaged here, not kept")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use strongroom_base::ids::RepoId;
use strongroom_base::rng::OsRng;
use strongroom_base::{Clock, Rng, Secret, Timestamp};
use strongroom_control::cbr::{NewCheckpoint, NewResource, NewRestore, NewVault};
use strongroom_control::host::{Adopted, AdoptedDisk, Adoption};
use strongroom_control::iam::Bootstrap;
use strongroom_control::{
    Caller, CatalogueError, OpContext, Parts, RecoverParts, RecoverReport, Repositories,
    RepositoriesParts, Service, Settings, recover,
};
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Scratch;
use strongroom_db::{JournalRecord, TaskSubject};
use strongroom_model::backup::{BackupStatus, BackupView};
use strongroom_model::bind_rules::BindRules;
use strongroom_model::description::Description;
use strongroom_model::disk::DiskImageFormat;
use strongroom_model::name::NamePrefix;
use strongroom_model::project::EnterpriseProjectId;
use strongroom_model::resource::{ProtectStatus, ResourceName, ResourceType, VolumeSelection};
use strongroom_model::task::TaskStatus;
use strongroom_model::vault::{
    CloudType, Consistency, ObjectType, ProtectType, Threshold, VaultKind, VaultSize,
};
use strongroom_model::{
    BackupId, Name, ProjectId, Quota, ResourceId, Role, Scope, Tag, Tags, VaultId,
};
use strongroom_provider::testing::FakeProvider;
use strongroom_repo::MemoryBudget;
use strongroom_repo::compute::ThreadPool;
use strongroom_repo::journal::JournalError;
use strongroom_repo::object::address::StoreAddress;
use strongroom_repo::testing::real_clock::RealClock;

use crate::on_both;

on_both!(
    everything_comes_back_and_restores,
    what_is_newer_than_the_journal_is_found_in_the_manifests,
    what_was_going_on_has_an_end,
    recovered_catalogue_can_be_lost_again,
    catalogue_that_is_not_new_and_journal_of_another_are_refused,
    damaged_journal_is_named_and_the_rest_comes_back,
    repository_that_cannot_be_read_costs_no_row,
    backup_of_unknown_end_in_a_repository_that_was_unreadable_is_not_buried,
);

const HOUR: Duration = Duration::from_hours(1);

/// What outlives a catalogue: the store, the host's disks.
struct Ground {
    folder: tempfile::TempDir,
    host: FakeProvider,
    clock: Arc<dyn Clock>,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, host: FakeProvider::new(), clock: Arc::new(RealClock::new()) }
    }

    fn repositories(&self) -> Arc<Repositories> {
        Arc::new(Repositories::new(RepositoriesParts {
            address: StoreAddress::Local(self.folder.path().to_owned()),
            credentials: None,
            master: Secret::new([7; 32]),
            clock: Arc::clone(&self.clock),
            rng: Arc::new(OsRng),
            compute: Arc::new(ThreadPool::start(1).unwrap()),
            memory: MemoryBudget::default(),
        }))
    }

    async fn recover(&self, dialect: Dialect) -> (Scratch, RecoverReport) {
        let scratch = Scratch::new(dialect).await;
        let report = self.recover_into(&scratch).await.unwrap();
        (scratch, report)
    }

    async fn recover_into(&self, scratch: &Scratch) -> Result<RecoverReport, CatalogueError> {
        recover(&RecoverParts {
            db: scratch.db.clone(),
            repositories: self.repositories(),
            clock: Arc::clone(&self.clock),
            rng: Arc::new(OsRng),
        })
        .await
    }

    /// The objects of the journal below `prefix`, in order.
    fn journal(&self, prefix: &str) -> Vec<PathBuf> {
        let folder = self.folder.path().join("journal").join(prefix);
        let Ok(listed) = std::fs::read_dir(folder) else { return Vec::new() };
        let mut paths: Vec<_> = listed.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }
}

/// A service over a catalogue.
struct World<'g> {
    ground: &'g Ground,
    scratch: Scratch,
    cx: OpContext,
}

impl<'g> World<'g> {
    async fn new(ground: &'g Ground, dialect: Dialect) -> Self {
        let scratch = Scratch::new(dialect).await;
        let first = Bootstrap { domain: "acme".to_owned(), admin: "root".to_owned() };
        let admin = service(ground, &scratch).bootstrap(&first).await.unwrap().unwrap();
        Self::on(ground, scratch, admin.project_id).await
    }

    /// The administrator of a catalogue that is there.
    async fn on(ground: &'g Ground, scratch: Scratch, project: ProjectId) -> Self {
        let domain = scratch.db.domain_get_by_name("acme").await.unwrap().unwrap();
        let user = scratch.db.user_login_by_name(domain.id, "root").await.unwrap().unwrap().user;
        let caller = Caller {
            user_id: user.id,
            user_name: user.name,
            domain_id: domain.id,
            domain_name: domain.name,
            scope: Some(Scope::Project(project)),
            project_name: None,
            roles: vec![Role::Admin, Role::Operator],
            methods: Vec::new(),
            issued_at: Timestamp(0),
            expires_at: Timestamp(u64::MAX),
        };
        let cx = OpContext::new(caller, project, "req-1".to_owned()).unwrap();
        Self { ground, scratch, cx }
    }

    fn service(&self) -> Service {
        service(self.ground, &self.scratch)
    }

    async fn adopt(&self, name: &str) -> ResourceId {
        let disk = self.disk(name);
        match self.service().resource_add(&self.cx, Adoption::Disk(disk)).await.unwrap() {
            Adopted::Disk(disk) => disk.id,
            Adopted::Server(..) => unreachable!(),
        }
    }

    async fn adopt_server(&self, name: &str) -> ResourceId {
        let disks = vec![self.disk(&format!("{name}-a")), self.disk(&format!("{name}-b"))];
        let name = ResourceName::parse(name).unwrap();
        let server = Adoption::Server { name, disks };
        match self.service().resource_add(&self.cx, server).await.unwrap() {
            Adopted::Server(server, _) => server.id,
            Adopted::Disk(_) => unreachable!(),
        }
    }

    fn disk(&self, name: &str) -> AdoptedDisk {
        let mut bytes = vec![0; 300 * 1024];
        OsRng.fill(&mut bytes);
        let place = self.ground.host.put(name, DiskImageFormat::Raw, bytes);
        AdoptedDisk { name: None, path: place.path, format: Some(place.format) }
    }

    async fn vault(&self, name: &str, object: ObjectType, resource: ResourceId) -> VaultId {
        let resource_type = match object {
            ObjectType::Server => ResourceType::Server,
            _ => ResourceType::Disk,
        };
        let resource = NewResource {
            id: resource,
            resource_type,
            name: None,
            volumes: VolumeSelection::default(),
        };
        let new = NewVault {
            name: Name::parse(name).unwrap(),
            description: Description::default(),
            kind: VaultKind::new(object, ProtectType::Backup, Consistency::Crash).unwrap(),
            cloud_type: CloudType::Public,
            size: VaultSize::new(100).unwrap(),
            resources: vec![resource],
            policy: None,
            tags: Tags::new(vec![Tag::parse("team", Some("blue")).unwrap()]).unwrap(),
            enterprise_project_id: EnterpriseProjectId::DEFAULT,
            is_auto_bind: false,
            bind_rules: BindRules::default(),
            is_auto_expand: false,
            is_locked: false,
            has_notices: false,
            threshold: Threshold::new(80).unwrap(),
            backup_name_prefix: NamePrefix::parse("night").unwrap(),
            availability_zone: None,
        };
        self.service().vault_create(&self.cx, new).await.unwrap().vault.id
    }

    /// Orders backups of all resources of a vault.
    async fn order(&self, vault: VaultId) -> Vec<BackupView> {
        let new = NewCheckpoint {
            vault_id: vault,
            name: None,
            description: Description::parse("why").unwrap(),
            is_automatic: false,
            is_incremental: true,
            resources: Vec::new(),
            details: Vec::new(),
            retention_days: Some(30),
        };
        let made = self.service().checkpoint_create(&self.cx, new).await.unwrap();
        let backups = self.scratch.db.backup_list_of_checkpoint(made.checkpoint.id).await.unwrap();
        let mut views = Vec::new();
        for backup in backups {
            views.push(self.scratch.db.backup_find(backup.id).await.unwrap().unwrap());
        }
        views
    }

    async fn back_up(&self, vault: VaultId) -> BackupView {
        let [ordered] = self.order(vault).await.try_into().unwrap();
        self.work(vault).await;
        let made = self.backup(ordered.backup.id).await.unwrap();
        assert_eq!(made.backup.status, BackupStatus::Available);
        made
    }

    async fn backup(&self, id: BackupId) -> Option<BackupView> {
        self.scratch.db.backup_find(id).await.unwrap()
    }

    /// A worker, until nothing is left to do for a vault.
    async fn work(&self, vault: VaultId) {
        let executor = self.service().executor("worker", 2).unwrap();
        let is_done = async {
            loop {
                let running = self.scratch.db.task_running_of(TaskSubject::Vault(vault)).await;
                if running.unwrap().is_empty() {
                    break;
                }
                self.ground.clock.sleep(Duration::from_millis(20)).await;
            }
        };
        let (run, is_done) = (Box::pin(executor.run()), Box::pin(is_done));
        let either = futures_util::future::select(run, is_done).await;
        assert!(matches!(either, futures_util::future::Either::Right(_)));
    }

    async fn journal(&self) {
        let report = self.service().journal().unwrap().run().await.unwrap();
        assert!(report.rows > 0);
        assert!(self.scratch.db.journal_is_idle().await.unwrap() || report.is_snapshot);
    }

    async fn compact(&self) {
        assert!(self.service().journal().unwrap().compact().await.unwrap().is_snapshot);
    }

    async fn rows(&self) -> Vec<JournalRecord> {
        let mut dump = self.scratch.db.journal_dump().await.unwrap();
        let mut all = Vec::new();
        loop {
            let page = dump.page().await.unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }
}

fn service(ground: &Ground, scratch: &Scratch) -> Service {
    Service::new(Parts {
        db: scratch.db.clone(),
        provider: Arc::new(ground.host.clone()),
        repositories: ground.repositories(),
        clock: Arc::clone(&ground.clock),
        rng: Arc::new(OsRng),
        master: Secret::new([7; 32]),
        settings: Settings {
            region: "eu-de".to_owned(),
            zone: "eu-de-01".to_owned(),
            public_url: "http://localhost".to_owned(),
            object_url: None,
            quota: Quota::default(),
            token_life: 24 * HOUR,
            grave_delay: HOUR,
            collect_every: HOUR,
            verify_every: HOUR,
        },
    })
}

/// A backup without what a recover cannot know to the second.
fn comparable(mut view: BackupView) -> BackupView {
    for backup in std::iter::once(&mut view.backup).chain(&mut view.children) {
        backup.updated_at = Timestamp(0);
        backup.protected_at = backup.protected_at.map(|_| Timestamp(0));
    }
    view
}

// proves: JRN-9, JRN-12
async fn everything_comes_back_and_restores(dialect: Dialect) {
    let ground = Ground::new();
    let world = World::new(&ground, dialect).await;
    let disk = world.adopt("one").await;
    let server = world.adopt_server("machine").await;
    let disks = world.vault("disks", ObjectType::Disk, disk).await;
    let servers = world.vault("servers", ObjectType::Server, server).await;
    world.journal().await;
    let of_disk = world.back_up(disks).await;
    world.journal().await;
    world.compact().await;
    let of_server = world.back_up(servers).await;
    assert_eq!(of_server.children.len(), 2);
    world.journal().await;
    let before = world.rows().await;
    let paths = ground.host.paths();
    let bytes: Vec<_> = paths.iter().map(|path| ground.host.bytes(path).unwrap()).collect();

    let (scratch, report) = ground.recover(dialect).await;
    let again = World::on(&ground, scratch, world.cx.project).await;
    assert_eq!(again.rows().await, before);
    let counted: u64 = report.catalogue.iter().map(|(_, count)| count).sum();
    assert_eq!(counted, before.len() as u64, "{report:?}");
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.rows, before.len() as u64);
    assert_eq!((report.added, report.completed, report.removed), (vec![], vec![], vec![]));

    for (path, bytes) in paths.iter().zip(&bytes) {
        let name = path.file_name().unwrap().to_str().unwrap();
        ground.host.put(name, DiskImageFormat::Raw, vec![0; bytes.len()]);
    }
    let wish = NewRestore {
        server_id: None,
        mappings: Vec::new(),
        volume_id: Some(disk),
        power_on: false,
    };
    again.service().backup_restore(&again.cx, of_disk.backup.id, wish).await.unwrap();
    again.work(disks).await;
    let restored = paths.iter().position(|path| path.ends_with("one")).unwrap();
    assert_eq!(ground.host.bytes(&paths[restored]).as_ref(), Some(&bytes[restored]));
    // New backups go on from where the lost catalogue was.
    let next = again.back_up(disks).await;
    assert!(next.backup.is_incremental);
}

// proves: JRN-11
async fn what_is_newer_than_the_journal_is_found_in_the_manifests(dialect: Dialect) {
    let ground = Ground::new();
    let world = World::new(&ground, dialect).await;
    let disk = world.adopt("one").await;
    let server = world.adopt_server("machine").await;
    let disks = world.vault("disks", ObjectType::Disk, disk).await;
    let servers = world.vault("servers", ObjectType::Server, server).await;
    let deleted = world.back_up(disks).await;
    let kept = world.back_up(disks).await;
    world.journal().await;
    world.service().backup_delete(&world.cx, deleted.backup.id).await.unwrap();
    world.work(disks).await;
    assert_eq!(world.backup(deleted.backup.id).await, None);
    let newer = world.back_up(disks).await;
    let of_server = world.back_up(servers).await;

    let (scratch, report) = ground.recover(dialect).await;
    let again = World::on(&ground, scratch, world.cx.project).await;
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(report.removed, [deleted.backup.id]);
    let mut added = report.added;
    added.sort();
    let mut expected = [newer.backup.id, of_server.backup.id];
    expected.sort();
    assert_eq!(added, expected);
    assert_eq!(again.backup(deleted.backup.id).await, None);
    assert_eq!(again.backup(kept.backup.id).await, Some(kept));
    for made in [newer, of_server] {
        let found = again.backup(made.backup.id).await.unwrap();
        assert_eq!(comparable(found), comparable(made));
    }
    for vault in [disks, servers] {
        let (there, here) = (uses(&world, vault).await, uses(&again, vault).await);
        assert_eq!(here, there);
    }
    again.back_up(servers).await;
}

/// What a vault uses, and each of its resources.
async fn uses(world: &World<'_>, vault: VaultId) -> (u64, Vec<(u64, u64, ProtectStatus)>) {
    let stored = world.scratch.db.vault_get(world.cx.project, vault).await.unwrap().unwrap();
    let bound = world.scratch.db.bound_list(&[vault]).await.unwrap();
    let of = bound.iter().map(|one| (one.backup_count, one.backup_bytes.0, one.resource.status));
    (stored.used.0, of.collect())
}

// proves: JRN-11
async fn what_was_going_on_has_an_end(dialect: Dialect) {
    let ground = Ground::new();
    let world = World::new(&ground, dialect).await;
    let first = world.adopt("one").await;
    let second = world.adopt("two").await;
    let done = world.vault("done", ObjectType::Disk, first).await;
    let undone = world.vault("undone", ObjectType::Disk, second).await;
    let old = world.back_up(undone).await;
    let [completed] = world.order(done).await.try_into().unwrap();
    let [lost] = world.order(undone).await.try_into().unwrap();
    world.journal().await;
    // The other one fails, or waits for ever: what follows is not journaled.
    let place = ground.host.paths().into_iter().find(|path| path.ends_with("two")).unwrap();
    let bytes = ground.host.bytes(&place).unwrap();
    ground.host.lose(&place);
    world.work(done).await;
    ground.host.put("two", DiskImageFormat::Raw, bytes);

    let (scratch, report) = ground.recover(dialect).await;
    let again = World::on(&ground, scratch, world.cx.project).await;
    assert_eq!(report.completed, [completed.backup.id]);
    let found = again.backup(completed.backup.id).await.unwrap();
    let made = world.backup(completed.backup.id).await.unwrap();
    assert_eq!(comparable(found), comparable(made));
    let found = again.backup(lost.backup.id).await.unwrap();
    assert_eq!(found.backup.status, BackupStatus::Error);
    assert_eq!(again.backup(old.backup.id).await.unwrap(), old);
    assert_eq!(uses(&again, done).await, uses(&world, done).await);
    let [(_, _, status)] = uses(&again, undone).await.1.try_into().unwrap();
    assert_eq!(status, ProtectStatus::Error);
    let mut ends = Vec::new();
    for vault in [done, undone] {
        let running = again.scratch.db.task_running_of(TaskSubject::Vault(vault)).await.unwrap();
        assert_eq!(running, []);
        ends.push(task_of(&again, vault).await);
    }
    let failed = Some("Strongroom.Recovered".to_owned());
    assert_eq!(ends, [(TaskStatus::Success, None), (TaskStatus::Failed, failed)]);
    assert_eq!(report.failed_tasks, 1);
    again.back_up(undone).await;
}

/// The newest task of a vault.
async fn task_of(world: &World<'_>, vault: VaultId) -> (TaskStatus, Option<String>) {
    let filter =
        strongroom_model::filter::TaskFilter { vault_id: Some(vault), ..Default::default() };
    let page = strongroom_model::page::Page::default();
    let list = world.scratch.db.task_list(world.cx.project, &filter, &page).await.unwrap().unwrap();
    let task = list.tasks.into_iter().next().unwrap();
    (task.status, task.failure.map(|failure| failure.code))
}

// proves: JRN-12
async fn recovered_catalogue_can_be_lost_again(dialect: Dialect) {
    let ground = Ground::new();
    let world = World::new(&ground, dialect).await;
    let disk = world.adopt("one").await;
    let vault = world.vault("disks", ObjectType::Disk, disk).await;
    world.journal().await;
    world.back_up(vault).await;
    let (scratch, first) = ground.recover(dialect).await;
    assert_eq!(first.added.len(), 1);
    let second = World::on(&ground, scratch, world.cx.project).await;
    // What recover itself found is in the journal at once.
    let (scratch, report) = ground.recover(dialect).await;
    let third = World::on(&ground, scratch, world.cx.project).await;
    assert_eq!((report.is_whole(), report.added), (true, vec![]));
    assert_eq!(third.rows().await, second.rows().await);
    third.back_up(vault).await;
    third.journal().await;
    let (scratch, _) = ground.recover(dialect).await;
    let fourth = World::on(&ground, scratch, world.cx.project).await;
    assert_eq!(fourth.rows().await, third.rows().await);
    // The catalogues that were given up are told.
    let late = world.service().journal().unwrap().compact().await;
    assert!(matches!(late, Err(CatalogueError::Journal(JournalError::Foreign { .. }))), "{late:?}");
}

// proves: JRN-10
async fn catalogue_that_is_not_new_and_journal_of_another_are_refused(dialect: Dialect) {
    let ground = Ground::new();
    let empty = Scratch::new(dialect).await;
    let nothing = ground.recover_into(&empty).await;
    assert!(matches!(nothing, Err(CatalogueError::Journal(JournalError::Absent { .. }))));
    let world = World::new(&ground, dialect).await;
    world.adopt("one").await;
    world.journal().await;
    let before = [ground.journal("head"), ground.journal("segment")];
    let stranger = World::new(&ground, dialect).await;
    let refused = ground.recover_into(&stranger.scratch).await;
    assert!(matches!(refused, Err(CatalogueError::InUse)));
    let journal = stranger.service().journal().unwrap();
    for refused in [journal.run().await, journal.compact().await] {
        assert!(
            matches!(refused, Err(CatalogueError::Journal(JournalError::Foreign { .. }))),
            "{refused:?}"
        );
    }
    assert_eq!([ground.journal("head"), ground.journal("segment")], before);
    assert!(!stranger.scratch.db.journal_is_idle().await.unwrap());
    // The catalogue that failed to be recovered is still new.
    ground.recover_into(&empty).await.unwrap();
}

// proves: JRN-13
async fn damaged_journal_is_named_and_the_rest_comes_back(dialect: Dialect) {
    let ground = Ground::new();
    let world = World::new(&ground, dialect).await;
    let disk = world.adopt("one").await;
    let vault = world.vault("disks", ObjectType::Disk, disk).await;
    world.journal().await;
    let made = world.back_up(vault).await;
    world.journal().await;
    let lost = world.vault("lost", ObjectType::Disk, world.adopt("two").await).await;
    world.journal().await;
    let [in_lost] = world.order(lost).await.try_into().unwrap();
    // A worker has begun.
    let tx = world.scratch.db.begin().await.unwrap();
    tx.repository_insert(lost, RepoId::random(&OsRng)).await.unwrap();
    tx.commit().await.unwrap();
    world.journal().await;
    world.work(lost).await;
    let segments = ground.journal("segment");
    let [.., damaged, _] = segments.as_slice() else { panic!("{segments:?}") };
    let mut bytes = std::fs::read(damaged).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(damaged, bytes).unwrap();

    let (scratch, report) = ground.recover(dialect).await;
    let again = World::on(&ground, scratch, world.cx.project).await;
    let name = damaged.file_name().unwrap().to_str().unwrap();
    assert!(report.unreadable[0].what.contains(name), "{report:?}");
    assert!(!report.is_whole());
    assert_eq!(again.backup(made.backup.id).await, Some(made));
    // The vault came with that segment: what names it is left out, its repository is reported.
    let left_out = format!("cbr_backup [\"{}\"]", in_lost.backup.id);
    assert!(report.left_out.contains(&left_out), "{report:?}");
    assert_eq!(again.backup(in_lost.backup.id).await, None);
    assert!(again.scratch.db.vault_get(world.cx.project, lost).await.unwrap().is_none());
    assert_eq!(report.unknown_vaults, [lost]);
    // Nobody cleans up in a repository of a vault that is not known.
    let repositories = again.scratch.db.repository_page_all(None, 9).await.unwrap();
    let of: Vec<_> = repositories.iter().map(|repository| repository.vault_id).collect();
    assert_eq!(of, [vault]);
    again.back_up(vault).await;
    // The new journal is whole.
    let (_, report) = ground.recover(dialect).await;
    assert!(report.unreadable.is_empty(), "{report:?}");
}

// proves: JRN-13
async fn repository_that_cannot_be_read_costs_no_row(dialect: Dialect) {
    let ground = Ground::new();
    let world = World::new(&ground, dialect).await;
    let disk = world.adopt("one").await;
    let vault = world.vault("disks", ObjectType::Disk, disk).await;
    let made = world.back_up(vault).await;
    world.journal().await;
    let place = ground.folder.path().join("vaults").join(vault.to_string());
    let config = std::fs::read(place.join("config")).unwrap();
    let manifest = made.backup.manifest_id.unwrap();
    let manifest = place.join("manifest").join(manifest.to_string());
    let damages: [(&PathBuf, Option<&[u8]>); 3] = [
        (&place.join("config"), Some(b"{ strongroom repository }\n")),
        (&place.join("config"), None),
        (&manifest, Some(b"damaged")),
    ];
    for (at, bytes) in damages {
        match bytes {
            Some(bytes) => std::fs::write(at, bytes).unwrap(),
            None => std::fs::remove_file(at).unwrap(),
        }
        let (scratch, report) = ground.recover(dialect).await;
        assert_eq!(report.unreadable.len(), 1, "{} {report:?}", at.display());
        assert_eq!(report.removed, []);
        let found = scratch.db.backup_find(made.backup.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&made), "{}", at.display());
        std::fs::write(place.join("config"), &config).unwrap();
    }
}

// proves: JRN-13, CTL-20
async fn backup_of_unknown_end_in_a_repository_that_was_unreadable_is_not_buried(dialect: Dialect) {
    let ground = Ground::new();
    let world = World::new(&ground, dialect).await;
    let disk = world.adopt("one").await;
    let vault = world.vault("disks", ObjectType::Disk, disk).await;
    world.back_up(vault).await;
    let [going] = world.order(vault).await.try_into().unwrap();
    world.journal().await;
    // It ends, and its user is told so, after the journal's end.
    world.work(vault).await;
    let made = world.backup(going.backup.id).await.unwrap();
    assert_eq!(made.backup.status, BackupStatus::Available);
    let config = ground.folder.path().join("vaults").join(vault.to_string()).join("config");
    let away = ground.folder.path().join("config-away");
    std::fs::rename(&config, &away).unwrap();
    let (scratch, report) = ground.recover(dialect).await;
    assert_eq!((report.unreadable.len(), report.failed_tasks), (1, 1), "{report:?}");
    std::fs::rename(&away, &config).unwrap();
    let again = World::on(&ground, scratch, world.cx.project).await;
    let cancel = strongroom_base::CancelToken::new();
    let collected = again.service().collect_due(&cancel).await.unwrap();
    assert_eq!(collected.collected, [vault]);
    let repository = ground.repositories().find(vault).await.unwrap().unwrap();
    let catalog = repository.catalog().await.unwrap();
    let alive = catalog.backups.iter().filter(|entry| entry.deleted.is_none());
    let alive: Vec<_> = alive.map(|entry| entry.id).collect();
    assert!(alive.contains(&made.backup.manifest_id.unwrap()), "{alive:?}");
}
