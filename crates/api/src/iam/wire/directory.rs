//! Projects, domains and users (related-services, 2.1).

use serde_json::{Value, json};
use strongroom_model::domain::Domain;
use strongroom_model::project::Project;
use strongroom_model::user::User;

use crate::form::Gives;
use crate::schema::{
    Schema, boolean, list as list_schema, named, null, nullable, object, plain_id, text,
};

/// A project; what belongs to no project belongs to the domain, which so is its parent.
pub(crate) fn project(project: &Project, base: &str) -> Value {
    json!({
        "id": project.id,
        "name": project.name,
        "domain_id": project.domain_id,
        "parent_id": project.domain_id,
        "enabled": project.is_enabled,
        "is_domain": false,
        "description": project.description,
        "links": {"self": format!("{base}/iam/v3/projects/{}", project.id)},
    })
}

/// A domain.
pub(crate) fn domain(domain: &Domain, base: &str) -> Value {
    json!({
        "id": domain.id,
        "name": domain.name,
        "enabled": domain.is_enabled,
        "description": "",
        "links": {"self": format!("{base}/iam/v3/domains/{}", domain.id)},
    })
}

/// A user. An integer `status` is left out: one client cannot read it (related-services, 2.2).
pub(crate) fn user(user: &User, base: &str) -> Value {
    json!({
        "id": user.id,
        "name": user.name,
        "domain_id": user.domain_id,
        "enabled": user.is_enabled,
        "description": user.description,
        "password_expires_at": null,
        "default_project_id": user.default_project_id,
        "links": {"self": format!("{base}/iam/v3/users/{}", user.id)},
        "pwd_status": false,
    })
}

/// A list under its key with the links that Keystone's lists have.
pub(crate) fn list(key: &str, items: &[Value], base: &str, path: &str) -> Value {
    let link = format!("{base}/iam/v3/{path}");
    json!({key: items, "links": {"self": link, "next": null, "previous": null}})
}

/// The link to a thing itself.
pub(crate) fn link_schema() -> Schema {
    object([("self", text())])
}

/// [`project`], described.
pub(crate) fn project_schema() -> Schema {
    let project = object([
        ("id", plain_id()),
        ("name", text()),
        ("domain_id", plain_id()),
        ("parent_id", plain_id()),
        ("enabled", boolean()),
        ("is_domain", boolean()),
        ("description", text()),
        ("links", link_schema()),
    ]);
    named("Project", project)
}

/// [`domain`], described.
pub(crate) fn domain_schema() -> Schema {
    let domain = object([
        ("id", plain_id()),
        ("name", text()),
        ("enabled", boolean()),
        ("description", text()),
        ("links", link_schema()),
    ]);
    named("Domain", domain)
}

/// [`user`], described.
pub(crate) fn user_schema() -> Schema {
    let user = object([
        ("id", plain_id()),
        ("name", text()),
        ("domain_id", plain_id()),
        ("enabled", boolean()),
        ("description", text()),
        ("password_expires_at", null()),
        ("default_project_id", nullable(plain_id())),
        ("links", link_schema()),
        ("pwd_status", boolean()),
    ]);
    named("User", user)
}

/// [`list`], described.
pub(crate) fn listed(key: &str, entry: Schema) -> Gives {
    Gives::Json(object([(key, list_schema(entry)), ("links", list_links_schema())]))
}

fn list_links_schema() -> Schema {
    named("ListLinks", object([("self", text()), ("next", null()), ("previous", null())]))
}
