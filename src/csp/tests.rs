//! What needs the inside of the room: a source of randomness that fails, and the size of futures.

use std::convert::Infallible;
use std::mem::size_of;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::nonce::tests::without_randomness;
use super::*;
use crate::core::{
    Context as StackContext, LedgerBits, RequestContext, RequestId, SecurityEvent, Shared,
};

const ROUTE: &str = "default-src 'none'; base-uri 'none'; script-src 'nonce-{}'";
const ROUTE_TWIN: &str = "default-src 'none'; base-uri 'none'; script-src 'none'";

type Told = Arc<Mutex<Vec<String>>>;

fn sink(told: &Told) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
    let told = Arc::clone(told);
    move |event: &SecurityEvent<'_>| {
        let line = format!(
            "{} {} {} {} {} {}",
            event.level.as_str(),
            event.layer,
            event.name,
            event.code,
            event.outcome.as_str(),
            event
                .request_id
                .map(ToString::to_string)
                .unwrap_or_default()
        );
        told.lock().unwrap().push(line);
    }
}

fn take(told: &Told) -> Vec<String> {
    std::mem::take(&mut told.lock().unwrap())
}

/// Answers with a page and says in a header whether it has seen a nonce.
#[derive(Clone)]
struct Page;

impl Service<Request<()>> for Page {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let mut response = Response::new(());
        let seen = CspNonce::from_extensions(request.extensions()).is_some();
        let seen = HeaderValue::from_static(if seen { "yes" } else { "no" });
        response.headers_mut().insert("x-nonce", seen);
        let html = HeaderValue::from_static("text/html");
        response.headers_mut().insert(CONTENT_TYPE, html);
        std::future::ready(Ok(response))
    }
}

fn go<S>(mut service: S, request: Request<()>) -> Response<()>
where
    S: Service<Request<()>, Response = Response<()>, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    match pin!(service.call(request)).poll(&mut context) {
        Poll::Ready(Ok(response)) => response,
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("it is ready at once"),
    }
}

fn policy(text: &str) -> CspPolicy {
    Csp::parse(text).build().unwrap()
}

fn header<'a>(response: &'a Response<()>, name: &http::HeaderName) -> Option<&'a str> {
    response.headers().get(name).map(|v| v.to_str().unwrap())
}

fn seen(response: &Response<()>) -> &str {
    response.headers()["x-nonce"].to_str().unwrap()
}

const EVENT: &str = "error csp crypt_encrypt_fail nonce_unavailable fault ";

#[test]
fn without_randomness_the_twin_is_sent_and_told_of() {
    let told = Told::default();
    let builder = CspLayer::builder()
        .enforce(policy(ROUTE))
        .events(sink(&told));
    let service = builder.build().unwrap().layer(Page);
    // The warnings about the policy.
    take(&told);

    let answer = without_randomness(|| go(service.clone(), Request::new(())));
    assert_eq!(header(&answer, &CONTENT_SECURITY_POLICY), Some(ROUTE_TWIN));
    assert_eq!(header(&answer, &CACHE_CONTROL), None);
    assert_eq!(seen(&answer), "no");
    assert_eq!(take(&told), [EVENT]);

    // The next request has one again.
    let answer = go(service, Request::new(()));
    assert_ne!(header(&answer, &CONTENT_SECURITY_POLICY), Some(ROUTE_TWIN));
    assert_eq!(header(&answer, &CACHE_CONTROL), Some("no-store"));
    assert_eq!(seen(&answer), "yes");
    assert_eq!(take(&told), [""; 0]);
}

#[test]
fn without_randomness_a_static_policy_is_sent_as_ever() {
    let told = Told::default();
    let builder = CspLayer::builder()
        .enforce(policy(ROUTE_TWIN))
        .events(sink(&told));
    let service = builder.build().unwrap().layer(Page);
    // The warnings about the policy.
    take(&told);
    let answer = without_randomness(|| go(service, Request::new(())));
    assert_eq!(header(&answer, &CONTENT_SECURITY_POLICY), Some(ROUTE_TWIN));
    assert_eq!(take(&told), [""; 0]);
}

#[test]
fn without_randomness_a_route_sends_the_twin_and_the_stack_hears_of_it() {
    let told = Told::default();
    let id = RequestId::parse(b"request-1");
    let request = || {
        let shared = Shared::new(Some(Arc::new(sink(&told))), None, None);
        let mut request = Request::new(());
        request
            .extensions_mut()
            .insert(RequestContext::new(StackContext {
                request_id: id,
                client_ip: None,
                scheme: None,
                is_proxied: false,
                ledger: LedgerBits::default(),
                shared,
                outer: None,
            }));
        request
    };
    let route = CspOverride::replace(policy(ROUTE)).layer(Page);
    let service = CspLayer::api().layer(route);
    let answer = without_randomness(|| go(service, request()));
    assert_eq!(header(&answer, &CONTENT_SECURITY_POLICY), Some(ROUTE_TWIN));
    assert_eq!(seen(&answer), "no");
    assert_eq!(take(&told), [format!("{EVENT}request-1")]);

    // In a layer that could draw none either, each of them says so.
    let service = CspLayer::strict().layer(CspOverride::replace(policy(ROUTE)).layer(Page));
    let answer = without_randomness(|| go(service, request()));
    assert_eq!(header(&answer, &CONTENT_SECURITY_POLICY), Some(ROUTE_TWIN));
    assert_eq!(
        take(&told),
        [format!("{EVENT}request-1"), format!("{EVENT}request-1")]
    );
}

#[test]
fn a_stack_hears_of_a_nonce_in_a_cached_page() {
    #[derive(Clone)]
    struct Cached;
    impl Service<Request<()>> for Cached {
        type Response = Response<()>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<()>, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<()>) -> Self::Future {
            let mut response = Response::new(());
            let public = HeaderValue::from_static("public");
            response.headers_mut().insert(CACHE_CONTROL, public);
            std::future::ready(Ok(response))
        }
    }
    let told = Told::default();
    let service = CspLayer::strict().layer(Cached);
    for _ in 0..2 {
        let mut request = Request::new(());
        let shared = Shared::new(Some(Arc::new(sink(&told))), None, None);
        request
            .extensions_mut()
            .insert(RequestContext::new(StackContext {
                request_id: None,
                client_ip: None,
                scheme: None,
                is_proxied: false,
                ledger: LedgerBits::default(),
                shared,
                outer: None,
            }));
        go(service.clone(), request);
    }
    let event = "warn csp sys_monitor_disabled nonce_cached fault ";
    assert_eq!(take(&told), [event]);
}

#[test]
fn a_future_is_the_inner_one_with_little_more() {
    const OWN: usize = size_of::<usize>() + 32;
    assert_eq!(size_of::<CspAmendment>(), OWN);
    assert_eq!(size_of::<CspFuture<[u64; 1], CspAmendment>>(), OWN + 8);
    assert_eq!(
        size_of::<CspFuture<[u64; 99], CspAmendment>>(),
        OWN + 99 * 8
    );
    assert_eq!(size_of::<CspService<()>>(), size_of::<usize>());
    assert_eq!(size_of::<CspOverrideService<()>>(), size_of::<usize>());
}
