//! Tags of vaults: which there are, and the vaults that have them (contract, 4.9).

use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use strongroom_model::ProjectId;
use strongroom_model::filter::{Match, TagQuery, TagTerm};
use strongroom_model::tag::{TagKey, TagValue};

use super::vault_list::{VaultList, newest_first};
use super::vault_row::StoredVault;
use crate::dialect::Dialect;
use crate::entity::cbr_vault::{Column, Entity};
use crate::entity::cbr_vault_tag;
use crate::entity::cbr_vault_tag::Column as Tag;
use crate::row::Row;
use crate::{Db, DbError};

impl Db {
    /// The tags that a project's vaults have, each once, by key and value.
    pub async fn vault_tags_of_project(
        &self,
        project: ProjectId,
    ) -> Result<Vec<(TagKey, TagValue)>, DbError> {
        let query = cbr_vault_tag::Entity::find()
            .select_only()
            .columns([Tag::Key, Tag::Value])
            .distinct()
            .filter(Tag::ProjectId.eq(project.to_string()))
            .order_by_asc(Tag::Key)
            .order_by_asc(Tag::Value)
            .into_tuple::<(String, String)>();
        let found = query.all(&self.read).await.map_err(DbError::of("vault_tags_of_project"))?;
        let project = project.to_string();
        let at = Row { table: "cbr_vault_tag", id: &project };
        let tag = |(key, value)| Ok((at.text("key", key)?, at.text("value", value)?));
        found.into_iter().map(tag).collect()
    }

    /// A project's vaults that have such tags, the newest first: those after the first `offset`, at
    /// most `limit`; and how many there are in all.
    pub async fn vault_list_by_tags(
        &self,
        project: ProjectId,
        wanted: &TagQuery,
        limit: u64,
        offset: u64,
    ) -> Result<VaultList, DbError> {
        let query = "vault_list_by_tags";
        let matching = Entity::find().filter(condition(self.dialect, project, wanted));
        let count = matching.clone().count(&self.read).await.map_err(DbError::of(query))?;
        if limit == 0 || offset >= count {
            return Ok(VaultList { vaults: Vec::new(), count });
        }
        let mut rows = matching.limit(limit).offset(offset);
        for (column, order) in newest_first() {
            rows = rows.order_by(column, order);
        }
        let found = rows.all(&self.read).await.map_err(DbError::of(query))?;
        let vaults = found.into_iter().map(StoredVault::try_from).collect::<Result<_, _>>()?;
        Ok(VaultList { vaults, count })
    }
}

fn condition(dialect: Dialect, project: ProjectId, wanted: &TagQuery) -> Condition {
    let name = wanted.name.as_ref().map(|name| fits(dialect, Column::Name.into_expr(), name));
    let all = Condition::all()
        .add(Column::ProjectId.eq(project.to_string()))
        .add_option(name)
        .add_option(wanted.cloud_type.map(|cloud| Column::CloudType.eq(cloud.as_str())))
        .add_option(wanted.object.map(|object| Column::ObjectType.eq(object.as_str())));
    if wanted.is_untagged {
        return all.add(Column::Id.not_in_subquery(tagged(project)));
    }
    let has = |term: &TagTerm| Column::Id.in_subquery(having(dialect, project, term));
    let each = |terms: &[TagTerm]| terms.iter().map(has).fold(Condition::all(), Condition::add);
    let one = |terms: &[TagTerm]| terms.iter().map(has).fold(Condition::any(), Condition::add);
    let given = |terms: &[TagTerm]| !terms.is_empty();
    all.add_option(given(&wanted.tags).then(|| each(&wanted.tags)))
        .add_option(given(&wanted.tags_any).then(|| one(&wanted.tags_any)))
        .add_option(given(&wanted.not_tags).then(|| each(&wanted.not_tags).not()))
        .add_option(given(&wanted.not_tags_any).then(|| one(&wanted.not_tags_any).not()))
}

/// The vaults that have a tag.
fn tagged(project: ProjectId) -> SelectStatement {
    Query::select()
        .column(Tag::VaultId)
        .from(cbr_vault_tag::Entity)
        .and_where(Tag::ProjectId.eq(project.to_string()))
        .to_owned()
}

/// The vaults that have the term's key with one of its values.
fn having(dialect: Dialect, project: ProjectId, term: &TagTerm) -> SelectStatement {
    let values = term.values.iter().map(|value| fits(dialect, Tag::Value.into_expr(), value));
    let one = values.fold(Condition::any(), Condition::add);
    let mut vaults = tagged(project);
    vaults.and_where(Tag::Key.eq(term.key.as_str()));
    if !term.values.is_empty() {
        vaults.cond_where(one);
    }
    vaults
}

fn fits(dialect: Dialect, text: Expr, wanted: &Match) -> Expr {
    match wanted {
        Match::Is(whole) => text.eq(whole.as_str()),
        Match::Contains(part) => dialect.contains(text, part),
    }
}
