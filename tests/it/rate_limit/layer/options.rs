//! What the builder's options change, and what the plain calls answer.

use super::*;

fn with(
    change: impl FnOnce(
        tower_security::rate_limit::RateLimiterBuilder<MemoryStore, RateLimitLayer>,
    )
        -> tower_security::rate_limit::RateLimiterBuilder<MemoryStore, RateLimitLayer>,
) -> RateLimitLayer {
    let builder = RateLimitLayer::builder()
        .policy(by_address(4))
        .clock(ManualClock::new())
        .events(tower_security::core::NoopSink::new());
    change(builder).build().unwrap()
}

#[tokio::test]
async fn which_fields_stand_in_which_answers() {
    let ietf = HeaderStyle::Ietf(IetfDraft::Draft10);
    let both = HeaderStyle::Both(IetfDraft::Draft10);
    let of_ietf = ["ratelimit", "ratelimit-policy"];
    let of_x = [
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    ];
    let of_both = [&of_ietf[..], &of_x[..]].concat();
    // The fields of each of four answers that pass, and of a refusal.
    let rows: [(&str, HeaderStyle, Emit, [&[&str]; 5]); 6] = [
        (
            "default",
            ietf,
            Emit::OnRefusal,
            [&[], &[], &[], &[], &of_ietf],
        ),
        ("always", ietf, Emit::Always, [&of_ietf; 5]),
        ("x", HeaderStyle::LegacyX, Emit::Always, [&of_x; 5]),
        ("both", both, Emit::Always, [&of_both; 5]),
        ("none", HeaderStyle::None, Emit::Always, [&[]; 5]),
        // 3, 2, 1 and 0 of 4 are left: less than half are 1 and 0.
        (
            "below",
            ietf,
            Emit::Below(50),
            [&[], &[], &of_ietf, &of_ietf, &of_ietf],
        ),
    ];
    for (name, style, emit, expected) in rows {
        let service = with(|builder| builder.headers(style, emit)).layer(Spy::new());
        for (index, expected) in expected.into_iter().enumerate() {
            let answer = go(service.clone(), one()).await;
            assert_eq!(answer.status() == 429, index == 4, "{name}");
            let mut names: Vec<_> = answer
                .headers()
                .keys()
                .map(HeaderName::as_str)
                .filter(|name| name.contains("ratelimit"))
                .collect();
            names.sort_unstable();
            assert_eq!(names, expected, "{name} {index}");
        }
    }
}

#[tokio::test]
async fn the_policy_with_the_smallest_part_left_is_told() {
    let layer = RateLimitLayer::builder()
        .policy(everybody("wide", 100))
        .policy(by_address(4))
        .headers(HeaderStyle::default(), Emit::Always)
        .clock(ManualClock::new())
        .build()
        .unwrap();
    let answer = go(layer.layer(Spy::new()), one()).await;
    assert_eq!(answer.headers()[LIMIT], "\"ip\";r=3;t=60");
    assert_eq!(
        answer.headers()[POLICY],
        "\"wide\";q=100;w=6000, \"ip\";q=4;w=240"
    );

    // Equal parts: the one that lasts longer.
    let hour = Policy::new("hour", Quota::per_hour(4)).key(key::global());
    let layer = RateLimitLayer::builder()
        .policy(by_address(4))
        .policy(hour)
        .headers(HeaderStyle::default(), Emit::Always)
        .clock(ManualClock::new())
        .build()
        .unwrap();
    let answer = go(layer.layer(Spy::new()), one()).await;
    assert_eq!(answer.headers()[LIMIT], "\"hour\";r=3;t=900");
}

#[tokio::test]
async fn redirects_carry_no_fields_and_inner_ones_are_kept() {
    let layer = || with(|builder| builder.headers(HeaderStyle::default(), Emit::Always));
    for (status, carries) in [
        (101, false),
        (300, true),
        (301, false),
        (302, false),
        (303, false),
        (307, false),
        (308, false),
        (304, true),
        (404, true),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let inner = Spy::new().status(status).header(LOCATION, "/");
        let answer = go(layer().layer(inner), one()).await;
        assert_eq!(answer.headers().contains_key(LIMIT), carries, "{status}");
    }
    let inner = Spy::new().header(LIMIT, "\"inner\";r=7");
    let answer = go(layer().layer(inner), one()).await;
    assert_eq!(lines(&answer, &LIMIT), ["\"inner\";r=7", "\"ip\";r=3;t=60"]);
}

