//! All routes of identity (related-services, 2.1), sorted by path.

use strongroom_model::Action as A;

use super::{catalog, directory, tokens, versions};
use crate::route::{Access, Route};
use crate::surface::Surface;

macro_rules! known {
    ($method:literal $path:literal $status:literal $action:expr, $handler:path, $summary:literal) => {
        Route {
            surface: Surface::Iam,
            method: $method,
            path: $path,
            status: $status,
            summary: $summary,
            access: Access::Known($action, |call, caller| Box::pin($handler(call, caller))),
        }
    };
}

macro_rules! open {
    ($method:literal $path:literal $status:literal $handler:path, $summary:literal) => {
        Route {
            surface: Surface::Iam,
            method: $method,
            path: $path,
            status: $status,
            summary: $summary,
            access: Access::Open(|call| Box::pin($handler(call))),
        }
    };
}

pub(crate) const ROUTES: &[Route] = &[
    open!("GET" "/" 300 versions::list, "Lists the versions."),
    open!("GET" "/v3" 200 versions::get, "Shows the version."),
    known!("GET" "/v3/auth/catalog" 200 None, catalog::get, "Lists the services for the caller."),
    known!("GET" "/v3/auth/domains" 200 None, directory::domains, "Lists the caller's domain."),
    known!("GET" "/v3/auth/projects" 200 None, directory::granted_projects, "Lists the projects where the caller has a role."),
    known!("DELETE" "/v3/auth/tokens" 204 None, tokens::revoke, "Revokes a token."),
    known!("GET" "/v3/auth/tokens" 200 None, tokens::get, "Shows a token."),
    open!("POST" "/v3/auth/tokens" 201 tokens::create, "Issues a token."),
    known!("GET" "/v3/endpoints" 200 None, catalog::endpoints, "Lists the addresses of the services."),
    known!("GET" "/v3/projects" 200 None, directory::projects, "Lists projects."),
    known!("GET" "/v3/projects/{id}" 200 Some(A::ProjectGet), directory::project, "Shows a project."),
    known!("GET" "/v3/regions" 200 None, catalog::regions, "Lists the regions."),
    known!("GET" "/v3/services" 200 None, catalog::services, "Lists the services."),
    known!("GET" "/v3/users" 200 None, directory::users, "Lists users."),
    known!("GET" "/v3/users/{id}" 200 Some(A::UserGet), directory::user, "Shows a user."),
];
