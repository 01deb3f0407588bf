//! A service with an administrator, other users, and time that moves by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use strongroom_base::clock::BoxFuture;
use strongroom_base::rng::OsRng;
use strongroom_base::{Clock, Secret, Timestamp};
use strongroom_control::iam::{
    Bootstrap, DomainChoice, FirstAdmin, Identity, IssuedToken, ProjectChoice, TokenRequest,
    UserChoice, WantedScope,
};
use strongroom_control::{
    Caller, Error, Parts, Repositories, RepositoriesParts, Service, Settings,
};
use strongroom_db::dialect::Dialect;
use strongroom_db::testing::Scratch;
use strongroom_db::{Db, NewUser};
use strongroom_model::description::Description;
use strongroom_model::domain::Domain;
use strongroom_model::name::AccountName;
use strongroom_model::project::Project;
use strongroom_model::user::User;
use strongroom_model::{DomainId, Name, ProjectId, Quota, Role, Scope, UserId};
use strongroom_provider::testing::FakeProvider;
use strongroom_repo::MemoryBudget;
use strongroom_repo::compute::ThreadPool;
use strongroom_repo::object::address::StoreAddress;
use zeroize::Zeroizing;

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// A clock that moves only when a test moves it; sleeping moves it too.
#[derive(Debug)]
pub(crate) struct HandClock(AtomicU64);

impl HandClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.now().0)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.advance(duration);
        Box::pin(async {})
    }
}

/// A service over a new database.
pub(crate) struct Installation {
    pub(crate) scratch: Scratch,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) service: Service,
}

impl Installation {
    pub(crate) async fn new(dialect: Dialect) -> Self {
        let scratch = Scratch::new(dialect).await;
        // 2026-01-01T00:00:00Z
        let clock = Arc::new(HandClock(AtomicU64::new(1_767_225_600_000_000)));
        let service = Self::service(&scratch.db, &clock);
        Self { scratch, clock, service }
    }

    /// One process of a service.
    pub(crate) fn service(db: &Db, clock: &Arc<HandClock>) -> Service {
        Service::new(Parts {
            db: db.clone(),
            provider: Arc::new(FakeProvider::new()),
            repositories: Arc::new(no_repositories(clock)),
            clock: Arc::clone(clock) as Arc<dyn Clock>,
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
}

/// Identity asks nothing of a store.
fn no_repositories(clock: &Arc<HandClock>) -> Repositories {
    Repositories::new(RepositoriesParts {
        address: StoreAddress::Local("/nonexistent".into()),
        credentials: None,
        master: Secret::new([7; 32]),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        rng: Arc::new(OsRng),
        compute: Arc::new(ThreadPool::start(1).unwrap()),
        memory: MemoryBudget::default(),
    })
}

pub(crate) fn first() -> Bootstrap {
    Bootstrap { domain: "acme".to_owned(), admin: "root".to_owned() }
}

/// A service with its first administrator.
pub(crate) struct World {
    pub(crate) scratch: Scratch,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) service: Service,
    pub(crate) admin: FirstAdmin,
    pub(crate) admin_id: UserId,
    pub(crate) domain_id: DomainId,
    hash: Option<String>,
}

impl World {
    pub(crate) async fn new(dialect: Dialect) -> Self {
        let Installation { scratch, clock, service } = Installation::new(dialect).await;
        let admin = service.bootstrap(&first()).await.unwrap().unwrap();
        let db = &scratch.db;
        let domain_id = db.domain_get_by_name("acme").await.unwrap().unwrap().id;
        let login = db.user_login_by_name(domain_id, "root").await.unwrap().unwrap();
        let hash = login.password_hash;
        Self { scratch, clock, service, admin, admin_id: login.user.id, domain_id, hash }
    }

    /// Another user, with the administrator's password.
    pub(crate) async fn add_user(&self, name: &str) -> UserId {
        self.insert(self.user(name)).await
    }

    /// Such a user, before it is added.
    pub(crate) fn user(&self, name: &str) -> NewUser {
        let user = User {
            id: UserId::random(&OsRng),
            domain_id: self.domain_id,
            name: AccountName::parse(name).unwrap(),
            description: Description::default(),
            default_project_id: None,
            is_enabled: true,
            created_at: self.clock.now(),
        };
        NewUser { user, password_hash: self.hash.clone() }
    }

    pub(crate) async fn insert(&self, new: NewUser) -> UserId {
        let tx = self.scratch.db.begin().await.unwrap();
        tx.user_insert(&new).await.unwrap();
        tx.commit().await.unwrap();
        new.user.id
    }

    pub(crate) async fn add_domain(&self, name: &str, is_enabled: bool) -> DomainId {
        let name = AccountName::parse(name).unwrap();
        let domain = Domain { id: DomainId::random(&OsRng), name, is_enabled };
        let tx = self.scratch.db.begin().await.unwrap();
        tx.domain_insert(&domain, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        domain.id
    }

    pub(crate) async fn add_project(
        &self,
        domain_id: DomainId,
        name: &str,
        is_enabled: bool,
    ) -> ProjectId {
        let project = Project {
            id: ProjectId::random(&OsRng),
            domain_id,
            name: Name::parse(name).unwrap(),
            description: Description::default(),
            is_enabled,
        };
        let tx = self.scratch.db.begin().await.unwrap();
        tx.project_insert(&project, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        project.id
    }

    pub(crate) async fn grant(&self, user: UserId, scope: Scope, role: Role) {
        let tx = self.scratch.db.begin().await.unwrap();
        tx.grant_insert(user, Some(scope), role).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn take(&self, user: UserId, scope: Scope, role: Role) {
        let tx = self.scratch.db.begin().await.unwrap();
        assert!(tx.grant_delete(user, Some(scope), role).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// The administrator's project.
    pub(crate) fn project(&self) -> Scope {
        Scope::Project(self.admin.project_id)
    }

    /// A login with a password.
    pub(crate) async fn log_in_with(
        &self,
        user: UserChoice,
        password: &str,
        scope: WantedScope,
    ) -> Result<IssuedToken, Error> {
        let password = Zeroizing::new(password.to_owned());
        let identity = Identity::Password { user, password };
        self.service.token_issue(TokenRequest { identity, scope }).await
    }

    /// A login with the right password.
    pub(crate) async fn log_in(
        &self,
        user: &str,
        scope: WantedScope,
    ) -> Result<IssuedToken, Error> {
        self.log_in_with(named(user), &self.admin.password, scope).await
    }

    /// An exchange of a token for another one.
    pub(crate) async fn exchange(
        &self,
        token: &str,
        scope: WantedScope,
    ) -> Result<IssuedToken, Error> {
        let identity = Identity::Token(Zeroizing::new(token.to_owned()));
        self.service.token_issue(TokenRequest { identity, scope }).await
    }

    /// What the holder of a new token for the administrator's project is.
    pub(crate) async fn caller(&self, user: &str) -> Caller {
        let scope = project_by_id(self.admin.project_id);
        self.log_in(user, scope).await.unwrap().holder
    }
}

/// A user of the domain `acme`.
pub(crate) fn named(user: &str) -> UserChoice {
    UserChoice::Name(user.to_owned(), DomainChoice::Name("acme".to_owned()))
}

pub(crate) fn project_by_id(id: ProjectId) -> WantedScope {
    WantedScope::Project(ProjectChoice::Id(id))
}

/// Whether somebody was refused for not being known, and for nothing else.
pub(crate) fn is_unknown<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Unauthenticated))
}
