//! One exact origin, as configured and as it comes in a request.

use std::fmt;
use std::str::FromStr;

use super::host::{self, HostByte, MAX_HOST};
use super::{OriginError, OriginPattern};

/// The longest origin: 64 bytes of scheme, `://`, 253 of host and 6 of port.
pub(super) const MAX_ORIGIN: usize = MAX_SCHEME + 3 + MAX_HOST + 6;
pub(super) const MAX_SCHEME: usize = 64;

/// The longest `Referer` that is looked at. Browsers cut it down to its origin from this length on
/// ([Referrer Policy section 8.3](https://www.w3.org/TR/referrer-policy/#determine-requests-referrer)).
const MAX_REFERER: usize = 4096;

/// An exact web origin in the spelling that browsers send.
///
/// # Example
///
/// ```
/// use tower_security::core::origin::Origin;
///
/// let origin: Origin = "https://app.example.com:8443".parse()?;
/// assert_eq!((origin.scheme(), origin.host(), origin.port()), ("https", "app.example.com", Some(8443)));
/// assert!(Origin::parse("https://[::1]").is_ok());
///
/// assert!(Origin::parse("https://app.example.com/").is_err()); // has a path
/// assert!(Origin::parse("https://app.example.com:443").is_err()); // browsers leave the default port out
/// assert!(Origin::parse("https://*.example.com").is_err()); // is a pattern
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(OriginPattern);

impl Origin {
    /// Parses an origin in exactly the spelling that browsers send.
    ///
    /// # Errors
    ///
    /// Fails with what is wrong, and in most cases with what to write instead ([`OriginError::instead`]).
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let pattern = OriginPattern::parse(text)?;
        Self::from_pattern(pattern).ok_or_else(|| OriginError::InvalidPatternWildcard {
            value: text.to_owned(),
        })
    }

    pub(super) fn from_pattern(pattern: OriginPattern) -> Option<Self> {
        pattern.is_exact().then_some(Self(pattern))
    }

    /// Returns the scheme, such as `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// Returns the host, with the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host()
    }

    /// Returns the port if it is not the default one of the scheme.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.0.port()
    }

    /// Returns the whole origin.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns whether the host is `localhost`, a name below it, `127.0.0.0/8` or `[::1]`: pages from there have not come over a
    /// network, so that `http` is as good as `https`.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0.is_local()
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        Self::parse(text)
    }
}

impl AsRef<str> for Origin {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Origin").field(&self.as_str()).finish()
    }
}

/// The `Origin` of a request, borrowed from its header.
///
/// The form is that of [`Origin`]; what only makes an origin unlikely (the default port, a host that no browser would let pass) is
/// accepted, as it matches nothing anyway. `null`, lists, upper case, paths and user names are no origins.
///
/// # Example
///
/// ```
/// use tower_security::core::origin::OriginRef;
///
/// let origin = OriginRef::parse(b"https://app.example.com:8443").ok_or("no origin")?;
/// assert_eq!((origin.scheme(), origin.host(), origin.port()), ("https", "app.example.com", Some(8443)));
///
/// assert!(OriginRef::parse(b"null").is_none());
/// assert!(OriginRef::parse(b"https://app.example.com/").is_none());
/// assert!(OriginRef::parse(b"https://user@app.example.com").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OriginRef<'a> {
    bytes: &'a [u8],
    scheme: &'a [u8],
    host: &'a [u8],
    port: Option<u16>,
}

impl<'a> OriginRef<'a> {
    /// Reads a header value without allocating; `None` if it is no origin or longer than 326 bytes.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        if value.len() > MAX_ORIGIN {
            return None;
        }
        let (scheme, rest) = match value.strip_prefix(b"https://") {
            Some(rest) => (b"https".as_slice(), rest),
            None => split_scheme(value)?,
        };
        let (host, rest) = rest.split_at_checked(host_len(rest)?)?;
        let port = match rest {
            [] => None,
            [b':', digits @ ..] => Some(port(digits)?),
            // Whatever follows the host: a path, a user name, a list.
            _ => return None,
        };
        Some(Self {
            bytes: value,
            scheme,
            host,
            port,
        })
    }

    /// Reads the origin of the page that a `Referer` names; `None` unless the page is one of `http` or `https`.
    pub(crate) fn from_referer(value: &'a [u8]) -> Option<Self> {
        if value.len() > MAX_REFERER {
            return None;
        }
        let authority = value
            .strip_prefix(b"https://")
            .or_else(|| value.strip_prefix(b"http://"))?;
        let tail = authority
            .iter()
            .position(|b| matches!(b, b'/' | b'?' | b'#'))
            .map_or(0, |at| authority.len() - at);
        Self::parse(value.get(..value.len() - tail)?)
    }

    /// Returns the scheme, such as `https`.
    #[must_use]
    pub fn scheme(&self) -> &'a str {
        text(self.scheme)
    }

    /// Returns the host, with the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &'a str {
        text(self.host)
    }

    /// Returns the port if one is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Returns the whole origin.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        text(self.bytes)
    }

    /// Returns the whole origin as it came.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns whether the host is `localhost`, a name below it, `127.0.0.0/8` or `[::1]`.
    #[must_use]
    pub fn is_local(&self) -> bool {
        host::is_local(self.host)
    }

    pub(super) fn scheme_bytes(&self) -> &'a [u8] {
        self.scheme
    }

    pub(super) fn host_bytes(&self) -> &'a [u8] {
        self.host
    }
}

impl fmt::Display for OriginRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for OriginRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OriginRef").field(&self.as_str()).finish()
    }
}

/// What was accepted is ASCII; it is looked at as text only off the hot path.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn split_scheme(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let (scheme, rest) = value.split_at_checked(value.iter().position(|byte| *byte == b':')?)?;
    let rest = rest.strip_prefix(b"://")?;
    is_scheme(scheme).then_some((scheme, rest))
}

/// RFC 3986 section 3.1, in lower case.
pub(super) fn is_scheme(scheme: &[u8]) -> bool {
    matches!(scheme, [b'a'..=b'z', rest @ ..] if rest.len() < MAX_SCHEME
        && rest.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.')))
}

/// The port that `digits` say: 1 to 65535 without leading zeros.
pub(super) fn port(digits: &[u8]) -> Option<u16> {
    match digits {
        [b'1'..=b'9', ..] => digits.iter().try_fold(0_u16, |port, digit| {
            let digit = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
            port.checked_mul(10)?.checked_add(digit)
        }),
        // Empty, 0 (which nobody listens on), a leading zero, a sign or junk.
        _ => None,
    }
}

/// The port that a scheme is reached on when none is written.
pub(super) fn default_port(scheme: &[u8]) -> Option<u16> {
    match scheme {
        b"https" => Some(443),
        b"http" => Some(80),
        _ => None,
    }
}

/// The length of the host that `rest` begins with.
fn host_len(rest: &[u8]) -> Option<usize> {
    if rest.first() == Some(&b'[') {
        let len = rest.iter().position(|b| *b == b']')? + 1;
        let address = rest.get(1..len - 1)?;
        let is_lower = address.iter().all(|b| !b.is_ascii_uppercase());
        return (is_lower && text(address).parse::<std::net::Ipv6Addr>().is_ok()).then_some(len);
    }
    let mut before = HostByte::Dot;
    let mut len = 0;
    for byte in rest {
        let class = host::class(*byte);
        match (before, class) {
            (_, HostByte::Other) => break,
            (HostByte::Dot, HostByte::Dot) => return None,
            _ => before = class,
        }
        len += 1;
    }
    (1..=MAX_HOST).contains(&len).then_some(len)
}
