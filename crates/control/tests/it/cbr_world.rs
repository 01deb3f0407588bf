//! A service with a database, a store, disks and workers, made for one test.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use strongroom_base::rng::OsRng;
use strongroom_base::{Clock as _, Secret, Timestamp};
use strongroom_control::cbr::{
    NewCheckpoint, NewResource, NewRestore, NewVault, code_of, code_of_absent,
};
use strongroom_control::host::{Adopted, AdoptedDisk, Adoption};
use strongroom_control::{
    Caller, Error, OpContext, Parts, Repositories, RepositoriesParts, Service, Settings,
};
use strongroom_db::Db;
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Scratch;
use strongroom_model::backup::BackupView;
use strongroom_model::checkpoint::CheckpointView;
use strongroom_model::description::Description;
use strongroom_model::disk::{Disk, DiskImageFormat, DiskStatus};
use strongroom_model::domain::Domain;
use strongroom_model::filter::{BackupFilter, TaskFilter};
use strongroom_model::name::{AccountName, NamePrefix};
use strongroom_model::page::Page;
use strongroom_model::project::{EnterpriseProjectId, Project};
use strongroom_model::resource::{ProtectStatus, ResourceName, ResourceType, VolumeSelection};
use strongroom_model::sort::Sort;
use strongroom_model::task::Task;
use strongroom_model::vault::{
    CloudType, Consistency, ObjectType, ProtectType, Threshold, VaultKind, VaultSize,
};
use strongroom_model::{
    BackupId, BindRules, DomainId, Name, ProjectId, Quota, ResourceId, Role, Scope, Tags, TaskId,
    UserId, VaultId,
};
use strongroom_provider::testing::FakeProvider;
use strongroom_provider::{LocalProvider, LocalRoots, Provider};
use strongroom_repo::compute::Inline;
use strongroom_repo::object::address::StoreAddress;
use strongroom_repo::testing::real_clock::RealClock;
use strongroom_repo::{MemoryBudget, Repository};
use strongroom_task::Executor;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::cbr_gate::{Gate, Gated};

pub(crate) const PROJECT: ProjectId = ProjectId([1; 16]);
pub(crate) const OTHER: ProjectId = ProjectId([2; 16]);
const DOMAIN: DomainId = DomainId([3; 16]);
const USER: UserId = UserId([4; 16]);
/// What the runtime gives to everything that waits for something to come about.
const DEADLINE: Duration = Duration::from_mins(1);
/// Longer than any lease.
const LEASE: Duration = Duration::from_mins(5);

pub(crate) struct World {
    pub(crate) scratch: Scratch,
    /// The store, and with real disks their root.
    pub(crate) folder: TempDir,
    pub(crate) fake: FakeProvider,
    /// Where calls to the provider can be made to wait.
    pub(crate) gate: Gate,
    pub(crate) service: Service,
    pub(crate) cx: OpContext,
    provider: Arc<dyn Provider>,
    workers: JoinSet<()>,
    executor: Option<Arc<Executor>>,
    passed: Duration,
}

