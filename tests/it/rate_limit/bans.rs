//! Rate limits: bans.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service};
use tower_security::core::{
    AbuseKind, AbuseSignal, ClientIp, EventName, IpNet, IpSet, Level, ManualClock, Mode, Outcome,
    PeerAddr, Refused, SecurityEvent, TrustedProxies,
};
use tower_security::csrf::CsrfLayer;
use tower_security::rate_limit::key::{KeyHash, KeySeed};
use tower_security::rate_limit::{
    BanBuilder, BanConfigError, BanLayer, BanPolicyFault, BanRefusal, BanShare, BanStatus,
    BanTable, OnMissing,
};

use crate::support::service::{Spy, go};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const PROBE: AbuseKind = AbuseKind::Custom("probe");

const ALICE: &str = "192.0.2.7";
const BOB: &str = "192.0.2.8";

/// Answers 200; to `/probe` with a sign of abuse. Clones share the count.
#[derive(Clone, Default)]
struct Handler(Arc<AtomicUsize>);

impl Handler {
    fn calls(&self) -> usize {
        self.0.load(Ordering::SeqCst)
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
        self.0.fetch_add(1, Ordering::SeqCst);
        let mut response = Response::new(Full::from("served"));
        if request.uri().path() == "/probe" {
            response.extensions_mut().insert(AbuseSignal(PROBE));
        }
        ready(Ok(response))
    }
}

/// What was told: name, level, outcome, code, rule, address, target and detail.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<Told>>>);

#[derive(Clone, Debug, PartialEq)]
struct Told {
    name: EventName,
    level: Level,
    outcome: Outcome,
    layer: &'static str,
    code: &'static str,
    rule: String,
    ip: Option<String>,
    target: Option<String>,
    detail: Option<String>,
}

impl Events {
    fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
        let told = Arc::clone(&self.0);
        move |event| {
            told.lock().unwrap().push(Told {
                name: event.name,
                level: event.level,
                outcome: event.outcome,
                layer: event.layer,
                code: event.code,
                rule: event.rule.as_deref().unwrap_or_default().to_owned(),
                ip: event.client_ip.map(|ip| ip.to_string()),
                target: event.target.as_deref().map(str::to_owned),
                detail: event.detail.as_deref().map(str::to_owned),
            });
        }
    }

    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Codes with outcomes and rules.
    fn codes(&self) -> Vec<(&'static str, Outcome, String)> {
        let told = self.take().into_iter();
        told.map(|told| (told.code, told.outcome, told.rule))
            .collect()
    }
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn set<const N: usize>(nets: [&str; N]) -> IpSet {
    IpSet::new(nets.map(net))
}

/// A request to `path` of the client `ip`.
fn from(ip: &str, path: &str) -> Request<Full<Bytes>> {
    let mut request = nobody(path);
    let ip: std::net::IpAddr = ip.parse().unwrap();
    let peer = std::net::SocketAddr::new(ip, 50_000);
    request.extensions_mut().insert(PeerAddr::from(peer));
    request
}

/// A request without a client address.
fn nobody(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

/// Status and `Retry-After`.
type Verdict = (u16, Option<String>);

fn passes() -> Verdict {
    (200, None)
}

fn blocked() -> Verdict {
    (403, None)
}

fn banned(seconds: u64) -> Verdict {
    (403, Some(seconds.to_string()))
}

/// A layer, its handler and its clock.
struct Site {
    layer: BanLayer,
    handler: Handler,
    clock: ManualClock,
    events: Events,
}

impl Site {
    fn new(configure: impl FnOnce(BanBuilder) -> BanBuilder) -> Self {
        let (clock, events) = (ManualClock::new(), Events::default());
        let builder = BanLayer::builder()
            .clock(clock.clone())
            .events(events.sink());
        Self {
            layer: configure(builder).build().unwrap(),
            handler: Handler::default(),
            clock,
            events,
        }
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
        let before = self.handler.calls();
        let answer = go(self.layer.layer(self.handler.clone()), request).await;
        let refused = answer.extensions().get::<BanRefusal>().is_some();
        let calls = self.handler.calls() - before;
        assert_eq!(calls, usize::from(!refused), "a refusal calls nobody");
        answer
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Verdict {
        let answer = self.answer(request).await;
        let retry = answer.headers().get("retry-after");
        let retry = retry.map(|line| line.to_str().unwrap().to_owned());
        (answer.status().as_u16(), retry)
    }

    fn key(&self, ip: &str) -> KeyHash {
        let client = ClientIp::resolved_by_caller(ip.parse().unwrap());
        self.layer.table().client_key(client)
    }

    fn ban(&self, ip: &str, duration: Duration) {
        assert!(self.layer.table().ban(self.key(ip), duration));
    }

    fn rest(&self, ip: &str) -> Option<Duration> {
        self.layer.table().is_banned(self.key(ip))
    }
}

/// Three probes within a minute ban for an hour.
fn three_probes(builder: BanBuilder) -> BanBuilder {
    builder.on(PROBE, 3, MINUTE, HOUR)
}

#[tokio::test]
async fn a_ban_refuses_its_client_alone_until_it_ends() {
    let site = Site::new(|builder| builder);
    site.ban(ALICE, 90 * SECOND);
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(90));
    assert_eq!(site.ask(from(BOB, "/")).await, passes());
    site.clock.advance(Duration::from_millis(500));
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(90));
    site.clock.advance(Duration::from_millis(500));
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(89));
    site.clock.advance(89 * SECOND - Duration::from_micros(1));
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(1));
    site.clock.advance(Duration::from_micros(1));
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
}

#[tokio::test]
async fn retry_after_is_never_too_early() {
    for (rest, seconds) in [
        (Duration::from_millis(1), 1),
        (Duration::from_millis(999), 1),
        (SECOND, 1),
        (Duration::from_millis(1_001), 2),
    ] {
        let site = Site::new(|builder| builder);
        site.ban(ALICE, rest);
        assert_eq!(
            site.ask(from(ALICE, "/")).await,
            banned(seconds),
            "{rest:?}"
        );
        site.clock.advance(Duration::from_secs(seconds));
        assert_eq!(site.ask(from(ALICE, "/")).await, passes(), "{rest:?}");
    }
}

