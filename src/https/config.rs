//! The configuration: what becomes of plain requests, and the builder.

use http::{Method, StatusCode};

use super::check::{HttpsPolicy, Insecure, Target};
use super::error::HttpsConfigError;
use super::exempt::Exemptions;
use super::host::{self, HostList};
use super::hsts::Hsts;
use super::layer::HttpsLayer;
use crate::core::origin::PublicSuffixes;
use crate::core::{
    ConfigErrors, EventSink, Events, Mistakes, Mode, RequestScheme, SchemeSource, collected,
};

/// What becomes of a request that came without TLS.
///
/// # Example
///
/// ```
/// use tower_security::core::SchemeSource;
/// use tower_security::https::{HttpsLayer, OnInsecure, RedirectHost};
///
/// let built = |on_insecure| HttpsLayer::builder(SchemeSource::Tls).on_insecure(on_insecure).build();
/// assert!(built(OnInsecure::Reject).is_ok());
/// assert!(built(OnInsecure::Redirect(RedirectHost::fixed("www.example.com"))).is_ok());
/// assert!(built(OnInsecure::Redirect(RedirectHost::allow(["example.com", "*.shop.example.com"]))).is_ok());
///
/// assert!(built(OnInsecure::Redirect(RedirectHost::fixed("https://www.example.com/"))).is_err());
/// assert!(built(OnInsecure::Redirect(RedirectHost::allow(["*"]))).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnInsecure {
    /// Redirects to the same path over HTTPS. For pages: people type names without a scheme.
    Redirect(RedirectHost),
    /// Refuses with 403 `https_required`. For APIs: a redirect hides from a program's author that its token goes out in clear
    /// with each call.
    Reject,
}

/// Where a redirect leads. It is never where the client says, unless that is in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectHost(Choice);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    Fixed(String),
    Allow(Vec<String>),
}

impl RedirectHost {
    /// Always to this host, whatever the request names: for one canonical name, and where `Host` may be rewritten on the way.
    ///
    /// Accepted: `www.example.com`, `192.0.2.1`, `[2001:db8::1]`. Refused when the layer is built: a scheme, a port, a path, a
    /// pattern, upper case, a name that is not in Punycode.
    #[must_use]
    pub fn fixed(host: impl Into<String>) -> Self {
        Self(Choice::Fixed(host.into()))
    }

    /// To the request's own host, if it is one of these; any other is refused with 400 `host_refused`.
    ///
    /// Accepted: what [`fixed`](Self::fixed) accepts, and `*.shop.example.com` for one label or more before that name. Refused when
    /// the layer is built: `*`, an empty list, a star elsewhere, `*.com` and other names under which strangers get theirs.
    #[must_use]
    pub fn allow(hosts: impl IntoIterator<Item: AsRef<str>>) -> Self {
        Self(Choice::Allow(collected(hosts)))
    }
}

/// The status of redirects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RedirectStatus {
    /// 301 for GET and HEAD, which clients of before 2014 know; 308 for others, since 301 turns a POST into a GET.
    Found301ForGet,
    /// 308: the method and the body stay. The default.
    #[default]
    Permanent308,
    /// 307: the method and the body stay, and nobody remembers. For rolling out.
    Temporary307,
}

impl RedirectStatus {
    pub(super) fn of(self, method: &Method) -> StatusCode {
        match self {
            Self::Found301ForGet if matches!(*method, Method::GET | Method::HEAD) => {
                StatusCode::MOVED_PERMANENTLY
            }
            Self::Found301ForGet | Self::Permanent308 => StatusCode::PERMANENT_REDIRECT,
            Self::Temporary307 => StatusCode::TEMPORARY_REDIRECT,
        }
    }
}

/// Builds an [`HttpsLayer`]. Made by [`HttpsLayer::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct HttpsBuilder {
    source: SchemeSource,
    on_insecure: Option<OnInsecure>,
    status: RedirectStatus,
    allowed_hosts: Option<Vec<String>>,
    https_port: u16,
    exemptions: Exemptions,
    exempt_paths: Vec<String>,
    hsts: Hsts,
    suffixes: PublicSuffixes,
    mode: Mode,
    events: Events,
}