impl World {
    /// With disks in memory; nobody works yet.
    pub(crate) async fn new(dialect: Dialect) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let fake = FakeProvider::new();
        Self::with(dialect, folder, Arc::new(fake.clone()), fake).await
    }

    /// With disks in files; nobody works yet.
    pub(crate) async fn with_files(dialect: Dialect) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let base = folder.path().canonicalize().unwrap();
        let (root, store) = (base.join("root"), base.join("store"));
        std::fs::create_dir(&root).unwrap();
        std::fs::create_dir(&store).unwrap();
        let roots = LocalRoots { folders: vec![root], devices: Vec::new(), reserved: vec![store] };
        let provider = Arc::new(LocalProvider::new(&roots).unwrap());
        Self::with(dialect, folder, provider, FakeProvider::new()).await
    }

    async fn with(
        dialect: Dialect,
        folder: TempDir,
        provider: Arc<dyn Provider>,
        fake: FakeProvider,
    ) -> Self {
        crate::cbr_log::begin();
        let scratch = Scratch::quick(dialect).await;
        let tx = scratch.db.begin().await.unwrap();
        let name = AccountName::parse("acme").unwrap();
        let domain = Domain { id: DOMAIN, name, is_enabled: true };
        tx.domain_insert(&domain, Timestamp(1)).await.unwrap();
        for (id, name) in [(PROJECT, "here"), (OTHER, "here_other")] {
            let project = Project {
                id,
                domain_id: DOMAIN,
                name: Name::parse(name).unwrap(),
                description: Description::default(),
                is_enabled: true,
            };
            tx.project_insert(&project, Timestamp(1)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let gate = Gate::default();
        let provider: Arc<dyn Provider> = Arc::new(Gated::new(provider, gate.clone()));
        let service = service(&scratch.db, &folder, &provider);
        let cx = context(PROJECT, &[Role::Admin, Role::Operator]);
        Self {
            scratch,
            folder,
            fake,
            gate,
            service,
            cx,
            provider,
            workers: JoinSet::new(),
            executor: None,
            passed: Duration::ZERO,
        }
    }

    /// Where real disks are.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("root")
    }

    /// Lets workers begin.
    pub(crate) fn work(&mut self) {
        let executor = self.service.executor("worker", 3).unwrap();
        self.workers.spawn(Arc::clone(&executor).run());
        self.executor = Some(executor);
    }

    /// The process dies, and another one comes after the leases have run out. Nobody works yet.
    pub(crate) async fn crash(&mut self) {
        self.workers.shutdown().await;
        self.executor = None;
        self.passed += LEASE;
        self.service = self.service_over(&self.scratch.db);
        self.service.pass(self.passed);
    }

    /// Another service of the same installation, over these connections.
    pub(crate) fn service_over(&self, db: &Db) -> Service {
        service(db, &self.folder, &self.provider)
    }

    /// Puts a disk into the host, and makes it known.
    pub(crate) async fn disk(&self, name: &str, bytes: Vec<u8>) -> ResourceId {
        let place = self.fake.put(name, DiskImageFormat::Raw, bytes);
        self.adopt(place.path, DiskImageFormat::Raw).await
    }

    /// Makes a disk known.
    pub(crate) async fn adopt(&self, path: PathBuf, format: DiskImageFormat) -> ResourceId {
        let new = Adoption::Disk(AdoptedDisk { name: None, path, format: Some(format) });
        match self.service.resource_add(&self.cx, new).await.unwrap() {
            Adopted::Disk(disk) => disk.id,
            Adopted::Server(..) => unreachable!("a disk was adopted"),
        }
    }

    /// Makes a server of disks known; the answer has the ids of its disks.
    pub(crate) async fn server(
        &self,
        name: &str,
        disks: Vec<(PathBuf, DiskImageFormat)>,
    ) -> (ResourceId, Vec<ResourceId>) {
        let disk = |(path, format)| AdoptedDisk { name: None, path, format: Some(format) };
        let name = ResourceName::parse(name).unwrap();
        let new = Adoption::Server { name, disks: disks.into_iter().map(disk).collect() };
        match self.service.resource_add(&self.cx, new).await.unwrap() {
            Adopted::Server(server, disks) => {
                (server.id, disks.into_iter().map(|disk| disk.id).collect())
            }
            Adopted::Disk(_) => unreachable!("a server was adopted"),
        }
    }

    /// A new vault with disks.
    pub(crate) async fn vault(&self, disks: &[ResourceId]) -> VaultId {
        let resources = disks.iter().map(|id| resource(*id)).collect();
        let new = NewVault { resources, ..new_vault(ObjectType::Disk) };
        self.service.vault_create(&self.cx, new).await.unwrap().vault.id
    }

    /// A new vault with servers.
    pub(crate) async fn server_vault(&self, servers: &[ResourceId]) -> VaultId {
        let resources = servers.iter().map(|id| server_resource(*id)).collect();
        let new = NewVault { resources, ..new_vault(ObjectType::Server) };
        self.service.vault_create(&self.cx, new).await.unwrap().vault.id
    }

    pub(crate) async fn back_up(&self, vault: VaultId) -> Result<CheckpointView, Error> {
        self.service.checkpoint_create(&self.cx, new_checkpoint(vault)).await
    }

    /// Makes a run of everything in a vault and waits for it; the answer is its backups.
    pub(crate) async fn backed_up(&self, vault: VaultId) -> Vec<BackupView> {
        let checkpoint = self.back_up(vault).await.unwrap().checkpoint.id;
        self.settle().await;
        let filter = BackupFilter { checkpoint_id: Some(checkpoint), ..BackupFilter::default() };
        self.backups(filter).await
    }

    pub(crate) async fn backups(&self, filter: BackupFilter) -> Vec<BackupView> {
        let (sort, page) = (Sort::default(), Page::default());
        self.service.backup_list(&self.cx, &filter, &sort, &page).await.unwrap().backups
    }

    pub(crate) async fn backup(&self, id: BackupId) -> BackupView {
        self.service.backup_get(&self.cx, id).await.unwrap()
    }

    pub(crate) async fn task(&self, id: TaskId) -> Task {
        self.service.task_get(&self.cx, id).await.unwrap()
    }

    /// All tasks of the project, the newest first.
    pub(crate) async fn tasks(&self) -> Vec<Task> {
        let (filter, page) = (TaskFilter::default(), Page::default());
        self.service.task_list(&self.cx, &filter, &page).await.unwrap().tasks
    }

    pub(crate) async fn disk_now(&self, id: ResourceId) -> Disk {
        self.service.disk_get(&self.cx, id).await.unwrap()
    }

    pub(crate) async fn disk_status(&self, id: ResourceId) -> DiskStatus {
        self.disk_now(id).await.status
    }

    /// The state of a resource in its vault.
    pub(crate) async fn protect_status(&self, id: ResourceId) -> Option<ProtectStatus> {
        self.scratch.db.bound_find(&[id]).await.unwrap().pop().map(|bound| bound.status)
    }

    /// A vault's repository, by itself.
    pub(crate) async fn repository(&self, vault: VaultId) -> Option<Repository> {
        repositories(&self.folder).find(vault).await.unwrap()
    }

    /// The manifests that can be seen in a vault's repository, by their disks.
    pub(crate) async fn manifests(&self, vault: VaultId) -> Vec<strongroom_base::ids::ManifestId> {
        let repositories = repositories(&self.folder);
        let Some(repository) = repositories.find(vault).await.unwrap() else { return Vec::new() };
        let catalog = repository.catalog().await.unwrap();
        assert!(catalog.damaged.is_empty());
        let visible = catalog.backups.iter().filter(|entry| entry.deleted.is_none());
        visible.map(|entry| entry.id).collect()
    }

    /// Waits until all tasks have ended.
    pub(crate) async fn settle(&self) {
        let is_over = || async { self.tasks().await.iter().all(|task| task.ended_at.is_some()) };
        self.wait_for("all tasks to end", is_over).await;
    }

    /// Waits until `is_so`.
    ///
    /// # Panics
    /// When it does not come about.
    pub(crate) async fn wait_for<F: Future<Output = bool>>(
        &self,
        what: &str,
        is_so: impl Fn() -> F,
    ) {
        let clock = RealClock::new();
        while !is_so().await {
            let tasks = || async { format!("{:#?}", self.tasks().await) };
            assert!(clock.monotonic() < DEADLINE, "waited for {what}: {}", tasks().await);
            // To look costs those who work: the longer it takes, the more seldom.
            let rest = clock.monotonic() / 8;
            clock.sleep(rest.clamp(Duration::from_millis(3), Duration::from_millis(50))).await;
        }
    }
}

