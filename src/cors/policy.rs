//! The compiled policy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::request::Parts;

use super::acrh::AllowedNames;
use super::builder::Predicate;
use super::check::{self, CorsVerdict};
use super::compile::VARY_ORIGIN;
use super::{CorsConfig, CorsOrigins, MaxAge, Refuse};
use crate::core::Events;
use crate::core::origin::{OriginGrant, OriginPattern, PublicSuffixes, SelfOrigin, TrustedOrigins};

/// A CORS policy, checked and compiled: what a [`CorsLayer`](super::CorsLayer) decides by.
///
/// Made by [`CorsBuilder::build_policy`](super::CorsBuilder::build_policy) or [`CorsConfig::build`]. It can be swapped under traffic
/// ([`CorsLayer::reloadable`](super::CorsLayer::reloadable)) and asked without Tower ([`check`](Self::check)).
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the builder"
)]
pub struct CorsPolicy {
    pub(super) any_origin: bool,
    /// Empty if any origin is allowed.
    pub(super) trusted: TrustedOrigins,
    pub(super) predicate: Option<Predicate>,
    pub(super) credentials: bool,
    pub(super) methods: Methods,
    pub(super) request_headers: RequestHeaders,
    pub(super) exposed: Option<HeaderValue>,
    pub(super) max_age: Option<HeaderValue>,
    pub(super) preflight_success_status: StatusCode,
    pub(super) refuse: Refuse,
    pub(super) self_origin: Arc<SelfOrigin>,
    pub(super) vary: Vary,
    pub(super) explain_failures: bool,
    pub(super) private_network: bool,
    pub(super) keep_inner: bool,
    pub(super) suffixes: PublicSuffixes,
    pub(super) events: Events,
    pub(super) inner_headers_told: Told,
    /// What the compiled form does not say of the configuration any more.
    pub(super) given: Given,
}

#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the builder"
)]
pub(super) struct Given {
    pub(super) request_headers: Vec<HeaderName>,
    pub(super) expose_headers: Vec<HeaderName>,
    pub(super) grpc_web: bool,
    pub(super) max_age: MaxAge,
    pub(super) self_origins: Vec<String>,
    pub(super) vary_on_preflight: bool,
    pub(super) allow_insecure: bool,
    pub(super) allow_public_suffixes: bool,
}

/// Methods that need a permission.
#[derive(Clone, Debug)]
pub(super) enum Methods {
    Any,
    /// Sorted; each as its own answer.
    Listed(Box<[HeaderValue]>),
}

#[derive(Clone, Debug)]
pub(super) enum RequestHeaders {
    /// With the answer of a policy without credentials.
    Any { authorization: bool },
    /// With the answer that names them all.
    Listed {
        names: AllowedNames,
        all: Option<HeaderValue>,
    },
}

/// What goes into `Vary`.
#[derive(Clone, Debug)]
pub(super) struct Vary {
    /// `Origin`, unless every origin gets the same answer, and the names of the configuration.
    pub(super) names: Box<[HeaderValue]>,
    /// All of them in one line.
    pub(super) line: Option<HeaderValue>,
    pub(super) on_preflight: Option<HeaderValue>,
}

/// Whether something was told already that is told once for each policy.
#[derive(Debug, Default)]
pub(super) struct Told(AtomicBool);

