//! Hostile values in every field of every format.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;
use tower_security::audit::{AuditConfig, CefLines, Exporter, JsonLines, QueueSink, Schema};
use tower_security::core::{
    CleanText, EventName, EventSink, Level, Outcome, RequestId, SecurityEvent,
};

use super::Written;

/// Values that a client may have chosen, and which of the fields of an event have one.
#[derive(Clone, Debug)]
struct Hostile {
    name: EventName,
    level: Level,
    outcome: Outcome,
    ip: Option<IpAddr>,
    texts: [Option<Vec<u8>>; 9],
}

/// xorshift64*: the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let next = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d);
        usize::try_from(next >> 33).expect("31 bits") % limit
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Text, what must not stand in a log raw, what formats are made of, and bytes that are no text.
    fn text(&mut self) -> Vec<u8> {
        const FORGED: [&[u8]; 8] = [
            b"\r\nCEF:0|forged|",
            b"\",\"level\":\"INFO",
            b" suser=admin cs1=",
            b"\\",
            b"\\|=",
            b"|",
            b" ",
            b"\x1b]52;c;cm0gLXJm\x07",
        ];
        const LISTED: [(u32, u32); 6] = [
            (0, 0x1f),
            (0x7f, 0x9f),
            (0x2028, 0x202e),
            (0x2066, 0x2069),
            (0xfeff, 0xfeff),
            (0xe0000, 0xe007f),
        ];
        let mut text = Vec::new();
        for _ in 0..self.below(12) {
            let code = match self.below(5) {
                0 => {
                    text.extend_from_slice(self.pick(&FORGED));
                    continue;
                }
                1 => {
                    text.push(self.pick(b"\x80\xbf\xc0\xe2\xed\xff"));
                    continue;
                }
                2 => {
                    let (first, last) = self.pick(&LISTED);
                    first + u32::try_from(self.below(1 + (last - first) as usize)).unwrap()
                }
                3 => u32::try_from(self.below(0x11_0000)).unwrap(),
                _ => u32::try_from(0x20 + self.below(0x5f)).unwrap(),
            };
            let character = char::from_u32(code).unwrap_or('=');
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        text
    }

    fn ip(&mut self) -> IpAddr {
        let mut half = || u128::try_from(self.below(1 << 31)).unwrap();
        let bits = half() << 96 | half() << 64 | half() << 32 | half();
        match self.below(2) {
            0 => IpAddr::from((bits as u32).to_be_bytes()),
            _ => IpAddr::from(bits.to_be_bytes()),
        }
    }

    fn event(&mut self) -> Hostile {
        const LEVELS: [Level; 4] = [Level::Info, Level::Warn, Level::Error, Level::Critical];
        const OUTCOMES: [Outcome; 4] = [
            Outcome::Success,
            Outcome::Refused,
            Outcome::WouldRefuse,
            Outcome::Fault,
        ];
        Hostile {
            name: self.pick(EventName::ALL),
            level: self.pick(&LEVELS),
            outcome: self.pick(&OUTCOMES),
            ip: (self.below(2) == 0).then(|| self.ip()),
            texts: std::array::from_fn(|_| (self.below(2) == 0).then(|| self.text())),
        }
    }
}

impl Hostile {
    fn event(&self) -> SecurityEvent<'_> {
        let mut event = SecurityEvent::new(self.name, "test", "hostile");
        event.level = self.level;
        event.outcome = self.outcome;
        event.client_ip = self.ip;
        let texts = self.texts.each_ref();
        let [
            principal,
            tenant,
            method,
            route,
            path,
            agent,
            target,
            rule,
            detail,
        ] = texts.map(|text| {
            text.as_deref()
                .map(|text| CleanText::from_bytes(text, 1_024))
        });
        event.principal = principal;
        event.tenant = tenant;
        event.method = method;
        event.route = route;
        event.path = path;
        event.user_agent = agent;
        event.target = target;
        event.rule = rule;
        event.detail = detail;
        event
    }
}

