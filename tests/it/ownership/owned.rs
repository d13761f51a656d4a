//! What axum's handlers take as arguments: `Owned`, `Authz`, `Public`.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{any, delete, get, post, put};
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_security::axum::{ActionType, ByMethod, Create, Delete, Owned, Public, Read, Update};
use tower_security::core::{AuthzLedger, Rejection};
use tower_security::ownership::{Authz, LoadError, OwnedResource, OwnershipRefusal, Scope, StepUp};
use tower_security::stack::SecurityStack;

use super::rows::{Must, ROWS, Row, ask, judge};
use super::*;
use crate::support::service::go;
use crate::support::wire::Server;

/// The state of the router.
#[derive(Clone, Debug)]
struct Shop {
    orders: Orders,
    calls: Arc<AtomicUsize>,
    /// What handlers have done.
    done: Arc<Mutex<Vec<String>>>,
}

impl Shop {
    fn new() -> Self {
        Self {
            orders: Orders::new(),
            calls: Arc::default(),
            done: Arc::default(),
        }
    }

    /// One query.
    fn find(&self, id: &str) -> Option<Thing> {
        self.orders.asked.fetch_add(1, Ordering::SeqCst);
        let owners = self.orders.owners.lock().unwrap();
        let (owner, tenant) = *owners.get(id)?;
        let id = id.to_owned();
        Some(Thing { id, owner, tenant })
    }

    fn reached(&self) -> &'static str {
        self.calls.fetch_add(1, Ordering::SeqCst);
        "reached"
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn did(&self, what: String) {
        self.done.lock().unwrap().push(what);
    }

    fn take_done(&self) -> Vec<String> {
        std::mem::take(&mut *self.done.lock().unwrap())
    }
}

/// Anything that has an owner.
struct Thing {
    id: String,
    owner: &'static str,
    tenant: &'static str,
}

impl Thing {
    fn decision(&self, who: &Principal, action: Action) -> Decision {
        match self {
            _ if who.tenant() != Some(self.tenant) => Decision::Deny,
            _ if who.subject() == self.owner => Decision::Allow,
            _ if who.has_role("admin") && action == Action::Read => Decision::AllowAsAdmin,
            _ => Decision::Deny,
        }
    }
}

macro_rules! things {
    ($($name:ident: $id:ty, $param:literal, $shape:ident;)*) => {
        $(
            struct $name(Thing);

            impl OwnedResource<Shop> for $name {
                type Id = $id;
                const PARAM: &'static str = $param;
                const SHAPE: IdShape = IdShape::$shape;

                async fn load(shop: &Shop, id: &$id, _: &Principal) -> Result<Option<Self>, LoadError> {
                    tokio::task::yield_now().await;
                    Ok(shop.find(&id.to_string()).map(Self))
                }

                fn decide(&self, who: &Principal, action: Action) -> Decision {
                    self.0.decision(who, action)
                }
            }
        )*
    };
}

things! {
    Order: u64, "id", U64;
    Document: String, "id", Uuid;
    Note: String, "name", Any;
}

enum Cancel {}

impl ActionType for Cancel {
    const ACTION: Action = Action::Custom("cancel");
}

async fn read<T: OwnedResource<Shop> + Sync>(
    State(shop): State<Shop>,
    thing: Owned<T>,
) -> &'static str {
    let _ = &*thing;
    shop.reached()
}

async fn act<A: 'static>(State(shop): State<Shop>, order: Owned<Order, A>) -> &'static str {
    assert!(!order.into_inner().0.id.is_empty());
    shop.reached()
}

fn router(shop: &Shop) -> Router {
    Router::new()
        .route(
            "/orders/{id}",
            get(read::<Order>)
                .post(act::<Create>)
                .put(act::<Update>)
                .patch(act::<Update>)
                .delete(act::<Delete>),
        )
        .route("/orders/{id}/cancel", post(act::<Cancel>))
        .route("/docs/{id}", get(read::<Document>))
        .route("/notes/{name}", get(read::<Note>))
        .with_state(shop.clone())
}

/// The rows about ids in the path, and about methods that the routes have.
fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(|row| {
        let elsewhere = ["/t/", "/export", "/by-header", "/files", "/open"];
        !elsewhere.iter().any(|start| row.3.starts_with(start)) && row.0 != 12
    })
}

