//! Changing the settings of a vault.

use strongroom_base::ByteCount;

use super::{Consistency, Threshold, Vault, VaultKind, VaultSize, VaultStatus};
use crate::bind_rules::BindRules;
use crate::name::Name;
use crate::refusal::Refusal;

/// What shall be changed; what is absent stays (R15).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VaultUpdate {
    /// Another name.
    pub name: Option<Name>,
    /// Another level of consistency (contract, 4.2).
    pub consistency: Option<Consistency>,
    /// Another size.
    pub size: Option<VaultSize>,
    /// Whether it takes in resources by itself.
    pub is_auto_bind: Option<bool>,
    /// The rules instead of the present ones.
    pub bind_rules: Option<BindRules>,
    /// Whether it grows when it is full.
    pub is_auto_expand: Option<bool>,
    /// Whether notices are sent.
    pub has_notices: Option<bool>,
    /// Another threshold.
    pub threshold: Option<Threshold>,
    /// Locks it.
    pub is_locked: Option<bool>,
}

impl Vault {
    /// The vault as `update` makes it, if it may be changed so. `used` is what it holds now.
    ///
    /// What is already as asked is no change and never refused: clients send whole documents.
    pub fn updated(&self, update: &VaultUpdate, used: ByteCount) -> Result<Self, Refusal> {
        let mut changed = self.clone();
        if let Some(consistency) = update.consistency {
            changed.kind = VaultKind::new(self.kind.object(), self.kind.protect(), consistency)?;
        }
        set(&mut changed.size, update.size.as_ref());
        set(&mut changed.name, update.name.as_ref());
        set(&mut changed.is_auto_bind, update.is_auto_bind.as_ref());
        set(&mut changed.bind_rules, update.bind_rules.as_ref());
        set(&mut changed.is_auto_expand, update.is_auto_expand.as_ref());
        set(&mut changed.has_notices, update.has_notices.as_ref());
        set(&mut changed.threshold, update.threshold.as_ref());
        set(&mut changed.is_locked, update.is_locked.as_ref());
        self.may_become(&changed, used)?;
        Ok(changed)
    }

    fn may_become(&self, changed: &Self, used: ByteCount) -> Result<(), Refusal> {
        if changed == self {
            return Ok(());
        }
        self.may_change()?;
        if self.is_locked && !changed.is_locked {
            return Err(Refusal::Unlocking);
        }
        if changed.size == self.size { Ok(()) } else { self.may_resize(changed.size, used) }
    }

    /// Whether the vault may get another size: not while one change is under way (R16), and not
    /// below what is used (R6).
    fn may_resize(&self, size: VaultSize, used: ByteCount) -> Result<(), Refusal> {
        if self.status == VaultStatus::Lock {
            return Err(Refusal::SizeChanging);
        }
        if size.bytes() < used { Err(Refusal::SizeInvalid) } else { Ok(()) }
    }
}

fn set<T: Clone>(field: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        field.clone_from(value);
    }
}
