//! The CSRF ladder and its path patterns against slow models that share no code with them.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use tower_security::csrf::{CsrfLayer, CsrfPolicy, CsrfRefusal, Isolation, Missing, Pass};

/// The first byte chooses the rules, the second the method; the first line is the request target, every other one a header.
pub fn csrf_check(data: &[u8]) {
    let [rules, method, rest @ ..] = data else {
        return;
    };
    let (rules, policy) = &SAMPLES[usize::from(*rules) % SAMPLES.len()];
    let method = METHODS[usize::from(*method) % METHODS.len()];
    let mut lines = rest.split(|byte| *byte == b'\n');
    let Ok(target) = Uri::try_from(lines.next().unwrap_or_default()) else {
        return;
    };
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).expect("it is a token");
    *request.uri_mut() = target;
    for line in lines.take(64) {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(halves.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(halves.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            request.headers_mut().append(name, value);
        }
    }
    let (head, ()) = request.into_parts();
    assert_eq!(
        policy.check(&head),
        rules.expected(&head),
        "{rules:?} {head:?}"
    );
}

/// Every sample, built.
pub static SAMPLES: LazyLock<Vec<(Rules, CsrfPolicy)>> = LazyLock::new(|| {
    let samples = Rules::samples().into_iter();
    samples
        .map(|rules| (rules.clone(), rules.policy()))
        .collect()
});

/// The first line is a pattern, the second a path.
pub fn exempt_pattern(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let (Some(pattern), Some(path)) = (lines.next(), lines.next()) else {
        return;
    };
    let (Ok(pattern), Ok(uri)) = (std::str::from_utf8(pattern), Uri::try_from(path)) else {
        return;
    };
    let path = uri.path().to_owned();
    let policy = CsrfLayer::builder()
        .dangerous_exempt(pattern)
        .build_policy();
    let Ok(policy) = policy else {
        return;
    };
    let mut forged = Request::post(uri).body(()).expect("it is a request");
    let site = HeaderValue::from_static("cross-site");
    forged.headers_mut().insert("sec-fetch-site", site);
    let expected = if fits(pattern, &path) {
        Ok(Pass::Exempt)
    } else {
        Err(CsrfRefusal::CrossSite)
    };
    let (head, ()) = forged.into_parts();
    assert_eq!(policy.check(&head), expected, "{pattern} {path}");
}

pub const METHODS: [&str; 10] = [
    "GET", "HEAD", "OPTIONS", "POST", "DELETE", "TRACE", "CONNECT", "QUERY", "get", "post",
];

/// A configuration, said twice: to the builder and to the model.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub trusted: &'static [&'static str],
    pub own: &'static [&'static str],
    pub missing: Absent,
    pub same_site: bool,
    pub insecure: bool,
    pub skip_websocket: bool,
    pub no_overrides: bool,
    pub exempt: &'static [&'static str],
    pub exempt_post: &'static [&'static str],
    pub isolation: Option<Isolated>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Absent {
    #[default]
    RefuseWithCookie,
    Refuse,
    Pass,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Isolated {
    pub framing: bool,
    pub refuse_same_site: bool,
    pub public: &'static [&'static str],
}

impl Rules {
    pub fn samples() -> Vec<Self> {
        let trusted = &[
            "https://sso.example.com",
            "https://*.apps.example.com",
            "https://ports.example.com:*",
            "http://localhost:3000",
        ];
        let exempt = &["/hooks/{*rest}", "/pay/{shop}/done", "/callback"];
        let isolation = Isolated::default();
        vec![
            Self::default(),
            Self {
                trusted,
                exempt,
                exempt_post: &["/acs"],
                ..Self::default()
            },
            Self {
                own: &["https://app.example.com", "http://localhost:3000"],
                missing: Absent::Refuse,
                ..Self::default()
            },
            Self {
                trusted: &["http://plain.example.com", "tauri://localhost"],
                insecure: true,
                missing: Absent::Pass,
                same_site: true,
                skip_websocket: true,
                no_overrides: true,
                ..Self::default()
            },
            Self {
                trusted,
                isolation: Some(isolation),
                exempt,
                ..Self::default()
            },
            Self {
                isolation: Some(Isolated {
                    framing: true,
                    refuse_same_site: true,
                    public: &["/embed/{*rest}"],
                }),
                ..Self::default()
            },
        ]
    }

