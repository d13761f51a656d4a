//! A log of attacks, a ban that one of them begins, and counters for a dashboard.
//!
//! ```sh
//! cargo run --example audit
//! ```
//!
//! Somebody guesses a password four times from one address. The handler answers three of them; the third is a finding, which bans
//! the address, and the fourth is refused for that. The log goes to standard output through a queue and its thread, as JSON; two lines of it:
//!
//! ```text
//! {"appid":"shop","code":"password_wrong","datetime":"2025-01-01T00:00:00.000Z","description":"A credential was missing or refused.", ..
//! {"appid":"shop","code":"guesses","datetime":"2025-01-01T00:00:00.000Z","description":"The allowed number of failed logins was reached.", ..
//! ```
//!
//! In short, with what the program prints at its end:
//!
//! ```text
//! authn_login_fail:,password_wrong WARN login 192.0.2.7
//! authn_login_fail:,password_wrong WARN login 192.0.2.7
//! authn_login_fail:,password_wrong WARN login 192.0.2.7
//! authn_login_fail_max:,guesses CRITICAL anomaly 192.0.2.7
//! excess_rate_limit_exceeded:,banned WARN bans 192.0.2.7
//! security_events_total{event="authn_login_fail",outcome="refused",layer="login"} 3
//! security_events_total{event="authn_login_fail_max",outcome="refused",layer="anomaly"} 1
//! security_events_total{event="excess_rate_limit_exceeded",outcome="refused",layer="bans"} 1
//! written 5, dropped 0
//! ```

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};
use tower_security::SecurityStack;
use tower_security::audit::{
    AnomalyDetector, AuditConfig, Finding, JsonLines, QueueSink, Rule, RuleKey, Schema,
};
use tower_security::core::{
    ClientIp, EventName, EventSink, Level, ManualClock, PeerAddr, SecurityEvent, TrustedProxies,
};
use tower_security::rate_limit::{BanLayer, BanTable};

/// Events by name, outcome and layer. Users, addresses and routes would make a time series of each.
#[derive(Clone, Default)]
struct Counters(Arc<Mutex<BTreeMap<[&'static str; 3], u64>>>);

impl EventSink for Counters {
    fn record(&self, event: &SecurityEvent<'_>) {
        let labels = [event.name.as_str(), event.outcome.as_str(), event.layer];
        let counts = self.0.lock();
        let mut counts = counts.unwrap_or_else(PoisonError::into_inner);
        *counts.entry(labels).or_default() += 1;
    }
}

impl Counters {
    /// What a Prometheus server would fetch.
    fn exposition(&self) -> String {
        let counts = self.0.lock();
        let counts = counts.unwrap_or_else(PoisonError::into_inner);
        let line = |([event, outcome, layer], count): (&[&str; 3], &u64)| {
            format!(
                "security_events_total{{event=\"{event}\",outcome=\"{outcome}\",layer=\"{layer}\"}} {count}\n"
            )
        };
        counts.iter().map(line).collect()
    }
}

/// Bans the address that a rule has counted. Of a rule that counts something else there is none.
fn ban(table: &BanTable, finding: &Finding<'_>) {
    if let Some(ip) = finding.offender() {
        let key = table.client_key(ClientIp::resolved_by_caller(ip));
        // A table that has no room for another ban tells of it by itself.
        let _ = table.ban(key, Duration::from_secs(15 * 60));
    }
}

/// The handler, which tells what no layer can know: here every password is wrong.
fn login(request: Request<()>) -> Response<Full<Bytes>> {
    let (head, ()) = request.into_parts();
    let event = SecurityEvent::new(EventName::AuthnLoginFail, "login", "password_wrong");
    event
        .level(Level::Warn)
        .request(&head)
        .emit(&head.extensions);
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::UNAUTHORIZED;
    answer
}

fn guess() -> Result<Request<()>, http::Error> {
    let peer = SocketAddr::from(([192, 0, 2, 7], 50_000));
    Request::post("/login")
        .extension(PeerAddr::from(peer))
        .body(())
}

/// Writes the log to `out` and returns the summary.
pub async fn run(out: impl Write + Send + 'static) -> Result<String, Box<dyn Error>> {
    // So that each run prints the same. In earnest leave it out.
    let clock = ManualClock::new();

    let (log, guard) = QueueSink::builder(JsonLines::new(out, Schema::Owasp))
        .config(AuditConfig::builder("shop").build()?)
        .build()?;
    let counters = Counters::default();
    let sinks: Vec<Arc<dyn EventSink>> = vec![Arc::new(log.clone()), Arc::new(counters.clone())];

    let bans = BanTable::builder().clock(clock.clone()).build()?;
    let table = bans.clone();
    let guesses = Rule::new("guesses")
        .on(EventName::AuthnLoginFail)
        .key(RuleKey::Ip)
        .limit(3, Duration::from_secs(60))
        .finding(EventName::AuthnLoginFailMax);
    let detector = AnomalyDetector::builder(sinks)
        .defaults()
        .rule(guesses)
        .clock(clock.clone())
        .on_finding(move |finding| ban(&table, finding))
        .build()?;

    let stack = SecurityStack::new()
        .events(detector)
        .clock(clock)
        .client_ip(TrustedProxies::direct())
        .bans(BanLayer::builder().table(bans).build()?);
    let service = stack.layer(service_fn(async |request: Request<()>| {
        Ok::<_, Infallible>(login(request))
    }));
    for expected in [401, 401, 401, 403] {
        let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), guess()?).await?;
        assert_eq!(answer.status(), expected);
    }

    // What waits is written before the program ends.
    drop(guard);
    let stats = log.stats();
    let (written, dropped) = (stats.written, stats.dropped);
    Ok(format!(
        "{}written {written}, dropped {dropped}\n",
        counters.exposition()
    ))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let summary = run(io::stdout()).await?;
    print!("{summary}");
    Ok(())
}
