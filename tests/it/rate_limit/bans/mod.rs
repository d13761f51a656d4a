//! Bans by address.

mod answers;
mod clients;
mod config;
mod events;
mod fleet;
mod lists;
mod rules;
mod table;

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
    AbuseKind, AbuseSignal, ClientIp, ClientIpLayer, EventName, ForwardHeader, IpNet, IpSet, Level,
    ManualClock, Mode, Outcome, PeerAddr, Refused, SecurityEvent, TrustedProxies,
};
use tower_security::csrf::CsrfLayer;
use tower_security::rate_limit::key::{KeyHash, KeySeed};
use tower_security::rate_limit::{
    BanBuilder, BanConfigError, BanLayer, BanPolicyFault, BanRefusal, BanShare, BanStatus,
    BanTable, OnDegraded, OnMissing,
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

fn client(number: u32) -> ClientIp {
    ClientIp::resolved_by_caller(std::net::Ipv4Addr::from_bits(number).into())
}
