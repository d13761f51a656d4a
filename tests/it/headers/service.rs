//! The layer as a Tower service: readiness, errors, clones, and what its types can do.

use std::fmt::Debug;
use std::future::{Pending, pending};
use std::mem::size_of;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{Request, Response};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_security::SecurityHeadersLayer;
use tower_security::headers::{
    AgentCluster, Allow, Banner, CachePolicy, ClearSiteData, Coep, Coop, Corp, Feature,
    FeatureProblem, FrameOptions, HeadersConfigError, IntegrityPolicy, PermissionsPolicy, Preset,
    ReferrerPolicy, ResponseFuture, SecurityHeaders, SecurityHeadersBuilder, WeakReferrerPolicy,
};
use tower_test::mock;

/// No bound on the body: neither `Body` nor `Default`.
#[derive(Debug, PartialEq)]
struct Opaque;

#[tokio::test]
async fn any_body_passes() {
    let service =
        SecurityHeadersLayer::api().layer(service_fn(async |request: Request<Opaque>| {
            Ok::<_, &str>(Response::new(request.into_body()))
        }));
    let answer = ServiceExt::<Request<Opaque>>::oneshot(service, Request::new(Opaque));
    let answer = answer.await.unwrap();
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(*answer.body(), Opaque);
}

#[tokio::test]
async fn an_error_is_handed_on() {
    let service = SecurityHeadersLayer::api().layer(service_fn(async |_: Request<()>| {
        Err::<Response<()>, _>("broken")
    }));
    let answer = ServiceExt::<Request<()>>::oneshot(service, Request::new(())).await;
    assert_eq!(answer.unwrap_err(), "broken");
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let layer = SecurityHeadersLayer::web();
    let (mut service, mut handle) = mock::spawn_layer::<Request<u8>, Response<u8>, _>(layer);
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
    let answer = service.call(Request::new(1));
    let respond = async {
        let (request, responder) = handle.next_request().await.unwrap();
        assert_eq!(*request.body(), 1);
        responder.send_response(Response::new(2));
    };
    let (answer, ()) = tokio::join!(answer, respond);
    let answer = answer.unwrap();
    assert_eq!(*answer.body(), 2);
    assert_eq!(answer.headers()["x-frame-options"], "DENY");
    assert!(service.poll_ready().is_pending());
}

#[test]
fn a_pending_answer_stays_pending() {
    let mut service = SecurityHeadersLayer::web().layer(service_fn(
        |_: Request<()>| -> Pending<Result<Response<()>, ()>> { pending() },
    ));
    let mut answer = pin!(service.call(Request::new(())));
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(answer.as_mut().poll(&mut context), Poll::Pending));
}

#[test]
fn the_service_is_one_pointer_and_the_future_two_words() {
    assert_eq!(size_of::<SecurityHeaders<()>>(), size_of::<usize>());
    assert_eq!(size_of::<SecurityHeadersLayer>(), size_of::<usize>());
    assert_eq!(
        size_of::<ResponseFuture<[u64; 4]>>(),
        size_of::<[u64; 4]>() + 2 * size_of::<usize>()
    );
}

fn layer<T: Debug + Clone + Send + Sync + Unpin + 'static>() {}
fn value<T: Debug + Send + Sync + Unpin + 'static>() {}
fn vocabulary<T: Debug + Clone + PartialEq + Send + Sync + Unpin + 'static>() {}

#[test]
fn every_type_crosses_threads_and_can_be_printed() {
    layer::<SecurityHeadersLayer>();
    layer::<SecurityHeadersBuilder>();
    layer::<SecurityHeaders<u8>>();
    value::<ResponseFuture<std::future::Ready<u8>>>();
    vocabulary::<AgentCluster>();
    vocabulary::<Allow>();
    vocabulary::<Banner>();
    vocabulary::<CachePolicy>();
    vocabulary::<ClearSiteData>();
    vocabulary::<Coep>();
    vocabulary::<Coop>();
    vocabulary::<Corp>();
    vocabulary::<Feature>();
    vocabulary::<FeatureProblem>();
    vocabulary::<FrameOptions>();
    vocabulary::<HeadersConfigError>();
    vocabulary::<IntegrityPolicy>();
    vocabulary::<PermissionsPolicy>();
    vocabulary::<Preset>();
    vocabulary::<ReferrerPolicy>();
    vocabulary::<WeakReferrerPolicy>();
}
