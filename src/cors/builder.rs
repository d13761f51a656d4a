//! The builder.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;

use super::compile::compile;
use super::{CorsConfig, CorsLayer, CorsOrigins, CorsPolicy};
use crate::core::origin::{OriginRef, PublicSuffixes, TrustedOrigins};
use crate::core::{ConfigErrors, EventSink, Events, collected};

/// How long a browser may remember the answer to a preflight (`Access-Control-Max-Age`).
///
/// Permitted: `Secs(600)`. Rejected: `Secs(0)` (write `Disabled`), `Secs(86_401)`. Browsers cut what is too long for them: Firefox
/// at 86,400 seconds, Chromium at 7,200, Safari at 600.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MaxAge {
    /// Sends no header: five seconds ([Fetch](https://fetch.spec.whatwg.org/#cors-preflight-fetch)). The default, so that a policy
    /// that was made narrower holds at once.
    #[default]
    BrowserDefault,
    /// Sends `0`: every request that needs a preflight has its own.
    Disabled,
    /// So many seconds, from 1 to 86,400.
    Secs(u32),
}

impl MaxAge {
    /// The number that stands in a file.
    pub(super) fn to_secs(self) -> i64 {
        match self {
            Self::BrowserDefault => 0,
            Self::Disabled => -1,
            Self::Secs(seconds) => i64::from(seconds),
        }
    }

    /// What a number in a file means; a number that means nothing is given back.
    pub(super) fn from_secs(seconds: i64) -> Result<Self, i64> {
        match seconds {
            -1 => Ok(Self::Disabled),
            0 => Ok(Self::BrowserDefault),
            _ => u32::try_from(seconds).map(Self::Secs).map_err(|_| seconds),
        }
    }
}

/// Which requests from an origin that is not allowed are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Refuse {
    /// Preflights alone. Any other request reaches the service, and the browser keeps the answer from the page. The default: CORS
    /// is about reading; refusing writes is the part of [`CsrfLayer`](crate::csrf::CsrfLayer).
    #[default]
    Preflight,
    /// Every request with an `Origin` that is neither allowed nor the server's own is answered with 403 `origin_refused`.
    PreflightAndActual,
}

/// A user's own rule for origins.
#[derive(Clone)]
pub(super) struct Predicate(Arc<dyn Fn(&OriginRef<'_>, &Parts) -> bool + Send + Sync>);

impl Predicate {
    pub(super) fn allows(&self, origin: &OriginRef<'_>, head: &Parts) -> bool {
        (self.0)(origin, head)
    }
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<fn>")
    }
}

/// Builds a [`CorsLayer`] or a [`CorsPolicy`].
///
/// Names are compared as browsers send them: origins in lower case and without a path, methods in upper case. What could never match
/// is an error when it is built, and all errors are reported together. Calling a setter again replaces what it had set.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setter of its own that reads as a fact"
)]
pub struct CorsBuilder {
    pub(super) any_origin: bool,
    pub(super) origins: Vec<String>,
    pub(super) trusted: Option<TrustedOrigins>,
    pub(super) predicate: Option<Predicate>,
    pub(super) credentials: bool,
    pub(super) methods: Vec<String>,
    pub(super) any_method: bool,
    pub(super) request_headers: Vec<String>,
    pub(super) any_request_header: bool,
    pub(super) expose_headers: Vec<String>,
    pub(super) expose_any_header: bool,
    pub(super) max_age: Result<MaxAge, i64>,
    pub(super) preflight_success_status: u16,
    pub(super) refuse: Refuse,
    pub(super) self_origins: Vec<String>,
    pub(super) vary_on_preflight: bool,
    pub(super) vary: Vec<String>,
    pub(super) grpc_web: bool,
    pub(super) explain_failures: bool,
    pub(super) suffixes: PublicSuffixes,
    pub(super) events: Events,
    pub(super) allow_insecure: bool,
    pub(super) allow_public_suffixes: bool,
    pub(super) private_network: bool,
    pub(super) keep_inner: bool,
}

