//! The rate limit: nothing for what passes, little for what does not.

use http::header::RETRY_AFTER;
use http::{HeaderValue, Method};
use tower_security::RateLimitLayer;
use tower_security::core::{IpSet, Mode, NoopSink, TrustedProxies};
use tower_security::rate_limit::{
    Emit, HeaderStyle, Outcome, Policy, Quota, RateLimiterBuilder, Store, key,
};

use super::*;

/// What the first header of an answer costs the answer: its map.
const FIRST_HEADER: usize = 2;

fn built<St: Store>(
    builder: RateLimiterBuilder<St, RateLimitLayer<St>>,
) -> tower_security::rate_limit::RateLimit<Bare, St> {
    let layer = builder.events(NoopSink::new()).build();
    layer.expect("it builds").layer(Bare)
}

fn with(policies: impl IntoIterator<Item = Policy>) -> tower_security::rate_limit::RateLimit<Bare> {
    let builder = RateLimitLayer::builder();
    built(
        policies
            .into_iter()
            .fold(builder, |all, one| all.policy(one)),
    )
}

fn plenty(name: &'static str) -> Policy {
    Policy::new(name, Quota::per_second(1_000_000)).key(key::client_ip())
}

fn scarce(name: &'static str) -> Policy {
    Policy::new(name, Quota::per_day(1)).key(key::client_ip())
}

fn one() -> Request<Full<Bytes>> {
    let mut request = from_peer("203.0.113.9:9");
    // As a server hands it on: its header map has been made already.
    request.headers_mut().reserve(8);
    request
}

fn call() -> Request<Full<Bytes>> {
    let mut request = one();
    *request.method_mut() = Method::POST;
    let grpc = HeaderValue::from_static("application/grpc");
    request
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, grpc);
    request
}

/// The status and the allocations of the third of equal requests: the first one of a key makes its place in the table, and the first
/// clone of a line makes it shared.
fn third<St: Store>(
    mut service: tower_security::rate_limit::RateLimit<Bare, St>,
    request: fn() -> Request<Full<Bytes>>,
) -> (u16, usize) {
    go(&mut service, request());
    go(&mut service, request());
    let request = request();
    let (answer, made) = counted(|| go(&mut service, request));
    (answer.status().as_u16(), made)
}

#[test]
fn what_passes_makes_none() {
    assert_eq!(third(with([plenty("a")]), one), (200, 0));
    let three = [plenty("a"), plenty("b"), plenty("c")];
    assert_eq!(third(with(three), one), (200, 0));
    let eight = ["a", "b", "c", "d", "e", "f", "g", "h"].map(plenty);
    assert_eq!(third(with(eight), one), (200, 0));
    let chosen = plenty("a")
        .methods([Method::GET])
        .when(|parts| parts.uri.path() == "/")
        .cost_by(|_| 2)
        .plans([("pro", Quota::per_second(1_000))], |_| 0);
    assert_eq!(third(with([chosen]), one), (200, 0));
    let global = Policy::new("all", Quota::per_second(1_000_000)).key(key::global());
    assert_eq!(third(with([global]), one), (200, 0));
    assert_eq!(third(with([plenty("a").mode(Mode::Off)]), one), (200, 0));
}

#[test]
fn an_exempt_address_makes_none() {
    let nets = IpSet::new(["203.0.113.0/24".parse().expect("a network")]);
    let builder = RateLimitLayer::builder().policy(scarce("a")).exempt(nets);
    assert_eq!(third(built(builder), one), (200, 0));
}

#[test]
fn an_address_behind_proxies_makes_none() {
    fn behind() -> Request<Full<Bytes>> {
        let mut request = from_peer("10.0.0.1:9");
        let chain = HeaderValue::from_static("192.0.2.7, 10.0.0.3, 10.0.0.2");
        request.headers_mut().insert("x-forwarded-for", chain);
        request
    }
    let nets = ["10.0.0.0/8".parse().expect("a network")];
    let proxies = ClientIp::trusted_proxies(nets).expect("legal networks");
    let builder = RateLimitLayer::builder().policy(plenty("a"));
    assert_eq!(third(built(builder.client_ip(proxies)), behind), (200, 0));
    let direct = RateLimitLayer::builder().policy(plenty("a"));
    let direct = built(direct.client_ip(TrustedProxies::direct()));
    assert_eq!(third(direct, behind), (200, 0));
}

#[test]
fn fields_on_every_answer_make_one_and_the_map() {
    // The value of `RateLimit`.
    let builder = RateLimitLayer::builder()
        .policy(plenty("a"))
        .headers(HeaderStyle::default(), Emit::Always);
    assert_eq!(third(built(builder), one), (200, 1 + FIRST_HEADER));
}

#[test]
fn an_answer_that_is_waited_for_makes_two() {
    // The box, and the list of charges in it.
    let policy = plenty("a").count_when(Outcome::is_failure);
    assert_eq!(third(with([policy]), one), (200, 2));
    let policy = plenty("a").charge_after(|_| 1);
    assert_eq!(third(with([policy]), one), (200, 2));
}

#[test]
fn a_trial_that_passes_makes_none() {
    let trial = plenty("b").mode(Mode::ReportOnly);
    assert_eq!(third(with([plenty("a"), trial]), one), (200, 0));
}

#[test]
fn a_trial_that_would_refuse_makes_one() {
    // What there is to tell, though nobody listens.
    let trial = scarce("b").mode(Mode::ReportOnly);
    assert_eq!(third(with([plenty("a"), trial]), one), (200, 1));
}

#[test]
fn a_refusal_makes_four() {
    // Its mark, its reason, and the values of `Retry-After` and `RateLimit`.
    assert_eq!(third(with([scarce("a")]), one), (429, 4));
}

#[test]
fn a_refusal_by_two_policies_writes_a_body() {
    let mut service = with([scarce("a"), scarce("b")]);
    go(&mut service, one());
    go(&mut service, one());
    let request = one();
    let (answer, made) = counted(|| go(&mut service, request));
    assert!(answer.headers().contains_key(RETRY_AFTER));
    // The four, and for the body: two names, their list, the list of members, the text and what makes it shared.
    assert_eq!((answer.status().as_u16(), made), (429, 4 + 6));
}

#[test]
fn a_refusal_over_grpc_makes_nine() {
    let mut service = with([scarce("a")]);
    go(&mut service, call());
    go(&mut service, call());
    let request = call();
    let (answer, made) = counted(|| go(&mut service, request));
    assert_eq!(answer.headers()["grpc-status"], "8");
    // Its mark and its reason; the names, the details and their base64, two each; the pushback and the message.
    assert_eq!((answer.status().as_u16(), made), (200, 9));
}
