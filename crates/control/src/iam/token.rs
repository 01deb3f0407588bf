//! Issuing, showing and revoking tokens.
//!
//! # Why
//! A token is 32 random bytes and says nothing: who holds it and what it is good for is looked up
//! with every request, so that it can be taken back at once (IAM-2, IAM-3).

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use strongroom_base::Rng;
use strongroom_db::{NewToken, TokenHash};
use strongroom_model::{DomainId, ProjectId, UserId};
use zeroize::Zeroizing;

use super::login::Applicant;
use super::scope::Place;
use crate::caller::Caller;
use crate::error::{Error, Noun};
use crate::service::Service;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// Characters of its text: url-safe base64 without padding.
const TOKEN_LEN: usize = 43;
/// A refused request is answered no sooner: a hash takes some tens of milliseconds, and counting a
/// wrong password a few more, which would tell that there is such a user (CTL-1).
const REFUSAL: Duration = Duration::from_millis(250);

/// A domain as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainChoice {
    /// By its id.
    Id(DomainId),
    /// By its name.
    Name(String),
}

/// A project as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectChoice {
    /// By its id.
    Id(ProjectId),
    /// By its name in a domain; in the user's own if none is given.
    Name(String, Option<DomainChoice>),
}

/// A user as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserChoice {
    /// By its id.
    Id(UserId),
    /// By its name in a domain.
    Name(String, DomainChoice),
}

/// What shows who asks for a token.
#[derive(Clone)]
pub enum Identity {
    /// A password.
    Password {
        /// Whose.
        user: UserChoice,
        /// The password.
        password: Zeroizing<String>,
    },
    /// A token that is good; the new one does not outlive it (IAM-4).
    Token(Zeroizing<String>),
}

impl fmt::Debug for Identity {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { user, .. } => write!(f, "Password({user:?}, ..)"),
            Self::Token(_) => f.write_str("Token(..)"),
        }
    }
}

/// What the new token is good for (related services, 2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedScope {
    /// Not said: the user's default project, or nothing.
    Absent,
    /// Nothing.
    Unscoped,
    /// A project.
    Project(ProjectChoice),
    /// A domain.
    Domain(DomainChoice),
}

/// A request for a token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Who asks.
    pub identity: Identity,
    /// What for.
    pub scope: WantedScope,
}

/// A token, and who holds it.
#[derive(Clone)]
pub struct IssuedToken {
    /// What the client sends from now on.
    pub token: Zeroizing<String>,
    /// Who and what for.
    pub holder: Caller,
}

impl fmt::Debug for IssuedToken {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("holder", &self.holder).finish_non_exhaustive()
    }
}

/// What a token is looked up by; none for text that cannot be one.
pub(super) fn token_hash(token: &str) -> Option<TokenHash> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if token.len() != TOKEN_LEN || !token.bytes().all(is_letter) {
        return None;
    }
    digest(&SHA256, token.as_bytes()).as_ref().try_into().ok().map(TokenHash)
}

fn random_token(rng: &dyn Rng) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    rng.fill(bytes.as_mut());
    Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()))
}

impl Service {
    /// Issues a token. Everything that is wrong is [`Error::Unauthenticated`] (IAM-1, IAM-5).
    pub async fn token_issue(&self, request: TokenRequest) -> Result<IssuedToken, Error> {
        let began = self.0.clock.monotonic();
        let issued = self.issue(request).await;
        if matches!(issued, Err(Error::Unauthenticated)) {
            let passed = self.0.clock.monotonic().saturating_sub(began);
            self.0.clock.sleep(REFUSAL.saturating_sub(passed)).await;
        }
        issued
    }

    async fn issue(&self, request: TokenRequest) -> Result<IssuedToken, Error> {
        let who = match request.identity {
            Identity::Password { user, password } => self.log_in(user, password).await?,
            Identity::Token(token) => self.authenticate_token(&token).await?.into(),
        };
        let place = self.find_place(&who, request.scope).await?;
        let has_failures = who.has_failures;
        let holder = self.holder(who, place);
        let token = random_token(&*self.0.rng);
        let row = NewToken {
            hash: token_hash(&token).ok_or_else(|| Error::internal("our token is none"))?,
            user_id: holder.user_id,
            scope: holder.scope,
            methods: holder.methods.join(","),
            issued_at: holder.issued_at,
            expires_at: holder.expires_at,
        };
        let tx = self.0.db.begin().await?;
        if has_failures {
            tx.user_lock(row.user_id, None).await?;
        }
        tx.token_insert(&row).await?;
        tx.commit().await?;
        Ok(IssuedToken { token, holder })
    }

    /// Who holds the new token.
    fn holder(&self, who: Applicant, place: Place) -> Caller {
        let now = self.0.clock.now();
        let end = now.plus(self.0.settings.token_life);
        Caller {
            user_id: who.user_id,
            user_name: who.user_name,
            domain_id: who.domain_id,
            domain_name: who.domain_name,
            scope: place.scope,
            project_name: place.project_name,
            roles: place.roles,
            methods: vec![who.method.to_owned()],
            issued_at: now,
            expires_at: who.until.map_or(end, |until| until.min(end)),
        }
    }

    /// Who holds `token`; a caller may look at its own tokens, an administrator at those of its
    /// domain.
    pub async fn token_show(&self, caller: &Caller, token: &str) -> Result<Caller, Error> {
        let no_token = || Error::NotFound(Noun::Token);
        let hash = token_hash(token).ok_or_else(no_token)?;
        let holder = self.0.db.token_holder(hash, self.0.clock.now()).await?;
        let holder = holder.map(Caller::from).ok_or_else(no_token)?;
        let is_own = holder.user_id == caller.user_id;
        let is_near = holder.domain_id == caller.domain_id;
        if is_own || (is_near && self.is_administrator(caller).await?) {
            Ok(holder)
        } else {
            Err(no_token())
        }
    }

    /// Revokes a token, with the same rights.
    pub async fn token_revoke(&self, caller: &Caller, token: &str) -> Result<(), Error> {
        self.token_show(caller, token).await?;
        let hash = token_hash(token).ok_or(Error::NotFound(Noun::Token))?;
        let tx = self.0.db.begin().await?;
        // Whoever else revoked it meanwhile wanted the same.
        tx.token_delete(hash).await?;
        Ok(tx.commit().await?)
    }
}
