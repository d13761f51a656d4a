//! Configured origins and patterns: the strict parser.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use super::OriginError;
use super::error::{instead, shown};
use super::host::{self, HostKind, MAX_HOST};
use super::parse::{self, MAX_ORIGIN, MAX_SCHEME};
use super::punycode;

/// Which ports a pattern accepts. "None" is a port of its own: the default one of the scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PortRule {
    Exactly(Option<u16>),
    Any,
}

/// An exact origin, or a pattern: `scheme://*.host`, `scheme://host:*`, or both.
///
/// `*.` stands for one label or more, never for none: `https://*.example.com` accepts `https://a.b.example.com` and not
/// `https://example.com`. `:*` stands for any port or none. Everything else is compared byte by byte; scheme and port always count.
///
/// # Example
///
/// ```
/// use tower_security::core::origin::OriginPattern;
///
/// let pattern = OriginPattern::parse("https://*.example.com")?;
/// assert!(pattern.includes_subdomains());
/// assert_eq!(pattern.host(), "example.com");
/// assert!(OriginPattern::parse("http://localhost:*").is_ok());
///
/// assert!(OriginPattern::parse("https://*example.com").is_err());
/// assert!(OriginPattern::parse("https://app.*.example.com").is_err());
/// assert!(OriginPattern::parse("*").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginPattern {
    text: Box<str>,
    /// The length of the scheme.
    scheme: usize,
    /// Where the host, without `*.`, begins and ends in the text.
    host: (usize, usize),
    port: PortRule,
}

impl OriginPattern {
    /// Parses an origin or a pattern in exactly the spelling that browsers send.
    ///
    /// # Errors
    ///
    /// Fails with the first thing that is wrong, and in most cases with what to write instead ([`OriginError::instead`]).
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        check_whole(text)?;
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(OriginError::InvalidOriginScheme {
                value: shown(text),
                instead: instead(format!("https://{}", strip_slashes(text))),
            });
        };
        let (authority, tail) =
            rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
        let (userinfo, address) = authority
            .rsplit_once('@')
            .map_or((None, authority), |(user, rest)| (Some(user), rest));
        let (host, port) = split_port(address);

        check_scheme(text, scheme, host)?;
        let bare = || instead(format!("{scheme}://{address}"));
        if userinfo.is_some() {
            return Err(OriginError::InvalidOriginUserinfo {
                value: shown(text),
                instead: bare(),
            });
        }
        match tail.bytes().next() {
            None => {}
            Some(b'?') => {
                return Err(OriginError::InvalidOriginQuery {
                    value: shown(text),
                    instead: bare(),
                });
            }
            Some(b'#') => {
                return Err(OriginError::InvalidOriginFragment {
                    value: shown(text),
                    instead: bare(),
                });
            }
            Some(_) => {
                return Err(OriginError::InvalidOriginPath {
                    value: shown(text),
                    instead: bare(),
                });
            }
        }
        if host.is_empty() {
            return Err(OriginError::InvalidOriginHostEmpty { value: shown(text) });
        }
        let (name, max) = host
            .strip_prefix("*.")
            .map_or((host, MAX_HOST), |name| (name, MAX_HOST - 2));
        let is_wild = name.len() < host.len();
        if is_wild && name.is_empty() {
            return Err(OriginError::InvalidPatternWildcard { value: shown(text) });
        }
        let kind = host::check(text, name, max)?;
        let port = check_port(text, scheme, host, port)?;
        if name.contains('*') {
            return Err(OriginError::InvalidPatternWildcard { value: shown(text) });
        }
        if is_wild && kind == HostKind::Ip {
            return Err(OriginError::RefusedPatternOnIp {
                value: shown(text),
                instead: instead(text.replacen("*.", "", 1)),
            });
        }
        let host_end = scheme.len() + 3 + host.len();
        Ok(Self {
            text: text.into(),
            scheme: scheme.len(),
            host: (host_end - name.len(), host_end),
            port,
        })
    }

    /// Returns the scheme, such as `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.text.get(..self.scheme).unwrap_or_default()
    }

    /// Returns the host without the `*.` of a pattern and with the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.text.get(self.host.0..self.host.1).unwrap_or_default()
    }

    /// Returns the port if one is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self.port {
            PortRule::Exactly(port) => port,
            PortRule::Any => None,
        }
    }

    /// Returns whether the pattern begins with `*.`: it accepts the names below its host and not the host itself.
    #[must_use]
    pub fn includes_subdomains(&self) -> bool {
        self.host.0 > self.scheme + 3
    }

    /// Returns whether the pattern ends with `:*`.
    #[must_use]
    pub fn allows_any_port(&self) -> bool {
        self.port == PortRule::Any
    }

    /// Returns whether this is one exact origin.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.includes_subdomains() && !self.allows_any_port()
    }

    /// Returns the whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_local(&self) -> bool {
        host::is_local(self.host().as_bytes())
    }

    pub(super) fn port_rule(&self) -> PortRule {
        self.port
    }

    /// Whether this pattern accepts everything that `other` does.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let ports = self.port == PortRule::Any || self.port == other.port;
        let hosts = if self.host() == other.host() {
            self.includes_subdomains() == other.includes_subdomains()
        } else {
            self.includes_subdomains()
                && other
                    .host()
                    .strip_suffix(self.host())
                    .is_some_and(|below| below.ends_with('.'))
        };
        ports && hosts && self.scheme() == other.scheme()
    }
}

