use std::time::Duration;

use http::Method;

use super::error::RateLimitConfigError;
use super::mistakes::{check_jitter, check_percent, check_policies};
use super::{OnMissing, OnStoreError, Policy, Quota, key};
use crate::core::{ConfigErrorKind, ConfigErrors, ErrorClass, Mistakes};

const SECOND: Duration = Duration::from_secs(1);

fn policy(name: &'static str) -> Policy {
    Policy::new(name, Quota::per_minute(10)).key(key::client_ip())
}

fn errors(policies: &[Policy], is_shared: bool) -> Option<ConfigErrors> {
    let mut mistakes = Mistakes::default();
    check_policies(policies, "rate_limit.policies", is_shared, &mut mistakes);
    mistakes.finish(()).err()
}

/// Path, class and code of each mistake.
fn found(policies: &[Policy], is_shared: bool) -> Vec<(String, ErrorClass, &'static str)> {
    errors(policies, is_shared)
        .into_iter()
        .flatten()
        .map(|error| (error.path().to_owned(), error.class(), error.code()))
        .collect()
}

#[test]
fn each_mistake_is_reported_and_its_twin_is_not() {
    use ErrorClass::{Invalid, Refused};
    let fraction = |fraction| {
        policy("p").on_store_error(OnStoreError::Local {
            fraction: Some(fraction),
        })
    };
    let plans = |name: &'static str, quota| {
        policy("p").plans([("free", Quota::per_minute(1)), (name, quota)], |_| 0)
    };
    #[rustfmt::skip]
    let rows: Vec<(Policy, Policy, &str, ErrorClass, &str)> = vec![
        (Policy::new("p", Quota::per_second(0)).key(key::global()), Policy::new("p", Quota::per_second(1)).key(key::global()), ".quota", Invalid, "empty_quota"),
        (Policy::new("p", Quota::new(1, Duration::ZERO)).key(key::global()), Policy::new("p", Quota::new(1, Duration::from_micros(1))).key(key::global()), ".quota", Invalid, "empty_quota"),
        (Policy::new("p", Quota::new(1_001, Duration::from_millis(1))).key(key::global()), Policy::new("p", Quota::new(1_000, Duration::from_millis(1))).key(key::global()), ".quota", Refused, "quota_too_fine"),
        (Policy::new("p", Quota::new(1, SECOND * 60).burst(307_445_736)).key(key::global()), Policy::new("p", Quota::new(1, SECOND * 60).burst(76_861_433)).key(key::global()), ".quota", Invalid, "quota_overflow"),
        (policy("p").cost(11), policy("p").cost(10), ".quota", Invalid, "cost_exceeds_burst"),
        (policy("p").cost(10).cost(11), policy("p").cost(11).cost_by(|_| 11), ".quota", Invalid, "cost_exceeds_burst"),
        (policy("p").cost(0).charge_after(|_| 1), policy("p").charge_after(|_| 1), ".cost", Invalid, "free_charge"),
        (policy("p").charge_after(|_| 1).cost(0), policy("p").cost(0), ".cost", Invalid, "free_charge"),
        (policy(""), policy("0"), ".name", Invalid, "policy_name"),
        (policy("per address"), policy("per_address.v-4"), ".name", Invalid, "policy_name"),
        (policy("a\"b"), policy("a.b"), ".name", Invalid, "policy_name"),
        (policy("caf\u{e9}"), policy("cafe"), ".name", Invalid, "policy_name"),
        (Policy::new("n".repeat(65), Quota::per_minute(1)).key(key::global()), Policy::new("n".repeat(64), Quota::per_minute(1)).key(key::global()), ".name", Invalid, "policy_name"),
        (Policy::new("p", Quota::per_minute(1)), policy("p"), ".key", Invalid, "key_required"),
        (policy("p").key(key::client_prefix(24, 128)), policy("p").key(key::client_prefix(24, 48)), ".key", Refused, "prefix_width"),
        (policy("p").key(key::dangerous_header("a b")), policy("p").key(key::dangerous_header("a-b")), ".key", Invalid, "header_name"),
        (policy("p").methods([]), policy("p").methods([Method::POST]), ".methods", Invalid, "no_methods"),
        (policy("p").enforce_percent(101), policy("p").enforce_percent(100), ".enforce_percent", Invalid, "percent"),
        (policy("p").plans(Vec::<(String, Quota)>::new(), |_| 0), plans("pro", Quota::per_minute(1)), ".plans", Invalid, "no_plans"),
        (plans("free", Quota::per_minute(1)), plans("pro", Quota::per_minute(1)), ".plans[1]", Invalid, "duplicate_plan"),
        (plans("pro", Quota::per_minute(0)), plans("pro", Quota::per_minute(1)), ".plans[1]", Invalid, "empty_quota"),
        (plans("pro", Quota::per_minute(10)).cost(2), plans("pro", Quota::per_minute(10)).cost(1), ".plans[0]", Invalid, "cost_exceeds_burst"),
        (fraction(0.0), fraction(f32::MIN_POSITIVE), ".on_store_error", Invalid, "fraction"),
        (fraction(1.5), fraction(1.0), ".on_store_error", Invalid, "fraction"),
        (fraction(f32::NAN), fraction(0.5), ".on_store_error", Invalid, "fraction"),
    ];
    for (refused, accepted, path, class, code) in rows {
        let path = format!("rate_limit.policies[0]{path}");
        assert_eq!(
            found(std::slice::from_ref(&refused), false),
            [(path, class, code)],
            "{refused:?}"
        );
        assert_eq!(
            found(std::slice::from_ref(&accepted), false),
            [],
            "{accepted:?}"
        );
    }
}