#[tokio::test]
async fn jitter_only_adds_and_at_most_its_part() {
    let seconds = |jitter: u8| async move {
        let clock = ManualClock::new();
        let policy =
            Policy::new("ip", Quota::new(1, Duration::from_secs(10_000))).key(key::global());
        let layer = RateLimitLayer::builder()
            .policy(policy)
            .retry_jitter(jitter)
            .clock(clock.clone())
            .events(tower_security::core::NoopSink::new())
            .build()
            .unwrap();
        let service = layer.layer(Spy::new());
        statuses(&service, [one()]).await;
        let mut seen = Vec::new();
        for _ in 0..50 {
            clock.advance(Duration::from_nanos(1));
            let answer = go(service.clone(), one()).await;
            seen.push(
                answer.headers()[RETRY_AFTER]
                    .to_str()
                    .unwrap()
                    .parse::<u64>()
                    .unwrap(),
            );
        }
        seen
    };
    assert_eq!(seconds(0).await, [10_000; 50]);
    let stretched = seconds(10).await;
    assert!(
        stretched
            .iter()
            .all(|seconds| (10_000..=11_000).contains(seconds))
    );
    assert!(stretched.iter().any(|seconds| *seconds != stretched[0]));
}

#[tokio::test]
async fn problem_types_and_rendering_can_be_chosen() {
    struct Plain;

    impl RejectionRenderer for Plain {
        fn render(
            &self,
            rejection: &Rejection,
            context: &RefusalContext,
        ) -> Option<(HeaderValue, Bytes)> {
            assert_eq!(context.accepts(), Accepts::Json);
            let body = Bytes::from_static(rejection.code().as_bytes());
            Some((HeaderValue::from_static("text/plain"), body))
        }
    }

    let layer = with(|builder| builder.problem_types("https://a.example/q", "https://a.example/s"));
    let service = layer.layer(Spy::new());
    statuses(&service, [one(), one(), one(), one()]).await;
    let body = text(go(service, one()).await).await;
    assert!(
        body.starts_with("{\"type\":\"https://a.example/q\","),
        "{body}"
    );

    let service = with(|builder| builder.renderer(Plain)).layer(Spy::new());
    statuses(&service, [one(), one(), one(), one()]).await;
    let answer = go(service, one()).await;
    assert_eq!(answer.headers()["content-type"], "text/plain");
    assert_eq!(answer.headers()[RETRY_AFTER], "60");
    assert_eq!(text(answer).await, "rate_limited");
}

#[tokio::test]
async fn handlers_see_where_they_stand_if_they_want_to() {
    let told = |expose: bool| async move {
        let layer = RateLimitLayer::builder()
            .policy(by_address(4))
            .policy(everybody("wide", 100).cost(10))
            .policy(everybody("trial", 9).mode(Mode::ReportOnly))
            .expose_info(expose)
            .clock(ManualClock::new())
            .build()
            .unwrap();
        let seen = Arc::new(Mutex::new(None));
        let into = Arc::clone(&seen);
        let service = layer.layer(service_fn(move |request: Req| {
            *into.lock().unwrap() = request.extensions().get::<RateLimitInfo>().cloned();
            async { Ok::<_, Infallible>(Response::new(Full::default())) }
        }));
        go(service, one()).await;
        seen.lock().unwrap().take()
    };
    assert!(told(false).await.is_none());
    let info = told(true).await.unwrap();
    let rows: Vec<_> = info
        .standings()
        .iter()
        .map(|one| (one.name(), one.limit(), one.remaining(), one.reset()))
        .collect();
    assert_eq!(rows, [("ip", 4, 3, MINUTE), ("wide", 100, 90, MINUTE)]);
}

#[tokio::test]
async fn a_hundred_refusals_a_second_are_told() {
    let bench = Bench::new();
    let service = bench.layer([by_address(1)]).layer(Spy::new());
    for _ in 0..250 {
        statuses(&service, [one()]).await;
    }
    assert_eq!(bench.take_events().len(), 100);
    bench.clock.advance(Duration::from_secs(1));
    statuses(&service, [one()]).await;
    assert_eq!(
        bench.take_events(),
        [
            "excess_rate_limit_exceeded warn refused rate_limited rule=ip wait_ms=59000 suppressed=149"
        ]
    );
}

