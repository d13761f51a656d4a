use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use sfv::{BareItem, List, ListEntry, Parser};

use super::fields::{Emit, HeaderStyle, IetfDraft, PolicyFields, Shown, jittered, retry_after};
use super::store::{Receipt, Standing};
use super::{Policy, Quota, key};
use crate::core::Mode;

const IETF: HeaderStyle = HeaderStyle::Ietf(IetfDraft::Draft10);
const BOTH: HeaderStyle = HeaderStyle::Both(IetfDraft::Draft10);
const SECOND: u64 = 1_000_000_000;

fn ip() -> Policy {
    Policy::new("ip", Quota::per_minute(100)).key(key::client_ip())
}

fn day() -> Policy {
    Policy::new("day", Quota::per_day(1_000)).key(key::principal())
}

fn shown(policy: usize, remaining: u64, reset: u64) -> Shown {
    Shown {
        policy,
        plan: 0,
        remaining,
        reset,
    }
}

/// Names and values in the order in which they are written.
fn lines(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    lines.sort_by_key(|(name, _)| *name);
    lines
}

fn told(fields: &PolicyFields, shown: &Shown, status: u16) -> HeaderMap {
    let mut headers = HeaderMap::new();
    fields.tell(shown, StatusCode::from_u16(status).unwrap(), &mut headers);
    headers
}

fn refused(fields: &PolicyFields, shown: &Shown) -> HeaderMap {
    let mut headers = HeaderMap::new();
    fields.refuse(shown, &mut headers);
    headers
}

