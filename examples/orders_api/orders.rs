//! Orders, each of which belongs to a user.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use sqlx::SqlitePool;
use tower_security::axum::{Auth, Delete, Owned, Update};
use tower_security::core::{Principal, Rejection};
use tower_security::ownership::{
    AccessRequest, Action, Authz, Decision, IdShape, LoadError, OwnedResource, ResourceLoader,
    Scope,
};
use tower_security::sanitize::html::SafeHtml;
use tower_security::sanitize::{Identifier, PlainLine};

use super::accounts::id_of;
use super::shop::{Shop, broken};

/// What there is to buy, and what it costs: nobody names a price.
const CATALOGUE: [(&str, i64); 3] = [("book", 1_500), ("chair", 12_000), ("lamp", 3_900)];

#[derive(Clone, Serialize, sqlx::FromRow)]
pub struct Order {
    pub id: i64,
    pub owner: i64,
    pub goods: String,
    pub quantity: i64,
    pub cents: i64,
    /// HTML that was cleaned before it was stored.
    pub note: String,
    #[serde(serialize_with = "as_json")]
    pub options: String,
    pub status: String,
}

/// A column of JSON.
fn as_json<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    value.serialize(serializer)
}

impl Order {
    /// One query carries the owner: what is somebody else's is absent, and takes as long.
    async fn of(db: &SqlitePool, id: i64, who: &Principal) -> sqlx::Result<Option<Self>> {
        let query = "SELECT * FROM orders WHERE id = ? AND (owner = ? OR ?)";
        let query = sqlx::query_as(query)
            .bind(id)
            .bind(id_of(who))
            .bind(who.has_role("admin"));
        query.fetch_optional(db).await
    }
}

/// For handlers that take the state of the router.
impl OwnedResource<Shop> for Order {
    type Id = i64;
    const PARAM: &'static str = "id";
    const SHAPE: IdShape = IdShape::U64;

    async fn load(shop: &Shop, id: &i64, who: &Principal) -> Result<Option<Self>, LoadError> {
        Ok(Self::of(&shop.db, *id, who).await?)
    }

    fn decide(&self, who: &Principal, action: Action) -> Decision {
        match action {
            _ if self.owner == id_of(who) => Decision::Allow,
            Action::Read if who.has_role("admin") => Decision::AllowAsAdmin,
            _ => Decision::Deny,
        }
    }
}

/// Loads orders in the layer, for pages and sockets. Administrators have no business there.
pub struct Orders(pub SqlitePool);

impl ResourceLoader for Orders {
    type Resource = Order;

    async fn load(&self, request: AccessRequest) -> Result<Order, Decision> {
        // The shape of the rule lets only numbers through; one that no row can have is absent.
        let id = request.id().parse().map_err(|_| Decision::NotFound)?;
        let who = request.principal();
        match Order::of(&self.0, id, who).await {
            Ok(Some(order)) if order.owner == id_of(who) => Ok(order),
            Ok(_) => Err(Decision::NotFound),
            Err(_) => Err(Decision::Unavailable),
        }
    }
}

/// What a list holds: the orders of its reader, and all for an administrator.
pub struct MayList;

impl Scope for MayList {
    /// The owner, and whether it may be anybody's.
    type Filter = (i64, bool);

    fn filter(&self, who: &Principal) -> (i64, bool) {
        (id_of(who), who.has_role("admin"))
    }
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    pub q: Option<PlainLine<100>>,
}

/// Looks for a text in the goods and notes of whoever asks.
pub async fn matching(
    db: &SqlitePool,
    authz: &Authz,
    wanted: &Wanted,
) -> Result<Vec<Order>, Rejection> {
    let (owner, sees_all) = authz.scope(&MayList)?;
    let text = wanted.q.as_ref().map_or("", PlainLine::as_str);
    // Neither a pattern nor SQL: a value.
    let query = "SELECT * FROM orders WHERE (owner = ?1 OR ?2)
        AND (instr(lower(goods), lower(?3)) > 0 OR instr(lower(note), lower(?3)) > 0) ORDER BY id LIMIT 100";
    let query = sqlx::query_as(query).bind(owner).bind(sees_all).bind(text);
    query.fetch_all(db).await.map_err(broken)
}

