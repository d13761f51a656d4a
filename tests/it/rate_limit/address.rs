//! Whom an address is: rows of two requests, which have one budget or two.

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use http::{HeaderValue, Request};
use tower_security::core::{ClientIp, ForwardHeader, PeerAddr, TrustedProxies};
use tower_security::rate_limit::key::{
    Key, client_ip, client_prefix, dangerous_full_v6, principal,
};
use tower_security::rate_limit::{OnMissing, Policy, Quota, RateLimitReason, RateLimiter};

const XFF: &str = "x-forwarded-for";
const FWD: &str = "forwarded";

type Lines = &'static [(&'static str, &'static [u8])];

/// Name, and two requests (peer and headers) that have one budget, or two.
type Row = (
    &'static str,
    (&'static str, Lines),
    (&'static str, Lines),
    bool,
);

/// A request from `peer`: an address, `unix` or `none`.
fn call(peer: &str, headers: &[(&'static str, &[u8])]) -> Parts {
    let mut request = Request::new(());
    for &(name, value) in headers {
        let value = HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().append(name, value);
    }
    match peer {
        "none" => None,
        "unix" => request.extensions_mut().insert(PeerAddr::Unix),
        ip => {
            let ip: IpAddr = ip.parse().unwrap();
            let peer = PeerAddr::from(SocketAddr::new(ip, 40_000));
            request.extensions_mut().insert(peer)
        }
    };
    request.into_parts().0
}

/// Trusts `10.0.0.0/8` and `2001:db8:ffff::/48`.
fn behind(header: ForwardHeader) -> TrustedProxies {
    TrustedProxies::builder()
        .parse_nets(["10.0.0.0/8", "2001:db8:ffff::/48"])
        .header(header)
        .build()
        .unwrap()
}

/// One request for each key, for a long time.
fn once(key: &Key, proxies: &TrustedProxies) -> RateLimiter {
    let policy = Policy::new("once", Quota::per_day(1)).key(key.clone());
    RateLimiter::builder()
        .client_ip(proxies.clone())
        .policy(policy.on_missing(OnMissing::Refuse))
        .build()
        .unwrap()
}

/// Whether the second request finds the budget of the first used up.
async fn are_one(key: &Key, proxies: &TrustedProxies, first: &Parts, second: &Parts) -> bool {
    let limiter = once(key, proxies);
    assert!(limiter.check(first).await.is_ok());
    match limiter.check(second).await {
        Ok(_) => false,
        Err(refusal) => {
            assert_eq!(refusal.limited().reason(), RateLimitReason::Exceeded);
            true
        }
    }
}

async fn is_missing(key: &Key, proxies: &TrustedProxies, parts: &Parts) -> bool {
    match once(key, proxies).check(parts).await {
        Ok(_) => false,
        Err(refusal) => {
            assert_eq!(refusal.limited().reason(), RateLimitReason::KeyMissing);
            true
        }
    }
}

async fn expect(key: &Key, proxies: &TrustedProxies, rows: &[Row]) {
    for (name, (peer_a, lines_a), (peer_b, lines_b), expected) in rows {
        let (a, b) = (call(peer_a, lines_a), call(peer_b, lines_b));
        assert_eq!(are_one(key, proxies, &a, &b).await, *expected, "{name}");
    }
}

#[tokio::test]
async fn one_subscriber_has_one_key() {
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("the same address", ("192.0.2.7", &[]), ("192.0.2.7", &[]), true),
        ("a neighbour", ("192.0.2.7", &[]), ("192.0.2.6", &[]), false),
        ("mapped, never a second budget", ("::ffff:192.0.2.7", &[]), ("192.0.2.7", &[]), true),
        ("mapped, never one for all", ("::ffff:192.0.2.7", &[]), ("::ffff:192.0.2.8", &[]), false),
        ("compatible is another address", ("::192.0.2.7", &[]), ("192.0.2.7", &[]), false),
        ("the rotation of a /64", ("2001:db8:1:2::1", &[]), ("2001:db8:1:2:ffff:ffff:ffff:ffff", &[]), true),
        ("the next /64", ("2001:db8:1:2::1", &[]), ("2001:db8:1:3::1", &[]), false),
        ("the highest bit", ("2001:db8::1", &[]), ("a001:db8::1", &[]), false),
        ("v4 bits in a v6 address", ("0.0.0.1", &[]), ("::1", &[]), false),
        ("a header that nobody believes", ("192.0.2.7", &[(XFF, b"198.51.100.1")]), ("192.0.2.7", &[(XFF, b"198.51.100.2")]), true),
    ];
    expect(&client_ip(), &TrustedProxies::direct(), rows).await;
}

#[tokio::test]
async fn a_proxy_speaks_for_its_clients_alone() {
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("by a proxy and directly", ("10.0.0.1", &[(XFF, b"192.0.2.7")]), ("192.0.2.7", &[]), true),
        ("by two proxies", ("10.0.0.1", &[(XFF, b"192.0.2.7")]), ("10.0.0.2", &[(XFF, b"192.0.2.7, 10.0.0.1")]), true),
        ("leftmost spoof", ("10.0.0.1", &[(XFF, b"6.6.6.6, 192.0.2.7")]), ("10.0.0.1", &[(XFF, b"7.7.7.7, 192.0.2.7")]), true),
        ("spoof by a stranger", ("203.0.113.9", &[(XFF, b"6.6.6.6")]), ("203.0.113.9", &[(XFF, b"7.7.7.7")]), true),
        ("several lines, the last first", ("10.0.0.1", &[(XFF, b"6.6.6.6"), (XFF, b"192.0.2.7")]), ("10.0.0.1", &[(XFF, b"192.0.2.7")]), true),
        ("several lines, another last", ("10.0.0.1", &[(XFF, b"192.0.2.7"), (XFF, b"6.6.6.6")]), ("10.0.0.1", &[(XFF, b"192.0.2.7")]), false),
        ("mapped in a header", ("10.0.0.1", &[(XFF, b"::ffff:192.0.2.7")]), ("10.0.0.1", &[(XFF, b"192.0.2.7")]), true),
        ("with a port", ("10.0.0.1", &[(XFF, b"192.0.2.7:1234")]), ("10.0.0.1", &[(XFF, b"192.0.2.7:4321")]), true),
        ("in brackets", ("10.0.0.1", &[(XFF, b"[2001:db8:1:2::1]:443")]), ("10.0.0.1", &[(XFF, b"2001:db8:1:2::2")]), true),
        ("with a zone", ("10.0.0.1", &[(XFF, b"fe80::1%eth0")]), ("10.0.0.1", &[(XFF, b"fe80::1%eth1")]), true),
        ("a mapped proxy", ("::ffff:10.0.0.1", &[(XFF, b"192.0.2.7")]), ("10.0.0.1", &[(XFF, b"192.0.2.7")]), true),
        ("both families of headers", ("10.0.0.1", &[(XFF, b"192.0.2.7"), (FWD, b"for=6.6.6.6")]), ("10.0.0.1", &[(XFF, b"192.0.2.7")]), true),
        ("all trusted", ("10.0.0.1", &[(XFF, b"10.0.0.9, 10.0.0.2")]), ("10.0.0.9", &[]), true),
    ];
    expect(&client_ip(), &behind(ForwardHeader::XForwardedFor), rows).await;
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("a node in quotes", ("10.0.0.1", &[(FWD, b"for=\"[2001:db8:1:2::1]:443\"")]), ("10.0.0.1", &[(FWD, b"For=\"[2001:db8:1:2::9]\";proto=https")]), true),
        ("a quoted comma", ("10.0.0.1", &[(FWD, b"for=192.0.2.7;host=\"a, for=6.6.6.6\"")]), ("10.0.0.1", &[(FWD, b"for=192.0.2.7")]), true),
        ("the header that was not chosen", ("10.0.0.1", &[(XFF, b"6.6.6.6")]), ("10.0.0.1", &[]), true),
    ];
    expect(&client_ip(), &behind(ForwardHeader::Forwarded), rows).await;
}

#[tokio::test]
async fn what_cannot_be_read_counts_apart_from_the_proxy_that_bears_it() {
    const LONG: &[u8] = &[b' '; 4_200];
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("garbage", ("10.0.0.1", &[(XFF, b"garbage")]), ("10.0.0.1", &[]), false),
        ("garbage and garbage", ("10.0.0.1", &[(XFF, b"garbage")]), ("10.0.0.1", &[(XFF, b"192.0.2.7:99999")]), true),
        ("garbage of two proxies", ("10.0.0.1", &[(XFF, b"garbage")]), ("10.0.0.2", &[(XFF, b"garbage")]), false),
        ("more than 4 KiB", ("10.0.0.1", &[(XFF, LONG)]), ("10.0.0.1", &[(XFF, b"garbage")]), true),
        ("garbage left of the client", ("10.0.0.1", &[(XFF, b"garbage, 192.0.2.7")]), ("192.0.2.7", &[]), true),
    ];
    expect(&client_ip(), &behind(ForwardHeader::XForwardedFor), rows).await;
    // A hundred elements of one trusted address: too many to follow.
    let many = ["10.0.0.9"; 100].join(",");
    let proxies = behind(ForwardHeader::XForwardedFor);
    let long = call("10.0.0.1", &[(XFF, many.as_bytes())]);
    let plain = call("10.0.0.9", &[]);
    assert!(!are_one(&client_ip(), &proxies, &long, &plain).await);
    assert!(are_one(&client_ip(), &proxies, &long, &long).await);
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("unknown", ("10.0.0.1", &[(FWD, b"for=unknown")]), ("10.0.0.1", &[]), false),
        ("an obfuscated name", ("10.0.0.1", &[(FWD, b"for=_hidden")]), ("10.0.0.1", &[(FWD, b"for=_other")]), true),
        ("an open quote", ("10.0.0.1", &[(FWD, b"for=\"192.0.2.7")]), ("10.0.0.1", &[(FWD, b"for=unknown")]), true),
        ("two for", ("10.0.0.1", &[(FWD, b"for=192.0.2.7;for=6.6.6.6")]), ("10.0.0.1", &[(FWD, b"for=unknown")]), true),
    ];
    expect(&client_ip(), &behind(ForwardHeader::Forwarded), rows).await;
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("one line", ("10.0.0.1", &[("x-real-ip", b"192.0.2.7")]), ("192.0.2.7", &[]), true),
        ("two lines", ("10.0.0.1", &[("x-real-ip", b"192.0.2.7"), ("x-real-ip", b"192.0.2.8")]), ("10.0.0.1", &[]), false),
    ];
    expect(&client_ip(), &behind(ForwardHeader::XRealIp), rows).await;
}

