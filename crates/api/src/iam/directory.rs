//! Projects, domains and users: looking them up.

use serde_json::{Value, json};
use strongroom_control::iam::{ProjectQuery, UserQuery};
use strongroom_control::{Caller, Error, Noun};

use super::wire::directory as wire;
use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::form::{Takes, query};
use crate::query::FitsNothing;
use crate::schema::{boolean, text};

pub(super) async fn projects(call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    let query = &call.query;
    let found = match query.id("domain_id") {
        // No project is a domain, and none is inside another.
        _ if query.boolean("is_domain")? == Some(true) => Vec::new(),
        Err(FitsNothing) => Vec::new(),
        Ok(domain_id) => {
            let name = query.owned("name");
            let wanted = ProjectQuery { name, domain_id, is_enabled: query.boolean("enabled")? };
            call.service().project_list(caller, &wanted).await?
        }
    };
    let items: Vec<Value> =
        found.iter().map(|project| wire::project(project, call.base())).collect();
    Ok(answer(call, "projects", &items, "projects"))
}

pub(super) async fn granted_projects(call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    let found = call.service().project_list_granted(caller).await?;
    let items: Vec<Value> =
        found.iter().map(|project| wire::project(project, call.base())).collect();
    Ok(answer(call, "projects", &items, "auth/projects"))
}

pub(super) async fn project(call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    let id = call.parameter("id").parse().map_err(|_| Error::NotFound(Noun::Project))?;
    let project = call.service().project_get(caller, id).await?;
    Ok(Answer::ok(&json!({"project": wire::project(&project, call.base())})))
}

pub(super) async fn domains(call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    let found = call.service().domain_list(caller, call.query.text("name")).await?;
    let items: Vec<Value> = found.iter().map(|domain| wire::domain(domain, call.base())).collect();
    Ok(answer(call, "domains", &items, "auth/domains"))
}

pub(super) async fn users(call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    let query = &call.query;
    let found = match query.id("domain_id") {
        Err(FitsNothing) => Vec::new(),
        Ok(domain_id) => {
            let name = query.owned("name");
            let wanted = UserQuery { name, domain_id, is_enabled: query.boolean("enabled")? };
            call.service().user_list(caller, &wanted).await?
        }
    };
    let items: Vec<Value> = found.iter().map(|user| wire::user(user, call.base())).collect();
    Ok(answer(call, "users", &items, "users"))
}

pub(super) async fn user(call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    let id = call.parameter("id").parse().map_err(|_| Error::NotFound(Noun::User))?;
    let user = call.service().user_get(caller, id).await?;
    Ok(Answer::ok(&json!({"user": wire::user(&user, call.base())})))
}

/// The query of [`projects`]. What is no id fits nothing, so any text will do for one.
pub(super) fn project_query() -> Takes {
    user_query().and_query([("is_domain", boolean())])
}

/// The query of [`users`].
pub(super) fn user_query() -> Takes {
    query([("name", text()), ("domain_id", text()), ("enabled", boolean())])
}

fn answer(call: &Call, key: &str, items: &[Value], path: &str) -> Answer {
    Answer::ok(&wire::list(key, items, call.base(), path))
}
