//! The log of events: what a request pays for it, beside the JSON layer of `tracing-subscriber` over the non-blocking writer of
//! `tracing-appender`, both into nothing. See `harness` for the commands. With `-- p99` it prints what the hundredth request pays for a log
//! that is alive, dead or missing.

mod harness;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::io;
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::Layer;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};

use tower_security::audit::{
    AnomalyDetector, AuditConfig, Exporter, JsonLines, OwnedEvent, QueueGuard, QueueSink, Rule,
    RuleKey, Schema, write_cef,
};
use tower_security::core::{
    EventName, EventSink, Level, ManualClock, NoopSink, SecurityEvent, TracingSink,
};
use tower_security::csrf::CsrfLayer;

use harness::{Group, bare, go};

const OURS: &str = "tower-security";
const TRACING: &str = "tracing, JSON";

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "p99") {
        p99();
        return ExitCode::SUCCESS;
    }
    harness::main("audit", &groups())
}

#[expect(clippy::too_many_lines, reason = "a list of rows")]
fn groups() -> Vec<Group> {
    vec![
        Group::new("an event into the log", TRACING)
            .row("bare", || (event, |event| event))
            .row(TRACING, || {
                subscribe();
                (event, |event: SecurityEvent<'static>| {
                    TracingSink::new().record(&event);
                    event
                })
            })
            .row(OURS, || (event, recorded_by(alive()))),
        Group::new("a refused request", TRACING)
            .row("bare", || (forged, refused_by(NoopSink::new())))
            .row(TRACING, || {
                subscribe();
                (forged, refused_by(TracingSink::new()))
            })
            .row(OURS, || (forged, refused_by(alive())))
            .row("tower-security, a dead log", || {
                (forged, refused_by(dead()))
            })
            .row("tower-security, not wanted", || {
                let builder = queue(JsonLines::new(io::sink(), Schema::Owasp));
                (
                    forged,
                    refused_by(kept(builder.at_least(Level::Critical).build())),
                )
            }),
        Group::new("counting an event of a known key", "a sharded map")
            .row("bare", || (event, |event| event))
            .row("a sharded map", || {
                let shards: Vec<Mutex<HashMap<IpAddr, u64>>> =
                    (0..16).map(|_| Mutex::default()).collect();
                let hasher = RandomState::new();
                (event, move |event: SecurityEvent<'static>| {
                    let ip = event.client_ip.expect("it has one");
                    let shard = usize::try_from(hasher.hash_one(ip) % 16).expect("it fits");
                    let mut shard = shards[shard].lock().expect("no panic");
                    *shard.entry(ip).or_default() += 1;
                    drop(shard);
                    event
                })
            })
            .row(OURS, || {
                (event, recorded_by(detector([rule("ip", RuleKey::Ip)])))
            })
            .row("tower-security, four rules", || {
                let rules = [
                    rule("ip", RuleKey::Ip),
                    rule("account", RuleKey::Account),
                    rule("target", RuleKey::Target),
                    rule("distinct", RuleKey::Principal).distinct(RuleKey::Ip),
                ];
                (event, recorded_by(detector(rules)))
            }),
        Group::new("a line of JSON", "serde_json")
            .row("bare", || (kept_event, |event| event))
            .row("serde_json", || {
                let mut line = Vec::with_capacity(4_096);
                (kept_event, move |event: OwnedEvent| {
                    line.clear();
                    serde_json::to_writer(&mut line, &Flat::of(&event)).expect("into memory");
                    black_box(line.as_slice());
                    event
                })
            })
            .row(OURS, || {
                (
                    kept_event,
                    rendered(|event, config, line| Schema::Owasp.write(event, config, line)),
                )
            })
            .row("tower-security, ECS", || {
                (
                    kept_event,
                    rendered(|event, config, line| Schema::Ecs.write(event, config, line)),
                )
            })
            .row("tower-security, OCSF", || {
                (
                    kept_event,
                    rendered(|event, config, line| Schema::Ocsf.write(event, config, line)),
                )
            })
            .row("tower-security, CEF", || (kept_event, rendered(write_cef))),
    ]
}

fn event() -> SecurityEvent<'static> {
    SecurityEvent::new(EventName::AuthzFail, "ownership", "object_denied")
        .client_ip(IpAddr::from([192, 0, 2, 7]))
        .principal("8c1f0a52-6a7e-4d37-9f0c-2f7c3f9f6a10")
        .target("67e55044-10b1-426f-9247-bb680e5fe0c8")
        .rule("GET /docs/{id}")
        .detail("action=read")
}

fn kept_event() -> OwnedEvent {
    OwnedEvent::from(&event())
}

