//! The CORS decision and its list parser against slow models that share no code with them.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::Full;
use tower_layer::Layer;
use tower_security::core::origin::{OriginRef, SelfOrigin};
use tower_security::cors::{
    CorsBuilder, CorsLayer, CorsPolicy, CorsRefusal, CorsVerdict, DuplicateHeader, Refuse,
};
use tower_service::Service;

const APP: &str = "https://app.example.com";

/// What the names of a preflight may be.
#[derive(Clone, Copy, Debug)]
enum Names {
    Listed(&'static [&'static str]),
    /// `*`: the list is not looked at.
    Any,
    /// With credentials the list is sent back, so that it is looked at.
    Echo,
}

/// The first byte chooses the names that are allowed; every line behind it is one of `Access-Control-Request-Headers`.
pub fn acrh(data: &[u8]) {
    const LISTS: [Names; 6] = [
        Names::Echo,
        Names::Any,
        Names::Listed(&["x-a"]),
        Names::Listed(&["a", "ab", "abc", "b", "ba"]),
        Names::Listed(&["authorization", "content-type", "x-tenant"]),
        Names::Listed(&["a", "x-a-name-that-is-longer-than-all-the-others-together"]),
    ];
    static POLICIES: LazyLock<[CorsPolicy; 6]> = LazyLock::new(|| {
        LISTS.map(|names| built(with_names(CorsLayer::builder().origins([APP]), names)))
    });
    let [choice, rest @ ..] = data else {
        return;
    };
    let choice = usize::from(*choice) % LISTS.len();
    let lines: Vec<HeaderValue> = rest
        .split(|byte| *byte == b'\n')
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
        .take(256)
        .collect();
    let mut request = Request::new(());
    *request.method_mut() = Method::OPTIONS;
    let headers = request.headers_mut();
    headers.insert("origin", HeaderValue::from_static(APP));
    headers.insert(
        "access-control-request-method",
        HeaderValue::from_static("GET"),
    );
    for line in &lines {
        headers.append("access-control-request-headers", line.clone());
    }
    let (head, ()) = request.into_parts();
    let expected = if names_fit(&lines, LISTS[choice]) {
        CorsVerdict::PreflightAllowed
    } else {
        CorsVerdict::PreflightRefused(CorsRefusal::Header)
    };
    assert_eq!(POLICIES[choice].check(&head), expected, "{lines:?}");
}

fn with_names(builder: CorsBuilder, names: Names) -> CorsBuilder {
    match names {
        Names::Listed(names) => builder.request_headers(names),
        Names::Any => builder.any_request_header(),
        Names::Echo => builder.any_request_header().credentials(true),
    }
}

fn built(builder: CorsBuilder) -> CorsPolicy {
    builder.build_policy().expect("a valid policy")
}

/// Split, trim, count, compare.
fn names_fit(lines: &[HeaderValue], allowed: Names) -> bool {
    if matches!(allowed, Names::Any) || lines.is_empty() {
        return true;
    }
    let elements: Vec<&[u8]> = lines
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .collect();
    let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let mut names = Vec::new();
    let mut empty = 0;
    for element in elements {
        let start = element.iter().take_while(|byte| is_blank(byte)).count();
        let rest = &element[start..];
        let end = rest.iter().rev().take_while(|byte| is_blank(byte)).count();
        let name = &rest[..rest.len() - end];
        if start + end > 2 {
            return false;
        }
        if name.is_empty() {
            empty += 1;
        } else {
            names.push(name);
        }
    }
    let is_token = |name: &&[u8]| {
        name.iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
    };
    let is_sorted = names.windows(2).all(|pair| pair[0] < pair[1]);
    empty <= 16
        && match allowed {
            Names::Any => true,
            Names::Listed(allowed) => {
                is_sorted
                    && names
                        .iter()
                        .all(|name| allowed.iter().any(|other| other.as_bytes() == *name))
            }
            Names::Echo => {
                let bytes: usize = lines.iter().map(HeaderValue::len).sum();
                bytes <= 4_096 && names.len() <= 64 && names.iter().all(is_token)
            }
        }
}

/// A policy in plain words.
#[derive(Clone, Copy, Debug)]
struct Rules {
    any_origin: bool,
    methods: &'static [&'static str],
    any_method: bool,
    names: Names,
    explain: bool,
    /// Refuses actual requests, too.
    strict: bool,
    /// Allows `https://by.predicate.example`.
    predicate: bool,
    /// `https://own.example`; else `Host` says it.
    own: bool,
    keep_inner: bool,
}

const NOTHING: Rules = Rules {
    any_origin: false,
    methods: &[],
    any_method: false,
    names: Names::Listed(&[]),
    explain: false,
    strict: false,
    predicate: false,
    own: false,
    keep_inner: false,
};

