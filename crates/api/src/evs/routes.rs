//! All routes of disks (related-services, 5.1): one operation often has several paths.

use strongroom_model::Action as A;

use super::wire::{new_schema, volume_schema};
use super::{volume_types, volumes};
use crate::form::{Form, Gives, all, body, nothing, one};
use crate::route::{Access, Route};
use crate::surface::Surface;

macro_rules! routes {
    ($($method:literal $path:literal $status:literal $action:ident $handler:path, $summary:literal, $takes:expr => $gives:expr;)+) => {
        &[$(
            Route {
                surface: Surface::Evs,
                method: $method,
                path: $path,
                status: $status,
                summary: $summary,
                access: Access::Within(A::$action, |call, cx| Box::pin($handler(call, cx))),
                form: Form { takes: || $takes, gives: || $gives },
            },
        )+]
    };
}

pub(crate) const ROUTES: &[Route] = routes! {
    "GET" "/v2/{project_id}/cloudvolumes" 200 VolumeList volumes::list, "Lists disks.", volumes::query() => volumes::listed();
    "GET" "/v2/{project_id}/cloudvolumes/detail" 200 VolumeList volumes::list, "Lists disks.", volumes::query() => volumes::listed();
    "GET" "/v2/{project_id}/cloudvolumes/{volume_id}" 200 VolumeGet volumes::get, "Shows a disk.", nothing() => one("volume", volume_schema());
    "GET" "/v2/{project_id}/types" 200 VolumeList volume_types::list, "Lists types of disks.", nothing() => all("volume_types", volume_types::schema());
    "GET" "/v2/{project_id}/types/{type_id}" 200 VolumeList volume_types::get, "Shows a type of disks.", nothing() => one("volume_type", volume_types::schema());
    "GET" "/v2/{project_id}/volumes" 200 VolumeList volumes::list, "Lists disks.", volumes::query() => volumes::listed();
    "POST" "/v2/{project_id}/volumes" 202 VolumeCreate volumes::create, "Makes an empty disk.", body(new_schema()) => one("volume", volume_schema());
    "GET" "/v2/{project_id}/volumes/detail" 200 VolumeList volumes::list, "Lists disks.", volumes::query() => volumes::listed();
    "DELETE" "/v2/{project_id}/volumes/{volume_id}" 202 VolumeDelete volumes::delete, "Deletes a disk.", nothing() => Gives::Nothing;
    "GET" "/v2/{project_id}/volumes/{volume_id}" 200 VolumeGet volumes::get, "Shows a disk.", nothing() => one("volume", volume_schema());
    "GET" "/v3/{project_id}/cloudvolumes/detail" 200 VolumeList volumes::list, "Lists disks.", volumes::query() => volumes::listed();
    "GET" "/v3/{project_id}/cloudvolumes/{volume_id}" 200 VolumeGet volumes::get, "Shows a disk.", nothing() => one("volume", volume_schema());
    "GET" "/v3/{project_id}/os-vendor-volumes/detail" 200 VolumeList volumes::list, "Lists disks.", volumes::query() => volumes::listed();
    "GET" "/v3/{project_id}/os-vendor-volumes/{volume_id}" 200 VolumeGet volumes::get, "Shows a disk.", nothing() => one("volume", volume_schema());
    "GET" "/v3/{project_id}/types" 200 VolumeList volume_types::list, "Lists types of disks.", nothing() => all("volume_types", volume_types::schema());
    "GET" "/v3/{project_id}/types/{type_id}" 200 VolumeList volume_types::get, "Shows a type of disks.", nothing() => one("volume_type", volume_types::schema());
    "GET" "/v3/{project_id}/volumes" 200 VolumeList volumes::list, "Lists disks.", volumes::query() => volumes::listed();
    "POST" "/v3/{project_id}/volumes" 202 VolumeCreate volumes::create, "Makes an empty disk.", body(new_schema()) => one("volume", volume_schema());
    "GET" "/v3/{project_id}/volumes/detail" 200 VolumeList volumes::list, "Lists disks.", volumes::query() => volumes::listed();
    "DELETE" "/v3/{project_id}/volumes/{volume_id}" 202 VolumeDelete volumes::delete, "Deletes a disk.", nothing() => Gives::Nothing;
    "GET" "/v3/{project_id}/volumes/{volume_id}" 200 VolumeGet volumes::get, "Shows a disk.", nothing() => one("volume", volume_schema());
};