#[tokio::test]
async fn the_preset_counts_clients_and_everybody() {
    let layer = RateLimitLayer::api(Quota::new(1, MINUTE).burst(2)).unwrap();
    let policies = layer.limiter().policies();
    let names: Vec<_> = policies.iter().map(Policy::name).collect();
    assert_eq!(names, ["client", "global"]);
    let service = layer.layer(Spy::new());
    assert_eq!(
        statuses(&service, [one(), one(), one()]).await,
        [200, 200, 429]
    );
    // 98 of the hundred are left for others.
    let others = |hosts: std::ops::Range<u8>| hosts.map(|host| from(&format!("192.0.2.{host}")));
    assert_eq!(statuses(&service, others(0..98)).await, [200; 98]);
    assert_eq!(statuses(&service, others(98..99)).await, [429]);

    // Fifty times a million in a second is more than a quota can say.
    assert!(RateLimitLayer::api(Quota::per_second(1_000_000)).is_ok());
    let errors = RateLimitLayer::api(Quota::per_minute(0)).unwrap_err();
    let told: Vec<_> = errors.iter().map(|it| (it.path(), it.code())).collect();
    assert_eq!(told, [("rate_limit.policies[0].quota", "empty_quota")]);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let errors = RateLimiter::builder()
        .store(MemoryStore::with_capacity(7))
        .policy(Policy::new("a b", Quota::per_minute(1)).cost(2))
        .policy(by_address(1).enforce_percent(101))
        .policy(by_address(1))
        .headers(HeaderStyle::default(), Emit::Below(101))
        .retry_jitter(11)
        .build()
        .unwrap_err();
    let codes: Vec<_> = errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect();
    assert_eq!(
        codes,
        [
            ("rate_limit.policies[0].name", "policy_name"),
            ("rate_limit.policies[0].quota", "cost_exceeds_burst"),
            ("rate_limit.policies[0].key", "key_required"),
            ("rate_limit.policies[1].enforce_percent", "percent"),
            ("rate_limit.policies[2]", "duplicate_policy"),
            ("rate_limit.store.capacity", "capacity"),
            ("rate_limit.headers", "percent"),
            ("rate_limit.retry_jitter", "jitter"),
        ]
    );
    let none = RateLimitLayer::builder().build().unwrap_err();
    assert_eq!(none.iter().next().unwrap().code(), "no_policy");
    let legal = RateLimitLayer::builder()
        .policy(by_address(1))
        .headers(HeaderStyle::default(), Emit::Below(100))
        .retry_jitter(10);
    assert!(legal.build().is_ok());
}

#[tokio::test]
async fn a_limiter_can_be_asked_without_a_request() {
    let bench = Bench::new();
    let limiter = bench.limiter(
        MemoryStore::default(),
        [everybody("jobs", 3), by_address(2)],
    );
    let remaining = |permit: &tower_security::rate_limit::Permit<MemoryStore>| {
        permit
            .standings()
            .iter()
            .map(|one| one.remaining())
            .collect::<Vec<_>>()
    };
    let ada = |key: &mut key::KeyHasher| key.str("ada");

    let first = limiter.acquire("ip", ada, 2).await.unwrap();
    assert_eq!(remaining(&first), [0]);
    let refusal = limiter.acquire("ip", ada, 1).await.unwrap_err();
    assert_eq!(refusal.to_string(), "Too many requests");
    assert_eq!(refusal.limited().wait(), Some(MINUTE));
    let rejection = refusal.into_rejection();
    assert_eq!(rejection.headers()["ratelimit"], "\"ip\";r=0;t=60");
    assert!(rejection.details().is_some());
    assert!(
        limiter
            .acquire("ip", |key| key.str("grace"), 1)
            .await
            .is_ok()
    );
    assert_eq!(limiter.peek("ip", ada).await.unwrap().remaining(), 0);
    limiter.refund(first);
    assert_eq!(limiter.peek("ip", ada).await.unwrap().remaining(), 2);

    drop(limiter.acquire("ip", ada, 2).await.unwrap());
    assert!(limiter.acquire("ip", ada, 1).await.is_err());
    assert!(limiter.reset("ip", ada));
    assert!(limiter.acquire("ip", ada, 1).await.is_ok());

    let unknown = limiter.acquire("no", ada, 1).await.unwrap_err();
    assert_eq!(unknown.limited().reason(), RateLimitReason::UnknownPolicy);
    assert_eq!(unknown.into_rejection().status(), 500);
    assert!(!limiter.reset("no", ada));
    // What was asked by a wrong name was refused to nobody.
    assert_eq!(limiter.stats().refused, 2);
}