#[tokio::test]
async fn the_answer_says_what_clients_need_and_the_extensions_the_rest() {
    let site = Site::new(|builder| builder.blocklist(set(["198.51.100.0/24"])));
    site.ban(ALICE, MINUTE);
    let rest = MINUTE;
    for (ip, refusal, code) in [
        (ALICE, BanRefusal::Banned { rest }, "banned"),
        ("198.51.100.3", BanRefusal::Blocklisted, "blocked"),
    ] {
        let answer = site.answer(from(ip, "/")).await;
        assert_eq!(answer.extensions().get(), Some(&refusal), "{ip}");
        assert_eq!(refusal.code(), code);
        let mark = answer.extensions().get::<Refused>().unwrap();
        assert_eq!(
            (mark.code(), mark.status(), mark.abuse()),
            (code, StatusCode::FORBIDDEN, None)
        );
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(headers["cache-control"], "no-store");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (&body["status"], &body["code"]),
            (&403.into(), &code.into())
        );
        assert_eq!(body.get("type"), None);
    }
}

#[tokio::test]
async fn the_duration_can_be_hidden() {
    let site = Site::new(BanBuilder::hide_duration);
    site.ban(ALICE, MINUTE);
    assert_eq!(site.ask(from(ALICE, "/")).await, (403, None));
}

#[tokio::test]
async fn a_ban_can_be_answered_with_429() {
    const REGISTERED: &str =
        "https://iana.org/assignments/http-problem-types#abnormal-usage-detected";
    const OWN: &str = "https://example.com/problems/banned";
    let status = |builder: BanBuilder| builder.status(BanStatus::TooManyRequests);
    for (site, uri) in [
        (Site::new(status), REGISTERED),
        (Site::new(|builder| status(builder).problem_type(OWN)), OWN),
    ] {
        site.ban(ALICE, MINUTE);
        let answer = site.answer(from(ALICE, "/")).await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()["retry-after"], "60");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (&body["type"], &body["code"]),
            (&uri.into(), &"banned".into())
        );
        assert_eq!(site.ask(from(BOB, "/")).await, passes());
    }
}

#[tokio::test]
async fn grpc_and_head_are_answered_in_their_own_way() {
    for status in [BanStatus::Forbidden, BanStatus::TooManyRequests] {
        let site = Site::new(|builder| builder.status(status).blocklist(set([BOB])));
        site.ban(ALICE, MINUTE);
        for ip in [ALICE, BOB] {
            let mut call = from(ip, "/orders.Orders/Get");
            *call.method_mut() = Method::POST;
            let grpc = "application/grpc".parse().unwrap();
            call.headers_mut().insert("content-type", grpc);
            let answer = site.answer(call).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.headers()["grpc-status"], "7");
            for name in [
                "retry-after",
                "grpc-retry-pushback-ms",
                "grpc-status-details-bin",
            ] {
                assert!(!answer.headers().contains_key(name), "{name}");
            }
        }
        let mut head = from(ALICE, "/");
        *head.method_mut() = Method::HEAD;
        let answer = site.answer(head).await;
        assert_eq!(answer.headers()["retry-after"], "60");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.is_empty());
    }
}

#[tokio::test]
async fn lists_are_asked_before_bans_and_the_safelist_first() {
    let site = Site::new(|builder| {
        three_probes(builder)
            .safelist(set(["198.51.100.7", "203.0.113.0/24"]))
            .blocklist(set(["198.51.100.0/24"]))
            .fail2ban(|head| head.uri.path() == "/.env", 1, MINUTE, HOUR)
    });
    for ip in ["198.51.100.7", "198.51.100.6", "203.0.113.1"] {
        site.ban(ip, HOUR);
    }
    assert_eq!(site.ask(from("198.51.100.7", "/")).await, passes());
    assert_eq!(site.ask(from("::ffff:198.51.100.7", "/")).await, passes());
    assert_eq!(site.ask(from("198.51.100.6", "/")).await, blocked());
    assert_eq!(site.ask(from("::ffff:198.51.100.6", "/")).await, blocked());
    assert_eq!(site.ask(from("198.51.101.6", "/")).await, passes());
    assert_eq!(site.ask(from("203.0.113.1", "/")).await, passes());
    // Nor is anything counted.
    for path in ["/.env", "/probe", "/probe", "/probe", "/"] {
        assert_eq!(
            site.ask(from("203.0.113.2", path)).await,
            passes(),
            "{path}"
        );
    }
    assert_eq!(site.rest("203.0.113.2"), None);
    assert_eq!(site.ask(from("203.0.114.2", "/.env")).await, blocked());
    assert_eq!(site.ask(from("203.0.114.2", "/")).await, banned(3_600));
}

#[tokio::test]
async fn lists_and_mode_change_under_traffic() {
    let site = Site::new(|builder| builder.blocklist(set([ALICE])));
    let (handle, service) = (site.layer.handle(), site.layer.layer(Spy::new()));
    let ask = || async {
        go(service.clone(), from(ALICE, "/"))
            .await
            .status()
            .as_u16()
    };
    assert_eq!(ask().await, 403);
    handle.set_lists(set([]), set([BOB])).unwrap();
    assert_eq!(ask().await, 200);
    assert_eq!(site.layer.blocklist(), set([BOB]));
    handle.set_lists(set([]), set([ALICE])).unwrap();
    handle.set_mode(Mode::Off);
    assert_eq!((ask().await, site.layer.mode()), (200, Mode::Off));
    assert_eq!(handle.mode(), Mode::Off);
    handle.set_mode(Mode::Enforce);
    assert_eq!(ask().await, 403);

    let both = set([ALICE, "10.0.0.0/8"]);
    let errors = handle.set_lists(both.clone(), both).unwrap_err();
    assert_eq!(errors.len(), 2);
    assert_eq!(ask().await, 403);
}

#[tokio::test]
async fn off_looks_at_nothing() {
    let site = Site::new(|builder| {
        three_probes(builder)
            .mode(Mode::Off)
            .blocklist(set([ALICE]))
            .on_missing(OnMissing::Refuse)
            .fail2ban(|_| true, 1, MINUTE, HOUR)
    });
    site.ban(BOB, HOUR);
    for request in [from(ALICE, "/probe"), from(BOB, "/"), nobody("/")] {
        assert_eq!(site.ask(request).await, passes());
    }
    assert_eq!(site.events.take(), []);
}

