//! `OwnershipGuard`: one fixture, asked on plain Tower, hyper, axum and tonic.

mod authz;
mod cache;
mod config;
#[cfg(all(
    feature = "axum",
    feature = "limits",
    feature = "opaque-tokens",
    feature = "sanitize"
))]
mod example;
mod failures;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod grpc;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod grpc_handlers;
#[cfg(feature = "axum")]
mod latency;
mod loads;
mod nested;
#[cfg(feature = "axum")]
mod owned;
#[cfg(feature = "axum")]
mod routers;
mod rows;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_security::core::{EventSink, Outcome, Principal, SecurityEvent};
use tower_security::ownership::policy::{all_of, same_tenant};
use tower_security::ownership::{
    AccessRequest, Action, Decision, HeaderId, IdShape, OwnershipGuard, OwnershipGuardBuilder,
    Policy, QueryParam, Verdict,
};
use tower_security::stack::{Protection, ProvidesPrincipal};

/// What every refusal that must not say whether there is an object answers.
pub(crate) const NOT_FOUND: &str = r#"{"title":"Not found","status":404,"code":"not_found"}"#;
pub(crate) const LOGIN: &str =
    r#"{"title":"Authentication is required","status":401,"code":"authentication_required"}"#;

/// Document of alice, and of bob.
pub(crate) const DOC_OF_ALICE: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
pub(crate) const DOC_OF_BOB: &str = "67e55044-10b1-426f-9247-bb680e5fe0c9";

/// Who is asking, by name.
pub(crate) fn principal(name: &str) -> Principal {
    let builder = match name {
        "alice" | "bob" => Principal::builder(name).tenant("t1"),
        "expired" => Principal::builder("alice")
            .tenant("t1")
            .expires_at(SystemTime::UNIX_EPOCH),
        "carol" => Principal::builder(name).tenant("t2").roles(["admin"]),
        "root" => Principal::builder(name).tenant("t1").roles(["admin"]),
        other => panic!("nobody is called {other}"),
    };
    builder.build()
}

/// An authentication layer that believes the header `x-test`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login;

impl Protection for Login {}

impl ProvidesPrincipal for Login {}

#[derive(Clone, Debug)]
pub(crate) struct LoggedIn<S>(S);

impl<S> Layer<S> for Login {
    type Service = LoggedIn<S>;

    fn layer(&self, inner: S) -> LoggedIn<S> {
        LoggedIn(inner)
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for LoggedIn<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let name = request.headers_mut().remove("x-test");
        if let Some(name) = name {
            principal(name.to_str().unwrap()).dangerous_attach(request.extensions_mut());
        }
        self.0.call(request)
    }
}

/// Orders and documents with their owners, and how often anybody asked.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) owners: Arc<Mutex<HashMap<String, (&'static str, &'static str)>>>,
    pub(crate) asked: Arc<AtomicUsize>,
}

impl Orders {
    pub(crate) fn new() -> Self {
        let owners = [
            ("1", ("alice", "t1")),
            ("2", ("bob", "t1")),
            ("3", ("carol", "t2")),
            (DOC_OF_ALICE, ("alice", "t1")),
            (DOC_OF_BOB, ("bob", "t1")),
            ("mine", ("alice", "t1")),
            ("caf\u{e9}", ("alice", "t1")),
            ("meeting notes", ("bob", "t1")),
            ("a/b", ("alice", "t1")),
        ];
        let owners = owners.map(|(id, owner)| (id.to_owned(), owner));
        Self {
            owners: Arc::new(Mutex::new(owners.into())),
            asked: Arc::default(),
        }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn give(&self, id: &str, owner: &'static str) {
        let mut owners = self.owners.lock().unwrap();
        owners.insert(id.to_owned(), (owner, "t1"));
    }

    pub(crate) fn decision(&self, request: &AccessRequest) -> Decision {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let owners = self.owners.lock().unwrap();
        let Some((owner, tenant)) = owners.get(request.id()) else {
            return Decision::NotFound;
        };
        if request.tenant() != Some(tenant) {
            return Decision::Deny;
        }
        match request.principal() {
            who if who.subject() == *owner => Decision::Allow,
            who if who.has_role("admin") && request.action() == Action::Read => {
                Decision::AllowAsAdmin
            }
            _ => Decision::Deny,
        }
    }
}

impl Policy for Orders {
    fn decide(&self, request: &AccessRequest) -> Verdict {
        self.decision(request).into()
    }
}

/// What a sink was told: name, code, outcome, target and rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<Event>>>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: &'static str,
    pub(crate) code: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) principal: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) rule: Option<String>,
    pub(crate) detail: Option<String>,
}

impl Told {
    /// What was told since the last time.
    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    pub(crate) fn codes(&self) -> Vec<&'static str> {
        self.take().iter().map(|event| event.code).collect()
    }
}

impl EventSink for Told {
    fn record(&self, event: &SecurityEvent<'_>) {
        let text =
            |text: &Option<tower_security::core::CleanText<'_>>| text.as_deref().map(str::to_owned);
        self.0.lock().unwrap().push(Event {
            name: event.name.as_str(),
            code: event.code,
            outcome: event.outcome,
            principal: text(&event.principal),
            target: text(&event.target),
            rule: text(&event.rule),
            detail: text(&event.detail),
        });
    }
}

/// The rules that all servers have.
pub(crate) fn rules(orders: &Orders) -> OwnershipGuardBuilder {
    let policy = || orders.clone();
    let in_tenant = all_of((same_tenant("tenant"), policy()));
    OwnershipGuard::builder()
        .resource("/orders/{id}", policy())
        .shape(IdShape::U64)
        .resource("/orders/{id}/cancel", policy())
        .shape(IdShape::U64)
        .actions([(http::Method::POST, Action::Custom("cancel"))])
        .name("cancel an order")
        .resource("/docs/{id}", policy())
        .shape(IdShape::Uuid)
        .resource("/notes/{name}", policy())
        .resource_param("/t/{tenant}/orders/{id}", "id", in_tenant)
        .shape(IdShape::U64)
        .resource_from("/export", QueryParam::new("doc"), policy())
        .shape(IdShape::U64)
        .resource_from("/by-header", HeaderId::new("x-order-id"), policy())
        .shape(IdShape::U64)
        .resource("/files/{*path}", policy())
        .resource("/open/{id}", policy())
        .reveal()
}

/// A request of somebody; nobody is `-`.
pub(crate) fn request(who: &str, method: &str, target: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "shop.example");
    if who != "-" {
        request = request.header("x-test", who);
    }
    request.body(Full::default()).unwrap()
}

/// An inner service that counts its calls, all of them on an instance that was asked whether it is ready.
#[derive(Debug, Default)]
pub(crate) struct Inner {
    calls: Arc<AtomicUsize>,
    is_ready: bool,
}

impl Inner {
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Clone for Inner {
    fn clone(&self) -> Self {
        Self {
            calls: Arc::clone(&self.calls),
            is_ready: false,
        }
    }
}

impl<B> Service<Request<B>> for Inner {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        assert!(
            self.is_ready,
            "called without being asked whether it is ready"
        );
        self.is_ready = false;
        self.calls.fetch_add(1, Ordering::SeqCst);
        // Content after a HEAD resets a stream of HTTP/2.
        let body = match *request.method() {
            http::Method::HEAD => "",
            _ => "reached",
        };
        std::future::ready(Ok(Response::new(Full::from(body))))
    }
}