impl FromStr for OriginPattern {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        Self::parse(text)
    }
}

impl AsRef<str> for OriginPattern {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OriginPattern")
            .field(&self.as_str())
            .finish()
    }
}

/// What can be said before the text is taken apart.
fn check_whole(text: &str) -> Result<(), OriginError> {
    if text.len() > MAX_ORIGIN {
        return Err(OriginError::InvalidOriginLength { length: text.len() });
    }
    match text {
        "null" => return Err(OriginError::RefusedNullOrigin),
        "*" => return Err(OriginError::RefusedWildcardInList),
        _ => {}
    }
    if !text.is_ascii() {
        return Err(OriginError::InvalidOriginNonAscii {
            value: shown(text),
            instead: instead(ascii_spelling(text).unwrap_or_default()),
        });
    }
    let separates = |c: char| c.is_ascii_whitespace() || c.is_ascii_control() || c == ',';
    if text.contains(separates) {
        // With a user name in it the pieces may be parts of a password.
        let value = shown(text);
        let first = value
            .split(separates)
            .find(|part| !part.is_empty())
            .unwrap_or_default();
        return Err(OriginError::InvalidOriginList {
            instead: instead(first.to_owned()),
            value,
        });
    }
    Ok(())
}

fn check_scheme(text: &str, scheme: &str, host: &str) -> Result<(), OriginError> {
    if scheme.contains('*') {
        return Err(OriginError::InvalidPatternWildcard { value: shown(text) });
    }
    let lower = scheme.to_ascii_lowercase();
    if scheme.len() > MAX_SCHEME || !parse::is_scheme(lower.as_bytes()) {
        return Err(OriginError::InvalidOriginScheme {
            value: shown(text),
            instead: instead(format!("https://{host}")),
        });
    }
    if lower != scheme || host.contains(|c: char| c.is_ascii_uppercase()) {
        return Err(OriginError::InvalidOriginUppercase {
            value: shown(text),
            instead: instead(text.to_ascii_lowercase()),
        });
    }
    // https://html.spec.whatwg.org/multipage/browsers.html#concept-origin-opaque
    match scheme {
        "file" | "data" | "blob" | "about" | "javascript" | "mailto" | "filesystem" => {
            Err(OriginError::RefusedOpaqueScheme { value: shown(text) })
        }
        _ => Ok(()),
    }
}

fn check_port(
    text: &str,
    scheme: &str,
    host: &str,
    port: Option<&str>,
) -> Result<PortRule, OriginError> {
    match port {
        None => Ok(PortRule::Exactly(None)),
        Some("*") => Ok(PortRule::Any),
        Some(digits) => match parse::port(digits.as_bytes()) {
            None => Err(OriginError::InvalidOriginPort { value: shown(text) }),
            port if port == parse::default_port(scheme.as_bytes()) => {
                Err(OriginError::RefusedDefaultPort {
                    value: shown(text),
                    instead: instead(format!("{scheme}://{host}")),
                })
            }
            port => Ok(PortRule::Exactly(port)),
        },
    }
}

/// The host of an address and the text after the colon. What cannot be split is left whole for the checks of the host.
fn split_port(address: &str) -> (&str, Option<&str>) {
    if let Some(end) = address.rfind(']') {
        let (host, rest) = address.split_at(end + 1);
        return match (rest.is_empty(), rest.strip_prefix(':')) {
            (true, _) => (host, None),
            (false, Some(port)) => (host, Some(port)),
            (false, None) => (address, None),
        };
    }
    // An IPv6 address without brackets: its last group is no port.
    if address.contains('[')
        || address
            .split('%')
            .next()
            .is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok())
    {
        return (address, None);
    }
    address
        .split_once(':')
        .map_or((address, None), |(host, port)| (host, Some(port)))
}

/// `text` with each label beyond ASCII in Punycode, unless one has no such spelling. No IDNA mapping but lower case: this is a
/// suggestion.
fn ascii_spelling(text: &str) -> Option<String> {
    let mut spelling = String::new();
    for part in text.to_lowercase().split_inclusive(['.', '/', ':', '@']) {
        let label = part.trim_end_matches(['.', '/', ':', '@']);
        if label.is_ascii() {
            spelling.push_str(part);
        } else {
            spelling.push_str("xn--");
            spelling.push_str(&punycode::encode(label)?);
            spelling.extend(part.strip_prefix(label));
        }
    }
    Some(spelling)
}

/// `text` without what people write for a missing scheme.
fn strip_slashes(text: &str) -> &str {
    let text = text
        .strip_prefix("https:")
        .or_else(|| text.strip_prefix("http:"))
        .unwrap_or(text);
    text.trim_start_matches('/')
}
