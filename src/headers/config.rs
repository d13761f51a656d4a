//! The builder.

use super::banners::Banner;
use super::clear_site_data::ClearSiteData;
use super::compile::compile;
use super::integrity::IntegrityPolicy;
use super::layer::SecurityHeadersLayer;
use super::permissions::PermissionsPolicy;
use super::presets::Preset;
use super::values::{
    AgentCluster, Coep, Coop, Corp, FrameOptions, ReferrerPolicy, WeakReferrerPolicy,
};
use crate::core::{ConfigErrors, Mode, SchemeSource, collected};

/// What is written into `Cache-Control` ([RFC 9111](https://www.rfc-editor.org/rfc/rfc9111)).
///
/// An answer with status 304 never gets one: it would replace that of the stored answer which it confirms.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CachePolicy {
    /// `no-store, max-age=0` into every answer, in place of what the handler says, unless
    /// [`if_absent`](SecurityHeadersBuilder::if_absent) names `cache-control`.
    ///
    /// Some caches heed a header of their own and no `Cache-Control` beside it ([RFC 9213](https://www.rfc-editor.org/rfc/rfc9213)), so
    /// that these go with it: `CDN-Cache-Control` and every other name that ends in `-Cache-Control`, `Surrogate-Control`,
    /// `Edge-Control`, `X-Accel-Expires`.
    NoStore,
    /// `no-store, max-age=0` into answers that belong to somebody: the request has `Authorization` or a session cookie, or the answer
    /// sets a cookie. What the handler says stays as it is, `public` beside `Set-Cookie` too, and `CDN-Cache-Control`.
    #[non_exhaustive]
    Sensitive {
        /// The names of the cookies that carry sessions, as browsers send them, in their case. Of one with the prefix `__Host-` the
        /// name without it does too, so that of a cookie that a [`CookieLayer`](crate::CookieLayer) renames either may be written.
        session_cookies: Vec<String>,
    },
    /// Nothing.
    Untouched,
}

impl CachePolicy {
    /// Makes [`Sensitive`](Self::Sensitive) of the names of session cookies.
    ///
    /// Accepted: `__Host-session`, `connect.sid`, and an empty list for services that know `Authorization` alone. Refused when the layer
    /// is built: what is no token of RFC 9110, such as `a=b` or an empty name.
    #[must_use]
    pub fn sensitive(session_cookies: impl IntoIterator<Item: AsRef<str>>) -> Self {
        Self::Sensitive {
            session_cookies: collected(session_cookies),
        }
    }

    /// The name of the policy, for the posture.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::NoStore => "no_store",
            Self::Sensitive { .. } => "sensitive",
            Self::Untouched => "untouched",
        }
    }
}

/// Builds a [`SecurityHeadersLayer`]. Made by [`SecurityHeadersLayer::builder`].
///
/// A setter that is called again replaces what it had set, and what the preset had; the methods whose docs say *repeatable* add.
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct SecurityHeadersBuilder {
    pub(super) preset: Option<Preset>,
    pub(super) referrer: Option<ReferrerPolicy>,
    pub(super) weak_referrer: Option<WeakReferrerPolicy>,
    pub(super) frame: Option<FrameOptions>,
    pub(super) opener: Option<Coop>,
    pub(super) unsafe_none_opener: bool,
    pub(super) embedder: Option<Coep>,
    pub(super) resource: Option<Corp>,
    pub(super) agent_cluster: Option<AgentCluster>,
    pub(super) permissions: Option<PermissionsPolicy>,
    pub(super) integrity: Option<IntegrityPolicy>,
    pub(super) document: Option<String>,
    pub(super) endpoints: Vec<(String, String)>,
    pub(super) cache: Option<CachePolicy>,
    pub(super) clear: Vec<(Vec<String>, ClearSiteData)>,
    pub(super) custom: Vec<(String, Vec<u8>)>,
    pub(super) without: Vec<String>,
    pub(super) if_absent: Vec<String>,
    pub(super) banner: Option<Banner>,
    pub(super) remove: Vec<String>,
    pub(super) scheme: Option<SchemeSource>,
    pub(super) mode: Mode,
}

