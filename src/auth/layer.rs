//! The layer.

use std::fmt;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue};
use tower_layer::Layer;

use super::check::Way;
use super::config::AuthBuilder;
use super::events::Teller;
use super::service::AuthService;
#[cfg(feature = "serde")]
use crate::core::Events;
use crate::core::{AuthMethod, Challenges, field};

/// Finds out who is asking, and refuses whoever proves it wrongly or not at all. The [module](crate::auth) has the rules and an
/// example.
#[doc(alias = "AsyncRequireAuthorizationLayer")]
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it is added to a service"]
pub struct AuthLayer {
    core: Arc<Core>,
}

/// Everything that the services of one layer share.
pub(super) struct Core {
    pub(super) ways: Box<[Way]>,
    pub(super) is_optional: bool,
    pub(super) challenges: Challenges,
    pub(super) vary: Vary,
    pub(super) teller: Teller,
    pub(super) dangerous: Box<[(&'static str, bool)]>,
    pub(super) session_cookies: Box<[Box<str>]>,
}

/// What answers depend on, for caches.
#[derive(Debug)]
pub(super) struct Vary {
    names: Box<[Box<str>]>,
    /// All of them. `None`: caches keep no answer to a request with `Authorization` anyway (RFC 9111, section 3.5).
    line: Option<HeaderValue>,
}

impl AuthLayer {
    /// Starts from the defaults: authentication is required, the realm is `api`.
    pub fn builder() -> AuthBuilder {
        AuthBuilder::default()
    }

    pub(super) fn of(core: Core) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    /// A layer that hands everything on untouched, for a stack whose configuration has no authentication.
    #[cfg(feature = "serde")]
    pub(crate) fn absent() -> Self {
        Self::of(Core {
            ways: Box::default(),
            is_optional: true,
            challenges: Challenges::default(),
            vary: Vary::new([], false),
            teller: Teller::new(Events::default()),
            dangerous: Box::default(),
            session_cookies: Box::default(),
        })
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.core.is_absent()
    }

    /// Whether requests without any credential pass as anonymous ones.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.core.is_optional
    }

    /// Returns the challenges that this layer, and the layers behind it, answer with.
    #[must_use]
    pub fn challenges(&self) -> &Challenges {
        &self.core.challenges
    }

    /// Returns the ways to authenticate in their order; `None` stands for one of your own.
    pub fn methods(&self) -> impl Iterator<Item = Option<AuthMethod>> {
        self.core.ways.iter().map(|way| way.method)
    }

    /// Returns the names of the cookies that sessions are looked for in.
    pub fn session_cookies(&self) -> impl Iterator<Item = &str> {
        self.core.session_cookies.iter().map(|name| &**name)
    }

    /// The headers that credentials stand in.
    pub(crate) fn headers(&self) -> impl Iterator<Item = HeaderName> {
        self.core.vary.headers()
    }

    /// Returns the settings that weaken the protection, each with whether it is on.
    #[must_use]
    pub fn dangerous(&self) -> &[(&'static str, bool)] {
        &self.core.dangerous
    }
}

impl Core {
    /// No builder makes a layer without a way to authenticate.
    pub(super) fn is_absent(&self) -> bool {
        self.ways.is_empty()
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService::new(inner, Arc::clone(&self.core))
    }
}

impl Vary {
    pub(super) fn new(names: impl IntoIterator<Item = HeaderName>, is_optional: bool) -> Self {
        let mut distinct: Vec<HeaderName> = Vec::new();
        for name in names {
            if !distinct.contains(&name) {
                distinct.push(name);
            }
        }
        let is_needed = is_optional || distinct.iter().any(|name| name != AUTHORIZATION);
        let names: Box<[Box<str>]> = distinct.iter().map(capitalised).collect();
        let line = (is_needed && !names.is_empty())
            .then(|| HeaderValue::try_from(names.join(", ")).ok())
            .flatten();
        Self { names, line }
    }

    fn headers(&self) -> impl Iterator<Item = HeaderName> {
        self.names.iter().filter_map(|name| name.parse().ok())
    }

    pub(super) const fn is_needed(&self) -> bool {
        self.line.is_some()
    }

    /// Appends what the answer does not say yet.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let Some(line) = &self.line else {
            return;
        };
        let varies = |name: &str| field::varies_by(headers, name.as_bytes());
        if !self.names.iter().any(|name| varies(name)) {
            field::add(headers, http::header::VARY, line.clone());
            return;
        }
        for name in &self.names {
            if !field::varies_by(headers, name.as_bytes())
                && let Ok(line) = HeaderValue::try_from(&**name)
            {
                field::add(headers, http::header::VARY, line);
            }
        }
    }
}

/// `x-api-key` as `X-Api-Key`.
fn capitalised(name: &HeaderName) -> Box<str> {
    let mut is_first = true;
    let letters = name.as_str().chars().map(|letter| {
        let shown = if is_first {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        is_first = letter == '-';
        shown
    });
    letters.collect::<String>().into()
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let methods: Vec<_> = self.ways.iter().map(|way| way.method).collect();
        f.debug_struct("Core")
            .field("methods", &methods)
            .field("is_optional", &self.is_optional)
            .field("challenges", &self.challenges)
            .field("vary", &self.vary)
            .finish_non_exhaustive()
    }
}