#[test]
fn each_style_has_its_fields() {
    let (ip, day) = (ip(), day());
    let policies = [&ip, &day];
    let common = (
        "ratelimit-policy",
        r#""ip";q=100;w=60, "day";q=1000;w=86400"#,
    );
    #[rustfmt::skip]
    let rows: &[(HeaderStyle, Shown, &[(&str, &str)])] = &[
        (IETF, shown(0, 42, SECOND), &[("ratelimit", r#""ip";r=42;t=1"#), common]),
        (IETF, shown(1, 0, 86_400 * SECOND), &[("ratelimit", r#""day";r=0;t=86400"#), common]),
        // A full bucket does not grow.
        (IETF, shown(0, 100, 0), &[("ratelimit", r#""ip";r=100"#), common]),
        (IETF, shown(0, 100, 1), &[("ratelimit", r#""ip";r=100"#), common]),
        (IETF, shown(0, 99, 1), &[("ratelimit", r#""ip";r=99;t=1"#), common]),
        (HeaderStyle::LegacyX, shown(0, 42, SECOND + 1), &[
            ("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "42"), ("x-ratelimit-reset", "2"),
        ]),
        (BOTH, shown(1, 0, 1), &[
            ("ratelimit", r#""day";r=0;t=1"#), common,
            ("x-ratelimit-limit", "1000"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1"),
        ]),
        (HeaderStyle::None, shown(0, 42, SECOND), &[]),
        // A policy that does not exist is no reason to fail.
        (BOTH, shown(2, 42, SECOND), &[]),
    ];
    for (style, shown, expected) in rows {
        let fields = PolicyFields::new(*style, Emit::Always, &policies);
        assert_eq!(lines(&told(&fields, shown, 200)), *expected, "{style:?}");
        assert_eq!(lines(&refused(&fields, shown)), *expected, "{style:?}");
    }
}

#[test]
fn the_default_is_the_draft_on_refusals() {
    assert_eq!(HeaderStyle::default(), IETF);
    assert_eq!(Emit::default(), Emit::OnRefusal);
}

#[test]
fn what_parses_is_a_list_of_strings() {
    let (ip, day) = (ip(), day());
    let fields = PolicyFields::new(IETF, Emit::Always, &[&ip, &day]);
    let headers = told(&fields, &shown(0, 42, 1), 200);
    let parse = |name: &str| -> List { Parser::new(headers[name].as_bytes()).parse().unwrap() };
    let item = |entry: &ListEntry| {
        let ListEntry::Item(item) = entry else {
            panic!("an inner list");
        };
        let BareItem::String(name) = &item.bare_item else {
            panic!("no string");
        };
        let parameters: Vec<_> = item
            .params
            .iter()
            .map(|(key, value)| match value {
                BareItem::Integer(number) => (key.as_str().to_owned(), i64::from(*number)),
                other => panic!("{other:?}"),
            })
            .collect();
        (name.as_str().to_owned(), parameters)
    };
    let pair = |key: &str, value| (key.to_owned(), value);

    let policy: Vec<_> = parse("ratelimit-policy").iter().map(item).collect();
    assert_eq!(
        policy,
        [
            ("ip".to_owned(), vec![pair("q", 100), pair("w", 60)]),
            ("day".to_owned(), vec![pair("q", 1_000), pair("w", 86_400)]),
        ]
    );
    let limit: Vec<_> = parse("ratelimit").iter().map(item).collect();
    assert_eq!(
        limit,
        [("ip".to_owned(), vec![pair("r", 42), pair("t", 1)])]
    );
}

#[test]
fn the_largest_integers_stay_integers() {
    let quota = Quota::new(1, std::time::Duration::from_nanos(1 << 30)).burst(u32::MAX);
    let policy = Policy::new("n".repeat(64), quota).key(key::global());
    let fields = PolicyFields::new(BOTH, Emit::Always, &[&policy]);
    let headers = refused(&fields, &shown(0, u64::MAX, u64::MAX));
    let list: List = Parser::new(headers["ratelimit"].as_bytes())
        .parse()
        .unwrap();
    assert_eq!(list.len(), 1);
    assert!(
        headers["ratelimit"]
            .to_str()
            .unwrap()
            .ends_with(r#"";r=999999999999999"#)
    );
    assert_eq!(headers["x-ratelimit-reset"], "18446744074");
    assert!(
        headers["ratelimit-policy"]
            .to_str()
            .unwrap()
            .ends_with(";q=4294967295;w=4611686018")
    );
}

#[test]
fn a_window_is_rounded_up_to_whole_seconds() {
    #[rustfmt::skip]
    let rows: &[(Quota, &str)] = &[
        (Quota::new(1, std::time::Duration::from_millis(1)), r#""p";q=1;w=1"#),
        (Quota::per_second(1), r#""p";q=1;w=1"#),
        (Quota::per_second(3), r#""p";q=3;w=2"#),
        (Quota::per_second(2).burst(5), r#""p";q=5;w=3"#),
    ];
    for (quota, expected) in rows {
        let policy = Policy::new("p", *quota).key(key::global());
        let fields = PolicyFields::new(IETF, Emit::Always, &[&policy]);
        let headers = refused(&fields, &shown(0, 0, 1));
        assert_eq!(headers["ratelimit-policy"], expected);
    }
}

#[test]
fn the_choice_of_answers_is_kept() {
    let ip = ip();
    #[rustfmt::skip]
    let rows: &[(Emit, u64, bool)] = &[
        (Emit::OnRefusal, 0, false),
        (Emit::Always, 100, true),
        (Emit::Below(20), 19, true),
        (Emit::Below(20), 20, false),
        (Emit::Below(0), 0, false),
        (Emit::Below(100), 99, true),
        (Emit::Below(100), 100, false),
    ];
    for (emit, remaining, expected) in rows {
        let fields = PolicyFields::new(IETF, *emit, &[&ip]);
        let headers = told(&fields, &shown(0, *remaining, 1), 200);
        assert_eq!(!headers.is_empty(), *expected, "{emit:?} {remaining}");
        assert!(!refused(&fields, &shown(0, *remaining, 1)).is_empty());
        assert_eq!(fields.tells_allowed(), *emit != Emit::OnRefusal);
    }
    assert!(!PolicyFields::new(HeaderStyle::None, Emit::Always, &[&ip]).tells_allowed());
}

#[test]
fn some_answers_never_carry_fields() {
    let ip = ip();
    let fields = PolicyFields::new(BOTH, Emit::Always, &[&ip]);
    for status in [100, 101, 103, 301, 302, 303, 307, 308] {
        assert!(
            told(&fields, &shown(0, 1, 1), status).is_empty(),
            "{status}"
        );
    }
    for status in [200, 204, 206, 300, 304, 400, 404, 429, 500] {
        assert_eq!(told(&fields, &shown(0, 1, 1), status).len(), 5, "{status}");
    }
}

#[test]
fn what_an_inner_layer_said_is_kept() {
    let day = day();
    let fields = PolicyFields::new(BOTH, Emit::Always, &[&day]);
    let set = |remaining: &'static str, reset: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("ratelimit", HeaderValue::from_static(r#""in";r=3;t=9"#));
        headers.insert("x-ratelimit-limit", HeaderValue::from_static("7"));
        headers.insert("x-ratelimit-remaining", HeaderValue::from_static(remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from_static(reset));
        headers.insert(LOCATION, HeaderValue::from_static("/a"));
        fields.tell(&shown(0, 5, 4 * SECOND), StatusCode::OK, &mut headers);
        headers
    };
    #[rustfmt::skip]
    let rows: &[(&str, &str, [&str; 3])] = &[
        ("4", "1", ["7", "4", "1"]),
        ("5", "4", ["7", "5", "4"]),
        ("5", "3", ["1000", "5", "4"]),
        ("6", "9", ["1000", "5", "4"]),
        ("many", "9", ["1000", "5", "4"]),
        ("5", "soon", ["1000", "5", "4"]),
    ];
    for (remaining, reset, expected) in rows {
        let headers = set(remaining, reset);
        let seen = ["limit", "remaining", "reset"]
            .map(|name| headers[format!("x-ratelimit-{name}")].to_str().unwrap());
        assert_eq!(seen, *expected, "{remaining} {reset}");
        let limits: Vec<_> = headers.get_all("ratelimit").iter().collect();
        assert_eq!(limits, [r#""in";r=3;t=9"#, r#""day";r=5;t=4"#]);
        assert_eq!(headers[LOCATION], "/a");
    }
}

#[test]
fn plans_and_trials_are_told_to_those_whom_they_bind() {
    let ip = ip();
    let plans = Policy::new("api", Quota::per_minute(60))
        .key(key::principal())
        .plans([("pro", Quota::per_minute(600))], |_| 0);
    let trial = day().enforce_percent(25);
    let reported = day().mode(Mode::ReportOnly);
    let fields = PolicyFields::new(BOTH, Emit::Always, &[&ip, &plans, &trial, &reported]);
    let policies = |policy, plan| {
        let shown = Shown {
            plan,
            ..shown(policy, 1, 1)
        };
        let headers = told(&fields, &shown, 200);
        let lines: Vec<_> = headers
            .get_all("ratelimit-policy")
            .iter()
            .map(|line| line.to_str().unwrap().to_owned())
            .collect();
        (lines, headers["x-ratelimit-limit"].clone())
    };
    let common = r#""ip";q=100;w=60"#;
    #[rustfmt::skip]
    let rows: &[(usize, usize, &[&str], &str)] = &[
        (0, 0, &[common], "100"),
        (1, 0, &[common, r#""api";q=60;w=60"#], "60"),
        (1, 1, &[common, r#""api";q=600;w=60"#], "600"),
        (2, 0, &[common, r#""day";q=1000;w=86400"#], "1000"),
    ];
    for (policy, plan, lines, limit) in rows {
        let (seen, seen_limit) = policies(*policy, *plan);
        assert_eq!(seen, *lines);
        assert_eq!(seen_limit, *limit);
    }
    // All keys is no trial.
    let all = day().enforce_percent(100);
    let fields = PolicyFields::new(IETF, Emit::Always, &[&ip, &all]);
    let headers = told(&fields, &shown(0, 1, 1), 200);
    assert_eq!(
        headers["ratelimit-policy"],
        r#""ip";q=100;w=60, "day";q=1000;w=86400"#
    );
}

#[test]
fn nobody_is_told_to_come_too_early() {
    #[rustfmt::skip]
    let rows: &[(u64, u64, Option<u64>)] = &[
        (1_000_000, 0, Some(1)),
        (999_000_000, 0, Some(1)),
        (1_000_000_000, 0, Some(1)),
        (1_001_000_000, 0, Some(2)),
        (0, 0, Some(1)),
        (60 * SECOND, 0, Some(60)),
        // Never before the next unit is there.
        (SECOND, 3 * SECOND, Some(3)),
        (Standing::NEVER - 1, 0, Some(18_446_744_074)),
        (Standing::NEVER, SECOND, None),
    ];
    for (wait, reset, expected) in rows {
        let standing = Standing::denied(0, *reset, *wait);
        assert_eq!(retry_after(&standing), *expected, "{wait} {reset}");
    }
    assert_eq!(
        retry_after(&Standing::allowed(1, 0, Receipt::NONE)),
        Some(1)
    );
}

#[test]
fn jitter_only_adds_and_at_most_its_share() {
    let wait = 100 * SECOND;
    assert_eq!(jittered(wait, 0, u64::MAX), wait);
    assert_eq!(jittered(wait, 10, 0), wait);
    let seen: Vec<u64> = (0..2_050)
        .map(|random| jittered(wait, 10, random))
        .collect();
    let (least, most) = (seen.iter().min().unwrap(), seen.iter().max().unwrap());
    assert_eq!(*least, wait);
    assert!(
        (wait + 9_990_000_000..=wait + 10_000_000_000).contains(most),
        "{most}"
    );
    assert_eq!(jittered(u64::MAX, 10, 1), u64::MAX);
}
