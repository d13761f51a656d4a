//! `SecurityStack`: one order, one context, what does not compile.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::ORIGIN;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service};
use tower_security::core::{
    AdaptedBody, ClientIp, Clock, EventSink, ManualClock, Mode, PeerAddr, RefusalContext,
    Rejection, RejectionRenderer, RequestId, RequestScheme, SchemeSource, SecurityEvent, Shared,
};
use tower_security::cors::CorsLayer;
use tower_security::csrf::CsrfLayer;
use tower_security::stack::{
    AfterAuth, BeforeAuth, Innermost, PostureState, Protection, ProvidesPrincipal, SecurityStack,
};

use crate::support::posture::warnings;
use crate::support::service::{Spy, go};

/// The names of the layers that a request has passed.
#[derive(Clone, Debug, Default)]
struct Passed(Vec<&'static str>);

/// Writes its name into the request.
#[derive(Clone, Debug)]
struct Mark(&'static str);

#[derive(Clone, Debug)]
struct Marked<S>(S, &'static str);

impl Protection for Mark {}
impl ProvidesPrincipal for Mark {}

impl<S> Layer<S> for Mark {
    type Service = Marked<S>;

    fn layer(&self, inner: S) -> Marked<S> {
        Marked(inner, self.0)
    }
}

impl<B, S: Service<Request<B>>> Service<Request<B>> for Marked<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let mut passed = request
            .extensions_mut()
            .remove::<Passed>()
            .unwrap_or_default();
        passed.0.push(self.1);
        request.extensions_mut().insert(passed);
        self.0.call(request)
    }
}

/// Keeps what the request carried when it arrived, and answers with the names that it passed.
#[derive(Clone, Debug, Default)]
struct Handler(Arc<Mutex<Option<http::request::Parts>>>);

impl Handler {
    fn arrived(&self) -> http::request::Parts {
        self.0.lock().unwrap().take().expect("a request arrived")
    }
}

impl<B> Service<Request<B>> for Handler {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, _) = request.into_parts();
        let passed = head.extensions.get::<Passed>().cloned().unwrap_or_default();
        *self.0.lock().unwrap() = Some(head);
        ready(Ok(Response::new(Full::from(passed.0.join(" ")))))
    }
}

