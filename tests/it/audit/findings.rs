//! A ban that a detector begins and the ban layer enforces; memory under a flood.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use tower::Layer;
use tower_security::SecurityStack;
use tower_security::audit::{AnomalyDetector, MemoryExporter, QueueSink};
use tower_security::core::{
    ClientIp, EventName, Level, ManualClock, PeerAddr, Refused, TrustedProxies,
};
use tower_security::csrf::CsrfLayer;
use tower_security::error_mask::ErrorMaskLayer;
use tower_security::rate_limit::{BanLayer, BanTable};

use crate::support::service::{Spy, go};

fn from(address: &str) -> Request<Full<Bytes>> {
    let peer: std::net::SocketAddr = format!("{address}:9").parse().unwrap();
    Request::get("/wp-login.php")
        .extension(PeerAddr::from(peer))
        .body(Full::default())
        .unwrap()
}

fn forged(address: &str) -> Request<Full<Bytes>> {
    let mut request = from(address);
    *request.method_mut() = Method::POST;
    let cross = HeaderValue::from_static("cross-site");
    request.headers_mut().insert("sec-fetch-site", cross);
    request
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
    let spy = Spy::new().status(StatusCode::NOT_FOUND);
    let service = SecurityStack::new()
        .events(detector)
        .client_ip(TrustedProxies::direct())
        .clock(clock.clone())
        .bans(BanLayer::builder().table(bans).build().unwrap())
        .error_mask(ErrorMaskLayer::new())
        .layer(spy.clone());
    let is_banned = async |address: &str| {
        let answer = go(service.clone(), from(address)).await;
        let refused = answer.extensions().get::<Refused>();
        refused.is_some_and(|refused| refused.code() == "banned")
    };
    // The rule `scan` has its limit at 30: up to then each is answered.
    for number in 1..=30 {
        assert!(!is_banned("192.0.2.7").await, "{number}");
    }
    assert!(is_banned("192.0.2.7").await);
    assert!(!is_banned("192.0.2.8").await);
    clock.advance(Duration::from_secs(60));
    assert!(!is_banned("192.0.2.7").await);
    assert_eq!(spy.calls(), 32);

    assert!(guard.flush(Duration::from_secs(60)));
    let events = log.events();
    let findings = events.iter().filter(|event| event.layer() == "anomaly");
    let findings: Vec<_> = findings.collect();
    assert_eq!(findings.len(), 1);
    let finding = findings[0];
    assert_eq!(
        (finding.name(), finding.code(), finding.level()),
        (EventName::MaliciousExcess404, "scan", Level::Critical)
    );
    assert_eq!(finding.client().unwrap().to_string(), "192.0.2.7");
    assert_eq!(finding.detail(), Some("count=30 window=60s key=ip"));
}

/// A page can make the browser of whoever looks at it forge as many as it likes.
#[tokio::test]
async fn a_finding_of_what_browsers_are_made_to_send_names_nobody_to_ban() {
    let log = MemoryExporter::new();
    let (queue, guard) = QueueSink::builder(log.clone()).build().unwrap();
    let offenders = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&offenders);
    let detector = AnomalyDetector::builder(queue)
        .defaults()
        .clock(ManualClock::new())
        .on_finding(move |finding| told.lock().unwrap().push(finding.offender()))
        .build()
        .unwrap();
    let service = SecurityStack::new()
        .events(detector)
        .client_ip(TrustedProxies::direct())
        .csrf(CsrfLayer::new())
        .layer(Spy::new());
    for _ in 0..20 {
        let answer = go(service.clone(), forged("192.0.2.7")).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(*offenders.lock().unwrap(), [None]);

    assert!(guard.flush(Duration::from_secs(60)));
    let events = log.events();
    let finding = events.iter().find(|event| event.layer() == "anomaly");
    let finding = finding.expect("it is found all the same");
    assert_eq!(
        (finding.name(), finding.code(), finding.level()),
        (EventName::MaliciousCsrf, "csrf", Level::Critical)
    );
    assert_eq!(finding.client().unwrap().to_string(), "192.0.2.7");
    assert_eq!(finding.detail(), Some("count=20 window=300s key=ip"));
    let refused = events.iter().filter(|event| event.layer() == "csrf");
    let ids: Vec<_> = refused.map(|event| event.request_id()).collect();
    // The finding names the request that made it one.
    assert_eq!(ids[19], finding.request_id());
    assert_ne!(ids[18], finding.request_id());
}

/// The mask tells of each 404, which is no event by itself.
#[tokio::test]
async fn a_scan_is_found_in_answers_that_the_mask_counts() {
    let log = MemoryExporter::new();
    let (queue, guard) = QueueSink::builder(log.clone()).build().unwrap();
    let clock = ManualClock::new();
    let detector = AnomalyDetector::builder(queue).defaults().clock(clock);
    let service = SecurityStack::new()
        .events(detector.build().unwrap())
        .client_ip(TrustedProxies::direct())
        .error_mask(ErrorMaskLayer::new())
        .layer(Spy::new().status(StatusCode::NOT_FOUND));
    for _ in 0..29 {
        go(service.clone(), from("192.0.2.7")).await;
        go(service.clone(), from("192.0.2.8")).await;
    }
    assert!(guard.flush(Duration::from_secs(60)));
    assert_eq!(log.events(), []);
    go(service.clone(), from("192.0.2.7")).await;
    assert!(guard.flush(Duration::from_secs(60)));
    let [finding] = log.events().try_into().expect("one finding");
    assert_eq!(finding.name(), EventName::MaliciousExcess404);
    assert_eq!(finding.code(), "scan");
    assert_eq!(finding.client().unwrap().to_string(), "192.0.2.7");
}

/// The resident memory of this process less its program, in KiB.
#[cfg(target_os = "linux")]
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon:"))
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