fn recorded_by(
    sink: impl EventSink,
) -> impl FnMut(SecurityEvent<'static>) -> SecurityEvent<'static> {
    move |event| {
        sink.record(&event);
        event
    }
}

fn rendered(
    write: impl Fn(&OwnedEvent, &AuditConfig, &mut Vec<u8>),
) -> impl FnMut(OwnedEvent) -> OwnedEvent {
    let (config, mut line) = (AuditConfig::default(), Vec::with_capacity(4_096));
    move |event| {
        line.clear();
        write(&event, &config, &mut line);
        black_box(line.as_slice());
        event
    }
}

fn forged() -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = http::Uri::from_static("/orders/1");
    let headers = request.headers_mut();
    headers.reserve(12);
    for (name, value) in [
        ("host", "app.example.com"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
        ("sec-fetch-site", "cross-site"),
    ] {
        headers.insert(name, http::HeaderValue::from_static(value));
    }
    request
}

fn refused_by(
    sink: impl EventSink,
) -> impl FnMut(Request<Full<Bytes>>) -> http::Response<Full<Bytes>> {
    let layer = CsrfLayer::builder()
        .events(sink)
        .build()
        .expect("it is sound");
    go(layer.layer(bare()))
}

fn detector(rules: impl IntoIterator<Item = Rule>) -> AnomalyDetector {
    let builder = AnomalyDetector::builder(NoopSink::new()).clock(ManualClock::new());
    let builder = rules
        .into_iter()
        .fold(builder, |builder, rule| builder.rule(rule));
    builder.build().expect("the rules are sound")
}

fn rule(name: &'static str, key: RuleKey) -> Rule {
    // No bench reaches it.
    let limit = if name == "distinct" { 64 } else { u32::MAX };
    Rule::new(name)
        .on(EventName::AuthzFail)
        .key(key)
        .limit(limit, Duration::from_secs(60))
}

fn queue<E: Exporter>(exporter: E) -> tower_security::audit::QueueSinkBuilder<E> {
    // As much as the other one has.
    QueueSink::builder(exporter).capacity(128_000)
}

fn alive() -> QueueSink {
    kept(queue(JsonLines::new(io::sink(), Schema::Owasp)).build())
}

/// An exporter that never comes back.
struct Dead(std::sync::mpsc::Receiver<()>);

impl Exporter for Dead {
    fn write(&mut self, _: &[OwnedEvent], _: &AuditConfig) -> io::Result<()> {
        let _ = self.0.recv();
        Ok(())
    }
}

fn dead() -> QueueSink {
    let (sender, receiver) = channel();
    // It is never dropped.
    static HELD: Mutex<Vec<std::sync::mpsc::Sender<()>>> = Mutex::new(Vec::new());
    HELD.lock().expect("no panic").push(sender);
    let sink = kept(QueueSink::builder(Dead(receiver)).capacity(1_024).build());
    (0..2_048).for_each(|_| sink.record(&event()));
    sink
}

/// Keeps the guard for as long as the program runs.
fn kept(built: Result<(QueueSink, QueueGuard), tower_security::core::ConfigErrors>) -> QueueSink {
    static GUARDS: Mutex<Vec<QueueGuard>> = Mutex::new(Vec::new());
    let (sink, guard) = built.expect("it is sound");
    GUARDS.lock().expect("no panic").push(guard);
    sink
}

/// The rival: lines of JSON, handed to a thread that throws them away.
fn subscribe() {
    static GUARD: OnceLock<WorkerGuard> = OnceLock::new();
    GUARD.get_or_init(|| {
        let (writer, guard) = NonBlockingBuilder::default().finish(io::sink());
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_writer(writer)
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("there is none");
        guard
    });
}

/// The same fields as a struct.
#[derive(serde::Serialize)]
struct Flat<'a> {
    appid: &'a str,
    code: &'a str,
    datetime: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    event: String,
    layer: &'a str,
    level: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    source_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    useragent: Option<&'a str>,
}

impl<'a> Flat<'a> {
    fn of(event: &'a OwnedEvent) -> Self {
        let principal = event.principal().unwrap_or_default();
        let ip = match event.client() {
            Some(tower_security::audit::AuditClient::Ip(ip)) => Some(ip),
            _ => None,
        };
        Self {
            appid: "tower-security",
            code: event.code(),
            // Its date is given to it ready-made.
            datetime: "2025-01-01T00:00:00.000Z",
            description: event.name().description(),
            detail: event.detail(),
            event: format!("{}:{principal},{}", event.name(), event.code()),
            layer: event.layer(),
            level: "WARN",
            outcome: event.outcome().as_str(),
            principal: event.principal(),
            request_id: event.request_id(),
            request_method: event.method(),
            request_uri: event.path().or_else(|| event.route()),
            rule: event.rule(),
            source_ip: ip,
            target: event.target(),
            tenant: event.tenant(),
            useragent: event.user_agent(),
        }
    }
}

/// The 99th of a hundred refused requests, of 200,000 in turns.
fn p99() {
    const ROUNDS: usize = 200_000;
    let refused = |sink: Arc<dyn EventSink>| refused_by(sink);
    let mut rows = [
        ("no log", refused(Arc::new(NoopSink::new())), Vec::new()),
        ("a log", refused(Arc::new(alive())), Vec::new()),
        ("a dead log", refused(Arc::new(dead())), Vec::new()),
    ];
    for _ in 0..ROUNDS {
        for (_, call, took) in &mut rows {
            let request = forged();
            let start = Instant::now();
            let answer = call(request);
            took.push(start.elapsed());
            black_box(answer);
        }
    }
    for (name, _, took) in &mut rows {
        took.sort_unstable();
        let at = |part: usize| took[took.len() * part / 1_000].as_nanos();
        println!("{name:<12} p50 {:>6} ns  p99 {:>6} ns", at(500), at(990));
    }
}
