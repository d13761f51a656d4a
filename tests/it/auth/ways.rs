//! Ways to authenticate that do what the request says.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, Request, Response};
use http_body_util::Full;
use tower::Service;
use tower_security::auth::{
    AuthBuilder, AuthFailure, AuthFailureKind, AuthLayer, Authenticator, Decision, Presence,
};
use tower_security::core::{AuthMethod, ChallengeScheme, Principal};

/// Authenticates by a header: `good` is the user `alice`, `slow` and `slow-bad` are decided by a future, and the code of a failure
/// fails with it.
#[derive(Clone, Debug)]
pub(crate) struct ByHeader {
    name: HeaderName,
    is_ambient: bool,
    scheme: ChallengeScheme,
    method: Option<AuthMethod>,
}

impl ByHeader {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name: HeaderName::from_static(name),
            is_ambient: false,
            scheme: ChallengeScheme::silent(),
            method: None,
        }
    }

    /// A cookie: sent unasked.
    pub(crate) fn cookie() -> Self {
        Self::ambient("cookie")
    }

    /// Something that is sent unasked.
    pub(crate) fn ambient(name: &'static str) -> Self {
        Self {
            is_ambient: true,
            ..Self::new(name)
        }
    }

    pub(crate) fn scheme(mut self, scheme: ChallengeScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// The way that failures name.
    pub(crate) fn method(mut self, method: AuthMethod) -> Self {
        self.method = Some(method);
        self
    }

    fn fail(&self, kind: AuthFailureKind) -> AuthFailure {
        let failure = AuthFailure::new(kind);
        match self.method {
            Some(method) => failure.with_method(method),
            None => failure,
        }
    }
}

pub(crate) const KINDS: [AuthFailureKind; 11] = [
    AuthFailureKind::Ambiguous,
    AuthFailureKind::ApiKeyInvalid,
    AuthFailureKind::Busy,
    AuthFailureKind::Malformed,
    AuthFailureKind::ProofInvalid,
    AuthFailureKind::ProofNonce,
    AuthFailureKind::Required,
    AuthFailureKind::SessionInvalid,
    AuthFailureKind::TokenExpired,
    AuthFailureKind::TokenInvalid,
    AuthFailureKind::Unavailable,
];

pub(crate) fn alice() -> Principal {
    Principal::builder("alice").scopes(["orders:read"]).build()
}

impl Authenticator for ByHeader {
    fn presence(&self, head: &Parts) -> Presence {
        match head.headers.contains_key(&self.name) {
            false => Presence::Absent,
            true if self.is_ambient => Presence::Ambient,
            true => Presence::Explicit,
        }
    }

    fn authenticate(&self, head: &Parts) -> Decision {
        match head.headers[&self.name].to_str().unwrap() {
            "good" => Decision::Granted(alice()),
            "nobody" => Decision::Granted(Principal::builder("").build()),
            "gone" => Decision::NotPresent,
            "slow" => Decision::pending(async {
                tokio::task::yield_now().await;
                Ok(alice())
            }),
            "slow-nobody" => Decision::pending(async { Ok(Principal::builder("").build()) }),
            "slow-bad" => {
                let failure = self.fail(AuthFailureKind::TokenInvalid);
                Decision::pending(async {
                    tokio::task::yield_now().await;
                    Err(failure)
                })
            }
            code => {
                let kind = KINDS.into_iter().find(|kind| kind.code() == code);
                Decision::Denied(self.fail(kind.unwrap_or(AuthFailureKind::TokenInvalid)))
            }
        }
    }

    fn scheme(&self) -> ChallengeScheme {
        self.scheme.clone()
    }

    fn headers(&self) -> Vec<HeaderName> {
        vec![self.name.clone()]
    }
}

/// Is never there and merely has a line.
#[derive(Debug)]
pub(crate) struct Line(pub(crate) ChallengeScheme);

impl Authenticator for Line {
    fn presence(&self, _: &Parts) -> Presence {
        Presence::Absent
    }

    fn authenticate(&self, _: &Parts) -> Decision {
        Decision::NotPresent
    }

    fn scheme(&self) -> ChallengeScheme {
        self.0.clone()
    }
}

/// A layer with a bearer-like way in the header `x-test`.
pub(crate) fn builder() -> AuthBuilder {
    AuthLayer::builder().authenticator(ByHeader::new("x-test").scheme(ChallengeScheme::bearer()))
}

pub(crate) fn get(lines: &[(&'static str, &'static str)]) -> Request<Full<Bytes>> {
    lines
        .iter()
        .fold(Request::get("/orders"), |request, (name, value)| {
            request.header(*name, *value)
        })
        .body(Full::default())
        .unwrap()
}

pub(crate) fn grpc(content_type: &'static str, test: &'static str) -> Request<Full<Bytes>> {
    let mut request = get(&[("content-type", content_type), ("x-test", test)]);
    *request.method_mut() = http::Method::POST;
    request
}

/// What came in at the inner service: whom it belonged to, or `None` of an anonymous client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<Option<String>>>>);

impl Seen {
    pub(crate) fn take(&self) -> Vec<Option<String>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl<B> Service<Request<B>> for Seen {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let who = Principal::from_extensions(request.extensions());
        let who = who.map(|principal| principal.subject().to_owned());
        self.0.lock().unwrap().push(who);
        ready(Ok(Response::new(Full::default())))
    }
}
