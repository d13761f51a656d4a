//! Every rule of the catalogue: what breaks it, what nearly does, and what the presets do with both.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use tower_security::core::SecurityEvent;
use tower_security::sanitize::{
    Action, PlainLine, Rule, SanitizeBuilder, SanitizeLayer, TextError,
};

use super::catalogue_rows::rows;
use super::{Case, Outcome, judged};

/// One rule. The two letters are those of the specification: `R` refuses, `r` reports, `-` does nothing; strict first.
pub(super) struct Row {
    pub(super) rule: Rule,
    pub(super) code: &'static str,
    pub(super) status: u16,
    pub(super) presets: &'static str,
    /// What else is set.
    pub(super) with: fn(SanitizeBuilder) -> SanitizeBuilder,
    pub(super) hits: Vec<Case>,
    pub(super) near: Vec<Case>,
}

/// Of these the rows have the limits of the compatible preset; those of the strict one have a table of their own.
const LIMITS_DIFFER: [Rule; 14] = [
    Rule::MethodNotAllowed,
    Rule::HostMissing,
    Rule::TargetTooLong,
    Rule::ParamNameTooLong,
    Rule::HeadersTooMany,
    Rule::HeadersTooLarge,
    Rule::HeaderRangeParts,
    Rule::JsonDepth,
    Rule::JsonTooManyNodes,
    Rule::JsonTooManyKeys,
    Rule::JsonKeyTooLong,
    Rule::MultipartTooManyParts,
    Rule::MultipartTooManyFiles,
    Rule::MultipartPartHeaders,
];

