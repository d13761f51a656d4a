//! Ownership: what it costs to ask whose an object is, beside a check that boxes its future, one written by hand with `from_fn`,
//! `axum-casbin` and the predicate of `axum-login`. See `harness` for the commands.
//!
//! All requests carry what an authentication layer attaches, for ours and for the rivals. `axum-login`'s predicate sees no request: it asks
//! for a permission of the user, the same for every id.

mod harness;

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use axum::routing::get;
use axum_casbin::casbin::{DefaultModel, StringAdapter};
use axum_casbin::{CasbinAxumLayer, CasbinVals};
use axum_login::tower_sessions::session::{Id, Record};
use axum_login::tower_sessions::{Session, SessionStore, session_store};
use axum_login::{AuthManager, AuthSession, AuthUser, AuthnBackend, AuthzBackend};
use bytes::Bytes;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service};

use tower_security::authorize::{RequireBuilder, RequireLayer};
use tower_security::axum::Owned;
use tower_security::core::{Mode, Principal};
use tower_security::ownership::{
    AccessRequest, Action, Authz, Decision, Granted, IdShape, LoadError, LoadGuard, OwnedResource,
    OwnershipGuard, OwnershipGuardBuilder, QueryParam, ResourceId, async_policy,
};

use harness::{Bare, Group, bare, go, go_axum};

const OURS: &str = "tower-security";
const BOXED: &str = "boxed by hand";
const BY_HAND: &str = "from_fn";
const UUID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

fn main() -> ExitCode {
    harness::main("ownership", &groups())
}

fn groups() -> Vec<Group> {
    vec![
        allowed(),
        without_an_id(),
        plain("a UUID", || request("alice", &format!("/docs/{UUID}"))),
        plain("no rule for the route", || request("alice", "/about")),
        plain("denied", || request("bob", "/orders/1")),
        plain("an id of 10 KiB", || {
            request("alice", &format!("/orders/{}", "7".repeat(10 * 1024)))
        }),
        plain("a query of 1,000 parameters", || {
            let others: String = (0..999).map(|n| format!("p{n}=v&")).collect();
            request("alice", &format!("/export?{others}doc=1"))
        }),
        axum("axum: allowed", "alice"),
        axum("axum: denied", "bob"),
    ]
}

fn allowed() -> Group {
    let order = || with_ledger(request("alice", "/orders/1"));
    Group::new("allowed", BOXED)
        .row("bare", move || (order, go(bare())))
        .row(BOXED, move || (order, go(Boxed(bare()))))
        .row(OURS, move || (order, go(ours().layer(bare()))))
        .row("tower-security, without a ledger", || {
            (|| request("alice", "/orders/1"), go(ours().layer(bare())))
        })
        .row("tower-security, a boxed policy", move || {
            let policy = async_policy(|asked: &AccessRequest| ready(owner(asked)));
            let guard = rules(policy).build().expect("a guard");
            (order, go(guard.layer(bare())))
        })
        .row("tower-security, an object loaded", move || {
            (order, go(loads().layer(bare())))
        })
}

/// What a decision costs that looks at the principal alone; `off` is the future by itself.
fn without_an_id() -> Group {
    let order = || with_ledger(request("alice", "/orders/1"));
    let requires =
        move |of: RequireBuilder| (order, go(of.build().expect("a layer").layer(bare())));
    Group::new("without an id", BOXED)
        .row("bare", move || (order, go(bare())))
        .row(BOXED, move || (order, go(Boxed(bare()))))
        .row("tower-security, off", move || {
            let guard = rules(owner).mode(Mode::Off).build().expect("a guard");
            (order, go(guard.layer(bare())))
        })
        .row("tower-security, logged in", move || {
            requires(RequireLayer::authenticated())
        })
        .row("tower-security, a role", move || {
            requires(RequireLayer::role("customer"))
        })
        .row("tower-security, a predicate", move || {
            requires(RequireLayer::predicate("alice", |who| {
                who.subject() == "alice"
            }))
        })
        .row("tower-security, an id at hand", move || {
            let id = |_: &mut Parts| Ok(ResourceId::from("1"));
            let guard = OwnershipGuard::for_route(id, owner)
                .build()
                .expect("a guard");
            (order, go(guard.layer(bare())))
        })
}