    pub fn policy(&self) -> CsrfPolicy {
        let mut builder = CsrfLayer::builder()
            .trusted_origins(self.trusted)
            .self_origins(self.own)
            .dangerous_allow_same_site(self.same_site)
            .dangerous_allow_insecure_origins(self.insecure)
            .dangerous_skip_websocket_check(self.skip_websocket);
        builder = match self.missing {
            Absent::RefuseWithCookie => builder,
            Absent::Refuse => builder.missing_metadata(Missing::Refuse),
            Absent::Pass => builder.dangerous_allow_missing_metadata(),
        };
        if self.no_overrides {
            builder = builder.method_override_headers([""; 0]);
        }
        for pattern in self.exempt {
            builder = builder.dangerous_exempt(*pattern);
        }
        for pattern in self.exempt_post {
            builder = builder.dangerous_exempt_method(Method::POST, *pattern);
        }
        if let Some(Isolated {
            framing,
            refuse_same_site,
            public,
        }) = self.isolation
        {
            let isolation = Isolation::new()
                .allow_framing(framing)
                .refuse_same_site(refuse_same_site);
            builder = builder.isolation(public.iter().fold(isolation, |all, one| all.public(*one)));
        }
        builder.build_policy().expect("the rules are sound")
    }

    /// What the ladder says, step by step as it is documented, over lists of strings.
    pub fn expected(&self, head: &Parts) -> Result<Pass, CsrfRefusal> {
        let site = lines(head, "sec-fetch-site");
        if site == ["same-origin"] || site == ["none"] {
            return Ok(Pass::SameOrigin);
        }
        let method = head.method.as_str();
        let is_safe = ["GET", "HEAD", "OPTIONS"].contains(&method);
        if is_safe && !self.is_handshake(head) && !self.is_override(head) {
            return match self.isolation {
                Some(rules) => self.isolated(rules, head),
                None => Ok(Pass::Safe),
            };
        }
        let decision = self.checked(head);
        if decision.is_err() && self.is_exempt(head) {
            return Ok(Pass::Exempt);
        }
        decision
    }

    fn checked(&self, head: &Parts) -> Result<Pass, CsrfRefusal> {
        let site = lines(head, "sec-fetch-site");
        if site.len() > 1 {
            return Err(CsrfRefusal::MetadataDuplicate);
        }
        let site = site.concat();
        if !site.is_empty() {
            return match site.as_str() {
                "same-site" if self.same_site => Ok(Pass::SameSite),
                _ if self.has_trusted_origin(head) => Ok(Pass::Trusted),
                "same-site" => Err(CsrfRefusal::SameSite),
                "cross-site" => Err(CsrfRefusal::CrossSite),
                _ => Err(CsrfRefusal::MetadataUnknown),
            };
        }
        let origin = lines(head, "origin");
        if origin.len() > 1 {
            return Err(CsrfRefusal::OriginDuplicate);
        }
        let origin = origin.concat();
        if !origin.is_empty() {
            return match read_origin(&origin) {
                _ if origin == "null" => Err(CsrfRefusal::OriginNull),
                None => Err(CsrfRefusal::OriginInvalid),
                Some(read) if self.is_own(head, &read) => Ok(Pass::SameOrigin),
                Some(_) if self.is_trusted(&origin) => Ok(Pass::Trusted),
                Some(_) => Err(CsrfRefusal::OriginMismatch),
            };
        }
        let referer = lines(head, "referer");
        if referer.len() > 1 {
            return Err(CsrfRefusal::RefererMismatch);
        }
        if let Some(page) = referer_origin(&referer.concat()) {
            let read = read_origin(&page).expect("it was read above");
            return if self.is_own(head, &read) || self.is_trusted(&page) {
                Ok(Pass::Referer)
            } else {
                Err(CsrfRefusal::RefererMismatch)
            };
        }
        match self.missing {
            Absent::Pass => Ok(Pass::MissingAllowed),
            Absent::RefuseWithCookie if !has_ambient_credentials(head) => Ok(Pass::NoCredentials),
            Absent::Refuse | Absent::RefuseWithCookie => Err(CsrfRefusal::MetadataMissing),
        }
    }

