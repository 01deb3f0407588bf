//! Requests to restore (contract, 4.5).

use serde_json::Value;
use strongroom_control::cbr::NewRestore;
use strongroom_model::backup::Mapping;

use crate::failure::Failure;
use crate::invalid::Invalid;
use crate::json::Object;
use crate::schema::{Schema, boolean, id, list, request};

/// What [`read`] reads.
pub(crate) fn schema() -> Schema {
    let mapping = request([("backup_id", id()), ("volume_id", id())], []);
    let restore = request(
        [],
        [
            ("server_id", id()),
            ("mappings", list(mapping)),
            ("volume_id", id()),
            ("power_on", boolean()),
        ],
    );
    request([("restore", restore)], [])
}

/// Reads the body. Which target a backup needs depends on the backup, so it is not asked here.
pub(crate) fn read(body: &Value) -> Result<NewRestore, Failure> {
    let restore = Object::inside(body, "restore")?;
    let mappings = restore.list("mappings")?.unwrap_or_default();
    let mappings = mappings.iter().map(|item| read_mapping(&item.object()?));
    Ok(NewRestore {
        server_id: restore.id("server_id")?,
        mappings: mappings.collect::<Result<_, _>>()?,
        volume_id: restore.id("volume_id")?,
        power_on: restore.boolean("power_on")?.unwrap_or(true),
    })
}

fn read_mapping(mapping: &Object<'_>) -> Result<Mapping, Invalid> {
    Ok(Mapping {
        backup: mapping.id_required("backup_id")?,
        disk: mapping.id_required("volume_id")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "0daac4c5-6707-4851-97ba-169e36266b66";

    #[test]
    fn read_takes_what_clients_send() {
        let bare = read(&json!({"restore": {"volume_id": ID, "mappings": []}})).unwrap();
        assert!(bare.power_on && bare.mappings.is_empty() && bare.server_id.is_none());
        let server = json!({"restore": {
            "server_id": ID,
            "power_on": false,
            "mappings": [{"backup_id": ID, "volume_id": ID}],
        }});
        let server = read(&server).unwrap();
        assert!(!server.power_on && server.mappings.len() == 1);
    }

    // proves: API-8
    #[test]
    fn read_names_what_is_wrong() {
        for (restore, expected) in [
            (json!({"volume_id": "x"}), "restore.volume_id must be a UUID"),
            (json!({"server_id": 1}), "restore.server_id must be a string"),
            (json!({"mappings": {}}), "restore.mappings must be a list"),
            (
                json!({"mappings": [{"backup_id": ID}]}),
                "restore.mappings[0].volume_id must be present",
            ),
            (json!({"power_on": "false"}), "restore.power_on must be true or false"),
        ] {
            match read(&json!({"restore": restore})) {
                Err(Failure::Invalid(invalid)) => assert_eq!(invalid.message, expected),
                other => panic!("{other:?}"),
            }
        }
        assert!(read(&json!({})).is_err());
    }
}
