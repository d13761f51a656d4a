//! The task that fetches: one for each cache, until the cache is dropped.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::error::{FetchError, FetchErrorKind};
use super::fetch::JwksReply;
use super::shared::{Shared, Step};

/// For connecting, asking and reading the answer together.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// Fetches when it is time to, or when it is woken to do so.
pub(super) async fn run(cache: Weak<Shared>, wake: Arc<Notify>) {
    loop {
        let Some(shared) = cache.upgrade() else {
            return;
        };
        let step = shared.step();
        // Whoever keeps it while waiting would keep the cache alive.
        drop(shared);
        match step {
            Step::Fetch => fetch(&cache).await,
            Step::Wait(rest) => drop(timeout(rest, wake.notified()).await),
        }
    }
}

async fn fetch(cache: &Weak<Shared>) {
    let mut landing = Landing {
        cache,
        answer: None,
    };
    let Some(shared) = cache.upgrade() else {
        return;
    };
    let etag = shared.etag();
    let settings = &shared.settings;
    let asking = settings.fetch.fetch(&settings.url, etag.as_deref());
    drop(shared);
    let answer = timeout(LIMIT, asking).await.unwrap_or_else(|_| {
        let text = "no whole answer within 5 seconds";
        Err(FetchError::new(FetchErrorKind::Timeout, text))
    });
    landing.answer = Some(answer);
}

/// Ends a fetch, also one that its fetcher has panicked in, or whose runtime is gone: else nobody would ever fetch again.
struct Landing<'a> {
    cache: &'a Weak<Shared>,
    answer: Option<Result<JwksReply, FetchError>>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let Some(shared) = self.cache.upgrade() else {
            return;
        };
        shared.land(self.answer.take().unwrap_or_else(|| {
            let text = "the fetcher has panicked, or its runtime has ended";
            Err(FetchError::new(FetchErrorKind::Transport, text))
        }));
    }
}
