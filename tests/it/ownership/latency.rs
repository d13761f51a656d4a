//! What is somebody else's and what does not exist take the same time.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tower_security::axum::Owned;
use tower_security::ownership::{Granted, LoadError, LoadGuard, OwnedResource, ResourceLoader};

use super::*;
use crate::support::service::go;

const REQUESTS: usize = 5_000;

struct Order;

/// One query that carries the owner.
async fn find(pool: &SqlitePool, id: i64, owner: &str) -> Result<Option<Order>, sqlx::Error> {
    let query = sqlx::query("SELECT text FROM orders WHERE id = ? AND owner = ?");
    let row = query.bind(id).bind(owner).fetch_optional(pool).await?;
    Ok(row.map(|_| Order))
}

struct Table(SqlitePool);

impl ResourceLoader for Table {
    type Resource = Order;

    async fn load(&self, request: AccessRequest) -> Result<Order, Decision> {
        let id = request.id().parse().map_err(|_| Decision::NotFound)?;
        let order = find(&self.0, id, request.principal().subject());
        let order = order.await.map_err(|_| Decision::Unavailable)?;
        order.ok_or(Decision::NotFound)
    }
}

impl OwnedResource<SqlitePool> for Order {
    type Id = i64;
    const PARAM: &'static str = "id";
    const SHAPE: IdShape = IdShape::U64;

    async fn load(pool: &SqlitePool, id: &i64, who: &Principal) -> Result<Option<Self>, LoadError> {
        Ok(find(pool, *id, who.subject()).await?)
    }

    fn decide(&self, _: &Principal, _: Action) -> Decision {
        Decision::Allow
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test]
#[ignore = "measures time"]
async fn denied_and_absent_take_the_same_time() {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None);
    let pool = pool.connect("sqlite::memory:").await.unwrap();
    let schema = "CREATE TABLE orders (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, text TEXT NOT NULL);
        WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 20000)
        INSERT INTO orders SELECT id, CASE id % 2 WHEN 0 THEN 'bob' ELSE 'alice' END, 'an order' FROM n;";
    sqlx::raw_sql(schema).execute(&pool).await.unwrap();

    let guard = LoadGuard::builder()
        .resource("/loaded/{id}", Table(pool.clone()))
        .shape(IdShape::U64);
    let router = Router::new()
        .route("/loaded/{id}", get(async |_: Granted<Order>| "an order"))
        .route("/owned/{id}", get(async |_: Owned<Order>| "an order"))
        .layer(guard.build().unwrap())
        .layer(Login)
        .with_state(pool);
    let ask = async |route: &str, id: usize, status: u16| {
        let asked = request("alice", "GET", &format!("/{route}/{id}")).map(Body::new);
        let start = Instant::now();
        let answer = go(router.clone(), asked).await;
        let passed = start.elapsed();
        assert_eq!(answer.status(), status);
        passed
    };
    for route in ["loaded", "owned"] {
        ask(route, 1, 200).await;
        let (mut denied, mut absent) = (Vec::new(), Vec::new());
        for n in 0..REQUESTS {
            // Even ids are bob's; as many digits, elsewhere in the table and beyond its end; each goes first as often as the other.
            let (of_bob, of_nobody) = (10_000 + 2 * (n % 4_000), 30_000 + n);
            if n % 2 == 0 {
                denied.push(ask(route, of_bob, 404).await);
                absent.push(ask(route, of_nobody, 404).await);
            } else {
                absent.push(ask(route, of_nobody, 404).await);
                denied.push(ask(route, of_bob, 404).await);
            }
        }
        let (denied, absent) = (median(denied), median(absent));
        let apart = denied.abs_diff(absent);
        println!("{route}: denied {denied:?}, absent {absent:?}, apart {apart:?}");
        let bound = Duration::from_micros(50).max(absent / 50);
        assert!(
            apart <= bound,
            "{route}: denied {denied:?}, absent {absent:?}"
        );
    }
}
