//! Stores that have to ask somebody else, that fail, and that answer what nobody asked.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Full;
use tower::Layer;
use tower_security::core::{ConfigErrors, Refused, StoreError, StoreErrorKind};
use tower_security::rate_limit::key::{KeyHash, KeySeed};
use tower_security::rate_limit::login::{LoginAccount, LoginDimension, LoginThrottleLayer};
use tower_security::rate_limit::{
    Acquire, Charge, CounterSpec, MemoryCounter, MemoryStore, Nanos, OnStoreError, Quota, Receipt,
    Standing, Store,
};

use super::*;
use crate::support::service::{Spy, go};

/// A store that answers as it is told to.
#[derive(Clone, Debug, Default)]
struct Far {
    inner: MemoryStore,
    mode: Arc<AtomicU8>,
    calls: Arc<AtomicUsize>,
    nodes: Option<u32>,
}

const READY: u8 = 0;
const PENDING: u8 = 1;
const FAILED: u8 = 2;
const PENDING_FAILED: u8 = 3;
const TOO_FEW: u8 = 4;
const TOO_MANY: u8 = 5;
const NONE: u8 = 6;

impl Far {
    fn new(mode: u8) -> Self {
        let far = Self::default();
        far.set(mode);
        far
    }

    fn set(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }
}

fn gone() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "redis-2.internal")
}

impl Store for Far {
    type Counter = MemoryCounter;
    type Pending = Pin<Box<dyn Future<Output = Result<Vec<Standing>, StoreError>> + Send>>;

    fn key_seed(&self) -> KeySeed {
        self.inner.key_seed()
    }

    fn open(&self, spec: &CounterSpec<'_>) -> Arc<MemoryCounter> {
        self.inner.open(spec)
    }

    fn acquire(
        &self,
        now: Nanos,
        charges: &mut [Charge<'_, MemoryCounter>],
    ) -> Acquire<Self::Pending> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mode = self.mode.load(Ordering::SeqCst);
        if mode == FAILED {
            return Acquire::Failed(gone());
        }
        assert!(matches!(self.inner.acquire(now, charges), Acquire::Ready));
        if mode == READY {
            return Acquire::Ready;
        }
        let mut standings: Vec<_> = charges.iter().map(|charge| charge.standing).collect();
        Acquire::Pending(Box::pin(async move {
            // The answer is on its way.
            tokio::task::yield_now().await;
            match mode {
                PENDING_FAILED => return Err(gone()),
                TOO_FEW => drop(standings.pop()),
                TOO_MANY => standings.extend(standings.clone()),
                NONE => standings.clear(),
                _ => {}
            }
            Ok(standings)
        }))
    }

    fn refund(&self, now: Nanos, counter: &MemoryCounter, receipt: Receipt) {
        self.inner.refund(now, counter, receipt);
    }

    fn reset(&self, now: Nanos, counter: &MemoryCounter, key: KeyHash) {
        self.inner.reset(now, counter, key);
    }

    fn expected_nodes(&self) -> Option<u32> {
        self.nodes
    }

    fn config_errors(&self) -> Option<ConfigErrors> {
        self.inner.config_errors()
    }
}

fn over(
    far: &Far,
    change: impl FnOnce(LoginThrottleBuilder<Far>) -> LoginThrottleBuilder<Far>,
) -> (LoginThrottle<Far>, ManualClock, Log) {
    let (clock, log) = (ManualClock::new(), Log::default());
    let builder = LoginThrottle::builder(&SECRET[..])
        .clock(clock.clone())
        .events(log.sink())
        .store(far.clone());
    (change(builder).build().unwrap(), clock, log)
}