#[tokio::test]
async fn fail2ban_refuses_what_matches_and_bans_with_the_nth() {
    let site = Site::new(|builder| {
        builder.fail2ban(|head| head.uri.path().ends_with(".php"), 3, MINUTE, HOUR)
    });
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    site.clock.advance(MINUTE - Duration::from_micros(1));
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    // The first of the window was a minute ago: a new window begins.
    site.clock.advance(Duration::from_micros(1));
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/a.php")).await, banned(3_600));
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(3_600));
    assert_eq!(site.ask(from(BOB, "/")).await, passes());
    assert_eq!(site.ask(from(BOB, "/a.php")).await, blocked());
    assert_eq!(site.ask(from(BOB, "/")).await, passes());
}

#[tokio::test]
async fn allow2ban_lets_the_nth_pass_and_refuses_everything_after_it() {
    let site = Site::new(|builder| {
        builder.allow2ban(|head| head.uri.path() == "/register", 3, MINUTE, HOUR)
    });
    for _ in 0..3 {
        assert_eq!(site.ask(from(ALICE, "/")).await, passes());
        assert_eq!(site.ask(from(ALICE, "/register")).await, passes());
    }
    assert_eq!(site.ask(from(ALICE, "/register")).await, banned(3_600));
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(3_600));
    assert_eq!(site.ask(from(BOB, "/register")).await, passes());
}

#[tokio::test]
async fn rules_are_asked_in_order_and_count_apart() {
    let site = Site::new(|builder| {
        builder
            .allow2ban(|head| head.method == Method::POST, 2, MINUTE, MINUTE)
            .fail2ban(|head| head.uri.path() == "/.env", 2, MINUTE, HOUR)
            .fail2ban(
                |head| head.uri.path().starts_with("/."),
                1,
                MINUTE,
                2 * HOUR,
            )
    });
    let post = |path| {
        let mut request = from(ALICE, path);
        *request.method_mut() = Method::POST;
        request
    };
    // Counted by the first and, since that lets it pass, by the second rule; never by the third.
    assert_eq!(site.ask(post("/.env")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    assert_eq!(site.ask(post("/")).await, passes());
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(60));
    site.clock.advance(MINUTE);
    assert_eq!(site.ask(from(ALICE, "/.git")).await, blocked());
    assert_eq!(
        site.rest(ALICE),
        Some(4 * HOUR),
        "the second ban is twice as long"
    );
}

#[tokio::test]
async fn nothing_is_counted_while_banned() {
    let site = Site::new(|builder| {
        three_probes(builder).fail2ban(|head| head.uri.path() == "/.env", 2, HOUR, MINUTE)
    });
    site.ban(ALICE, 10 * SECOND);
    for path in ["/.env", "/.env", "/probe", "/probe", "/probe"] {
        assert_eq!(site.ask(from(ALICE, path)).await, banned(10));
        assert_eq!(site.layer.table().signal(site.key(ALICE), PROBE), None);
    }
    site.clock.advance(10 * SECOND);
    for path in ["/probe", "/probe", "/"] {
        assert_eq!(site.ask(from(ALICE, path)).await, passes(), "{path}");
    }
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    // A ban ends the count that led to it.
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    assert_eq!(site.rest(ALICE), Some(2 * MINUTE));
    site.clock.advance(2 * MINUTE);
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    assert_eq!(site.rest(ALICE), None);
}

#[tokio::test]
async fn signals_of_a_handler_ban_with_the_nth() {
    let site = Site::new(three_probes);
    for path in ["/probe", "/", "/probe", "/"] {
        assert_eq!(site.ask(from(ALICE, path)).await, passes());
    }
    assert_eq!(site.ask(from(BOB, "/probe")).await, passes());
    // The answer to the one that starts the ban is the handler's.
    assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(3_600));
    assert_eq!(site.ask(from(BOB, "/")).await, passes());
}