#[test]
fn most_rows_are_asked() {
    let (served, refused): (Vec<&Row>, Vec<&Row>) = rows().partition(|row| row.5 == Must::Served);
    assert!(refused.len() >= 50, "{}", refused.len());
    assert!(served.len() >= 10, "{}", served.len());
}

#[tokio::test]
async fn arguments_are_answered_by_the_table_with_one_load() {
    for row in rows() {
        let shop = Shop::new();
        let router = router(&shop).layer(Login);
        let asked = ask(row).map(axum::body::Body::new);
        let (head, body) = go(router, asked).await.into_parts();
        let refusal = head.extensions.get::<OwnershipRefusal>();
        let mut codes: Vec<_> = refusal.iter().map(|refusal| refusal.event_code()).collect();
        if row.0 == 14 {
            codes.push("told below");
        }
        match row.5 {
            Must::Served => assert_eq!(shop.orders.asked(), 1, "{row:?}"),
            Must::Anonymous => assert_eq!(shop.orders.asked(), 0, "{row:?}"),
            _ => assert!(shop.orders.asked() <= 1, "{row:?}"),
        }
        let body = body.collect().await.unwrap().to_bytes();
        let answer = Response::from_parts(head, body);
        judge(row, true, &answer, shop.calls(), &codes);
    }
}

/// Who may read alone does not delete by a handler that names no action.
#[tokio::test]
async fn the_method_says_what_is_asked_about() {
    let shop = Shop::new();
    let by_method = async |State(shop): State<Shop>, _: Owned<Order>| shop.reached();
    let by_name = async |State(shop): State<Shop>, _: Owned<Order, ByMethod>| shop.reached();
    let reads = async |State(shop): State<Shop>, _: Owned<Order, Read>| shop.reached();
    let app = Router::new()
        .route("/orders/{id}", any(by_method))
        .route("/named/{id}", any(by_name))
        .route("/search/{id}", any(reads))
        .with_state(shop.clone())
        .layer(Login);
    // An administrator may read any order, and write none.
    for (method, by_owner, by_admin) in [
        ("GET", 200, 200),
        ("HEAD", 200, 200),
        ("POST", 200, 404),
        ("PUT", 200, 404),
        ("PATCH", 200, 404),
        ("DELETE", 200, 404),
        ("OPTIONS", 404, 404),
        ("TRACE", 404, 404),
        ("FOO", 404, 404),
    ] {
        for (target, who, status) in [
            ("/orders/1", "alice", by_owner),
            ("/orders/1", "root", by_admin),
            ("/named/1", "alice", by_owner),
            ("/named/1", "root", by_admin),
            ("/search/1", "alice", 200),
            ("/search/1", "root", 200),
        ] {
            let (asked, calls) = (shop.orders.asked(), shop.calls());
            let request = request(who, method, target).map(axum::body::Body::new);
            let answer = go(app.clone(), request).await;
            assert_eq!(answer.status(), status, "{who} {method} {target}");
            let is_unmapped = by_owner == 404 && target != "/search/1";
            let refusal = answer.extensions().get::<OwnershipRefusal>().copied();
            let expected = match status {
                200 => None,
                _ if is_unmapped => Some(OwnershipRefusal::UnmappedMethod),
                _ => Some(OwnershipRefusal::Denied),
            };
            assert_eq!(refusal, expected, "{who} {method} {target}");
            // What is refused for its method is not loaded.
            let loads = shop.orders.asked() - asked;
            assert_eq!(loads, usize::from(!is_unmapped), "{method} {target}");
            assert_eq!(shop.calls() - calls, usize::from(status == 200));
        }
    }
}

#[tokio::test]
async fn servers_answer_by_the_table_and_the_stack_hears_of_it() {
    let (shop, told) = (Shop::new(), Told::default());
    let stack = SecurityStack::new().events(told.clone()).auth(Login);
    let server = Server::axum(router(&shop).layer(stack)).await;
    for row in rows() {
        for version in [1, 2] {
            let before = shop.calls();
            told.take();
            let answer = if version == 1 {
                server.http1(ask(row)).await
            } else {
                server.http2(ask(row)).await.expect("no reset")
            };
            assert_eq!(shop.calls() - before, usize::from(row.5 == Must::Served));
            let is_grpc = row.4.contains(&("content-type", "application/grpc"));
            let status = match row.5 {
                Must::Served => 200,
                Must::Anonymous => 401,
                _ if is_grpc => 200,
                _ => 404,
            };
            assert_eq!(answer.status(), status, "{row:?}");
            let codes = told.codes();
            match row.5 {
                Must::Served if row.0 == 14 => assert_eq!(codes, ["admin_override"], "{row:?}"),
                Must::Served | Must::NotRouted => assert!(codes.is_empty(), "{row:?} {codes:?}"),
                Must::Anonymous => assert_eq!(codes, ["authentication_required"]),
                Must::Hidden(code) => assert_eq!(codes, [code], "{row:?}"),
                _ => assert_eq!(codes, ["reference_malformed"], "{row:?}"),
            }
        }
    }
}

