//! The catalogue: where each service is (related-services, 1.3).
//!
//! # Why
//! Clients look services up by exact type, take the first entry of their interface and region, and
//! build their paths on its address, which they use as it stands; some derive the address of one
//! service from that of another. So all services of the contract stand here. One that is not served
//! yet answers with an error in its own shape, which says more than a client that finds no entry.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::{Value, json};
use strongroom_base::ids::to_hex;
use strongroom_control::Settings;
use strongroom_model::ProjectId;

use super::directory::link_schema;
use crate::schema::{Schema, boolean, list, named, object, one_of, plain_id, text};

/// Which of a service's addresses clients may ask for; they are all the same.
const INTERFACES: [&str; 3] = ["public", "internal", "admin"];

/// A service, and what follows the server's address; `{pid}` is the project.
const SERVICES: [(&str, &str); 17] = [
    ("identity", "/iam/v3"),
    ("compute", "/ecs/v2.1/{pid}"),
    ("ecs", "/ecs/v1/{pid}"),
    ("volumev2", "/evs/v2/{pid}"),
    ("volumev3", "/evs/v3/{pid}"),
    ("image", "/ims"),
    ("network", "/vpc"),
    ("vpc", "/vpc/v1/{pid}"),
    ("sfsturbo", "/sfs-turbo/v1/{pid}"),
    ("cts", "/cts/v1.0/{pid}"),
    ("ctsv2", "/cts/v2.0/{pid}"),
    ("ctsv3", "/cts/v3/{pid}"),
    ("smnv2", "/smn/v2/{pid}"),
    ("smn", "/smn/v2/{pid}"),
    ("ces", "/ces/V1.0/{pid}"),
    (TMS, "/tms/v1.0"),
    ("cbr", "/cbr/v3/{pid}"),
];
const TMS: &str = "tms";
const OBJECT: &str = "object";

/// A service with its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    id: String,
    name: &'static str,
    #[serde(rename = "type")]
    service_type: &'static str,
    endpoints: Vec<Endpoint>,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Endpoint {
    id: String,
    interface: &'static str,
    region: String,
    region_id: String,
    url: String,
}

/// The catalogue of somebody who is scoped to `project`, or to none: then what has no project in its
/// address.
pub(crate) fn catalog(settings: &Settings, project: Option<ProjectId>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, path) in SERVICES {
        let path = match project {
            Some(project) => path.replace("{pid}", &project.to_string()),
            None if path.contains("{pid}") => continue,
            None => path.to_owned(),
        };
        entries.push(entry(settings, name, &format!("{}{path}", settings.public_url)));
    }
    if let Some(url) = &settings.object_url {
        entries.push(entry(settings, OBJECT, url));
    }
    entries
}

fn entry(settings: &Settings, name: &'static str, url: &str) -> Entry {
    // The region of its own comes first: the first that fits is taken.
    let mut regions = vec![settings.region.as_str()];
    if name == "identity" {
        regions.push("*");
    }
    let endpoints = regions.iter().flat_map(|region| {
        INTERFACES.map(|interface| Endpoint {
            id: id_of(&[name, region, interface]),
            interface,
            region: (*region).to_owned(),
            region_id: (*region).to_owned(),
            url: url.to_owned(),
        })
    });
    Entry { id: id_of(&[name]), name, service_type: name, endpoints: endpoints.collect() }
}

/// An id that is the same after every start.
fn id_of(parts: &[&str]) -> String {
    let hash = digest(&SHA256, parts.join("/").as_bytes());
    to_hex(hash.as_ref().get(..16).unwrap_or_default())
}

/// An [`Entry`], described.
pub(crate) fn schema() -> Schema {
    let endpoint = object([
        ("id", plain_id()),
        ("interface", one_of(INTERFACES)),
        ("region", text()),
        ("region_id", text()),
        ("url", text()),
    ]);
    let entry = object([
        ("id", plain_id()),
        ("name", text()),
        ("type", text()),
        ("endpoints", list(endpoint)),
    ]);
    named("CatalogEntry", entry)
}

/// One of [`endpoints`], described.
pub(crate) fn endpoint_schema() -> Schema {
    let endpoint = object([
        ("id", plain_id()),
        ("interface", one_of(INTERFACES)),
        ("region", text()),
        ("region_id", text()),
        ("service_id", plain_id()),
        ("url", text()),
        ("enabled", boolean()),
        ("links", link_schema()),
    ]);
    named("Endpoint", endpoint)
}

