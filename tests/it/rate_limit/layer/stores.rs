//! Stores of users: one that fails, one that takes its time, and what follows.

use super::*;

type Answered = Result<Vec<Standing>, StoreError>;

/// Counts in memory as long as it is not away.
#[derive(Clone)]
pub(super) struct Away {
    inner: MemoryStore,
    is_away: Arc<AtomicBool>,
    nodes: Option<u32>,
}

impl Away {
    pub(super) fn new() -> Self {
        Self {
            inner: MemoryStore::default(),
            is_away: Arc::default(),
            nodes: None,
        }
    }

    pub(super) fn away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }
}

impl Store for Away {
    type Counter = MemoryCounter;
    type Pending = Ready<Answered>;

    fn key_seed(&self) -> KeySeed {
        self.inner.key_seed()
    }

    fn open(&self, spec: &CounterSpec<'_>) -> Arc<MemoryCounter> {
        self.inner.open(spec)
    }

    fn acquire(
        &self,
        now: Nanos,
        charges: &mut [Charge<'_, MemoryCounter>],
    ) -> Acquire<Self::Pending> {
        if self.is_away.load(Ordering::SeqCst) {
            return Acquire::Failed(StoreError::new(StoreErrorKind::Timeout, "node-2.internal"));
        }
        self.inner.acquire(now, charges)
    }

    fn pass(&self, now: Nanos, charges: &mut [Charge<'_, MemoryCounter>]) -> bool {
        !self.is_away.load(Ordering::SeqCst) && self.inner.pass(now, charges)
    }

    fn refund(&self, now: Nanos, counter: &MemoryCounter, receipt: Receipt) {
        self.inner.refund(now, counter, receipt);
    }

    fn reset(&self, now: Nanos, counter: &MemoryCounter, key: key::KeyHash) {
        self.inner.reset(now, counter, key);
    }

    fn expected_nodes(&self) -> Option<u32> {
        self.nodes
    }
}

#[tokio::test]
async fn a_store_that_is_away_denies_if_the_policy_says_so() {
    let bench = Bench::new();
    let store = Away::new();
    let spy = Spy::new();
    let limiter = bench.limiter(
        store.clone(),
        [by_address(9).on_store_error(OnStoreError::Deny)],
    );
    let service = RateLimitLayer::new(limiter.clone()).layer(spy.clone());
    assert_eq!(statuses(&service, [one()]).await, [200]);
    store.away(true);
    let answer = go(service.clone(), one()).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[RETRY_AFTER], "1");
    assert!(!answer.headers().contains_key(LIMIT));
    let limited = answer.extensions().get::<RateLimited>().unwrap();
    assert_eq!(limited.reason(), RateLimitReason::StoreUnavailable);
    assert_eq!(limited.policies().collect::<Vec<_>>(), ["ip"]);
    assert_eq!(AbuseSignal::of(answer.extensions()), None);
    assert_eq!(
        text(answer).await,
        "{\"type\":\"https://iana.org/assignments/http-problem-types#temporary-reduced-capacity\",\
         \"title\":\"The limits cannot be looked up now\",\"status\":503,\"code\":\"rate_store_unavailable\"}"
    );
    assert_eq!(statuses(&service, [one()]).await, [503]);
    assert_eq!(spy.calls(), 1);
    assert_eq!(
        bench.take_events(),
        [
            "sys_monitor_disabled error fault rate_store_unavailable rule=- \
          the store did not answer in time: node-2.internal"
        ]
    );

    store.away(false);
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 200]);
    assert_eq!(
        bench.take_events(),
        ["sys_monitor_enabled warn success rate_store_available rule=- -"]
    );
    assert_eq!(limiter.stats().store_failures, 2);
}