const EVENTS: usize = 10_000;

/// The same hostile events in every run.
fn events() -> Vec<Hostile> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    (0..EVENTS).map(|_| random.event()).collect()
}

/// What an exporter makes of the events, line by line.
fn lines<E: Exporter>(events: &[Hostile], exporter: impl FnOnce(Written) -> E) -> Vec<String> {
    let written = Written::default();
    let (sink, guard) = QueueSink::builder(exporter(written.clone()))
        .config(AuditConfig::builder("shop").build().unwrap())
        .capacity(EVENTS)
        .build()
        .unwrap();
    events.iter().for_each(|event| sink.record(&event.event()));
    assert!(guard.flush(Duration::from_secs(60)));
    let text = written.text();
    for character in text.chars() {
        let reorders = matches!(
            u32::from(character),
            0x061c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069 | 0xfeff | 0xe0000..=0xe007f
        );
        let is_control = character.is_control() && character != '\n';
        assert!(!is_control && !reorders, "{character:?}");
    }
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), EVENTS);
    lines
}

/// A text as an event holds it: caps are counted in bytes.
fn clean(text: &Option<Vec<u8>>, cap: usize) -> Option<String> {
    let text = CleanText::from_bytes(text.as_deref()?, 1_024).to_string();
    let mut end = text.len().min(cap);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Some(text[..end].to_owned())
}

fn json_lines(schema: Schema, events: &[Hostile]) -> Vec<BTreeMap<String, Value>> {
    let lines = lines(events, |written| JsonLines::new(written, schema));
    let parsed = lines.iter().map(|line| {
        let object: BTreeMap<String, Value> = serde_json::from_str(line).expect(line);
        // Sorted keys and nothing between them, as serde_json writes a sorted map. It escapes less.
        let unescaped = line.replace("\\u003c", "<").replace("\\u003e", ">");
        let sorted = serde_json::to_string(&sort(object.clone())).unwrap();
        assert_eq!(unescaped.replace("\\u0026", "&"), sorted);
        object
    });
    parsed.collect()
}

/// Objects in objects, sorted whatever map `serde_json` was built with.
fn sort(object: BTreeMap<String, Value>) -> Value {
    let sorted = object.into_iter().map(|(key, value)| {
        let value = match value {
            Value::Object(inner) => sort(inner.into_iter().collect()),
            other => other,
        };
        (key, value)
    });
    Value::Object(sorted.collect())
}

fn text<'a>(object: &'a BTreeMap<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).map(|value| value.as_str().expect("a text"))
}

#[test]
fn ten_thousand_hostile_events_are_lines_of_owasp_json() {
    let events = events();
    for (object, event) in json_lines(Schema::Owasp, &events).iter().zip(&events) {
        let [
            principal,
            tenant,
            method,
            route,
            path,
            agent,
            target,
            rule,
            detail,
        ] = &event.texts;
        assert_eq!(
            text(object, "principal").map(str::to_owned),
            clean(principal, 128)
        );
        assert_eq!(
            text(object, "tenant").map(str::to_owned),
            clean(tenant, 128)
        );
        assert_eq!(
            text(object, "request_method").map(str::to_owned),
            clean(method, 32)
        );
        let uri = clean(path, 1_024).or_else(|| clean(route, 256));
        assert_eq!(text(object, "request_uri").map(str::to_owned), uri);
        assert_eq!(
            text(object, "useragent").map(str::to_owned),
            clean(agent, 256)
        );
        assert_eq!(
            text(object, "target").map(str::to_owned),
            clean(target, 128)
        );
        assert_eq!(text(object, "rule").map(str::to_owned), clean(rule, 128));
        assert_eq!(
            text(object, "detail").map(str::to_owned),
            clean(detail, 1_024)
        );
        for key in ["appid", "datetime", "description", "event", "level"] {
            assert!(text(object, key).is_some(), "{key}: {object:?}");
        }
    }
}