impl CorsBuilder {
    pub(super) fn new() -> Self {
        Self::from(&CorsConfig::default())
    }

    /// Allows these origins: exact ones and patterns.
    ///
    /// Permitted: `https://app.example.com`, `https://*.example.com` (its sub-domains at any depth, not `example.com` itself),
    /// `http://localhost:*` (any port, or none), `https://[2001:db8::1]:8443`, `tauri://localhost`.
    ///
    /// Rejected: `https://example.com/` (no browser sends a path), `HTTPS://Example.com`, `https://example.com:443`, `null`, `*`,
    /// `https://*example.com`, `https://a.example, https://b.example`. With [`credentials`](Self::credentials) also `http` beyond
    /// localhost and `*.` above a domain where strangers get names.
    #[doc(alias = "allow_origin")]
    pub fn origins(mut self, origins: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.origins = collected(origins);
        self
    }

    /// Allows every origin, `null` included. For public data that needs no login.
    ///
    /// It excludes [`origins`](Self::origins) and [`credentials`](Self::credentials). Servers inside a private network should not use
    /// it: every site that a user of that network visits could read them.
    #[doc(alias = "permissive")]
    pub fn any_origin(mut self) -> Self {
        self.any_origin = true;
        self
    }

    /// Allows the origins of a set that was compiled before, and those of [`origins`](Self::origins).
    ///
    /// Its members are checked again by the rules for [`credentials`](Self::credentials).
    pub fn trusted_origins(mut self, origins: &TrustedOrigins) -> Self {
        self.trusted = Some(origins.clone());
        self
    }

    /// Lets a page send what the browser keeps for this server: cookies, HTTP authentication and client certificates. Default:
    /// `false`.
    ///
    /// A page that sets an `Authorization` header by itself does not need it. With it every allowed origin can act as the user: a
    /// script injected into one of them can too.
    #[doc(alias = "allow_credentials")]
    pub fn credentials(mut self, credentials: bool) -> Self {
        self.credentials = credentials;
        self
    }

    /// Allows these methods beside `GET`, `HEAD` and `POST`, which need no permission.
    ///
    /// Permitted: `Method::PUT`, `"PATCH"`, `"delete"` (browsers send `DELETE`). Rejected: `"patch"` (browsers send it as it stands),
    /// `"TRACE"`, `"CONNECT"`, `"*"`.
    #[doc(alias = "allow_methods")]
    pub fn methods(mut self, methods: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.methods = collected(methods);
        self
    }

    /// Allows every method.
    pub fn any_method(mut self) -> Self {
        self.any_method = true;
        self
    }

    /// Allows these request headers beyond the few that need no permission.
    ///
    /// `content-type` has to be named for JSON. Permitted: `AUTHORIZATION`, `"x-tenant"`. Rejected: `"cookie"`, `"sec-fetch-site"`,
    /// `"origin"` and others that no page can set; `"*"`.
    #[doc(alias = "allow_headers")]
    #[doc(alias = "headers")]
    pub fn request_headers(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.request_headers = collected(names);
        self
    }

    /// Allows every request header but `authorization`, which has to be named by [`request_headers`](Self::request_headers) all the
    /// same ([Fetch](https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name)). With
    /// [`credentials`](Self::credentials) it covers that one too.
    pub fn any_request_header(mut self) -> Self {
        self.any_request_header = true;
        self
    }

    /// Lets pages read these response headers beyond the seven that they can always read.
    ///
    /// Permitted: `"etag"`, `"x-request-id"`. Rejected: `"set-cookie"`, which no page can read; `"*"`.
    pub fn expose_headers(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.expose_headers = collected(names);
        self
    }

    /// Lets pages read every response header. Excludes [`credentials`](Self::credentials), with which browsers ignore it.
    pub fn expose_any_header(mut self) -> Self {
        self.expose_any_header = true;
        self
    }

