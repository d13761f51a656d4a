//! A ban that a detector begins and the ban layer enforces; memory under a flood.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tower::Layer;
use tower_security::SecurityStack;
use tower_security::audit::{AnomalyDetector, MemoryExporter, QueueSink};
use tower_security::core::{ClientIp, EventName, Level, ManualClock, PeerAddr, TrustedProxies};
use tower_security::csrf::CsrfLayer;
use tower_security::rate_limit::{BanLayer, BanTable};

use crate::support::service::{Spy, go};

fn forged(from: &str) -> Request<Full<Bytes>> {
    let peer: std::net::SocketAddr = format!("{from}:9").parse().unwrap();
    Request::post("/transfer")
        .header("sec-fetch-site", "cross-site")
        .extension(PeerAddr::from(peer))
        .body(Full::default())
        .unwrap()
}

#[tokio::test]
async fn a_ban_that_a_finding_begins_is_enforced_and_ends() {
    let clock = ManualClock::new();
    let log = MemoryExporter::new();
    let (queue, guard) = QueueSink::builder(log.clone()).build().unwrap();
    let bans = BanTable::builder().clock(clock.clone()).build().unwrap();
    let table = bans.clone();
    let detector = AnomalyDetector::builder(queue)
        .defaults()
        .clock(clock.clone())
        .on_finding(move |finding| {
            let ip = finding.offender().expect("the rule counts by address");
            let key = table.client_key(ClientIp::resolved_by_caller(ip));
            assert!(table.ban(key, Duration::from_secs(60)));
        })
        .build()
        .unwrap();
    let spy = Spy::new();
    let service = SecurityStack::new()
        .events(detector)
        .client_ip(TrustedProxies::direct())
        .clock(clock.clone())
        .bans(BanLayer::builder().table(bans).build().unwrap())
        .csrf(CsrfLayer::new())
        .layer(spy.clone());
    let ask = async |from: &str| {
        let answer = go(service.clone(), forged(from)).await;
        answer.status()
    };
    // The rule `csrf` has its limit at 20: up to then each is refused for what it is.
    for number in 1..=20 {
        assert_eq!(ask("192.0.2.7").await, StatusCode::FORBIDDEN, "{number}");
    }
    assert_eq!(ask("192.0.2.7").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask("192.0.2.8").await, StatusCode::FORBIDDEN);
    clock.advance(Duration::from_secs(60));
    assert_eq!(ask("192.0.2.7").await, StatusCode::FORBIDDEN);
    assert_eq!(spy.calls(), 0);

    assert!(guard.flush(Duration::from_secs(60)));
    let events = log.events();
    let findings = events.iter().filter(|event| event.layer() == "anomaly");
    let findings: Vec<_> = findings.collect();
    assert_eq!(findings.len(), 1);
    let finding = findings[0];
    assert_eq!(
        (finding.name(), finding.code(), finding.level()),
        (EventName::MaliciousCsrf, "csrf", Level::Critical)
    );
    assert_eq!(finding.client().unwrap().to_string(), "192.0.2.7");
    assert_eq!(finding.detail(), Some("count=20 window=300s key=ip"));
    let ids: Vec<_> = events.iter().map(|event| event.request_id()).collect();
    // The finding names the request that made it one.
    assert_eq!(ids[19], finding.request_id());
    assert_ne!(ids[18], finding.request_id());
}

/// The resident memory of this process, in KiB.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A process of its own, since the tests beside it take memory too.
#[cfg(target_os = "linux")]
#[test]
fn a_million_addresses_and_accounts_take_at_most_16_mebibytes() {
    const CHILD: &str = "AUDIT_MEMORY";
    if std::env::var_os(CHILD).is_none() {
        let name = "audit::findings::a_million_addresses_and_accounts_take_at_most_16_mebibytes";
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture"])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("1 passed"), "{said}");
        return;
    }
    use tower_security::core::{EventSink, NoopSink, SecurityEvent};
    let before = resident();
    let detector = AnomalyDetector::builder(NoopSink::new())
        .defaults()
        .build()
        .unwrap();
    let mut at_half = 0;
    for number in 0..1_000_000_u32 {
        let account = format!("user-{number}");
        let ip = IpAddr::V4(Ipv4Addr::from_bits(number));
        let event = SecurityEvent::new(EventName::AuthnLoginFail, "login", "login_failed");
        detector.record(&event.client_ip(ip).target(&account));
        if number == 500_000 {
            at_half = resident();
        }
    }
    let after = resident();
    assert!(after - before <= 16 * 1_024, "{} KiB", after - before);
    assert!(
        after.saturating_sub(at_half) <= 512,
        "{at_half} {after} KiB"
    );
}