impl SecurityHeadersBuilder {
    /// Sets what to start from. Default: `x-content-type-options: nosniff` alone, no banner taken off, `Cache-Control` untouched.
    pub fn preset(mut self, preset: Preset) -> Self {
        self.preset = Some(preset);
        self
    }

    /// Sets `Referrer-Policy`.
    pub fn referrer_policy(mut self, policy: ReferrerPolicy) -> Self {
        self.referrer = Some(policy);
        self
    }

    /// Sets `Referrer-Policy` to a value that hands whole addresses, with what stands in their paths and queries, to other origins.
    ///
    /// Every site that a page links to or includes files from can read them, and with [`WeakReferrerPolicy::UnsafeUrl`] everybody on the
    /// network.
    pub fn dangerous_referrer_policy(mut self, policy: WeakReferrerPolicy) -> Self {
        self.weak_referrer = Some(policy);
        self
    }

    /// Sets `X-Frame-Options`.
    pub fn frame_options(mut self, options: FrameOptions) -> Self {
        self.frame = Some(options);
        self
    }

    /// Sets `Cross-Origin-Opener-Policy`.
    pub fn cross_origin_opener_policy(mut self, policy: Coop) -> Self {
        self.opener = Some(policy);
        self
    }

    /// Sets `Cross-Origin-Opener-Policy` to `unsafe-none`: every site that opens a page of this one keeps a reference to its window.
    ///
    /// It can count its frames and watch it navigate (XS-Leaks), and replace it by another page.
    pub fn dangerous_unsafe_none_opener_policy(mut self) -> Self {
        self.unsafe_none_opener = true;
        self
    }

    /// Sets `Cross-Origin-Embedder-Policy`. It needs a `Cross-Origin-Resource-Policy`.
    pub fn cross_origin_embedder_policy(mut self, policy: Coep) -> Self {
        self.embedder = Some(policy);
        self
    }

    /// Sets `Cross-Origin-Resource-Policy`. What is set here stays in a stack whose CORS policy is public; that of a preset becomes
    /// `cross-origin` there.
    pub fn cross_origin_resource_policy(mut self, policy: Corp) -> Self {
        self.resource = Some(policy);
        self
    }

    /// Sets `Origin-Agent-Cluster`.
    pub fn origin_agent_cluster(mut self, cluster: AgentCluster) -> Self {
        self.agent_cluster = Some(cluster);
        self
    }

    /// Sets `Permissions-Policy`, in place of the preset's: [`PermissionsPolicy::web`] starts from that.
    pub fn permissions_policy(mut self, policy: PermissionsPolicy) -> Self {
        self.permissions = Some(policy);
        self
    }

    /// Sets `Integrity-Policy`. Default: none.
    pub fn integrity_policy(mut self, policy: IntegrityPolicy) -> Self {
        self.integrity = Some(policy);
        self
    }

    /// Sets `Document-Policy` ([draft](https://wicg.github.io/document-policy/)), a dictionary of RFC 9651. Default: none.
    ///
    /// Accepted: `force-load-at-top, js-profiling`. Refused: the empty text, `Force-Load-At-Top`, what is not visible ASCII.
    pub fn document_policy(mut self, policy: impl Into<String>) -> Self {
        self.document = Some(policy.into());
        self
    }

    /// Adds an endpoint to `Reporting-Endpoints` ([Reporting API](https://www.w3.org/TR/reporting-1/)). Repeatable.
    ///
    /// Accepted: `main` with `/reports` or `https://reports.example/r`. Refused: `CSP Main`, `reports`, `//a.example/r`,
    /// `http://a.example/r`. The header is added to what a content security policy has written there, which browsers read as one.
    pub fn reporting_endpoint(mut self, name: impl Into<String>, url: impl Into<String>) -> Self {
        self.endpoints.push((name.into(), url.into()));
        self
    }