fn action(letter: Option<char>) -> Action {
    match letter {
        Some('R') => Action::Reject,
        Some('r') => Action::Report,
        Some('-') => Action::Off,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
async fn every_rule_is_broken_and_nearly_broken_in_both_presets() {
    let mut covered = Vec::new();
    let mut failures = Vec::new();
    for row in rows() {
        covered.push(row.rule);
        assert_eq!(row.rule.as_str(), row.code);
        assert_eq!(row.rule.status().as_u16(), row.status, "{}", row.code);
        assert!(row.hits.len() >= 3 && row.near.len() >= 3, "{}", row.code);
        let mut letters = row.presets.chars();
        let strict = action(letters.next());
        let compatible = action(letters.next());
        let layers = [
            ((row.with)(SanitizeLayer::builder().strict()), strict),
            (
                (row.with)(SanitizeLayer::builder().compatible()),
                compatible,
            ),
        ];
        let mut served = vec![false; row.near.len()];
        for (preset, (builder, expected)) in layers.into_iter().enumerate() {
            // What streams past has no report: only the sink hears of it.
            let told = Arc::new(Mutex::new(String::new()));
            let sink = Arc::clone(&told);
            let layer = builder
                .events(move |event: &SecurityEvent<'_>| {
                    *sink.lock().unwrap() = event.detail.as_deref().unwrap_or_default().to_owned();
                })
                .build()
                .unwrap();
            for case in &row.hits {
                told.lock().unwrap().clear();
                let mut outcome = judged(&layer, case.request()).await;
                if let Outcome::Passed(rules) = &mut outcome
                    && told
                        .lock()
                        .unwrap()
                        .split(['=', ','])
                        .any(|code| code == row.code)
                {
                    rules.push(row.rule);
                }
                let is_expected = match (expected, &outcome) {
                    (Action::Reject, Outcome::Refused(rule, status)) => {
                        *rule == row.rule && status.as_u16() == row.status
                    }
                    (Action::Report, Outcome::Passed(rules)) => rules.contains(&row.rule),
                    (Action::Off, Outcome::Passed(rules)) => !rules.contains(&row.rule),
                    _ => false,
                };
                if !is_expected {
                    failures.push(format!("{} {expected:?}: {case:?} {outcome:?}", row.code));
                }
            }
            for (case, served) in row.near.iter().zip(&mut served) {
                let outcome = judged(&layer, case.request()).await;
                let names_it = match &outcome {
                    Outcome::Refused(rule, _) => *rule == row.rule,
                    Outcome::Passed(rules) => rules.contains(&row.rule),
                };
                if names_it && !(preset == 0 && LIMITS_DIFFER.contains(&row.rule)) {
                    failures.push(format!("{} nearly: {case:?} {outcome:?}", row.code));
                }
                *served |= matches!(outcome, Outcome::Passed(_));
            }
        }
        if !served.iter().all(|served| *served) {
            failures.push(format!("{} never served: {served:?}", row.code));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // Those of the text types have rows below, the others need a body that fails and a mode.
    let elsewhere = [
        Rule::BodyUnreadable,
        Rule::HtmlWouldChange,
        Rule::TextControl,
        Rule::TextBidi,
        Rule::TextNotNfc,
        Rule::TextTooLong,
    ];
    let missing: Vec<_> = Rule::ALL
        .iter()
        .filter(|rule| !covered.contains(rule) && !elsewhere.contains(rule))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(Rule::ALL.len(), 89);
}

/// The limits of the strict preset, on both sides.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
async fn the_strict_preset_has_limits_of_its_own() {
    let layer = SanitizeLayer::strict();
    let lines = |count: usize| (1..count).fold(Case::get("/"), |case, _| case.header("x-a", "1"));
    let bytes = |length: usize| Case::get("/").header("x-a", "a".repeat(length - 18));
    let ranges = |count: usize| {
        Case::get("/").header("range", format!("bytes={}", vec!["0-1"; count].join(",")))
    };
    let array = |count: usize| Case::json(format!("[{}]", vec!["0"; count].join(",")));
    let two = |count: usize| Case::json(format!("[[],[{}]]", vec!["0"; count].join(",")));
    let nested = |depth: usize| Case::json(format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    let object = |count: usize| {
        let keys: Vec<_> = (0..count).map(|n| format!("\"k{n}\":0")).collect();
        Case::json(format!("{{{}}}", keys.join(",")))
    };
    let key = |length: usize| Case::json(format!("{{\"{}\":0}}", "k".repeat(length)));
    let string = |length: usize| Case::json(format!("\"{}\"", "s".repeat(length)));
    let field = "Content-Disposition: form-data; name=\"a\"\r\n\r\nv";
    let file = "Content-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nv";
    let heads = |count: usize| {
        let more = "X-A: 1\r\n".repeat(count - 1);
        Case::multipart(&[&format!("{more}{field}")])
    };
    let name = |length: usize| Case::get(format!("/?{}=1", "n".repeat(length)));
    let value = |length: usize| Case::form(format!("v={}", "v".repeat(length)));
    let target = |length: usize| Case::get(format!("/{}", "a".repeat(length - 1)));
    let rows = [
        (
            Rule::MethodNotAllowed,
            Case::new("trace", "/"),
            Case::get("/"),
        ),
        (
            Rule::MethodNotAllowed,
            Case::new("get", "/"),
            Case::new("PATCH", "/"),
        ),
        (
            Rule::MethodNotAllowed,
            Case::new("PROPFIND", "/"),
            Case::new("DELETE", "/"),
        ),
        (
            Rule::HostMissing,
            Case::get("/")
                .without("host")
                .version(http::Version::HTTP_10),
            Case::get("/").version(http::Version::HTTP_10),
        ),
        (Rule::TargetTooLong, target(8_193), target(8_192)),
        (
            Rule::PathDotSegment,
            Case::get("/.../a"),
            Case::get("/..a/b"),
        ),
        (
            Rule::PathDotSegment,
            Case::get("/a/%20/b"),
            Case::get("/a/%20b"),
        ),
        (Rule::ParamNameTooLong, name(257), name(256)),
        (Rule::ParamValueTooLong, value(8_193), value(8_192)),
        (
            Rule::ParamControl,
            Case::get("/?a=%0a"),
            Case::form("a=%0a"),
        ),
        (Rule::HeadersTooMany, lines(101), lines(100)),
        (Rule::HeadersTooLarge, bytes(16_385), bytes(16_384)),
        (Rule::HeaderRangeParts, ranges(6), ranges(5)),
        (Rule::JsonDepth, nested(33), nested(32)),
        (Rule::JsonTooManyNodes, two(9_998), two(9_997)),
        (Rule::JsonTooManyNodes, array(10_000), array(9_999)),
        (Rule::JsonTooManyKeys, object(1_001), object(1_000)),
        (Rule::JsonKeyTooLong, key(257), key(256)),
        (Rule::JsonStringTooLong, string(65_537), string(65_536)),
        (
            Rule::MultipartTooManyParts,
            Case::multipart(&[field; 101]),
            Case::multipart(&[field; 100]),
        ),
        (
            Rule::MultipartTooManyFiles,
            Case::multipart(&[file; 21]),
            Case::multipart(&[file; 20]),
        ),
        (Rule::MultipartPartHeaders, heads(9), heads(8)),
    ];
    for (rule, hit, near) in rows {
        let outcome = judged(&layer, hit.request()).await;
        assert_eq!(outcome, Outcome::Refused(rule, rule.status()), "{hit:?}");
        let outcome = judged(&layer, near.request()).await;
        assert_eq!(outcome, Outcome::Passed(Vec::new()), "{near:?}");
    }
    // What the compatible preset does not ask for.
    let compatible = SanitizeLayer::compatible();
    for target in ["/.../a", "/a/%20/b", "/?a=%0a"] {
        let outcome = judged(&compatible, Case::get(target).request()).await;
        assert_eq!(outcome, Outcome::Passed(Vec::new()), "{target}");
    }
}

/// The rules of the text types: no request breaks them.
#[test]
fn texts_break_their_own_rules() {
    let rows: [(Rule, &str, [&str; 3], [&str; 3]); 4] = [
        (
            Rule::TextControl,
            "text_control",
            ["a\0", "a\nb", "a\u{2028}"],
            ["a b", "\u{a0}", "a\u{200d}b"],
        ),
        (
            Rule::TextBidi,
            "text_bidi",
            ["a\u{202e}b", "\u{2066}", "a\u{202a}"],
            ["\u{5d0}\u{5d1}", "\u{200e}a", "a\u{2065}"],
        ),
        (
            Rule::TextNotNfc,
            "text_not_nfc",
            ["e\u{301}", "\u{212b}", "o\u{308}"],
            ["\u{e9}", "\u{c5}", "q\u{301}"],
        ),
        (
            Rule::TextTooLong,
            "text_too_long",
            ["aaaaa", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", "a b c"],
            ["aaaa", "\u{e9}\u{e9}\u{e9}\u{e9}", ""],
        ),
    ];
    for (rule, code, hits, near) in rows {
        assert_eq!(
            (rule.as_str(), rule.status()),
            (code, StatusCode::UNPROCESSABLE_ENTITY)
        );
        assert_eq!(
            (rule.strict(), rule.compatible()),
            (Action::Off, Action::Off)
        );
        for text in hits {
            let error = PlainLine::<4>::new(text).map_err(TextError::rule);
            assert_eq!(error.err(), Some(rule), "{text:?}");
        }
        for text in near {
            assert!(PlainLine::<4>::new(text).is_ok(), "{text:?}");
        }
    }
}

/// What has to pass the strict preset.
#[tokio::test]
async fn ordinary_targets_pass_the_strict_preset() {
    let layer = SanitizeLayer::strict();
    for target in [
        "/",
        "/.well-known/x",
        "/a..b",
        "/x....y",
        "/pkg.Service/Method",
        "/caf%C3%A9",
        "/?q=a%26b",
        "/?x",
        "/?",
        "/a/",
        "/@user/repo+x,y:z=1",
        "/a%20b",
        "/?%24filter=a&$top=1",
        "/?a[b]=1&a[]=1&a[]=2",
    ] {
        let outcome = judged(&layer, Case::get(target).request()).await;
        assert_eq!(outcome, Outcome::Passed(Vec::new()), "{target}");
    }
    let outcome = judged(&layer, Case::new("OPTIONS", "*").request()).await;
    assert_eq!(outcome, Outcome::Passed(Vec::new()));
}
