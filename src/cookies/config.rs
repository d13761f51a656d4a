//! The configuration: a builder in code, the same names in a file.

use std::collections::BTreeMap;

use super::check::CookiePolicy;
use super::compile::compile;
use super::layer::CookieLayer;
use super::parse::SameSite;
use crate::core::{ConfigErrors, EventSink, Events, Mode, SchemeSource, collected};

/// What becomes of a `Set-Cookie` line that browsers refuse. See [`CookieViolation`](super::CookieViolation).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Violation {
    /// It is left out, and an event tells of it. The default: an old browser that takes it gets it without what its name
    /// promises.
    #[default]
    Drop,
    /// It is hardened as far as it goes and sent; the event tells of it all the same.
    Report,
}

/// The configuration as data: what a file holds, under the names of the builder's methods.
///
/// With the feature `serde` it implements `Deserialize` (unknown fields are errors) and `Serialize`. The same values are refused
/// as in [`CookieBuilder`].
///
/// # Example
///
/// ```
/// use tower_security::cookies::{CookieConfig, SameSite};
///
/// let mut config = CookieConfig::default();
/// config.same_site = SameSite::None;
/// config.host_prefix = vec!["__Host-session".into()];
/// let errors = config.build().unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["weak_value", "invalid_cookie_name"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct CookieConfig {
    /// See [`CookieBuilder::same_site`]. Default: [`SameSite::Lax`].
    pub same_site: SameSite,
    /// See [`CookieBuilder::same_site_for`]. Default: none.
    pub same_site_for: BTreeMap<String, SameSite>,
    /// See [`CookieBuilder::script_readable`]. Default: none.
    pub script_readable: Vec<String>,
    /// See [`CookieBuilder::host_prefix`]. Default: none.
    pub host_prefix: Vec<String>,
    /// See [`CookieBuilder::skip`]. Default: none.
    pub skip: Vec<String>,
    /// See [`CookieBuilder::on_violation`]. Default: [`Violation::Drop`].
    pub on_violation: Violation,
    /// See [`CookieBuilder::mode`]. Default: [`Mode::Enforce`].
    pub mode: Mode,
    /// See [`CookieBuilder::dangerous_script_readable`]. Default: none.
    pub dangerous_script_readable: Vec<String>,
    /// See [`CookieBuilder::dangerous_skip`]. Default: none.
    pub dangerous_skip: Vec<String>,
}

impl CookieConfig {
    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake, each with its path such as `cookies.host_prefix[0]`.
    pub fn build(self) -> Result<CookieLayer, ConfigErrors> {
        CookieBuilder::from(self).build()
    }
}

/// Builds a [`CookieLayer`]. Made by [`CookieLayer::builder`].
///
/// Names are compared as they are written: cookie names have a case (RFC 6265bis, section 5.6). A cookie that
/// [`host_prefix`](Self::host_prefix) renames is meant by its bare name.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CookieBuilder {
    config: CookieConfig,
    plain_http: Option<SchemeSource>,
    events: Events,
}

impl From<CookieConfig> for CookieBuilder {
    fn from(config: CookieConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }
}

impl CookieBuilder {
    /// Sets the `SameSite` of cookies that have none, or one that no browser knows. Default: [`SameSite::Lax`], which is what
    /// Chromium takes for none; Firefox and Safari send such a cookie with requests of other sites.
    ///
    /// Accepted: `Lax`, `Strict`. Refused: `None`, which is for single cookies. What a handler writes is kept.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.config.same_site = same_site;
        self
    }

    /// Sets the `SameSite` of one cookie where its handler writes none. Repeatable; for one name the last call counts.
    ///
    /// `same_site_for("sso", SameSite::None)` is for a cookie that a page of another site has to send: requests that any page forges
    /// carry it too, and the posture of a stack warns of it.
    pub fn same_site_for(mut self, name: impl Into<String>, same_site: SameSite) -> Self {
        self.config.same_site_for.insert(name.into(), same_site);
        self
    }

    /// Sets the cookies that scripts may read: `HttpOnly` is not added to them. Default: none. A second call replaces the
    /// first.
    ///
    /// Accepted: `XSRF-TOKEN`, `theme`. Refused: names that look like a session (with `sess` or `token` in them, or a word that
    /// ends in `sid`, unless with `csrf` or `xsrf`), and those with the prefix `__Http-` or `__Host-Http-`, which browsers
    /// accept with `HttpOnly` alone.
    pub fn script_readable(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.config.script_readable = collected(names);
        self
    }

    /// Sets the cookies that are sent to browsers with the prefix `__Host-` and come back to the handler without it. Default:
    /// none. A second call replaces the first. At most 16.
    ///
    /// No other host can set such a cookie, and a `session` without the prefix never reaches the handler: whoever is logged in
    /// when renaming is turned on or off is logged out. `Domain` is removed and `Path` is `/`. Scripts of the page see the name
    /// with the prefix.
    ///
    /// Accepted: `session`. Refused: `__Host-session`, which is prefixed already; `sess%69on`; `session` and `Session` together.
    pub fn host_prefix(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.config.host_prefix = collected(names);
        self
    }

    /// Sets the cookies whose lines are left as they are. Default: none. A second call replaces the first.
    ///
    /// For a cookie that another program depends on. Refused: names that look like a session, as in
    /// [`script_readable`](Self::script_readable).
    pub fn skip(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.config.skip = collected(names);
        self
    }

    /// Sets what becomes of a line that browsers refuse. Default: [`Violation::Drop`].
    pub fn on_violation(mut self, violation: Violation) -> Self {
        self.config.on_violation = violation;
        self
    }

    /// Sets the mode. Default: [`Mode::Enforce`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.config.mode = mode;
        self
    }

    /// Sets where events go. Default: the stack's sink, else `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = Events::new(sink);
        self
    }

    /// Sets more cookies that scripts may read, of any name but with the prefixes `__Http-` and `__Host-Http-`. Default: none.
    ///
    /// One injected script can send a session that it can read to anybody.
    pub fn dangerous_script_readable(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.config.dangerous_script_readable = collected(names);
        self
    }

    /// Sets more cookies whose lines are left as they are, of any name. Default: none.
    ///
    /// A session that is skipped has no protection but what its handler writes.
    pub fn dangerous_skip(mut self, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.config.dangerous_skip = collected(names);
        self
    }

    /// Does not add `Secure` to answers over plain HTTP, and does not rename there. Default: it is always added.
    ///
    /// For intranets without TLS, and for browsers that refuse `Secure` on plain localhost (Safari): everybody on the way reads
    /// the cookies and sets others. What browsers accept with `Secure` alone gets it all the same: `SameSite=None`,
    /// `Partitioned`, prefixes. A request of which the source cannot tell how it came counts as TLS, and a
    /// [`RequestScheme`](crate::core::RequestScheme) that a layer outside has attached goes before the source.
    pub fn dangerous_insecure_on_plain_http(mut self, source: SchemeSource) -> Self {
        self.plain_http = Some(source);
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once: [`CookieConfigError`](super::CookieConfigError).
    pub fn build(self) -> Result<CookieLayer, ConfigErrors> {
        let policy = compile(self.config, self.plain_http)?;
        Ok(CookieLayer::of(policy, self.events))
    }

    /// Makes the rules alone, for use without Tower.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_policy(self) -> Result<CookiePolicy, ConfigErrors> {
        compile(self.config, self.plain_http)
    }
}
