//! The head of a request: method, host, target and headers.

use std::net::Ipv6Addr;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, ORIGIN, RANGE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};

use super::config::{HeaderRules, ParamRules, PathRules};
use super::report::{Part, Violation};
use super::rule::{Rule, Section};
use super::rule_set::{RuleActions, RuleSet};
use crate::core::field::Lines;
use crate::core::percent;

/// The rules for the head of a request, for use without Tower. Made with a layer
/// ([`SanitizeLayer::request_rules`](super::SanitizeLayer::request_rules)) or of a preset.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::sanitize::{RequestRules, Rule};
///
/// let rules = RequestRules::strict();
/// let (head, ()) = Request::get("/notes?q=a").header("host", "app.example").body(())?.into_parts();
/// assert!(rules.check(&head).is_ok());
///
/// let (head, ()) = Request::get("/notes/..%2fkeys").header("host", "app.example").body(())?.into_parts();
/// assert_eq!(rules.check(&head).unwrap_err().rule(), Rule::PathDotSegment);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RequestRules {
    pub(super) line: LineRules,
    pub(super) path: PathRules,
    pub(super) params: ParamRules,
    pub(super) headers: HeaderRules,
}

/// The rules for the request line and the host.
#[derive(Clone, Debug)]
pub(super) struct LineRules {
    pub(super) actions: RuleActions,
    pub(super) methods: Methods,
    pub(super) max_target: usize,
    /// HTTP/1.0 knows no `Host` (RFC 1945).
    pub(super) http10_without_host: bool,
}

/// The methods that pass. Methods are case-sensitive (RFC 9110, section 9.1).
#[derive(Clone, Debug)]
pub(super) enum Methods {
    Listed(Vec<Method>),
    /// All but TRACE, and TRACK, which some servers take for it.
    NoTrace,
}

/// What is sent as `Allow` where no method is listed.
const USUAL: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

impl Methods {
    pub(super) fn usual() -> Self {
        Self::Listed(USUAL.to_vec())
    }

    fn accept(&self, method: &Method) -> bool {
        match self {
            Self::Listed(methods) => methods.contains(method),
            Self::NoTrace => !matches!(method.as_str(), "TRACE" | "TRACK"),
        }
    }

    /// The value of `Allow`.
    pub(super) fn allow(&self) -> HeaderValue {
        let methods: &[Method] = match self {
            Self::Listed(methods) => methods,
            Self::NoTrace => &USUAL,
        };
        let names: Vec<_> = methods.iter().map(Method::as_str).collect();
        // A method is a token, and a list of tokens a header value.
        HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static(""))
    }
}

impl LineRules {
    pub(super) fn strict() -> Self {
        Self {
            actions: RuleActions::strict(Section::Line),
            methods: Methods::usual(),
            max_target: 8 * 1024,
            http10_without_host: false,
        }
    }

    pub(super) fn compatible() -> Self {
        Self {
            actions: RuleActions::compatible(Section::Line),
            methods: Methods::NoTrace,
            max_target: 16 * 1024,
            http10_without_host: true,
        }
    }

    fn examine(&self, head: Head<'_>, reported: &mut RuleSet) -> Result<(), Violation> {
        let mut hits = RuleSet::EMPTY;
        if !self.methods.accept(head.method) {
            hits.insert(Rule::MethodNotAllowed);
        }
        if target_len(head.uri) > self.max_target {
            hits.insert(Rule::TargetTooLong);
        }
        hits = hits.union(self.look_at_host(head));
        match self.actions.settle(hits, reported) {
            None => Ok(()),
            Some(rule) => Err(Violation::new(rule, Part::Line, 0, 0)),
        }
    }

    fn look_at_host(&self, head: Head<'_>) -> RuleSet {
        let authority = head.uri.authority().map(|text| text.as_str().as_bytes());
        let mut hits = RuleSet::EMPTY;
        let host = match Lines::of(head.headers, &HOST) {
            Lines::Absent => None,
            Lines::One(host) => Some(host.as_bytes()),
            Lines::Several(first) => {
                hits.insert(Rule::HostDuplicate);
                Some(first.as_bytes())
            }
        };
        let is_missing = match (host, head.version) {
            (Some(_), _) => false,
            (None, Version::HTTP_11) => true,
            (None, Version::HTTP_09 | Version::HTTP_10) => !self.http10_without_host,
            // `:authority` stands in for it (RFC 9113, section 8.3.1).
            (None, _) => authority.is_none(),
        };
        if is_missing {
            hits.insert(Rule::HostMissing);
        }
        if [host, authority]
            .iter()
            .flatten()
            .any(|text| !is_host(text))
        {
            hits.insert(Rule::HostInvalid);
        }
        if let (Some(host), Some(authority)) = (host, authority) {
            let port = default_port(head.uri);
            if !without_port(host, port).eq_ignore_ascii_case(without_port(authority, port)) {
                hits.insert(Rule::HostMismatch);
            }
        }
        hits
    }
}

/// The target as it was written.
fn target_len(uri: &Uri) -> usize {
    let path_and_query = uri.path_and_query().map_or(0, |text| text.as_str().len());
    let scheme = uri
        .scheme_str()
        .map_or(0, |text| text.len().saturating_add(3));
    let authority = uri.authority().map_or(0, |text| text.as_str().len());
    path_and_query
        .saturating_add(scheme)
        .saturating_add(authority)
}

