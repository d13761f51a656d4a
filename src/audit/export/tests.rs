//! Lines as they are written.

use std::io::{self, Write};

use super::lines::Lines;
use super::*;
use crate::audit::tests::full;
use crate::audit::{AuditConfig, IpPrivacy};
use crate::core::{EventName, Level, Outcome, RequestId, SecurityEvent};

fn config() -> AuditConfig {
    let config = AuditConfig::builder("shop").hostname("node-1");
    config.build().unwrap()
}

fn line(schema: Schema, event: &OwnedEvent) -> String {
    let mut out = Vec::new();
    schema.write(event, &config(), &mut out);
    String::from_utf8(out).unwrap()
}

fn full_line(schema: Schema) -> String {
    let id = RequestId::parse(b"req-1").unwrap();
    line(schema, &OwnedEvent::from(&full(&id)))
}

fn bare() -> OwnedEvent {
    OwnedEvent::from(&SecurityEvent::new(
        EventName::SysStartup,
        "stack",
        "started",
    ))
}

#[test]
fn owasp_json_has_the_fields_of_the_vocabulary() {
    let expected = concat!(
        r#"{"appid":"shop","code":"object_denied","datetime":"2025-01-01T00:00:00.000Z","#,
        r#""description":"Access was denied.","detail":"action=read","#,
        r#""event":"authz_fail:alice,object_denied","hostname":"node-1","layer":"ownership","#,
        r#""level":"CRITICAL","outcome":"would_refuse","principal":"alice","request_id":"req-1","#,
        r#""request_method":"GET","request_uri":"/orders/7","rule":"owner","source_ip":"192.0.2.7","#,
        r#""target":"order-7","tenant":"acme","useragent":"curl/8"}"#,
    );
    assert_eq!(full_line(Schema::Owasp), expected);
    let expected = concat!(
        r#"{"appid":"shop","code":"started","datetime":"1970-01-01T00:00:00.000Z","#,
        r#""description":"The system started.","event":"sys_startup:,started","#,
        r#""hostname":"node-1","layer":"stack","level":"WARN","outcome":"refused"}"#,
    );
    assert_eq!(line(Schema::Owasp, &bare()), expected);
}

#[test]
fn ecs_has_the_fields_of_elastic() {
    let expected = concat!(
        r#"{"@timestamp":"2025-01-01T00:00:00.000Z","ecs.version":"8.17.0","event.action":"authz_fail","#,
        r#""event.category":["api"],"event.kind":"event","event.outcome":"success","#,
        r#""event.provider":"ownership","event.reason":"object_denied","event.type":["access","allowed"],"#,
        r#""host.hostname":"node-1","http.request.id":"req-1","http.request.method":"GET","#,
        r#""labels.detail":"action=read","labels.outcome":"would_refuse","labels.route":"/orders/{id}","#,
        r#""labels.target":"order-7","log.level":"critical","message":"Access was denied.","#,
        r#""organization.id":"acme","rule.name":"owner","service.name":"shop","#,
        r#""source.address":"192.0.2.7","source.ip":"192.0.2.7","trace.id":"req-1","#,
        r#""url.path":"/orders/7","user.id":"alice","user_agent.original":"curl/8"}"#,
    );
    assert_eq!(full_line(Schema::Ecs), expected);
}

#[test]
fn ocsf_has_the_attributes_of_the_class() {
    let expected = concat!(
        r#"{"activity_id":2,"actor":{"user":{"uid":"alice"}},"#,
        r#""api":{"operation":"/orders/{id}","service":{"name":"shop"}},"category_uid":6,"#,
        r#""class_uid":6003,"http_request":{"http_method":"GET","uid":"req-1","#,
        r#""url":{"path":"/orders/7"},"user_agent":"curl/8"},"message":"Access was denied.","#,
        r#""metadata":{"correlation_uid":"req-1","event_code":"authz_fail","#,
        r#""product":{"name":"tower-security","vendor_name":"tower-security","version":"VERSION"},"#,
        r#""version":"1.3.0"},"resources":[{"uid":"order-7"}],"severity_id":5,"#,
        r#""src_endpoint":{"ip":"192.0.2.7"},"status_code":"object_denied","#,
        r#""status_detail":"action=read","status_id":1,"time":1735689600000,"type_uid":600302,"#,
        r#""unmapped":{"app_id":"shop","hostname":"node-1","layer":"ownership","#,
        r#""outcome":"would_refuse","route":"/orders/{id}","rule":"owner","target":"order-7","#,
        r#""tenant":"acme"}}"#,
    );
    let expected = expected.replace("VERSION", env!("CARGO_PKG_VERSION"));
    assert_eq!(full_line(Schema::Ocsf), expected);
}

