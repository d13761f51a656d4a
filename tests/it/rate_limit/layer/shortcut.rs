//! Policies that look at nothing but the client are decided in a short way. Others are not: with a list of methods that has them all
//! a policy means the same and goes the long way. Whatever comes, the two answer alike.

use super::*;

use tower_security::core::TrustedProxies;

const ANY: [Method; 2] = [Method::GET, Method::POST];

/// A layer of each kind on one clock.
struct Twins {
    short: (Bench, RateLimitLayer),
    long: (Bench, RateLimitLayer),
}

type Builder = tower_security::rate_limit::RateLimiterBuilder<MemoryStore, RateLimitLayer>;

impl Twins {
    fn new(policies: &[Policy], set: impl Fn(Builder) -> Builder) -> Self {
        let clock = ManualClock::new();
        let made = |is_short: bool| {
            let bench = Bench {
                clock: clock.clone(),
                events: Events::default(),
            };
            let seen = Arc::clone(&bench.events);
            let builder = RateLimitLayer::builder()
                .clock(clock.clone())
                .events(move |event: &SecurityEvent<'_>| seen.lock().unwrap().push(told(event)));
            let policies = policies.iter().cloned().map(|policy| match is_short {
                true => policy,
                false => policy.methods(ANY),
            });
            let builder = policies.fold(builder, |all, one| all.policy(one));
            (bench, set(builder).build().unwrap())
        };
        Self {
            short: made(true),
            long: made(false),
        }
    }

    /// Sends many requests to both. Returns how many passed, and how many did not.
    async fn agree(&self, request: impl Fn(u64) -> Req) -> (usize, usize) {
        let spies = [Spy::new(), Spy::new()];
        let [short, long] = [
            self.short.1.layer(spies[0].clone()),
            self.long.1.layer(spies[1].clone()),
        ];
        let (mut passed, mut refused) = (0, 0);
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        for nth in 0..400 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let one = go(short.clone(), request(random >> 40)).await;
            let other = go(long.clone(), request(random >> 40)).await;
            match one.status().as_u16() {
                200 => passed += 1,
                _ => refused += 1,
            }
            assert_eq!(one.status(), other.status(), "{nth}");
            assert_eq!(one.headers(), other.headers(), "{nth}");
            assert_eq!(reason(&one), reason(&other), "{nth}");
            assert_eq!(text(one).await, text(other).await, "{nth}");
            assert_eq!(
                self.short.0.take_events(),
                self.long.0.take_events(),
                "{nth}"
            );
            assert_eq!(spies[0].calls(), spies[1].calls(), "{nth}");
            let pause = Duration::from_millis(random >> 33 & 0x1ff);
            self.short.0.clock.advance(pause);
        }
        let stats = [&self.short, &self.long].map(|(_, layer)| layer.limiter().stats());
        assert_eq!(stats[0], stats[1]);
        assert!(stats[0].refused >= refused as u64);
        (passed, refused)
    }
}

/// What a refusal bears for the layers outside.
fn reason(answer: &Answer) -> Option<(String, Refused, Option<AbuseKind>)> {
    let extensions = answer.extensions();
    let limited = extensions.get::<RateLimited>()?;
    let refused = *extensions.get::<Refused>()?;
    Some((format!("{limited:?}"), refused, AbuseSignal::of(extensions)))
}

fn policies() -> [Policy; 3] {
    let by = |name, quota: Quota| Policy::new(name, quota).key(key::client_ip());
    [
        by("burst", Quota::new(10, Duration::from_secs(10)).burst(2)),
        by("minute", Quota::new(50, MINUTE)).cost(2),
        by("hour", Quota::per_hour(70)),
    ]
}

/// A few addresses, of which one has no connection.
fn of_some(random: u64) -> Req {
    match random % 6 {
        0 => Request::new(Full::default()),
        1 => from("::ffff:192.0.2.1"),
        2 => from(&format!("2001:db8::{}", random % 7)),
        3 => from("10.0.0.1"),
        _ => from(&format!("192.0.2.{}", random % 3)),
    }
}

fn forwarded(random: u64) -> Req {
    let mut request = from("10.0.0.1");
    let line = [
        "192.0.2.7, 10.0.0.2",
        "192.0.2.8",
        "garbage",
        "10.0.0.3",
        "2001:db8::1",
    ];
    let line = HeaderValue::from_static(line[random as usize % line.len()]);
    request.headers_mut().insert("x-forwarded-for", line);
    request
}

fn all_of_both((passed, refused): (usize, usize)) {
    assert!(passed > 20 && refused > 20, "{passed} {refused}");
}

#[tokio::test]
async fn one_policy_two_and_three() {
    for count in 1..=3 {
        let twins = Twins::new(&policies()[..count], |builder| builder);
        all_of_both(twins.agree(of_some).await);
    }
}

#[tokio::test]
async fn everybody_together() {
    let quota = Quota::new(30, MINUTE).burst(3);
    let policy = Policy::new("all", quota).key(key::global());
    let other = Policy::new("hour", Quota::per_hour(40)).key(key::global());
    all_of_both(
        Twins::new(std::slice::from_ref(&policy), |builder| builder)
            .agree(of_some)
            .await,
    );
    all_of_both(
        Twins::new(&[policy, other], |builder| builder)
            .agree(of_some)
            .await,
    );
}

