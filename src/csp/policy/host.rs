//! Host sources: CSP3 section 2.3.1, `host-source`, as far as one can match.

use std::fmt;
use std::net::Ipv4Addr;

use super::advice::shown;
use super::error::CspConfigError;
use crate::core::origin::{Origin, PublicSuffixes};

/// RFC 1035 section 2.3.4.
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

/// A host, perhaps with a scheme, a port and a path.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Host {
    scheme: Option<Box<str>>,
    is_wild: bool,
    /// In lower case, behind `*.`; empty for `*` alone.
    name: Box<str>,
    port: Option<Port>,
    path: Box<str>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Port {
    Any,
    Number(u16),
}

impl Host {
    /// Reads a host source that holds neither blanks nor control characters nor `;` and `,`.
    pub(super) fn parse(text: &str) -> Result<Self, CspConfigError> {
        let wrong = |advice| invalid_host(text, advice);
        let (scheme, rest) = match text.split_once("://") {
            Some(("", _)) => return Err(wrong("write the scheme before `://`, or the host alone")),
            Some((scheme, rest)) => (Some(parse_scheme(text, scheme)?), rest),
            None => (None, text),
        };
        let (authority, path) = rest
            .find(['/', '?', '#'])
            .and_then(|end| rest.split_at_checked(end))
            .unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(wrong("leave the user name and password out"));
        }
        if authority.starts_with('[') {
            return Err(CspConfigError::IpAddress { value: shown(text) });
        }
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(parse_port(text, port)?)),
            None => (authority, None),
        };
        let (is_wild, name) = parse_name(text, host)?;
        check_path(text, path)?;
        Ok(Self {
            scheme,
            is_wild,
            name: name.into(),
            port,
            path: path.into(),
        })
    }

    /// The scheme in lower case, without its colon.
    pub(super) fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    /// Whether it begins with `*` and less than two labels follow: no one owns such a domain.
    pub(super) fn is_wild_over_top_level(&self) -> bool {
        self.is_wild && self.bare_name().split('.').count() < 2
    }

    /// Whether it begins with `*` and strangers get names there, at whatever depth: `*` stands for any number of labels (CSP3
    /// section 6.7.2.8).
    pub(super) fn is_wild_over_public_suffix(&self) -> bool {
        self.is_wild
            && (self.is_wild_over_top_level()
                || PublicSuffixes::builtin().lets_strangers_below(self.bare_name()))
    }

    fn bare_name(&self) -> &str {
        self.name.strip_suffix('.').unwrap_or(&self.name)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}://")?;
        }
        match (self.is_wild, &*self.name) {
            (true, "") => f.write_str("*")?,
            (true, name) => write!(f, "*.{name}")?,
            (false, name) => f.write_str(name)?,
        }
        match self.port {
            Some(Port::Any) => f.write_str(":*")?,
            Some(Port::Number(port)) => write!(f, ":{port}")?,
            None => {}
        }
        f.write_str(&self.path)
    }
}

/// Reads a scheme without its colon, a part of `text`, into lower case (RFC 3986 section 3.1).
pub(super) fn parse_scheme(text: &str, scheme: &str) -> Result<Box<str>, CspConfigError> {
    /// The longest registered one has 36 bytes.
    const MAX_SCHEME: usize = 64;
    let is_scheme = scheme.len() <= MAX_SCHEME
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if is_scheme {
        Ok(scheme.to_ascii_lowercase().into())
    } else {
        Err(CspConfigError::InvalidScheme { value: shown(text) })
    }
}

fn invalid_host(text: &str, advice: &'static str) -> CspConfigError {
    CspConfigError::InvalidHost {
        value: shown(text),
        advice,
    }
}

fn parse_port(text: &str, port: &str) -> Result<Port, CspConfigError> {
    if port == "*" {
        return Ok(Port::Any);
    }
    let is_decimal = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    match port.parse() {
        Ok(number) if is_decimal => Ok(Port::Number(number)),
        // Too large, empty, or not a number.
        Ok(_) | Err(_) => Err(CspConfigError::InvalidPort { value: shown(text) }),
    }
}

/// Reads a host into whether it begins with `*`, and the rest in lower case.
fn parse_name(text: &str, host: &str) -> Result<(bool, String), CspConfigError> {
    let wrong = |advice| Err(invalid_host(text, advice));
    if !host.is_ascii() {
        return Err(non_ascii(text, host));
    }
    if host == "*" {
        return Ok((true, String::new()));
    }
    let (is_wild, name) = match host.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, host),
    };
    let name = name.to_ascii_lowercase();
    let labels = || name.strip_suffix('.').unwrap_or(&name).split('.');
    if labels().any(str::is_empty) {
        return wrong("write a host whose labels are not empty, as in \"cdn.example.com\"");
    }
    if name.contains('*') {
        return wrong("write `*` once, as the whole first label, as in \"https://*.example.com\"");
    }
    if name.contains('_') {
        return wrong("`_` is no letter of a host source and never matches, use a host without it");
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !labels().all(|label| label.bytes().all(is_letter)) {
        return wrong("write letters, digits, `-` and `.` alone");
    }
    if name.len() > MAX_HOST || labels().any(|label| label.len() > MAX_LABEL) {
        return wrong("write at most 253 bytes with labels of at most 63");
    }
    // The URL Standard reads a host whose last label is a number as an address.
    let is_number =
        |label: &str| label.bytes().all(|byte| byte.is_ascii_digit()) || label.starts_with("0x");
    if labels().next_back().is_some_and(is_number)
        && (is_wild || name.parse() != Ok(Ipv4Addr::LOCALHOST))
    {
        return Err(CspConfigError::IpAddress { value: shown(text) });
    }
    Ok((is_wild, name))
}

fn non_ascii(text: &str, host: &str) -> CspConfigError {
    // The parser of origins knows Punycode, and puts what it means into its advice.
    let (wild, name) = match host.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", host),
    };
    let origin = Origin::parse(&format!("https://{name}")).err();
    let instead = origin
        .as_ref()
        .and_then(|error| error.instead())
        .and_then(|origin| origin.strip_prefix("https://"))
        .filter(|name| name.is_ascii())
        .unwrap_or("xn--...");
    CspConfigError::NonAsciiHost {
        value: shown(text),
        instead: format!("{wild}{instead}"),
    }
}

/// Checks a path (RFC 3986 section 3.3, `path-absolute`), or that there is none.
fn check_path(text: &str, path: &str) -> Result<(), CspConfigError> {
    let wrong = |advice| {
        Err(CspConfigError::InvalidPath {
            value: shown(text),
            advice,
        })
    };
    if path.contains(['?', '#']) {
        return wrong("queries and fragments are never compared, cut it before the `?` or `#`");
    }
    if path.starts_with("//") {
        return wrong("write one `/` after the host");
    }
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let is_sound = match byte {
            b'%' => [rest.next(), rest.next()]
                .iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+'
            | b'=' | b':' | b'@' | b'/' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        if !is_sound {
            return wrong("write other characters as in URLs, with `%` and two hexadecimal digits");
        }
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return wrong(
            "browsers resolve `.` and `..` before they compare, write the resulting path",
        );
    }
    Ok(())
}