#[tokio::test]
async fn without_an_address_the_key_is_missing() {
    let direct = TrustedProxies::direct();
    for key in [
        client_ip(),
        client_prefix(24, 48),
        principal(),
        dangerous_full_v6(),
    ] {
        for peer in ["none", "unix"] {
            let parts = call(peer, &[(XFF, b"192.0.2.7")]);
            assert!(is_missing(&key, &direct, &parts).await, "{key:?} {peer}");
        }
        assert!(!is_missing(&key, &direct, &call("192.0.2.7", &[])).await);
    }
    let unix = TrustedProxies::builder()
        .trust_unix_socket()
        .header(ForwardHeader::XForwardedFor)
        .build()
        .unwrap();
    let named = call("unix", &[(XFF, b"192.0.2.7")]);
    assert!(are_one(&client_ip(), &unix, &named, &call("192.0.2.7", &[])).await);
    assert!(is_missing(&client_ip(), &unix, &call("unix", &[])).await);
}

#[tokio::test]
async fn a_prefix_holds_its_network() {
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("inside a /24", ("192.0.2.0", &[]), ("192.0.2.255", &[]), true),
        ("outside a /24", ("192.0.2.255", &[]), ("192.0.3.0", &[]), false),
        ("mapped, masked as IPv4", ("::ffff:192.0.2.1", &[]), ("::ffff:198.51.100.1", &[]), false),
        ("inside a /48", ("2001:db8:1::", &[]), ("2001:db8:1:ffff::", &[]), true),
        ("outside a /48", ("2001:db8:1::", &[]), ("2001:db8:2::", &[]), false),
    ];
    expect(&client_prefix(24, 48), &TrustedProxies::direct(), rows).await;
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("inside a /8", ("10.0.0.0", &[]), ("10.255.255.255", &[]), true),
        ("outside a /8", ("10.0.0.0", &[]), ("11.0.0.0", &[]), false),
        ("inside a /32", ("2001:db8::", &[]), ("2001:db8:ffff::", &[]), true),
        ("outside a /32", ("2001:db8::", &[]), ("2001:db9::", &[]), false),
    ];
    expect(&client_prefix(8, 32), &TrustedProxies::direct(), rows).await;
    #[rustfmt::skip]
    let rows: &[Row] = &[
        ("the rotation of a /64", ("2001:db8::1", &[]), ("2001:db8::2", &[]), false),
        ("the same", ("2001:db8::1", &[]), ("2001:db8::1", &[]), true),
        ("the lowest bit of IPv4", ("192.0.2.1", &[]), ("192.0.2.0", &[]), false),
    ];
    expect(&dangerous_full_v6(), &TrustedProxies::direct(), rows).await;
}

#[tokio::test]
async fn an_address_that_was_resolved_before_is_taken() {
    let mut parts = call("10.0.0.1", &[(XFF, b"6.6.6.6")]);
    let ip = "192.0.2.7".parse().unwrap();
    parts.extensions.insert(ClientIp::resolved_by_caller(ip));
    let plain = call("192.0.2.7", &[]);
    for proxies in [
        TrustedProxies::direct(),
        behind(ForwardHeader::XForwardedFor),
    ] {
        assert!(are_one(&client_ip(), &proxies, &parts, &plain).await);
    }
}