#[tokio::test]
async fn with_fields_on_every_answer_or_on_some() {
    for emit in [Emit::Always, Emit::Below(50)] {
        for count in 1..=3 {
            let style = HeaderStyle::Both(IetfDraft::Draft10);
            let twins = Twins::new(&policies()[..count], |builder| builder.headers(style, emit));
            all_of_both(twins.agree(of_some).await);
        }
    }
}

#[tokio::test]
async fn behind_proxies_of_which_one_writes_garbage() {
    let proxies = || ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap();
    let twins = Twins::new(&policies()[..1], |builder| builder.client_ip(proxies()));
    all_of_both(twins.agree(forwarded).await);
    // A function names the peer, which here has no address: all are one client.
    let asked = || TrustedProxies::direct().peer_from(|_| Some(PeerAddr::Unix));
    let twins = Twins::new(&policies()[..1], |builder| builder.client_ip(asked()));
    all_of_both(twins.agree(of_some).await);
}

#[tokio::test]
async fn with_addresses_that_are_exempt() {
    let nets = || IpSet::new(["192.0.2.0/31".parse().unwrap(), "10.0.0.1".parse().unwrap()]);
    let proxies = || ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap();
    for count in 1..=2 {
        let twins = Twins::new(&policies()[..count], |builder| builder.exempt(nets()));
        all_of_both(twins.agree(of_some).await);
        let twins = Twins::new(&policies()[..count], |builder| {
            builder.exempt(nets()).client_ip(proxies())
        });
        all_of_both(twins.agree(forwarded).await);
    }
    let policy = Policy::new("all", Quota::new(30, MINUTE).burst(3)).key(key::global());
    let twins = Twins::new(&[policy], |builder| builder.exempt(nets()));
    all_of_both(twins.agree(of_some).await);
}

#[tokio::test]
async fn where_a_missing_key_is_refused_or_skipped() {
    let refused = |policy: Policy| policy.on_missing(OnMissing::Refuse);
    let skipped = |policy: Policy| policy.dangerous_skip_missing();
    for set in [refused as fn(Policy) -> Policy, skipped] {
        let [policy, ..] = policies().map(set);
        all_of_both(
            Twins::new(&[policy], |builder| builder)
                .agree(of_some)
                .await,
        );
    }
}

/// Calls of gRPC, questions for a head alone, and others.
fn of_all_kinds(random: u64) -> Req {
    let mut request = of_some(random);
    if random.is_multiple_of(2) {
        *request.method_mut() = Method::POST;
        let kind = [
            "application/grpc",
            "application/grpc-web+proto",
            "text/plain",
        ];
        let kind = HeaderValue::from_static(kind[random as usize / 2 % 3]);
        request.headers_mut().insert("content-type", kind);
    }
    request
}

#[tokio::test]
async fn over_grpc_and_in_older_fields() {
    let [first, second, _] = policies();
    let twins = Twins::new(&[first, second], |builder| {
        builder.headers(HeaderStyle::Both(IetfDraft::Draft10), Emit::OnRefusal)
    });
    all_of_both(twins.agree(of_all_kinds).await);
}

#[tokio::test]
async fn with_a_renderer() {
    struct Words;
    impl RejectionRenderer for Words {
        fn render(&self, refusal: &Rejection, _: &RefusalContext) -> Option<(HeaderValue, Bytes)> {
            let words = HeaderValue::from_static("text/plain");
            Some((words, Bytes::from(refusal.title())))
        }
    }
    let twins = Twins::new(&policies()[..1], |builder| builder.renderer(Words));
    all_of_both(twins.agree(of_all_kinds).await);
}

#[tokio::test]
async fn with_a_cost_of_nothing() {
    let [first, second, _] = policies();
    // One looks without a charge beside one that is charged.
    let look = first.cost(0);
    let twins = Twins::new(&[look, second], |builder| builder);
    all_of_both(twins.agree(of_some).await);
}

#[tokio::test]
async fn beside_a_policy_that_is_off_or_only_reported() {
    let [first, second, third] = policies();
    for mode in [Mode::Off, Mode::ReportOnly] {
        let set = [first.clone(), second.clone().mode(mode), third.clone()];
        all_of_both(Twins::new(&set, |builder| builder).agree(of_some).await);
    }
    // Not some, who are others for each limiter.
    for percent in [0, 100] {
        let set = [first.clone(), second.clone().enforce_percent(percent)];
        all_of_both(Twins::new(&set, |builder| builder).agree(of_some).await);
    }
}

#[tokio::test]
async fn after_the_policies_were_replaced() {
    let [first, second, third] = policies();
    let twins = Twins::new(std::slice::from_ref(&first), |builder| builder);
    all_of_both(twins.agree(of_some).await);
    for set in [
        vec![second.clone(), third.clone()],
        vec![first, second, third],
    ] {
        let long = set
            .iter()
            .cloned()
            .map(|policy| policy.methods(ANY))
            .collect();
        twins.short.1.limiter().replace_policies(set).unwrap();
        twins.long.1.limiter().replace_policies(long).unwrap();
        let (passed, refused) = twins.agree(of_some).await;
        assert!(passed > 0 && refused > 20, "{passed} {refused}");
    }
}
