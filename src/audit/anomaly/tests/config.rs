//! Rules and bounds that are refused.

use super::*;
use crate::audit::{AuditConfigError, RuleProblem};

#[test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn a_rule_is_whole_or_refused() {
    let day = Duration::from_secs(86_400);
    let nano = Duration::from_nanos(1);
    let whole = || counting(1, MINUTE, MINUTE);
    let named = |name| Rule { name, ..whole() };
    let distinct = |limit| whole().distinct(RuleKey::Account).limit(limit, MINUTE);
    let long: &'static str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let rows: [(Rule, Option<RuleProblem>); 22] = [
        (whole(), None),
        (named(long.get(1..).unwrap()), None),
        (named(long), Some(RuleProblem::Name)),
        (named(""), Some(RuleProblem::Name)),
        (named("Login"), Some(RuleProblem::Name)),
        (
            Rule {
                events: vec![],
                ..whole()
            },
            Some(RuleProblem::NoEvent),
        ),
        (
            Rule {
                key: None,
                ..whole()
            },
            Some(RuleProblem::NoKey),
        ),
        (
            Rule {
                limit: None,
                ..whole()
            },
            Some(RuleProblem::NoLimit),
        ),
        (whole().limit(0, MINUTE), Some(RuleProblem::Limit)),
        (whole().limit(1, nano), None),
        (whole().limit(1, day), None),
        (
            whole().limit(1, Duration::ZERO),
            Some(RuleProblem::Window {
                window: Duration::ZERO,
            }),
        ),
        (
            whole().limit(1, day + nano),
            Some(RuleProblem::Window { window: day + nano }),
        ),
        (whole().cooldown(day), None),
        (
            whole().cooldown(day + nano),
            Some(RuleProblem::Cooldown {
                cooldown: day + nano,
            }),
        ),
        (distinct(2), None),
        (distinct(64), None),
        (distinct(1), Some(RuleProblem::Distinct { limit: 1 })),
        (distinct(65), Some(RuleProblem::Distinct { limit: 65 })),
        (whole().on_status(StatusCode::NOT_FOUND), None),
        (
            whole()
                .on_status(StatusCode::NOT_FOUND)
                .key(RuleKey::Target),
            Some(RuleProblem::StatusKey),
        ),
        (
            distinct(2).on_status(StatusCode::NOT_FOUND),
            Some(RuleProblem::StatusKey),
        ),
    ];
    for (rule, problem) in rows {
        let name = rule.name;
        let errors = AnomalyDetector::builder(NoopSink::new())
            .rule(rule)
            .build()
            .err();
        let found = errors.map(|errors| {
            assert_eq!(errors.len(), 1, "{errors}");
            let error = errors.iter().next().unwrap();
            assert_eq!((error.code(), error.path()), ("rule", "audit.rules[0]"));
            error.downcast::<AuditConfigError>().cloned().unwrap()
        });
        assert_eq!(
            found,
            problem.map(|problem| AuditConfigError::Rule { name, problem })
        );
    }
}

#[test]
fn names_are_given_once_and_rules_and_keys_have_bounds() {
    let problems = |builder: AnomalyDetectorBuilder| {
        let errors = builder.build().err();
        let errors = errors.iter().flat_map(|errors| errors.iter());
        errors.map(ToString::to_string).collect::<Vec<_>>()
    };
    let builder = || AnomalyDetector::builder(NoopSink::new());
    let rule = || counting(1, MINUTE, MINUTE);
    assert_eq!(
        problems(builder()),
        [
            "audit.rules: refused detector without rules, which detects nothing: call `.defaults()`, or add rules of your own with \
             `.rule(..)`"
        ]
    );
    assert_eq!(problems(builder().defaults()), [""; 0]);
    let errors = builder().build().unwrap_err();
    let codes: Vec<_> = errors.iter().map(|it| (it.path(), it.code())).collect();
    assert_eq!(codes, [("audit.rules", "no_rules")]);
    assert_eq!(problems(builder().rule(rule()).defaults()), [""; 0]);
    assert_eq!(
        problems(builder().rule(rule()).rule(rule())),
        [
            "audit.rules[1]: invalid rule \"counting\": the name stands for another rule already, write another one"
        ]
    );
    let many = |count: usize| {
        let names = (0..count).map(|number| &*format!("rule_{number}").leak());
        names.fold(builder(), |builder, name| {
            builder.rule(Rule { name, ..rule() })
        })
    };
    assert_eq!(problems(many(64)), [""; 0]);
    assert_eq!(
        problems(many(65)),
        [
            "audit.rules[64]: invalid rule \"rule_64\": it stands behind 64 others, write at most 64 rules"
        ]
    );
    for (keys, is_sound) in [(999, false), (1_000, true), (10_000_001, false)] {
        let problems = problems(builder().defaults().max_keys(keys));
        assert_eq!(problems.is_empty(), is_sound, "{problems:?}");
    }
}