/// What answers everything in one way.
struct Fixed<const WHICH: u8>;

impl<const WHICH: u8> OwnedResource<()> for Fixed<WHICH> {
    type Id = String;
    const PARAM: &'static str = "id";

    async fn load(_: &(), _: &String, who: &Principal) -> Result<Option<Self>, LoadError> {
        assert_eq!(who.subject(), "alice");
        match WHICH {
            0 => Err(std::io::Error::other("db-3.internal is down"))?,
            1 => Err(LoadError::new("no connection")),
            2 => Ok(None),
            _ => Ok(Some(Self)),
        }
    }

    fn decide(&self, _: &Principal, _: Action) -> Decision {
        match WHICH {
            3 => Decision::Unavailable,
            4 => Decision::StepUp(StepUp::max_age(std::time::Duration::from_secs(60))),
            5 => Decision::Deny,
            _ => Decision::Allow,
        }
    }
}

async fn fixed<const WHICH: u8>(_: Owned<Fixed<WHICH>>) -> &'static str {
    "reached"
}

/// Row 72: an outage is no absence, and nothing of its cause reaches the client.
#[tokio::test]
async fn each_outcome_has_its_answer() {
    let rows = [
        (
            get(fixed::<0>),
            503,
            "policy_unavailable",
            Some("cause=db-3.internal is down"),
        ),
        (
            get(fixed::<1>),
            503,
            "policy_unavailable",
            Some("cause=no connection"),
        ),
        (get(fixed::<2>), 404, "object_absent", None),
        (get(fixed::<3>), 503, "policy_unavailable", None),
        (get(fixed::<4>), 401, "recent_authentication", None),
        (get(fixed::<5>), 404, "object_denied", None),
        (get(fixed::<6>), 200, "", None),
    ];
    for (handler, status, code, cause) in rows {
        let told = Told::default();
        let router = Router::new().route("/things/{id}", handler);
        let (asked, outside) = watched("alice", "/things/7");
        let plain = go(router.clone().layer(Login), asked).await;
        assert_eq!(plain.status(), status, "{code}");
        assert_eq!(outside.is_decided(), status == 200);
        assert_eq!(outside.is_denied(), status != 200);

        let stack = SecurityStack::new().events(told.clone()).auth(Login);
        let asked = request("alice", "GET", "/things/7").map(axum::body::Body::new);
        let (head, body) = go(router.layer(stack), asked).await.into_parts();
        assert_eq!(head.status, status, "{code}");
        let body = body.collect().await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(!text.contains("internal"), "{text}");
        let events = told.take();
        assert_eq!(events.len(), usize::from(status != 200));
        for event in events {
            let detail = event.detail.unwrap();
            assert_eq!((event.code, event.target.as_deref()), (code, Some("7")));
            assert_eq!(
                detail,
                ["action=read", cause.unwrap_or("")].join(" ").trim_end()
            );
        }
    }
}

/// A request with the ledger that a tripwire outside would have put there.
fn watched(who: &str, target: &str) -> (Request<axum::body::Body>, AuthzLedger) {
    let asked = request(who, "GET", target).map(axum::body::Body::new);
    let (mut head, body) = asked.into_parts();
    let ledger = Authz::of_head(&mut head).ledger().clone();
    (Request::from_parts(head, body), ledger)
}

