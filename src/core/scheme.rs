//! Whether a request came over TLS, answered once for every layer that asks.

use std::ops::ControlFlow;

use http::header::FORWARDED;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

use super::client::{Elements, Parameter, trim_ows};
use super::{
    ConfigError, ConfigErrorKind, ConfigErrors, ErrorClass, PeerAddr, RequestContext,
    TrustedProxies,
};

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Bytes of forwarded schemes that are read; more than a chain of proxies ever writes.
const MAX_BYTES: usize = 4096;

/// How the client reached the server or the proxy in front of it.
///
/// A request extension. Where there is none, the scheme is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum RequestScheme {
    /// Without TLS.
    Http,
    /// Over TLS.
    Https,
}

impl RequestScheme {
    /// Returns the scheme that a layer attached to the request.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<Self> {
        RequestContext::from_extensions(extensions)
            .and_then(RequestContext::scheme)
            .or_else(|| extensions.get().copied())
    }

    /// Tells whether the request came over TLS.
    #[must_use]
    pub const fn is_https(self) -> bool {
        matches!(self, Self::Https)
    }
}

/// The acceptor's word that a connection is encrypted: a request extension of every request on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a marker: acceptors write `Tls`, and it carries nothing"
)]
pub struct Tls;

/// Where the scheme of a request is learnt from. There is no default: a wrong answer loses TLS or loops.
///
/// The scheme in the request itself is never used; `:scheme` of HTTP/2 and the absolute form of HTTP/1 are written by the
/// client.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::core::{ClientIp, PeerAddr, ProtoHeader, RequestScheme, SchemeSource};
///
/// let proxies = ClientIp::trusted_proxies(["10.0.0.0/8".parse()?])?;
/// let source = SchemeSource::forwarded_proto(proxies, ProtoHeader::XForwardedProto)?;
/// let scheme = |peer: &str| -> Result<_, Box<dyn std::error::Error>> {
///     let peer: std::net::SocketAddr = peer.parse()?;
///     let request = Request::builder()
///         .header("x-forwarded-proto", "https")
///         .extension(PeerAddr::from(peer))
///         .body(())?;
///     Ok(source.resolve(&request.into_parts().0)?)
/// };
/// assert_eq!(scheme("10.0.0.1:443")?, RequestScheme::Https);
/// assert_eq!(scheme("203.0.113.9:443")?, RequestScheme::Http);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SchemeSource {
    /// Every request came over TLS, whatever it says. For a server that nothing but a TLS proxy can reach.
    AssumeHttps,
    /// A trusted proxy says so in a header. A request of any other peer is judged by [`Tls`]. Made by
    /// [`forwarded_proto`](Self::forwarded_proto).
    ForwardedProto(ForwardedProto),
    /// The listener decides: one for plain HTTP and one for TLS, each with a stack of its own.
    Listener(RequestScheme),
    /// The extension [`Tls`] is there or not.
    Tls,
}

/// The header in which the trusted proxies write the scheme. No other is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProtoHeader {
    /// Another header with the syntax of `X-Forwarded-Proto`, such as `CloudFront-Forwarded-Proto`.
    Custom(HeaderName),
    /// The `proto` parameters of `Forwarded` (RFC 7239 section 5.4).
    Forwarded,
    /// `X-Forwarded-Proto`.
    XForwardedProto,
}

/// The server attached no peer address to the request, so that nobody can tell whether its headers count.
///
/// Guessing would trust a spoofed header or redirect in a loop. On axum, serve with
/// `into_make_service_with_connect_info::<SocketAddr>()`; on hyper, wrap the service in [`WithPeerAddr`](super::WithPeerAddr).
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the server attached no peer address to the request")]
#[non_exhaustive]
pub struct PeerAddressMissing;

/// The proxies whose header tells the scheme, and that header. See [`SchemeSource::forwarded_proto`].
#[derive(Clone, Debug)]
pub struct ForwardedProto {
    trusted: TrustedProxies,
    header: ProtoHeader,
}

/// A source of the scheme that would not hold.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemeConfigError {
    /// The proxies are none, or anybody.
    #[error(
        "refused proxies for the forwarded scheme: {}, name the proxies, or write `SchemeSource::AssumeHttps` if nothing \
         else reaches the server",
        if *.anybody { "anybody could write it" } else { "nobody may write it" }
    )]
    ProxiesTooWide {
        /// Whether they are anybody rather than none.
        anybody: bool,
    },
}

impl ConfigErrorKind for SchemeConfigError {
    fn class(&self) -> ErrorClass {
        ErrorClass::Refused
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ProxiesTooWide { .. } => "proxies_too_wide",
        }
    }
}

