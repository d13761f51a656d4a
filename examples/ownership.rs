//! Orders that belong to users, in `SQLite`: each is loaded by one query that carries the owner, and checked before the handler has it. A
//! handler in which the check is forgotten answers nobody.
//!
//! ```sh
//! cargo run --example ownership --features axum,limits,opaque-tokens,sanitize
//! ```
//!
//! It prints the API keys of Alice, Bob and an administrator as three lines for another terminal. There:
//!
//! ```sh
//! # Nobody in particular: 401, code authentication_required
//! curl -i http://127.0.0.1:3010/orders/1
//!
//! # Her own order: 200 order 1 of alice: two books
//! curl -i http://127.0.0.1:3010/orders/1 -H "X-Api-Key: $ALICE"
//!
//! # The order of somebody else: 404, code not_found
//! curl -i http://127.0.0.1:3010/orders/2 -H "X-Api-Key: $ALICE"
//!
//! # One that does not exist, which looks the same and takes the same query: 404, code not_found
//! curl -i http://127.0.0.1:3010/orders/9 -H "X-Api-Key: $ALICE"
//!
//! # A spelling that another program may read as 1: 404, code not_found
//! curl -i http://127.0.0.1:3010/orders/01 -H "X-Api-Key: $ALICE"
//!
//! # Nor can she change it: 404, code not_found
//! curl -i -X PUT http://127.0.0.1:3010/orders/2 -H "X-Api-Key: $ALICE" -d 'nothing'
//!
//! # Her own she can: 200 order 1 of alice: three books
//! curl -i -X PUT http://127.0.0.1:3010/orders/1 -H "X-Api-Key: $ALICE" -d 'three books'
//!
//! # A new order is hers, whatever the body says: 200 order 4 of alice: a lamp for bob
//! curl -i -X POST http://127.0.0.1:3010/orders -H "X-Api-Key: $ALICE" -d 'a lamp for bob'
//!
//! # A list holds what she may see: 200 1 3 4
//! curl -i http://127.0.0.1:3010/orders -H "X-Api-Key: $ALICE"
//!
//! # Which a parameter does not change: 200 1 3 4
//! curl -i http://127.0.0.1:3010/orders?owner=bob -H "X-Api-Key: $ALICE"
//!
//! # What has been sent is not cancelled any more: 403, code order_shipped
//! curl -i -X DELETE http://127.0.0.1:3010/orders/3 -H "X-Api-Key: $ALICE"
//!
//! # What has not been is: 200 order 1 is cancelled
//! curl -i -X DELETE http://127.0.0.1:3010/orders/1 -H "X-Api-Key: $ALICE"
//!
//! # The receipt, loaded by the layer: 200 received 12.00 from bob
//! curl -i http://127.0.0.1:3010/orders/2/receipt -H "X-Api-Key: $BOB"
//!
//! # It is his alone: 404, code not_found
//! curl -i http://127.0.0.1:3010/orders/2/receipt -H "X-Api-Key: $ALICE"
//!
//! # An administrator may look, and an event `authz_admin` tells of it: 200 order 2 of bob: a chair
//! curl -i http://127.0.0.1:3010/orders/2 -H "X-Api-Key: $ROOT"
//!
//! # But not touch: 404, code not_found
//! curl -i -X DELETE http://127.0.0.1:3010/orders/2 -H "X-Api-Key: $ROOT"
//!
//! # Who looks at all orders: 200 2 3 4
//! curl -i http://127.0.0.1:3010/orders -H "X-Api-Key: $ROOT"
//!
//! # A handler that says it is for all who are logged in: 200 up
//! curl -i http://127.0.0.1:3010/health -H "X-Api-Key: $BOB"
//!
//! # One that says and decides nothing: 500, code authorization_missing
//! curl -i http://127.0.0.1:3010/dump -H "X-Api-Key: $BOB"
//! ```

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tower_security::auth::AuthLayer;
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::authorize::RequireAuthorization;
use tower_security::axum::{Auth, Delete, Owned, Public, Update};
use tower_security::core::{Principal, Rejection, TrustedProxies};
use tower_security::ownership::{
    AccessRequest, Action, Authz, Decision, Granted, IdShape, LoadError, LoadGuard, OwnedResource,
    ResourceLoader, Scope,
};
use tower_security::{LimitsLayer, SanitizeLayer, SecurityStack};

