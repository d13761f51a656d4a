//! What a request may do, decided from its head alone.

use bytes::Bytes;
use http::header::UPGRADE;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::config::RedirectStatus;
use super::exempt::{Asked, Exemptions};
use super::host::{HostList, RequestHost, keeps_hsts};
use crate::core::{RequestScheme, SchemeSource, is_grpc, original_uri};

/// The rules of an [`HttpsLayer`](super::HttpsLayer), for use without Tower. Made by
/// [`HttpsBuilder::build_policy`](super::HttpsBuilder::build_policy).
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::core::{SchemeSource, Tls};
/// use tower_security::https::{HttpsDecision, HttpsLayer, HttpsRefusal, OnInsecure, RedirectHost};
///
/// let policy = HttpsLayer::builder(SchemeSource::Tls)
///     .on_insecure(OnInsecure::Redirect(RedirectHost::allow(["app.example.com"])))
///     .build_policy()?;
/// let request = |host: &str| Request::get("/orders").header("host", host).body(());
///
/// let (plain, ()) = request("app.example.com:80")?.into_parts();
/// let HttpsDecision::Redirect { location, .. } = policy.check(&plain) else { return Err("no redirect".into()) };
/// assert_eq!(location, "https://app.example.com/orders");
///
/// let (forged, ()) = request("evil.example")?.into_parts();
/// assert!(matches!(policy.check(&forged), HttpsDecision::Refuse(HttpsRefusal::HostNotAllowed)));
///
/// let (mut secure, ()) = request("app.example.com")?.into_parts();
/// secure.extensions.insert(Tls);
/// assert!(matches!(policy.check(&secure), HttpsDecision::Secure(Some(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HttpsPolicy {
    pub(super) source: SchemeSource,
    pub(super) insecure: Insecure,
    pub(super) status: RedirectStatus,
    pub(super) allowed: Option<HostList>,
    pub(super) exemptions: Exemptions,
    pub(super) hsts: Option<HeaderValue>,
}

/// What becomes of a request that came without TLS.
#[derive(Clone, Debug)]
pub(super) enum Insecure {
    /// The layer does nothing but write HSTS.
    Pass,
    Reject,
    Redirect(Target),
}

/// What a redirect begins with. A port other than 443 is part of the text.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// Such as `https://app.example:8443`.
    Fixed(Box<str>),
    /// The request's own host if it is in the list, else that of [`HttpsPolicy::allowed`], and the port, such as `:8443`.
    Own {
        hosts: Option<HostList>,
        port: Box<str>,
    },
}

/// What to do with a request. See [`HttpsPolicy::check`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HttpsDecision<'a> {
    /// It came over TLS: hand it on, and write this `Strict-Transport-Security` to the answer.
    Secure(Option<&'a HeaderValue>),
    /// It came without TLS and may pass: it is exempt, or the policy does nothing but write HSTS.
    Plain,
    /// The scheme cannot be told, and the policy does nothing but write HSTS: hand it on without.
    Unknown,
    /// Answer with a redirect.
    Redirect {
        /// 301, 307 or 308.
        status: StatusCode,
        /// The same path and query over HTTPS.
        location: HeaderValue,
    },
    /// Refuse it.
    Refuse(HttpsRefusal),
}

/// Why a request was refused. It stands in the extensions of the refusal and, as [`as_str`](Self::as_str), in the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum HttpsRefusal {
    /// The authority of the request target and `Host` name different hosts.
    #[error("the request target and Host name different hosts")]
    HostDisagreement,
    /// `Host` stands more than once.
    #[error("Host stands more than once")]
    HostDuplicate,
    /// The host has a user name, a bad port, or a byte that no host has.
    #[error("the host is malformed")]
    HostMalformed,
    /// There is no host, or an empty one.
    #[error("the request names no host")]
    HostMissing,
    /// The host is not in the list.
    #[error("the host is not served here")]
    HostNotAllowed,
    /// It came without TLS, and it is not one to redirect.
    #[error("the request came without TLS")]
    HttpsRequired,
    /// Whether it came over TLS depends on the peer, and the server attached none.
    #[error("the server attached no peer address to the request")]
    PeerAddressMissing,
}

impl HttpsRefusal {
    /// Returns the code that clients see: `host_invalid`, `host_refused`, `https_required` or `peer_address_missing`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::HostDisagreement
            | Self::HostDuplicate
            | Self::HostMalformed
            | Self::HostMissing => "host_invalid",
            Self::HostNotAllowed => "host_refused",
            Self::HttpsRequired => "https_required",
            Self::PeerAddressMissing => "peer_address_missing",
        }
    }

    /// Returns the stable snake-case name, such as `host_duplicate`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HostDisagreement => "host_disagreement",
            Self::HostDuplicate => "host_duplicate",
            Self::HostMalformed => "host_malformed",
            Self::HostMissing => "host_missing",
            Self::HostNotAllowed => "host_not_allowed",
            Self::HttpsRequired => "https_required",
            Self::PeerAddressMissing => "peer_address_missing",
        }
    }
}

