//! All routes of servers (related-services, 3.1 and 3.2).

use strongroom_model::Action as A;

use super::servers;
use super::wire::{native_schema, nova_schema, short_schema};
use crate::form::{Form, nothing, one};
use crate::route::{Access, Route};
use crate::surface::Surface;

macro_rules! routes {
    ($($surface:ident $path:literal $action:ident $handler:path, $summary:literal, $takes:expr => $gives:expr;)+) => {
        &[$(
            Route {
                surface: Surface::$surface,
                method: "GET",
                path: $path,
                status: 200,
                summary: $summary,
                access: Access::Within(A::$action, |call, cx| Box::pin($handler(call, cx))),
                form: Form { takes: || $takes, gives: || $gives },
            },
        )+]
    };
}

pub(crate) const ROUTES: &[Route] = routes! {
    Ecs "/v1/{project_id}/cloudservers" ServerList servers::list_native, "Lists servers.", servers::query() => servers::listed_native();
    Ecs "/v1/{project_id}/cloudservers/detail" ServerList servers::list_native, "Lists servers.", servers::query() => servers::listed_native();
    Ecs "/v1/{project_id}/cloudservers/{server_id}" ServerGet servers::get_native, "Shows a server.", nothing() => one("server", native_schema());
    Nova "/v2.1/{project_id}/servers" ServerList servers::list_nova_short, "Lists servers by name.", servers::query() => servers::listed_nova(short_schema());
    Nova "/v2.1/{project_id}/servers/detail" ServerList servers::list_nova, "Lists servers.", servers::query() => servers::listed_nova(nova_schema());
    Nova "/v2.1/{project_id}/servers/{server_id}" ServerGet servers::get_nova, "Shows a server.", nothing() => one("server", nova_schema());
};