#[tokio::test]
async fn refusals_of_inner_layers_are_counted_by_kind() {
    let site = Site::new(|builder| {
        builder.on(AbuseKind::CsrfRefused, 2, MINUTE, HOUR).on(
            AbuseKind::AuthFailed,
            1,
            MINUTE,
            HOUR,
        )
    });
    let service = site.layer.layer(CsrfLayer::new().layer(Spy::new()));
    let forged = || {
        let mut request = from(ALICE, "/transfer");
        *request.method_mut() = Method::POST;
        let cross = "cross-site".parse().unwrap();
        request.headers_mut().insert("sec-fetch-site", cross);
        request
    };
    for _ in 0..2 {
        assert_eq!(site.rest(ALICE), None);
        let answer = go(service.clone(), forged()).await;
        assert_eq!(answer.extensions().get::<BanRefusal>(), None);
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(site.rest(ALICE), Some(HOUR));
    let answer = go(service, forged()).await;
    let rest = HOUR;
    assert_eq!(
        answer.extensions().get(),
        Some(&BanRefusal::Banned { rest })
    );
}

#[tokio::test]
async fn a_kind_may_have_a_quick_and_a_slow_rule() {
    let site = Site::new(|builder| {
        builder
            .on(PROBE, 2, SECOND, MINUTE)
            .on(PROBE, 3, HOUR, 10 * MINUTE)
            .escalation(1, HOUR)
    });
    for rest in [None, None, Some(10 * MINUTE)] {
        assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
        assert_eq!(site.rest(ALICE), rest);
        site.clock.advance(SECOND);
    }
    for rest in [None, Some(MINUTE)] {
        assert_eq!(site.ask(from(BOB, "/probe")).await, passes());
        assert_eq!(site.rest(BOB), rest);
    }
}

#[tokio::test]
async fn bans_grow_and_are_forgotten_in_quiet_times() {
    let site = Site::new(|builder| {
        builder
            .on(PROBE, 1, 10 * MINUTE, MINUTE)
            .escalation(3, 20 * MINUTE)
    });
    let next = || async {
        assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
        let rest = site.rest(ALICE).unwrap();
        site.clock.advance(rest);
        rest
    };
    for minutes in [1, 3, 9, 20, 20] {
        assert_eq!(next().await, minutes * MINUTE);
    }
    // Five bans. The window is longer than the ban, so that one is forgotten every ten minutes.
    site.clock.advance(30 * MINUTE);
    assert_eq!(next().await, 9 * MINUTE);
    site.clock.advance(30 * MINUTE - SECOND);
    assert_eq!(next().await, 3 * MINUTE);
    site.clock.advance(24 * HOUR);
    assert_eq!(next().await, MINUTE);
}

#[tokio::test]
async fn by_default_bans_double_up_to_a_day() {
    let site = Site::new(|builder| builder.on(PROBE, 1, MINUTE, 5 * HOUR));
    for hours in [5, 10, 20, 24, 24] {
        assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
        assert_eq!(site.rest(ALICE), Some(hours * HOUR));
        site.clock.advance(hours * HOUR);
    }
}

#[tokio::test]
async fn unban_ends_the_ban_and_reset_forgets_all_of_it() {
    let site = Site::new(|builder| {
        three_probes(builder).fail2ban(|head| head.uri.path() == "/.env", 2, MINUTE, HOUR)
    });
    let table = site.layer.table();
    let (alice, bob) = (site.key(ALICE), site.key(BOB));
    assert!(!table.unban(alice));
    site.ban(ALICE, HOUR);
    site.ban(BOB, HOUR);
    assert!(table.unban(alice));
    assert_eq!(
        (table.is_banned(alice), table.is_banned(bob)),
        (None, Some(HOUR))
    );
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    // A lifted ban still counts as one.
    for _ in 0..3 {
        assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
    }
    assert_eq!(site.rest(ALICE), Some(2 * HOUR));

    table.reset(alice);
    assert_eq!(
        (table.is_banned(alice), table.is_banned(bob)),
        (None, Some(HOUR))
    );
    for path in ["/probe", "/probe"] {
        assert_eq!(site.ask(from(ALICE, path)).await, passes());
    }
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    table.reset(alice);
    for path in ["/probe", "/probe"] {
        assert_eq!(site.ask(from(ALICE, path)).await, passes());
    }
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    assert_eq!(site.rest(ALICE), None);
    assert_eq!(site.ask(from(ALICE, "/.env")).await, blocked());
    assert_eq!(site.rest(ALICE), Some(HOUR), "the first ban again");
}

#[tokio::test]
async fn a_manual_ban_is_prolonged_and_never_shortened() {
    let site = Site::new(|builder| builder);
    let table = site.layer.table();
    let alice = site.key(ALICE);
    for (duration, is_banned, rest) in [
        (Duration::ZERO, false, None),
        (MINUTE, true, Some(MINUTE)),
        (SECOND, true, Some(MINUTE)),
        (Duration::ZERO, false, Some(MINUTE)),
        (HOUR, true, Some(HOUR)),
    ] {
        assert_eq!(table.ban(alice, duration), is_banned, "{duration:?}");
        assert_eq!(table.is_banned(alice), rest, "{duration:?}");
    }
    assert!(table.ban(alice, Duration::MAX));
    site.clock.advance(1_000 * 365 * 24 * HOUR);
    assert!(table.is_banned(alice).is_some());
    let (status, retry) = site.ask(from(ALICE, "/")).await;
    assert_eq!(status, 403);
    assert!(retry.unwrap().parse::<u64>().unwrap() > 1_000 * 365 * 24 * 3_600);
    assert!(table.unban(alice));
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
}

#[tokio::test]
async fn a_clock_that_jumps_frees_nobody_early() {
    let site = Site::new(three_probes);
    site.clock.set_monotonic(HOUR);
    site.ban(ALICE, MINUTE);
    assert_eq!(site.ask(from(BOB, "/probe")).await, passes());
    assert_eq!(site.ask(from(BOB, "/probe")).await, passes());
    site.clock.set_monotonic(Duration::ZERO);
    assert_eq!(site.ask(from(ALICE, "/")).await, banned(3_660));
    assert_eq!(site.ask(from(BOB, "/probe")).await, passes());
    // As long as it should be, or from the latest time that the table has seen on.
    let rest = site.rest(BOB);
    assert!(rest == Some(HOUR) || rest == Some(2 * HOUR), "{rest:?}");
    site.clock.set_monotonic(Duration::MAX);
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    assert_eq!(site.ask(from(ALICE, "/probe")).await, passes());
}

#[tokio::test]
async fn one_ipv6_subscriber_and_one_mapped_address_are_one_client() {
    let site = Site::new(three_probes);
    for ip in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::2", "2001:db8:1:2::3"] {
        assert_eq!(site.ask(from(ip, "/probe")).await, passes());
    }
    assert_eq!(
        site.ask(from("2001:db8:1:2:abcd::", "/")).await,
        banned(3_600)
    );
    assert_eq!(site.ask(from("2001:db8:1:3::1", "/")).await, passes());

    for ip in [ALICE, "::ffff:192.0.2.7", ALICE] {
        assert_eq!(site.ask(from(ip, "/probe")).await, passes());
    }
    assert_eq!(site.ask(from("::ffff:192.0.2.7", "/")).await, banned(3_600));
    assert_eq!(site.ask(from("::ffff:192.0.2.8", "/")).await, passes());
    // Not mapped, though it has the same last bits.
    assert_eq!(site.ask(from("::192.0.2.7", "/")).await, passes());
}

#[tokio::test]
async fn the_width_of_a_client_can_be_chosen() {
    let rows = [
        (32, 64, "192.0.2.200", "2001:db8:0:1::1", [200, 200]),
        (24, 48, "192.0.2.200", "2001:db8:0:1::1", [403, 403]),
        (24, 48, "192.0.3.7", "2001:db8:1:1::1", [200, 200]),
    ];
    for (v4, v6, first, second, expected) in rows {
        let site = Site::new(|builder| builder.client_prefix(v4, v6));
        site.ban(ALICE, MINUTE);
        site.ban("2001:db8::1", MINUTE);
        let statuses = [
            site.ask(from(first, "/")).await.0,
            site.ask(from(second, "/")).await.0,
        ];
        assert_eq!(statuses, expected, "/{v4} /{v6} {first}");
    }
    let orders: [fn(BanBuilder) -> BanBuilder; 3] = [
        BanBuilder::dangerous_full_v6,
        |builder| builder.client_prefix(24, 48).dangerous_full_v6(),
        |builder| builder.dangerous_full_v6().client_prefix(24, 48),
    ];
    for order in orders {
        let full = Site::new(order);
        full.ban("2001:db8::1", MINUTE);
        assert_eq!(full.ask(from("2001:db8::1", "/")).await, banned(60));
        assert_eq!(full.ask(from("2001:db8::2", "/")).await, passes());
        assert_eq!(full.layer.dangerous(), [("dangerous_full_v6", true)]);
    }
    let plain = Site::new(|builder| builder);
    assert_eq!(plain.layer.dangerous(), [("dangerous_full_v6", false)]);
}

