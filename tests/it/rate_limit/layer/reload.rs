//! Policies replaced under traffic, and state that all services of a layer share.

use super::*;

#[tokio::test]
async fn counters_survive_when_a_policy_keeps_its_name_and_key() {
    let bench = Bench::new();
    let layer = bench.layer([by_address(2)]);
    let service = layer.layer(Spy::new());
    assert_eq!(
        statuses(&service, [one(), one(), one()]).await,
        [200, 200, 429]
    );
    layer
        .limiter()
        .replace_policies(vec![by_address(3)])
        .unwrap();
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 429]);
    let renamed = Policy::new("other", Quota::new(1, MINUTE)).key(key::client_ip());
    layer.limiter().replace_policies(vec![renamed]).unwrap();
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 429]);
}

#[tokio::test]
async fn what_is_wrong_replaces_nothing() {
    let bench = Bench::new();
    let layer = bench.layer([by_address(1)]);
    let service = layer.layer(Spy::new());
    let errors = layer.limiter().replace_policies(Vec::new()).unwrap_err();
    assert_eq!(errors.iter().next().unwrap().code(), "no_policy");
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 429]);
}

#[tokio::test]
async fn a_request_in_flight_is_settled_by_the_policies_it_came_under() {
    let bench = Bench::new();
    let policy = by_address(1).count_when(Outcome::is_failure);
    let layer = bench.layer([policy]);
    let (answers, waiting) = oneshot::channel::<()>();
    let waiting = Arc::new(Mutex::new(Some(waiting)));
    let slow = layer.layer(service_fn(move |_: Req| {
        let waiting = waiting.lock().unwrap().take();
        async move {
            if let Some(waiting) = waiting {
                waiting.await.unwrap();
            }
            Ok::<_, Infallible>(Response::new(Full::default()))
        }
    }));
    let mut call = pin!(go(slow.clone(), one()));
    assert!(poll_once(call.as_mut()).is_pending());
    // The new one counts every request.
    layer
        .limiter()
        .replace_policies(vec![by_address(1)])
        .unwrap();
    answers.send(()).unwrap();
    assert_eq!(call.await.status(), 200);
    // The unit was given back to the counter that both of them use.
    assert_eq!(statuses(&slow, [one(), one()]).await, [200, 429]);
}

#[tokio::test]
async fn services_of_one_layer_count_together_and_layers_do_not() {
    let bench = Bench::new();
    let layer = bench.layer([by_address(2)]);
    let (a, b) = (layer.layer(Spy::new()), layer.clone().layer(Spy::new()));
    assert_eq!(statuses(&a, [one()]).await, [200]);
    assert_eq!(statuses(&b, [one(), one()]).await, [200, 429]);
    let other = bench.layer([by_address(2)]).layer(Spy::new());
    assert_eq!(statuses(&other, [one()]).await, [200]);

    let store = MemoryStore::default();
    let one_store = || RateLimitLayer::new(bench.limiter(store.clone(), [by_address(1)]));
    let (a, b) = (one_store().layer(Spy::new()), one_store().layer(Spy::new()));
    assert_eq!(statuses(&a, [one()]).await, [200]);
    assert_eq!(statuses(&b, [one()]).await, [429]);
}

#[test]
fn futures_and_layers_cross_threads() {
    fn crosses<T: Send + Sync + Clone>(_: &T) {}
    fn moves<T: Send>(_: T) {}
    let layer = RateLimitLayer::builder()
        .policy(by_address(1))
        .build()
        .unwrap();
    crosses(&layer);
    let mut service = layer.layer(Spy::new());
    moves(service.call(one()));
    let limiter = layer.limiter().clone();
    moves(async move {
        let (parts, _) = one().into_parts();
        limiter.check(&parts).await.is_ok()
    });
}

#[tokio::test]
async fn a_body_that_is_neither_cloned_nor_sent_passes_through() {
    struct Rare(#[expect(dead_code, reason = "it makes the body what it is")] std::rc::Rc<u8>);
    let layer = RateLimitLayer::builder()
        .policy(by_address(1).when(|parts| parts.method == Method::POST))
        .build()
        .unwrap();
    let service = layer.layer(service_fn(|request: Request<Rare>| async move {
        assert_eq!(request.uri().path(), "/a");
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    let request = || Request::post("/a").body(Rare(std::rc::Rc::new(1))).unwrap();
    assert_eq!(go(service.clone(), request()).await.status(), 200);
    assert_eq!(go(service, request()).await.status(), 429);
}

#[tokio::test]
async fn grpc_is_answered_in_its_own_words() {
    let bench = Bench::new();
    let service = bench.layer([by_address(1)]).layer(Spy::new());
    let call = || {
        let mut request = one();
        *request.method_mut() = Method::POST;
        request
            .headers_mut()
            .insert("content-type", HeaderValue::from_static("application/grpc"));
        request
    };
    assert_eq!(go(service.clone(), call()).await.status(), 200);
    bench.clock.advance(Duration::from_nanos(1_500_001));
    let answer = go(service, call()).await;
    assert_eq!(answer.status(), 200);
    let headers = answer.headers();
    assert_eq!(headers["grpc-status"], "8");
    assert_eq!(headers["grpc-message"], "Too many requests");
    assert_eq!(headers["grpc-retry-pushback-ms"], "59999");
    assert!(headers.contains_key("grpc-status-details-bin"));
    assert!(!headers.contains_key(RETRY_AFTER));
    assert!(!headers.contains_key(LIMIT));

    let never = bench
        .layer([by_address(1).cost_by(|_| 2)])
        .layer(Spy::new());
    let answer = go(never, call()).await;
    assert_eq!(answer.headers()["grpc-status"], "8");
    assert_eq!(answer.headers()["grpc-retry-pushback-ms"], "-1");
}