    fn isolated(&self, rules: Isolated, head: &Parts) -> Result<Pass, CsrfRefusal> {
        let site = lines(head, "sec-fetch-site");
        let (mode, dest) = (lines(head, "sec-fetch-mode"), lines(head, "sec-fetch-dest"));
        let framed = ["iframe", "frame", "fencedframe"].contains(&dest.concat().as_str());
        let on_its_own = ["", "document"].contains(&dest.concat().as_str());
        if site.concat().is_empty() && site.len() < 2 {
            Ok(Pass::Safe)
        } else if site.len() > 1 {
            Err(CsrfRefusal::MetadataDuplicate)
        } else if site == ["same-site"] && !rules.refuse_same_site {
            Ok(Pass::SameSite)
        } else if self.has_trusted_origin(head) {
            Ok(Pass::Trusted)
        } else if mode.len() > 1 || dest.len() > 1 {
            Err(CsrfRefusal::MetadataDuplicate)
        } else if mode == ["navigate"]
            && head.method != Method::OPTIONS
            && (on_its_own || (framed && rules.framing))
        {
            Ok(Pass::Safe)
        } else if rules.public.iter().any(|one| fits(one, head.uri.path())) {
            Ok(Pass::Exempt)
        } else {
            Err(CsrfRefusal::Isolation)
        }
    }

    fn is_handshake(&self, head: &Parts) -> bool {
        let joined = lines(head, "upgrade").join(",").to_ascii_lowercase();
        let mut protocols = joined
            .split(',')
            .map(|protocol| protocol.split('/').next().unwrap_or_default());
        !self.skip_websocket && protocols.any(|name| name.trim_matches([' ', '\t']) == "websocket")
    }

    fn is_override(&self, head: &Parts) -> bool {
        let names = [
            "x-http-method-override",
            "x-http-method",
            "x-method-override",
        ];
        !self.no_overrides && names.iter().any(|name| !lines(head, name).is_empty())
    }

    fn is_exempt(&self, head: &Parts) -> bool {
        let fits = |pattern: &&str| fits(pattern, head.uri.path());
        self.exempt.iter().any(fits) || (head.method == "POST" && self.exempt_post.iter().any(fits))
    }

    fn has_trusted_origin(&self, head: &Parts) -> bool {
        match lines(head, "origin").as_slice() {
            [origin] => self.is_trusted(origin),
            _ => false,
        }
    }

    fn is_trusted(&self, origin: &str) -> bool {
        self.trusted.iter().any(|trusted| {
            let pattern = match trusted.strip_suffix(":*") {
                None => vec![(*trusted).to_owned()],
                Some(host) => match read_origin(origin).and_then(|read| read.port) {
                    Some(port) => vec![format!("{host}:{port}")],
                    None => vec![host.to_owned()],
                },
            };
            pattern
                .iter()
                .any(|pattern| match pattern.split_once("*.") {
                    None => *pattern == origin,
                    Some((scheme, parent)) => {
                        read_origin(origin).is_some()
                            && origin.starts_with(scheme)
                            && origin.ends_with(&format!(".{parent}"))
                    }
                })
        })
    }

    fn is_own(&self, head: &Parts, origin: &Read) -> bool {
        let Some(default) = origin.default_port() else {
            return false;
        };
        let port = origin.port.unwrap_or(default);
        if !self.own.is_empty() {
            return self
                .own
                .iter()
                .filter_map(|own| read_origin(own))
                .any(|own| {
                    own.scheme == origin.scheme
                        && own.host == origin.host
                        && own.port.unwrap_or(default) == port
                });
        }
        if origin.scheme == "http" && !self.insecure && !origin.is_local() {
            return false;
        }
        let hosts = lines(head, "host");
        if hosts.len() > 1 {
            return false;
        }
        let host = match head.uri.authority() {
            Some(authority) => authority.as_str().to_owned(),
            None => hosts.concat(),
        };
        let (name, own_port) = match host.rfind(':') {
            Some(colon) if !host[colon..].contains(']') => {
                (host[..colon].to_owned(), port_of(&host[colon + 1..]))
            }
            _ => (host.clone(), Some(default)),
        };
        name.to_ascii_lowercase() == origin.host && own_port == Some(port)
    }
}

/// The lines of a header; bytes beyond ASCII become one character each, so that nothing is lost.
fn lines(head: &Parts, name: &str) -> Vec<String> {
    let text = |value: &HeaderValue| {
        value
            .as_bytes()
            .iter()
            .map(|byte| char::from(*byte))
            .collect()
    };
    head.headers.get_all(name).iter().map(text).collect()
}

fn has_ambient_credentials(head: &Parts) -> bool {
    let schemes = lines(head, "authorization").into_iter().map(|line| {
        let blank = |c: char| c.is_ascii_whitespace();
        let line = line.trim_start_matches(blank).to_ascii_lowercase();
        line.split(blank).next().unwrap_or_default().to_owned()
    });
    let by_browser = BTreeSet::from(["basic", "digest", "negotiate", "ntlm"]);
    !lines(head, "cookie").is_empty()
        || schemes
            .into_iter()
            .any(|scheme| by_browser.contains(scheme.as_str()))
}

