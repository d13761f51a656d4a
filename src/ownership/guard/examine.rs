//! Everything before somebody is asked: which rule, who, which object, which action.

use std::sync::Arc;

use http::Request;
use http::request::Parts;

use super::layer::Core;
use super::rules::{Key, Rule, Source};
use crate::core::text::cap::start_of;
use crate::core::{
    CanonicalPath, ClientIp, PathParams, RouteParams, RouteTemplate, head, is_of_route,
    original_uri, route_template, whole_path,
};
use crate::ownership::{
    AccessRequest, ExtractError, MAX_ID, OwnershipRefusal, Params, Place, ResourceId, Route,
    caller, router_value,
};

/// What is to be done with a request.
pub(super) enum Examined<'c, T> {
    /// No rule is there for it.
    Pass,
    Refused(Refused<'c, T>),
    /// The rule's policy is to be asked.
    Ask(&'c Rule<T>, AccessRequest),
}

/// A request that is refused before anybody was asked.
pub(super) struct Refused<'c, T> {
    pub(super) reason: OwnershipRefusal,
    pub(super) rule: Option<&'c Rule<T>>,
    /// What stood where the id should, or the start of it.
    pub(super) id: Option<ResourceId>,
    /// Why, where the reason alone does not tell what is to be done.
    pub(super) cause: Option<String>,
}

/// An id and the parameters beside it, or why there is none and what stood in its place.
type Found = Result<(ResourceId, Params), (ExtractError, Option<ResourceId>)>;

/// Which rule a request belongs to, and what was found out on the way.
enum Matched<'c, T> {
    Rule(&'c Rule<T>),
    /// By its own pattern: the id was found along with it. The flag tells whether a router has matched the request too.
    Own(&'c Rule<T>, Found, bool),
    None,
    NotCanonical,
}

impl<T> Core<T> {
    pub(super) fn examine<B>(&self, request: &mut Request<B>) -> Examined<'_, T> {
        let without_rule = |reason| {
            Examined::Refused(Refused {
                reason,
                rule: None,
                id: None,
                cause: None,
            })
        };
        let (rule, found) = match self.matched(request) {
            Matched::Rule(rule) => (rule, None),
            Matched::Own(rule, found, is_routed) => (rule, Some((found, is_routed))),
            Matched::None if self.denies_unmatched => {
                // Refused anyway; who reads the log learns that there was to be a rule.
                let cause = self.nested(request).and_then(|nested| nested.cause);
                return Examined::Refused(Refused {
                    reason: OwnershipRefusal::Unmatched,
                    rule: None,
                    id: None,
                    cause,
                });
            }
            Matched::None => {
                return self
                    .nested(request)
                    .map_or(Examined::Pass, Examined::Refused);
            }
            Matched::NotCanonical => return without_rule(OwnershipRefusal::NotCanonical),
        };
        let refused = |reason, id| {
            Examined::Refused(Refused {
                reason,
                rule: Some(rule),
                id,
                cause: None,
            })
        };
        let principal = match caller(request.extensions(), &self.events) {
            Ok(principal) => principal.clone(),
            Err(reason) => return refused(reason, None),
        };
        let found = match found {
            Some((Ok(found), true)) => as_routed(rule, request, found),
            Some((found, _)) => found,
            None => find(rule, request),
        };
        let (id, params) = match found {
            Ok(found) => found,
            Err((error, id)) => return refused(error.into(), id),
        };
        let Some(action) = rule.actions.of(request.method()) else {
            return refused(OwnershipRefusal::UnmappedMethod, Some(id));
        };
        let route = match &rule.route {
            Some(route) => Route::Rule(Arc::clone(route)),
            None => RouteTemplate::of(request.extensions()).map_or(Route::Unknown, Route::Router),
        };
        let client_ip = ClientIp::from_extensions(request.extensions()).map(|client| client.ip());
        Examined::Ask(
            rule,
            AccessRequest {
                principal,
                action,
                id,
                method: Some(request.method().clone()),
                client_ip,
                place: Place { route, params },
            },
        )
    }

    fn matched<B>(&self, request: &Request<B>) -> Matched<'_, T> {
        if let Some(rule) = self.rules.of_route() {
            return Matched::Rule(rule);
        }
        // Whatever the content type says: tonic serves a call without asking for it, and another server a plain request with it.
        if let Some(rule) = self.rules.of_rpc(request.uri().path()) {
            return Matched::Rule(rule);
        }
        let Some(template) = route_template(request.extensions()) else {
            return self.by_path(request.uri().path(), false);
        };
        let of_route = self.rules.of_template(template);
        if !self.rules.needs_path(template, of_route) {
            return of_route.map_or(Matched::None, Matched::Rule);
        }
        // The template is that of the whole path, unless somebody has written it over since.
        let path = whole_path(request.uri(), request.extensions());
        if !is_of_route(template, path) {
            return Matched::NotCanonical;
        }
        match (self.by_path(path, true), of_route) {
            (Matched::None, Some(rule)) => Matched::Rule(rule),
            // The router knows its parameters.
            (Matched::Own(rule, ..), Some(own)) if rule.at == own.at => Matched::Rule(rule),
            (matched, _) => matched,
        }
    }

    /// A request without a rule that a rule was written for: by somebody who did not know where the route is mounted.
    #[cold]
    fn nested<B>(&self, request: &Request<B>) -> Option<Refused<'_, T>> {
        let template = route_template(request.extensions());
        let canonical;
        let (route, rule) = match template {
            Some(template) if !template.contains("{*") => {
                let of_part = || {
                    let whole = whole_path(request.uri(), request.extensions());
                    let path = CanonicalPath::parse(whole)?;
                    self.rules.of_part_end(template, &path)
                };
                let rule = self.rules.of_template_end(template).or_else(of_part)?;
                (template, rule)
            }
            // Behind a catch-all somebody else routes on.
            _ => {
                let path = request.uri().path();
                // A nested service is handed the rest of the path, and its rules may be written for all of it.
                let whole = whole_path(request.uri(), request.extensions());
                canonical = CanonicalPath::parse(whole).or_else(|| CanonicalPath::parse(path))?;
                (canonical.as_str(), self.rules.of_path_end(&canonical)?)
            }
        };
        // A template reads as a path does: its parameters are values.
        if self.unowned.iter().any(|known| known.is_spelt_in(route)) {
            return None;
        }
        Some(Refused {
            reason: OwnershipRefusal::Nested,
            rule: Some(rule),
            id: None,
            cause: Some(format!(
                "no rule is for {route:?}, and it ends as the rule {:?} does: write the whole template",
                rule.key.as_str()
            )),
        })
    }

    fn by_path(&self, path: &str, is_routed: bool) -> Matched<'_, T> {
        let Some(path) = CanonicalPath::parse(path) else {
            return Matched::NotCanonical;
        };
        let Some((rule, params)) = self.rules.of_path(&path) else {
            return Matched::None;
        };
        match &rule.source {
            Source::Param(name) => {
                let value = params.get(name).ok_or(ExtractError::Missing);
                let found = read(rule, value).map(|id| (id, kept(rule, params)));
                Matched::Own(rule, found, is_routed)
            }
            // It needs the head, which the path is borrowed from.
            Source::Extractor(_) => Matched::Rule(rule),
        }
    }
}