#[tokio::test]
async fn requests_without_an_address_count_as_one_client_or_are_refused() {
    let site = Site::new(three_probes);
    for _ in 0..3 {
        assert_eq!(site.ask(nobody("/probe")).await, passes());
    }
    let told = site.events.take();
    let codes: Vec<_> = told.iter().map(|told| (told.name, told.code)).collect();
    assert_eq!(
        codes,
        [
            (EventName::SysMonitorDisabled, "peer_address_missing"),
            (EventName::ExcessRateLimitExceeded, "ban_started"),
        ]
    );
    let remedy = told[0].detail.as_deref().unwrap();
    assert!(
        remedy.contains("into_make_service_with_connect_info"),
        "{remedy}"
    );
    assert_eq!(site.ask(nobody("/")).await, banned(3_600));
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());

    let site = Site::new(|builder| builder.on_missing(OnMissing::Refuse));
    let answer = site.answer(nobody("/")).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(answer.extensions().get(), Some(&BanRefusal::AddressMissing));
    assert_eq!(
        answer.extensions().get::<Refused>().unwrap().code(),
        "client_ip_missing"
    );
    assert_eq!(site.ask(from(ALICE, "/")).await, passes());
    let codes: Vec<_> = site.events.take().iter().map(|told| told.code).collect();
    assert_eq!(codes, ["peer_address_missing", "client_ip_missing"]);
    let mut call = nobody("/orders.Orders/Get");
    *call.method_mut() = Method::POST;
    let grpc = "application/grpc".parse().unwrap();
    call.headers_mut().insert("content-type", grpc);
    assert_eq!(site.answer(call).await.headers()["grpc-status"], "7");
}

/// Trusts `10.0.0.0/8` to name clients.
fn behind_proxies() -> TrustedProxies {
    ClientIp::trusted_proxies([net("10.0.0.0/8")]).unwrap()
}

fn forwarded(line: &'static str, path: &str) -> Request<Full<Bytes>> {
    let mut request = from("10.0.0.1", path);
    let line = http::HeaderValue::from_static(line);
    request.headers_mut().insert("x-forwarded-for", line);
    request
}

#[tokio::test]
async fn the_client_is_found_behind_proxies_unless_somebody_has_found_it() {
    let site = Site::new(|builder| builder.client_ip(behind_proxies()));
    site.ban(ALICE, MINUTE);
    assert_eq!(
        site.ask(forwarded("203.0.113.1, 192.0.2.7", "/")).await,
        banned(60)
    );
    assert_eq!(
        site.ask(forwarded("192.0.2.7, 203.0.113.1", "/")).await,
        passes()
    );
    assert_eq!(site.ask(from("10.0.0.1", "/")).await, passes());
    // The layer outside has the last word.
    let mut request = forwarded("192.0.2.7", "/");
    let other = ClientIp::resolved_by_caller(BOB.parse().unwrap());
    request.extensions_mut().insert(other);
    assert_eq!(site.ask(request).await, passes());

    let direct = Site::new(|builder| builder);
    direct.ban(ALICE, MINUTE);
    assert_eq!(direct.ask(forwarded("192.0.2.7", "/")).await, passes());
}

#[tokio::test]
async fn a_degraded_address_is_neither_the_proxy_nor_safe() {
    let site = Site::new(|builder| {
        three_probes(builder)
            .client_ip(behind_proxies())
            .safelist(set(["10.9.0.0/16"]))
    });
    for _ in 0..3 {
        assert_eq!(site.ask(forwarded("garbage", "/probe")).await, passes());
    }
    assert_eq!(site.ask(forwarded("garbage", "/")).await, banned(3_600));
    assert_eq!(site.ask(from("10.0.0.1", "/")).await, passes());
    assert_eq!(site.rest("10.0.0.1"), None);

    let site = Site::new(|builder| {
        three_probes(builder)
            .client_ip(behind_proxies())
            .safelist(set(["10.0.0.0/8"]))
    });
    for _ in 0..4 {
        assert_eq!(site.ask(from("10.0.0.1", "/probe")).await, passes());
    }
    for _ in 0..3 {
        assert_eq!(site.ask(forwarded("garbage", "/probe")).await, passes());
    }
    assert_eq!(site.ask(forwarded("garbage", "/")).await, banned(3_600));
    assert_eq!(site.ask(from("10.0.0.1", "/")).await, passes());
    let codes: Vec<_> = site.events.take().iter().map(|told| told.code).collect();
    assert_eq!(codes, ["client_ip_degraded", "ban_started", "banned"]);
}

