//! What a policy is asked.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::Method;

use super::extract::ResourceId;
use crate::core::{Principal, RouteParams, RouteTemplate};

/// What is to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// See it: `GET` and `HEAD`.
    Read,
    /// Make it, or something below it: `POST`.
    Create,
    /// Change it: `PUT` and `PATCH`.
    Update,
    /// Remove it: `DELETE`.
    Delete,
    /// Something of your own, such as `approve`.
    Custom(&'static str),
}

impl Action {
    /// Returns the action in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Custom(name) => name,
        }
    }

    /// Returns the action of a method of HTTP (RFC 9110, section 9.3); `None` for all that are not in the table above, so that nobody
    /// gets past a rule with a method that it was not written for.
    #[must_use]
    pub fn of_method(method: &Method) -> Option<Self> {
        match *method {
            Method::GET | Method::HEAD => Some(Self::Read),
            Method::POST => Some(Self::Create),
            Method::PUT | Method::PATCH => Some(Self::Update),
            Method::DELETE => Some(Self::Delete),
            // `CONNECT`, `OPTIONS`, `TRACE` and methods that nobody knows.
            _ => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who wants to do what with which object: what a [`Policy`](super::Policy) is asked.
///
/// It owns what it says, and a clone costs a few reference counts.
#[derive(Clone)]
pub struct AccessRequest {
    pub(super) principal: Principal,
    pub(super) action: Action,
    pub(super) id: ResourceId,
    pub(super) method: Option<Method>,
    pub(super) client_ip: Option<IpAddr>,
    pub(super) place: Place,
}

/// Where in the program it was asked.
#[derive(Clone, Default)]
pub(crate) struct Place {
    pub(crate) route: Route,
    /// The parameters of the path, where it has others than the id.
    pub(crate) params: Params,
}

#[derive(Clone, Default)]
pub(crate) enum Route {
    #[default]
    Unknown,
    /// That of a rule.
    Rule(Arc<RuleRoute>),
    /// That of the router.
    Router(RouteTemplate),
}

/// What a rule says of its route.
#[derive(Debug)]
pub(crate) struct RuleRoute {
    /// The template, or the path of a gRPC method.
    pub(crate) route: Box<str>,
    /// The name of the parameter that the id is taken from.
    pub(crate) id_param: Option<Box<str>>,
}

#[derive(Clone, Default)]
pub(crate) enum Params {
    #[default]
    None,
    /// Those of a rule's own pattern.
    Own(Arc<[(Box<str>, Box<str>)]>),
    /// Those of the router.
    Router(Arc<RouteParams>),
}

impl AccessRequest {
    #[cfg(test)]
    pub(crate) fn new(principal: Principal, action: Action, id: ResourceId) -> Self {
        Self {
            principal,
            action,
            id,
            method: None,
            client_ip: None,
            place: Place::default(),
        }
    }

    /// Returns who is asking. Never anonymous, and not expired when it was asked.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns what is to be done.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Returns the id of the object, of the [shape](super::IdShape) that the rule asks for.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns a parameter of the path, decoded; of the one that the id was taken from, the id.
    ///
    /// `None` too for a name that stands twice in the path.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        if let Route::Rule(rule) = &self.place.route
            && rule.id_param.as_deref() == Some(name)
        {
            return Some(&self.id);
        }
        let mut found = self.place.params.iter().filter(|(other, _)| *other == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }

    /// Returns the route template, such as `/orders/{id}`, or the path of a gRPC method; `None` where nobody knows it.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        match &self.place.route {
            Route::Unknown => None,
            Route::Rule(rule) => Some(&rule.route),
            Route::Router(template) => Some(template.as_str()),
        }
    }

    /// Returns the tenant of the principal.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.principal.tenant()
    }

    /// Returns the address of the client, where it is known.
    #[must_use]
    pub const fn client_ip(&self) -> Option<IpAddr> {
        self.client_ip
    }

    /// Returns the method of the request; `None` where a handler asked that had only the extensions at hand.
    #[must_use]
    pub const fn method(&self) -> Option<&Method> {
        self.method.as_ref()
    }
}

impl AccessRequest {
    /// Whether a policy can see no difference.
    pub(super) fn is_same_question(&self, other: &Self) -> bool {
        self.id == other.id
            && self.action == other.action
            && self.method == other.method
            && self.client_ip == other.client_ip
            && self.route() == other.route()
            && self.principal.is_same(&other.principal)
            && self.place.params.iter().eq(other.place.params.iter())
    }
}

impl Params {
    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let (own, router) = match self {
            Self::None => (None, None),
            Self::Own(own) => (Some(own), None),
            Self::Router(router) => (None, Some(router)),
        };
        let own = own.into_iter().flat_map(|own| own.iter());
        own.map(|(name, value)| (&**name, &**value))
            .chain(router.into_iter().flat_map(|router| router.iter()))
    }
}

impl fmt::Debug for AccessRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessRequest")
            .field("principal", &self.principal)
            .field("action", &self.action)
            .field("id", &self.id)
            .field("route", &self.route())
            .finish_non_exhaustive()
    }
}