#[derive(Debug)]
struct Read {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Read {
    fn default_port(&self) -> Option<u16> {
        match self.scheme.as_str() {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        }
    }

    fn is_local(&self) -> bool {
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || self.host == "[::1]"
            || self
                .host
                .parse::<Ipv4Addr>()
                .is_ok_and(|ip| ip.octets()[0] == 127)
    }
}

/// A serialised tuple origin.
fn read_origin(text: &str) -> Option<Read> {
    let (scheme, rest) = text.split_once("://")?;
    let mut letters = scheme.chars();
    let is_scheme = letters.next()?.is_ascii_lowercase()
        && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c));
    let (host, port) = match rest.rfind(':') {
        Some(colon) if !rest[colon..].contains(']') => (&rest[..colon], Some(&rest[colon + 1..])),
        _ => (rest, None),
    };
    let is_host = match host.strip_prefix('[') {
        Some(address) => {
            let address = address.strip_suffix(']')?;
            address.parse::<Ipv6Addr>().is_ok() && address == address.to_ascii_lowercase()
        }
        None => {
            let named = host.strip_suffix('.').unwrap_or(host);
            let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
            let is_label = |label: &str| !label.is_empty() && label.chars().all(letter);
            host.len() <= 253 && named.split('.').all(is_label)
        }
    };
    let port = match port {
        None => None,
        Some(digits) => Some(port_of(digits)?),
    };
    let is_short = text.len() <= 326 && scheme.len() <= 64;
    (is_scheme && is_host && is_short).then(|| Read {
        scheme: scheme.to_owned(),
        host: host.to_owned(),
        port,
    })
}

fn port_of(digits: &str) -> Option<u16> {
    let port = digits.parse::<u16>().ok().filter(|port| *port > 0)?;
    (port.to_string() == digits).then_some(port)
}

fn referer_origin(text: &str) -> Option<String> {
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| text.starts_with(scheme))?;
    if text.chars().count() > 4096 {
        return None;
    }
    let authority = text[scheme.len()..].split(['/', '?', '#']).next()?;
    let origin = format!("{scheme}{authority}");
    read_origin(&origin).is_some().then_some(origin)
}

/// A pattern against a path, segment by segment.
pub fn fits(pattern: &str, path: &str) -> bool {
    let (Some(pattern), Some(path)) = (pattern.strip_prefix('/'), path.strip_prefix('/')) else {
        return false;
    };
    let segments: Vec<&str> = path.split('/').collect();
    let is_clear = segments.iter().enumerate().all(|(index, segment)| {
        let is_last = index + 1 == segments.len();
        (is_last || !segment.is_empty()) && is_clear(segment)
    });
    let mut wanted: Vec<&str> = pattern.split('/').collect();
    let mut given = segments.as_slice();
    if wanted.last().is_some_and(|last| last.starts_with("{*")) {
        wanted.pop();
        let Some((head, rest)) = given.split_at_checked(wanted.len()) else {
            return false;
        };
        // One segment or more, the first of which is one.
        if rest.first().is_none_or(|first| first.is_empty()) {
            return false;
        }
        given = head;
    }
    let agrees = |(wanted, given): (&&str, &&str)| {
        if wanted.starts_with('{') {
            !given.is_empty()
        } else {
            wanted == given && !given.contains('%')
        }
    };
    is_clear && wanted.len() == given.len() && wanted.iter().zip(given).all(agrees)
}

/// Whether every program reads the segment in the same way.
fn is_clear(segment: &str) -> bool {
    let mut decoded = Vec::new();
    let mut rest = segment.as_bytes();
    while let [byte, behind @ ..] = rest {
        rest = behind;
        if *byte != b'%' {
            decoded.push(*byte);
            continue;
        }
        let Some(value) = behind
            .get(..2)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())
        else {
            return false;
        };
        if b"/\\;?#%".contains(&value) || value.is_ascii_control() {
            return false;
        }
        decoded.push(value);
        rest = &behind[2..];
    }
    let Ok(decoded) = String::from_utf8(decoded) else {
        return false;
    };
    let raw = |c: char| matches!(c, '\\' | ';' | '?' | '#' | '\u{7f}') || c <= ' ';
    // Some systems drop blanks around a name.
    !segment.contains(raw) && ![".", ".."].contains(&decoded.replace(' ', "").as_str())
}