/// A caller in a project, as it would come with its token.
pub(crate) fn context(project: ProjectId, roles: &[Role]) -> OpContext {
    let caller = Caller {
        user_id: USER,
        user_name: AccountName::parse("ann").unwrap(),
        domain_id: DOMAIN,
        domain_name: AccountName::parse("acme").unwrap(),
        scope: Some(Scope::Project(project)),
        project_name: Some(Name::parse("here").unwrap()),
        roles: roles.to_vec(),
        methods: vec!["password".to_owned()],
        issued_at: Timestamp(1),
        expires_at: Timestamp(u64::MAX),
    };
    OpContext::new(caller, project, "req-1".to_owned()).unwrap()
}

fn repositories(folder: &TempDir) -> Arc<Repositories> {
    Arc::new(Repositories::new(RepositoriesParts {
        address: StoreAddress::Local(folder.path().join("store")),
        credentials: None,
        master: Secret::new([9; 32]),
        clock: Arc::new(RealClock::new()),
        rng: Arc::new(OsRng),
        compute: Arc::new(Inline),
        memory: MemoryBudget::default(),
    }))
}

fn service(db: &Db, folder: &TempDir, provider: &Arc<dyn Provider>) -> Service {
    Service::new(Parts {
        db: db.clone(),
        provider: Arc::clone(provider),
        repositories: repositories(folder),
        clock: Arc::new(RealClock::new()),
        rng: Arc::new(OsRng),
        master: Secret::new([9; 32]),
        settings: Settings {
            region: "here".to_owned(),
            zone: "here-1".to_owned(),
            public_url: "http://localhost".to_owned(),
            object_url: None,
            quota: Quota::default(),
            token_life: Duration::from_hours(24),
            // Repairs run when a test asks for them, and nothing makes them wait.
            grave_delay: Duration::ZERO,
            collect_every: Duration::ZERO,
            verify_every: Duration::ZERO,
        },
    })
}

