//! Rules at their limits, under floods, and with clocks that jump.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;

use super::*;
use crate::core::{
    EventName, EventSink, Level, ManualClock, NoopSink, Outcome, SecurityEvent, nanos, sink_panics,
};

mod config;
mod table_when_full;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A finding as the sink behind the detector sees it: rule, name, count.
type Found = (&'static str, EventName, String);

#[derive(Clone, Default)]
struct Scene {
    clock: ManualClock,
    told: Arc<Mutex<Vec<Found>>>,
    passed: Arc<Mutex<usize>>,
    offenders: Arc<Mutex<Vec<Option<IpAddr>>>>,
}

impl Scene {
    fn detector(
        &self,
        rules: impl FnOnce(AnomalyDetectorBuilder) -> AnomalyDetectorBuilder,
    ) -> AnomalyDetector {
        let (told, passed) = (Arc::clone(&self.told), Arc::clone(&self.passed));
        let sink = move |event: &SecurityEvent<'_>| {
            if event.layer == LAYER {
                assert_eq!(event.level, Level::Critical);
                assert_eq!(event.rule.as_deref(), Some(event.code));
                let detail = event.detail.as_deref().unwrap();
                let count = detail.split(' ').next().unwrap().to_owned();
                told.lock().unwrap().push((event.code, event.name, count));
            } else {
                *passed.lock().unwrap() += 1;
            }
        };
        let offenders = Arc::clone(&self.offenders);
        rules(AnomalyDetector::builder(sink))
            .clock(self.clock.clone())
            .on_finding(move |finding| offenders.lock().unwrap().push(finding.offender()))
            .build()
            .unwrap()
    }

    fn defaults(&self) -> AnomalyDetector {
        self.detector(AnomalyDetectorBuilder::defaults)
    }

    /// The rules that have found something since they were asked last.
    fn found(&self) -> Vec<&'static str> {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        told.into_iter().map(|(rule, ..)| rule).collect()
    }
}

fn v4(last: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + last))
}

fn login<'a>(account: &'a str, ip: IpAddr) -> SecurityEvent<'a> {
    SecurityEvent::new(EventName::AuthnLoginFail, "login", "login_failed")
        .target(account)
        .client_ip(ip)
}

fn object<'a>(code: &'static str, who: &'a str, target: &'a str, ip: IpAddr) -> SecurityEvent<'a> {
    SecurityEvent::new(EventName::AuthzFail, "ownership", code)
        .principal(who)
        .target(target)
        .client_ip(ip)
}

/// Every default rule: so many events are silent, one more is a finding, another one is silent.
#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn each_default_rule_fires_at_its_limit_and_not_below() {
    type Send = fn(&AnomalyDetector, u32);
    let rows: [(&str, EventName, u32, Option<IpAddr>, Send); 11] = [
        (
            "login_per_account",
            EventName::AuthnLoginFailMax,
            5,
            None,
            |to, n| {
                to.record(&login(["alice", " ALICE "][n as usize % 2], v4(n)));
            },
        ),
        (
            "login_per_ip",
            EventName::AuthnLoginFailMax,
            20,
            Some(v4(1)),
            |to, _| {
                to.record(
                    &SecurityEvent::new(EventName::AuthnLoginFail, "auth", "key_unknown")
                        .client_ip(v4(1)),
                );
            },
        ),
        (
            "spray",
            EventName::MaliciousAttackTool,
            10,
            Some(v4(1)),
            |to, n| {
                to.record(&login(&format!("user-{n}"), v4(1)));
            },
        ),
        (
            "bad_tokens",
            EventName::AuthnLoginFailMax,
            50,
            Some(v4(1)),
            |to, _| {
                to.record(
                    &SecurityEvent::new(EventName::AuthnLoginFail, "auth", "token_invalid")
                        .client_ip(v4(1)),
                );
            },
        ),
        (
            "enumeration",
            EventName::MaliciousDirectReference,
            10,
            None,
            |to, n| {
                let code = ["object_denied", "object_absent"][n as usize % 2];
                to.record(&object(code, "mallory", &n.to_string(), v4(n)));
            },
        ),
        (
            "enumeration_ip",
            EventName::MaliciousDirectReference,
            30,
            Some(v4(1)),
            |to, n| {
                to.record(&object(
                    "object_absent",
                    &n.to_string(),
                    &n.to_string(),
                    v4(1),
                ));
            },
        ),
        (
            "victim",
            EventName::MaliciousDirectReference,
            50,
            None,
            |to, n| {
                to.record(&object("object_denied", &n.to_string(), "7", v4(n)));
            },
        ),
        (
            "scan",
            EventName::MaliciousExcess404,
            30,
            Some(v4(1)),
            |to, _| {
                to.status(Some(v4(1)), StatusCode::NOT_FOUND);
            },
        ),
        (
            "token_reuse",
            EventName::AuthnTokenReuse,
            1,
            None,
            |to, _| {
                let name = EventName::AuthnTokenReuse;
                to.record(
                    &SecurityEvent::new(name, "refresh", "family_revoked").principal("alice"),
                );
            },
        ),
        ("cors", EventName::MaliciousCors, 20, None, |to, _| {
            let name = EventName::MaliciousCors;
            to.record(&SecurityEvent::new(name, "cors", "origin_refused").client_ip(v4(1)));
        }),
        ("csrf", EventName::MaliciousCsrf, 20, None, |to, _| {
            let name = EventName::MaliciousCsrf;
            to.record(&SecurityEvent::new(name, "csrf", "csrf_refused").client_ip(v4(1)));
        }),
    ];
    for (rule, name, limit, offender, send) in rows {
        let scene = Scene::default();
        let detector = scene.defaults();
        let findings = || {
            let told = scene.told.lock().unwrap().clone();
            told.into_iter()
                .filter(|(of, ..)| *of == rule)
                .collect::<Vec<_>>()
        };
        for number in 1..limit {
            send(&detector, number);
            assert_eq!(findings(), [], "{rule} after {number}");
        }
        scene.offenders.lock().unwrap().clear();
        send(&detector, limit);
        assert_eq!(findings(), [(rule, name, format!("count={limit}"))]);
        assert!(
            scene.offenders.lock().unwrap().contains(&offender),
            "{rule}"
        );
        send(&detector, limit + 1);
        assert_eq!(findings().len(), 1, "{rule} in its cooldown");
    }
}