/// Rows 39 and 40: a name that stands twice, one that is not there, and no router at all.
#[tokio::test]
async fn a_parameter_that_is_not_clear_is_refused() {
    let shop = Shop::new();
    let told = Told::default();
    let inner = Router::new().route("/o/{id}", get(read::<Order>));
    let router = Router::new()
        .route("/t/{id}/o/{id}", get(read::<Order>))
        .nest("/n/{id}", inner.clone())
        .nest("/m/{tenant}", inner)
        .route("/misnamed/{order}", get(read::<Order>))
        .route("/constant", get(read::<Order>))
        .with_state(shop.clone())
        .layer(SecurityStack::new().events(told.clone()).auth(Login));
    for (target, status, code) in [
        ("/t/1/o/2", 404, Some("reference_ambiguous")),
        ("/t/1/o/1", 404, Some("reference_ambiguous")),
        ("/n/1/o/2", 404, Some("reference_ambiguous")),
        ("/misnamed/1", 404, Some("reference_missing")),
        ("/constant", 404, Some("reference_missing")),
        ("/m/2/o/2", 404, Some("object_denied")),
        ("/m/2/o/1", 200, None),
    ] {
        let asked = request("alice", "GET", target).map(axum::body::Body::new);
        assert_eq!(go(router.clone(), asked).await.status(), status, "{target}");
        assert_eq!(told.codes(), code.as_slice(), "{target}");
    }
    assert_eq!((shop.orders.asked(), shop.calls()), (2, 1));
}

/// An id that fits the shape and not the type is nobody's.
#[tokio::test]
async fn an_id_is_parsed_once_and_never_loosely() {
    struct Small;
    impl OwnedResource<Shop> for Small {
        type Id = u8;
        const PARAM: &'static str = "id";
        const SHAPE: IdShape = IdShape::U64;

        async fn load(shop: &Shop, id: &u8, _: &Principal) -> Result<Option<Self>, LoadError> {
            shop.did(id.to_string());
            Ok(Some(Self))
        }

        fn decide(&self, _: &Principal, _: Action) -> Decision {
            Decision::Allow
        }
    }
    let shop = Shop::new();
    let router = Router::new()
        .route("/small/{id}", get(async |_: Owned<Small>| ()))
        .with_state(shop.clone())
        .layer(Login);
    for (id, status) in [
        ("255", 200),
        ("256", 404),
        ("+7", 404),
        ("007", 404),
        ("7", 200),
    ] {
        let asked = request("alice", "GET", &format!("/small/{id}"));
        let answer = go(router.clone(), asked.map(axum::body::Body::new)).await;
        assert_eq!(answer.status(), status, "{id}");
    }
    assert_eq!(shop.take_done(), ["255", "7"]);
}