impl SchemeSource {
    /// Believes the header of these proxies.
    ///
    /// # Errors
    ///
    /// Proxies that are none ([`TrustedProxies::direct`]), with which no request would ever be HTTPS, or anybody, who could then
    /// say that it is.
    pub fn forwarded_proto(
        trusted: TrustedProxies,
        header: ProtoHeader,
    ) -> Result<Self, ConfigErrors> {
        let anybody = trusted.trusts_any_peer();
        if anybody || trusted.is_direct() {
            let mistake = SchemeConfigError::ProxiesTooWide { anybody };
            return Err(ConfigError::new("scheme.trusted", mistake).into());
        }
        Ok(Self::ForwardedProto(ForwardedProto { trusted, header }))
    }

    /// Finds the scheme of a request, without a look at what a layer may have attached already. Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`PeerAddressMissing`] if [`ForwardedProto`](Self::ForwardedProto) has to know the peer and the server attached none, or
    /// a Unix socket that is not trusted.
    pub fn resolve(&self, parts: &Parts) -> Result<RequestScheme, PeerAddressMissing> {
        self.resolve_from(&parts.headers, &parts.extensions)
    }

    /// Does what [`resolve`](Self::resolve) does for a request that is not in parts.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn resolve_from(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<RequestScheme, PeerAddressMissing> {
        match self {
            Self::AssumeHttps => Ok(RequestScheme::Https),
            Self::Listener(scheme) => Ok(*scheme),
            Self::Tls => Ok(by_marker(extensions)),
            Self::ForwardedProto(ForwardedProto { trusted, header }) => {
                let peer = trusted.peer(extensions).ok_or(PeerAddressMissing)?;
                if trusted.trusts(peer) {
                    Ok(header.read(headers))
                } else if matches!(peer, PeerAddr::Unix) {
                    Err(PeerAddressMissing)
                } else {
                    Ok(by_marker(extensions))
                }
            }
        }
    }

    /// Whether the request comes from a proxy that is trusted to tell the scheme, and so is somebody else's.
    pub(crate) fn is_proxied(&self, extensions: &Extensions) -> bool {
        match self {
            Self::ForwardedProto(ForwardedProto { trusted, .. }) => trusted
                .peer(extensions)
                .is_some_and(|peer| trusted.trusts(peer)),
            Self::AssumeHttps | Self::Listener(_) | Self::Tls => false,
        }
    }
}

fn by_marker(extensions: &Extensions) -> RequestScheme {
    https_if(extensions.get::<Tls>().is_some())
}

const fn https_if(is_https: bool) -> RequestScheme {
    if is_https {
        RequestScheme::Https
    } else {
        RequestScheme::Http
    }
}

impl ProtoHeader {
    /// TLS only if every proxy of the chain says so: one plain hop, and the request was readable on the way.
    fn read(&self, headers: &HeaderMap) -> RequestScheme {
        let (name, all_https): (_, fn(&HeaderValue) -> bool) = match self {
            Self::Custom(name) => (name, list_is_https),
            Self::Forwarded => (&FORWARDED, forwarded_is_https),
            Self::XForwardedProto => (&X_FORWARDED_PROTO, list_is_https),
        };
        let mut unread = MAX_BYTES;
        let mut lines = headers.get_all(name).iter().peekable();
        let present = lines.peek().is_some();
        let verdict = lines.try_for_each(|line| match unread.checked_sub(line.len()) {
            Some(left) if all_https(line) => {
                unread = left;
                ControlFlow::Continue(())
            }
            Some(_) | None => ControlFlow::Break(()),
        });
        https_if(present && verdict.is_continue())
    }
}

fn list_is_https(line: &HeaderValue) -> bool {
    line.as_bytes()
        .split(|&byte| byte == b',')
        .all(|element| trim_ows(element).eq_ignore_ascii_case(b"https"))
}

fn forwarded_is_https(line: &HeaderValue) -> bool {
    let mut elements = Elements::of(line.as_bytes()).peekable();
    let present = elements.peek().is_some();
    present
        && elements.all(|element| match element.map(|element| element.proto) {
            Ok(Parameter::Once(proto)) => proto
                .unescape(&mut [0; 5])
                .is_some_and(|proto| proto.eq_ignore_ascii_case(b"https")),
            Ok(Parameter::Absent | Parameter::Repeated) | Err(_) => false,
        })
}

#[cfg(test)]
#[path = "scheme_tests.rs"]
mod tests;