#[test]
fn ten_thousand_hostile_events_are_lines_of_ecs() {
    /// <https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category>, and for each the expected types.
    const ALLOWED: [(&str, &[&str]); 8] = [
        (
            "api",
            &[
                "access", "admin", "allowed", "change", "creation", "deletion", "denied", "end",
                "info", "start", "user",
            ],
        ),
        ("authentication", &["start", "end", "info"]),
        (
            "configuration",
            &["access", "change", "creation", "deletion", "info"],
        ),
        (
            "file",
            &["access", "change", "creation", "deletion", "info"],
        ),
        (
            "iam",
            &[
                "admin", "change", "creation", "deletion", "group", "info", "user",
            ],
        ),
        ("intrusion_detection", &["allowed", "denied", "info"]),
        ("process", &["access", "change", "end", "info", "start"]),
        ("session", &["start", "end", "info"]),
    ];
    let events = events();
    for (object, event) in json_lines(Schema::Ecs, &events).iter().zip(&events) {
        for key in [
            "@timestamp",
            "ecs.version",
            "event.kind",
            "event.outcome",
            "log.level",
            "message",
        ] {
            assert!(text(object, key).is_some(), "{key}: {object:?}");
        }
        let outcome = text(object, "event.outcome").unwrap();
        assert!(["success", "failure", "unknown"].contains(&outcome));
        assert_eq!(text(object, "event.action"), Some(event.name.as_str()));
        let category = object["event.category"][0].as_str().unwrap();
        let allowed = ALLOWED.iter().find(|(name, _)| *name == category);
        let (_, allowed) = allowed.expect(category);
        let types = object["event.type"].as_array().unwrap();
        assert!(!types.is_empty());
        for of in types {
            assert!(
                allowed.contains(&of.as_str().unwrap()),
                "{} {category} {of}",
                event.name
            );
        }
        let ip = event.ip.map(|ip| ip.to_canonical().to_string());
        assert_eq!(text(object, "source.ip").map(str::to_owned), ip);
    }
}

#[test]
fn ten_thousand_hostile_events_are_lines_of_ocsf() {
    let events = events();
    for (object, event) in json_lines(Schema::Ocsf, &events).iter().zip(&events) {
        let number = |key: &str| object[key].as_u64().expect(key);
        let class = number("class_uid");
        // Required of every class.
        assert_eq!(number("type_uid"), class * 100 + number("activity_id"));
        assert_eq!(number("category_uid"), class / 1_000);
        assert!((1..=5).contains(&number("severity_id")));
        assert!((1..=2).contains(&number("status_id")));
        assert_eq!(number("time"), 0);
        let metadata = &object["metadata"];
        assert_eq!(metadata["version"], "1.3.0");
        assert_eq!(metadata["product"]["vendor_name"], "tower-security");
        let required: &[&str] = match class {
            2004 => &["finding_info"],
            3001 => &["user"],
            3002 => &["user", "service"],
            6002 => &["app"],
            6003 => &["actor", "api", "src_endpoint"],
            other => panic!("{other}"),
        };
        for key in required {
            assert!(object[*key].is_object(), "{key}: {object:?}");
        }
        // Objects of which at least one attribute has to be there.
        for (key, one_of) in [
            ("user", &["name", "uid"][..]),
            ("src_endpoint", &["ip", "name", "uid"]),
            ("service", &["name"]),
        ] {
            if let Some(inner) = object.get(key) {
                assert!(
                    one_of.iter().any(|of| inner[*of].is_string()),
                    "{key}: {object:?}"
                );
            }
        }
        if class == 2004 {
            assert!(object["finding_info"]["uid"].is_string());
            assert_eq!(number("status_id"), 1, "new");
        } else {
            let failed = matches!(event.outcome, Outcome::Refused | Outcome::Fault);
            assert_eq!(number("status_id"), if failed { 2 } else { 1 });
        }
    }
}