/// One of [`services`], described.
pub(crate) fn service_schema() -> Schema {
    let service = object([
        ("id", plain_id()),
        ("name", text()),
        ("type", text()),
        ("enabled", boolean()),
        ("links", link_schema()),
    ]);
    named("Service", service)
}

/// The addresses one by one, without a project's. That of TMS has the region in it, by which one
/// client finds it here.
pub(crate) fn endpoints(settings: &Settings, interface: Option<&str>) -> Vec<Value> {
    let wanted = |found: &str| interface.is_none_or(|interface| interface == found);
    catalog(settings, None)
        .iter()
        .flat_map(|entry| entry.endpoints.iter().map(move |endpoint| (entry, endpoint)))
        .filter(|(_, endpoint)| wanted(endpoint.interface))
        .map(|(entry, endpoint)| {
            let link = format!("{}/iam/v3/endpoints/{}", settings.public_url, endpoint.id);
            json!({
                "id": endpoint.id,
                "interface": endpoint.interface,
                "region": endpoint.region,
                "region_id": endpoint.region_id,
                "service_id": entry.id,
                "url": match entry.service_type {
                    TMS => format!("{}/tms/{}/v1.0", settings.public_url, settings.region),
                    _ => endpoint.url.clone(),
                },
                "enabled": true,
                "links": {"self": link},
            })
        })
        .collect()
}

/// The services.
pub(crate) fn services(settings: &Settings) -> Vec<Value> {
    let object = settings.object_url.is_some().then_some(OBJECT);
    let names = SERVICES.iter().map(|(name, _)| *name).chain(object);
    names
        .map(|name| {
            let id = id_of(&[name]);
            let link = format!("{}/iam/v3/services/{id}", settings.public_url);
            json!({"id": id, "name": name, "type": name, "enabled": true, "links": {"self": link}})
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;

    fn urls(project: Option<ProjectId>, object: Option<&str>) -> Vec<(&'static str, String)> {
        let settings = Settings { object_url: object.map(str::to_owned), ..settings() };
        catalog(&settings, project)
            .into_iter()
            .map(|entry| (entry.service_type, entry.endpoints[0].url.clone()))
            .collect()
    }

    #[test]
    fn catalog_has_every_service_of_the_contract() {
        let project = ProjectId([0xab; 16]);
        let base = settings().public_url;
        let found = urls(Some(project), Some("http://store.test:9000"));
        assert_eq!(found.len(), 18);
        for (name, url) in [
            ("identity", format!("{base}/iam/v3")),
            ("image", format!("{base}/ims")),
            ("network", format!("{base}/vpc")),
            ("ces", format!("{base}/ces/V1.0/{project}")),
            ("cbr", format!("{base}/cbr/v3/{project}")),
            ("object", "http://store.test:9000".to_owned()),
        ] {
            assert!(found.contains(&(name, url)), "{name}");
        }
        assert_eq!(found[0].0, "identity");
        assert!(urls(Some(project), None).iter().all(|(name, _)| *name != "object"));
    }

    #[test]
    fn catalog_without_a_project_has_what_needs_none() {
        let names: Vec<_> = urls(None, None).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["identity", "image", "network", "tms"]);
    }

    #[test]
    fn endpoint_of_tms_names_the_region() {
        let settings = settings();
        let url = format!("{}/tms/{}/v1.0", settings.public_url, settings.region);
        let found = endpoints(&settings, Some("public"));
        assert!(found.iter().any(|endpoint| endpoint["url"] == url), "{found:?}");
    }

    #[test]
    fn identity_names_its_region_before_all_regions() {
        let entries = catalog(&settings(), None);
        let regions: Vec<&str> =
            entries[0].endpoints.iter().map(|endpoint| endpoint.region.as_str()).collect();
        assert_eq!(regions, ["eu-test", "eu-test", "eu-test", "*", "*", "*"]);
        let mut ids: Vec<&str> = entries[0].endpoints.iter().map(|of| of.id.as_str()).collect();
        ids.dedup();
        assert_eq!(ids.len(), 6);
    }
}