/// A vault of 100 GB without anything.
pub(crate) fn new_vault(object: ObjectType) -> NewVault {
    NewVault {
        name: Name::parse("vault").unwrap(),
        description: Description::default(),
        kind: VaultKind::new(object, ProtectType::Backup, Consistency::Crash).unwrap(),
        cloud_type: CloudType::Public,
        size: VaultSize::new(100).unwrap(),
        resources: Vec::new(),
        policy: None,
        tags: Tags::default(),
        enterprise_project_id: EnterpriseProjectId::DEFAULT,
        is_auto_bind: false,
        bind_rules: BindRules::default(),
        is_auto_expand: false,
        is_locked: false,
        has_notices: false,
        threshold: Threshold::DEFAULT,
        backup_name_prefix: NamePrefix::default(),
        availability_zone: None,
    }
}

/// A disk for a vault.
pub(crate) fn resource(id: ResourceId) -> NewResource {
    let (resource_type, volumes) = (ResourceType::Disk, VolumeSelection::default());
    NewResource { id, resource_type, name: None, volumes }
}

/// A server for a vault.
pub(crate) fn server_resource(id: ResourceId) -> NewResource {
    NewResource { resource_type: ResourceType::Server, ..resource(id) }
}

/// A run of everything in a vault.
pub(crate) fn new_checkpoint(vault_id: VaultId) -> NewCheckpoint {
    NewCheckpoint {
        vault_id,
        name: None,
        description: Description::default(),
        is_automatic: false,
        is_incremental: true,
        resources: Vec::new(),
        details: Vec::new(),
        retention_days: None,
    }
}

/// The contract's number of a refusal, 0 if there was none.
///
/// # Panics
/// When something else went wrong.
pub(crate) fn code<T>(result: Result<T, Error>) -> u16 {
    match result {
        Ok(_) => 0,
        Err(Error::Refused(refusal)) => code_of(&refusal).0,
        Err(Error::NotFound(noun)) => code_of_absent(noun).0,
        Err(error) => panic!("neither done nor refused: {error:?}"),
    }
}

/// `length` bytes that cannot be made smaller, others for each seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let rng = strongroom_base::rng::SeededRng::new(seed);
    let mut bytes = vec![0; length];
    strongroom_base::Rng::fill(&rng, &mut bytes);
    bytes
}

/// A restore of a disk's backup to a disk.
pub(crate) fn to_disk(disk: ResourceId) -> NewRestore {
    NewRestore { server_id: None, mappings: Vec::new(), volume_id: Some(disk), power_on: true }
}

/// A restore of a server's backup to a server.
pub(crate) fn to_server(server: ResourceId) -> NewRestore {
    NewRestore { server_id: Some(server), volume_id: None, ..to_disk(server) }
}
