//! Keys come and go.

use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, COOKIE, IF_NONE_MATCH, REFERER};

use super::*;

#[tokio::test]
async fn keys_are_there_when_a_service_starts_and_no_token_is_sent_for_them() {
    let bed = Bed::new(Answer::keys(&["a"])).await;
    assert_eq!(bed.provider.hits(), 0, "building asks nobody");
    bed.cache.ready().await.unwrap();
    assert_eq!(kids(&bed.cache), Some(vec!["a".to_owned()]));
    bed.cache.ready().await.unwrap();
    assert_eq!(bed.provider.hits(), 1, "there are keys already");

    let asked = bed.provider.asked();
    assert_eq!(asked[0].target, "/jwks?tenant=7");
    let headers = &asked[0].headers;
    assert_eq!(
        headers[ACCEPT],
        "application/jwk-set+json, application/json"
    );
    for name in [AUTHORIZATION, COOKIE, REFERER, IF_NONE_MATCH] {
        assert!(!headers.contains_key(&name), "{name}");
    }
}

#[tokio::test]
async fn the_first_tokens_wait_for_one_fetch() {
    let bed = Bed::new(Answer::keys(&["a"])).await;
    assert_eq!(kids(&bed.cache), None);
    let asking: Vec<_> = (0..100)
        .map(|_| {
            let cache = bed.cache.clone();
            tokio::spawn(async move { ask(&cache, "a").await })
        })
        .collect();
    for answer in asking {
        assert_eq!(answer.await.unwrap(), Ok(vec!["a".to_owned()]));
    }
    assert_eq!(bed.provider.hits(), 1);
    let answer = ask_now(&bed.cache, "a");
    assert_eq!(answer, Some(Ok(vec!["a".to_owned()])), "at hand");
}

#[tokio::test]
async fn a_token_without_a_key_id_waits_for_the_first_keys_and_for_no_newer_ones() {
    let bed = Bed::new(Answer::keys(&["a"])).await;
    let Lookup::Pending(asking) = bed.cache.refresh(None) else {
        panic!("there are no keys");
    };
    assert_eq!(ids(&asking.await.unwrap()), ["a"]);
    bed.clock.advance(MINUTE);
    let Lookup::Ready(answer) = bed.cache.refresh(None) else {
        panic!("no newer set makes one key of several");
    };
    assert_eq!(answer.unwrap_err(), KeySourceError::NotFound);
}

#[tokio::test]
async fn a_new_key_is_accepted_within_one_fetch() {
    let bed = Bed::ready(Answer::keys(&["a"])).await;
    let before = generation(&bed.cache);
    bed.provider.answer(Answer::keys(&["a", "b"]));

    // 30 seconds after the last attempt, and not a moment earlier.
    bed.clock.advance(30 * SECOND - Duration::from_nanos(1));
    let early = ask_now(&bed.cache, "b");
    assert_eq!(early, Some(Err(KeySourceError::NotFound)));
    bed.clock.advance(Duration::from_nanos(1));
    let both = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(ask(&bed.cache, "b").await, Ok(both.clone()));
    assert_eq!(bed.provider.hits(), 2);
    assert_eq!(kids(&bed.cache), Some(both));
    assert_ne!(generation(&bed.cache), before);
}

#[tokio::test]
async fn a_removed_key_is_refused_after_the_next_refresh() {
    let bed = Bed::ready(Answer::keys(&["a", "b"])).await;
    let before = generation(&bed.cache);
    bed.provider.answer(Answer::keys(&["b"]));
    bed.renewed_after(5 * MINUTE, 2).await;
    assert_eq!(kids(&bed.cache), Some(vec!["b".to_owned()]));
    assert_ne!(generation(&bed.cache), before);
    assert_eq!(
        ask_now(&bed.cache, "a"),
        Some(Err(KeySourceError::NotFound))
    );
}

#[tokio::test]
async fn the_only_key_without_an_id_serves_tokens_of_any_id() {
    let bed = Bed::new(Answer::json(format!(r#"{{"keys":[{{{P256}}}]}}"#))).await;
    assert_eq!(ask(&bed.cache, "any").await, Ok(vec![String::new()]));
    bed.clock.advance(MINUTE);
    assert_eq!(
        ask_now(&bed.cache, "other"),
        Some(Ok(vec![String::new()])),
        "no reason to ask the provider"
    );
}

#[tokio::test]
async fn the_same_keys_once_more_are_no_change() {
    let bed = Bed::ready(Answer::keys(&["a"])).await;
    let before = generation(&bed.cache);
    bed.renewed_after(5 * MINUTE, 2).await;
    assert_eq!(generation(&bed.cache), before);

    bed.provider.answer(Answer::keys(&["b"]));
    bed.renewed_after(5 * MINUTE, 3).await;
    assert_ne!(generation(&bed.cache), before);
}

/// The refresh falls between 72 and 88 % of the time that keys are fresh.
#[tokio::test]
async fn keys_are_fetched_anew_at_80_percent_of_what_the_provider_says() {
    let keys = || Answer::keys(&["a"]);
    let rows = [
        ("by default 5 minutes", keys(), 300),
        ("as it says", keys().max_age(600), 600),
        (
            "as it says",
            keys().header(CACHE_CONTROL, "public, max-age=900"),
            900,
        ),
        ("not sooner than a minute", keys().max_age(0), 60),
        ("not sooner than a minute", keys().max_age(59), 60),
        ("not later than an hour", keys().max_age(86_400), 3_600),
        ("no age", keys().header(CACHE_CONTROL, "no-cache"), 300),
    ];
    for (name, answer, seconds) in rows {
        let bed = Bed::ready(answer).await;
        bed.clock.advance(seconds * SECOND * 71 / 100);
        let _ = bed.cache.state();
        pause().await;
        assert_eq!(bed.provider.hits(), 1, "{name}, {seconds}: too soon");
        bed.renewed_after(seconds * SECOND * 18 / 100, 2).await;
    }
}

#[tokio::test]
async fn a_soft_ttl_of_ones_own_holds_where_the_provider_says_nothing() {
    let soft = |builder: JwksCacheBuilder| builder.soft_ttl(30 * MINUTE);
    for (answer, minutes) in [
        (Answer::keys(&["a"]), 30),
        (Answer::keys(&["a"]).max_age(600), 10),
    ] {
        let bed = Bed::with(answer, soft).await;
        bed.cache.ready().await.unwrap();
        bed.clock.advance(minutes * MINUTE * 71 / 100);
        let _ = bed.cache.state();
        pause().await;
        assert_eq!(bed.provider.hits(), 1, "{minutes}");
        bed.renewed_after(minutes * MINUTE * 18 / 100, 2).await;
    }
}

#[tokio::test]
async fn keys_that_have_not_changed_are_not_sent_again() {
    let bed = Bed::ready(Answer::keys(&["a"]).etag("\"1\"").max_age(600)).await;
    let before = generation(&bed.cache);
    let _ = bed.provider.asked();
    for fetches in 2..10 {
        bed.renewed_after(10 * MINUTE, fetches).await;
        let asked = bed.provider.asked();
        assert_eq!(asked[0].headers[IF_NONE_MATCH], "\"1\"");
        assert_eq!(kids(&bed.cache), Some(vec!["a".to_owned()]), "{fetches}");
    }
    assert_eq!(generation(&bed.cache), before);
    assert_eq!(bed.log.take(), []);

    bed.provider.answer(Answer::keys(&["b"]).etag("\"2\""));
    bed.renewed_after(10 * MINUTE, 10).await;
    assert_eq!(kids(&bed.cache), Some(vec!["b".to_owned()]));
}
