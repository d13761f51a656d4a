//! The configuration: a builder in code, the same names in a file.

use http::Method;

use super::check::{CsrfPolicy, Missing};
use super::compile::compile;
use super::layer::CsrfLayer;
use crate::core::origin::{OriginGrant, PublicSuffixes};
use crate::core::{ConfigErrors, EventSink, Events, Mode, collected};

/// The headers by which frameworks let a request name another method.
pub(super) const OVERRIDE_HEADERS: [&str; 3] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

/// Which safe requests of other sites are refused too: the resource isolation policy. Off unless given to
/// [`CsrfBuilder::isolation`].
///
/// It keeps other sites from reading answers by inclusion (`<script>`, `<img>`, fetch without CORS) and from framing them. A
/// browser's navigation to a page stays possible, and so does everything from browsers that send no `Sec-Fetch-Site`.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::csrf::{CsrfLayer, CsrfRefusal, Isolation};
///
/// let policy = CsrfLayer::builder()
///     .isolation(Isolation::new().public("/embed/{*rest}"))
///     .build_policy()?;
/// let included = |path| {
///     let request = Request::get(path).header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "no-cors");
///     request.body(()).map(|request| request.into_parts().0)
/// };
/// assert!(policy.check(&included("/embed/logo.svg")?).is_ok());
/// assert_eq!(policy.check(&included("/orders.js")?), Err(CsrfRefusal::Isolation));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[must_use = "isolation does nothing until it is given to a builder"]
pub struct Isolation {
    pub(super) allow_framing: bool,
    pub(super) refuse_same_site: bool,
    pub(super) public: Vec<String>,
}

impl Isolation {
    /// Refuses inclusion and framing by other sites, and accepts them from the same site.
    pub const fn new() -> Self {
        Self {
            allow_framing: false,
            refuse_same_site: false,
            public: Vec::new(),
        }
    }

    /// Sets whether other sites may show pages in a frame. Default: false.
    ///
    /// Which sites may is what `frame-ancestors` of a content security policy says; this switch knows all or none.
    pub const fn allow_framing(mut self, allow: bool) -> Self {
        self.allow_framing = allow;
        self
    }

    /// Sets whether sibling sub-domains count as other sites. Default: false.
    pub const fn refuse_same_site(mut self, refuse: bool) -> Self {
        self.refuse_same_site = refuse;
        self
    }

    /// Adds a path that any site may read, include and frame, such as `/embed/{*rest}`. Repeatable, at most 256.
    ///
    /// It is matched like [`CsrfBuilder::dangerous_exempt`].
    pub fn public(mut self, pattern: impl Into<String>) -> Self {
        self.public.push(pattern.into());
        self
    }
}

/// One path that is not checked for one method. See [`CsrfBuilder::dangerous_exempt_method`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct ExemptMethod {
    /// The method, such as `POST`.
    pub method: String,
    /// The pattern of the path, such as `/saml/acs`.
    pub pattern: String,
}

impl ExemptMethod {
    /// Names one method and the paths on which it is not checked.
    #[must_use]
    pub fn new(method: impl Into<String>, pattern: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            pattern: pattern.into(),
        }
    }
}

/// The configuration as data: what a file holds, under the names of the builder's methods.
///
/// With the feature `serde` it implements `Deserialize` (unknown fields are errors) and `Serialize`. The same values are refused
/// as in [`CsrfBuilder`].
///
/// # Example
///
/// ```
/// use tower_security::csrf::CsrfConfig;
///
/// let mut config = CsrfConfig::default();
/// config.trusted_origins = vec!["https://sso.example.com".into(), "https://*.com".into()];
/// let errors = config.build().unwrap_err();
/// assert_eq!(errors.to_string().split(':').next(), Some("csrf.trusted_origins[1]"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, named in the file that sets it"
)]
#[non_exhaustive]
pub struct CsrfConfig {
    /// See [`CsrfBuilder::trusted_origins`]. Default: none.
    pub trusted_origins: Vec<String>,
    /// See [`CsrfBuilder::self_origins`]. Default: none, which is the request's host.
    pub self_origins: Vec<String>,
    /// See [`CsrfBuilder::missing_metadata`]. Default: [`Missing::RefuseWithCookie`].
    pub missing_metadata: Missing,
    /// See [`CsrfBuilder::method_override_headers`]. Default: `x-http-method-override`, `x-http-method`, `x-method-override`.
    pub method_override_headers: Vec<String>,
    /// See [`CsrfBuilder::isolation`]. Default: none, which is off.
    pub isolation: Option<Isolation>,
    /// See [`CsrfBuilder::mode`]. Default: [`Mode::Enforce`].
    pub mode: Mode,
    /// See [`CsrfBuilder::dangerous_allow_missing_metadata`]. Default: false.
    pub dangerous_allow_missing_metadata: bool,
    /// See [`CsrfBuilder::dangerous_allow_same_site`]. Default: false.
    pub dangerous_allow_same_site: bool,
    /// See [`CsrfBuilder::dangerous_allow_insecure_origins`]. Default: false.
    pub dangerous_allow_insecure_origins: bool,
    /// See [`CsrfBuilder::dangerous_skip_websocket_check`]. Default: false.
    pub dangerous_skip_websocket_check: bool,
    /// See [`CsrfBuilder::dangerous_exempt`]. Default: none.
    pub dangerous_exempt: Vec<String>,
    /// See [`CsrfBuilder::dangerous_exempt_method`]. Default: none.
    pub dangerous_exempt_method: Vec<ExemptMethod>,
}