#[test]
fn lists_of_policies_are_checked() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let nine: Vec<_> = names.iter().map(|name| policy(name)).collect();
    let at = |path: &str, code| (path.to_owned(), ErrorClass::Invalid, code);
    assert_eq!(found(&nine[..8], false), []);
    assert_eq!(
        found(&nine, false),
        [at("rate_limit.policies", "too_many_policies")]
    );
    assert_eq!(found(&[], false), [at("rate_limit.policies", "no_policy")]);
    assert_eq!(
        found(&[policy("a"), policy("b"), policy("a")], false),
        [at("rate_limit.policies[2]", "duplicate_policy")]
    );
    assert_eq!(found(&[policy("a"), policy("A")], false), []);
}

#[test]
fn several_nodes_hash_the_same_bytes() {
    let unstable = [policy("p").key(key::extension::<u8>())];
    assert_eq!(found(&unstable, false), []);
    assert_eq!(
        found(&unstable, true),
        [(
            "rate_limit.policies[0].key".to_owned(),
            ErrorClass::Refused,
            "unstable_key"
        )]
    );
    assert_eq!(found(&[policy("p")], true), []);
}

#[test]
fn all_mistakes_are_reported_together() {
    let bad = Policy::new("per address", Quota::per_second(0))
        .methods([])
        .enforce_percent(200);
    let codes: Vec<_> = found(&[bad.clone(), policy("ok").cost(11), bad], false)
        .into_iter()
        .map(|(_, _, code)| code)
        .collect();
    assert_eq!(
        codes,
        [
            "policy_name",
            "empty_quota",
            "key_required",
            "no_methods",
            "percent",
            "cost_exceeds_burst",
            "policy_name",
            "empty_quota",
            "key_required",
            "no_methods",
            "percent",
            "duplicate_policy",
        ]
    );
}

#[test]
fn messages_say_what_to_write() {
    let message = |policy: Policy| {
        let errors = errors(&[policy], false).unwrap();
        errors.iter().next().unwrap().message()
    };
    #[rustfmt::skip]
    let rows: &[(Policy, &str)] = &[
        (policy("per address"), "invalid policy name \"per address\": write 1 to 64 of A-Z a-z 0-9 _ . -, such as \"peraddress\""),
        (policy("\u{1f600}"), "such as \"default\""),
        (policy("p").cost(11), "invalid cost 11: a burst of 10 never holds it, write a burst of at least 11 or a cost of at most 10"),
        (Policy::new("p", Quota::per_second(2_000_000)).key(key::global()), "refused quota of 2000000 in 1s"),
        (Policy::new("p", Quota::per_minute(5).burst(0)).key(key::global()), "invalid quota of 5 in 60s with a burst of 0: write at least 1"),
        (policy("p").key(key::client_prefix(0, 0)), "refused address prefix /0 and /0: write 8 to 32 for IPv4 and 32 to 64 for IPv6"),
        (policy("p").enforce_percent(101), "invalid percentage 101: write 0 to 100"),
    ];
    for (policy, expected) in rows {
        let seen = message(policy.clone());
        assert!(seen.contains(expected), "{seen}");
    }
    let long = message(Policy::new("x y".repeat(10_000), Quota::per_minute(1)).key(key::global()));
    assert!(long.len() < 400, "{}", long.len());
}

#[test]
fn numbers_beside_the_policies_are_checked() {
    let codes = |check: &dyn Fn(&mut Mistakes)| {
        let mut mistakes = Mistakes::default();
        check(&mut mistakes);
        mistakes
            .finish(())
            .err()
            .into_iter()
            .flatten()
            .map(|error| error.downcast::<RateLimitConfigError>().unwrap().code())
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&|to| check_jitter(10, "p", to)), [""; 0]);
    assert_eq!(codes(&|to| check_jitter(11, "p", to)), ["jitter"]);
    assert_eq!(codes(&|to| check_percent(100, "p", to)), [""; 0]);
    assert_eq!(codes(&|to| check_percent(101, "p", to)), ["percent"]);
}

#[test]
fn what_weakens_a_policy_is_listed() {
    let names = |policy: &Policy| {
        policy
            .dangerous()
            .iter()
            .filter_map(|(name, is_set)| is_set.then_some(*name))
            .collect::<Vec<_>>()
    };
    let plain = policy("p")
        .on_missing(OnMissing::Refuse)
        .on_store_error(OnStoreError::Deny);
    #[rustfmt::skip]
    let rows: &[(Policy, &[&str])] = &[
        (plain.clone(), &[]),
        (plain.clone().dangerous_skip_missing(), &["dangerous_skip_missing"]),
        (plain.clone().dangerous_skip_missing().on_missing(OnMissing::SharedBucket), &[]),
        (plain.clone().dangerous_allow_on_store_error(), &["dangerous_allow_on_store_error"]),
        (plain.clone().dangerous_allow_on_store_error().on_store_error(OnStoreError::default()), &[]),
        (plain.clone().key(key::dangerous_full_v6()), &["dangerous_full_v6"]),
        (plain.key(key::dangerous_header("x-a").or(key::client_ip())), &["dangerous_header"]),
    ];
    for (policy, expected) in rows {
        assert_eq!(names(policy), *expected);
    }
}

#[test]
fn a_policy_shows_itself_without_its_functions() {
    let shown = format!("{:?}", policy("p").when(|_| true).cost_by(|_| 2));
    for part in [
        "\"p\"",
        "client_ip",
        "when: Some(<fn>)",
        "cost: <fn>",
        "count_when: None",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
}