const RULES: [Rules; 10] = [
    NOTHING,
    Rules {
        explain: true,
        ..NOTHING
    },
    Rules {
        methods: &["DELETE", "PUT"],
        names: Names::Listed(&["authorization", "x-a"]),
        ..NOTHING
    },
    Rules {
        methods: &["PUT"],
        names: Names::Listed(&["x-a"]),
        explain: true,
        ..NOTHING
    },
    Rules {
        any_origin: true,
        any_method: true,
        names: Names::Any,
        ..NOTHING
    },
    Rules {
        any_method: true,
        names: Names::Echo,
        ..NOTHING
    },
    Rules {
        strict: true,
        ..NOTHING
    },
    Rules {
        strict: true,
        own: true,
        methods: &["PUT"],
        ..NOTHING
    },
    Rules {
        predicate: true,
        methods: &["PUT"],
        strict: true,
        ..NOTHING
    },
    Rules {
        keep_inner: true,
        methods: &["PUT"],
        ..NOTHING
    },
];

const BY_PREDICATE: &str = "https://by.predicate.example";
const OWN: &str = "https://own.example";

static POLICIES: LazyLock<[CorsPolicy; 10]> = LazyLock::new(|| RULES.map(|rules| rules.policy()));

/// The first byte chooses the rules, the second the method; every line behind is a header.
pub fn cors_request(data: &[u8]) {
    const METHODS: [Method; 5] = [
        Method::OPTIONS,
        Method::GET,
        Method::OPTIONS,
        Method::POST,
        Method::PUT,
    ];
    let [choice, method, rest @ ..] = data else {
        return;
    };
    let choice = usize::from(*choice) % RULES.len();
    let mut request = Request::new(());
    *request.method_mut() = METHODS[usize::from(*method) % METHODS.len()].clone();
    for line in rest.split(|byte| *byte == b'\n').take(64) {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(halves.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(halves.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            request.headers_mut().append(name, value);
        }
    }
    let (head, ()) = request.into_parts();
    let verdict = POLICIES[choice].check(&head);
    assert_eq!(
        plain(verdict),
        plain(RULES[choice].expected(&head)),
        "{:?} {head:?}",
        RULES[choice]
    );
    served(RULES[choice], &POLICIES[choice], verdict, head);
}

/// A ready inner service that decides for itself, wrongly.
#[derive(Clone, Debug)]
struct Inner;

const INNER_ORIGIN: &str = "https://inner.example";

impl Service<Request<()>> for Inner {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let answer = Response::builder()
            .header("x-inner", "reached")
            .header("access-control-allow-origin", INNER_ORIGIN)
            .header("vary", "accept")
            .body(Full::default())
            .expect("a valid response");
        ready(Ok(answer))
    }
}

/// Runs the service, and checks what holds of every answer.
fn served(rules: Rules, policy: &CorsPolicy, verdict: CorsVerdict, head: Parts) {
    let method = head.method.clone();
    let origin = head.headers.get("origin").cloned();
    let mut service = CorsLayer::new(policy.clone()).layer(Inner);
    let call = service.call(Request::from_parts(head, ()));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(answer)) = pin!(call).poll(&mut context) else {
        panic!("it is ready at once");
    };
    let headers = answer.headers();
    let is_reached = headers.contains_key("x-inner");
    let read_by = headers.get("access-control-allow-origin");
    assert!(
        headers
            .get_all("access-control-allow-origin")
            .iter()
            .count()
            <= 1
    );
    match verdict {
        CorsVerdict::PreflightRefused(_) | CorsVerdict::Refused(_) => {
            assert!(!is_reached && answer.status() == 403, "{answer:?}");
            let mut names = headers.keys().map(|name| name.as_str());
            assert!(
                !names.any(|name| name.starts_with("access-control-")),
                "{answer:?}"
            );
        }
        CorsVerdict::PreflightAllowed | CorsVerdict::PreflightExplained(_) => {
            assert!(!is_reached && answer.status() == 204, "{answer:?}");
            let expected = if rules.any_origin {
                Some(&HeaderValue::from_static("*"))
            } else {
                origin.as_ref()
            };
            assert_eq!(
                read_by.map(HeaderValue::as_bytes),
                expected.map(HeaderValue::as_bytes)
            );
        }
        _ => {
            assert!(is_reached, "{answer:?}");
            let expected = match verdict {
                _ if rules.keep_inner => Some(INNER_ORIGIN.as_bytes()),
                _ if rules.any_origin => Some(&b"*"[..]),
                CorsVerdict::Allowed => origin.as_ref().map(HeaderValue::as_bytes),
                _ => None,
            };
            assert_eq!(read_by.map(HeaderValue::as_bytes), expected, "{answer:?}");
        }
    }
    let varies = headers.get_all("vary").iter().any(|line| line == "Origin");
    let is_due = method != Method::OPTIONS || matches!(verdict, CorsVerdict::Refused(_));
    assert_eq!(varies, is_due && !rules.any_origin, "{answer:?}");
}

/// What is wrong with an origin is a matter of the origin's own tests.
fn plain(verdict: CorsVerdict) -> CorsVerdict {
    let origin = CorsRefusal::Duplicate(DuplicateHeader::Origin);
    match verdict {
        CorsVerdict::NotAllowed(CorsRefusal::Origin(_)) => CorsVerdict::NotAllowed(origin),
        CorsVerdict::Refused(CorsRefusal::Origin(_)) => CorsVerdict::Refused(origin),
        CorsVerdict::PreflightRefused(CorsRefusal::Origin(_)) => {
            CorsVerdict::PreflightRefused(origin)
        }
        other => other,
    }
}