    /// Sets what becomes of `Cache-Control`.
    pub fn cache(mut self, policy: CachePolicy) -> Self {
        self.cache = Some(policy);
        self
    }

    /// Sends `Clear-Site-Data` with answers to these exact paths: of a status below 400, over TLS. Repeatable.
    ///
    /// A path is compared with that of the request byte by byte, as it was sent and as this layer sees it: inside a nested router without
    /// the prefix. The query does not count, `/logout/` is not `/logout`, and nothing is decoded. Every method but `OPTIONS`, whose
    /// answers to preflights end no session.
    ///
    /// A GET that signs out can be caused by any page of another site, and so can one of the same path that merely shows a form, for
    /// which everything is cleared too: let the path be one of a POST that is checked for forgery, and of nothing else. A refused one
    /// has a status of 400 or above.
    ///
    /// The scheme is that which the stack or a layer outside has found, else that of [`scheme`](Self::scheme). An unknown one counts as
    /// plain HTTP.
    ///
    /// Accepted: `/logout`. Refused: `logout`, `/logout?all`, `/a/../logout`, `/a//b`, `/users/{id}/logout`, `/caf%C3%A9`, an empty list,
    /// and [`ClearSiteData::new`], which clears nothing.
    pub fn clear_site_data_on(
        mut self,
        paths: impl IntoIterator<Item: AsRef<str>>,
        data: ClearSiteData,
    ) -> Self {
        self.clear.push((collected(paths), data));
        self
    }

    /// Sets how it is found out whether a request came over TLS, if nobody outside has. Default: unknown.
    pub fn scheme(mut self, source: SchemeSource) -> Self {
        self.scheme = Some(source);
        self
    }

    /// Sets a header that has no method of its own. Repeatable.
    ///
    /// Accepted: `x-robots-tag` with `noindex`, `cross-origin-opener-policy-report-only` with `same-origin`. Refused: line breaks,
    /// headers of the connection, those of other layers (`content-security-policy`, `strict-transport-security`, `set-cookie`,
    /// `access-control-*`), dead ones (`x-xss-protection`), and those that have a method here.
    pub fn custom(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let pair = (name.as_ref().to_owned(), value.as_ref().to_vec());
        self.custom.push(pair);
        self
    }

    /// Leaves a header of the preset out. Repeatable.
    ///
    /// What the handler sets of it goes out then, and the posture of a stack warns of it. Refused: a header that the preset does not have,
    /// or that is set here too.
    pub fn without(mut self, name: impl AsRef<str>) -> Self {
        self.without.push(name.as_ref().to_owned());
        self
    }

    /// Lets the handler's own line of a header stand. Repeatable. Default: what this layer sets replaces it.
    ///
    /// Refused: a header that this layer does not set.
    pub fn if_absent(mut self, name: impl AsRef<str>) -> Self {
        self.if_absent.push(name.as_ref().to_owned());
        self
    }

    /// Takes the headers of a list off the handler's answers.
    pub fn remove(mut self, banner: Banner) -> Self {
        self.banner = Some(banner);
        self
    }

    /// Takes a header off the handler's answers. Repeatable.
    ///
    /// Accepted: `via`, `x-runtime`. Refused: a header that this layer sets, or that another layer or the server answers for.
    pub fn remove_header(mut self, name: impl AsRef<str>) -> Self {
        self.remove.push(name.as_ref().to_owned());
        self
    }

    /// Sets the mode. Default: [`Mode::Enforce`]. [`Mode::Off`] hands everything on untouched; [`Mode::ReportOnly`] is refused, as most of
    /// these headers have no report-only form.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once, each a [`HeadersConfigError`](super::HeadersConfigError) with its path such as
    /// `headers.custom[1]`.
    pub fn build(self) -> Result<SecurityHeadersLayer, ConfigErrors> {
        compile(self).map(SecurityHeadersLayer::of)
    }
}
