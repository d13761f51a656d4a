//! Allocations of the log of events: one for an event that is kept, none for one that is only counted.

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use tower_security::audit::{
    AnomalyDetector, AuditConfig, OwnedEvent, QueueSink, Rule, RuleKey, Schema,
};
use tower_security::core::{EventName, EventSink, Level, NoopSink, SecurityEvent};

fn ip(number: u32) -> IpAddr {
    IpAddr::from((0x0a00_0000 + number).to_be_bytes())
}

fn event(number: u32) -> SecurityEvent<'static> {
    SecurityEvent::new(EventName::AuthzFail, "ownership", "object_denied")
        .client_ip(ip(number))
        .principal("alice")
        .target("order-7")
        .detail("action=read")
}

#[test]
fn a_recorded_event_makes_one_and_an_unwanted_none() {
    let exporter = tower_security::audit::MemoryExporter::new();
    let builder = QueueSink::builder(exporter).at_least(Level::Warn);
    let (sink, _guard) = builder.build().expect("it is sound");
    let event = event(1);
    for _ in 0..3 {
        assert_eq!(allocations(|| sink.record(&event)), 1);
    }
    let empty = SecurityEvent::new(EventName::SysStartup, "stack", "started");
    assert_eq!(allocations(|| sink.record(&empty)), 0);
    let wanted = || sink.wants(EventName::SessionCreated, Level::Info);
    assert_eq!(counted(wanted), (false, 0));

    // Of a layer that refuses: what the event itself takes is the layer's.
    fn refusals(sink: impl EventSink) -> usize {
        let layer = CsrfLayer::builder().events(sink).build();
        let mut service = layer.expect("it is sound").layer(Bare);
        let request = csrf(&[("sec-fetch-site", "cross-site")], "POST");
        allocations(|| go(&mut service, request))
    }
    assert_eq!(refusals(sink), refusals(|_: &SecurityEvent<'_>| ()) + 1);
    let builder = QueueSink::builder(tower_security::audit::MemoryExporter::new());
    let builder = builder.at_least(Level::Critical);
    let (unwanted, _guard) = builder.build().expect("it is sound");
    assert_eq!(refusals(unwanted), refusals(NoopSink::new()));
}

#[test]
fn counting_makes_none_and_a_finding_few() {
    let rules = [
        Rule::new("known")
            .limit(5, Duration::from_secs(60))
            .key(RuleKey::Ip),
        Rule::new("account")
            .limit(50, Duration::from_secs(60))
            .key(RuleKey::Account),
        Rule::new("distinct")
            .limit(10, Duration::from_secs(60))
            .key(RuleKey::Principal)
            .distinct(RuleKey::Ip),
    ];
    let builder = AnomalyDetector::builder(NoopSink::new());
    let detector = rules
        .into_iter()
        .fold(builder, |builder, rule| {
            builder.rule(rule.on(EventName::AuthzFail))
        })
        .build()
        .expect("it is sound");
    for number in 0..20 {
        // Twenty addresses of one user: the eleventh is a finding, which nobody wants to hear of.
        assert_eq!(
            allocations(|| detector.record(&event(number))),
            0,
            "{number}"
        );
    }

    let told = AnomalyDetector::builder(|_: &SecurityEvent<'_>| ())
        .rule(
            Rule::new("once")
                .on(EventName::AuthzFail)
                .key(RuleKey::Ip)
                .limit(1, Duration::from_secs(60)),
        )
        .build()
        .expect("it is sound");
    let made = allocations(|| told.record(&event(1)));
    assert!(made <= 4, "{made}");
}

#[test]
fn a_line_of_json_makes_none_in_a_buffer_that_has_room() {
    let event = OwnedEvent::from(&event(1));
    let config = AuditConfig::default();
    let mut line = Vec::with_capacity(4_096);
    for schema in [Schema::Owasp, Schema::Ecs, Schema::Ocsf] {
        line.clear();
        let made = allocations(|| schema.write(&event, &config, &mut line));
        assert_eq!(made, 0, "{schema:?}");
    }
}
