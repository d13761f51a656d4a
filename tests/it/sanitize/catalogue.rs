//! Every rule of the catalogue: what breaks it, what nearly does, and what the presets do with both.

use http::StatusCode;
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

fn action(letter: Option<char>) -> Action {
    match letter {
        Some('R') => Action::Reject,
        Some('r') => Action::Report,
        Some('-') => Action::Off,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_rule_is_broken_and_nearly_broken_in_both_presets() {
    let mut covered = Vec::new();
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
            ((row.with)(SanitizeLayer::builder().compatible()), compatible),
        ];
        let mut served = vec![false; row.near.len()];
        for (builder, expected) in layers {
            let layer = builder.build().unwrap();
            for case in &row.hits {
                let outcome = judged(&layer, case.request()).await;
                let is_expected = match (expected, &outcome) {
                    (Action::Reject, Outcome::Refused(rule, status)) => {
                        *rule == row.rule && status.as_u16() == row.status
                    }
                    (Action::Report, Outcome::Passed(rules)) => rules.contains(&row.rule),
                    (Action::Off, Outcome::Passed(rules)) => !rules.contains(&row.rule),
                    _ => false,
                };
                assert!(is_expected, "{}: {case:?} {outcome:?}", row.code);
            }
            for (case, served) in row.near.iter().zip(&mut served) {
                let outcome = judged(&layer, case.request()).await;
                let names_it = match &outcome {
                    Outcome::Refused(rule, _) => *rule == row.rule,
                    Outcome::Passed(rules) => rules.contains(&row.rule),
                };
                assert!(!names_it, "{}: {case:?} {outcome:?}", row.code);
                *served |= matches!(outcome, Outcome::Passed(_));
            }
        }
        assert!(
            served.iter().all(|served| *served),
            "{}: {served:?}",
            row.code
        );
    }
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
        assert_eq!((rule.as_str(), rule.status()), (code, StatusCode::UNPROCESSABLE_ENTITY));
        assert_eq!((rule.strict(), rule.compatible()), (Action::Off, Action::Off));
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
