//! One route: a method and a path, who may use it, and who answers.
//!
//! # Why
//! Routes are data. The table answers requests, and the same table is printed as `OpenAPI`, from which
//! tests call every operation as a stranger; so no operation can be served and not described.
//!
//! # Invariants
//! - A literal segment wins over an id (contract, 2.2: `/vaults/summary` is no vault).

use std::fmt;

use http::Method;
use strongroom_base::clock::BoxFuture;
use strongroom_control::{Caller, OpContext};
use strongroom_model::Action;

use crate::answer::Answer;
use crate::call::Call;
use crate::failure::Failure;
use crate::form::Form;
use crate::percent;
use crate::surface::Surface;

/// What a handler returns.
pub(crate) type Reply<'a> = BoxFuture<'a, Result<Answer, Failure>>;

/// Who may use a route, and who answers it.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    /// Anybody.
    Open(for<'a> fn(&'a Call) -> Reply<'a>),
    /// Who has shown who it is, whatever its scope.
    Known(Option<Action>, for<'a> fn(&'a Call, &'a Caller) -> Reply<'a>),
    /// Who is scoped to the project in the path. The action is the one that control checks.
    Within(Action, for<'a> fn(&'a Call, &'a OpContext) -> Reply<'a>),
}

/// A route.
#[derive(Clone, Copy)]
pub struct Route {
    /// The API that it belongs to.
    pub surface: Surface,
    /// GET, POST, PUT or DELETE; GET stands for HEAD too.
    pub method: &'static str,
    /// Segments, of which those in braces are parameters.
    pub path: &'static str,
    /// The status of success.
    pub status: u16,
    /// What it does.
    pub summary: &'static str,
    pub(crate) access: Access,
    pub(crate) form: Form,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Route {
    /// The action that it needs, if any.
    pub fn action(&self) -> Option<Action> {
        match self.access {
            Access::Open(_) => None,
            Access::Known(action, _) => action,
            Access::Within(action, _) => Some(action),
        }
    }

    /// Whether anybody may use it.
    pub fn is_open(&self) -> bool {
        matches!(self.access, Access::Open(_))
    }

    /// The names of the parameters in its path, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(parameter)
    }

    /// The parameters of `path`, decoded, if the route has it. `path` is as mounts leave it.
    fn captures(&self, path: &str) -> Option<Captures> {
        let mut captures = Vec::new();
        let (mut own, mut found) = (self.path.split('/'), path.split('/'));
        loop {
            match (own.next(), found.next()) {
                (None, None) => return Some(captures),
                (Some(segment), Some(text)) => match parameter(segment) {
                    Some(name) => {
                        captures.push((name, String::from_utf8(percent::decode(text)?).ok()?));
                    }
                    None if segment == text => {}
                    None => return None,
                },
                _ => return None,
            }
        }
    }

    /// For each segment, whether it is literal: of two routes that have a path, the one that is
    /// literal earlier wins.
    fn literals(&self) -> Vec<bool> {
        self.path.split('/').map(|segment| parameter(segment).is_none()).collect()
    }
}

fn parameter(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// The parameters of a path, decoded.
pub(crate) type Captures = Vec<(&'static str, String)>;

/// What a table makes of a method and a path.
#[derive(Debug)]
pub(crate) enum Found {
    /// A route, with the parameters of the path.
    Route(&'static Route, Captures),
    /// The path is served, for these methods.
    OtherMethods(Surface, Vec<&'static str>),
    /// The path is not served.
    Nothing,
}

/// Looks a method and a path up. `belongs` says which surfaces the mount lets in.
pub(crate) fn find(
    table: &[&'static [Route]],
    method: &Method,
    path: &str,
    belongs: impl Fn(Surface) -> bool,
) -> Found {
    let mut hits: Vec<_> = table
        .iter()
        .copied()
        .flatten()
        .filter(|route| belongs(route.surface))
        .filter_map(|route| Some((route, route.captures(path)?)))
        .collect();
    let Some(best) = hits.iter().map(|(route, _)| route.literals()).max() else {
        return Found::Nothing;
    };
    hits.retain(|(route, _)| route.literals() == best);
    let wanted = if *method == Method::HEAD { "GET" } else { method.as_str() };
    if let Some(at) = hits.iter().position(|(route, _)| route.method == wanted) {
        let (route, captures) = hits.swap_remove(at);
        return Found::Route(route, captures);
    }
    let surface = hits.first().map_or(Surface::Cbr, |(route, _)| route.surface);
    Found::OtherMethods(surface, hits.iter().map(|(route, _)| route.method).collect())
}