pub async fn list(
    State(shop): State<Shop>,
    authz: Authz,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Order>>, Rejection> {
    matching(&shop.db, &authz, &wanted).await.map(Json)
}

/// What a client may say of an order. The owner is whoever asks, the price is ours.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    goods: Identifier<40>,
    quantity: u8,
    /// Cleaned while it is read.
    #[serde(default)]
    note: Option<SafeHtml>,
    #[serde(default)]
    options: Map<String, Value>,
}

pub async fn create(
    State(shop): State<Shop>,
    Auth(who): Auth,
    authz: Authz,
    Json(order): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), Rejection> {
    authz.same_subject(who.subject())?;
    let wanted = order.goods.as_str();
    let price = CATALOGUE.iter().find(|(goods, _)| *goods == wanted);
    let (Some((goods, cents)), 1..=10) = (price, order.quantity) else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(Rejection::new(
            status,
            "not_for_sale",
            "There is no such thing, or not so many",
        ));
    };
    let quantity = i64::from(order.quantity);
    let query = "INSERT INTO orders (owner, goods, quantity, cents, note, options) VALUES (?, ?, ?, ?, ?, ?) RETURNING *";
    let order = sqlx::query_as(query)
        .bind(id_of(&who))
        .bind(*goods)
        .bind(quantity)
        .bind(cents * quantity)
        .bind(order.note.map(SafeHtml::into_string).unwrap_or_default())
        .bind(Value::from(order.options).to_string());
    let order = order.fetch_one(&shop.db).await.map_err(broken)?;
    Ok((StatusCode::CREATED, Json(order)))
}

pub async fn show(order: Owned<Order>) -> Json<Order> {
    Json(order.into_inner())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    note: SafeHtml,
}

/// Between the check and the write the order may have changed hands: the write asks again.
pub async fn change(
    State(shop): State<Shop>,
    order: Owned<Order, Update>,
    Json(change): Json<Change>,
) -> Result<Json<Order>, Rejection> {
    let query =
        "UPDATE orders SET note = ? WHERE id = ? AND owner = ? AND status = 'open' RETURNING *";
    let query = sqlx::query_as(query)
        .bind(change.note.as_html())
        .bind(order.id)
        .bind(order.owner);
    let changed = query.fetch_optional(&shop.db).await.map_err(broken)?;
    changed.map(Json).ok_or_else(not_open)
}

/// By a form of a page, whose cookie the browser sends.
pub async fn pay(
    State(shop): State<Shop>,
    order: Owned<Order, Update>,
) -> Result<Json<Order>, Rejection> {
    let query = "UPDATE orders SET status = 'paid' WHERE id = ? AND owner = ? AND status = 'open' RETURNING *";
    let query = sqlx::query_as(query).bind(order.id).bind(order.owner);
    let paid = query.fetch_optional(&shop.db).await.map_err(broken)?;
    paid.map(Json).ok_or_else(not_open)
}

pub async fn cancel(
    State(shop): State<Shop>,
    order: Owned<Order, Delete>,
) -> Result<StatusCode, Rejection> {
    let query = "DELETE FROM orders WHERE id = ? AND owner = ? AND status = 'open'";
    let query = sqlx::query(query).bind(order.id).bind(order.owner);
    let cancelled = query.execute(&shop.db).await.map_err(broken)?;
    if cancelled.rows_affected() == 0 {
        return Err(not_open());
    }
    Ok(StatusCode::NO_CONTENT)
}

/// For administrators, which the access table sees to.
pub async fn ship(State(shop): State<Shop>, Path(id): Path<u32>) -> Result<Json<Order>, Rejection> {
    let query = "UPDATE orders SET status = 'shipped' WHERE id = ? AND status = 'paid' RETURNING *";
    let shipped = sqlx::query_as(query).bind(id).fetch_optional(&shop.db);
    shipped
        .await
        .map_err(broken)?
        .map(Json)
        .ok_or_else(not_open)
}

fn not_open() -> Rejection {
    let title = "This order has another state by now";
    Rejection::new(StatusCode::CONFLICT, "order_state", title)
}