/// Splits at what is not escaped, and takes the escapes out of the parts.
fn split(text: &str, at: char, most: usize) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let last = parts.len();
        match character {
            '\\' => {
                let escaped = characters.next().expect("something is escaped");
                parts[last - 1].push(escaped);
            }
            _ if character == at && last < most => parts.push(String::new()),
            _ => parts[last - 1].push(character),
        }
    }
    parts
}

/// The extensions of a record: a value goes up to the last blank before the next `key=`.
fn extensions(text: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut ends: Vec<usize> = Vec::new();
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'=' => ends.push(at),
            _ => {}
        }
    }
    let key_start = |end: usize| text[..end].rfind(' ').map_or(0, |blank| blank + 1);
    for (number, end) in ends.iter().enumerate() {
        let key = text[key_start(*end)..*end].to_owned();
        let value_end = match ends.get(number + 1) {
            Some(next) => key_start(*next) - 1,
            None => text.len(),
        };
        let value = split(&text[end + 1..value_end], '\0', 1).remove(0);
        assert_eq!(
            fields.insert(key.clone(), value),
            None,
            "{key} twice: {text}"
        );
    }
    fields
}

#[test]
fn ten_thousand_hostile_events_are_records_of_cef() {
    let events = events();
    for (line, event) in lines(&events, CefLines::new).iter().zip(&events) {
        // The header is seven fields; a backslash in an extension belongs to the extension.
        let mut header_end = 0;
        let mut bars = 0;
        let mut is_escaped = false;
        for (at, byte) in line.bytes().enumerate() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'|' => {
                    bars += 1;
                    if bars == 7 {
                        header_end = at;
                        break;
                    }
                }
                _ => {}
            }
        }
        let header = split(&line[..header_end], '|', 7);
        assert_eq!(header[..2], ["CEF:0", "tower-security"]);
        assert_eq!(header[2], "shop");
        assert_eq!(header[4], event.name.as_str());
        assert!(header[6].parse::<u8>().is_ok_and(|severity| severity <= 10));
        let mut fields = extensions(&line[header_end + 1..]);
        let [
            principal,
            tenant,
            method,
            route,
            path,
            agent,
            target,
            rule,
            detail,
        ] = &event.texts;
        for (key, expected) in [
            ("suser", clean(principal, 128)),
            ("cs3", clean(tenant, 128)),
            ("requestMethod", clean(method, 32)),
            ("cs5", clean(route, 256)),
            ("request", clean(path, 1_024)),
            ("requestClientApplication", clean(agent, 256)),
            ("cs2", clean(target, 128)),
            ("cs1", clean(rule, 128)),
            ("msg", clean(detail, 1_024)),
        ] {
            assert_eq!(fields.remove(key), expected, "{key}: {line}");
        }
        assert_eq!(fields.remove("reason").as_deref(), Some("hostile"));
        assert_eq!(
            fields.remove("outcome").as_deref(),
            Some(event.outcome.as_str())
        );
        // Nothing was forged: what is left is ours.
        for key in fields.keys() {
            let known = ["rt", "cat", "src", "c6a2", "cs4"];
            assert!(
                known.contains(&key.as_str()) || key.ends_with("Label"),
                "{key}: {line}"
            );
        }
    }
}

#[test]
fn a_request_id_is_the_same_in_every_format() {
    let id = RequestId::parse(b"req-7.A_b").unwrap();
    let mut event = SecurityEvent::new(EventName::AuthzFail, "test", "denied");
    event.request_id = Some(&id);
    let written = |write: &dyn Fn(&SecurityEvent<'_>) -> String| write(&event);
    for (schema, part) in [
        (Schema::Owasp, r#""request_id":"req-7.A_b""#),
        (Schema::Ecs, r#""trace.id":"req-7.A_b""#),
        (Schema::Ocsf, r#""correlation_uid":"req-7.A_b""#),
    ] {
        let line = written(&|event| {
            let mut out = Vec::new();
            schema.write(&event.into(), &AuditConfig::default(), &mut out);
            String::from_utf8(out).unwrap()
        });
        assert!(line.contains(part), "{line}");
    }
}
