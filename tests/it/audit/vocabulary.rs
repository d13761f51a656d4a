//! What each layer tells of a request that it refuses, in a stack: one event, of the right name, level and code.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_security::authorize::{
    AccessTable, RequireAuthorization, RequireLayer, acr, max_age, role,
};
use tower_security::cookies::CookieLayer;
use tower_security::core::{
    ClientIp, EventName, IpSet, Level, Mode, Outcome, PeerAddr, SchemeSource, SecurityEvent,
    TrustedProxies,
};
use tower_security::cors::CorsLayer;
use tower_security::csrf::CsrfLayer;
use tower_security::error_mask::ErrorMaskLayer;
use tower_security::https::{HttpsLayer, OnInsecure};
use tower_security::rate_limit::login::{LoginAccount, LoginThrottle, LoginThrottleLayer};
use tower_security::rate_limit::{BanLayer, BanTable, Quota, RateLimitLayer};
use tower_security::stack::{BeforeAuth, SecurityStack};

use crate::auth::ways::builder as auth;
use crate::ownership::{Orders, rules};
use crate::support::service::{Spy, go};

const EVIL: &str = "https://evil.example";

/// An event without what is the same in all rows.
type Told = (&'static str, EventName, Level, Outcome, &'static str);

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Told>>>);

impl Log {
    /// Every event of a request names it, its client and what it asked for.
    fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
        let log = Arc::clone(&self.0);
        move |event| {
            let whole = format!("{event:?}");
            assert!(event.request_id.is_some(), "{whole}");
            assert!(event.client_ip.is_some(), "{whole}");
            assert!(!whole.contains("hidden"), "{whole}");
            log.lock().unwrap().push((
                event.layer,
                event.name,
                event.level,
                event.outcome,
                event.code,
            ));
        }
    }
}

fn request(method: &str, path: &str, lines: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let peer: std::net::SocketAddr = "192.0.2.7:9".parse().unwrap();
    let builder = Request::builder()
        .method(method)
        .uri(format!("{path}?token=hidden"))
        .header("host", "shop.example")
        .extension(PeerAddr::from(peer));
    let builder = lines.iter().fold(builder, |builder, (name, value)| {
        builder.header(*name, *value)
    });
    builder.body(Full::default()).unwrap()
}

/// Sends requests to a stack, all but the last to bring it into a state, and says what it told of the last and its status.
async fn told<L, S, B>(
    make: impl FnOnce(SecurityStack) -> L,
    requests: impl IntoIterator<Item = Request<Full<Bytes>>>,
) -> (Vec<Told>, u16)
where
    L: Layer<Spy, Service = S>,
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
{
    told_around(Spy::new(), make, requests).await
}

/// The same around another handler.
async fn told_around<L, S, B>(
    handler: Spy,
    make: impl FnOnce(SecurityStack) -> L,
    requests: impl IntoIterator<Item = Request<Full<Bytes>>>,
) -> (Vec<Told>, u16)
where
    L: Layer<Spy, Service = S>,
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible> + Clone,
{
    let log = Log::default();
    let stack = SecurityStack::new()
        .events(log.sink())
        .client_ip(TrustedProxies::direct());
    let service = make(stack).layer(handler);
    let mut status = 0;
    for request in requests {
        log.0.lock().unwrap().clear();
        status = go(service.clone(), request).await.status().as_u16();
    }
    let told = log.0.lock().unwrap().clone();
    (told, status)
}

const REFUSED: Outcome = Outcome::Refused;
const INFO: Level = Level::Info;
const WARN: Level = Level::Warn;