async fn attempt(throttle: &LoginThrottle<Far>, number: u32) -> Result<(), LoginRefusal> {
    let attempt = LoginAttempt::new("alice").ip(nth_client(number));
    throttle.begin(attempt).await.map(LoginGuard::failure)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_200_guesses_5_are_verified_when_the_store_is_far_away() {
    let (throttle, ..) = over(&Far::new(PENDING), |builder| builder);
    let guesses = (0..200).map(|number| {
        let throttle = throttle.clone();
        tokio::spawn(async move { attempt(&throttle, number).await })
    });
    let guesses: Vec<_> = guesses.collect();
    let mut verified = 0;
    for guess in guesses {
        verified += usize::from(guess.await.unwrap().is_ok());
    }
    assert_eq!(verified, 5);
}

#[tokio::test]
async fn a_far_store_is_asked_once_and_for_a_distrusted_device_twice() {
    let far = Far::new(PENDING);
    let (throttle, ..) = over(&far, |builder| {
        builder.device_failures(Quota::new(1, minutes(15)))
    });
    let guard = throttle
        .begin(LoginAttempt::new("alice").ip(nth_client(0)))
        .await
        .unwrap();
    let line = guard.success().unwrap();
    let cookie = cookie_value(line.to_str().unwrap());
    assert_eq!(far.calls.swap(0, Ordering::SeqCst), 1);
    for (is_trusted, calls) in [(true, 1), (false, 2)] {
        let attempt = LoginAttempt::new("alice").ip(nth_client(1)).device(&cookie);
        let guard = throttle.begin(attempt).await.unwrap();
        assert_eq!(guard.is_trusted(), is_trusted);
        assert_eq!(far.calls.swap(0, Ordering::SeqCst), calls);
    }
}

#[tokio::test]
async fn an_attempt_that_is_dropped_while_the_store_is_asked_stays_charged() {
    let (throttle, ..) = over(&Far::new(PENDING), |builder| builder);
    for number in 0..5 {
        drop(throttle.begin(LoginAttempt::new("alice").ip(nth_client(number))));
    }
    assert_eq!(attempt(&throttle, 9).await.unwrap_err().retry_after(), 1);
}

#[tokio::test]
async fn a_store_that_is_away_refuses_if_it_was_told_to() {
    for mode in [FAILED, PENDING_FAILED, TOO_FEW, TOO_MANY, NONE] {
        let far = Far::new(mode);
        let (throttle, _, log) = over(&far, |builder| builder.on_store_error(OnStoreError::Deny));
        let refusal = attempt(&throttle, 0).await.unwrap_err();
        assert_eq!(refusal, LoginRefusal::StoreUnavailable, "{mode}");
        assert_eq!((refusal.dimension(), refusal.retry_after()), (None, 1));
        let told = log.take();
        assert_eq!((told.len(), told[0].code), (1, "rate_store_unavailable"));
        assert_eq!(told[0].name, EventName::SysMonitorDisabled);
        assert!(told[0].detail.as_deref().unwrap().contains("instead=deny"));
        assert!(!throttle.counts_locally());
        far.set(READY);
        assert_eq!(attempt(&throttle, 1).await, Ok(()));
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_counted_for_here() {
    for mode in [FAILED, PENDING_FAILED, TOO_FEW, TOO_MANY, NONE] {
        for (fraction, free) in [(None, 5), (Some(1.0), 5), (Some(0.5), 2), (Some(0.01), 1)] {
            let (throttle, clock, _) = over(&Far::new(mode), |builder| {
                builder.on_store_error(OnStoreError::Local { fraction })
            });
            assert!(throttle.counts_locally());
            let mut verified = 0;
            for number in 0..20 {
                verified += usize::from(attempt(&throttle, number).await.is_ok());
            }
            assert_eq!(verified, free, "{mode} {fraction:?}");
            clock.advance(seconds(1));
            assert_eq!(attempt(&throttle, 30).await, Ok(()), "{mode} {fraction:?}");
            throttle.unlock("alice");
            assert_eq!(attempt(&throttle, 31).await, Ok(()), "{mode} {fraction:?}");
        }
    }
}

#[tokio::test]
async fn each_of_several_nodes_has_its_part_of_a_budget_while_the_store_is_away() {
    for (nodes, free) in [(None, 5), (Some(1), 5), (Some(2), 2), (Some(100), 1)] {
        let far = Far {
            nodes,
            ..Far::new(FAILED)
        };
        let (throttle, ..) = over(&far, |builder| builder);
        let mut verified = 0;
        for number in 0..20 {
            verified += usize::from(attempt(&throttle, number).await.is_ok());
        }
        assert_eq!(verified, free, "{nodes:?}");
    }
}

#[tokio::test]
async fn an_address_has_its_part_while_the_store_is_away() {
    let (throttle, ..) = over(&Far::new(FAILED), |builder| {
        builder
            .on_store_error(OnStoreError::Local {
                fraction: Some(0.5),
            })
            .spray(100, minutes(10), minutes(15))
    });
    let mut verified = 0;
    while fail(&throttle, &format!("user{verified}"), client("203.0.113.9")).is_ok() {
        verified += 1;
    }
    assert_eq!(verified, 15);
    assert_eq!(
        fail(&throttle, "alice", client("203.0.113.9")),
        Err(60),
        "half as many, half as fast"
    );
}

#[tokio::test]
async fn a_trusted_device_is_one_while_the_store_is_away() {
    let far = Far::new(READY);
    let (throttle, ..) = over(&far, |builder| builder);
    let cookie = succeed(&throttle, "alice", nth_client(0));
    far.set(FAILED);
    while attempt(&throttle, 1).await.is_ok() {}
    for (failure, is_trusted) in (0..11).map(|failure| (failure, failure < 10)) {
        let attempt = LoginAttempt::new("alice").ip(nth_client(2)).device(&cookie);
        let guard = throttle.begin(attempt).await;
        assert_eq!(
            guard.is_ok_and(|guard| guard.is_trusted()),
            is_trusted,
            "{failure}"
        );
    }
    // A success that is counted here takes its charge back here.
    far.set(READY);
    assert_eq!(
        attempt(&throttle, 3).await,
        Ok(()),
        "the store counts again, by its own"
    );
}

#[tokio::test]
async fn a_success_forgets_the_failures_in_a_row_on_both_sides_of_an_outage() {
    // Where the two failures are counted, and where the success is.
    for (failures, success) in [(READY, FAILED), (FAILED, READY)] {
        let far = Far::new(failures);
        let (throttle, ..) = over(&far, |builder| builder.hard_bound(3));
        for number in 0..2 {
            assert_eq!(attempt(&throttle, number).await, Ok(()));
        }
        far.set(success);
        succeed(&throttle, "alice", nth_client(2));
        far.set(failures);
        for number in 3..6 {
            assert_eq!(attempt(&throttle, number).await, Ok(()), "{number}");
        }
        let refusal = attempt(&throttle, 6).await.unwrap_err();
        assert_eq!(refusal.dimension(), Some(LoginDimension::AccountLock));
    }
}

#[tokio::test]
async fn a_device_that_is_trusted_no_more_is_refused_for_a_spray_while_the_store_is_away() {
    let far = Far::new(READY);
    let (throttle, ..) = over(&far, |builder| {
        builder
            .device_failures(Quota::new(1, minutes(15)))
            .spray(2, minutes(10), minutes(15))
    });
    let office = client("203.0.113.9");
    let cookie = succeed(&throttle, "alice", office);
    far.set(FAILED);
    let begin = || throttle.begin(LoginAttempt::new("alice").ip(office).device(&cookie));
    assert!(begin().await.unwrap().is_trusted());
    assert_eq!(fail(&throttle, "bob", office), Ok(()));
    let refusal = begin().await.unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::Spray));
}

#[tokio::test]
async fn a_success_while_the_store_is_away_takes_its_own_charge_back() {
    let (throttle, ..) = over(&Far::new(FAILED), |builder| builder);
    for _ in 0..20 {
        let attempt = LoginAttempt::new("alice").ip(nth_client(0));
        assert!(throttle.begin(attempt).await.unwrap().success().is_some());
    }
    for number in 0..5 {
        assert_eq!(attempt(&throttle, number).await, Ok(()));
    }
    assert!(attempt(&throttle, 9).await.is_err());
}

#[tokio::test]
async fn an_outage_is_told_once_a_minute_with_the_words_of_the_store() {
    let (throttle, clock, log) = over(&Far::new(FAILED), |builder| {
        builder.on_store_error(OnStoreError::Deny)
    });
    for _ in 0..50 {
        assert!(attempt(&throttle, 0).await.is_err());
    }
    clock.advance(minutes(1));
    assert!(attempt(&throttle, 0).await.is_err());
    let details: Vec<_> = log
        .take()
        .into_iter()
        .filter_map(|told| told.detail)
        .collect();
    assert_eq!(
        details,
        [
            "suppressed=0 instead=deny store=redis-2.internal",
            "suppressed=49 instead=deny store=redis-2.internal",
        ]
    );
}

fn request(content_type: &'static str) -> Request<Full<Bytes>> {
    let mut request = Request::post("/login").body(Full::default()).unwrap();
    let content_type = HeaderValue::from_static(content_type);
    request.headers_mut().insert("content-type", content_type);
    request.extensions_mut().insert(LoginAccount::new("alice"));
    request.extensions_mut().insert(nth_client(0));
    request
}

#[tokio::test]
async fn the_layer_answers_503_and_calls_nobody() {
    for mode in [FAILED, PENDING_FAILED] {
        let (throttle, ..) = over(&Far::new(mode), |builder| {
            builder.on_store_error(OnStoreError::Deny)
        });
        let layer = LoginThrottleLayer::new(throttle);
        let spy = Spy::new();
        let answer = go(layer.layer(spy.clone()), request("text/plain")).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()["retry-after"], "1");
        let refused = answer.extensions().get::<Refused>().unwrap();
        assert_eq!(
            (refused.code(), refused.abuse()),
            ("rate_store_unavailable", None)
        );
        let answer = go(layer.layer(spy.clone()), request("application/grpc")).await;
        assert_eq!(answer.headers()["grpc-status"], "14");
        assert_eq!(answer.headers()["grpc-retry-pushback-ms"], "1000");
        assert_eq!(spy.calls(), 0);
    }
}

#[tokio::test]
async fn the_layer_waits_for_a_far_store_and_calls_the_service_that_was_ready() {
    let (throttle, ..) = over(&Far::new(PENDING), |builder| builder);
    let layer = LoginThrottleLayer::new(throttle);
    let spy = Spy::new().status(StatusCode::UNAUTHORIZED);
    // Its clones are not ready: calling one of them would panic.
    let service = tower::limit::ConcurrencyLimit::new(spy.clone(), 1);
    for status in [401, 401, 401, 401, 401, 429] {
        let answer = go(layer.layer(service.clone()), request("text/plain")).await;
        assert_eq!(answer.status().as_u16(), status);
    }
    assert_eq!(spy.calls(), 5);
}

#[tokio::test]
async fn a_login_through_the_layer_over_a_far_store_gets_its_cookie() {
    let (throttle, ..) = over(&Far::new(PENDING), |builder| builder);
    let layer = LoginThrottleLayer::new(throttle).success_when(|answer| answer.status == 200);
    for _ in 0..20 {
        let answer = go(layer.layer(Spy::new()), request("text/plain")).await;
        assert!(answer.headers().contains_key("set-cookie"));
    }
}