async fn text<B>(answer: Response<B>) -> String
where
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn request(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

/// Calls `$visit` with each permutation of the names.
macro_rules! permutations {
    ($visit:ident; [$($done:ident)*] []) => { $visit!($($done)*); };
    ($visit:ident; $done:tt [$($rest:ident)+]) => { permutations!(@pick $visit; $done [] [$($rest)+]); };
    (@pick $visit:ident; [$($done:ident)*] [$($skipped:ident)*] [$next:ident $($rest:ident)*]) => {
        permutations!($visit; [$($done)* $next] [$($skipped)* $($rest)*]);
        permutations!(@pick $visit; [$($done)*] [$($skipped)* $next] [$($rest)*]);
    };
    (@pick $visit:ident; $done:tt $skipped:tt []) => {};
}

/// Keeps the temporaries of 720 chains off one stack frame.
fn apart<T>(make: impl FnOnce() -> T) -> T {
    make()
}

#[tokio::test]
async fn every_permutation_of_the_calls_gives_one_order() {
    let mut stacks = Vec::new();
    macro_rules! visit {
        ($($slot:ident)*) => {
            stacks.push(apart(|| SecurityStack::new()$( .$slot(Mark(stringify!($slot))) )*));
        };
    }
    permutations!(visit; [] [headers cors rate_limit csrf auth sanitize]);
    assert_eq!(stacks.len(), 720);
    for stack in stacks {
        let answer = go(stack.layer(Handler::default()), request("/")).await;
        assert_eq!(
            text(answer).await,
            "headers cors rate_limit csrf auth sanitize"
        );
    }
}

#[tokio::test]
async fn what_needs_a_principal_and_the_own_layers_have_their_places_too() {
    let inside_out = SecurityStack::new()
        .adapt_body()
        .extra(Innermost, Mark("innermost"))
        .extra(AfterAuth, Mark("after_auth"))
        .extra(BeforeAuth, Mark("before_auth"))
        .auth(Mark("auth"))
        .ownership(Mark("ownership"))
        .sanitize(Mark("sanitize"))
        .access(Mark("access"))
        .require_authorization(Mark("tripwire"))
        .rate_limit_by_principal(Mark("by_principal"))
        .csp_reports(Mark("csp_reports"))
        .limits(Mark("limits"))
        .overload(Mark("overload"))
        .https(Mark("https"))
        .bans(Mark("bans"))
        .error_mask(Mark("error_mask"))
        .cookies(Mark("cookies"))
        .csp(Mark("csp"));
    let answer = go(inside_out.layer(Handler::default()), request("/")).await;
    assert_eq!(
        text(answer).await,
        "csp cookies error_mask bans https overload limits csp_reports before_auth auth after_auth \
         by_principal tripwire access sanitize ownership innermost"
    );
}

#[tokio::test]
async fn an_empty_stack_leaves_requests_and_answers_alone() {
    let handler = Handler::default();
    let answer = go(SecurityStack::new().layer(handler.clone()), request("/")).await;
    assert!(answer.headers().is_empty());
    let head = handler.arrived();
    assert!(head.extensions.is_empty());
    assert!(RequestId::from_extensions(&head.extensions).is_none());
}

fn proxies() -> tower_security::core::TrustedProxies {
    ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap()
}

fn from(peer: &str, headers: &[(&'static str, &str)]) -> Request<Full<Bytes>> {
    let peer: SocketAddr = peer.parse().unwrap();
    let mut request = request("/orders");
    request.extensions_mut().insert(PeerAddr::from(peer));
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().append(*name, value);
    }
    request
}

#[tokio::test]
async fn the_context_knows_client_scheme_and_id() {
    let handler = Handler::default();
    let stack = SecurityStack::new()
        .client_ip(proxies())
        .scheme(SchemeSource::Listener(RequestScheme::Https));
    let forwarded = [("x-forwarded-for", "192.0.2.7"), ("x-request-id", "edge-1")];

    let answer = go(stack.layer(handler.clone()), from("10.0.0.1:9", &forwarded)).await;
    assert_eq!(answer.headers()["x-request-id"], "edge-1");
    let of = handler.arrived().extensions;
    assert_eq!(
        ClientIp::from_extensions(&of).unwrap().ip().to_string(),
        "192.0.2.7"
    );
    assert_eq!(
        RequestScheme::from_extensions(&of),
        Some(RequestScheme::Https)
    );
    assert_eq!(RequestId::from_extensions(&of).unwrap().as_str(), "edge-1");

    // Anybody else's id and address are not believed.
    let answer = go(
        stack.layer(handler.clone()),
        from("203.0.113.9:9", &forwarded),
    )
    .await;
    let id = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(id.len(), 32);
    let of = handler.arrived().extensions;
    assert_eq!(
        ClientIp::from_extensions(&of).unwrap().ip().to_string(),
        "203.0.113.9"
    );
    assert_eq!(RequestId::from_extensions(&of).unwrap().as_str(), id);
}

#[tokio::test]
async fn an_inbound_id_is_one_line_of_the_alphabet() {
    let stack = SecurityStack::new().client_ip(proxies());
    let too_long = "a".repeat(65);
    let rows: [&[(&str, &str)]; 4] = [
        &[("x-request-id", "a b")],
        &[("x-request-id", "a"), ("x-request-id", "b")],
        &[("x-request-id", &too_long)],
        &[("x-request-id", "")],
    ];
    for row in rows {
        let answer = go(stack.layer(Handler::default()), from("10.0.0.1:9", row)).await;
        assert_eq!(answer.headers()["x-request-id"].len(), 32, "{row:?}");
    }
    let longest = "a".repeat(64);
    let row = [("x-request-id", longest.as_str())];
    let answer = go(stack.layer(Handler::default()), from("10.0.0.1:9", &row)).await;
    assert_eq!(answer.headers()["x-request-id"], longest.as_str());
}

#[tokio::test]
async fn a_request_without_a_peer_has_an_id_and_no_client() {
    let handler = Handler::default();
    let stack = SecurityStack::new().client_ip(proxies());
    let answer = go(stack.layer(handler.clone()), request("/")).await;
    assert!(answer.headers().contains_key("x-request-id"));
    assert!(ClientIp::from_extensions(&handler.arrived().extensions).is_none());
}

#[tokio::test]
async fn what_a_layer_outside_has_found_stays() {
    let handler = Handler::default();
    let stack = SecurityStack::new()
        .client_ip(proxies())
        .scheme(SchemeSource::Tls);
    let mut told = from("10.0.0.1:9", &[("x-forwarded-for", "192.0.2.7")]);
    let found = ClientIp::resolved_by_caller("203.0.113.5".parse().unwrap());
    told.extensions_mut().insert(found);
    told.extensions_mut().insert(RequestScheme::Https);
    go(stack.layer(handler.clone()), told).await;
    let of = handler.arrived().extensions;
    assert_eq!(ClientIp::from_extensions(&of), Some(found));
    assert_eq!(
        RequestScheme::from_extensions(&of),
        Some(RequestScheme::Https)
    );
}

#[tokio::test]
async fn the_handler_reads_the_id_in_force_in_the_header_too() {
    let handler = Handler::default();
    let stack = SecurityStack::new().client_ip(proxies());
    let forged = from(
        "203.0.113.9:9",
        &[("x-request-id", "forged"), ("x-request-id", "twice")],
    );
    let answer = go(stack.layer(handler.clone()), forged).await;
    let head = handler.arrived();
    let lines: Vec<_> = head.headers.get_all("x-request-id").iter().collect();
    assert_eq!(lines, [&answer.headers()["x-request-id"]]);

    go(stack.layer(handler.clone()), from("203.0.113.9:9", &[])).await;
    assert!(!handler.arrived().headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn a_server_that_hands_no_peer_on_is_told_of_once_a_minute() {
    let log = Log::default();
    let clock = ManualClock::new();
    let stack = |proxies| {
        SecurityStack::new()
            .client_ip(proxies)
            .clock(clock.clone())
            .events(sink(&log))
    };
    let behind_proxies = stack(proxies());
    for _ in 0..3 {
        go(behind_proxies.layer(Spy::new()), request("/")).await;
    }
    clock.advance(Duration::from_secs(61));
    go(behind_proxies.layer(Spy::new()), request("/")).await;
    let told: Vec<_> = log
        .lock()
        .unwrap()
        .drain(..)
        .map(|(event, ..)| event)
        .collect();
    assert_eq!(
        told,
        ["client_ip sys_monitor_disabled peer_address_missing"; 2]
    );

    go(
        stack(tower_security::core::TrustedProxies::direct()).layer(Spy::new()),
        request("/"),
    )
    .await;
    go(behind_proxies.layer(Spy::new()), from("10.0.0.1:9", &[])).await;
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_stack_inside_a_stack_has_its_own_settings_and_the_outer_id() {
    let handler = Handler::default();
    let forwarded = [("x-forwarded-for", "192.0.2.7"), ("x-request-id", "edge-1")];
    let (outside, inside) = (Log::default(), Log::default());
    let forged = || {
        let mut request = from("10.0.0.1:9", &forwarded);
        *request.method_mut() = http::Method::POST;
        request
            .headers_mut()
            .insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
        request
    };

    // What the inner one was told holds inside; the rest it takes from the outer one.
    let outer = SecurityStack::new().events(sink(&outside));
    let inner = SecurityStack::new()
        .csrf(CsrfLayer::new())
        .client_ip(proxies());
    let both = outer.clone().layer(inner.layer(handler.clone()));
    let answer = go(both.clone(), forged()).await;
    assert_eq!(answer.headers()["x-request-id"].len(), 32);
    let told = outside
        .lock()
        .unwrap()
        .pop()
        .expect("the outer sink is used");
    assert_eq!(told.2.as_deref(), Some("192.0.2.7"));
    let answer = go(both, from("10.0.0.1:9", &forwarded)).await;
    let of = handler.arrived().extensions;
    let id = RequestId::from_extensions(&of).unwrap();
    assert_eq!(answer.headers()["x-request-id"], id.as_str());
    assert_eq!(
        ClientIp::from_extensions(&of).unwrap().ip().to_string(),
        "192.0.2.7"
    );

    let outer = SecurityStack::new()
        .client_ip(proxies())
        .events(sink(&outside));
    let inner = SecurityStack::new()
        .csrf(CsrfLayer::new())
        .events(sink(&inside));
    let answer = go(outer.layer(inner.layer(handler.clone())), forged()).await;
    assert_eq!(answer.headers()["x-request-id"], "edge-1");
    let told = inside
        .lock()
        .unwrap()
        .pop()
        .expect("the inner sink is used");
    assert_eq!(told.2.as_deref(), Some("192.0.2.7"));
    assert!(outside.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_address_that_cannot_be_followed_is_told_of() {
    let log = Log::default();
    let proxies = tower_security::core::TrustedProxies::builder()
        .parse_nets(["10.0.0.0/8"])
        .trust_unix_socket()
        .header(tower_security::core::ForwardHeader::XForwardedFor)
        .build()
        .unwrap();
    let junk = [("x-forwarded-for", "nobody")];
    let over_unix = || {
        let mut request = from("10.0.0.1:9", &junk);
        request.extensions_mut().insert(PeerAddr::Unix);
        request
    };
    for request in [from("10.0.0.1:9", &junk), over_unix()] {
        let stack = SecurityStack::new()
            .client_ip(proxies.clone())
            .events(sink(&log));
        go(stack.layer(Spy::new()), request).await;
        let told: Vec<_> = log
            .lock()
            .unwrap()
            .drain(..)
            .map(|(event, ..)| event)
            .collect();
        assert_eq!(told, ["client_ip input_validation_fail client_ip_degraded"]);
    }
}

#[tokio::test]
async fn a_scheme_that_cannot_be_known_is_told_of_and_unknown() {
    let log = Log::default();
    let handler = Handler::default();
    let header = tower_security::core::ProtoHeader::XForwardedProto;
    let source = SchemeSource::forwarded_proto(proxies(), header).unwrap();
    let stack = SecurityStack::new().scheme(source).events(sink(&log));
    let secure = [("x-forwarded-proto", "https")];

    go(stack.layer(handler.clone()), from("10.0.0.1:9", &secure)).await;
    let of = handler.arrived().extensions;
    assert_eq!(
        RequestScheme::from_extensions(&of),
        Some(RequestScheme::Https)
    );
    assert!(log.lock().unwrap().is_empty());

    let mut nobody = from("10.0.0.1:9", &secure);
    nobody.extensions_mut().clear();
    go(stack.layer(handler.clone()), nobody).await;
    assert_eq!(
        RequestScheme::from_extensions(&handler.arrived().extensions),
        None
    );
    let told: Vec<_> = log
        .lock()
        .unwrap()
        .drain(..)
        .map(|(event, ..)| event)
        .collect();
    assert_eq!(
        told,
        ["client_ip sys_monitor_disabled peer_address_missing"]
    );
}

#[tokio::test]
async fn a_slot_takes_two_layers_at_once() {
    let stack = SecurityStack::new()
        .headers((Mark("outer"), Mark("inner")))
        .auth((Mark("mtls"), Mark("auth")))
        .ownership(Mark("ownership"));
    let answer = go(stack.layer(Handler::default()), request("/")).await;
    assert_eq!(text(answer).await, "outer inner mtls auth ownership");
}

type Log = Arc<Mutex<Vec<(String, SystemTime, Option<String>)>>>;

fn sink(log: &Log) -> impl EventSink + use<> {
    let log = Arc::clone(log);
    move |event: &SecurityEvent<'_>| {
        let entry = (
            format!("{} {} {}", event.layer, event.name, event.code),
            event.time,
            event.client_ip.map(|ip| ip.to_string()),
        );
        log.lock().unwrap().push(entry);
    }
}

#[tokio::test]
async fn one_sink_and_one_clock_reach_every_layer_that_has_none_of_its_own() {
    let (shared, own) = (Log::default(), Log::default());
    let clock = ManualClock::new();
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    clock.set_now(noon);
    let csrf = CsrfLayer::builder().events(sink(&own)).build().unwrap();
    let stack = SecurityStack::new()
        .cors(
            CorsLayer::builder()
                .origins(["https://app.example.com"])
                .build()
                .unwrap(),
        )
        .csrf(csrf)
        .client_ip(proxies())
        .clock(clock)
        .events(sink(&shared));
    let spy = Spy::new();

    let mut forged = from("203.0.113.9:9", &[("sec-fetch-site", "cross-site")]);
    *forged.method_mut() = http::Method::POST;
    forged
        .headers_mut()
        .insert(ORIGIN, HeaderValue::from_static("https://evil.example"));
    let answer = go(stack.layer(spy.clone()), forged).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(spy.calls(), 0);
    let client = Some("203.0.113.9".to_owned());
    assert_eq!(
        *shared.lock().unwrap(),
        [(
            "cors malicious_cors origin_refused".to_owned(),
            noon,
            client.clone()
        )]
    );
    assert_eq!(
        *own.lock().unwrap(),
        [("csrf malicious_csrf csrf_refused".to_owned(), noon, client)]
    );
}

/// Neither the time of an event nor the pause between two is worth a request.
#[tokio::test]
async fn a_clock_that_panics_takes_no_request_down() {
    #[derive(Debug)]
    struct Broken;
    impl Clock for Broken {
        fn now(&self) -> SystemTime {
            panic!("a bug in the clock")
        }

        fn monotonic(&self) -> Duration {
            panic!("a bug in the clock")
        }
    }
    let log = Log::default();
    let before = SystemTime::now();
    let stack = SecurityStack::new()
        .csrf(CsrfLayer::new())
        .client_ip(proxies())
        .clock(Broken)
        .events(sink(&log));
    // Without a peer, which is an event too.
    let mut forged = request("/");
    *forged.method_mut() = http::Method::POST;
    let site = HeaderValue::from_static("cross-site");
    forged.headers_mut().insert("sec-fetch-site", site);
    let answer = go(stack.layer(Spy::new()), forged).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let log = log.lock().unwrap();
    let names: Vec<_> = log.iter().map(|(name, _, _)| &**name).collect();
    assert_eq!(
        names,
        [
            "client_ip sys_monitor_disabled peer_address_missing",
            "csrf malicious_csrf csrf_refused"
        ]
    );
    assert!(log.iter().all(|(_, time, _)| *time >= before));
}

#[tokio::test]
async fn one_renderer_writes_the_refusals_of_every_layer() {
    struct Pages;
    impl RejectionRenderer for Pages {
        fn render(
            &self,
            rejection: &Rejection,
            context: &RefusalContext,
        ) -> Option<(HeaderValue, Bytes)> {
            let id = context.request_id()?;
            let page = format!("<p>{} ({id})</p>", rejection.code());
            Some((HeaderValue::from_static("text/html"), Bytes::from(page)))
        }
    }
    let stack = SecurityStack::new()
        .csrf(CsrfLayer::new())
        .client_ip(proxies())
        .rejections(Pages);
    let mut forged = from(
        "10.0.0.1:9",
        &[("sec-fetch-site", "cross-site"), ("x-request-id", "edge-1")],
    );
    *forged.method_mut() = http::Method::POST;
    let answer = go(stack.layer(Spy::new()), forged).await;
    assert_eq!(answer.headers()["content-type"], "text/html");
    assert_eq!(text(answer).await, "<p>csrf_refused (edge-1)</p>");
}

#[tokio::test]
async fn what_the_stack_shares_is_readable_inside() {
    let handler = Handler::default();
    let clock = ManualClock::new();
    let stack = SecurityStack::new().clock(clock.clone());
    go(stack.layer(handler.clone()), request("/")).await;
    let of = handler.arrived().extensions;
    let shared = Shared::from_extensions(&of).unwrap();
    clock.advance(Duration::from_secs(7));
    let now = shared.clock().now();
    clock.advance(Duration::from_secs(1));
    assert_eq!(
        shared.clock().now().duration_since(now).unwrap(),
        Duration::from_secs(1)
    );
    assert!(shared.sink().is_none() && shared.renderer().is_none());
}

#[test]
fn the_posture_names_what_is_on() {
    let strict = SecurityStack::new().csrf(CsrfLayer::new()).cors(
        CorsLayer::builder()
            .origins(["https://app.example.com", "https://*.shop.example"])
            .credentials(true)
            .build()
            .unwrap(),
    );
    let posture = strict.posture();
    assert_eq!(warnings(&posture), [""; 0]);
    let lines: Vec<_> = posture
        .to_string()
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        lines,
        [
            "cors on origins=2 credentials=true",
            "answers A01:2025 A02:2025 API8:2023 ASVS 3.4.2",
            "csrf on missing_metadata=refuse with cookie isolation=off trusted_origins=0",
            "answers A01:2025 ASVS 3.5.1 3.5.2 3.5.3 4.4.2",
            "absent headers, csp, cookies, error_mask, bans, https, rate_limit, overload, limits, csp_reports, auth, \
             rate_limit_by_principal, require_authorization, access, sanitize, ownership",
            "warning: https: absent",
            "warning: limits: absent",
            "warning: sanitize: absent",
        ]
    );
}

#[test]
fn the_posture_says_how_clients_are_found() {
    let any_peer = tower_security::core::TrustedProxies::dangerous_hops_from_any_peer(
        std::num::NonZeroU8::MIN,
    );
    let stack = SecurityStack::new().client_ip(any_peer.unwrap());
    let posture = stack.scheme(SchemeSource::Tls).posture();
    let context: Vec<_> = posture.entries()[0].settings().collect();
    assert_eq!(
        context,
        [("client_ip", "trusted proxies"), ("scheme", "known")]
    );
    assert_eq!(
        warnings(&posture),
        ["context: dangerous_hops_from_any_peer"]
    );
}

#[test]
fn every_dangerous_call_is_a_warning() {
    let (cors, handle) = CorsLayer::reloadable(
        CorsLayer::builder()
            .origins(["http://app.example.com", "https://*.github.io"])
            .credentials(true)
            .dangerous_allow_insecure_origins(true)
            .dangerous_allow_public_suffix_subdomains(true)
            .dangerous_allow_origin_if(|_, _| false)
            .dangerous_allow_private_network(true)
            .dangerous_keep_inner_cors(true)
            .build_policy()
            .unwrap(),
    );
    handle.set_passthrough(true);
    let csrf = CsrfLayer::builder()
        .mode(Mode::ReportOnly)
        .dangerous_allow_missing_metadata()
        .dangerous_allow_same_site(true)
        .dangerous_allow_insecure_origins(true)
        .dangerous_skip_websocket_check(true)
        .dangerous_exempt("/webhooks/{*rest}")
        .dangerous_exempt_method(http::Method::POST, "/saml/acs")
        .build()
        .unwrap();
    let posture = SecurityStack::new().cors(cors).csrf(csrf).posture();
    let states: Vec<_> = posture
        .entries()
        .iter()
        .map(|entry| (entry.protection(), entry.state()))
        .collect();
    assert_eq!(
        states,
        [
            ("cors", PostureState::Off),
            ("csrf", PostureState::ReportOnly)
        ]
    );
    assert_eq!(
        warnings(&posture),
        [
            "cors: passthrough is on",
            "cors: dangerous_allow_insecure_origins",
            "cors: dangerous_allow_public_suffix_subdomains",
            "cors: dangerous_allow_origin_if",
            "cors: dangerous_allow_private_network",
            "cors: dangerous_keep_inner_cors",
            "csrf: report-only",
            "csrf: dangerous_allow_missing_metadata",
            "csrf: dangerous_allow_same_site",
            "csrf: dangerous_allow_insecure_origins",
            "csrf: dangerous_skip_websocket_check",
            "csrf: dangerous_exempt",
            "csrf: dangerous_exempt_method",
        ]
    );
}

#[tokio::test]
async fn the_csrf_layer_trusts_the_origins_of_the_cors_policy_when_told_to() {
    let cors = || {
        CorsLayer::builder()
            .origins(["https://app.example.com"])
            .credentials(true)
            .build()
            .unwrap()
    };
    let post = || {
        let mut request = request("/");
        *request.method_mut() = http::Method::POST;
        let headers = request.headers_mut();
        headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
        headers.insert(ORIGIN, HeaderValue::from_static("https://app.example.com"));
        request
    };
    let untold = SecurityStack::new().cors(cors()).csrf(CsrfLayer::new());
    let answer = go(untold.clone().layer(Spy::new()), post()).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let told = untold.trust_cors_origins().unwrap();
    let answer = go(told.layer(Spy::new()), post()).await;
    assert_eq!(answer.status(), StatusCode::OK);

    let uncredentialed = CorsLayer::builder().origins(["https://app.example.com"]);
    let errors = SecurityStack::new()
        .cors(uncredentialed.build().unwrap())
        .csrf(CsrfLayer::new())
        .trust_cors_origins()
        .unwrap_err();
    let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    assert_eq!(codes, ["refused_trust_uncredentialed"]);
}

#[tokio::test]
async fn the_whole_stack_is_ready_when_the_service_is() {
    type Mock = tower_test::mock::Mock<Request<Full<Bytes>>, Response<Full<Bytes>>>;
    let (mock, mut handle): (Mock, _) = tower_test::mock::pair();
    let stack = SecurityStack::new()
        .cors(
            CorsLayer::builder()
                .origins(["https://app.example.com"])
                .build()
                .unwrap(),
        )
        .csrf(CsrfLayer::new())
        .client_ip(proxies());
    let mut task = tower_test::mock::Spawn::new(stack.layer(mock));

    handle.allow(0);
    assert!(task.poll_ready().is_pending());
    handle.allow(1);
    assert!(matches!(task.poll_ready(), Poll::Ready(Ok(()))));
    let answer = tokio::spawn(task.call(request("/")));
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_response(Response::new(Full::default()));
    assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::OK);
    assert!(task.poll_ready().is_pending());

    handle.allow(1);
    assert!(matches!(task.poll_ready(), Poll::Ready(Ok(()))));
    let failed = tokio::spawn(task.call(request("/")));
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_error("the service's own error");
    let error = failed.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the service's own error");
}

/// A body that no refusal can be made of.
#[derive(Debug)]
struct Foreign;

impl http_body::Body for Foreign {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }
}

#[tokio::test]
async fn a_foreign_body_is_adapted() {
    let handler = tower::service_fn(|_: Request<Full<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Foreign))
    });
    let stack = SecurityStack::new().csrf(CsrfLayer::new()).adapt_body();
    let mut forged = request("/");
    *forged.method_mut() = http::Method::POST;
    forged
        .headers_mut()
        .insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    let answer: Response<AdaptedBody<Foreign>> = go(stack.layer(handler), forged).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(text(answer).await.contains("csrf_refused"));
    let answer = go(stack.layer(handler), request("/")).await;
    assert_eq!(text(answer).await, "");
}

#[test]
#[ignore = "needs rustc 1.95: other versions word their errors differently"]
fn the_compilers_errors_are_in_our_words() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
