//! Tags of vaults (contract, 4.9).

use strongroom_model::action::Action;
use strongroom_model::audit::AuditEvent;
use strongroom_model::filter::TagQuery;
use strongroom_model::tag::{LooseKey, TagKey, TagValue};
use strongroom_model::{Refusal, Tag, Tags, Vault, VaultId};

use super::VaultPage;
use super::vaults::locked;
use crate::caller::OpContext;
use crate::error::{Error, Noun};
use crate::service::Service;

/// What is done with many tags at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagChange {
    /// They are added; a key that is there gets the new value.
    Create(Tags),
    /// They are taken away, whatever their values; what is not there is ignored.
    Delete(Vec<LooseKey>),
}

impl Service {
    /// A vault's tags.
    pub async fn vault_tags(&self, cx: &OpContext, vault: VaultId) -> Result<Tags, Error> {
        self.authorize(cx, Action::VaultGetTags).await?;
        let found = self.0.db.vault_get(cx.project, vault).await?;
        Ok(found.ok_or(Error::NotFound(Noun::Vault))?.vault.tags)
    }

    /// Adds a tag, or gives it another value.
    pub async fn vault_tag_set(
        &self,
        cx: &OpContext,
        vault: VaultId,
        tag: Tag,
    ) -> Result<(), Error> {
        let tags = Tags::new(vec![tag])?;
        let quota = &self.0.settings.quota;
        let change = |present: &Tags| present.add(&tags, quota);
        self.change_tags(cx, Action::VaultSetTags, AuditEvent::CreateVaultTag, vault, change).await
    }

    /// Takes a tag away; `Refused(TagAbsent)` if there is none.
    pub async fn vault_tag_delete(
        &self,
        cx: &OpContext,
        vault: VaultId,
        key: &LooseKey,
    ) -> Result<(), Error> {
        let change = |present: &Tags| present.remove(key);
        let event = AuditEvent::DeleteVaultTag;
        self.change_tags(cx, Action::VaultDeleteTags, event, vault, change).await
    }

    /// Changes many tags.
    pub async fn vault_tags_change(
        &self,
        cx: &OpContext,
        vault: VaultId,
        change: TagChange,
    ) -> Result<(), Error> {
        let quota = &self.0.settings.quota;
        let change = |present: &Tags| match &change {
            TagChange::Create(tags) => present.add(tags, quota),
            TagChange::Delete(keys) => Ok(present.remove_all(keys)),
        };
        let event = AuditEvent::BulkVaultTags;
        self.change_tags(cx, Action::VaultBulkTags, event, vault, change).await
    }

    async fn change_tags(
        &self,
        cx: &OpContext,
        action: Action,
        event: AuditEvent,
        id: VaultId,
        change: impl Fn(&Tags) -> Result<Tags, Refusal>,
    ) -> Result<(), Error> {
        let change = &change;
        let work = || async move {
            let tx = self.0.db.begin().await?;
            let stored = locked(&tx, cx, id).await?;
            stored.vault.may_change()?;
            let tags = change(&stored.vault.tags)?;
            let vault = Vault { tags, ..stored.vault };
            tx.vault_update(&vault).await?;
            let subject = (Some(id.to_string()), Some(vault.name.to_string()));
            tx.audit_insert(&self.audit(cx, event, subject.0, subject.1)).await?;
            Ok(tx.commit().await?)
        };
        self.perform(cx, action, Some(id.to_string()), work).await
    }

    /// All keys of the project's vaults, each with its values, in order.
    pub async fn project_tags(
        &self,
        cx: &OpContext,
    ) -> Result<Vec<(TagKey, Vec<TagValue>)>, Error> {
        self.authorize(cx, Action::VaultListProjectTags).await?;
        let mut tags: Vec<(TagKey, Vec<TagValue>)> = Vec::new();
        for (key, value) in self.0.db.vault_tags_of_project(cx.project).await? {
            match tags.last_mut() {
                Some((last, values)) if *last == key => values.push(value),
                _ => tags.push((key, vec![value])),
            }
        }
        Ok(tags)
    }

    /// The vaults that fit a query by tags, from `offset` on.
    pub async fn vault_find_by_tags(
        &self,
        cx: &OpContext,
        query: &TagQuery,
        limit: u16,
        offset: u64,
    ) -> Result<VaultPage, Error> {
        self.authorize(cx, Action::VaultListResourceInstances).await?;
        let list = self.0.db.vault_list_by_tags(cx.project, query, limit.into(), offset).await?;
        self.vault_page(list).await
    }
}