#[tokio::test]
async fn events_say_what_happened_to_whom() {
    let site = Site::new(|builder| {
        three_probes(builder)
            .blocklist(set(["198.51.100.3"]))
            .fail2ban(|head| head.uri.path() == "/.env", 1, MINUTE, MINUTE)
    });
    site.ask(from("198.51.100.3", "/")).await;
    for path in ["/probe", "/probe", "/probe", "/"] {
        site.ask(from(ALICE, path)).await;
    }
    site.ask(from(BOB, "/.env")).await;
    let told = site.events.take();
    let rows: Vec<_> = told
        .iter()
        .map(|told| {
            (
                told.name,
                told.code,
                told.rule.as_str(),
                told.ip.as_deref().unwrap(),
            )
        })
        .collect();
    const EXCESS: EventName = EventName::ExcessRateLimitExceeded;
    assert_eq!(
        rows,
        [
            (
                EventName::AuthzFail,
                "blocked",
                "blocklisted",
                "198.51.100.3"
            ),
            (EXCESS, "ban_started", "probe", ALICE),
            (EXCESS, "banned", "banned", ALICE),
            (EXCESS, "ban_started", "fail2ban[0]", BOB),
            (EventName::AuthzFail, "blocked", "fail2ban[0]", BOB),
        ]
    );
    for told in &told {
        assert_eq!(
            (told.layer, told.level, told.outcome),
            ("bans", Level::Warn, Outcome::Refused)
        );
    }
    assert_eq!(told[1].detail.as_deref(), Some("duration=3600s bans=1"));
    assert_eq!(told[3].detail.as_deref(), Some("duration=60s bans=1"));
    // The hash, never the address, and the same for one client.
    assert_eq!(told[1].target.as_ref().map(String::len), Some(16));
    assert_eq!(told[1].target, told[2].target);
    assert_ne!(told[1].target, told[3].target);
    assert_eq!(told[0].target, None);
}

#[tokio::test]
async fn a_flood_of_refusals_is_no_flood_of_events() {
    let site = Site::new(|builder| builder.blocklist(set([ALICE])));
    for _ in 0..150 {
        assert_eq!(site.ask(from(ALICE, "/")).await, blocked());
    }
    assert_eq!(site.events.take().len(), 100);
    site.clock.advance(SECOND);
    site.ask(from(ALICE, "/")).await;
    site.ask(from(ALICE, "/")).await;
    let told = site.events.take();
    assert_eq!(told[0].detail.as_deref(), Some("suppressed=50"));
    assert_eq!((told[1].detail.as_deref(), told.len()), (None, 2));
}

#[tokio::test]
async fn report_only_tells_what_it_would_refuse_and_changes_nothing() {
    let site = Site::new(|builder| {
        three_probes(builder)
            .mode(Mode::ReportOnly)
            .blocklist(set(["198.51.100.3"]))
            .on_missing(OnMissing::Refuse)
            .fail2ban(|head| head.uri.path() == "/.env", 2, MINUTE, MINUTE)
    });
    let bare = |path| go(Handler::default(), from(ALICE, path));
    let rows = [
        from("198.51.100.3", "/"),
        nobody("/"),
        from(ALICE, "/probe"),
        from(ALICE, "/probe"),
        from(ALICE, "/probe"),
        from(ALICE, "/"),
        from(BOB, "/.env"),
        from(BOB, "/.env"),
        from(BOB, "/"),
    ];
    for request in rows {
        let expected = bare(request.uri().path().to_owned().leak()).await;
        let answer = site.answer(request).await;
        assert_eq!(answer.status(), expected.status());
        assert_eq!(answer.headers(), expected.headers());
        assert_eq!(answer.extensions().len(), expected.extensions().len());
        let [answer, expected] = [answer.into_body(), expected.into_body()];
        assert_eq!(
            answer.collect().await.unwrap().to_bytes(),
            expected.collect().await.unwrap().to_bytes()
        );
    }
    let would = Outcome::WouldRefuse;
    let told = site.events.codes();
    let told: Vec<_> = told
        .iter()
        .map(|(code, outcome, rule)| (*code, *outcome, rule.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("blocked", would, "blocklisted"),
            ("peer_address_missing", Outcome::Fault, ""),
            ("client_ip_missing", would, "address_missing"),
            ("ban_started", would, "probe"),
            ("banned", would, "banned"),
            ("blocked", would, "fail2ban[0]"),
            ("ban_started", would, "fail2ban[0]"),
            ("blocked", would, "fail2ban[0]"),
            ("banned", would, "banned"),
        ]
    );
}

#[tokio::test]
async fn several_layers_share_one_table_and_count_requests_apart() {
    let clock = ManualClock::new();
    let table = BanTable::builder()
        .on(PROBE, 2, MINUTE, HOUR)
        .clock(clock.clone())
        .build()
        .unwrap();
    let layer = |path: &'static str| {
        BanLayer::builder()
            .table(table.clone())
            .fail2ban(move |head| head.uri.path() == path, 2, MINUTE, HOUR)
            .build()
            .unwrap()
            .layer(Handler::default())
    };
    let (api, web) = (layer("/a"), layer("/b"));
    let plain = BanLayer::new(table.clone()).layer(Handler::default());
    let status = |service: &tower_security::rate_limit::Ban<Handler>, path| {
        let service = service.clone();
        async move { go(service, from(ALICE, path)).await.status().as_u16() }
    };
    assert_eq!(status(&api, "/a").await, 403);
    assert_eq!(status(&web, "/b").await, 403);
    assert_eq!(status(&plain, "/a").await, 200);
    // Signals are counted together, wherever they are seen.
    assert_eq!(status(&api, "/probe").await, 200);
    assert_eq!(status(&web, "/probe").await, 200);
    for service in [&api, &web, &plain] {
        assert_eq!(status(service, "/").await, 403);
    }
    let alice = table.client_key(ClientIp::resolved_by_caller(ALICE.parse().unwrap()));
    table.reset(alice);
    // The counts of both layers are gone too.
    assert_eq!(status(&api, "/a").await, 403);
    assert_eq!(status(&web, "/b").await, 403);
    assert_eq!(status(&plain, "/").await, 200);
}

#[tokio::test]
async fn custom_keys_are_apart_from_clients() {
    let table = BanTable::builder()
        .on(PROBE, 1, MINUTE, HOUR)
        .build()
        .unwrap();
    let account = |name: &str| table.key(|hasher| hasher.str(name));
    assert!(table.signal(account("alice"), PROBE).is_some());
    assert!(table.is_banned(account("alice")).is_some());
    assert_eq!(table.is_banned(account("bob")), None);
    assert_eq!(table.signal(account("bob"), AbuseKind::Spray), None);
    assert_eq!(table.is_banned(account("bob")), None);
}

