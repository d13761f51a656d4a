//! What many rules cost.

use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use tower::ServiceExt;

use super::*;

/// The median of five rounds, in nanoseconds for one request.
async fn cost(rules: usize) -> u128 {
    const REQUESTS: u32 = 10_000;
    let mut builder = AccessTable::builder().events(Told::default());
    for rule in 0..rules {
        builder = builder.get(format!("/api/v1/r{rule}/{{id}}"), role("staff"));
    }
    let table = builder.build().unwrap();
    let router: Router = Router::new().route("/api/v1/r7/{id}", get(async || "reached"));
    let mut service = logged_in(router.layer(table).with_state(()));
    let mut rounds = Vec::new();
    for _ in 0..5 {
        let requests =
            (0..REQUESTS).map(|_| request("staff", "GET", "/api/v1/r7/1").map(Body::new));
        let requests: Vec<_> = requests.collect();
        let start = Instant::now();
        for request in requests {
            let service = ServiceExt::<Request<Body>>::ready(&mut service)
                .await
                .unwrap();
            let answer = service.call(request).await.unwrap();
            assert_eq!(answer.status(), 200);
        }
        rounds.push(start.elapsed().as_nanos() / u128::from(REQUESTS));
    }
    rounds.sort_unstable();
    rounds[2]
}

#[tokio::test]
#[ignore = "measures time"]
async fn a_thousand_rules_cost_what_ten_do() {
    cost(10).await;
    let (ten, thousand) = (cost(10).await, cost(1_000).await);
    println!("10 rules: {ten} ns, 1,000 rules: {thousand} ns");
    assert!(thousand * 2 <= ten * 3, "{ten} ns and {thousand} ns");
}
