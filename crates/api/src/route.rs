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

/// Routes by the number of their segments, so that a look-up compares few of them.
#[derive(Debug)]
pub(crate) struct Table(Vec<Vec<Entry>>);

/// A route with its path taken apart.
#[derive(Debug)]
struct Entry {
    route: &'static Route,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, Copy)]
enum Segment {
    Parameter(&'static str),
    Literal(&'static str),
}

impl Table {
    pub(crate) fn new(routes: &[&'static [Route]]) -> Self {
        let mut by_length = Vec::<Vec<Entry>>::new();
        for route in routes.iter().copied().flatten() {
            let segment = |text| parameter(text).map_or(Segment::Literal(text), Segment::Parameter);
            let segments: Vec<_> = route.path.split('/').map(segment).collect();
            let length = segments.len();
            by_length.resize_with(by_length.len().max(length + 1), Vec::new);
            if let Some(entries) = by_length.get_mut(length) {
                entries.push(Entry { route, segments });
            }
        }
        Self(by_length)
    }

    /// Looks a method and a path, as mounts leave it, up. `belongs` says which surfaces the mount
    /// lets in.
    pub(crate) fn find(
        &self,
        method: &Method,
        path: &str,
        belongs: impl Fn(Surface) -> bool,
    ) -> Found {
        let texts: Vec<&str> = path.split('/').collect();
        let entries = self.0.get(texts.len()).into_iter().flatten();
        let mut hits: Vec<_> =
            entries.filter(|entry| belongs(entry.route.surface) && entry.has(&texts)).collect();
        let best = hits.iter().copied().max_by(|a, b| a.literals().cmp(b.literals()));
        let Some(best) = best else { return Found::Nothing };
        hits.retain(|entry| entry.literals().eq(best.literals()));
        let wanted = if *method == Method::HEAD { "GET" } else { method.as_str() };
        let Some(entry) = hits.iter().find(|entry| entry.route.method == wanted) else {
            let methods = hits.iter().map(|entry| entry.route.method).collect();
            return Found::OtherMethods(best.route.surface, methods);
        };
        let captures = entry.captures(&texts);
        captures.map_or(Found::Nothing, |captures| Found::Route(entry.route, captures))
    }
}

impl Entry {
    fn has(&self, texts: &[&str]) -> bool {
        self.segments.iter().zip(texts).all(|(segment, text)| match segment {
            Segment::Literal(literal) => literal == text,
            Segment::Parameter(_) => true,
        })
    }

    /// For each segment, whether it is literal: of two routes that have a path, the one that is
    /// literal earlier wins.
    fn literals(&self) -> impl Iterator<Item = bool> + '_ {
        self.segments.iter().map(|segment| matches!(segment, Segment::Literal(_)))
    }

    /// The parameters, decoded; none if one of them cannot be.
    fn captures(&self, texts: &[&str]) -> Option<Captures> {
        let parameters =
            self.segments.iter().zip(texts).filter_map(|(segment, text)| match segment {
                Segment::Parameter(name) => Some((*name, *text)),
                Segment::Literal(_) => None,
            });
        let decoded = parameters
            .map(|(name, text)| Some((name, String::from_utf8(percent::decode(text)?).ok()?)));
        decoded.collect()
    }
}