    /// Sets how long browsers may remember the answer to a preflight. Default: [`MaxAge::BrowserDefault`].
    pub fn max_age(mut self, max_age: MaxAge) -> Self {
        self.max_age = Ok(max_age);
        self
    }

    /// Sets the status of a preflight that is allowed, 200 to 299. Default: 204; some old agents demand 200.
    pub fn preflight_success_status(mut self, status: u16) -> Self {
        self.preflight_success_status = status;
        self
    }

    /// Sets which requests of other origins are refused. Default: [`Refuse::Preflight`].
    pub fn refuse(mut self, refuse: Refuse) -> Self {
        self.refuse = refuse;
        self
    }

    /// Names the origins of the server itself, whose pages send `Origin` too: [`Refuse::PreflightAndActual`] does not refuse them, and
    /// no event tells of them.
    ///
    /// Needed behind a proxy that rewrites `Host`. Without it the server's origin is read from the request. Permitted:
    /// `https://api.example.com`. Rejected: patterns, `http` beyond localhost.
    pub fn self_origins(mut self, origins: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.self_origins = collected(origins);
        self
    }

    /// Adds `Vary` to the answers to preflights. Default: `false`.
    ///
    /// Answers to `OPTIONS` are not cacheable ([RFC 9110, section 9.3.7](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.7)): this
    /// is for a CDN that caches them all the same.
    pub fn vary_on_preflight(mut self, vary: bool) -> Self {
        self.vary_on_preflight = vary;
        self
    }

    /// Adds these names to `Vary`, for a predicate that reads further request headers. `Origin` need not be named: it is there unless
    /// [`any_origin`](Self::any_origin) gives every origin the same answer. Answers to `OPTIONS` have no `Vary`
    /// ([`vary_on_preflight`](Self::vary_on_preflight)).
    ///
    /// Permitted: `"x-tenant"`. Rejected: `"*"`.
    pub fn vary(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.vary = collected(names);
        self
    }

    /// Adds what gRPC-web needs to the lists: the request headers `content-type`, `x-grpc-web`, `x-user-agent` and `grpc-timeout`,
    /// and the exposed headers `grpc-status`, `grpc-message` and `grpc-status-details-bin`.
    ///
    /// Metadata of your own have to be named beside.
    pub fn grpc_web(mut self) -> Self {
        self.grpc_web = true;
        self
    }

    /// Answers a preflight of an *allowed* origin that fails at its method or headers with what is allowed, so that the browser's
    /// console names what is missing. Default: `false`.
    ///
    /// The browser refuses the request as before. Other origins learn nothing. A list of header names that is refused only for its
    /// form, which is no browser's, is answered without names: with them the browser would go on.
    pub fn explain_failures(mut self, explain: bool) -> Self {
        self.explain_failures = explain;
        self
    }

    /// Sets below which domains strangers get names. Default: [`PublicSuffixes::builtin`], which is not the whole list.
    pub fn public_suffixes(mut self, suffixes: PublicSuffixes) -> Self {
        self.suffixes = suffixes;
        self
    }