#[test]
fn of_parallel_signals_one_starts_one_ban() {
    for times in [1, 2, 50] {
        for _ in 0..20 {
            let (clock, events) = (ManualClock::new(), Events::default());
            let table = BanTable::builder()
                .on(PROBE, times, MINUTE, HOUR)
                .clock(clock)
                .events(events.sink())
                .build()
                .unwrap();
            let alice = table.client_key(ClientIp::resolved_by_caller(ALICE.parse().unwrap()));
            let started = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let signals = (0..200).filter_map(|_| table.signal(alice, PROBE));
                        started.fetch_add(signals.count(), Ordering::SeqCst);
                    });
                }
            });
            let started = started.into_inner();
            assert_eq!((started, table.stats().started), (1, 1), "{times}");
            assert_eq!(table.is_banned(alice), Some(HOUR));
            assert_eq!(events.take().len(), 1);
        }
    }
}

fn client(number: u32) -> ClientIp {
    ClientIp::resolved_by_caller(std::net::Ipv4Addr::from_bits(number).into())
}

#[test]
fn a_flood_of_fresh_keys_frees_nobody() {
    const OFFENDERS: u32 = 19_661;
    let clock = ManualClock::new();
    let events = Events::default();
    let table = BanTable::builder()
        .on(PROBE, 2, MINUTE, HOUR)
        .capacity(1 << 16)
        .clock(clock.clone())
        .events(events.sink())
        .build()
        .unwrap();
    // 30 % of the table. Some of them find their set full; that is told.
    let offenders: Vec<_> = (0..OFFENDERS)
        .map(|number| table.client_key(client(number)))
        .collect();
    let banned = offenders
        .iter()
        .filter(|key| table.ban(**key, HOUR))
        .count();
    let unbanned = offenders.len() - banned;
    assert!(unbanned <= offenders.len() / 200, "{unbanned}");
    assert_eq!(table.stats().dropped, unbanned as u64);

    // A million fresh clients, each caught once: none of them is banned, and nobody is freed.
    for number in 0..1_000_000 {
        table.signal(table.client_key(client(1 << 31 | number)), PROBE);
    }
    let held = || {
        offenders
            .iter()
            .filter(|key| table.is_banned(**key).is_some())
            .count()
    };
    assert_eq!(held(), banned);
    // 200,000 that do get bans, which last longer than those of the offenders.
    for number in 0..200_000 {
        let _ = table.ban(table.client_key(client(1 << 30 | number)), 2 * HOUR);
    }
    assert_eq!(held(), banned);
    assert!(table.stats().dropped > 100_000);
    let told = events.take();
    assert_eq!(
        told.iter()
            .filter(|told| told.code == "ban_table_full")
            .count(),
        1
    );

    // Room comes back when bans end: those that are remembered only give way.
    clock.advance(2 * HOUR);
    let fresh =
        (0..1_000).filter(|number| table.ban(table.client_key(client(1 << 29 | number)), HOUR));
    assert_eq!(fresh.count(), 1_000);
}

