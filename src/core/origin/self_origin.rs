//! Which origin is the server's own.

use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Uri};

use super::error::{instead, shown};
use super::index::{Index, Keyed};
use super::parse::default_port;
use super::set::{MAX_ORIGINS, insecure};
use super::{Origin, OriginError, OriginPattern, OriginRef};
use crate::core::{ConfigErrors, Mistakes};

/// Tells whether a request comes from a page of the server itself.
///
/// By default the server's name is what the request was sent to: the authority of the request target (`:authority` in HTTP/2), else
/// the one `Host` line. Hosts are compared without regard to case and ports as effective ports, so that `a.example:443` is
/// `https://a.example`. Two `Host` lines, none, or one with a user name are nobody's.
///
/// The scheme is not derived from the request, as a proxy may speak plain HTTP to the server: the page must be one of `https`, or
/// of `http` on localhost. A page on `http://a.example` is whatever an attacker in the network answers, even though the server
/// itself is `https://a.example`.
///
/// A proxy that rewrites `Host` makes the comparison fail: name the origins then, with [`of`](Self::of). That is the safest choice
/// anyway.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::core::origin::{OriginRef, SelfOrigin};
///
/// let (parts, ()) = Request::post("/orders").header("host", "Shop.example:443").body(())?.into_parts();
/// let own = OriginRef::parse(b"https://shop.example").ok_or("no origin")?;
/// let plain = OriginRef::parse(b"http://shop.example").ok_or("no origin")?;
/// assert!(SelfOrigin::from_host().is_self(&parts, &own));
/// assert!(!SelfOrigin::from_host().is_self(&parts, &plain));
///
/// let configured = SelfOrigin::of(["https://www.shop.example"])?;
/// assert!(!configured.is_self(&parts, &own));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SelfOrigin(Source);

#[derive(Debug)]
enum Source {
    Host { allow_insecure: bool },
    Listed(Index<Origin>),
}

impl Default for SelfOrigin {
    fn default() -> Self {
        Self::from_host()
    }
}

impl SelfOrigin {
    /// Compares with the name that the request was sent to. This is the default.
    #[must_use]
    pub fn from_host() -> Self {
        Self::host(false)
    }

    /// Compares with these origins alone; `Host` is not read. An empty list matches nothing.
    ///
    /// # Errors
    ///
    /// Fails with every entry that is no exact origin of `https`, or of `http` on localhost.
    pub fn of(origins: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, ConfigErrors> {
        Self::listed("self_origins", origins, false)
    }

    /// [`from_host`](Self::from_host); `allow_insecure` accepts `http` pages beyond localhost.
    pub(crate) fn host(allow_insecure: bool) -> Self {
        Self(Source::Host { allow_insecure })
    }

    /// [`of`](Self::of); `allow_insecure` accepts `http` origins beyond localhost, errors name `path`.
    pub(crate) fn listed(
        path: &str,
        origins: impl IntoIterator<Item: AsRef<str>>,
        allow_insecure: bool,
    ) -> Result<Self, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let mut accepted = Vec::new();
        for (index, text) in origins.into_iter().enumerate() {
            if index == MAX_ORIGINS {
                let too_many = OriginError::RefusedTooManyOrigins {
                    limit: MAX_ORIGINS,
                    entries: "origins",
                };
                mistakes.push(path, too_many);
                break;
            }
            match own_origin(text.as_ref(), allow_insecure) {
                Ok(origin) => accepted.push(origin),
                Err(error) => mistakes.push(format!("{path}[{index}]"), error),
            }
        }
        mistakes.finish(Self(Source::Listed(Index::new(accepted))))
    }

    /// Returns whether `origin`, sent with the request of `parts`, is the server's own. Does not allocate.
    #[must_use]
    pub fn is_self(&self, parts: &Parts, origin: &OriginRef<'_>) -> bool {
        self.is_self_of(&parts.uri, &parts.headers, origin)
    }

    /// [`is_self`](Self::is_self) for a request that was not taken apart.
    pub(crate) fn is_self_of(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        origin: &OriginRef<'_>,
    ) -> bool {
        let Some(default) = default_port(origin.scheme_bytes()) else {
            return false;
        };
        let port = origin.port().unwrap_or(default);
        match &self.0 {
            Source::Listed(origins) => origins
                .find(origin.host_bytes(), |own| {
                    own.scheme().as_bytes() == origin.scheme_bytes()
                        && own.port().unwrap_or(default) == port
                })
                .is_some(),
            Source::Host { allow_insecure } => {
                (origin.scheme_bytes() == b"https" || *allow_insecure || origin.is_local())
                    && authority(uri, headers)
                        .is_some_and(|own| names(own, origin.host_bytes(), port, default))
            }
        }
    }
}

impl Keyed for Origin {
    fn key(&self) -> &[u8] {
        self.host().as_bytes()
    }
}

fn own_origin(text: &str, allow_insecure: bool) -> Result<Origin, OriginError> {
    let pattern = OriginPattern::parse(text)?;
    match pattern.scheme() {
        _ if !pattern.is_exact() => {}
        "https" => {}
        "http" if allow_insecure || pattern.is_local() => {}
        "http" => return Err(insecure(&pattern)),
        scheme => {
            let rest = text.strip_prefix(scheme).unwrap_or_default();
            return Err(OriginError::RefusedSelfOriginScheme {
                value: shown(text),
                instead: instead(format!("https{rest}")),
            });
        }
    }
    Origin::from_pattern(pattern)
        .ok_or_else(|| OriginError::RefusedSelfOriginPattern { value: shown(text) })
}

/// What the request was sent to. The authority counts where there is one (RFC 9112 section 3.2.2); a second `Host` line means that
/// somebody on the way may have looked at the other one.
fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a [u8]> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return None;
    }
    match uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => host.map(|host| host.as_bytes()),
    }
}

/// Whether `authority` is `host` with the effective port `port`. `host` is a whole valid host, so that whatever else stands in
/// the authority (a user name, a longer name, junk) makes it another one.
fn names(authority: &[u8], host: &[u8], port: u16, default: u16) -> bool {
    let Some((name, rest)) = authority.split_at_checked(host.len()) else {
        return false;
    };
    let own_port = match rest {
        [] => Some(default),
        [b':', digits @ ..] => super::parse::port(digits),
        _ => None,
    };
    // Browsers send the host as it stands in the origin; comparing without case costs five times as much.
    (name == host || name.eq_ignore_ascii_case(host)) && own_port == Some(port)
}
