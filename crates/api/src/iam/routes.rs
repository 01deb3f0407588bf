//! All routes of identity (related-services, 2.1), sorted by path.

use strongroom_model::Action as A;

use super::wire::directory::{domain_schema, listed, project_schema, user_schema};
use super::wire::{catalog as wire, token};
use super::{catalog, directory, tokens, versions};
use crate::form::{Form, Gives, body, nothing, one, query};
use crate::route::{Access, Route};
use crate::schema::text;
use crate::surface::Surface;

macro_rules! known {
    ($method:literal $path:literal $status:literal $action:expr, $handler:path, $summary:literal, $takes:expr => $gives:expr) => {
        Route {
            surface: Surface::Iam,
            method: $method,
            path: $path,
            status: $status,
            summary: $summary,
            access: Access::Known($action, |call, caller| Box::pin($handler(call, caller))),
            form: Form { takes: || $takes, gives: || $gives },
        }
    };
}

macro_rules! open {
    ($method:literal $path:literal $status:literal $handler:path, $summary:literal, $takes:expr => $gives:expr) => {
        Route {
            surface: Surface::Iam,
            method: $method,
            path: $path,
            status: $status,
            summary: $summary,
            access: Access::Open(|call| Box::pin($handler(call))),
            form: Form { takes: || $takes, gives: || $gives },
        }
    };
}

pub(crate) const ROUTES: &[Route] = &[
    open!("GET" "/" 300 versions::list, "Lists the versions.", nothing() => one("versions", versions::values_schema())),
    open!("GET" "/v3" 200 versions::get, "Shows the version.", nothing() => one("version", versions::schema())),
    known!("GET" "/v3/auth/catalog" 200 None, catalog::get, "Lists the services for the caller.", nothing() => listed("catalog", wire::schema())),
    known!("GET" "/v3/auth/domains" 200 None, directory::domains, "Lists the caller's domain.", query([("name", text())]) => listed("domains", domain_schema())),
    known!("GET" "/v3/auth/projects" 200 None, directory::granted_projects, "Lists the projects where the caller has a role.", nothing() => listed("projects", project_schema())),
    known!("DELETE" "/v3/auth/tokens" 204 None, tokens::revoke, "Revokes a token.", tokens::subject_header() => Gives::Nothing),
    known!("GET" "/v3/auth/tokens" 200 None, tokens::get, "Shows a token.", tokens::subject_header().and_query(tokens::query()) => Gives::Json(token::schema())),
    open!("POST" "/v3/auth/tokens" 201 tokens::create, "Issues a token.", body(token::new_schema()).and_query(tokens::query()) => Gives::Json(token::schema())),
    known!("GET" "/v3/endpoints" 200 None, catalog::endpoints, "Lists the addresses of the services.", query([("interface", text())]) => listed("endpoints", wire::endpoint_schema())),
    known!("GET" "/v3/projects" 200 None, directory::projects, "Lists projects.", directory::project_query() => listed("projects", project_schema())),
    known!("GET" "/v3/projects/{id}" 200 Some(A::ProjectGet), directory::project, "Shows a project.", nothing() => one("project", project_schema())),
    known!("GET" "/v3/regions" 200 None, catalog::regions, "Lists the regions.", nothing() => listed("regions", catalog::region_schema())),
    known!("GET" "/v3/services" 200 None, catalog::services, "Lists the services.", nothing() => listed("services", wire::service_schema())),
    known!("GET" "/v3/users" 200 None, directory::users, "Lists users.", directory::user_query() => listed("users", user_schema())),
    known!("GET" "/v3/users/{id}" 200 Some(A::UserGet), directory::user, "Shows a user.", nothing() => one("user", user_schema())),
];
