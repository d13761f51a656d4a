//! The host of a request, and the hosts that are named in a configuration.

use http::header::HOST;
use http::{HeaderMap, Uri};

use super::check::HttpsRefusal;
use super::error::HttpsConfigError;
use crate::core::field::Lines;
use crate::core::origin::{OriginError, OriginPattern, OriginRef, PublicSuffixes, TrustedOrigins};
use crate::core::{ConfigErrors, Mistakes};

const SCHEME: &[u8] = b"https://";
/// The longest name (RFC 1035 section 2.3.4), its final dot and `:65535`.
const MAX_AUTHORITY: usize = 253 + 1 + 6;
const MAX_TEXT: usize = SCHEME.len() + MAX_AUTHORITY;

/// The host of a request in the one spelling in which hosts are compared: lower case, without port and final dot. It is kept as
/// the `https` origin of that host, which is what a redirect begins with.
pub(super) struct RequestHost {
    text: [u8; MAX_TEXT],
    length: usize,
}

impl RequestHost {
    /// Reads the authority of the request target (`:authority` in HTTP/2) or the one `Host` line.
    pub(super) fn read(uri: &Uri, headers: &HeaderMap) -> Result<Self, HttpsRefusal> {
        Self::parse(named(uri, headers)?)
    }

    fn parse(authority: &[u8]) -> Result<Self, HttpsRefusal> {
        let malformed = || HttpsRefusal::HostMalformed;
        if authority.is_empty() {
            return Err(HttpsRefusal::HostMissing);
        }
        let mut text = [0; MAX_TEXT];
        let (scheme, rest) = text.split_at_mut(SCHEME.len());
        let name = rest.get_mut(..authority.len()).ok_or_else(malformed)?;
        scheme.copy_from_slice(SCHEME);
        name.copy_from_slice(authority);
        name.make_ascii_lowercase();
        let whole = text.get(..SCHEME.len().saturating_add(authority.len()));
        let origin = whole.and_then(OriginRef::parse).ok_or_else(malformed)?;
        let host = origin.host();
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.is_empty() {
            return Err(malformed());
        }
        let length = SCHEME.len().saturating_add(host.len());
        Ok(Self { text, length })
    }

    /// The origin as text, such as `https://app.example`.
    pub(super) fn origin(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }

    /// Whether it is one of this machine's own names or addresses.
    pub(super) fn is_local(&self) -> bool {
        OriginRef::parse(self.origin()).is_some_and(|origin| origin.is_local())
    }
}

/// The text of the one host that a request names. Where it stands twice, somebody on the way may have looked at the other one.
fn named<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Result<&'a [u8], HttpsRefusal> {
    let authority = uri
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    match (authority, Lines::of(headers, &HOST)) {
        (_, Lines::Several(_)) => Err(HttpsRefusal::HostDuplicate),
        (Some(authority), Lines::One(host)) if !host.as_bytes().eq_ignore_ascii_case(authority) => {
            Err(HttpsRefusal::HostDisagreement)
        }
        (Some(authority), _) => Ok(authority),
        (None, Lines::One(host)) => Ok(host.as_bytes()),
        (None, Lines::Absent) => Err(HttpsRefusal::HostMissing),
    }
}

/// Whether a browser would keep HSTS for the host of a request: a name, and not one of this machine (RFC 6797 section 8.1.1).
///
/// It is asked for every answer over TLS, so it looks at the text as it came.
pub(super) fn keeps_hsts(uri: &Uri, headers: &HeaderMap) -> bool {
    let Ok(authority) = named(uri, headers) else {
        return false;
    };
    let name = authority.split(|byte| *byte == b':').next();
    let name = name.unwrap_or_default();
    let name = name.strip_suffix(b".").unwrap_or(name);
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    // A last label that begins with a digit is that of an address in one of its spellings; `[` begins one of IPv6.
    last.first()
        .is_some_and(|first| !first.is_ascii_digit() && *first != b'[')
        && !last.eq_ignore_ascii_case(b"localhost")
}

