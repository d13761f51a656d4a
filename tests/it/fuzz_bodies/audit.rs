//! Lines of a log: whatever a client has chosen, one line, one object, one record.

use tower_security::audit::{AuditConfig, OwnedEvent, Schema, write_cef};
use tower_security::core::{CleanText, EventName, SecurityEvent};

/// The first byte is the name of the event, the parts between zeros are its texts; one that is missing is not there.
pub fn audit_lines(data: &[u8]) {
    let Some((&name, rest)) = data.split_first() else {
        return;
    };
    let name = EventName::ALL[usize::from(name) % EventName::ALL.len()];
    let mut parts = rest.split(|byte| *byte == 0);
    let mut next = || parts.next().map(|part| CleanText::from_bytes(part, 1_024));
    let mut event = SecurityEvent::new(name, "fuzz", "code");
    event.principal = next();
    event.target = next();
    event.path = next();
    event.user_agent = next();
    event.detail = next();
    event.rule = next();
    event.method = next();
    event.route = next();
    event.tenant = next();
    let texts = [
        &event.principal,
        &event.target,
        &event.path,
        &event.user_agent,
    ];
    let present = texts.iter().filter(|text| text.is_some()).count();
    let event = OwnedEvent::from(&event);
    let config = AuditConfig::default();

    for (schema, keys) in [
        (
            Schema::Owasp,
            ["principal", "target", "request_uri", "useragent"],
        ),
        (
            Schema::Ecs,
            [
                "user.id",
                "labels.target",
                "url.path",
                "user_agent.original",
            ],
        ),
        (Schema::Ocsf, ["time", "metadata", "unmapped", "message"]),
    ] {
        let mut line = Vec::new();
        schema.write(&event, &config, &mut line);
        let line = String::from_utf8(line).expect("it is UTF-8");
        assert_harmless(&line);
        let object: serde_json::Value = serde_json::from_str(&line).expect("it is an object");
        let found = keys.iter().filter(|key| object.get(key).is_some()).count();
        match schema {
            Schema::Ocsf => assert_eq!(found, 4, "{line}"),
            // The path is also told by the template of the route.
            _ => assert!(found == present || found == present + 1, "{line}"),
        }
        if let Some(principal) = object.get(keys[0]).filter(|_| schema != Schema::Ocsf) {
            assert_eq!(principal.as_str(), event.principal());
        }
    }

    let mut record = Vec::new();
    write_cef(&event, &config, &mut record);
    let record = String::from_utf8(record).expect("it is UTF-8");
    assert_harmless(&record);
    assert_eq!(unescaped_equals(&record), record_fields(&event), "{record}");
}

fn assert_harmless(line: &str) {
    for character in line.chars() {
        let reorders = matches!(
            u32::from(character),
            0x061c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069
        );
        assert!(!character.is_control() && !reorders, "{character:?}");
    }
}

/// A field has one, and no value adds one.
fn unescaped_equals(record: &str) -> usize {
    let mut is_escaped = false;
    let mut count = 0;
    for byte in record.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'=' => count += 1,
            _ => {}
        }
    }
    count
}

fn record_fields(event: &OwnedEvent) -> usize {
    // Time, category, outcome, reason, and the layer with its label.
    const ALWAYS: usize = 6;
    let plain = [
        event.principal(),
        event.method(),
        event.path(),
        event.user_agent(),
        event.detail(),
    ];
    let labelled = [event.rule(), event.target(), event.tenant(), event.route()];
    let count = |texts: &[Option<&str>]| texts.iter().flatten().count();
    ALWAYS + count(&plain) + 2 * count(&labelled)
}
