//! Files are named by the noun they are about; names that say only "more code" are refused.

use crate::finding::Finding;

/// Names that gather what has no home, and `mod.rs`, which hides a module's name from the editor.
const REFUSED: [&str; 9] = [
    "common.rs",
    "helper.rs",
    "helpers.rs",
    "misc.rs",
    "mod.rs",
    "structs.rs",
    "types.rs",
    "util.rs",
    "utils.rs",
];

pub(crate) fn check(path: &str) -> Option<Finding> {
    let name = path.rsplit('/').next()?;
    REFUSED
        .contains(&name)
        .then(|| Finding::failure(path, 0, "name the file by the noun it is about"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_names_without_a_noun() {
        assert!(check("crates/a/src/utils.rs").is_some());
        assert!(check("crates/a/src/pack/mod.rs").is_some());
        assert_eq!(check("crates/a/src/pack.rs"), None);
        assert_eq!(check("docs/utils.rs.md"), None);
    }
}
