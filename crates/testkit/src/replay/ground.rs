//! What was there before a record began: projects, and resources to protect.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;

use super::ids::Ids;
use crate::server::Server;
use crate::trace::{Exchange, Request, Trace};

/// The first projects of the recorded installations, and their second ones.
const FIRST: [&str; 2] = ["0a1b2c3d4e5f60718293a4b5c6d7e8f9", "0123456789abcdef0123456789abcdef"];
pub(super) const SECOND: [&str; 2] =
    ["1b2c3d4e5f60718293a4b5c6d7e8f90a", "fedcba9876543210fedcba9876543210"];
/// The size of a resource of which the record says none, in GiB.
const SIZE: u64 = 10;

/// Whether set-up was done by a service that we do not have, and is done by adoption instead.
pub(super) fn is_made_otherwise(request: &Request) -> bool {
    request.path.contains("/cloudservers")
}

/// Makes it, and says which recorded id is which.
pub(super) fn prepare(server: &Server, trace: &Trace) -> Result<Ids> {
    let mut ids = Ids::default();
    let (first, second) = (server.admin.project_id, server.add_project("second")?);
    for recorded in FIRST {
        ids.learn(recorded, &first.to_string());
    }
    for recorded in SECOND {
        ids.learn(recorded, &second.to_string());
    }
    let mut given = BTreeSet::new();
    for exchange in &trace.exchanges {
        if exchange.request.is_set_up() && exchange.request.method == "POST" {
            make_server(server, trace, exchange, &mut ids)?;
        }
        for (id, kind) in resources(&exchange.request) {
            if !given.contains(&id) && ids.get(&id).is_none() {
                make_resource(server, trace, &id, &kind, &mut ids)?;
            }
        }
        if let Some(body) = &exchange.response.body {
            visit(body, &mut |object| {
                given.extend(object["id"].as_str().map(str::to_owned));
                given.extend(object["entities"]["volume_id"].as_str().map(str::to_owned));
            });
        }
    }
    Ok(ids)
}

/// Id and type of the resources that a request puts into a vault.
fn resources(request: &Request) -> Vec<(String, String)> {
    let Some(body) = request.body.as_ref().filter(|_| request.is_write()) else {
        return Vec::new();
    };
    let list = body.pointer("/vault/resources").or(body.get("resources"));
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|it| Some((it["id"].as_str()?.to_owned(), it["type"].as_str()?.to_owned())))
        .collect()
}

/// A server that set-up made through the API of servers.
fn make_server(server: &Server, trace: &Trace, exchange: &Exchange, ids: &mut Ids) -> Result<()> {
    let body = exchange.request.body.as_ref().unwrap_or(&Value::Null);
    let Some(wanted) = body.get("server") else { return Ok(()) };
    let size = |volume: &Value| volume["size"].as_u64().unwrap_or(SIZE);
    let mut sizes = vec![size(&wanted["root_volume"])];
    sizes.extend(wanted["data_volumes"].as_array().into_iter().flatten().map(size));
    let answer = exchange.response.body.as_ref().unwrap_or(&Value::Null);
    let id = answer["serverIds"][0].as_str().unwrap_or_default();
    let name = wanted["name"].as_str().unwrap_or("srv");
    // As the recorded service called them.
    let disks: Vec<_> = sizes.iter().map(|size| ("disk".to_owned(), *size)).collect();
    let real = server.adopt_server(name, &disks)?;
    learn_server(trace, id, &real, ids);
    Ok(())
}