#[test]
fn a_failed_login_names_whom_it_was_for() {
    let event = SecurityEvent::new(EventName::AuthnLoginFail, "login_throttle", "login_failed")
        .target("9f86d081884c7d65");
    let line = line(Schema::Ocsf, &OwnedEvent::from(&event));
    for part in [
        r#""activity_id":1,"#,
        r#""class_uid":3002,"#,
        r#""service":{"name":"shop"},"#,
        r#""src_endpoint":{"name":"Unknown"},"#,
        r#""status_id":2,"#,
        r#""type_uid":300201,"#,
        r#""user":{"uid":"9f86d081884c7d65"}"#,
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}

#[test]
fn a_finding_is_an_alert_and_a_detection() {
    let finding = SecurityEvent::new(EventName::AuthnLoginFailMax, "anomaly", "login_per_ip")
        .level(Level::Critical);
    let finding = OwnedEvent::from(&finding);
    let of_a_layer = SecurityEvent::new(EventName::AuthnLoginFailMax, "mfa", "login_throttled");
    let of_a_layer = OwnedEvent::from(&of_a_layer);
    assert!(line(Schema::Ecs, &finding).contains(r#""event.kind":"alert""#));
    assert!(line(Schema::Ecs, &of_a_layer).contains(r#""event.kind":"event""#));
    assert!(line(Schema::Ocsf, &of_a_layer).contains(r#""class_uid":3002"#));
    let detection = line(Schema::Ocsf, &finding);
    for part in [
        r#""class_uid":2004"#,
        r#""finding_info":{"title":"The allowed number of failed logins was reached.","uid":"login_per_ip:0:-"}"#,
        r#""evidences":[{"actor":{"user":{"name":"Unknown"}},"src_endpoint":{"name":"Unknown"}}]"#,
        r#""status_id":1"#,
    ] {
        assert!(detection.contains(part), "{part} is not in {detection}");
    }
}

#[test]
fn cef_has_a_header_of_seven_and_extensions() {
    let id = RequestId::parse(b"req-1").unwrap();
    let mut event = full(&id);
    event.detail = Some(crate::core::CleanText::new("a=b\\c|d", 64));
    let mut out = Vec::new();
    write_cef(&OwnedEvent::from(&event), &config(), &mut out);
    let expected = concat!(
        r"CEF:0|tower-security|shop|VERSION|authz_fail|Access was denied.|10|rt=1735689600000 ",
        r"cat=authz outcome=would_refuse reason=object_denied dvchost=node-1 externalId=req-1 ",
        r"src=192.0.2.7 suser=alice requestMethod=GET request=/orders/7 ",
        r"requestClientApplication=curl/8 msg=a\=b\\\\c|d cs1Label=rule cs1=owner ",
        r"cs2Label=target cs2=order-7 cs3Label=tenant cs3=acme cs4Label=layer cs4=ownership ",
        r"cs5Label=route cs5=/orders/{id}",
    );
    let expected = expected.replace("VERSION", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(out).unwrap(), expected);

    let config = AuditConfig::builder("a|b=c").build().unwrap();
    let mut out = Vec::new();
    write_cef(&bare(), &config, &mut out);
    let line = String::from_utf8(out).unwrap();
    assert!(line.starts_with(r"CEF:0|tower-security|a\|b=c|"), "{line}");
}

#[test]
fn an_ipv6_address_has_a_key_of_its_own() {
    let event = SecurityEvent::new(EventName::AuthzFail, "a", "b");
    let event = event.client_ip("2001:db8:1:2::3".parse().unwrap());
    let mut kept = OwnedEvent::from(&event);
    let config = AuditConfig::builder("shop").client_ip(IpPrivacy::Truncated);
    config.build().unwrap().redact(&mut kept);
    let mut out = Vec::new();
    write_cef(&kept, &self::config(), &mut out);
    let line = String::from_utf8(out).unwrap();
    let part = " c6a2Label=Source IPv6 Address c6a2=2001:db8:1:: ";
    assert!(line.contains(part) && !line.contains(" src="), "{line}");
}

#[cfg(feature = "vault")]
#[test]
fn a_pseudonym_is_no_address() {
    let ring = crate::vault::KeyRing::builder();
    let ring = ring.active(7, crate::vault::KeyRing::generate_key().unwrap());
    let pseudonyms = ring.build().unwrap().pseudonym("addresses").unwrap();
    let event = SecurityEvent::new(EventName::AuthzFail, "a", "b");
    let event = event.client_ip("2001:db8:1:2::3".parse().unwrap());
    let mut kept = OwnedEvent::from(&event);
    let config = AuditConfig::builder("shop").client_ip(IpPrivacy::Pseudonym(pseudonyms.clone()));
    config.build().unwrap().redact(&mut kept);
    let pseudonym = pseudonyms.of(b"2001:db8:1:2::3").to_string();
    let mut out = Vec::new();
    write_cef(&kept, &self::config(), &mut out);
    let line = String::from_utf8(out).unwrap();
    assert!(line.ends_with(&format!("cs6Label=source pseudonym cs6={pseudonym}")));
    let ecs = self::line(Schema::Ecs, &kept);
    assert!(
        ecs.contains(&format!(r#""source.address":"{pseudonym}""#)) && !ecs.contains("source.ip")
    );
    assert!(
        self::line(Schema::Ocsf, &kept)
            .contains(&format!(r#""src_endpoint":{{"uid":"{pseudonym}"}}"#))
    );
}

#[test]
fn ascii_is_asked_for() {
    let event = SecurityEvent::new(EventName::AuthzFail, "a", "b").target("\u{e9}<\u{1f600}\"");
    let written = |ascii: bool| {
        let lines = Shared::default();
        let mut exporter = JsonLines::new(lines.clone(), Schema::Owasp);
        if ascii {
            exporter = exporter.ascii();
        }
        exporter
            .write(&[OwnedEvent::from(&event)], &config())
            .unwrap();
        lines.text()
    };
    assert!(written(true).contains(r#""target":"\u00e9\u003c\ud83d\ude00\"""#));
    assert!(written(false).contains("\"target\":\"\u{e9}\\u003c\u{1f600}\\\"\""));
    assert!(written(false).ends_with("}\n"));
}

#[test]
fn every_name_has_a_description_and_a_class() {
    for name in EventName::ALL {
        let description = name.description();
        assert!(
            description.ends_with('.') && description.trim() == description,
            "{name}"
        );
        for outcome in [
            Outcome::Success,
            Outcome::Refused,
            Outcome::WouldRefuse,
            Outcome::Fault,
        ] {
            let event = SecurityEvent::new(*name, "a", "b").outcome(outcome);
            let event = OwnedEvent::from(&event);
            let ocsf = line(Schema::Ocsf, &event);
            // An activity without a number of its own has a name.
            let is_other = ocsf.contains(r#""activity_id":99,"#);
            let is_named = ocsf.contains(&format!(r#""activity_name":"{name}""#));
            assert_eq!(is_other, is_named, "{ocsf}");
        }
    }
}

#[derive(Clone, Default)]
struct Shared(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes a few bytes at a time and fails in between.
struct Stuttering {
    taken: Shared,
    turn: usize,
}

impl Write for Stuttering {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.turn += 1;
        match self.turn % 4 {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            1 => Err(io::ErrorKind::Interrupted.into()),
            2 if self.turn > 20 => Ok(0),
            _ => self.taken.write(&bytes[..bytes.len().min(5)]),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_in_the_middle_gets_no_byte_twice() {
    let taken = Shared::default();
    let mut lines = Lines::new(Stuttering {
        taken: taken.clone(),
        turn: 0,
    });
    let batches = [
        "the first batch of lines\n",
        "the second\n",
        "and a third one, longer than others\n",
    ];
    let mut failures = 0;
    for batch in batches {
        while lines
            .write(|out| out.extend_from_slice(batch.as_bytes()))
            .is_err()
        {
            failures += 1;
        }
    }
    assert_eq!(taken.text(), batches.concat());
    assert!(failures > 3, "{failures}");
}
