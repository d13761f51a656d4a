//! A provider that is away.

use super::provider::Hang;
use super::*;

fn down() -> Answer {
    Answer::new(503, "text/html", "<h1>down</h1>")
}

#[tokio::test]
async fn an_outage_of_20_minutes_is_not_noticed() {
    let bed = Bed::ready(Answer::keys(&["a"])).await;
    bed.provider.answer(down());
    let mut fetches = 1;
    for _ in 0..20 {
        bed.clock.advance(MINUTE);
        assert_eq!(kids(&bed.cache), Some(vec!["a".to_owned()]));
        pause().await;
        let hits = bed.provider.hits();
        bed.fetched(hits).await;
        fetches = hits;
    }
    assert!((4..=16).contains(&fetches), "{fetches} in 20 minutes");
    bed.provider.answer(Answer::keys(&["b"]));
    bed.renewed_after(6 * MINUTE, fetches + 1).await;
    assert_eq!(kids(&bed.cache), Some(vec!["b".to_owned()]));
}

#[tokio::test]
async fn keys_die_at_the_hard_ttl_and_come_back_with_their_provider() {
    let bed = Bed::ready(Answer::keys(&["a"])).await;
    bed.provider.answer(down());
    bed.renewed_after(60 * MINUTE - Duration::from_nanos(1), 2)
        .await;
    assert_eq!(kids(&bed.cache), Some(vec!["a".to_owned()]));
    assert_eq!(bed.log.take()[0].level, Level::Warn);

    bed.clock.advance(Duration::from_nanos(1));
    assert_eq!(kids(&bed.cache), None);
    let answer = ask_now(&bed.cache, "a");
    assert_eq!(answer, Some(Err(KeySourceError::Unavailable)), "not a 401");
    bed.clock.advance(30 * SECOND);
    assert_eq!(ask(&bed.cache, "a").await, Err(KeySourceError::Unavailable));
    assert_eq!(bed.provider.hits(), 3);
    assert_eq!(bed.log.take()[0].level, Level::Error);

    bed.provider.answer(Answer::keys(&["a"]));
    bed.clock.advance(30 * SECOND);
    assert_eq!(ask(&bed.cache, "a").await, Ok(vec!["a".to_owned()]));
    assert_eq!(kids(&bed.cache), Some(vec!["a".to_owned()]));
}

#[tokio::test]
async fn a_hard_ttl_of_ones_own_holds_on_both_sides() {
    let hard = |builder: JwksCacheBuilder| builder.hard_ttl(10 * MINUTE);
    let bed = Bed::with(Answer::keys(&["a"]).max_age(3_600), hard).await;
    bed.cache.ready().await.unwrap();
    bed.provider.answer(down());
    // Fresh for an hour, says the provider; nothing is fresh for longer than it lives.
    bed.renewed_after(9 * MINUTE, 2).await;
    assert_eq!(kids(&bed.cache), Some(vec!["a".to_owned()]));
    bed.clock.advance(MINUTE);
    assert_eq!(kids(&bed.cache), None);
}

#[tokio::test]
async fn failed_attempts_are_5_seconds_apart_then_more() {
    let bed = Bed::new(down()).await;
    let _ = bed.cache.state();
    bed.fetched(1).await;
    for (fetches, seconds) in [
        (2, 5),
        (3, 10),
        (4, 20),
        (5, 40),
        (6, 80),
        (7, 160),
        (8, 300),
        (9, 300),
    ] {
        bed.clock.advance(seconds * SECOND * 89 / 100);
        let _ = bed.cache.state();
        pause().await;
        assert_eq!(bed.provider.hits(), fetches - 1, "{seconds}: too soon");
        bed.renewed_after(seconds * SECOND * 22 / 100, fetches)
            .await;
    }
    let told = bed.log.take();
    assert_eq!(told.len(), 9);
    assert!(told.iter().all(|told| told.level == Level::Error));
}

#[tokio::test]
async fn a_provider_that_hangs_slows_no_known_key() {
    let bed = Bed::ready(Answer::keys(&["a"])).await;
    bed.provider.answer(Answer::json("").hang(Hang::BeforeHead));
    bed.clock.advance(5 * MINUTE);
    let _ = bed.cache.state();
    bed.provider.hit(2).await;
    // Nobody else runs while these are looked up: whoever had to wait would wait for ever.
    for _ in 0..10_000 {
        assert_eq!(kids(&bed.cache), Some(vec!["a".to_owned()]));
        let answer = ask_now(&bed.cache, "a");
        assert_eq!(answer, Some(Ok(vec!["a".to_owned()])));
    }
    assert_eq!(bed.provider.hits(), 2);
}

#[tokio::test]
async fn nobody_waits_longer_than_2_seconds() {
    let hanging = || Answer::json("").hang(Hang::BeforeHead);
    let rows = [
        ("no keys yet", false, KeySourceError::Unavailable),
        ("an unknown id", true, KeySourceError::NotFound),
    ];
    for (name, has_keys, expected) in rows {
        let bed = Bed::new(Answer::keys(&["a"])).await;
        if has_keys {
            bed.cache.ready().await.unwrap();
            bed.clock.advance(MINUTE);
        }
        bed.provider.answer(hanging());
        let cache = bed.cache.clone();
        let asking = tokio::spawn(async move {
            let answer = ask(&cache, "b").await;
            (answer, tokio::time::Instant::now())
        });
        bed.provider.hit(1 + usize::from(has_keys)).await;
        tokio::time::pause();
        let begun = tokio::time::Instant::now();
        let (answer, ended) = asking.await.unwrap();
        tokio::time::resume();
        assert_eq!(answer, Err(expected), "{name}");
        let took = ended - begun;
        assert!((SECOND..3 * SECOND).contains(&took), "{name}: {took:?}");
    }
}

#[tokio::test]
async fn a_thousand_wait_and_no_more() {
    let bed = Bed::new(Answer::keys(&["a"]).hang(Hang::BeforeHead)).await;
    let mut waiting: Vec<_> = (0..1_000)
        .map(|_| match bed.cache.refresh(Some("a")) {
            Lookup::Pending(asking) => asking,
            Lookup::Ready(answer) => panic!("{answer:?}"),
        })
        .collect();
    let one_more = ask_now(&bed.cache, "a");
    assert_eq!(one_more, Some(Err(KeySourceError::Unavailable)));

    // Whose client goes away makes room.
    drop(waiting.pop());
    let Lookup::Pending(asking) = bed.cache.refresh(Some("a")) else {
        panic!("there is room for one");
    };
    waiting.push(asking);
    bed.provider.hit(1).await;
    bed.provider.answer(Answer::keys(&["a"]));
    for asking in waiting {
        assert_eq!(ids(&asking.await.unwrap()), ["a"]);
    }
    assert_eq!(bed.provider.hits(), 1);
}

#[tokio::test]
async fn a_fetch_goes_on_without_who_caused_it() {
    let bed = Bed::new(Answer::keys(&["a"]).hang(Hang::BeforeHead)).await;
    let Lookup::Pending(asking) = bed.cache.refresh(Some("a")) else {
        panic!("there are no keys");
    };
    bed.provider.hit(1).await;
    drop(asking);
    bed.provider.answer(Answer::keys(&["a"]));
    bed.fetched(1).await;
    assert_eq!(kids(&bed.cache), Some(vec!["a".to_owned()]));
}