/// Hosts that are accepted, exact or with `*.`: a set of `https` origins.
#[derive(Clone, Debug)]
pub(super) struct HostList(TrustedOrigins);

impl HostList {
    /// Compiles a list; mistakes are pushed under `path`.
    pub(super) fn compile(
        mistakes: &mut Mistakes,
        path: &str,
        hosts: &[String],
        suffixes: &PublicSuffixes,
    ) -> Option<Self> {
        if hosts.is_empty() {
            mistakes.push(path, HttpsConfigError::HostMissing { value: None });
            return None;
        }
        let mut patterns = Vec::new();
        for (index, host) in hosts.iter().enumerate() {
            match pattern(host, suffixes) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => mistakes.push(format!("{path}[{index}]"), error),
            }
        }
        // What is left to find is a list that is too long.
        let list: Result<TrustedOrigins, ConfigErrors> = TrustedOrigins::builder()
            .path(path)
            .origins(&patterns)
            .credentials(false)
            .build();
        mistakes.take(list).map(Self)
    }

    pub(super) fn accepts(&self, host: &RequestHost) -> bool {
        self.0.matches(host.origin()).is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Compiles the one host that everything is redirected to: its `https` origin.
pub(super) fn fixed(host: &str, suffixes: &PublicSuffixes) -> Result<String, HttpsConfigError> {
    let pattern = pattern(host, suffixes)?;
    if pattern.includes_subdomains() {
        return Err(invalid(host, Some(pattern.host().to_owned())));
    }
    Ok(pattern.as_str().to_owned())
}

fn pattern(host: &str, suffixes: &PublicSuffixes) -> Result<OriginPattern, HttpsConfigError> {
    if host == "*" {
        return Err(HttpsConfigError::HostMissing {
            value: Some(host.to_owned()),
        });
    }
    // A full URL is the likeliest mistake; it must not be taken for a host with a path.
    let bare = host
        .strip_prefix("https://")
        .or_else(|| host.strip_prefix("http://"));
    let pattern = OriginPattern::parse(&format!("https://{}", bare.unwrap_or(host)));
    let pattern = match (pattern, bare) {
        (Err(error), _) => return Err(invalid(host, suggested(&error, suffixes))),
        (Ok(pattern), Some(_)) => return Err(invalid(host, suggestion(&pattern, suffixes))),
        (Ok(pattern), None) => pattern,
    };
    let name = pattern.host();
    let has_port = pattern.port().is_some() || pattern.allows_any_port();
    if has_port || name.ends_with('.') {
        return Err(invalid(host, suggestion(&pattern, suffixes)));
    }
    if pattern.includes_subdomains() && !pattern.is_local() && suffixes.lets_strangers_below(name) {
        return Err(invalid(host, None));
    }
    Ok(pattern)
}

/// What the parser of origins would have, as a bare host.
fn suggested(error: &OriginError, suffixes: &PublicSuffixes) -> Option<String> {
    suggestion(&OriginPattern::parse(error.instead()?).ok()?, suffixes)
}

/// The host of a pattern that has more than one. A suggestion is never wrong itself.
fn suggestion(pattern: &OriginPattern, suffixes: &PublicSuffixes) -> Option<String> {
    let name = pattern.host();
    let name = name.strip_suffix('.').unwrap_or(name);
    let star = if pattern.includes_subdomains() {
        "*."
    } else {
        ""
    };
    let host = format!("{star}{name}");
    // This ends, as neither a port nor a final dot is left that would be suggested away.
    self::pattern(&host, suffixes).is_ok().then_some(host)
}

fn invalid(host: &str, instead: Option<String>) -> HttpsConfigError {
    // A user name and password would stand before the last `@`.
    let value = host.rsplit_once('@').map_or(host, |(_, rest)| rest);
    HttpsConfigError::InvalidHost {
        value: value.to_owned(),
        instead: instead.unwrap_or_else(|| "app.example.com".to_owned()),
    }
}