/// Row 47: the body names another object, and it does not matter.
#[tokio::test]
async fn a_handler_acts_on_the_object_that_was_checked() {
    let shop = Shop::new();
    let update = async |State(shop): State<Shop>, order: Owned<Order, Update>, body: String| {
        shop.did(format!("{} = {body}", order.0.id));
    };
    let router = Router::new()
        .route("/orders/{id}", put(update))
        .with_state(shop.clone())
        .layer(Login);
    for (who, id, status) in [("alice", 1, 200), ("alice", 2, 404), ("bob", 2, 200)] {
        let asked = request(who, "PUT", &format!("/orders/{id}"));
        let asked = asked.map(|_| axum::body::Body::from(r#"{"id":2}"#));
        assert_eq!(go(router.clone(), asked).await.status(), status);
    }
    assert_eq!(shop.take_done(), [r#"1 = {"id":2}"#, r#"2 = {"id":2}"#]);
}

/// Row 48: the body says who has written it.
#[tokio::test]
async fn nothing_is_stored_in_the_name_of_another() {
    async fn review(
        authz: Authz,
        State(shop): State<Shop>,
        author: String,
    ) -> Result<(), Rejection> {
        authz.same_subject(&author)?;
        shop.did(author);
        Ok(())
    }
    let shop = Shop::new();
    let router = Router::new()
        .route("/reviews", post(review))
        .with_state(shop.clone())
        .layer(Login);
    for (who, author, status) in [
        ("alice", "alice", 200),
        ("alice", "bob", 404),
        ("alice", "Alice", 404),
        ("alice", "", 404),
        ("-", "alice", 401),
    ] {
        let asked = request(who, "POST", "/reviews");
        let asked = asked.map(|_| axum::body::Body::from(author));
        assert_eq!(
            go(router.clone(), asked).await.status(),
            status,
            "{who} {author}"
        );
    }
    assert_eq!(shop.take_done(), ["alice"]);
}

/// All of a tenant for its administrators, their own for all others.
struct OrdersOf;

impl Scope for OrdersOf {
    type Filter = (Option<String>, Option<String>);

    fn filter(&self, who: &Principal) -> Self::Filter {
        let tenant = who.tenant().map(str::to_owned);
        let owner = (!who.has_role("admin")).then(|| who.subject().to_owned());
        (tenant, owner)
    }
}

async fn list(authz: Authz, State(shop): State<Shop>) -> Result<String, Rejection> {
    let (tenant, owner) = authz.scope(&OrdersOf)?;
    let owners = shop.orders.owners.lock().unwrap();
    // What a query would do.
    let mut found: Vec<_> = owners
        .iter()
        .filter(|(id, _)| id.len() == 1)
        .filter(|(_, of)| owner.as_deref().is_none_or(|owner| owner == of.0))
        .filter(|(_, of)| tenant.as_deref() == Some(of.1))
        .map(|(id, _)| id.as_str())
        .collect();
    found.sort_unstable();
    Ok(found.join(","))
}

/// Rows 18 and 19.
#[tokio::test]
async fn a_list_holds_what_the_caller_may_see() {
    let router = Router::new()
        .route("/orders", get(list))
        .with_state(Shop::new())
        .layer(Login);
    for (who, target, status, body) in [
        ("alice", "/orders", 200, "1"),
        ("alice", "/orders?owner=bob", 200, "1"),
        ("alice", "/orders?tenant=t2", 200, "1"),
        ("bob", "/orders", 200, "2"),
        ("root", "/orders", 200, "1,2"),
        ("carol", "/orders", 200, "3"),
        ("-", "/orders", 401, LOGIN),
        ("expired", "/orders", 401, LOGIN),
    ] {
        let (asked, outside) = watched(who, target);
        let (head, answer) = go(router.clone(), asked).await.into_parts();
        let answer = answer.collect().await.unwrap().to_bytes();
        assert_eq!(
            (head.status.as_u16(), &*answer),
            (status, body.as_bytes()),
            "{who} {target}"
        );
        let ledger = format!("{outside:?}");
        let expected = if status == 200 { "{Scoped}" } else { "{}" };
        assert_eq!(ledger, expected);
    }
}

/// Row 20.
#[tokio::test]
async fn a_batch_is_answered_with_what_the_caller_may_have() {
    let batch = async |authz: Authz, State(shop): State<Shop>, ids: String| {
        let ids: Vec<_> = ids.split(',').collect();
        let decisions = authz.check_many(&shop.orders, Action::Read, &ids).await;
        let both = ids.iter().zip(decisions);
        let own: Vec<_> = both
            .filter(|(_, it)| it.is_allowed())
            .map(|(id, _)| *id)
            .collect();
        own.join(",")
    };
    let router = Router::new()
        .route("/batch", post(batch))
        .with_state(Shop::new())
        .layer(Login);
    for (who, own) in [("alice", "1"), ("bob", "2"), ("root", "1,2"), ("-", "")] {
        let asked = request(who, "POST", "/batch").map(|_| axum::body::Body::from("1,2,3,9"));
        let answer = go(router.clone(), asked).await.into_body();
        assert_eq!(answer.collect().await.unwrap().to_bytes(), own, "{who}");
    }
}

/// Row 62, the first half: what is public says so.
#[tokio::test]
async fn what_is_public_is_noted_as_such() {
    let router = Router::new()
        .route("/health", get(async |_: Public| "up"))
        .route("/forgotten", get(async || "up"));
    for (target, is_decided) in [("/health", true), ("/forgotten", false)] {
        let (asked, outside) = watched("-", target);
        assert_eq!(go(router.clone(), asked).await.status(), 200);
        assert_eq!(outside.is_decided(), is_decided, "{target}");
        assert!(!outside.is_denied());
    }
}

/// Rows 66 to 69: upgrades, streams, conditions and ranges begin with the check.
#[tokio::test]
async fn nothing_begins_before_the_check() {
    let socket = async |State(shop): State<Shop>,
                        order: Owned<Order>,
                        upgrade: axum::extract::WebSocketUpgrade| {
        shop.did(format!("socket {}", order.0.id));
        upgrade.on_upgrade(async |_| ())
    };
    let events = async |State(shop): State<Shop>, order: Owned<Order>| {
        shop.did(format!("events {}", order.0.id));
        ([("content-type", "text/event-stream")], "data: hello\n\n")
    };
    // A handler that honours conditions of the object that it was given.
    let show = async |order: Owned<Order>, headers: http::HeaderMap| match headers
        .get("if-none-match")
    {
        Some(tag) if tag == order.0.id.as_str() => http::StatusCode::NOT_MODIFIED.into_response(),
        _ if headers.contains_key("range") => http::StatusCode::PARTIAL_CONTENT.into_response(),
        _ => http::StatusCode::OK.into_response(),
    };
    let change = async |order: Owned<Order, Update>, headers: http::HeaderMap| match headers
        .get("if-match")
    {
        Some(tag) if tag != order.0.id.as_str() => http::StatusCode::PRECONDITION_FAILED,
        _ => http::StatusCode::NO_CONTENT,
    };
    let shop = Shop::new();
    let router = Router::new()
        .route("/orders/{id}/ws", any(socket))
        .route("/orders/{id}/events", get(events))
        .route("/orders/{id}", get(show).put(change))
        .with_state(shop.clone())
        .layer(Login);
    let server = Server::axum(router).await;
    let upgrade = async |id: u8| {
        let text = format!(
            "GET /orders/{id}/ws HTTP/1.1\r\nhost: shop.example\r\nx-test: alice\r\nconnection: upgrade, close\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        server.raw(text.as_bytes()).await
    };
    assert!(upgrade(2).await.starts_with("HTTP/1.1 404 "));
    assert_eq!(
        server
            .http1(request("alice", "GET", "/orders/2/events"))
            .await
            .body(),
        NOT_FOUND
    );
    assert!(shop.take_done().is_empty());
    assert!(upgrade(1).await.starts_with("HTTP/1.1 101 "));
    let own = server
        .http1(request("alice", "GET", "/orders/1/events"))
        .await;
    assert_eq!(own.body(), "data: hello\n\n");
    assert_eq!(shop.take_done(), ["socket 1", "events 1"]);

    for (method, id, name, value, status) in [
        ("GET", 2, "if-none-match", "2", 404),
        ("GET", 1, "if-none-match", "1", 304),
        ("GET", 2, "range", "bytes=0-0", 404),
        ("GET", 1, "range", "bytes=0-0", 206),
        ("PUT", 2, "if-match", "x", 404),
        ("PUT", 1, "if-match", "x", 412),
        ("PUT", 1, "if-match", "1", 204),
    ] {
        let mut asked = request("alice", method, &format!("/orders/{id}"));
        asked.headers_mut().insert(name, value.parse().unwrap());
        let answer = server.http1(asked).await;
        assert_eq!(answer.status(), status, "{method} {id} {name}");
    }
}

/// Rows 73 and 74.
#[tokio::test]
async fn a_load_can_be_abandoned_and_is_never_kept() {
    struct Never;
    impl OwnedResource<Shop> for Never {
        type Id = u64;
        const PARAM: &'static str = "id";

        async fn load(shop: &Shop, _: &u64, _: &Principal) -> Result<Option<Self>, LoadError> {
            struct Dropped(Shop);
            impl Drop for Dropped {
                fn drop(&mut self) {
                    self.0.did("dropped".to_owned());
                }
            }
            let _guard = Dropped(shop.clone());
            std::future::pending().await
        }

        fn decide(&self, _: &Principal, _: Action) -> Decision {
            Decision::Allow
        }
    }
    let shop = Shop::new();
    let never = async |State(shop): State<Shop>, _: Owned<Never, Delete>| shop.reached();
    let router = Router::new()
        .route("/orders/{id}", get(read::<Order>))
        .route("/never/{id}", delete(never))
        .with_state(shop.clone())
        .layer(Login);
    let asked = request("alice", "DELETE", "/never/1").map(axum::body::Body::new);
    let mut future = Box::pin(ServiceExt::<Request<axum::body::Body>>::oneshot(
        router.clone(),
        asked,
    ));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut cx).is_pending());
    drop(future);
    assert_eq!(
        (shop.take_done(), shop.calls()),
        (vec!["dropped".to_owned()], 0)
    );

    for (owner, status) in [("alice", 200), ("bob", 404)] {
        shop.orders.give("1", owner);
        let asked = request("alice", "GET", "/orders/1").map(axum::body::Body::new);
        assert_eq!(go(router.clone(), asked).await.status(), status);
    }
}

#[test]
fn what_was_loaded_is_not_printed() {
    let error = LoadError::new("db-3.internal");
    assert_eq!(error.to_string(), "the object could not be loaded");
    assert_eq!(format!("{error:?}"), "LoadError { .. }");
}