/// What was found by the rule's own pattern where a router has matched too, unless the handler gets another value, or two, by the name of
/// the parameter.
#[cold]
fn as_routed<B, T>(rule: &Rule<T>, request: &mut Request<B>, found: (ResourceId, Params)) -> Found {
    let Source::Param(name) = &rule.source else {
        return Ok(found);
    };
    let (mut head, ()) = head::take(request).into_parts();
    let params = RouteParams::of(&mut head);
    head::give_back(request, head);
    let params = params.map_err(|fault| (fault.into(), None))?;
    let mut values = params.iter().filter(|(other, _)| *other == &**name);
    let is_same = |value| rule.shape.read(value).is_ok_and(|id| id == found.0);
    match (values.next(), values.next()) {
        (None, _) => Ok(found),
        (Some((_, value)), None) if is_same(value) => Ok(found),
        (Some(_), _) => Err((ExtractError::Ambiguous, Some(found.0))),
    }
}

/// Finds the id where the path alone does not tell it.
fn find<B, T>(rule: &Rule<T>, request: &mut Request<B>) -> Found {
    let (mut head, ()) = head::take(request).into_parts();
    let found = match &rule.source {
        Source::Param(name) => of_router(rule, name, &mut head),
        Source::Extractor(extractor) => extractor
            .extract(&mut head)
            .map_err(|error| (error, None))
            .and_then(|id| read(rule, Ok(&id)))
            .and_then(|id| {
                let params = params_beside(rule, &mut head);
                params
                    .map(|params| (id, params))
                    .map_err(|error| (error, None))
            }),
    };
    head::give_back(request, head);
    found
}

/// The parameter of the router's that is the id.
fn of_router<T>(rule: &Rule<T>, name: &str, head: &mut Parts) -> Found {
    let params = RouteParams::of(head).map_err(|fault| (fault.into(), None))?;
    let path = original_uri(&head.uri, &head.extensions).path();
    let id = read(rule, router_value(&params, name, path))?;
    let params = if rule.has_more_params {
        Params::Router(Arc::new(params))
    } else {
        Params::None
    };
    Ok((id, params))
}

/// The parameters of the path, for a rule whose id stands elsewhere.
fn params_beside<T>(rule: &Rule<T>, head: &mut Parts) -> Result<Params, ExtractError> {
    if !rule.has_more_params {
        return Ok(Params::None);
    }
    let params = RouteParams::of(head);
    let path = original_uri(&head.uri, &head.extensions).path();
    let path = CanonicalPath::parse(path).ok_or(ExtractError::Malformed)?;
    match (params, &rule.key) {
        (Ok(params), _) => Ok(Params::Router(Arc::new(params))),
        (Err(_), Key::Template(template)) => Ok(template
            .match_canonical(&path)
            .map_or(Params::None, |params| kept(rule, params))),
        (Err(_), Key::Route | Key::Rpc(_)) => Ok(Params::None),
    }
}

fn kept<T>(rule: &Rule<T>, params: PathParams<'_, '_>) -> Params {
    if !rule.has_more_params {
        return Params::None;
    }
    let pairs = params.iter();
    Params::Own(
        pairs
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
    )
}

/// The id in the shape that the rule asks for, or the start of what was there instead.
fn read<T>(
    rule: &Rule<T>,
    value: Result<&str, ExtractError>,
) -> Result<ResourceId, (ExtractError, Option<ResourceId>)> {
    let value = value.map_err(|error| (error, None))?;
    rule.shape
        .read(value)
        .map_err(|error| (error, Some(start_of(value, MAX_ID).into())))
}