#[tokio::test]
async fn a_store_that_is_away_is_stood_in_for_by_a_part_of_the_quota() {
    let half = OnStoreError::Local {
        fraction: Some(0.5),
    };
    let rows = [
        ("whole", OnStoreError::default(), None, 4),
        ("half", half, None, 2),
        (
            "a quarter for each of four nodes",
            OnStoreError::default(),
            Some(4),
            1,
        ),
        ("a fraction before the nodes", half, Some(4), 2),
    ];
    for (name, on_error, nodes, passing) in rows {
        let bench = Bench::new();
        let mut store = Away::new();
        store.nodes = nodes;
        let limiter = bench.limiter(store.clone(), [by_address(4).on_store_error(on_error)]);
        let service = RateLimitLayer::new(limiter).layer(Spy::new());
        store.away(true);
        let seen = statuses(&service, (0..6).map(|_| one())).await;
        let passed = seen.iter().filter(|status| **status == 200).count();
        assert_eq!(passed, passing, "{name}");
        assert_eq!(seen.last(), Some(&429), "{name}");
        // Counters of the store were not touched.
        store.away(false);
        assert_eq!(
            statuses(&service, (0..5).map(|_| one())).await,
            [200, 200, 200, 200, 429]
        );
    }
}

#[tokio::test]
async fn a_policy_may_let_pass_what_its_store_does_not_count() {
    let bench = Bench::new();
    let store = Away::new();
    let policies = [
        by_address(1).dangerous_allow_on_store_error(),
        everybody("wide", 2),
    ];
    let limiter = bench.limiter(store.clone(), policies);
    let service = RateLimitLayer::new(limiter).layer(Spy::new());
    store.away(true);
    // The other one still counts here.
    assert_eq!(
        statuses(&service, [one(), one(), one()]).await,
        [200, 200, 429]
    );
}

#[tokio::test]
async fn what_was_counted_in_place_of_the_store_is_given_back_there() {
    let bench = Bench::new();
    let store = Away::new();
    let limiter = bench.limiter(
        store.clone(),
        [by_address(1).count_when(Outcome::is_failure)],
    );
    let service = RateLimitLayer::new(limiter).layer(Spy::new());
    store.away(true);
    assert_eq!(statuses(&service, [one(), one(), one()]).await, [200; 3]);
}

#[tokio::test]
async fn a_cost_above_a_part_of_the_burst_still_fits_into_a_full_bucket() {
    let bench = Bench::new();
    let store = Away::new();
    let half = OnStoreError::Local {
        fraction: Some(0.5),
    };
    let limiter = bench.limiter(store.clone(), [by_address(4).cost(3).on_store_error(half)]);
    let service = RateLimitLayer::new(limiter).layer(Spy::new());
    store.away(true);
    let answers = statuses(&service, [one(), one()]).await;
    assert_eq!(answers, [200, 429]);
}

#[tokio::test]
async fn what_costs_more_than_the_burst_is_refused_in_place_of_the_store_too() {
    for (is_away, cost, expected) in [
        (false, 4, 200),
        (false, 5, 429),
        (true, 4, 200),
        (true, 5, 429),
    ] {
        let bench = Bench::new();
        let store = Away::new();
        let half = OnStoreError::Local {
            fraction: Some(0.5),
        };
        let policy = by_address(4).cost_by(move |_| cost).on_store_error(half);
        let limiter = bench.limiter(store.clone(), [policy]);
        store.away(is_away);
        let answer = go(RateLimitLayer::new(limiter).layer(Spy::new()), one()).await;
        assert_eq!(answer.status(), expected, "{is_away} {cost}");
        let limited = answer.extensions().get::<RateLimited>();
        let reason = limited.map(RateLimited::reason);
        let expected = (expected == 429).then_some(RateLimitReason::CostExceedsQuota);
        assert_eq!(reason, expected, "{is_away} {cost}");
    }
}

#[tokio::test]
async fn what_is_overdrawn_in_place_of_the_store_is_paid_off_there() {
    let bench = Bench::new();
    let store = Away::new();
    let policy = by_address(4).charge_after(|_| 9);
    let limiter = bench.limiter(store.clone(), [policy]);
    let service = RateLimitLayer::new(limiter).layer(Spy::new());
    store.away(true);
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 429]);
    // Twice the window is owed, of which all but a unit less than one window has to be paid.
    bench.clock.advance(MINUTE * 5 - Duration::from_nanos(1));
    assert_eq!(statuses(&service, [one()]).await, [429]);
    bench.clock.advance(Duration::from_nanos(1));
    assert_eq!(statuses(&service, [one()]).await, [200]);
}