impl Default for CsrfConfig {
    fn default() -> Self {
        Self {
            trusted_origins: Vec::new(),
            self_origins: Vec::new(),
            missing_metadata: Missing::default(),
            method_override_headers: OVERRIDE_HEADERS.map(str::to_owned).to_vec(),
            isolation: None,
            mode: Mode::default(),
            dangerous_allow_missing_metadata: false,
            dangerous_allow_same_site: false,
            dangerous_allow_insecure_origins: false,
            dangerous_skip_websocket_check: false,
            dangerous_exempt: Vec::new(),
            dangerous_exempt_method: Vec::new(),
        }
    }
}

impl CsrfConfig {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake, each with its path such as `csrf.trusted_origins[1]`.
    pub fn build(self) -> Result<CsrfLayer, ConfigErrors> {
        CsrfBuilder::from(self).build()
    }
}

/// What is not data: shared by a configuration and by its builder.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) grants: Vec<OriginGrant>,
    pub(super) suffixes: PublicSuffixes,
}

/// Builds a [`CsrfLayer`]. Made by [`CsrfLayer::builder`].
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CsrfBuilder {
    config: CsrfConfig,
    around: Surroundings,
    events: Events,
}

impl From<CsrfConfig> for CsrfBuilder {
    fn from(config: CsrfConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }
}

impl CsrfBuilder {
    /// Sets the origins whose pages may send requests with the user's cookies, exact or with `*.`, as browsers send them. Takes
    /// a list of texts or a [`&TrustedOrigins`](crate::core::origin::TrustedOrigins). Default: none. A second call replaces the first.
    ///
    /// Accepted: `https://sso.example.com`, `https://*.apps.example.com`, `http://localhost:3000`. Refused: `*`, `null`,
    /// `http://sso.example.com` (anybody in the network can be that), `https://*.github.io`, and every spelling that no browser
    /// sends, such as `https://sso.example.com/`.
    ///
    /// A page there can do whatever the user can: trust an origin only if it is yours and as well kept as this one.
    pub fn trusted_origins(mut self, origins: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.config.trusted_origins = collected(origins);
        self
    }

    /// Trusts the origins that a CORS policy names, besides the [`trusted_origins`](Self::trusted_origins).
    ///
    /// Only origins listed in a policy with credentials count; any other grant is refused when the layer is built. The policy's
    /// origins are copied: one that is reloaded later is not followed.
    pub fn trust_cors(mut self, grant: OriginGrant) -> Self {
        self.around.grants.push(grant);
        self
    }

    /// Sets the exact origins of this server and no longer compares with the request's host. Default: the request's host.
    ///
    /// Needed behind a proxy that rewrites `Host`, and the safest choice anywhere. Accepted: `https://app.example.com`,
    /// `http://localhost:3000`. Refused: patterns, `http://app.example.com`.
    pub fn self_origins(mut self, origins: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.config.self_origins = collected(origins);
        self
    }

    /// Sets what becomes of a checked request that says nothing of where it comes from. Default:
    /// [`Missing::RefuseWithCookie`].
    pub fn missing_metadata(mut self, missing: Missing) -> Self {
        self.config.missing_metadata = missing;
        self
    }

