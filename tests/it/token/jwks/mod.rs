//! Keys of an identity provider: a real one on loopback, and one that says what it is told to.

mod config;
mod example;
mod https;
mod layer;
mod outage;
mod provider;
mod replies;
mod rotation;
mod runtime;
mod unknown_kids;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Uri;
use tokio::sync::watch;
use tower_security::core::{EventName, Level, Lookup, ManualClock, Outcome, SecurityEvent};
use tower_security::token::{
    FetchError, HttpsJwksFetch, JwksCache, JwksCacheBuilder, JwksFetch, JwksReply, KeySnapshot,
    KeySource, KeySourceError, KeyState,
};

pub(crate) use provider::{Answer, Provider};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Public keys of RFC 7515 A.3 (P-256) and RFC 8037 A.2 (Ed25519), without braces.
pub(crate) const P256: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
pub(crate) const ED25519: &str =
    r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

/// A set of one P-256 key under each of these ids.
pub(crate) fn set_of(kids: &[&str]) -> String {
    let keys: Vec<_> = kids
        .iter()
        .map(|kid| format!(r#"{{{P256},"alg":"ES256","use":"sig","kid":"{kid}"}}"#))
        .collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) name: EventName,
    pub(crate) level: Level,
    pub(crate) outcome: Outcome,
    pub(crate) code: &'static str,
    pub(crate) rule: Option<String>,
    pub(crate) whole: String,
}

/// Events, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Told>>>);

impl Log {
    fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
        let log = Arc::clone(&self.0);
        move |event| {
            assert_eq!(event.layer, "jwks");
            log.lock().unwrap().push(Told {
                name: event.name,
                level: event.level,
                outcome: event.outcome,
                code: event.code,
                rule: event.rule.as_deref().map(str::to_owned),
                whole: format!("{event:?}"),
            });
        }
    }

    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Codes and rules since the last look.
    fn codes(&self) -> Vec<(&'static str, Option<String>)> {
        self.take()
            .into_iter()
            .map(|told| (told.code, told.rule))
            .collect()
    }
}

/// Says how many fetches are over. The cache has taken the answer when a task that waits for it runs: no await stands in between.
struct Watched {
    fetch: HttpsJwksFetch,
    done: Arc<watch::Sender<usize>>,
}

impl JwksFetch for Watched {
    fn fetch(
        &self,
        url: &Uri,
        etag: Option<&str>,
    ) -> Pin<Box<dyn Future<Output = Result<JwksReply, FetchError>> + Send + 'static>> {
        let asking = self.fetch.fetch(url, etag);
        let over = Over(Arc::clone(&self.done));
        Box::pin(async move {
            let answer = asking.await;
            drop(over);
            answer
        })
    }
}

/// Counts also what is dropped.
struct Over(Arc<watch::Sender<usize>>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.send_modify(|done| *done += 1);
    }
}

/// A cache over a provider on loopback, its clock and what it tells.
struct Bed {
    provider: Provider,
    cache: JwksCache,
    clock: ManualClock,
    log: Log,
    done: Arc<watch::Sender<usize>>,
}

impl Bed {
    async fn new(answer: Answer) -> Self {
        Self::with(answer, |builder| builder).await
    }

    async fn with(
        answer: Answer,
        change: impl FnOnce(JwksCacheBuilder) -> JwksCacheBuilder,
    ) -> Self {
        let provider = Provider::start(answer).await;
        let (clock, log) = (ManualClock::new(), Log::default());
        let done = Arc::new(watch::Sender::new(0));
        let fetch = Watched {
            fetch: HttpsJwksFetch::new().unwrap(),
            done: Arc::clone(&done),
        };
        let builder = JwksCache::builder(provider.url())
            .fetch(fetch)
            .dangerous_http_jwks()
            .clock(clock.clone())
            .events(log.sink());
        let cache = change(builder).build().unwrap();
        Self {
            provider,
            cache,
            clock,
            log,
            done,
        }
    }

    /// One that has fetched its keys.
    async fn ready(answer: Answer) -> Self {
        let bed = Self::new(answer).await;
        bed.cache.ready().await.unwrap();
        assert_eq!(bed.provider.hits(), 1);
        assert_eq!(bed.log.take(), []);
        bed
    }

    /// Lets time pass and a token come; waits until so many fetches are over, of which this makes one.
    async fn renewed_after(&self, time: Duration, fetches: usize) {
        assert_eq!(self.provider.hits() + 1, fetches);
        self.clock.advance(time);
        let _ = self.cache.state();
        self.fetched(fetches).await;
    }

    /// Waits until so many fetches are over.
    async fn fetched(&self, times: usize) {
        let mut done = self.done.subscribe();
        done.wait_for(|done| *done >= times).await.unwrap();
        assert_eq!(self.provider.hits(), times);
    }
}

/// Lets the task of the cache run, if it has anything to do.
async fn pause() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Key ids that may be used now.
pub(crate) fn kids(cache: &JwksCache) -> Option<Vec<String>> {
    match cache.state() {
        KeyState::Ready(snapshot) => Some(ids(&snapshot)),
        KeyState::Missing => None,
        other => panic!("{other:?}"),
    }
}

fn ids(snapshot: &KeySnapshot) -> Vec<String> {
    let keys = snapshot.set().keys().iter();
    keys.map(|key| key.kid().unwrap_or_default().to_owned())
        .collect()
}

fn generation(cache: &JwksCache) -> u64 {
    match cache.state() {
        KeyState::Ready(snapshot) => snapshot.generation(),
        other => panic!("{other:?}"),
    }
}

/// Looks for a key as the verifier does with a token whose key id is in no set at hand.
async fn ask(cache: &JwksCache, kid: &str) -> Result<Vec<String>, KeySourceError> {
    let answer = match cache.refresh(Some(kid)) {
        Lookup::Ready(answer) => answer,
        Lookup::Pending(answer) => answer.await,
    };
    answer.map(|snapshot| ids(&snapshot))
}

/// As [`ask`], when nobody has to be waited for.
fn ask_now(cache: &JwksCache, kid: &str) -> Option<Result<Vec<String>, KeySourceError>> {
    match cache.refresh(Some(kid)) {
        Lookup::Ready(answer) => Some(answer.map(|snapshot| ids(&snapshot))),
        Lookup::Pending(_) => None,
    }
}