/// Writes down what it is told.
#[derive(Clone, Default)]
struct Fleet(Arc<Mutex<Vec<(&'static str, KeyHash, Duration)>>>);

impl BanShare for Fleet {
    fn key_seed(&self) -> KeySeed {
        KeySeed::fleet(*b"0123456789abcdef")
    }

    fn started(&self, key: KeyHash, rest: Duration) {
        self.0.lock().unwrap().push(("started", key, rest));
    }

    fn lifted(&self, key: KeyHash) {
        self.0.lock().unwrap().push(("lifted", key, Duration::ZERO));
    }
}

#[test]
fn a_fleet_hears_of_bans_and_nothing_echoes() {
    let node = || {
        let (fleet, clock) = (Fleet::default(), ManualClock::new());
        let table = BanTable::builder()
            .on(PROBE, 1, MINUTE, HOUR)
            .share(fleet.clone())
            .clock(clock.clone())
            .build()
            .unwrap();
        (fleet, clock, table)
    };
    let (told, _, one) = node();
    let (echo, clock, other) = node();
    let alice = one.client_key(client(7));
    assert_eq!(
        alice,
        other.client_key(client(7)),
        "every node knows a client by one key"
    );
    assert_ne!(alice, BanTable::new().client_key(client(7)));
    assert!(one.is_shared() && !BanTable::new().is_shared());

    one.signal(alice, PROBE);
    let bob = one.client_key(client(8));
    assert!(one.ban(bob, MINUTE));
    assert!(one.ban(bob, SECOND));
    assert!(one.unban(alice));
    assert!(!one.unban(alice));
    one.reset(bob);
    one.reset(bob);
    assert_eq!(
        *told.0.lock().unwrap(),
        [
            ("started", alice, HOUR),
            ("started", bob, MINUTE),
            ("lifted", alice, Duration::ZERO),
            ("lifted", bob, Duration::ZERO),
        ]
    );

    other.absorb(alice, MINUTE);
    assert_eq!(other.is_banned(alice), Some(MINUTE));
    other.absorb(alice, SECOND);
    assert_eq!(other.is_banned(alice), Some(MINUTE));
    other.release(bob);
    other.release(alice);
    assert_eq!(other.is_banned(alice), None);
    other.absorb(alice, MINUTE);
    clock.advance(MINUTE);
    // Two bans elsewhere lengthen the third.
    assert_eq!(other.signal(alice, PROBE), Some(4 * HOUR));
    assert_eq!(*echo.0.lock().unwrap(), [("started", alice, 4 * HOUR)]);
    other.absorb(bob, Duration::MAX);
    other.absorb(one.client_key(client(9)), Duration::ZERO);
    assert!(other.is_banned(bob).is_some());
    assert_eq!(other.is_banned(one.client_key(client(9))), None);
}

type Change = fn(BanBuilder) -> BanBuilder;

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn every_mistake_has_a_name_and_its_nearest_twin_is_accepted() {
    let rows: [(&str, Change, Change); 17] = [
        (
            "ban_policy",
            |b| b.on(PROBE, 0, MINUTE, HOUR),
            |b| b.on(PROBE, 1, MINUTE, HOUR),
        ),
        (
            "ban_policy",
            |b| b.on(PROBE, 256, MINUTE, HOUR),
            |b| b.on(PROBE, 255, MINUTE, HOUR),
        ),
        (
            "ban_policy",
            |b| b.on(PROBE, 1, Duration::ZERO, HOUR),
            |b| b.on(PROBE, 1, Duration::from_micros(1), HOUR),
        ),
        (
            "ban_policy",
            |b| b.on(PROBE, 1, MINUTE, Duration::from_nanos(999)),
            |b| b.on(PROBE, 1, MINUTE, Duration::from_micros(1)),
        ),
        (
            "ban_policy",
            |b| b.on(PROBE, 1, MINUTE, Duration::MAX),
            |b| {
                b.on(PROBE, 1, Duration::MAX, Duration::MAX)
                    .escalation(2, Duration::MAX)
            },
        ),
        (
            "ban_policy",
            |b| b.on(PROBE, 1, MINUTE, 24 * HOUR + SECOND),
            |b| b.on(PROBE, 1, MINUTE, 24 * HOUR),
        ),
        (
            "ban_policy",
            |b| b.fail2ban(|_| true, 0, MINUTE, HOUR),
            |b| b.fail2ban(|_| true, 1, MINUTE, HOUR),
        ),
        (
            "ban_policy",
            |b| b.allow2ban(|_| true, 1, MINUTE, HOUR).escalation(2, MINUTE),
            |b| b.allow2ban(|_| true, 1, MINUTE, HOUR).escalation(2, HOUR),
        ),
        (
            "ban_policy",
            |b| b.escalation(0, HOUR),
            |b| b.escalation(1, HOUR),
        ),
        (
            "list_conflict",
            |b| {
                b.safelist(set(["10.0.0.0/8"]))
                    .blocklist(set(["10.0.0.0/8"]))
            },
            |b| {
                b.safelist(set(["10.0.0.0/8"]))
                    .blocklist(set(["10.0.0.0/9"]))
            },
        ),
        (
            "list_conflict",
            |b| {
                b.safelist(set(["10.0.0.0/8", "11.0.0.0/8"]))
                    .blocklist(set(["10.0.0.0/8"]))
            },
            |b| {
                b.safelist(set(["10.0.0.0/8", "11.0.0.0/8"]))
                    .blocklist(set(["10.0.0.0/7"]))
            },
        ),
        (
            "prefix_width",
            |b| b.client_prefix(7, 64),
            |b| b.client_prefix(8, 64),
        ),
        (
            "prefix_width",
            |b| b.client_prefix(33, 64),
            |b| b.client_prefix(32, 32),
        ),
        (
            "prefix_width",
            |b| b.client_prefix(32, 31),
            |b| b.client_prefix(32, 32),
        ),
        (
            "prefix_width",
            |b| b.client_prefix(32, 65),
            |b| b.client_prefix(32, 65).dangerous_full_v6(),
        ),
        ("capacity", |b| b.capacity(1_023), |b| b.capacity(1_024)),
        (
            "capacity",
            |b| b.capacity((1 << 28) + 1),
            |b| b.capacity(1 << 20),
        ),
    ];
    for (index, (code, wrong, right)) in rows.into_iter().enumerate() {
        let errors = wrong(BanLayer::builder()).build().unwrap_err();
        let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
        assert_eq!(codes, [code], "row {index}");
        assert!(right(BanLayer::builder()).build().is_ok(), "row {index}");
    }
}

#[test]
fn mistakes_are_told_together_with_what_to_write_instead() {
    let errors = BanLayer::builder()
        .table(BanTable::new())
        .on(PROBE, 300, Duration::ZERO, HOUR)
        .capacity(7)
        .capacity(8)
        .fail2ban(|_| true, 300, MINUTE, 48 * HOUR)
        .safelist(set([ALICE]))
        .blocklist(set([ALICE]))
        .build()
        .unwrap_err();
    let rows: Vec<_> = errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect();
    assert_eq!(
        rows,
        [
            ("bans.on", "table_given"),
            ("bans.capacity", "table_given"),
            ("bans.fail2ban[0]", "ban_policy"),
            ("bans.fail2ban[0]", "ban_policy"),
            ("bans.blocklist", "list_conflict"),
        ]
    );
    let kinds: Vec<_> = errors
        .iter()
        .map(|error| error.downcast::<BanConfigError>())
        .collect();
    let fault = BanPolicyFault::Times { times: 300 };
    assert_eq!(kinds[2], Some(&BanConfigError::BanPolicy { fault }));
    let text = errors.to_string();
    for words in [
        "a count of 300; write 1 to 255",
        "escalation(2, max) with a max of at least 172800s",
        "refused net 192.0.2.7/32: it stands in the safelist and in the blocklist, drop it from one of them",
        "write \"capacity\" on the builder of that table",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn of_parallel_requests_one_starts_one_ban() {
    for times in [1, 20] {
        let site = Site::new(|builder| {
            three_probes(builder).fail2ban(|head| head.uri.path() == "/.env", times, MINUTE, HOUR)
        });
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().build();
                    runtime.unwrap().block_on(async {
                        for path in ["/.env", "/probe"].repeat(50) {
                            let service = site.layer.layer(site.handler.clone());
                            go(service, from(ALICE, path)).await;
                        }
                    });
                });
            }
        });
        assert_eq!(site.layer.table().stats().started, 1);
        assert_eq!(site.rest(ALICE), Some(HOUR));
        let told = site.events.take();
        let started = told.iter().filter(|told| told.code == "ban_started");
        assert_eq!(started.count(), 1);
    }
}

#[test]
fn everything_public_crosses_threads_and_can_be_printed() {
    fn shared<T: std::fmt::Debug + Clone + Send + Sync + Unpin + 'static>() {}
    fn sent<T: std::fmt::Debug + Send + Sync + Unpin + 'static>() {}
    shared::<BanLayer>();
    shared::<BanTable>();
    shared::<tower_security::rate_limit::BanTableBuilder>();
    shared::<tower_security::rate_limit::BanHandle>();
    shared::<tower_security::rate_limit::BanStats>();
    shared::<tower_security::rate_limit::Ban<u8>>();
    shared::<BanConfigError>();
    shared::<BanPolicyFault>();
    shared::<BanRefusal>();
    shared::<BanStatus>();
    sent::<BanBuilder>();
    sent::<tower_security::rate_limit::BanAmendment>();

    let site = Site::new(|builder| three_probes(builder).share(Fleet::default()));
    let printed = format!("{:?}", site.layer);
    assert!(!printed.contains("0123456789abcdef"), "{printed}");
}
