//! Decisions that are waited for.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_security::auth::{AuthLayer, Authenticator, Decision, Presence};
use tower_security::core::{ChallengeScheme, Lookup};

use super::ways::{Seen, alice, builder, get};
use crate::support::service::{Spy, go};

#[tokio::test]
async fn a_slow_decision_admits_and_refuses_as_a_quick_one() {
    let seen = Seen::default();
    let layer = builder().build().unwrap();
    let answer = go(layer.layer(seen.clone()), get(&[("x-test", "slow")])).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(seen.take(), [Some("alice".to_owned())]);
    let answer = go(layer.layer(seen.clone()), get(&[("x-test", "slow-bad")])).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(seen.take(), []);
}

/// As `tower::limit`: ready for one call, and a clone is not.
#[derive(Debug, Default)]
struct Strict {
    is_ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self {
            is_ready: false,
            calls: Arc::clone(&self.calls),
        }
    }
}

impl<B> Service<Request<B>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(self.is_ready, "called before it was ready");
        self.is_ready = false;
        self.calls.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::new(Full::default())))
    }
}

#[tokio::test]
async fn the_inner_service_that_is_ready_is_called() {
    let strict = Strict::default();
    let mut service = builder().build().unwrap().layer(strict.clone());
    for test in ["good", "slow", "bad", "slow-bad", "slow"] {
        std::future::poll_fn(|cx| Service::<Request<Full<Bytes>>>::poll_ready(&mut service, cx))
            .await
            .unwrap();
        service.call(get(&[("x-test", test)])).await.unwrap();
    }
    assert_eq!(strict.calls.load(Ordering::SeqCst), 3);
}

/// Never answers, and says whether it was dropped.
#[derive(Clone, Debug)]
struct Hanging(Arc<()>);

impl Authenticator for Hanging {
    fn presence(&self, _: &Parts) -> Presence {
        Presence::Explicit
    }

    fn authenticate(&self, _: &Parts) -> Decision {
        let question = Arc::clone(&self.0);
        let answer = async move {
            std::future::pending::<()>().await;
            drop(question);
            Ok(alice())
        };
        // What a store gives is not boxed again.
        Decision::from(Lookup::pending(answer))
    }

    fn scheme(&self) -> ChallengeScheme {
        ChallengeScheme::bearer()
    }
}

#[test]
fn a_client_that_goes_away_takes_its_question_along() {
    let question = Arc::new(());
    let way = Hanging(Arc::clone(&question));
    let layer = AuthLayer::builder().authenticator(way).build().unwrap();
    let spy = Spy::new();
    let mut service = layer.layer(spy.clone());
    let mut context = Context::from_waker(Waker::noop());
    let mut call = Box::pin(service.call(get(&[])));
    assert!(call.as_mut().poll(&mut context).is_pending());
    assert!(call.as_mut().poll(&mut context).is_pending());
    assert_eq!(Arc::strong_count(&question), 3);
    drop(call);
    assert_eq!(Arc::strong_count(&question), 2);
    assert_eq!(spy.calls(), 0);
}

/// Bodies that threads cannot share, such as hyper's in some clients, may still be sent to another thread.
#[test]
fn a_body_need_not_be_shared() {
    struct Body(#[expect(dead_code, reason = "what keeps it from being shared")] Cell<u8>);
    fn sent<T: Send>(_: &T) {}

    let mut service = builder().build().unwrap().layer(Spy::new());
    sent(&service.call(Request::new(Body(Cell::new(0)))));
}

#[test]
fn a_decision_follows_from_a_result() {
    assert!(matches!(Ok(alice()).into(), Decision::Granted(_)));
    let ready = Lookup::Ready(Ok(alice()));
    assert!(matches!(ready.into(), Decision::Granted(_)));
    let pending = Decision::pending(async { Ok(alice()) });
    assert_eq!(format!("{pending:?}"), "Pending(PendingDecision(..))");
}
