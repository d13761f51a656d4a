//! Key ids that nobody has.

use super::*;

#[tokio::test]
async fn ten_thousand_made_up_ids_cause_one_fetch_more() {
    let bed = Bed::ready(Answer::keys(&["a"])).await;
    bed.clock.advance(MINUTE);
    // 10 seconds, from four callers at once.
    let mut refused = 0;
    for burst in 0..2_500 {
        let asking: Vec<_> = (0..4)
            .map(|caller| {
                let cache = bed.cache.clone();
                let kid = format!("{:x}", (burst * 4 + caller) * 0x9e37_79b9_u64);
                tokio::spawn(async move { ask(&cache, &kid).await })
            })
            .collect();
        for answer in asking {
            assert_eq!(answer.await.unwrap(), Err(KeySourceError::NotFound));
            refused += 1;
        }
        assert_eq!(kids(&bed.cache), Some(vec!["a".to_owned()]));
        bed.clock.advance(Duration::from_millis(4));
    }
    assert_eq!(refused, 10_000);
    assert_eq!(bed.provider.hits(), 2);
    assert_eq!(bed.log.take(), []);
}

#[tokio::test]
async fn a_flood_that_goes_on_causes_one_fetch_each_interval() {
    let interval = |builder: JwksCacheBuilder| builder.min_interval(20 * SECOND);
    let bed = Bed::with(Answer::keys(&["a"]).max_age(3_600), interval).await;
    bed.cache.ready().await.unwrap();
    for second in 1..=600 {
        bed.clock.advance(SECOND);
        let kid = format!("made up {second}");
        assert_eq!(ask(&bed.cache, &kid).await, Err(KeySourceError::NotFound));
    }
    assert_eq!(bed.provider.hits(), 1 + 600 / 20);
}

#[tokio::test]
async fn an_id_that_was_looked_for_in_vain_is_not_looked_for_again_within_30_seconds() {
    let interval = |builder: JwksCacheBuilder| builder.min_interval(10 * SECOND);
    let bed = Bed::with(Answer::keys(&["a"]), interval).await;
    bed.cache.ready().await.unwrap();
    bed.clock.advance(10 * SECOND);
    assert_eq!(ask(&bed.cache, "x").await, Err(KeySourceError::NotFound));
    assert_eq!(bed.provider.hits(), 2);

    bed.clock.advance(30 * SECOND - Duration::from_nanos(1));
    let again = ask_now(&bed.cache, "x");
    assert_eq!(again, Some(Err(KeySourceError::NotFound)));
    assert_eq!(bed.provider.hits(), 2);
    bed.clock.advance(Duration::from_nanos(1));
    assert_eq!(ask(&bed.cache, "x").await, Err(KeySourceError::NotFound));
    assert_eq!(bed.provider.hits(), 3);

    // Another one is looked for as soon as the interval is over.
    bed.clock.advance(10 * SECOND);
    assert_eq!(ask(&bed.cache, "y").await, Err(KeySourceError::NotFound));
    assert_eq!(bed.provider.hits(), 4);
}

#[tokio::test]
async fn an_id_is_not_held_against_a_provider_that_was_away() {
    let interval = |builder: JwksCacheBuilder| builder.min_interval(10 * SECOND);
    let bed = Bed::with(Answer::keys(&["a"]), interval).await;
    bed.cache.ready().await.unwrap();
    bed.provider.answer(Answer::new(500, "text/html", ""));
    bed.clock.advance(10 * SECOND);
    assert_eq!(ask(&bed.cache, "b").await, Err(KeySourceError::NotFound));
    bed.provider.answer(Answer::keys(&["a", "b"]));
    bed.clock.advance(10 * SECOND);
    let both = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(ask(&bed.cache, "b").await, Ok(both));
}