/// The port that a host need not say, with its colon.
fn default_port(uri: &Uri) -> &'static [u8] {
    match uri.scheme_str() {
        Some("http") => b":80",
        Some("https") => b":443",
        Some(_) | None => b"",
    }
}

/// An empty port is the default one (RFC 3986, section 6.2.3).
fn without_port<'a>(host: &'a [u8], port: &[u8]) -> &'a [u8] {
    let host = host.strip_suffix(port).unwrap_or(host);
    host.strip_suffix(b":").unwrap_or(host)
}

/// Whether a text is `uri-host [ ":" port ]` (RFC 9110, section 7.2) and names something.
fn is_host(text: &[u8]) -> bool {
    let (is_name_sound, port) = if let Some(behind) = text.strip_prefix(b"[") {
        let Some(end) = behind.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let (address, port) = behind.split_at(end);
        // The forms for later versions of IP have never been used.
        let is_address =
            std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok());
        (is_address, port.strip_prefix(b"]").unwrap_or(port))
    } else {
        let end = text.iter().position(|byte| *byte == b':');
        let (name, port) = text.split_at(end.unwrap_or(text.len()));
        (is_reg_name(name), port)
    };
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_name_sound && is_port
}

/// `reg-name` of RFC 3986, section 3.2.2, which is not empty for HTTP.
#[inline]
fn is_reg_name(name: &[u8]) -> bool {
    let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (name.iter().all(is_usual) || is_odd_reg_name(name)) && !name.is_empty()
}

#[cold]
fn is_odd_reg_name(name: &[u8]) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte);
    let mut bytes = name.iter().copied();
    while let Some(byte) = bytes.next() {
        let is_sound = match byte {
            b'%' => percent::escaped(&mut bytes).is_some(),
            byte => is_plain(byte),
        };
        if !is_sound {
            return false;
        }
    }
    true
}

/// The parts of a head that are looked at.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) version: Version,
    pub(super) headers: &'a HeaderMap,
}

impl<'a> Head<'a> {
    pub(super) const fn of(parts: &'a Parts) -> Self {
        Self {
            method: &parts.method,
            uri: &parts.uri,
            version: parts.version,
            headers: &parts.headers,
        }
    }
}

impl RequestRules {
    /// The rules of [`SanitizeLayer::strict`](super::SanitizeLayer::strict).
    #[must_use]
    pub fn strict() -> Self {
        Self {
            line: LineRules::strict(),
            path: PathRules::strict(),
            params: ParamRules::strict(),
            headers: HeaderRules::strict(),
        }
    }

    /// The rules of [`SanitizeLayer::compatible`](super::SanitizeLayer::compatible).
    #[must_use]
    pub fn compatible() -> Self {
        Self {
            line: LineRules::compatible(),
            path: PathRules::compatible(),
            params: ParamRules::compatible(),
            headers: HeaderRules::compatible(),
        }
    }

    /// Checks method, host, target and headers.
    ///
    /// # Errors
    ///
    /// The rule that the request breaks and that is not only reported: of the request line, else of the path, the query, the headers.
    pub fn check(&self, head: &Parts) -> Result<(), Violation> {
        self.examine(Head::of(head), &mut RuleSet::default())
    }

    pub(super) fn examine(&self, head: Head<'_>, reported: &mut RuleSet) -> Result<(), Violation> {
        self.line.examine(head, reported)?;
        self.path.examine(head.uri.path(), reported)?;
        if let Some(query) = head.uri.query() {
            self.params
                .examine(query.as_bytes(), Part::Query, reported)?;
        }
        self.headers.examine(head.headers, reported)
    }

    pub(super) const fn report_only(&mut self) {
        self.line.actions.report_only();
        self.path.actions.report_only();
        self.params.actions.report_only();
        self.headers.actions.report_only();
    }
}

impl HeaderRules {
    fn examine(&self, headers: &HeaderMap, reported: &mut RuleSet) -> Result<(), Violation> {
        let mut hits = RuleSet::EMPTY;
        let mut bytes = 0_usize;
        let mut is_ascii = true;
        for (name, value) in headers {
            let (name, value) = (name.as_str(), value.as_bytes());
            bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
            is_ascii &= value.is_ascii();
            match name {
                "x-http-method" | "x-http-method-override" | "x-method-override" => {
                    hits.insert(Rule::HeaderMethodOverride);
                }
                "range" if range_parts(value) > self.max_range_parts => {
                    hits.insert(Rule::HeaderRangeParts);
                }
                _ => {}
            }
        }
        if !is_ascii {
            hits.insert(Rule::HeaderNotAscii);
        }
        if headers.len() > self.max_count {
            hits.insert(Rule::HeadersTooMany);
        }
        if bytes > self.max_bytes {
            hits.insert(Rule::HeadersTooLarge);
        }
        if has_second_line(headers) {
            hits.insert(Rule::HeaderDuplicate);
        }
        if hits.is_empty() {
            return Ok(());
        }
        match self.actions.settle(hits, reported) {
            None => Ok(()),
            Some(rule) => Err(Violation::new(rule, Part::Headers, 0, 0)),
        }
    }
}

fn range_parts(value: &[u8]) -> usize {
    value.split(|byte| *byte == b',').count()
}

/// Whether a header stands twice that readers take the first or the last line of.
fn has_second_line(headers: &HeaderMap) -> bool {
    headers.len() != headers.keys_len()
        && [&CONTENT_TYPE, &CONTENT_ENCODING, &ORIGIN, &RANGE]
            .iter()
            .any(|name| matches!(Lines::of(headers, name), Lines::Several(_)))
}