const SCHEMA: &str = "
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY,
        owner TEXT NOT NULL,
        goods TEXT NOT NULL,
        cents INTEGER NOT NULL DEFAULT 0,
        is_shipped INTEGER NOT NULL DEFAULT 0
    );
    INSERT INTO orders (id, owner, goods, cents, is_shipped) VALUES
        (1, 'alice', 'two books', 3000, 0),
        (2, 'bob', 'a chair', 1200, 0),
        (3, 'alice', 'a table', 9900, 1);
";

#[derive(sqlx::FromRow)]
struct Order {
    id: i64,
    owner: String,
    goods: String,
    is_shipped: bool,
}

impl OwnedResource<SqlitePool> for Order {
    type Id = i64;
    const PARAM: &'static str = "id";
    const SHAPE: IdShape = IdShape::U64;

    async fn load(pool: &SqlitePool, id: &i64, who: &Principal) -> Result<Option<Self>, LoadError> {
        let query =
            "SELECT id, owner, goods, is_shipped FROM orders WHERE id = ? AND (owner = ? OR ?)";
        let order = sqlx::query_as(query)
            .bind(id)
            .bind(who.subject())
            .bind(who.has_role("admin"));
        Ok(order.fetch_optional(pool).await?)
    }

    fn decide(&self, who: &Principal, action: Action) -> Decision {
        match action {
            _ if self.owner == who.subject() => Decision::Allow,
            Action::Read if who.has_role("admin") => Decision::AllowAsAdmin,
            _ => Decision::Deny,
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id, owner, goods, ..
        } = self;
        writeln!(f, "order {id} of {owner}: {goods}")
    }
}

/// What a list holds: the orders of its reader, and all for an administrator.
struct MayList;

impl Scope for MayList {
    /// The owner, and whether it may be anybody's.
    type Filter = (String, bool);

    fn filter(&self, who: &Principal) -> (String, bool) {
        (who.subject().to_owned(), who.has_role("admin"))
    }
}

#[derive(sqlx::FromRow)]
struct Receipt {
    owner: String,
    cents: i64,
}

/// Loads receipts in the layer, for handlers that take no state.
struct Receipts(SqlitePool);

impl ResourceLoader for Receipts {
    type Resource = Receipt;

    async fn load(&self, request: AccessRequest) -> Result<Receipt, Decision> {
        let query = "SELECT owner, cents FROM orders WHERE id = ? AND owner = ?";
        // The shape of the rule lets only numbers through; one that no row can have is absent.
        let id: i64 = request.id().parse().map_err(|_| Decision::NotFound)?;
        let receipt = sqlx::query_as(query)
            .bind(id)
            .bind(request.principal().subject());
        match receipt.fetch_optional(&self.0).await {
            Ok(receipt) => receipt.ok_or(Decision::NotFound),
            Err(_) => Err(Decision::Unavailable),
        }
    }
}

async fn show(order: Owned<Order>) -> String {
    order.to_string()
}

async fn list(State(pool): State<SqlitePool>, authz: Authz) -> Result<String, Rejection> {
    let (owner, sees_all) = authz.scope(&MayList)?;
    let ids = sqlx::query_scalar("SELECT id FROM orders WHERE owner = ? OR ? ORDER BY id")
        .bind(owner)
        .bind(sees_all);
    let ids: Vec<i64> = ids.fetch_all(&pool).await.map_err(broken)?;
    let ids: Vec<_> = ids.iter().map(i64::to_string).collect();
    Ok(ids.join(" ") + "\n")
}

/// The owner is whoever asks, never a field of the body.
async fn create(
    State(pool): State<SqlitePool>,
    Auth(who): Auth,
    authz: Authz,
    goods: String,
) -> Result<String, Rejection> {
    authz.same_subject(who.subject())?;
    let query =
        "INSERT INTO orders (owner, goods) VALUES (?, ?) RETURNING id, owner, goods, is_shipped";
    let order = sqlx::query_as(query).bind(who.subject()).bind(goods);
    let order: Order = order.fetch_one(&pool).await.map_err(broken)?;
    Ok(order.to_string())
}

