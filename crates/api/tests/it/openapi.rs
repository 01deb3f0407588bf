//! The committed descriptions are those of the table.

use std::path::Path;

use serde_json::Value;
use strongroom_api::openapi::{DOCUMENTS, document};

/// Compares a description with its file; `UPDATE_GOLDEN=1` writes the file instead.
fn compare(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi");
    let file = folder.join(format!("{name}.json"));
    let mut text = serde_json::to_string_pretty(&document(name)).unwrap();
    text.push('\n');
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a golden file, written by hand")]
        std::fs::write(&file, text).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&file).unwrap();
    assert!(committed == text, "{name}: UPDATE_GOLDEN=1 writes {}", file.display());
}

// proves: API-10
#[test]
fn descriptions_are_those_of_the_table() {
    for name in DOCUMENTS {
        compare(name);
    }
}

// proves: API-10
#[test]
fn every_route_is_described_once_with_its_action() {
    let mut ids = std::collections::BTreeSet::new();
    let mut described = 0;
    for name in DOCUMENTS {
        let document = document(name);
        for operations in document["paths"].as_object().unwrap().values() {
            for operation in operations.as_object().unwrap().values() {
                described += 1;
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(format!("{name} {id}")), "{name} {id}");
                let is_in_project = id.contains("_project_id");
                assert!(!is_in_project || operation["x-action"] != Value::Null, "{id}");
            }
        }
    }
    assert_eq!(described, strongroom_api::routes().count());
}