#[track_caller]
fn assert_one(found: (Vec<Told>, u16), status: u16, expected: Told) {
    assert_eq!(found, (vec![expected], status));
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
async fn layers_that_look_at_the_browser() {
    let cors = || {
        CorsLayer::builder()
            .origins(["https://app.example"])
            .methods(["PUT"])
    };
    let name = EventName::MaliciousCors;
    let preflight = [("origin", EVIL), ("access-control-request-method", "PUT")];
    let found = told(
        |stack| stack.cors(cors().build().unwrap()),
        [request("OPTIONS", "/", &preflight)],
    );
    assert_one(
        found.await,
        403,
        ("cors", name, WARN, REFUSED, "origin_refused"),
    );
    let method = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "DELETE"),
    ];
    let found = told(
        |stack| stack.cors(cors().build().unwrap()),
        [request("OPTIONS", "/", &method)],
    );
    assert_one(
        found.await,
        403,
        ("cors", name, INFO, REFUSED, "method_refused"),
    );

    let name = EventName::MaliciousCsrf;
    let cross_site = [("sec-fetch-site", "cross-site")];
    let found = told(
        |stack| stack.csrf(CsrfLayer::new()),
        [request("POST", "/", &cross_site)],
    );
    assert_one(
        found.await,
        403,
        ("csrf", name, WARN, REFUSED, "csrf_refused"),
    );
    let report = CsrfLayer::builder().mode(Mode::ReportOnly).build().unwrap();
    let found = told(
        |stack| stack.csrf(report),
        [request("POST", "/", &cross_site)],
    );
    let would = Outcome::WouldRefuse;
    assert_one(
        found.await,
        200,
        ("csrf", name, WARN, would, "csrf_refused"),
    );

    let planted = [("cookie", "__Host-session=a; __Host-session=hidden")];
    let cookies = CookieLayer::builder()
        .host_prefix(["session"])
        .build()
        .unwrap();
    let found = told(
        |stack| stack.cookies(cookies),
        [request("GET", "/", &planted)],
    );
    let name = EventName::InputValidationFail;
    assert_one(
        found.await,
        200,
        ("cookies", name, WARN, REFUSED, "cookie_rejected"),
    );

    let https = HttpsLayer::builder(SchemeSource::Tls).on_insecure(OnInsecure::Reject);
    let found = told(
        |stack| stack.https(https.build().unwrap()),
        [request("POST", "/", &[("authorization", "Bearer hidden")])],
    );
    assert_one(
        found.await,
        403,
        ("https", name, WARN, REFUSED, "insecure_transport"),
    );
    let https = HttpsLayer::builder(SchemeSource::AssumeHttps).allowed_hosts(["app.example"]);
    let found = told(
        |stack| stack.https(https.build().unwrap()),
        [request("GET", "/", &[])],
    );
    assert_one(
        found.await,
        400,
        ("https", name, WARN, REFUSED, "host_refused"),
    );
}

#[tokio::test]
async fn layers_that_count() {
    let limit = || RateLimitLayer::api(Quota::per_minute(1)).unwrap();
    let get = || request("GET", "/", &[]);
    let name = EventName::ExcessRateLimitExceeded;
    let found = told(|stack| stack.rate_limit(limit()), [get(), get()]);
    assert_one(
        found.await,
        429,
        ("rate_limit", name, WARN, REFUSED, "rate_limited"),
    );
    let found = told(|stack| stack.rate_limit(limit()), [get()]);
    assert_eq!(found.await, (Vec::new(), 200));

    let bans = BanTable::new();
    let ip = ClientIp::resolved_by_caller("192.0.2.7".parse().unwrap());
    assert!(bans.ban(bans.client_key(ip), Duration::from_secs(60)));
    let layer = BanLayer::builder().table(bans).build().unwrap();
    let found = told(|stack| stack.bans(layer), [get()]);
    assert_one(found.await, 403, ("bans", name, WARN, REFUSED, "banned"));
    let nets = IpSet::new(["192.0.2.0/24".parse().unwrap()]);
    let layer = BanLayer::builder().blocklist(nets);
    let found = told(|stack| stack.bans(layer.build().unwrap()), [get()]);
    let name = EventName::AuthzFail;
    assert_one(found.await, 403, ("bans", name, WARN, REFUSED, "blocked"));

    let throttle =
        || LoginThrottle::builder(&[7_u8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15][..]);
    let login = || {
        let mut login = request("POST", "/login", &[]);
        login.extensions_mut().insert(LoginAccount::new("alice"));
        login
    };
    let throttle = throttle().build().unwrap();
    let layer = LoginThrottleLayer::new(throttle).success_when(|_| false);
    let found = told(
        |stack| stack.extra(BeforeAuth, layer.clone()),
        [login(), login(), login(), login(), login(), login()],
    );
    let name = EventName::AuthnLoginFailMax;
    assert_one(
        found.await,
        429,
        ("login_throttle", name, WARN, REFUSED, "login_throttled"),
    );
}

#[tokio::test]
async fn layers_that_ask_who_it_is() {
    let name = EventName::AuthnLoginFail;
    for (test, level, code) in [
        (None, INFO, "authentication_required"),
        (Some("token_invalid"), WARN, "token_invalid"),
        (Some("token_expired"), INFO, "token_expired"),
        (Some("credentials_malformed"), WARN, "credentials_malformed"),
    ] {
        let lines = test.map(|test| ("x-test", test));
        let found = told(
            |stack| stack.auth(auth().build().unwrap()),
            [request("GET", "/", lines.as_slice())],
        );
        let (events, status) = found.await;
        assert_eq!(events, [("auth", name, level, REFUSED, code)], "{code}");
        assert!(matches!(status, 400 | 401), "{status}");
    }

    let name = EventName::AuthzFail;
    let good = [("x-test", "good")];
    for (requirement, status, level, code) in [
        (role("admin"), 403, WARN, "forbidden"),
        (acr("aal2"), 401, INFO, "stronger_authentication"),
        (
            max_age(Duration::from_secs(60)),
            401,
            INFO,
            "recent_authentication",
        ),
    ] {
        let layer = RequireLayer::new(requirement).build().unwrap();
        let found = told(
            |stack| stack.auth(auth().build().unwrap()).access(layer),
            [request("GET", "/", &good)],
        );
        assert_one(
            found.await,
            status,
            ("authorize", name, level, REFUSED, code),
        );
    }
    let table = AccessTable::builder().get("/orders", role("admin"));
    let found = told(
        |stack| {
            stack
                .auth(auth().build().unwrap())
                .access(table.build().unwrap())
        },
        [request("GET", "/nowhere", &good)],
    );
    assert_one(
        found.await,
        403,
        ("authorize", name, WARN, REFUSED, "no_rule"),
    );
    let found = told(
        |stack| {
            stack
                .auth(auth().build().unwrap())
                .require_authorization(RequireAuthorization::new())
        },
        [request("GET", "/", &good)],
    );
    let critical = Level::Critical;
    assert_one(
        found.await,
        500,
        (
            "authorize",
            name,
            critical,
            Outcome::Fault,
            "authorization_missing",
        ),
    );
}