impl Rules {
    fn policy(self) -> CorsPolicy {
        let builder = if self.any_origin {
            CorsLayer::builder().any_origin()
        } else {
            CorsLayer::builder().origins([APP, "https://*.example.org", "http://localhost:*"])
        };
        let builder = if self.predicate {
            builder.dangerous_allow_origin_if(|origin, _| {
                origin.scheme() == "https"
                    && origin.port().is_none()
                    && origin.host() == "by.predicate.example"
            })
        } else {
            builder
        };
        let builder = builder
            .refuse(if self.strict {
                Refuse::PreflightAndActual
            } else {
                Refuse::Preflight
            })
            .self_origins(self.own.then_some(OWN))
            .dangerous_keep_inner_cors(self.keep_inner);
        let builder = if self.any_method {
            builder.any_method()
        } else {
            builder.methods(self.methods)
        };
        built(with_names(
            builder.explain_failures(self.explain),
            self.names,
        ))
    }

    fn expected(self, head: &Parts) -> CorsVerdict {
        let all = |name: &str| -> Vec<HeaderValue> {
            head.headers.get_all(name).iter().cloned().collect()
        };
        let origins = all("origin");
        let methods = all("access-control-request-method");
        let foreign = CorsRefusal::Duplicate(DuplicateHeader::Origin);
        let is_allowed = match &*origins {
            [one] => {
                self.any_origin || allows(one.as_bytes()) || (self.predicate && one == BY_PREDICATE)
            }
            _ => false,
        };
        if head.method != Method::OPTIONS || origins.is_empty() || methods.is_empty() {
            return match origins.len() {
                0 => CorsVerdict::NoOrigin,
                _ if is_allowed || self.any_origin => CorsVerdict::Allowed,
                _ if self.strict && !self.is_own(&origins, head) => CorsVerdict::Refused(foreign),
                _ => CorsVerdict::NotAllowed(foreign),
            };
        }
        let asks_in_vain =
            self.methods.is_empty() && !self.any_method && matches!(self.names, Names::Listed([]));
        if asks_in_vain && !self.explain {
            return CorsVerdict::PreflightRefused(CorsRefusal::Unsupported);
        }
        if !is_allowed {
            return CorsVerdict::PreflightRefused(foreign);
        }
        let failed = |refusal| {
            if self.explain {
                CorsVerdict::PreflightExplained(refusal)
            } else {
                CorsVerdict::PreflightRefused(refusal)
            }
        };
        let [method] = &*methods else {
            return failed(CorsRefusal::Duplicate(DuplicateHeader::RequestMethod));
        };
        if !self.allows_method(method.as_bytes()) {
            return failed(CorsRefusal::Method);
        }
        if !names_fit(&all("access-control-request-headers"), self.names) {
            return failed(CorsRefusal::Header);
        }
        CorsVerdict::PreflightAllowed
    }

    /// Whether the one origin is the server's own, by what a browser says or by name. What fits `Host` is a matter of the own tests of
    /// `SelfOrigin`.
    fn is_own(self, origins: &[HeaderValue], head: &Parts) -> bool {
        let [origin] = origins else {
            return false;
        };
        let mut sites = head.headers.get_all("sec-fetch-site").iter();
        let is_same_origin =
            sites.next().is_some_and(|site| site == "same-origin") && sites.next().is_none();
        let is_named = if self.own {
            origin == OWN
        } else {
            OriginRef::parse(origin.as_bytes())
                .is_some_and(|origin| SelfOrigin::from_host().is_self(head, &origin))
        };
        is_named || is_same_origin
    }

    fn allows_method(self, method: &[u8]) -> bool {
        let listed = ["GET", "HEAD", "POST"].iter().chain(self.methods);
        let is_echoed = matches!(self.names, Names::Echo);
        let is_token = Method::from_bytes(method).is_ok();
        listed.into_iter().any(|listed| listed.as_bytes() == method)
            || (self.any_method && (!is_echoed || (is_token && method.len() <= 64)))
    }
}

/// Whether the three origins of the sample policies match, by text alone.
fn allows(origin: &[u8]) -> bool {
    let Ok(origin) = std::str::from_utf8(origin) else {
        return false;
    };
    // A label of more than 63 bytes is no host of DNS, and no browser sends one: its length is not worth a count per request.
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    let is_below = origin
        .strip_prefix("https://")
        .filter(|host| host.len() <= 253)
        .and_then(|host| host.strip_suffix(".example.org"))
        .is_some_and(|labels| labels.split('.').all(is_label));
    let is_local = origin.strip_prefix("http://localhost").is_some_and(|rest| {
        rest.is_empty()
            || rest.strip_prefix(':').is_some_and(|port| {
                let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
                is_number && !port.starts_with('0') && port.parse::<u16>().is_ok()
            })
    });
    origin == APP || is_below || is_local
}