#[tokio::test]
async fn what_an_answer_costs_is_booked_here_if_the_store_goes_away_meanwhile() {
    let bench = Bench::new();
    let store = Away::new();
    let goes = store.clone();
    let policy = by_address(4).charge_after(move |_| {
        goes.away(true);
        4
    });
    let limiter = bench.limiter(store.clone(), [policy]);
    let service = RateLimitLayer::new(limiter.clone()).layer(Spy::new());
    assert_eq!(statuses(&service, [one(), one()]).await, [200, 429]);
    assert_eq!(limiter.stats().store_failures, 2);
}

#[tokio::test]
async fn a_store_that_is_away_is_told_once_where_all_is_only_reported() {
    let trial = |name| everybody(name, 9).mode(Mode::ReportOnly);
    for policies in [vec![trial("a")], vec![trial("a"), trial("b")]] {
        let bench = Bench::new();
        let store = Away::new();
        let limiter = bench.limiter(store.clone(), policies);
        let service = RateLimitLayer::new(limiter).layer(Spy::new());
        store.away(true);
        for _ in 0..3 {
            assert_eq!(statuses(&service, [one()]).await, [200]);
            bench.clock.advance(MINUTE);
        }
        store.away(false);
        assert_eq!(statuses(&service, [one(), one()]).await, [200, 200]);
        assert_eq!(
            bench.take_events(),
            [
                "sys_monitor_disabled error fault rate_store_unavailable rule=- \
                 the store did not answer in time: node-2.internal",
                "sys_monitor_enabled warn success rate_store_available rule=- -",
            ]
        );
    }
}

#[tokio::test]
async fn a_look_that_nobody_answers_says_so() {
    let bench = Bench::new();
    let store = Away::new();
    let policies = [
        everybody("open", 1).dangerous_allow_on_store_error(),
        everybody("shut", 1).on_store_error(OnStoreError::Deny),
        everybody("here", 1),
    ];
    let limiter = bench.limiter(store.clone(), policies);
    store.away(true);
    for name in ["open", "shut"] {
        let refusal = limiter.peek(name, |_| {}).await.unwrap_err();
        let reason = refusal.limited().reason();
        assert_eq!(reason, RateLimitReason::StoreUnavailable, "{name}");
        assert_eq!(refusal.limited().policy(), Some(name));
    }
    assert_eq!(limiter.peek("here", |_| {}).await.unwrap().remaining(), 1);
}

#[tokio::test]
async fn a_table_that_forgets_who_is_over_his_limit_is_told() {
    let crowded = "sys_monitor_disabled warn fault rate_store_crowded rule=ip keys over their limit were forgotten, \
                   remedy=a larger MemoryStore::with_capacity, see MemoryStore::stats";
    for (overflow, is_told) in [(Overflow::Evict, true), (Overflow::Share, false)] {
        let bench = Bench::new();
        let store = MemoryStore::with_capacity(1_024);
        let policy = by_address(1).overflow(overflow);
        let limiter = bench.limiter(store.clone(), [policy]);
        let told = async |name: &str| {
            let charged = limiter.acquire("ip", |key| key.str(name), 1).await;
            assert!(charged.is_err(), "{name}");
            let events = bench.take_events();
            events.iter().filter(|event| *event == crowded).count()
        };
        let fill = async |keys: std::ops::Range<u64>| {
            for number in keys {
                // Who shares a counter is denied.
                drop(limiter.acquire("ip", |key| key.u64(number), 1).await);
            }
            bench.take_events();
            drop(limiter.acquire("ip", |key| key.str("last"), 1).await);
        };
        drop(limiter.acquire("ip", |key| key.str("last"), 1).await);
        assert_eq!(told("last").await, 0);
        fill(0..4_000).await;
        let stats = store.stats(Nanos::new(1_000_000_000));
        assert_eq!(stats[0].evicted_live > 2_000, is_told);
        assert_eq!(told("last").await, usize::from(is_told));
        // Not again for what was told, and not twice a minute.
        assert_eq!(told("last").await, 0);
        fill(4_000..8_000).await;
        assert_eq!(told("last").await, 0);
        fill(8_000..9_000).await;
        bench.clock.advance(MINUTE - Duration::from_nanos(1));
        fill(9_000..13_000).await;
        assert_eq!(told("last").await, 0);
        bench.clock.advance(Duration::from_nanos(1));
        fill(13_000..17_000).await;
        assert_eq!(told("last").await, usize::from(is_told));
    }
}