#[test]
fn what_no_rule_means_is_not_counted() {
    let scene = Scene::default();
    let detector = scene.defaults();
    for number in 0..200 {
        let target = number.to_string();
        // A missing token is no guess.
        detector.record(&login("alice", v4(1)).level(Level::Info));
        // A layer that only reports refuses nobody.
        detector.record(&login("alice", v4(1)).outcome(Outcome::WouldRefuse));
        // Neither a role that is missing nor an answer that is there.
        detector.record(&object("forbidden", "mallory", &target, v4(1)));
        detector.status(Some(v4(1)), StatusCode::OK);
        detector.status(None, StatusCode::NOT_FOUND);
        // Nobody to count.
        detector.record(&SecurityEvent::new(
            EventName::MaliciousCsrf,
            "csrf",
            "csrf_refused",
        ));
    }
    assert_eq!(scene.found(), [""; 0]);
    assert_eq!(*scene.passed.lock().unwrap(), 800);
}

#[test]
fn two_hundred_addresses_on_one_object_are_one_finding() {
    let scene = Scene::default();
    let detector = scene.defaults();
    for number in 0..200 {
        let who = format!("user-{number}");
        detector.record(&object("object_denied", &who, "7", v4(number)));
    }
    assert_eq!(scene.found(), ["victim"]);
    // Nobody is banned for it: the last of them is not the one.
    assert_eq!(*scene.offenders.lock().unwrap(), [None]);
}

fn counting(limit: u32, window: Duration, cooldown: Duration) -> Rule {
    Rule::new("counting")
        .on(EventName::MaliciousCsrf)
        .key(RuleKey::Ip)
        .limit(limit, window)
        .cooldown(cooldown)
}

fn csrf(ip: IpAddr) -> SecurityEvent<'static> {
    SecurityEvent::new(EventName::MaliciousCsrf, "csrf", "csrf_refused").client_ip(ip)
}

#[test]
fn a_finding_comes_again_after_the_cooldown_while_it_goes_on() {
    let scene = Scene::default();
    let detector = scene.detector(|to| to.rule(counting(3, 10 * MINUTE, MINUTE)));
    for _ in 0..3 {
        detector.record(&csrf(v4(1)));
    }
    assert_eq!(scene.found().len(), 1);
    scene.clock.advance(MINUTE - Duration::from_nanos(1));
    detector.record(&csrf(v4(1)));
    assert_eq!(scene.found().len(), 0);
    scene.clock.advance(Duration::from_nanos(1));
    detector.record(&csrf(v4(1)));
    assert_eq!(scene.found().len(), 1);
    let without = scene.detector(|to| to.rule(counting(1, MINUTE, Duration::ZERO)));
    (0..3).for_each(|_| without.record(&csrf(v4(1))));
    assert_eq!(scene.found().len(), 3);
}

#[test]
fn a_window_slides() {
    let scene = Scene::default();
    let detector = scene.detector(|to| to.rule(counting(4, 100 * SECOND, Duration::ZERO)));
    let hit = |advance: u32| {
        scene.clock.advance(advance * SECOND);
        detector.record(&csrf(v4(1)));
        scene.found().len()
    };
    assert_eq!([hit(0), hit(1), hit(1)], [0, 0, 0]);
    // At 150 s half of the three count: one, and this one.
    assert_eq!(hit(148), 0);
    // Three now, with 1 of the older ones; the fourth is one too many.
    assert_eq!([hit(0), hit(0)], [0, 1]);
    // Two whole windows later nothing of it counts.
    assert_eq!([hit(200), hit(0), hit(0), hit(0)], [0, 0, 0, 1]);
}