impl HttpsBuilder {
    pub(super) fn new(source: SchemeSource) -> Self {
        Self {
            source,
            on_insecure: None,
            status: RedirectStatus::default(),
            allowed_hosts: None,
            https_port: 443,
            exemptions: Exemptions::default(),
            exempt_paths: Vec::new(),
            hsts: Hsts::default(),
            suffixes: PublicSuffixes::default(),
            mode: Mode::default(),
            events: Events::default(),
        }
    }

    /// Sets what becomes of plain requests. Default: a redirect to the request's own host if
    /// [`allowed_hosts`](Self::allowed_hosts) has it; without these hosts it has to be set.
    ///
    /// A redirect is refused beside [`SchemeSource::AssumeHttps`], where no request is plain.
    pub fn on_insecure(mut self, on_insecure: OnInsecure) -> Self {
        self.on_insecure = Some(on_insecure);
        self
    }

    /// Sets the status of redirects. Default: [`RedirectStatus::Permanent308`].
    pub fn status(mut self, status: RedirectStatus) -> Self {
        self.status = status;
        self
    }

    /// Sets the hosts that requests may name, over TLS and without, exact or with `*.`; any other is refused with 400
    /// `host_refused`, and one that cannot be read with 400 `host_invalid`. Default: any host.
    ///
    /// It stops DNS rebinding, where a page of an attacker's name reaches this server, and links made of a forged `Host`
    /// (CWE-350, CWE-644). The entries are those of [`RedirectHost::allow`]. What [`exempt_acme`](Self::exempt_acme) and
    /// [`allow_loopback`](Self::allow_loopback) name passes under any host.
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.allowed_hosts = Some(collected(hosts));
        self
    }

    /// Sets the port that redirects lead to, as clients reach it. Default: 443, which is not written.
    pub fn https_port(mut self, port: u16) -> Self {
        self.https_port = port;
        self
    }

    /// Lets `http-01` challenges pass without TLS: GET and HEAD of `/.well-known/acme-challenge/` and one token. Default: off.
    pub fn exempt_acme(mut self) -> Self {
        self.exemptions.acme = true;
        self
    }

    /// Lets requests for exactly this path pass without TLS, such as a health check. Repeatable.
    ///
    /// The path is compared as the client wrote it, without the query: `/healthz` is neither `/healthz/` nor `/HEALTHZ`. Accepted:
    /// `/healthz`. Refused when the layer is built: `healthz`, `/health?full`, `/health;v=1`,
    /// `/a/../b`, `/%61`, `/health/*`.
    ///
    /// The host is judged all the same: a probe that calls by address needs that address in [`allowed_hosts`](Self::allowed_hosts), or
    /// a `Host` header of its own.
    pub fn exempt_path(mut self, path: impl Into<String>) -> Self {
        self.exempt_paths.push(path.into());
        self
    }

    /// Lets requests of this machine to this machine pass without TLS: the peer is a loopback address *and* the host is
    /// `localhost`, a name below it, `127.0.0.0/8` or `[::1]`. Default: off.
    ///
    /// What a proxy passes on is known for somebody else's only where the proxy is named: in [`SchemeSource::ForwardedProto`], or in
    /// the `client_ip` or `scheme` of the stack. Do not use it behind another proxy on the same machine.
    pub fn allow_loopback(mut self) -> Self {
        self.exemptions.loopback = true;
        self
    }

    /// Sets what answers over TLS tell browsers to remember. Default: [`Hsts::two_years`].
    pub fn hsts(mut self, hsts: Hsts) -> Self {
        self.hsts = hsts;
        self
    }

    /// Sets the public suffixes that a `*.` may not stand before. Default: [`PublicSuffixes::builtin`].
    pub fn public_suffixes(mut self, suffixes: PublicSuffixes) -> Self {
        self.suffixes = suffixes;
        self
    }

    /// Sets the mode. Default: [`Mode::Enforce`].
    ///
    /// [`Mode::ReportOnly`] is about plain requests and hosts: they pass, with an event each. Answers over TLS get HSTS all the
    /// same; begin with a short [`Hsts::new`] there. [`Mode::Off`] writes none.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets where events go. Default: the stack's sink, else `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = Events::new(sink);
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once, each an [`HttpsConfigError`] with its path such as `https.allowed_hosts[1]`.
    pub fn build(self) -> Result<HttpsLayer, ConfigErrors> {
        let (mode, events) = (self.mode, self.events.clone());
        let policy = self.build_policy()?;
        Ok(HttpsLayer::of(policy, mode, events))
    }

    /// Makes the rules alone, for use without Tower.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_policy(self) -> Result<HttpsPolicy, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let allowed = self.allowed_hosts.as_ref().and_then(|hosts| {
            HostList::compile(&mut mistakes, "https.allowed_hosts", hosts, &self.suffixes)
        });
        let insecure = self.insecure(&mut mistakes);
        if self.https_port == 0 {
            mistakes.push("https.https_port", HttpsConfigError::InvalidPort);
        }
        let exemptions = self
            .exemptions
            .clone()
            .with_paths(&mut mistakes, &self.exempt_paths);
        // Report-only redirects nothing and writes HSTS, and a place in the preload list outlasts a roll-out.
        let redirects = is_always_https(&self.source)
            || (self.mode != Mode::ReportOnly && matches!(insecure, Insecure::Redirect(_)));
        let hsts = compile_hsts(&mut mistakes, self.hsts, redirects);
        mistakes.finish(HttpsPolicy {
            source: self.source,
            insecure,
            status: self.status,
            allowed,
            exemptions,
            hsts,
        })
    }

    fn insecure(&self, mistakes: &mut Mistakes) -> Insecure {
        const PATH: &str = "https.on_insecure";
        let port = match self.https_port {
            443 => String::new(),
            port => format!(":{port}"),
        };
        if matches!(self.source, SchemeSource::AssumeHttps) {
            if matches!(self.on_insecure, Some(OnInsecure::Redirect(_))) {
                mistakes.push(PATH, HttpsConfigError::Unreachable);
            }
            return Insecure::Reject;
        }
        let own = |hosts| {
            let port = port.as_str().into();
            Insecure::Redirect(Target::Own { hosts, port })
        };
        match &self.on_insecure {
            Some(OnInsecure::Reject) => Insecure::Reject,
            Some(OnInsecure::Redirect(RedirectHost(Choice::Fixed(name)))) => {
                match host::fixed(name, &self.suffixes) {
                    Ok(origin) => {
                        Insecure::Redirect(Target::Fixed(format!("{origin}{port}").into()))
                    }
                    Err(error) => {
                        mistakes.push(PATH, error);
                        own(None)
                    }
                }
            }
            Some(OnInsecure::Redirect(RedirectHost(Choice::Allow(hosts)))) => {
                own(HostList::compile(mistakes, PATH, hosts, &self.suffixes))
            }
            None => {
                if self.allowed_hosts.is_none() {
                    mistakes.push(PATH, HttpsConfigError::HostMissing { value: None });
                }
                own(None)
            }
        }
    }
}

/// The rules of [`HttpsLayer::hsts_only`].
pub(super) fn hsts_only(source: SchemeSource, hsts: Hsts) -> Result<HttpsPolicy, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let hsts = compile_hsts(&mut mistakes, hsts, is_always_https(&source));
    mistakes.finish(HttpsPolicy {
        source,
        insecure: Insecure::Pass,
        status: RedirectStatus::default(),
        allowed: None,
        exemptions: Exemptions::default(),
        hsts,
    })
}

fn compile_hsts(mistakes: &mut Mistakes, hsts: Hsts, redirects: bool) -> Option<http::HeaderValue> {
    match hsts.compile(redirects) {
        Ok(value) => value,
        Err(error) => {
            mistakes.push("https.hsts", error);
            None
        }
    }
}

/// Whether plain requests are somebody else's, who redirects them or not.
const fn is_always_https(source: &SchemeSource) -> bool {
    matches!(
        source,
        SchemeSource::AssumeHttps | SchemeSource::Listener(RequestScheme::Https)
    )
}
