//! Tags: which a project has, and which vaults have them.

use strongroom_db::dialect::Dialect;
use strongroom_db::{Db, VaultList};
use strongroom_model::filter::{Match, TagQuery, TagTerm};
use strongroom_model::vault::{CloudType, ObjectType, Vault};
use strongroom_model::{Name, Tags};

use crate::on_both;
use crate::world::{OTHER, PROJECT, tag, vault, with_vaults, write};

on_both!(
    tags_of_a_project_are_named_once,
    vaults_are_found_by_their_tags,
    what_is_contained_is_taken_literally,
    vaults_found_by_tags_are_paged,
);

fn tagged(number: u64, tags: &[(&str, &str)]) -> Vault {
    let tags = tags.iter().map(|(key, value)| tag(key, value)).collect();
    Vault { tags: Tags::new(tags).unwrap(), ..vault(number) }
}

fn numbers(list: &VaultList) -> Vec<u8> {
    list.vaults.iter().map(|stored| stored.vault.id.0[15]).collect()
}

async fn found(db: &Db, wanted: TagQuery) -> Vec<u8> {
    let list = db.vault_list_by_tags(PROJECT, &wanted, 1000, 0).await.unwrap();
    assert_eq!(list.count, list.vaults.len() as u64);
    let other = db.vault_list_by_tags(OTHER, &wanted, 1000, 0).await.unwrap();
    assert_eq!((numbers(&other), other.count), (vec![], 0));
    numbers(&list)
}

fn term(key: &str, values: &[Match]) -> TagTerm {
    TagTerm { key: key.to_owned(), values: values.to_vec() }
}

fn is(text: &str) -> Match {
    Match::Is(text.to_owned())
}

fn contains(text: &str) -> Match {
    Match::Contains(text.to_owned())
}

async fn tags_of_a_project_are_named_once(dialect: Dialect) {
    let vaults = [tagged(1, &[("b", "2"), ("a", "")]), tagged(2, &[("b", "1"), ("a", "")])];
    let scratch = with_vaults(dialect, &vaults).await;
    let db = &scratch.db;
    let tags = db.vault_tags_of_project(PROJECT).await.unwrap();
    let tags: Vec<_> = tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(tags, [("a", ""), ("b", "1"), ("b", "2")]);
    assert!(db.vault_tags_of_project(OTHER).await.unwrap().is_empty());
    write(db, async |tx| tx.vault_update(&tagged(2, &[])).await.unwrap()).await;
    assert_eq!(db.vault_tags_of_project(PROJECT).await.unwrap().len(), 2);
}

async fn vaults_are_found_by_their_tags(dialect: Dialect) {
    let vaults = [
        tagged(1, &[("env", "prod"), ("team", "db")]),
        tagged(2, &[("env", "test"), ("team", "web")]),
        tagged(3, &[("env", "prod")]),
        tagged(4, &[]),
    ];
    let scratch = with_vaults(dialect, &vaults).await;
    let db = &scratch.db;
    let all = TagQuery::default;
    assert_eq!(found(db, all()).await, [4, 3, 2, 1]);
    let prod = || term("env", &[is("prod")]);
    let any_team = || term("team", &[]);
    let tags = vec![prod(), any_team()];
    assert_eq!(found(db, TagQuery { tags: tags.clone(), ..all() }).await, [1]);
    assert_eq!(found(db, TagQuery { tags_any: tags.clone(), ..all() }).await, [3, 2, 1]);
    assert_eq!(found(db, TagQuery { not_tags: tags.clone(), ..all() }).await, [4, 3, 2]);
    assert_eq!(found(db, TagQuery { not_tags_any: tags.clone(), ..all() }).await, [4]);
    let tags_any = vec![term("env", &[is("test"), contains("ro")])];
    assert_eq!(found(db, TagQuery { tags_any, ..all() }).await, [3, 2, 1]);
    let both = TagQuery { tags: vec![prod()], not_tags_any: vec![any_team()], ..all() };
    assert_eq!(found(db, both).await, [3]);
    assert_eq!(found(db, TagQuery { is_untagged: true, tags, ..all() }).await, [4]);
    assert!(found(db, TagQuery { tags: vec![term("prod", &[])], ..all() }).await.is_empty());
    let name = Some(is("vault-2"));
    assert_eq!(found(db, TagQuery { name, ..all() }).await, [2]);
    let name = Some(contains("ault-"));
    assert_eq!(found(db, TagQuery { name, is_untagged: true, ..all() }).await, [4]);
    let object = Some(ObjectType::Server);
    assert!(found(db, TagQuery { object, ..all() }).await.is_empty());
    let (object, cloud_type) = (Some(ObjectType::Disk), Some(CloudType::Hybrid));
    assert_eq!(found(db, TagQuery { object, ..all() }).await.len(), 4);
    assert!(found(db, TagQuery { cloud_type, ..all() }).await.is_empty());
}

async fn what_is_contained_is_taken_literally(dialect: Dialect) {
    let mut vaults = [tagged(1, &[("k", "a_b.C")]), tagged(2, &[("k", "axb")])];
    vaults[0].name = Name::parse("a_b.C").unwrap();
    let scratch = with_vaults(dialect, &vaults).await;
    let db = &scratch.db;
    let check = async |part: &str, expected: &[u8]| {
        let name = TagQuery { name: Some(contains(part)), ..TagQuery::default() };
        assert_eq!(found(db, name).await, expected, "name {part}");
        let tags = vec![term("k", &[contains(part)])];
        let value = TagQuery { tags, ..TagQuery::default() };
        assert_eq!(found(db, value).await, expected, "value {part}");
    };
    check("_", &[1]).await;
    check("a_b", &[1]).await;
    check(".C", &[1]).await;
    // Neither letters that stand for others, nor small ones for large ones.
    check(".c", &[]).await;
    check("%", &[]).await;
    check("a%C", &[]).await;
    check("\\", &[]).await;
    check("'", &[]).await;
}

async fn vaults_found_by_tags_are_paged(dialect: Dialect) {
    let vaults: Vec<_> = (1..=5).map(vault).collect();
    let scratch = with_vaults(dialect, &vaults).await;
    let check = async |limit, offset, expected: &[u8]| {
        let wanted = TagQuery::default();
        let list = scratch.db.vault_list_by_tags(PROJECT, &wanted, limit, offset).await.unwrap();
        assert_eq!((numbers(&list), list.count), (expected.to_vec(), 5));
    };
    check(2, 0, &[5, 4]).await;
    check(2, 4, &[1]).await;
    check(2, 5, &[]).await;
    check(0, 0, &[]).await;
    check(1000, u64::MAX, &[]).await;
}