    /// Sends the events of this layer to `sink`. Default: the stack's sink, else the `tracing` one.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = Events::new(sink);
        self
    }

    /// Allows `http` origins beyond localhost, and origins of custom schemes, together with credentials. Default: `false`.
    ///
    /// Whoever sits in the network between a user and an `http` page writes its scripts, and those act with the user's cookies here.
    pub fn dangerous_allow_insecure_origins(mut self, allow: bool) -> Self {
        self.allow_insecure = allow;
        self
    }

    /// Allows `*.` above a domain where anybody can get a name, such as `https://*.github.io`, together with credentials. Default:
    /// `false`.
    ///
    /// Anybody can then act with the cookies of your users.
    pub fn dangerous_allow_public_suffix_subdomains(mut self, allow: bool) -> Self {
        self.allow_public_suffixes = allow;
        self
    }

    /// Allows an origin that the lists do not if `allow` says so.
    ///
    /// Its author is the only check: a comparison such as `o.host().ends_with("example.com")` lets `evilexample.com` in, and one that
    /// forgets the scheme lets in whoever sits in the network. It is called for syntactically valid origins only, after the lists, on
    /// the request's task: it must not block. What it reads of the request beside the origin has to be named by [`vary`](Self::vary).
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::cors::CorsLayer;
    ///
    /// let layer = CorsLayer::builder()
    ///     .dangerous_allow_origin_if(|origin, _| {
    ///         origin.scheme() == "https" && origin.port().is_none() && origin.host() == "app.example.com"
    ///     })
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dangerous_allow_origin_if(
        mut self,
        allow: impl Fn(&OriginRef<'_>, &Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.predicate = Some(Predicate(Arc::new(allow)));
        self
    }

    /// Answers preflights that ask for access to a private network. Default: `false`.
    ///
    /// For migration alone: this protocol is dead, Chrome asks the user instead since version 142 (Local Network Access). Public sites
    /// among the allowed origins could reach this server in the network of their visitor.
    pub fn dangerous_allow_private_network(mut self, allow: bool) -> Self {
        self.private_network = allow;
        self
    }

    /// Leaves the CORS headers of an inner response that has an `Access-Control-Allow-Origin`. Default: `false`.
    ///
    /// For a proxied service that decides for itself. What it allows is then allowed, whatever this layer says of the origin.
    pub fn dangerous_keep_inner_cors(mut self, keep: bool) -> Self {
        self.keep_inner = keep;
        self
    }

    /// Checks the configuration and makes the layer.
    ///
    /// # Errors
    ///
    /// Every mistake in it, in the order of the setters.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::cors::CorsLayer;
    ///
    /// let errors = CorsLayer::builder()
    ///     .origins(["https://*.co.uk", "https://app.example.com/"])
    ///     .credentials(true)
    ///     .methods(["patch"])
    ///     .build()
    ///     .unwrap_err();
    /// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    /// assert_eq!(codes, ["refused_public_suffix", "invalid_origin_path", "refused_method_case"]);
    /// ```
    pub fn build(self) -> Result<CorsLayer, ConfigErrors> {
        self.build_policy().map(CorsLayer::new)
    }

    /// Checks the configuration and compiles it, for [`CorsLayer::reloadable`] or for use without Tower.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_policy(self) -> Result<CorsPolicy, ConfigErrors> {
        compile(self)
    }

    /// Takes over what only code can give.
    pub(super) fn with_code_of(mut self, policy: &CorsPolicy) -> Self {
        self.predicate.clone_from(&policy.predicate);
        self.suffixes = policy.suffixes.clone();
        self.events = policy.events.clone();
        self
    }
}

impl From<&CorsConfig> for CorsBuilder {
    fn from(config: &CorsConfig) -> Self {
        let (any_origin, origins) = match &config.origins {
            CorsOrigins::Any => (true, Vec::new()),
            CorsOrigins::List(list) => (false, collected(list)),
        };
        Self {
            any_origin,
            origins,
            trusted: None,
            predicate: None,
            credentials: config.credentials,
            methods: collected(&config.methods),
            any_method: config.any_method,
            request_headers: collected(&config.request_headers),
            any_request_header: config.any_request_header,
            expose_headers: collected(&config.expose_headers),
            expose_any_header: config.expose_any_header,
            max_age: MaxAge::from_secs(config.max_age_secs),
            preflight_success_status: config.preflight_success_status,
            refuse: config.refuse,
            self_origins: collected(&config.self_origins),
            vary_on_preflight: config.vary_on_preflight,
            vary: collected(&config.vary),
            grpc_web: config.grpc_web,
            explain_failures: config.explain_failures,
            suffixes: PublicSuffixes::default(),
            events: Events::default(),
            allow_insecure: config.dangerous_allow_insecure_origins,
            allow_public_suffixes: config.dangerous_allow_public_suffix_subdomains,
            private_network: config.dangerous_allow_private_network,
            keep_inner: config.dangerous_keep_inner_cors,
        }
    }
}