impl Told {
    #[inline]
    pub(super) fn is_told(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether the caller is the first one.
    pub(super) fn tell(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}

impl Clone for Told {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl CorsPolicy {
    pub(crate) const fn has_predicate(&self) -> bool {
        self.predicate.is_some()
    }

    /// Decides what becomes of a request, without Tower.
    ///
    /// # Example
    ///
    /// ```
    /// use http::Request;
    /// use tower_security::cors::{CorsLayer, CorsVerdict};
    ///
    /// let policy = CorsLayer::builder().origins(["https://app.example.com"]).build_policy()?;
    /// let verdict = |origin: &str| {
    ///     let (head, ()) = Request::get("/").header("origin", origin).body(())?.into_parts();
    ///     Ok::<_, http::Error>(policy.check(&head))
    /// };
    /// assert_eq!(verdict("https://app.example.com")?, CorsVerdict::Allowed);
    /// assert!(matches!(verdict("https://app.example.com.evil.test")?, CorsVerdict::NotAllowed(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn check(&self, head: &Parts) -> CorsVerdict {
        check::verdict(self, head)
    }

    /// Gives the policy back as data: lists sorted and without what they need not say. It builds again, and to the same data.
    ///
    /// What only code can give is left out: the sink, a predicate, a public suffix list. A policy that rests on these alone does not
    /// build from its data: [`CorsHandle::try_reload`](super::CorsHandle::try_reload) keeps them, [`CorsConfig::build`] has none. The
    /// origins of a set given by [`trusted_origins`](super::CorsBuilder::trusted_origins) stand among the others: they are data from
    /// here on, and no longer the set's.
    #[must_use]
    pub fn to_config(&self) -> CorsConfig {
        let given = &self.given;
        let (any_method, methods) = match &self.methods {
            Methods::Any => (true, Vec::new()),
            Methods::Listed(methods) => (false, texts(methods.iter().filter_map(text))),
        };
        let vary = self.vary.names.iter().filter_map(text);
        CorsConfig {
            origins: if self.any_origin {
                CorsOrigins::Any
            } else {
                CorsOrigins::List(texts(self.trusted.iter().map(OriginPattern::as_str)))
            },
            credentials: self.credentials,
            methods,
            any_method,
            request_headers: texts(given.request_headers.iter().map(HeaderName::as_str)),
            any_request_header: matches!(self.request_headers, RequestHeaders::Any { .. }),
            expose_headers: texts(given.expose_headers.iter().map(HeaderName::as_str)),
            expose_any_header: self.exposed.as_ref().is_some_and(|names| names == "*"),
            max_age_secs: given.max_age.to_secs(),
            preflight_success_status: self.preflight_success_status.as_u16(),
            refuse: self.refuse,
            self_origins: given.self_origins.clone(),
            vary_on_preflight: given.vary_on_preflight,
            vary: texts(vary.filter(|name| self.any_origin || *name != VARY_ORIGIN)),
            grpc_web: given.grpc_web,
            explain_failures: self.explain_failures,
            dangerous_allow_insecure_origins: given.allow_insecure,
            dangerous_allow_public_suffix_subdomains: given.allow_public_suffixes,
            dangerous_allow_private_network: self.private_network,
            dangerous_keep_inner_cors: self.keep_inner,
        }
    }

    /// The patterns that stand for names which anybody can register. Without credentials they are no mistake.
    pub(crate) fn open_origins(&self) -> impl Iterator<Item = &OriginPattern> {
        let is_open = |origin: &&OriginPattern| self.suffixes.lets_strangers_into(origin);
        self.trusted.iter().filter(is_open)
    }

    /// Whether a page may send this header after a preflight.
    pub(crate) fn allows_header(&self, name: &HeaderName) -> bool {
        let is_named = self.given.request_headers.contains(name);
        match self.request_headers {
            RequestHeaders::Any { authorization } => {
                self.credentials || authorization || *name != AUTHORIZATION
            }
            RequestHeaders::Listed { .. } => is_named,
        }
    }

    /// Returns the origins that are allowed by name or pattern. Empty if any origin is.
    #[must_use]
    pub fn trusted_origins(&self) -> &TrustedOrigins {
        &self.trusted
    }

    /// Says whom this policy trusts with the user's cookies, for `CsrfLayer`.
    #[must_use]
    pub fn origin_grant(&self) -> OriginGrant {
        if self.any_origin {
            OriginGrant::AnyOrigin
        } else if !self.credentials {
            OriginGrant::Uncredentialed
        } else if self.trusted.is_empty() {
            OriginGrant::PredicateOnly
        } else {
            OriginGrant::Credentialed(self.trusted.clone())
        }
    }

    /// Whether no preflight can succeed.
    pub(super) fn refuses_preflights(&self) -> bool {
        matches!(&self.methods, Methods::Listed(methods) if methods.is_empty())
            && matches!(
                &self.request_headers,
                RequestHeaders::Listed { all: None, .. }
            )
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}
