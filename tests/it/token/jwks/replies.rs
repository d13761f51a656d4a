//! What is no good set of keys, and leaves those that are there.

use super::provider::Hang;
use super::*;

const LIMIT: usize = 256 * 1024;

/// A good set, padded to this length.
fn padded(length: usize) -> Answer {
    let set = set_of(&["b"]);
    let set = set.strip_suffix('}').unwrap();
    let start = format!("{set},\"padding\":\"");
    let padding = "x".repeat(length - start.len() - 2);
    Answer::json(format!("{start}{padding}\"}}"))
}

fn many(count: usize) -> Answer {
    let kids: Vec<_> = (0..count).map(|number| format!("k{number}")).collect();
    let kids: Vec<_> = kids.iter().map(String::as_str).collect();
    Answer::keys(&kids)
}

fn unusable() -> String {
    format!(
        r#"{{"keys":[{{{P256},"kid":"e","use":"enc"}},{{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow","kid":"o"}}]}}"#
    )
}

/// What the rule of the event then says. Redirects lead to `elsewhere`.
fn no_good_sets(elsewhere: &str) -> Vec<(&'static str, Answer, &'static str)> {
    let good = set_of(&["b"]);
    vec![
        ("nothing", Answer::json(""), "malformed"),
        ("no keys", Answer::json(r#"{"keys":[]}"#), "no_keys"),
        ("an object", Answer::json("{}"), "malformed"),
        ("an array", Answer::json("[]"), "malformed"),
        (
            "keys are no list",
            Answer::json(r#"{"keys":{}}"#),
            "malformed",
        ),
        (
            "cut off",
            Answer::json(&good[..good.len() - 1]),
            "malformed",
        ),
        (
            "trailing bytes",
            Answer::json(format!("{good}x")),
            "malformed",
        ),
        ("all bad", Answer::json(unusable()), "no_keys"),
        ("65 keys", many(65), "too_many_keys"),
        ("257 keys", many(257), "too_many_keys"),
        (
            "an error page as 200",
            Answer::new(200, "text/html", "<h1>Be right back</h1>"),
            "content_type",
        ),
        (
            "good, as text",
            Answer::new(200, "text/plain", &*good),
            "content_type",
        ),
        (
            "good, as 500",
            Answer::new(500, "application/json", &*good),
            "status",
        ),
        (
            "good, as 404",
            Answer::new(404, "application/json", &*good),
            "status",
        ),
        (
            "good, as 201",
            Answer::new(201, "application/json", &*good),
            "status",
        ),
        (
            "good, as 203",
            Answer::new(203, "application/json", &*good),
            "status",
        ),
        ("204", Answer::new(204, "application/json", ""), "status"),
        (
            "304 unasked",
            Answer::new(304, "application/json", ""),
            "status",
        ),
        (
            "302",
            Answer::new(302, "application/json", &*good).redirect(elsewhere.to_owned()),
            "status",
        ),
        (
            "307",
            Answer::new(307, "application/json", &*good).redirect(elsewhere.to_owned()),
            "status",
        ),
        ("257 KiB", padded(LIMIT + 1024), "too_large"),
        ("a byte too long", padded(LIMIT + 1), "too_large"),
    ]
}

#[tokio::test]
async fn an_answer_that_is_no_good_set_leaves_the_old_keys() {
    let elsewhere = Provider::start(Answer::keys(&["evil"])).await;
    for (name, answer, rule) in no_good_sets(&elsewhere.url()) {
        let bed = Bed::ready(Answer::keys(&["a"])).await;
        let before = generation(&bed.cache);
        bed.provider.answer(answer);
        bed.renewed_after(5 * MINUTE, 2).await;
        assert_eq!(kids(&bed.cache), Some(vec!["a".to_owned()]), "{name}");
        assert_eq!(generation(&bed.cache), before, "{name}");
        let told = bed.log.take();
        assert_eq!(told.len(), 1, "{name}: {told:?}");
        let told = &told[0];
        assert_eq!(
            (told.name, told.level, told.outcome),
            (EventName::SysMonitorDisabled, Level::Warn, Outcome::Fault)
        );
        assert_eq!(told.code, "key_set_unavailable", "{name}");
        assert_eq!(told.rule.as_deref(), Some(rule), "{name}: {told:?}");
        assert!(told.whole.contains("127.0.0.1"), "{}", told.whole);
        assert!(!told.whole.contains("tenant=7"), "{}", told.whole);
    }
    assert_eq!(elsewhere.hits(), 0, "a redirect was followed");
}

#[tokio::test]
async fn an_answer_that_is_a_good_set_replaces_the_old_keys() {
    let good = set_of(&["b"]);
    for (name, answer, expected) in [
        ("json", Answer::json(&*good), 1),
        (
            "the registered type",
            Answer::new(200, "application/jwk-set+json", &*good),
            1,
        ),
        (
            "a parameter",
            Answer::new(200, "application/json; charset=utf-8", &*good),
            1,
        ),
        ("256 KiB", padded(LIMIT), 1),
        ("64 keys", many(64), 64),
    ] {
        let bed = Bed::ready(Answer::keys(&["a"])).await;
        bed.provider.answer(answer);
        bed.renewed_after(5 * MINUTE, 2).await;
        assert_eq!(kids(&bed.cache).unwrap().len(), expected, "{name}");
        assert!(
            !kids(&bed.cache).unwrap().contains(&"a".to_owned()),
            "{name}"
        );
        assert_eq!(bed.log.take(), [], "{name}");
    }
}

#[tokio::test]
async fn max_keys_counts_what_is_listed() {
    let keys = |max| move |builder: JwksCacheBuilder| builder.max_keys(max);
    for (max, listed, is_taken) in [(2, 2, true), (2, 3, false), (3, 3, true)] {
        let bed = Bed::with(many(listed), keys(max)).await;
        assert_eq!(
            bed.cache.ready().await.is_ok(),
            is_taken,
            "{listed} of {max}"
        );
    }
    let good = format!(r#"{{"keys":[{{{P256},"kid":"a"}},{{"kty":"x"}}]}}"#);
    for (max, is_taken) in [(1, false), (2, true)] {
        let bed = Bed::with(Answer::json(&*good), keys(max)).await;
        assert_eq!(bed.cache.ready().await.is_ok(), is_taken, "{max}");
    }
}

#[tokio::test]
async fn one_broken_key_of_five_loses_itself() {
    let broken = r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","kid":"broken"}"#;
    let body = format!(
        r#"{{"keys":[{{{P256},"kid":"1"}},{{{P256},"kid":"2"}},{broken},{{{ED25519},"kid":"4"}},{{{P256},"kid":"5"}}]}}"#
    );
    let bed = Bed::new(Answer::json(body)).await;
    bed.cache.ready().await.unwrap();
    assert_eq!(kids(&bed.cache).unwrap(), ["1", "2", "4", "5"]);
    let told = bed.log.take();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (told[0].name, told[0].level, told[0].code),
        (EventName::InputValidationFail, Level::Warn, "key_refused")
    );
    assert!(told[0].whole.contains("index=2 kid=broken"), "{told:?}");

    // Told once, not every few minutes.
    bed.renewed_after(5 * MINUTE, 2).await;
    assert_eq!(bed.log.take(), []);
}

#[tokio::test]
async fn secrets_are_no_keys_of_a_provider() {
    let private = r#""d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI""#;
    let oct = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow","kid":"oct"}"#;
    let body = format!(
        r#"{{"keys":[{{{P256},"kid":"leaked",{private}}},{{{P256},"kid":"good"}},{oct},{{{P256},"kid":"twice"}},{{{ED25519},"kid":"twice"}},{{{P256},"use":"enc","kid":"enc"}}]}}"#
    );
    let bed = Bed::new(Answer::json(body)).await;
    bed.cache.ready().await.unwrap();
    assert_eq!(kids(&bed.cache).unwrap(), ["good"]);
    let told = bed.log.take();
    let rules: Vec<_> = told
        .iter()
        .map(|told| (told.rule.as_deref().unwrap(), told.level))
        .collect();
    assert_eq!(
        rules,
        [
            ("private_key", Level::Error),
            ("secret_published", Level::Error),
            ("kid_twice", Level::Warn),
            ("kid_twice", Level::Warn),
            ("not_for_verifying", Level::Info),
        ]
    );
    for told in &told {
        assert_eq!(told.code, "key_refused");
        assert!(!told.whole.contains("jpsQ"), "{}", told.whole);
        assert!(!told.whole.contains("AyM1"), "{}", told.whole);
    }
}

#[tokio::test]
async fn a_provider_that_drips_is_left_after_5_seconds() {
    let beginning = &set_of(&["b"])[..20];
    for hang in [Hang::InBody, Hang::BeforeHead] {
        let bed = Bed::ready(Answer::keys(&["a"])).await;
        bed.provider.answer(Answer::json(beginning).hang(hang));
        bed.clock.advance(5 * MINUTE);
        let _ = bed.cache.state();
        bed.provider.hit(2).await;
        tokio::time::pause();
        let begun = tokio::time::Instant::now();
        bed.fetched(2).await;
        let took = begun.elapsed();
        tokio::time::resume();
        assert!(
            (4 * SECOND..6 * SECOND).contains(&took),
            "{hang:?}: {took:?}"
        );
        assert_eq!(kids(&bed.cache), Some(vec!["a".to_owned()]), "{hang:?}");
        let timeout = ("key_set_unavailable", Some("timeout".to_owned()));
        assert_eq!(bed.log.codes(), [timeout], "{hang:?}");
    }
}

#[tokio::test]
async fn whoever_starts_a_service_is_told_what_is_wrong() {
    let bed = Bed::new(Answer::new(503, "text/html", "")).await;
    let error = bed.cache.ready().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key set was not fetched, status: the provider answered 503 Service Unavailable"
    );
    assert_eq!(bed.log.take()[0].level, Level::Error, "there are no keys");
    bed.provider.answer(Answer::keys(&["a"]));
    bed.cache.ready().await.unwrap();
    let told = bed.log.take();
    assert_eq!(
        (told[0].name, told[0].level, told[0].code),
        (
            EventName::SysMonitorEnabled,
            Level::Info,
            "key_set_available"
        )
    );

    let cache = JwksCache::builder("http://127.0.0.1:1/jwks?tenant=hidden")
        .fetch(HttpsJwksFetch::new().unwrap())
        .dangerous_http_jwks()
        .build()
        .unwrap();
    let error = cache.ready().await.unwrap_err();
    assert_eq!(
        error.kind(),
        tower_security::token::FetchErrorKind::Transport
    );
    let text = error.to_string();
    assert!(
        text.contains("refused") && !text.contains("hidden"),
        "{text}"
    );
}