    /// Sets the headers by which a request may name another method: with one of them a GET is checked. Default:
    /// `x-http-method-override`, `x-http-method`, `x-method-override`; an empty list turns the check off. At most 16.
    pub fn method_override_headers(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.config.method_override_headers = collected(names);
        self
    }

    /// Refuses that other sites read, include or frame answers to safe requests. Default: off.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.config.isolation = Some(isolation);
        self
    }

    /// Sets the mode to start in. Default: [`Mode::Enforce`]. [`CsrfHandle`](super::CsrfHandle) changes it at run time.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.config.mode = mode;
        self
    }

    /// Sets where events go. Default: the stack's sink, else `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = Events::new(sink);
        self
    }

    /// Sets what is known as a public suffix. Default: [`PublicSuffixes::builtin`].
    pub fn public_suffixes(mut self, suffixes: PublicSuffixes) -> Self {
        self.around.suffixes = suffixes;
        self
    }

    /// Lets checked requests pass that say nothing of where they come from, cookies or not.
    ///
    /// Users of browsers that send neither `Sec-Fetch-Site` nor `Origin` nor `Referer` are unprotected then.
    pub fn dangerous_allow_missing_metadata(mut self) -> Self {
        self.config.dangerous_allow_missing_metadata = true;
        self
    }

    /// Lets requests of sibling sub-domains pass. Default: false.
    ///
    /// One of them that is taken over, or given to a customer, can then act for every user of this server.
    pub fn dangerous_allow_same_site(mut self, allow: bool) -> Self {
        self.config.dangerous_allow_same_site = allow;
        self
    }

    /// Accepts `http` origins beyond localhost, trusted ones and this server's own, and custom schemes. Default: false.
    ///
    /// For intranets without TLS: anybody in the network of a user can then act for that user.
    pub fn dangerous_allow_insecure_origins(mut self, allow: bool) -> Self {
        self.config.dangerous_allow_insecure_origins = allow;
        self
    }

    /// Does not check WebSocket handshakes. Default: false.
    ///
    /// Any site can then open a socket with the user's cookies and read what comes (CWE-1385), unless the handler looks at
    /// `Origin` itself.
    pub fn dangerous_skip_websocket_check(mut self, skip: bool) -> Self {
        self.config.dangerous_skip_websocket_check = skip;
        self
    }

    /// Does not check requests to these paths. Repeatable, at most 256 with those of
    /// [`dangerous_exempt_method`](Self::dangerous_exempt_method).
    ///
    /// For posts that come through a browser of another site and prove where they come from in another way, such as a signed SAML
    /// answer: nothing else protects an exempt path. A webhook that a server sends, without cookies, needs no exemption.
    ///
    /// `{name}` stands for one segment, a final `{*name}` for one or more. The path is compared as it was sent and as this layer
    /// sees it: inside a nested router without the prefix. A path that two programs could read in different ways is never
    /// exempt: one with `//`, `\`, `;`, a segment of `.` or `..` in any escaped form or with blanks, an escape of `/`, `\`, `;`,
    /// `?`, `#`, `%` or a control character, escapes that are no UTF-8, or any escape in a literal segment. `/webhooks` is not
    /// `/webhooks/`.
    ///
    /// Accepted: `/webhooks/{*rest}`, `/hooks/{provider}`. Refused: `/{*rest}`, `/webhooks/*`, `/a/../b`.
    pub fn dangerous_exempt(mut self, pattern: impl Into<String>) -> Self {
        self.config.dangerous_exempt.push(pattern.into());
        self
    }

    /// Does not check requests of one method to these paths. See [`dangerous_exempt`](Self::dangerous_exempt).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "methods are written as constants: `Method::POST`"
    )]
    pub fn dangerous_exempt_method(mut self, method: Method, pattern: impl Into<String>) -> Self {
        let exemption = ExemptMethod::new(method.as_str(), pattern);
        self.config.dangerous_exempt_method.push(exemption);
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once: [`CsrfConfigError`](super::CsrfConfigError), [`OriginError`](crate::core::origin::OriginError) or
    /// [`TemplateError`](crate::core::TemplateError).
    pub fn build(self) -> Result<CsrfLayer, ConfigErrors> {
        let policy = compile(self.config, &self.around)?;
        Ok(CsrfLayer::of(policy, self.around, self.events))
    }

    /// Makes the rules alone, for use without Tower.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_policy(self) -> Result<CsrfPolicy, ConfigErrors> {
        compile(self.config, &self.around)
    }
}
