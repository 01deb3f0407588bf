//! Tokens (related-services, 2.2).

use serde_json::{Value, json};
use strongroom_control::Caller;
use strongroom_control::iam::{
    DomainChoice, Identity, ProjectChoice, TokenRequest, UserChoice, WantedScope,
};
use strongroom_model::{Role, Scope};
use zeroize::Zeroizing;

use super::catalog::{self, Entry};
use crate::failure::Failure;
use crate::invalid::Invalid;
use crate::json::{Object, extended};
use crate::schema::{
    Schema, any_of, id as dashed_id, list, list_of, named, object, object_with, one_of, plain_id,
    request, text, with_keys, word, zulu_time,
};
use crate::time::TimeForm;

/// What a token says about who holds it; `catalog` is left out if the client does not want it.
pub(crate) fn token(holder: &Caller, catalog: Option<&[Entry]>) -> Value {
    let time = |time| TimeForm::ZuluMicros.format(time);
    let domain = json!({"id": holder.domain_id, "name": holder.domain_name});
    let token = json!({
        "methods": holder.methods,
        "issued_at": time(holder.issued_at),
        "expires_at": time(holder.expires_at),
        "user": {
            "id": holder.user_id,
            "name": holder.user_name,
            "domain": domain,
            "password_expires_at": "",
        },
        "roles": holder.roles.iter().map(|role| self::role(*role)).collect::<Vec<_>>(),
    });
    let token = match holder.scope {
        Some(Scope::Project(id)) => {
            let project = json!({"id": id, "name": holder.project_name, "domain": domain});
            extended(token, [("project", project)])
        }
        Some(Scope::Domain(_)) => extended(token, [("domain", domain)]),
        None => token,
    };
    let token = match catalog {
        Some(catalog) => extended(token, [("catalog", json!(catalog))]),
        None => token,
    };
    json!({"token": token})
}

/// A role, with an id that is the same everywhere and always.
fn role(role: Role) -> Value {
    let number = Role::ALL.iter().position(|known| *known == role).unwrap_or_default() + 1;
    json!({"id": format!("{number:032x}"), "name": role})
}

/// [`token`], described.
pub(crate) fn schema() -> Schema {
    let domain = || named("NamedDomain", object([("id", plain_id()), ("name", text())]));
    let user = object([
        ("id", plain_id()),
        ("name", text()),
        ("domain", domain()),
        ("password_expires_at", word("")),
    ]);
    let role = object([("id", plain_id()), ("name", one_of(Role::ALL))]);
    let project = object([("id", plain_id()), ("name", text()), ("domain", domain())]);
    let token = object_with(
        [
            ("methods", list(text())),
            ("issued_at", zulu_time()),
            ("expires_at", zulu_time()),
            ("user", user),
            ("roles", list(role)),
        ],
        [("project", project), ("domain", domain()), ("catalog", list(catalog::schema()))],
    );
    named("Token", object([("token", token)]))
}

/// What [`read`] reads.
pub(crate) fn new_schema() -> Schema {
    let id = || any_of([plain_id(), dashed_id()]);
    let domain = || any_of([request([("id", id())], []), request([("name", text())], [])]);
    let with_password = |choice| with_keys(choice, [("password", text())]);
    let user = any_of([
        with_password(request([("id", id())], [])),
        with_password(request([("name", text()), ("domain", domain())], [])),
    ]);
    let identity = any_of([
        request(
            [
                ("methods", list_of(word("password"), 1, 1)),
                ("password", request([("user", user)], [])),
            ],
            [],
        ),
        request(
            [("methods", list_of(word("token"), 1, 1)), ("token", request([("id", text())], []))],
            [],
        ),
    ]);
    let project =
        any_of([request([("id", id())], []), request([("name", text())], [("domain", domain())])]);
    let scope =
        any_of([word("unscoped"), request([], [("project", project), ("domain", domain())])]);
    let auth = request([("identity", identity)], [("scope", scope)]);
    request([("auth", named("Authentication", auth))], [])
}

/// Reads a request for a token.
pub(crate) fn read(body: &Value) -> Result<TokenRequest, Failure> {
    let auth = Object::inside(body, "auth")?;
    let identity = auth.require("identity", auth.object("identity")?)?;
    Ok(TokenRequest { identity: read_identity(&identity)?, scope: read_scope(&auth)? })
}

fn read_identity(identity: &Object<'_>) -> Result<Identity, Failure> {
    let methods = identity.require("methods", identity.list("methods")?)?;
    let methods = methods.iter().map(crate::json::Item::text).collect::<Result<Vec<_>, _>>()?;
    match methods.as_slice() {
        ["password"] => {
            let password = identity.require("password", identity.object("password")?)?;
            let user = password.require("user", password.object("user")?)?;
            let secret = user.require("password", user.text("password")?)?;
            let password = Zeroizing::new(secret.to_owned());
            Ok(Identity::Password { user: read_user(&user)?, password })
        }
        ["token"] => {
            let token = identity.require("token", identity.object("token")?)?;
            let id = token.require("id", token.text("id")?)?;
            Ok(Identity::Token(Zeroizing::new(id.to_owned())))
        }
        _ => Err(identity.invalid("methods", "a list of password or token").into()),
    }
}