impl HttpsPolicy {
    /// Decides what becomes of a request. Pure: it looks at the head and at nothing else.
    ///
    /// The [`RequestScheme`] that a stack or a layer further outside attached comes first, then the configured source. What is
    /// done with the decision is up to the caller; [`Mode`](crate::core::Mode) is a matter of the layer.
    #[must_use]
    pub fn check(&self, head: &Parts) -> HttpsDecision<'_> {
        self.decide(&head.method, &head.uri, &head.headers, &head.extensions)
    }

    /// Returns the `Strict-Transport-Security` that answers over TLS get.
    #[must_use]
    pub const fn hsts(&self) -> Option<&HeaderValue> {
        self.hsts.as_ref()
    }

    /// [`check`](Self::check) for a request that was not taken apart.
    pub(super) fn decide(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> HttpsDecision<'_> {
        let asked = || Asked {
            method,
            path: original_uri(uri, extensions).path(),
            uri,
            headers,
            extensions,
        };
        if let Some(allowed) = &self.allowed
            && let Err(refusal) = allowed_host(allowed, uri, headers)
            && !self.exemptions.cover_any_host(asked(), &self.source)
        {
            return HttpsDecision::Refuse(refusal);
        }
        if self.hsts.is_none() && matches!(self.insecure, Insecure::Pass) {
            return HttpsDecision::Plain;
        }
        let attached = RequestScheme::from_extensions(extensions);
        let scheme =
            match attached.map_or_else(|| self.source.resolve_from(headers, extensions), Ok) {
                Ok(scheme) => scheme,
                Err(_) if matches!(self.insecure, Insecure::Pass) => return HttpsDecision::Unknown,
                Err(_) => return HttpsDecision::Refuse(HttpsRefusal::PeerAddressMissing),
            };
        if scheme.is_https() {
            let hsts = self.hsts.as_ref();
            return HttpsDecision::Secure(hsts.filter(|_| keeps_hsts(uri, headers)));
        }
        match &self.insecure {
            Insecure::Pass => HttpsDecision::Plain,
            _ if self.exemptions.cover(asked(), &self.source) => HttpsDecision::Plain,
            Insecure::Reject => HttpsDecision::Refuse(HttpsRefusal::HttpsRequired),
            Insecure::Redirect(target) => self
                .redirect(target, asked())
                .unwrap_or_else(HttpsDecision::Refuse),
        }
    }

    fn redirect(
        &self,
        target: &Target,
        asked: Asked<'_>,
    ) -> Result<HttpsDecision<'static>, HttpsRefusal> {
        let refused = || HttpsRefusal::HttpsRequired;
        if is_grpc(asked.headers) || switches_protocol(asked.method, asked.headers) {
            return Err(refused());
        }
        let uri = original_uri(asked.uri, asked.extensions);
        let [slash, path] = path_and_query(uri).ok_or_else(refused)?;
        // One that cannot be read is refused even where it is not used: two programs could read it in two ways.
        let host = RequestHost::read(asked.uri, asked.headers)?;
        let location = match target {
            Target::Fixed(origin) => location([origin.as_bytes(), b"", slash, path]),
            Target::Own { hosts, port } => {
                let list = hosts.as_ref().or(self.allowed.as_ref());
                if !list.is_some_and(|list| list.accepts(&host)) {
                    return Err(HttpsRefusal::HostNotAllowed);
                }
                location([host.origin(), port.as_bytes(), slash, path])
            }
        };
        Ok(HttpsDecision::Redirect {
            status: self.status.of(asked.method),
            location: location.ok_or_else(refused)?,
        })
    }

    /// What a plain request meets: `redirect`, `reject` or `pass`.
    pub(crate) const fn on_insecure(&self) -> &'static str {
        match self.insecure {
            Insecure::Pass => "pass",
            Insecure::Reject => "reject",
            Insecure::Redirect(_) => "redirect",
        }
    }

    /// How many hosts and patterns are accepted; `None` for any host.
    pub(crate) fn allowed_hosts(&self) -> Option<usize> {
        self.allowed.as_ref().map(HostList::len)
    }

    /// What may pass without TLS: `acme`, `loopback` and paths.
    pub(crate) fn exemptions(&self) -> impl Iterator<Item = &str> {
        self.exemptions.names()
    }
}

fn allowed_host(allowed: &HostList, uri: &Uri, headers: &HeaderMap) -> Result<(), HttpsRefusal> {
    let host = RequestHost::read(uri, headers)?;
    if allowed.accepts(&host) {
        Ok(())
    } else {
        Err(HttpsRefusal::HostNotAllowed)
    }
}

/// Whether the answer would be no answer to HTTP any more: such a client does not follow a redirect.
///
/// `h2c` and `TLS/1.2` are offers that a server may pass over (RFC 9110 section 7.8), and some clients make them by default.
fn switches_protocol(method: &Method, headers: &HeaderMap) -> bool {
    let is_offer = |protocol: &[u8]| {
        let name = protocol.split(|byte| *byte == b'/').next();
        let name = name.unwrap_or_default().trim_ascii();
        name.eq_ignore_ascii_case(b"h2c") || name.eq_ignore_ascii_case(b"tls")
    };
    // Extended CONNECT (RFC 8441) is a WebSocket over HTTP/2; that of HTTP/1 is for proxies.
    method == Method::CONNECT
        || headers
            .get_all(UPGRADE)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
            .any(|protocol| !is_offer(protocol))
}

/// The path and query byte for byte, and the slash that it may lack; `None` for what is no path: `*`, and the target of a CONNECT.
fn path_and_query(uri: &Uri) -> Option<[&[u8]; 2]> {
    let text = uri.path_and_query()?.as_str();
    // The query of `http://app.example?a` has no path before it: behind a host it would be part of that.
    let slash: &[u8] = match text.as_bytes().first()? {
        b'/' => b"",
        b'?' => b"/",
        _ => return None,
    };
    Some([slash, text.as_bytes()])
}

/// One buffer of exact size, so that the value is made of it without another.
fn location(parts: [&[u8]; 4]) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from(parts.concat())).ok()
}