#[test]
fn a_clock_that_goes_back_neither_clears_nor_fills() {
    let scene = Scene::default();
    let detector = scene.detector(|to| to.rule(counting(4, MINUTE, MINUTE)));
    let hit = |at: Duration| {
        scene.clock.set_monotonic(at);
        detector.record(&csrf(v4(1)));
        scene.found().len()
    };
    let start = 100 * MINUTE;
    assert_eq!(
        [hit(start), hit(start - SECOND), hit(start - 2 * SECOND)],
        [0, 0, 0]
    );
    assert_eq!(hit(start - 3 * SECOND), 1);
    // Far back: the silence of a time that is not reached soon does not hold.
    let far = 10 * MINUTE;
    assert_eq!([hit(far), hit(far), hit(far)], [1, 0, 0]);
    // The wall clock has no part in it.
    scene.clock.set_now(std::time::SystemTime::UNIX_EPOCH);
    assert_eq!(hit(far + MINUTE), 1);
}

#[test]
fn a_value_counts_once_and_for_one_window() {
    let scene = Scene::default();
    let rule = Rule::new("spray")
        .on(EventName::AuthnLoginFail)
        .key(RuleKey::Ip)
        .distinct(RuleKey::Account)
        .limit(3, MINUTE)
        .cooldown(Duration::ZERO);
    let detector = scene.detector(|to| to.rule(rule));
    let hit = |account: &str, advance: Duration| {
        scene.clock.advance(advance);
        detector.record(&login(account, v4(1)));
        scene.found().len()
    };
    for _ in 0..10 {
        assert_eq!(
            [hit("a", SECOND), hit("A", SECOND), hit("b", SECOND)],
            [0, 0, 0]
        );
    }
    assert_eq!(hit("c", SECOND), 1);
    // `a` and `b` go on, `c` is over: the next one is the third again.
    let half = MINUTE / 2;
    assert_eq!([hit("a", half), hit("b", Duration::ZERO)], [1, 1]);
    assert_eq!([hit("a", half), hit("b", Duration::ZERO)], [0, 0]);
    assert_eq!(hit("d", SECOND), 1);
    // Other values than there is room for are as many as there is room for.
    for number in 0..100 {
        assert_eq!(hit(&format!("user-{number}"), Duration::ZERO), 1);
    }
    assert_eq!([hit("a", 2 * MINUTE), hit("b", SECOND)], [0, 0]);
}

#[test]
fn a_subscriber_of_ipv6_is_one_client() {
    let scene = Scene::default();
    let detector = scene.detector(|to| to.rule(counting(3, MINUTE, MINUTE)));
    let ip = |net: u64, host: u64| {
        IpAddr::V6(Ipv6Addr::from_bits(
            u128::from(net) << 64 | u128::from(host),
        ))
    };
    for net in 0..3 {
        detector.record(&csrf(ip(net, 1)));
    }
    assert_eq!(scene.found(), [""; 0]);
    detector.record(&csrf(ip(1, 2)));
    detector.record(&csrf(ip(1, 3)));
    assert_eq!(scene.found().len(), 1);
    let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
    [mapped, v4(1), mapped]
        .iter()
        .for_each(|ip| detector.record(&csrf(*ip)));
    assert_eq!(scene.found().len(), 1);
}

#[test]
fn a_normal_day_has_no_finding() {
    let scene = Scene::default();
    let detector = scene.defaults();
    // Ten thousand users: a wrong password, a right one, a link that is dead, an object that was deleted; three
    // behind an address.
    for user in 0..10_000_u32 {
        scene.clock.advance(Duration::from_millis(8_640));
        let (name, ip) = (format!("user-{user}"), v4(user / 3 * 37));
        detector.record(&login(&name, ip));
        detector.status(Some(ip), StatusCode::NOT_FOUND);
        detector.record(&object("object_absent", &name, &user.to_string(), ip));
    }
    assert_eq!(scene.found(), [""; 0]);
}

#[test]
fn a_panic_in_the_hook_keeps_nothing_from_the_log() {
    let passed = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&passed);
    let sink = move |event: &SecurityEvent<'_>| log.lock().unwrap().push(event.layer);
    let detector = AnomalyDetector::builder(sink)
        .rule(counting(1, MINUTE, MINUTE))
        .on_finding(|_| panic!("a bug in the hook"))
        .build()
        .unwrap();
    let before = sink_panics();
    detector.record(&csrf(v4(1)));
    assert_eq!(*passed.lock().unwrap(), ["csrf", LAYER]);
    assert!(sink_panics() > before);
}

#[test]
fn a_detector_wants_what_its_rules_or_the_next_sink_want() {
    let rule = counting(1, MINUTE, MINUTE).at_least(Level::Warn);
    let detector = AnomalyDetector::builder(NoopSink::new()).rule(rule);
    let detector = detector.build().unwrap();
    assert!(detector.wants(EventName::MaliciousCsrf, Level::Warn));
    assert!(!detector.wants(EventName::MaliciousCsrf, Level::Info));
    assert!(!detector.wants(EventName::MaliciousCors, Level::Critical));
    let all = AnomalyDetector::builder(|_: &SecurityEvent<'_>| ())
        .rule(counting(1, MINUTE, MINUTE))
        .build()
        .unwrap();
    assert!(all.wants(EventName::MaliciousCors, Level::Info));
}
