//! A stack with every slot filled, asked the way that is dearest for the compiler: a bare `.oneshot(request)`, whose request type
//! is not yet known when the method is looked up.
//!
//! A layer that spells out `type Response = Response<RB>` instead of `S::Response` makes rustc pay twice as much for each slot, and
//! this file then no longer compiles in minutes. A binary of its own, so that continuous integration can put a time limit on it.

use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_security::core::{RefusalContext, Rejection, RejectionBody, ResponseFuture};
use tower_security::cors::CorsLayer;
use tower_security::csrf::CsrfLayer;
use tower_security::error_mask::ErrorMaskLayer;
use tower_security::stack::{
    AfterAuth, BeforeAuth, Innermost, Protection, ProvidesPrincipal, SecurityStack,
};

/// A layer with the bounds of those that refuse: it refuses a request that has a header of its name.
#[derive(Clone)]
struct Guard(&'static str);

#[derive(Clone)]
struct Guarded<S> {
    inner: S,
    name: &'static str,
}

impl Protection for Guard {}
impl ProvidesPrincipal for Guard {}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            inner,
            name: self.0,
        }
    }
}

impl<S, B, RB> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<RB>>,
    RB: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if !request.headers().contains_key(self.name) {
            return ResponseFuture::inner(self.inner.call(request));
        }
        let (head, _) = request.into_parts();
        let context = RefusalContext::new(&head);
        let refusal = Rejection::new(StatusCode::FORBIDDEN, self.name, "Refused").reuse(head);
        ResponseFuture::refused(refusal.into_response(&context))
    }
}

#[tokio::test]
async fn every_slot_is_filled_and_asked_in_turn() {
    let cors = CorsLayer::builder()
        .origins(["https://app.example.com"])
        .build()
        .expect("a legal origin");
    let stack = SecurityStack::new()
        .headers(Guard("headers"))
        .csp(Guard("csp"))
        .cookies(Guard("cookies"))
        .cors(cors)
        // The one layer that changes the body: what stands outside of it is asked for another one.
        .error_mask((Guard("error-mask"), ErrorMaskLayer::new()))
        .bans(Guard("bans"))
        .https(Guard("https"))
        .rate_limit(Guard("rate-limit"))
        .overload(Guard("overload"))
        .limits(Guard("limits"))
        .csp_reports(Guard("csp-reports"))
        .csrf(CsrfLayer::new())
        .extra(BeforeAuth, Guard("before-auth"))
        .auth(Guard("auth"))
        .extra(AfterAuth, Guard("after-auth"))
        .rate_limit_by_principal(Guard("by-principal"))
        .require_authorization(Guard("require-authorization"))
        .access(Guard("access"))
        .sanitize(Guard("sanitize"))
        .ownership(Guard("ownership"))
        .extra(Innermost, Guard("innermost"))
        .adapt_body();
    let service = stack.layer(service_fn(|_: Request<Full<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"served"))))
    }));

    let served = Request::new(Full::<Bytes>::default());
    let answer = service.clone().oneshot(served).await.expect("infallible");
    assert_eq!(answer.status(), StatusCode::OK);

    let outside_in = [
        "headers",
        "csp",
        "cookies",
        "error-mask",
        "bans",
        "https",
        "rate-limit",
        "overload",
        "limits",
        "csp-reports",
        "before-auth",
        "auth",
        "after-auth",
        "by-principal",
        "require-authorization",
        "access",
        "sanitize",
        "ownership",
        "innermost",
    ];
    for (place, name) in outside_in.into_iter().enumerate() {
        let mut request = Request::new(Full::<Bytes>::default());
        for inner in &outside_in[place..] {
            request
                .headers_mut()
                .insert(*inner, http::HeaderValue::from_static("1"));
        }
        let answer = service.clone().oneshot(request).await.expect("infallible");
        let refused = answer
            .extensions()
            .get::<tower_security::core::Refused>()
            .map(tower_security::core::Refused::code);
        assert_eq!(refused, Some(name));
    }
}