/// Between the check and the write the order may have changed hands: the write asks again.
async fn change(
    State(pool): State<SqlitePool>,
    order: Owned<Order, Update>,
    goods: String,
) -> Result<String, Rejection> {
    let query = "UPDATE orders SET goods = ? WHERE id = ? AND owner = ? RETURNING id, owner, goods, is_shipped";
    let changed = sqlx::query_as(query)
        .bind(goods)
        .bind(order.id)
        .bind(&order.owner);
    let changed: Option<Order> = changed.fetch_optional(&pool).await.map_err(broken)?;
    let changed = changed.ok_or_else(Rejection::not_found)?;
    Ok(changed.to_string())
}

/// Whose it is was decided; that it can be cancelled is the shop's own rule.
async fn cancel(
    State(pool): State<SqlitePool>,
    order: Owned<Order, Delete>,
) -> Result<String, Rejection> {
    let query = "DELETE FROM orders WHERE id = ? AND owner = ? AND NOT is_shipped";
    let cancelled = sqlx::query(query).bind(order.id).bind(&order.owner);
    let cancelled = cancelled.execute(&pool).await.map_err(broken)?;
    if order.is_shipped || cancelled.rows_affected() == 0 {
        let title = "This order has been sent";
        return Err(Rejection::new(
            StatusCode::FORBIDDEN,
            "order_shipped",
            title,
        ));
    }
    Ok(format!("order {} is cancelled\n", order.id))
}

async fn receipt(receipt: Granted<Receipt>) -> String {
    let (whole, rest) = (receipt.cents / 100, receipt.cents % 100);
    format!("received {whole}.{rest:02} from {}\n", receipt.owner)
}

async fn health(_: Public) -> &'static str {
    "up\n"
}

/// Written in a hurry.
async fn dump() -> &'static str {
    "all orders of everybody\n"
}

/// The client learns nothing of what the data base says.
fn broken(error: sqlx::Error) -> Rejection {
    eprintln!("{error}");
    Rejection::internal()
}

/// The service, and the keys of Alice, Bob and the administrator.
pub async fn app() -> Result<(Router, [String; 3]), Box<dyn Error>> {
    // In memory each connection has a data base of its own, which ends with it.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None);
    let pool = pool.connect("sqlite::memory:").await?;
    sqlx::raw_sql(SCHEMA).execute(&pool).await?;

    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop").build()?;
    let users = [
        Principal::builder("alice").build(),
        Principal::builder("bob").build(),
        Principal::builder("root").roles(["admin"]).build(),
    ];
    let mut issued = users.each_ref().map(|_| String::new());
    for (user, key) in users.iter().zip(&mut issued) {
        key.clone_from(keys.issue(user, None).await?.key().expose());
    }

    let guard = LoadGuard::builder()
        .resource("/orders/{id}/receipt", Receipts(pool.clone()))
        .shape(IdShape::U64)
        .build()?;
    let stack = SecurityStack::new()
        .client_ip(TrustedProxies::direct())
        .limits(LimitsLayer::new())
        .auth(AuthLayer::builder().api_key(keys).build()?)
        .require_authorization(RequireAuthorization::new())
        .sanitize(SanitizeLayer::strict())
        .ownership(guard);
    let router = Router::new()
        .route("/orders", get(list).post(create))
        .route("/orders/{id}", get(show).put(change).delete(cancel))
        .route("/orders/{id}/receipt", get(receipt))
        .route("/health", get(health))
        .route("/dump", get(dump))
        .layer(stack)
        .with_state(pool);
    Ok((router, issued))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Events go to `tracing`.
    tracing_subscriber::fmt().init();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 3010)).await?;
    let (router, [alice, bob, root]) = app().await?;
    println!("ALICE={alice}\nBOB={bob}\nROOT={root}");
    println!("listening on http://{}", listener.local_addr()?);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}