#[tokio::test]
async fn layers_that_ask_whose_it_is() {
    let denied = EventName::AuthzFail;
    let rows = [
        ("/orders/2", 404, denied, WARN, "object_denied"),
        ("/orders/9", 404, denied, WARN, "object_absent"),
        ("/orders/x", 404, denied, WARN, "reference_malformed"),
        (
            "/export?doc=1&doc=2",
            404,
            EventName::MaliciousDirectReference,
            Level::Critical,
            "reference_ambiguous",
        ),
    ];
    for (path, status, name, level, code) in rows {
        let guard = rules(&Orders::new()).build().unwrap();
        let mut asked = request("GET", "/", &[("x-test", "alice")]);
        *asked.uri_mut() = path.parse().unwrap();
        let found = told(
            |stack| stack.auth(crate::ownership::Login).ownership(guard),
            [asked],
        );
        assert_one(
            found.await,
            status,
            ("ownership", name, level, REFUSED, code),
        );
    }
}

#[tokio::test]
async fn the_mask_of_errors() {
    let fault = Spy::new().status(StatusCode::INTERNAL_SERVER_ERROR);
    let found = told_around(
        fault,
        |stack| stack.error_mask(ErrorMaskLayer::new()),
        [request("GET", "/", &[])],
    );
    let (name, level, outcome) = (EventName::SysCrash, Level::Error, Outcome::Fault);
    assert_one(
        found.await,
        500,
        ("error_mask", name, level, outcome, "internal_error"),
    );
    // What another layer refuses is told of by that layer alone.
    let found = told(
        |stack| {
            stack
                .error_mask(ErrorMaskLayer::new())
                .csrf(CsrfLayer::new())
        },
        [request("POST", "/", &[("sec-fetch-site", "cross-site")])],
    );
    let name = EventName::MaliciousCsrf;
    assert_one(
        found.await,
        403,
        ("csrf", name, WARN, REFUSED, "csrf_refused"),
    );
}

#[cfg(feature = "sanitize")]
#[tokio::test]
async fn the_guard_of_input() {
    use tower_security::sanitize::SanitizeLayer;

    let found = told(
        |stack| stack.sanitize(SanitizeLayer::strict()),
        [request("GET", "/static/%2e%2e/%2e%2e/etc/passwd", &[])],
    );
    let name = EventName::InputValidationFail;
    assert_one(
        found.await,
        400,
        ("sanitize", name, WARN, REFUSED, "path_dot_segment"),
    );
}

#[cfg(feature = "csp-report")]
#[tokio::test]
async fn the_endpoint_of_reports() {
    use tower_security::csp::report::CspReportLayer;

    let report = r#"{"csp-report":{"document-uri":"https://shop.example/","violated-directive":"script-src","effective-directive":"script-src","original-policy":"script-src 'self'","blocked-uri":"https://evil.example/x.js","disposition":"enforce"}}"#;
    let mut sent = request(
        "POST",
        "/csp-report",
        &[("content-type", "application/csp-report")],
    );
    *sent.body_mut() = Full::from(report);
    let layer = CspReportLayer::builder().at("/csp-report").unwrap();
    let found = told(|stack| stack.csp_reports(layer), [sent]);
    let name = EventName::MaliciousCspViolation;
    assert_one(
        found.await,
        204,
        ("csp_report", name, WARN, REFUSED, "script-src"),
    );
    let layer = CspReportLayer::builder().at("/csp-report").unwrap();
    let junk = [("content-type", "application/csp-report")];
    let mut sent = request("POST", "/csp-report", &junk);
    *sent.body_mut() = Full::from("{hidden");
    let found = told(|stack| stack.csp_reports(layer), [sent]);
    let name = EventName::InputValidationFail;
    assert_one(
        found.await,
        400,
        ("csp_report", name, INFO, REFUSED, "report_malformed"),
    );
}