fn plain(name: &'static str, request: fn() -> Request<Full<Bytes>>) -> Group {
    let asked = move || with_ledger(request());
    Group::new(name, BOXED)
        .row("bare", move || (asked, go(bare())))
        .row(BOXED, move || (asked, go(Boxed(bare()))))
        .row(OURS, move || (asked, go(ours().layer(bare()))))
}

fn axum(name: &'static str, who: &'static str) -> Group {
    let asked = move || with_ledger(request(who, "/orders/1")).map(|_| Body::empty());
    Group::new(name, BY_HAND)
        .row("bare", move || (with_rivals(asked), go_axum(router())))
        .row(BY_HAND, move || {
            let layer = from_fn(by_hand);
            (with_rivals(asked), go_axum(router().layer(layer)))
        })
        .row("axum-casbin", move || {
            let layer = wait(casbin());
            (with_rivals(asked), go_axum(router().layer(layer)))
        })
        .row("axum-login", move || {
            let layer = axum_login::permission_required!(Backend, "read order 1");
            (with_rivals(asked), go_axum(router().layer(layer)))
        })
        .row(OURS, move || {
            (with_rivals(asked), go_axum(router().layer(ours())))
        })
        .row("tower-security, an object loaded", move || {
            (with_rivals(asked), go_axum(router().layer(loads())))
        })
        .row("tower-security, Owned", move || {
            let handler = async |_: Owned<Order>| "{}";
            let router = Router::new().route("/orders/{id}", get(handler));
            (with_rivals(asked), go_axum(router))
        })
}

/// A request of somebody who is logged in.
fn request(who: &str, target: &str) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::default());
    *request.uri_mut() = target.parse().expect("a target");
    let headers = request.headers_mut();
    headers.reserve(8);
    for (name, value) in [
        (HOST, "app.example.com"),
        (USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
        (ACCEPT, "application/json"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Principal::builder(who)
        .roles(["customer"])
        .build()
        .dangerous_attach(request.extensions_mut());
    request
}

/// The request as it comes from a stack or a tripwire.
fn with_ledger(request: Request<Full<Bytes>>) -> Request<Full<Bytes>> {
    let (mut head, body) = request.into_parts();
    let _ = Authz::of_head(&mut head);
    Request::from_parts(head, body)
}

/// What the authentication of the rivals would have attached.
fn with_rivals(asked: impl Fn() -> Request<Body>) -> impl Fn() -> Request<Body> {
    let session = auth_session();
    move || {
        let mut asked = asked();
        let who = Principal::from_extensions(asked.extensions()).expect("somebody");
        let name = who.subject().to_owned();
        let mut session = session.clone();
        session.user = Some(User(name.clone()));
        let vals = CasbinVals {
            subject: name,
            domain: None,
        };
        asked.extensions_mut().insert(vals);
        asked.extensions_mut().insert(session);
        asked
    }
}

fn owner(asked: &AccessRequest) -> Decision {
    if asked.principal().subject() == "alice" {
        Decision::Allow
    } else {
        Decision::Deny
    }
}

fn rules(policy: impl tower_security::ownership::Policy + Clone) -> OwnershipGuardBuilder {
    OwnershipGuard::builder()
        .resource("/orders/{id}", policy.clone())
        .shape(IdShape::U64)
        .resource("/docs/{id}", policy.clone())
        .shape(IdShape::Uuid)
        .resource_from("/export", QueryParam::new("doc"), policy)
        .shape(IdShape::U64)
}

fn ours() -> OwnershipGuard {
    rules(owner).build().expect("a guard")
}

fn loads() -> LoadGuard {
    let load = |asked: AccessRequest| {
        ready(match owner(&asked) {
            Decision::Allow => Ok(Order),
            decision => Err(decision),
        })
    };
    LoadGuard::builder()
        .resource("/orders/{id}", load)
        .shape(IdShape::U64)
        .build()
        .expect("a guard")
}

struct Order;

impl OwnedResource<()> for Order {
    type Id = u64;
    const PARAM: &'static str = "id";
    const SHAPE: IdShape = IdShape::U64;

    async fn load(_: &(), _: &u64, who: &Principal) -> Result<Option<Self>, LoadError> {
        Ok((who.subject() == "alice").then_some(Self))
    }

    fn decide(&self, _: &Principal, _: Action) -> Decision {
        Decision::Allow
    }
}

fn router() -> Router {
    Router::new().route("/orders/{id}", get(async |_: Option<Granted<Order>>| "{}"))
}

/// The same check as most write it: the path cut by hand, and everything in one box.
#[derive(Clone, Copy, Debug)]
struct Boxed<S>(S);

impl Service<Request<Full<Bytes>>> for Boxed<Bare> {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Full<Bytes>>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let mut inner = self.0;
        Box::pin(async move {
            let path = request.uri().path();
            let id = ["/orders/", "/docs/"]
                .iter()
                .find_map(|start| path.strip_prefix(start))
                .map(str::to_owned);
            if let Some(id) = id {
                let who = Principal::from_extensions(request.extensions()).cloned();
                let policy: BoxedPolicy = Box::pin(ready(
                    who.is_some_and(|who| who.subject() == "alice") && id.len() < 256,
                ));
                if !policy.await {
                    let mut refused = Response::new(Full::from("{}"));
                    *refused.status_mut() = StatusCode::NOT_FOUND;
                    return Ok(refused);
                }
            }
            inner.call(request).await
        })
    }
}

type BoxedPolicy = Pin<Box<dyn Future<Output = bool> + Send>>;

/// The same check in a middleware of axum.
async fn by_hand(
    Path(id): Path<u64>,
    request: axum::extract::Request,
    next: Next,
) -> axum::response::Response {
    let who = Principal::from_extensions(request.extensions());
    if id == 1 && who.is_some_and(|who| who.subject() == "alice") {
        return next.run(request).await;
    }
    StatusCode::NOT_FOUND.into_response()
}

async fn casbin() -> CasbinAxumLayer {
    const MODEL: &str = "
        [request_definition]
        r = sub, obj, act
        [policy_definition]
        p = sub, obj, act
        [policy_effect]
        e = some(where (p.eft == allow))
        [matchers]
        m = r.sub == p.sub && r.obj == p.obj && r.act == p.act";
    let model = DefaultModel::from_str(MODEL).await.expect("a model");
    let policy = StringAdapter::new("p, alice, /orders/1, GET");
    CasbinAxumLayer::new(model, policy).await.expect("a layer")
}

#[derive(Clone, Debug)]
struct User(String);

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.0.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        &[]
    }
}