/// Counts at once and says so when it is let.
#[derive(Clone, Default)]
struct Slow {
    inner: MemoryStore,
    gates: Arc<Mutex<Vec<oneshot::Sender<Option<Answered>>>>>,
    calls: Arc<AtomicU32>,
}

impl Slow {
    /// Lets the oldest call answer, or answers in its place.
    fn open(&self, answer: Option<Answered>) {
        let gate = self.gates.lock().unwrap().remove(0);
        drop(gate.send(answer));
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Store for Slow {
    type Counter = MemoryCounter;
    type Pending = Pin<Box<dyn Future<Output = Answered> + Send>>;

    fn key_seed(&self) -> KeySeed {
        self.inner.key_seed()
    }

    fn open(&self, spec: &CounterSpec<'_>) -> Arc<MemoryCounter> {
        Store::open(&self.inner, spec)
    }

    fn acquire(
        &self,
        now: Nanos,
        charges: &mut [Charge<'_, MemoryCounter>],
    ) -> Acquire<Self::Pending> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        assert!(matches!(self.inner.acquire(now, charges), Acquire::Ready));
        let standings = charges.iter().map(|charge| charge.standing).collect();
        let (gate, opened) = oneshot::channel();
        self.gates.lock().unwrap().push(gate);
        Acquire::Pending(Box::pin(async move {
            match opened.await {
                Ok(None) => Ok(standings),
                Ok(Some(other)) => other,
                Err(_) => Err(StoreError::new(StoreErrorKind::Unavailable, "gone")),
            }
        }))
    }

    fn refund(&self, now: Nanos, counter: &MemoryCounter, receipt: Receipt) {
        self.inner.refund(now, counter, receipt);
    }

    fn reset(&self, now: Nanos, counter: &MemoryCounter, key: key::KeyHash) {
        self.inner.reset(now, counter, key);
    }
}

/// Asks, and lets the store answer so many times.
async fn asked<S>(service: &S, store: &Slow, answers: usize) -> Answer
where
    S: Service<Req, Response = Answer, Error = Infallible> + Clone,
{
    let mut call = Box::pin(go(service.clone(), one()));
    for _ in 0..answers {
        assert!(poll_once(call.as_mut()).is_pending());
        store.open(None);
    }
    call.await
}

#[tokio::test]
async fn a_request_waits_for_a_store_that_takes_its_time() {
    let bench = Bench::new();
    let store = Slow::default();
    let spy = Spy::new();
    let limiter = bench.limiter(store.clone(), [by_address(1)]);
    let service = RateLimitLayer::new(limiter).layer(spy.clone());
    let mut call = Box::pin(go(service.clone(), one()));
    assert!(poll_once(call.as_mut()).is_pending());
    assert_eq!(spy.calls(), 0);
    store.open(None);
    assert_eq!(call.await.status(), 200);
    assert_eq!(spy.calls(), 1);

    let answer = asked(&service, &store, 1).await;
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()[RETRY_AFTER], "60");
    assert_eq!(spy.calls(), 1);
    assert_eq!(store.calls(), 2);
}

#[tokio::test]
async fn a_slow_store_that_fails_in_the_end_is_stood_in_for() {
    let bench = Bench::new();
    let store = Slow::default();
    let limiter = bench.limiter(store.clone(), [by_address(1)]);
    let service = RateLimitLayer::new(limiter).layer(Spy::new());
    for (answer, expected) in [
        (Err(StoreError::new(StoreErrorKind::Timeout, "late")), 200),
        // As many standings as charges, or it is none.
        (Ok(Vec::new()), 429),
        (Ok(vec![Standing::allowed(1, 0, Receipt::NONE); 2]), 429),
        (Ok(vec![Standing::allowed(0, 0, Receipt::NONE)]), 200),
    ] {
        let mut call = Box::pin(go(service.clone(), one()));
        assert!(poll_once(call.as_mut()).is_pending());
        store.open(Some(answer));
        assert_eq!(call.await.status(), expected);
    }
}

#[tokio::test]
async fn what_is_only_reported_is_asked_when_the_rest_has_passed() {
    let bench = Bench::new();
    let store = Slow::default();
    let trial = everybody("trial", 1).mode(Mode::ReportOnly);
    let limiter = bench.limiter(store.clone(), [by_address(2), trial]);
    let service = RateLimitLayer::new(limiter.clone()).layer(Spy::new());
    assert_eq!(asked(&service, &store, 2).await.status(), 200);
    assert_eq!(bench.take_events(), [""; 0]);
    assert_eq!(asked(&service, &store, 2).await.status(), 200);
    assert_eq!(
        bench.take_events(),
        [
            "excess_rate_limit_exceeded warn would_refuse rate_limited rule=trial wait_ms=60000 suppressed=0"
        ]
    );
    assert_eq!(asked(&service, &store, 1).await.status(), 429);
    assert_eq!(limiter.stats().would_refuse, 1);
}

#[tokio::test]
async fn a_slow_store_gets_back_what_does_not_count() {
    let bench = Bench::new();
    let store = Slow::default();
    let policy = by_address(1).count_when(Outcome::is_failure);
    let limiter = bench.limiter(store.clone(), [policy]);
    let service = RateLimitLayer::new(limiter.clone()).layer(Spy::new());
    for _ in 0..3 {
        assert_eq!(asked(&service, &store, 1).await.status(), 200);
    }
    let (parts, _) = one().into_parts();
    let mut check = Box::pin(limiter.check(&parts));
    assert!(poll_once(check.as_mut()).is_pending());
    store.open(None);
    assert_eq!(check.await.unwrap().standings()[0].remaining(), 0);
}

#[tokio::test]
async fn policies_that_are_replaced_hold_for_those_who_come_later() {
    let bench = Bench::new();
    let store = Slow::default();
    let limiter = bench.limiter(store.clone(), [by_address(1)]);
    let service = RateLimitLayer::new(limiter.clone()).layer(Spy::new());
    assert_eq!(asked(&service, &store, 1).await.status(), 200);
    let mut call = Box::pin(go(service.clone(), one()));
    assert!(poll_once(call.as_mut()).is_pending());
    limiter.replace_policies(vec![by_address(9)]).unwrap();
    store.open(None);
    let answer = call.await;
    assert_eq!(
        (answer.status(), &answer.headers()[POLICY]),
        (
            StatusCode::TOO_MANY_REQUESTS,
            &HeaderValue::from_static("\"ip\";q=1;w=60")
        )
    );
    assert_eq!(asked(&service, &store, 1).await.status(), 200);
}

#[tokio::test]
async fn the_ready_service_goes_with_the_request_that_waits() {
    type Mock = tower_test::mock::Mock<Req, Answer>;
    let (mock, mut handle) = tower_test::mock::pair::<Req, Answer>();
    let bench = Bench::new();
    let store = Slow::default();
    let limiter = bench.limiter(store.clone(), [by_address(9)]);
    let mut task = tower_test::mock::Spawn::new(RateLimitLayer::new(limiter).layer(mock));
    handle.allow(1);
    assert!(matches!(task.poll_ready(), Poll::Ready(Ok(()))));
    let mut call = Box::pin(task.call(one()));
    assert!(poll_once(call.as_mut()).is_pending());
    store.open(None);
    // The mock panics if it is called without having been ready, as a clone of it has not.
    assert!(poll_once(call.as_mut()).is_pending());
    let (_, respond) = handle.next_request().await.expect("it was called");
    respond.send_response(Response::new(Full::default()));
    assert_eq!(call.await.expect("it answers").status(), 200);
    let _: &RateLimit<Mock, Slow> = task.get_ref();
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let (mock, mut handle) = tower_test::mock::pair::<Req, Answer>();
    let bench = Bench::new();
    let mut task = tower_test::mock::Spawn::new(bench.layer([by_address(1)]).layer(mock));
    handle.allow(0);
    assert!(task.poll_ready().is_pending());
    handle.allow(1);
    assert!(matches!(task.poll_ready(), Poll::Ready(Ok(()))));
    let answer = task.call(one());
    let (_, respond) = handle.next_request().await.expect("it was called");
    respond.send_response(Response::new(Full::default()));
    assert_eq!(answer.await.expect("it answers").status(), 200);
    assert!(task.poll_ready().is_pending());
    // A refusal uses the readiness up without a call.
    handle.allow(1);
    assert!(matches!(task.poll_ready(), Poll::Ready(Ok(()))));
    assert_eq!(task.call(one()).await.expect("it answers").status(), 429);
}
