//! Domains: the accounts that own projects and users.

use crate::id::DomainId;
use crate::name::AccountName;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its id.
    pub id: DomainId,
    /// Its name, unique in the installation.
    pub name: AccountName,
    /// Nobody of a disabled domain gets a token.
    pub is_enabled: bool,
}