fn make_resource(
    server: &Server,
    trace: &Trace,
    id: &str,
    kind: &str,
    ids: &mut Ids,
) -> Result<()> {
    let has_size = |object: &Value| object["id"] == id && object["size"].is_u64();
    let facts = find(trace, &|object| has_size(object) && object["detail"].is_object());
    let facts = facts.or_else(|| find(trace, &has_size));
    let name = facts.as_ref().and_then(|it| it["name"].as_str().map(str::to_owned));
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("r-{id}"));
    let size = facts.as_ref().and_then(|it| it["size"].as_u64()).unwrap_or(SIZE);
    match kind {
        "OS::Nova::Server" => {
            let mut disks = disks_of(trace, id);
            if disks.is_empty() {
                disks.push(Part { size, ..Part::default() });
            }
            let named = disks.iter().enumerate().map(|(at, disk)| disk.named(&name, at));
            let real = server.adopt_server(&name, &named.collect::<Vec<_>>())?;
            learn_server(trace, id, &real, ids);
        }
        "OS::Cinder::Volume" => {
            let real = server.adopt_disk(&name, size)?;
            ids.learn(id, real["id"].as_str().unwrap_or_default());
        }
        _ => ids.give_up(id),
    }
    Ok(())
}

fn learn_server(trace: &Trace, id: &str, real: &Value, ids: &mut Ids) {
    ids.learn(id, real["id"].as_str().unwrap_or_default());
    let disks = real["disks"].as_array().into_iter().flatten();
    for (part, disk) in disks_of(trace, id).iter().zip(disks) {
        ids.learn(&part.id, disk["id"].as_str().unwrap_or_default());
    }
}

/// A disk of a server.
#[derive(Debug, Default)]
struct Part {
    id: String,
    name: Option<String>,
    size: u64,
}

impl Part {
    fn named(&self, server: &str, at: usize) -> (String, u64) {
        (self.name.clone().unwrap_or_else(|| format!("{server}-{at}")), self.size)
    }
}

/// A server's disks, as its backups, the list of what can be protected, or the server itself show
/// them; the one that it boots from is the first.
fn disks_of(trace: &Trace, server: &str) -> Vec<Part> {
    let has = |object: &Value, list: &str| object[list].as_array().is_some_and(|it| !it.is_empty());
    let attached = "os-extended-volumes:volumes_attached";
    let is_backup = |it: &Value| it["resource_id"] == server && has(it, "children");
    let is_protectable = |it: &Value| it["id"] == server && has(it, "children");
    let is_server = |it: &Value| it["id"] == server && has(it, attached);
    let backup = find(trace, &is_backup);
    let mut disks = if let Some(found) = find(trace, &is_protectable) {
        parts(&found["children"], ["id", "name", "size"])
    } else if let Some(found) = &backup {
        parts(&found["children"], ["resource_id", "resource_name", "resource_size"])
    } else {
        find(trace, &is_server).map_or_else(Vec::new, |it| parts(&it[attached], ["id", "", ""]))
    };
    disks.sort_by_key(|(is_data, _)| *is_data);
    disks.into_iter().map(|(_, part)| part).collect()
}

/// The disks of a list, and whether each is none to boot from.
fn parts(list: &Value, [id, name, size]: [&str; 3]) -> Vec<(bool, Part)> {
    let part = |disk: &Value| {
        let is_system = disk["extend_info"]["system_disk"] == true
            || disk["bootIndex"] == "0"
            || disk["detail"]["bootable"] == "true";
        let part = Part {
            id: disk[id].as_str().unwrap_or_default().to_owned(),
            name: disk[name].as_str().map(str::to_owned),
            size: disk[size].as_u64().unwrap_or(SIZE),
        };
        (!is_system, part)
    };
    list.as_array().into_iter().flatten().map(part).collect()
}

/// The first object in any answer that is wanted.
fn find(trace: &Trace, is_wanted: &dyn Fn(&Value) -> bool) -> Option<Value> {
    let mut found = None;
    for body in trace.exchanges.iter().filter_map(|exchange| exchange.response.body.as_ref()) {
        visit(body, &mut |object| {
            if found.is_none() && is_wanted(object) {
                found = Some(object.clone());
            }
        });
    }
    found
}

fn visit(value: &Value, see: &mut dyn FnMut(&Value)) {
    match value {
        Value::Object(fields) => {
            see(value);
            fields.values().for_each(|value| visit(value, see));
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, see)),
        _ => {}
    }
}