#[derive(Clone, Debug)]
struct Backend;

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = ();
    type Error = Infallible;

    async fn authenticate(&self, (): ()) -> Result<Option<User>, Infallible> {
        Ok(None)
    }

    async fn get_user(&self, _: &String) -> Result<Option<User>, Infallible> {
        Ok(None)
    }
}

impl AuthzBackend for Backend {
    type Permission = &'static str;

    async fn get_user_permissions(&self, user: &User) -> Result<HashSet<&'static str>, Infallible> {
        Ok((user.0 == "alice")
            .then_some("read order 1")
            .into_iter()
            .collect())
    }
}

/// Sessions that nobody has.
#[derive(Debug)]
struct NoSessions;

#[tonic::async_trait]
impl SessionStore for NoSessions {
    async fn save(&self, _: &Record) -> session_store::Result<()> {
        Ok(())
    }

    async fn load(&self, _: &Id) -> session_store::Result<Option<Record>> {
        Ok(None)
    }

    async fn delete(&self, _: &Id) -> session_store::Result<()> {
        Ok(())
    }
}

/// The session of axum-login's, which only its layer can make.
fn auth_session() -> AuthSession<Backend> {
    #[derive(Clone)]
    struct Catch;

    impl Service<Request<()>> for Catch {
        type Response = Response<Option<AuthSession<Backend>>>;
        type Error = Infallible;
        type Future = Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<()>) -> Self::Future {
            ready(Ok(Response::new(request.extensions().get().cloned())))
        }
    }

    let mut request = Request::new(());
    let session = Session::new(None, Arc::new(NoSessions), None);
    request.extensions_mut().insert(session);
    let mut manager = AuthManager::new(Catch, Backend, "bench");
    let answer = wait(manager.call(request));
    let Ok(answer) = answer;
    answer.into_body().expect("a session")
}

/// What is made once waits for nothing.
fn wait<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
