//! Whether a request and its answer are what `openapi/*.json` say.
//!
//! # Why
//! Descriptions are read by people and by programs that write clients; a key that is missing there,
//! or is of another type, is found by a user. So every answer that any test gets from a [`Server`]
//! is compared with them, and the body of every request that was not refused.
//!
//! # Not here
//! Query parameters: what is not described is ignored by the server, and so it is here. The bodies of
//! 404 and 405 where nothing is served.
//!
//! [`Server`]: crate::Server

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use strongroom_api::mount::{Mounted, Service};
use strongroom_api::openapi::DOCUMENTS;

use crate::exchange::{Answer, Ask};

static DESCRIPTIONS: LazyLock<Descriptions> = LazyLock::new(Descriptions::read);

/// Looks for what is not as described; `region` is the server's.
pub fn check(region: &str, ask: &Ask, answer: &Answer) -> Result<(), String> {
    DESCRIPTIONS.check(region, ask, answer)
}

/// All committed descriptions.
struct Descriptions {
    documents: BTreeMap<&'static str, Value>,
    /// By document and pointer; making one takes longer than using it.
    validators: Mutex<BTreeMap<(&'static str, String), Arc<Validator>>>,
}

/// A path of a document.
struct Found<'a> {
    document: &'static str,
    path: &'a str,
    operations: &'a Value,
}

impl Descriptions {
    /// # Panics
    /// When a file is not there or no JSON.
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi");
        let documents = DOCUMENTS.map(|name| {
            let file = folder.join(format!("{name}.json"));
            let text = std::fs::read_to_string(&file).expect("descriptions are committed");
            (name, serde_json::from_str(&text).expect("descriptions are JSON"))
        });
        Self { documents: documents.into(), validators: Mutex::default() }
    }

    fn check(&self, region: &str, ask: &Ask, answer: &Answer) -> Result<(), String> {
        let status = answer.status;
        // What is no request of HTTP has no answer of ours.
        if answer.header("x-request-id").is_empty() {
            return Ok(());
        }
        let path = ask.target.split('?').next().unwrap_or_default();
        let mounted = Mounted::at(path, &[region.to_owned()]);
        let Some(found) = self.find(&mounted) else {
            return expect(status == 404, "the path is not described");
        };
        let method =
            if ask.method == "HEAD" { "get".to_owned() } else { ask.method.to_lowercase() };
        let operation = &found.operations[&method];
        if operation.is_null() {
            return expect([404, 405].contains(&status), "the method is not described");
        }
        let response = &operation["responses"][status.to_string()];
        expect(!response.is_null(), &format!("status {status} is not described"))?;
        let place = format!("/paths/{}/{method}", escape(found.path));
        if status < 300 && !operation["requestBody"].is_null() {
            let place =
                format!("{place}/requestBody/content/{}/schema", escape("application/json"));
            self.fits(found.document, &place, &body_of(&ask.body)?)
                .map_err(|what| format!("the request's body: {what}"))?;
        }
        if ask.method == "HEAD" {
            return Ok(());
        }
        let place = format!("{place}/responses/{status}");
        self.check_body(found.document, &place, response, answer)
    }

    /// Checks the body of an answer with its type.
    fn check_body(
        &self,
        document: &'static str,
        place: &str,
        response: &Value,
        answer: &Answer,
    ) -> Result<(), String> {
        let Some(content) = response["content"].as_object() else {
            return expect(answer.body.is_empty(), "a body is not described");
        };
        let kind = answer.header("content-type");
        expect(content.contains_key(kind), &format!("type {kind:?} is not described"))?;
        if kind != "application/json" {
            return Ok(());
        }
        let place = format!("{place}/content/{}/schema", escape(kind));
        self.fits(document, &place, &body_of(&answer.body)?)
    }

    /// Whether a value fits the schema at a place of a document.
    fn fits(&self, document: &'static str, place: &str, value: &Value) -> Result<(), String> {
        let validator = self.validator(document, place)?;
        let wrong: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        expect(wrong.is_empty(), &wrong.join("; "))
    }

    fn validator(&self, document: &'static str, place: &str) -> Result<Arc<Validator>, String> {
        let mut known = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (document, place.to_owned());
        if let Some(validator) = known.get(&key) {
            return Ok(Arc::clone(validator));
        }
        let document = &self.documents[document];
        let schema = document.pointer(place).ok_or_else(|| format!("no schema at {place}"))?;
        let schema = json!({"allOf": [schema], "components": document["components"]});
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        let validator = options.should_validate_formats(true).build(&schema);
        let validator = Arc::new(validator.map_err(|error| format!("{place}: {error}"))?);
        known.insert(key, Arc::clone(&validator));
        Ok(validator)
    }

    /// The described path that a request has; of several, the one that is literal earliest.
    fn find(&self, mounted: &Mounted) -> Option<Found<'_>> {
        let paths = self.documents.iter().filter(|(name, _)| is_at(name, mounted)).flat_map(
            |(name, document)| {
                let paths = document["paths"].as_object().into_iter().flatten();
                paths.map(|(path, operations)| Found { document: name, path, operations })
            },
        );
        paths
            .filter_map(|found| Some((literals(found.path, &mounted.path)?, found)))
            .max_by(|(one, _), (other, _)| one.cmp(other))
            .map(|(_, found)| found)
    }
}

/// Whether a document counts under a mount: those of versions are of one service (related-services,
/// 1.1), all other paths are served everywhere.
fn is_at(document: &str, mounted: &Mounted) -> bool {
    if mounted.path.split('/').count() > 2 {
        return true;
    }
    match (document, mounted.service) {
        ("iam", None) => mounted.path != "/",
        ("iam", service) => service == Some(Service::Iam),
        ("ims", service) => service == Some(Service::Ims),
        (_, service) => matches!(service, None | Some(Service::Cbr)),
    }
}

/// For each segment of a described path, whether it is literal; none if `path` is another.
fn literals(described: &str, path: &str) -> Option<Vec<bool>> {
    if described.split('/').count() != path.split('/').count() {
        return None;
    }
    let segments = described.split('/').zip(path.split('/'));
    segments
        .map(|(segment, text)| {
            let is_literal = !segment.starts_with('{');
            (!is_literal || segment == text).then_some(is_literal)
        })
        .collect()
}

fn expect(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn body_of(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("the body is no JSON: {error}"))
}

/// A key as JSON pointers have it.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
