//! Backups as people name them: a whole id, the beginning of one, or `latest`.

use anyhow::Result;
use strongroom_base::ids::ManifestId;
use strongroom_repo::{BackupEntry, Catalog};

use crate::failure::{Failure, Kind};

/// Digits that are shown at least.
const SHORT: usize = 8;

/// The backup that `text` names, deleted ones included.
pub(crate) fn find<'a>(catalog: &'a Catalog, text: &str) -> Result<&'a BackupEntry> {
    if text == "latest" {
        let none = || {
            Failure::new(Kind::NotFound, "there is no backup yet")
                .hint("`strongroom repo backup --disk PATH` makes one")
        };
        return Ok(catalog.latest(&[]).ok_or_else(none)?);
    }
    let matches: Vec<_> =
        catalog.backups.iter().filter(|entry| entry.id.to_string().starts_with(text)).collect();
    match matches.as_slice() {
        [entry] if !text.is_empty() => Ok(entry),
        [] => Err(Failure::new(Kind::NotFound, format!("no backup {text}"))
            .hint("`strongroom repo list` shows the backups; `latest` is the newest one")
            .into()),
        several => {
            let ids: Vec<_> = several.iter().map(|entry| entry.id.to_string()).collect();
            Err(Failure::usage(format!("{text:?} is the beginning of {} ids", ids.len()))
                .hint(format!("write more of one: {}", ids.join(", ")))
                .into())
        }
    }
}

/// How many digits tell all backups of the catalog apart.
pub(crate) fn short_len(catalog: &Catalog) -> usize {
    let mut ids: Vec<_> = catalog.backups.iter().map(|entry| entry.id.to_string()).collect();
    ids.sort_unstable();
    let same = ids.windows(2).map(|pair| match pair {
        [a, b] => a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count(),
        _ => 0,
    });
    same.max().map_or(SHORT, |same| SHORT.max(same + 1))
}

/// The first `len` digits of an id.
pub(crate) fn shorten(id: ManifestId, len: usize) -> String {
    format!("{:.len$}", id.to_string())
}

#[cfg(test)]
mod tests {
    use strongroom_base::Timestamp;
    use strongroom_repo::{BackupCost, Manifest};

    use super::*;

    fn entry(text: &str, created: u64, deleted: bool) -> BackupEntry {
        BackupEntry {
            id: text.parse().unwrap(),
            manifest: Manifest {
                created: Timestamp(created),
                parents: Vec::new(),
                disks: Vec::new(),
                server: None,
                description: String::new(),
                cost: BackupCost::default(),
            },
            deleted: deleted.then_some(Timestamp(9)),
            held_until: None,
        }
    }

    #[test]
    fn find_takes_unique_beginnings_and_latest() {
        let a = "0123456789abcdef0000000000000000";
        let b = "0123456789abcdee0000000000000000";
        let catalog =
            Catalog { backups: vec![entry(a, 1, false), entry(b, 2, true)], damaged: Vec::new() };
        let check = |text: &str, expected: Option<&str>| {
            let found = find(&catalog, text).ok().map(|entry| entry.id.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check(a, Some(a));
        check("0123456789abcdee", Some(b));
        check("0123456789abcde", None);
        check("", None);
        check("f", None);
        check("latest", Some(a));
        assert_eq!(short_len(&catalog), 16);
        assert_eq!(shorten(catalog.backups[0].id, 16), "0123456789abcdef");
    }
}