fn read_user(user: &Object<'_>) -> Result<UserChoice, Invalid> {
    if let Some(id) = user.id("id")? {
        return Ok(UserChoice::Id(id));
    }
    let name = user.require("name", user.text("name")?)?.to_owned();
    let domain = user.require("domain", user.object("domain")?)?;
    Ok(UserChoice::Name(name, read_domain(&domain)?))
}

fn read_domain(domain: &Object<'_>) -> Result<DomainChoice, Invalid> {
    if let Some(id) = domain.id("id")? {
        return Ok(DomainChoice::Id(id));
    }
    Ok(DomainChoice::Name(domain.require("name", domain.text("name")?)?.to_owned()))
}

/// A project wins over a domain; `"unscoped"` and `{}` ask for nothing.
fn read_scope(auth: &Object<'_>) -> Result<WantedScope, Invalid> {
    match auth.value("scope") {
        None => return Ok(WantedScope::Absent),
        Some(Value::String(text)) if text == "unscoped" => return Ok(WantedScope::Unscoped),
        Some(_) => {}
    }
    let Some(scope) = auth.object("scope")? else { return Ok(WantedScope::Absent) };
    if let Some(project) = scope.object("project")? {
        return Ok(WantedScope::Project(read_project(&project)?));
    }
    match scope.object("domain")? {
        Some(domain) => Ok(WantedScope::Domain(read_domain(&domain)?)),
        None => Ok(WantedScope::Unscoped),
    }
}

fn read_project(project: &Object<'_>) -> Result<ProjectChoice, Invalid> {
    if let Some(id) = project.id("id")? {
        return Ok(ProjectChoice::Id(id));
    }
    let name = project.require("name", project.text("name")?)?.to_owned();
    let domain = project.object("domain")?;
    let domain = domain.map(|domain| read_domain(&domain)).transpose()?;
    Ok(ProjectChoice::Name(name, domain))
}

#[cfg(test)]
mod tests {
    use strongroom_base::Timestamp;
    use strongroom_model::name::AccountName;
    use strongroom_model::{DomainId, Name, ProjectId, UserId};

    use super::*;

    fn scope(scope: &Value) -> WantedScope {
        let identity = json!({"methods": ["token"], "token": {"id": "t"}});
        read(&json!({"auth": {"identity": identity, "scope": scope}})).unwrap().scope
    }

    #[test]
    fn scope_is_what_the_table_says() {
        let project = ProjectId([1; 16]);
        let named = ProjectChoice::Name("p".into(), Some(DomainChoice::Name("d".into())));
        for (asked, expected) in [
            (Value::Null, WantedScope::Absent),
            (json!("unscoped"), WantedScope::Unscoped),
            (json!({}), WantedScope::Unscoped),
            (json!({"project": {"id": project}}), WantedScope::Project(ProjectChoice::Id(project))),
            (
                json!({"project": {"name": "p", "domain": {"name": "d"}}}),
                WantedScope::Project(named),
            ),
            (json!({"domain": {"name": "d"}}), WantedScope::Domain(DomainChoice::Name("d".into()))),
            (
                json!({"project": {"id": project}, "domain": {"name": "d"}}),
                WantedScope::Project(ProjectChoice::Id(project)),
            ),
        ] {
            assert_eq!(scope(&asked), expected, "{asked}");
        }
    }

    #[test]
    fn request_that_shows_nothing_is_named() {
        let check = |identity: Value, message: &str| {
            let failure = read(&json!({"auth": {"identity": identity}})).unwrap_err();
            let Failure::Invalid(invalid) = failure else { panic!("{failure:?}") };
            assert_eq!(invalid.message, message);
        };
        check(json!({}), "auth.identity.methods must be present");
        check(
            json!({"methods": ["totp"]}),
            "auth.identity.methods must be a list of password or token",
        );
        check(
            json!({"methods": ["password"], "password": {"user": {"name": "u", "password": "p"}}}),
            "auth.identity.password.user.domain must be present",
        );
        check(json!({"methods": ["token"]}), "auth.identity.token must be present");
    }

    #[test]
    fn token_shows_its_scope() {
        let holder = Caller {
            user_id: UserId([1; 16]),
            user_name: AccountName::parse("u").unwrap(),
            domain_id: DomainId([2; 16]),
            domain_name: AccountName::parse("d").unwrap(),
            scope: Some(Scope::Project(ProjectId([3; 16]))),
            project_name: Some(Name::parse("eu-test").unwrap()),
            roles: vec![Role::Admin],
            methods: vec!["password".to_owned()],
            issued_at: Timestamp(0),
            expires_at: Timestamp(1),
        };
        let domain = json!({"id": "02".repeat(16), "name": "d"});
        let shown = token(&holder, None);
        let token_of = |scope| token(&Caller { scope, ..holder.clone() }, Some(&[]));
        assert_eq!(shown["token"]["project"]["name"], "eu-test");
        assert_eq!(shown["token"]["user"]["domain"], domain);
        assert_eq!(shown["token"]["expires_at"], "1970-01-01T00:00:00.000001Z");
        assert!(shown["token"].get("catalog").is_none());
        let of_domain = token_of(Some(Scope::Domain(DomainId([2; 16]))));
        assert_eq!(of_domain["token"]["domain"], domain);
        assert!(of_domain["token"].get("project").is_none());
        let unscoped = token_of(None);
        assert!(unscoped["token"].get("domain").is_none());
        assert_eq!(unscoped["token"]["catalog"], json!([]));
    }
}
