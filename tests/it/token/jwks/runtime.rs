//! The task, and the runtimes that it lives on.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::runtime::{Builder, Handle, Runtime};

use super::*;

/// Gives a set of one key at once. Panics as often as it is told to before.
#[derive(Clone, Debug, Default)]
struct Scripted {
    calls: Arc<AtomicUsize>,
    panics: usize,
}

impl JwksFetch for Scripted {
    fn fetch(
        &self,
        _: &Uri,
        _: Option<&str>,
    ) -> Pin<Box<dyn Future<Output = Result<JwksReply, FetchError>> + Send + 'static>> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let panics = self.panics;
        Box::pin(async move {
            assert!(call >= panics, "as it was told to");
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(JwksReply::new(StatusCode::OK, &headers, set_of(&["a"])))
        })
    }
}

fn cache(fetch: &Scripted, clock: &ManualClock) -> JwksCache {
    JwksCache::builder("https://login.example.com/jwks")
        .fetch(fetch.clone())
        .clock(clock.clone())
        .build()
        .unwrap()
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn outside_of_a_runtime_there_are_no_keys_and_no_panic() {
    let cache = cache(&Scripted::default(), &ManualClock::new());
    assert_eq!(kids(&cache), None);
    assert_eq!(ask_now(&cache, "a"), Some(Err(KeySourceError::Unavailable)));
    runtime().block_on(async {
        cache.ready().await.unwrap();
    });
    assert_eq!(kids(&cache), Some(vec!["a".to_owned()]));
    assert_eq!(ask_now(&cache, "b"), Some(Err(KeySourceError::NotFound)));
}

#[test]
fn a_cache_outlives_the_runtime_of_its_task() {
    let (fetch, clock) = (Scripted::default(), ManualClock::new());
    let cache = cache(&fetch, &clock);
    for round in 1..=3 {
        let _ = runtime().block_on(async { ask(&cache, &format!("unknown {round}")).await });
        assert_eq!(fetch.calls.load(Ordering::SeqCst), round);
        clock.advance(MINUTE);
    }
}

#[test]
fn a_fetch_that_no_runtime_got_to_is_made_on_the_next_one() {
    let (fetch, clock) = (Scripted::default(), ManualClock::new());
    let cache = cache(&fetch, &clock);
    runtime().block_on(async { cache.ready().await.unwrap() });
    clock.advance(5 * MINUTE);
    // The runtime ends before it has run the task.
    runtime().block_on(async { drop(cache.state()) });
    assert_eq!(fetch.calls.load(Ordering::SeqCst), 1);
    clock.advance(MINUTE);
    runtime().block_on(async {
        let _ = cache.state();
        pause().await;
    });
    assert_eq!(fetch.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_task_ends_with_the_last_clone() {
    let (fetch, clock) = (Scripted::default(), ManualClock::new());
    let cache = cache(&fetch, &clock);
    let tasks = || Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 0, "none before it is needed");
    cache.ready().await.unwrap();
    let clone = cache.clone();
    drop(cache);
    pause().await;
    assert_eq!(tasks(), 1);
    assert_eq!(Arc::strong_count(&fetch.calls), 2);
    drop(clone);
    assert_eq!(Arc::strong_count(&fetch.calls), 1);
    pause().await;
    assert_eq!(tasks(), 0);
}

#[tokio::test]
async fn the_task_ends_also_while_it_fetches() {
    let bed = Bed::new(Answer::json("").hang(provider::Hang::BeforeHead)).await;
    let _ = bed.cache.state();
    bed.provider.hit(1).await;
    let Bed {
        provider,
        cache,
        done,
        ..
    } = bed;
    assert_eq!(*done.borrow(), 0);
    // Now time passes when nobody has anything to do, and then at once.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    drop(cache);
    done.subscribe().wait_for(|done| *done == 1).await.unwrap();
    assert!(begun.elapsed() < SECOND, "it waited for the provider");
    assert_eq!(provider.hits(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_task_fetches_without_any_token() {
    let fetch = Scripted::default();
    let cache = JwksCache::builder("https://login.example.com/jwks")
        .fetch(fetch.clone())
        .clock(Tokio(tokio::time::Instant::now()))
        .build()
        .unwrap();
    cache.ready().await.unwrap();
    // Each 3.6 to 4.4 minutes.
    tokio::time::sleep(60 * MINUTE).await;
    let calls = fetch.calls.load(Ordering::SeqCst);
    assert!((14..=17).contains(&calls), "{calls} in an hour");
}

/// The paused clock of Tokio.
#[derive(Debug)]
struct Tokio(tokio::time::Instant);

impl tower_security::core::Clock for Tokio {
    fn now(&self) -> std::time::SystemTime {
        std::time::SystemTime::UNIX_EPOCH + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

#[tokio::test]
async fn a_fetcher_that_panics_is_a_failure_and_is_tried_again() {
    let fetch = Scripted {
        panics: 1,
        ..Scripted::default()
    };
    let clock = ManualClock::new();
    let log = Log::default();
    let cache = JwksCache::builder("https://login.example.com/jwks")
        .fetch(fetch.clone())
        .clock(clock.clone())
        .events(log.sink())
        .build()
        .unwrap();
    let error = cache.ready().await.unwrap_err();
    assert_eq!(
        error.kind(),
        tower_security::token::FetchErrorKind::Transport
    );
    let told = ("key_set_unavailable", Some("transport".to_owned()));
    assert_eq!(log.codes(), [told]);
    clock.advance(6 * SECOND);
    assert_eq!(kids(&cache), None, "and a fetch begins");
    assert_eq!(ask(&cache, "a").await, Ok(vec!["a".to_owned()]));
    assert_eq!(fetch.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn nothing_of_the_url_but_its_host_is_printed() {
    let clock = ManualClock::new();
    let cache = JwksCache::builder("https://login.example.com/hidden?key=hidden")
        .fetch(Scripted::default())
        .clock(clock)
        .build()
        .unwrap();
    let text = format!("{cache:?}");
    assert!(text.contains("login.example.com"), "{text}");
    assert!(!text.contains("hidden"), "{text}");
    assert_eq!(cache.url().path(), "/hidden");
}