#[tokio::test]
async fn where_all_keys_are_one_a_call_is_counted_with_the_requests() {
    let bench = Bench::new();
    let store = MemoryStore::default();
    let limiter = bench.limiter(store.clone(), [everybody("all", 2)]);
    let (parts, _) = one().into_parts();
    let named = |name: &'static str| limiter.acquire("all", move |key| key.str(name), 1);
    assert!(limiter.check(&parts).await.is_ok());
    assert!(named("ada").await.is_ok());
    assert!(named("bob").await.is_err());
    assert!(limiter.check(&parts).await.is_err());
    assert!(limiter.reset("all", |key| key.str("eve")));
    assert!(limiter.check(&parts).await.is_ok());
}

#[tokio::test]
async fn what_is_off_lets_calls_pass_and_charges_nothing() {
    let bench = Bench::new();
    let ada = |key: &mut key::KeyHasher| key.str("ada");
    let limiter = bench.limiter(MemoryStore::default(), [by_address(1).mode(Mode::Off)]);
    for _ in 0..2 {
        let permit = limiter.acquire("ip", ada, 1).await.unwrap();
        assert!(permit.standings().is_empty());
    }
    assert!(limiter.acquire("no", ada, 1).await.is_err());

    let layer = with(|builder| builder.mode(Mode::Off));
    let limiter = layer.limiter();
    for _ in 0..9 {
        drop(limiter.acquire("ip", ada, 4).await.unwrap());
    }
    assert_eq!(limiter.peek("ip", ada).await.unwrap().remaining(), 4);
    assert_eq!(limiter.stats().would_refuse, 0);
}

#[tokio::test]
async fn the_sender_of_a_request_is_reset() {
    let bench = Bench::new();
    let limiter = bench.limiter(MemoryStore::default(), [by_address(1)]);
    let (parts, _) = one().into_parts();
    assert!(limiter.check(&parts).await.is_ok());
    assert!(limiter.check(&parts).await.is_err());
    assert!(limiter.reset_for("ip", &parts));
    assert!(limiter.check(&parts).await.is_ok());
    assert!(!limiter.reset_for("no", &parts));
    let (nobody, _) = Request::new(()).into_parts();
    assert!(!limiter.reset_for("ip", &nobody));
}

#[tokio::test]
async fn a_permit_is_settled_by_the_answer() {
    let bench = Bench::new();
    let policy = by_address(1).count_when(Outcome::is_failure);
    let limiter = bench.limiter(MemoryStore::default(), [policy]);
    let (parts, _) = one().into_parts();
    let mut answer = Response::new(());
    let permit = limiter.check(&parts).await.unwrap();
    permit.settle(&Outcome::of(&answer));
    let permit = limiter.check(&parts).await.unwrap();
    *answer.status_mut() = StatusCode::NOT_FOUND;
    permit.settle(&Outcome::of(&answer));
    assert!(limiter.check(&parts).await.is_err());
}

#[test]
fn what_weakens_a_limit_is_listed() {
    let limiter = RateLimiter::builder()
        .policy(by_address(1))
        .policy(everybody("b", 1).dangerous_allow_on_store_error())
        .build()
        .unwrap();
    let made: Vec<_> = limiter
        .dangerous()
        .into_iter()
        .filter(|(_, is_made)| *is_made)
        .collect();
    assert_eq!(made, [("dangerous_allow_on_store_error", true)]);
    let shown = format!("{:?}", RateLimitLayer::new(limiter));
    assert!(shown.contains("name: \"ip\""), "{shown}");
}
