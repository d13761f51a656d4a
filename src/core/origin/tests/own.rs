//! The server's own origin.

use http::request::Parts;
use http::{HeaderValue, Request, header::HOST};

use super::super::{OriginRef, SelfOrigin};
use super::entries;

fn request(target: &str, hosts: &[&str]) -> Parts {
    let (mut parts, ()) = Request::post(target).body(()).unwrap().into_parts();
    for host in hosts {
        parts
            .headers
            .append(HOST, HeaderValue::from_str(host).unwrap());
    }
    parts
}

fn is_self(own: &SelfOrigin, parts: &Parts, origin: &str) -> bool {
    own.is_self(parts, &OriginRef::parse(origin.as_bytes()).unwrap())
}

#[test]
fn compared_with_the_host() {
    let rows = [
        ("a.example", "https://a.example", true),
        ("A.Example", "https://a.example", true),
        ("a.example:443", "https://a.example", true),
        ("a.example", "https://a.example:443", true),
        ("a.example:8443", "https://a.example:8443", true),
        ("[::1]:8443", "https://[::1]:8443", true),
        ("[2001:DB8::1]", "https://[2001:db8::1]", true),
        ("a.example", "https://b.example", false),
        ("a.example", "https://sub.a.example", false),
        ("a.example", "https://a.example.evil.example", false),
        ("sub.a.example", "https://a.example", false),
        ("evila.example", "https://a.example", false),
        ("a.example.", "https://a.example", false),
        ("a.example", "https://a.example.", false),
        ("a.example:8443", "https://a.example", false),
        ("a.example", "https://a.example:8443", false),
        ("a.example:80", "https://a.example", false),
        ("a.example:443:443", "https://a.example", false),
        ("a.example:", "https://a.example", false),
        ("a.example:0443", "https://a.example", false),
        ("user@a.example", "https://a.example", false),
        ("a.example@evil.example", "https://a.example", false),
        ("a.example, b.example", "https://a.example", false),
        ("a.example/", "https://a.example", false),
        ("", "https://a.example", false),
        // A page of plain http may be anybody's, unless it never crossed a network.
        ("a.example", "http://a.example", false),
        ("a.example:80", "http://a.example", false),
        ("localhost:3000", "http://localhost:3000", true),
        ("app.localhost", "http://app.localhost", true),
        ("127.0.0.1:80", "http://127.0.0.1", true),
        ("[::1]:3000", "http://[::1]:3000", true),
        ("127.evil.example", "http://127.evil.example", false),
        ("localhost:443", "http://localhost", false),
        ("localhost", "tauri://localhost", false),
        ("a.example", "wss://a.example", false),
    ];
    let own = SelfOrigin::from_host();
    for (host, origin, expected) in rows {
        assert_eq!(
            is_self(&own, &request("/", &[host]), origin),
            expected,
            "{host} {origin}"
        );
    }
}

#[test]
fn the_authority_counts_before_the_host() {
    let own = SelfOrigin::default();
    let http2 = request("https://a.example:443/", &[]);
    assert!(is_self(&own, &http2, "https://a.example"));
    let absolute = request("http://a.example/", &["b.example"]);
    assert!(is_self(&own, &absolute, "https://a.example"));
    assert!(!is_self(&own, &absolute, "https://b.example"));
    let userinfo = request("http://user@a.example/", &["a.example"]);
    assert!(!is_self(&own, &userinfo, "https://a.example"));
}

#[test]
fn no_host_or_two_are_nobodys() {
    let own = SelfOrigin::from_host();
    assert!(!is_self(&own, &request("/", &[]), "https://a.example"));
    assert!(!is_self(
        &own,
        &request("/", &["a.example", "a.example"]),
        "https://a.example"
    ));
    assert!(!is_self(
        &own,
        &request("/", &["a.example", "b.example"]),
        "https://a.example"
    ));
    assert!(!is_self(
        &own,
        &request("https://a.example/", &["a.example", "b.example"]),
        "https://a.example"
    ));
}

#[test]
fn insecure_hosts_by_the_switch_alone() {
    let plain = request("/", &["intranet:8080"]);
    assert!(!is_self(
        &SelfOrigin::host(false),
        &plain,
        "http://intranet:8080"
    ));
    assert!(is_self(
        &SelfOrigin::host(true),
        &plain,
        "http://intranet:8080"
    ));
    assert!(!is_self(&SelfOrigin::host(true), &plain, "http://intranet"));
    assert!(!is_self(
        &SelfOrigin::host(true),
        &plain,
        "ftp://intranet:8080"
    ));
}

#[test]
fn listed_origins_do_not_read_the_host() {
    let own = SelfOrigin::of([
        "https://a.example",
        "https://b.example:8443",
        "http://localhost:3000",
    ])
    .unwrap();
    let parts = request("/", &["c.example"]);
    let rows = [
        ("https://a.example", true),
        ("https://a.example:443", true),
        ("https://b.example:8443", true),
        ("http://localhost:3000", true),
        ("https://c.example", false),
        ("http://a.example", false),
        ("https://b.example", false),
        ("https://a.example:8443", false),
        ("https://localhost:3000", false),
        ("https://sub.a.example", false),
    ];
    for (origin, expected) in rows {
        assert_eq!(is_self(&own, &parts, origin), expected, "{origin}");
    }
    let nobody = SelfOrigin::of([""; 0]).unwrap();
    assert!(!is_self(
        &nobody,
        &request("/", &["a.example"]),
        "https://a.example"
    ));
}

#[test]
fn what_cannot_be_an_own_origin() {
    let given = [
        "https://a.example",
        "https://*.a.example",
        "https://a.example:*",
        "tauri://localhost",
        "http://a.example",
        "http://localhost",
        "https://a.example/",
    ];
    let errors = SelfOrigin::of(given).unwrap_err();
    assert_eq!(
        entries(&errors),
        [
            ("self_origins[1]", "refused_self_origin_pattern"),
            ("self_origins[2]", "refused_self_origin_pattern"),
            ("self_origins[3]", "refused_self_origin_scheme"),
            ("self_origins[4]", "refused_insecure_origin"),
            ("self_origins[6]", "invalid_origin_path"),
        ]
    );
    let insecure = SelfOrigin::listed(
        "csrf.self_origins",
        ["http://a.example", "tauri://localhost"],
        true,
    );
    assert_eq!(
        entries(&insecure.unwrap_err()),
        [("csrf.self_origins[1]", "refused_self_origin_scheme")]
    );
    let insecure = SelfOrigin::listed("csrf.self_origins", ["http://a.example"], true).unwrap();
    assert!(is_self(&insecure, &request("/", &[]), "http://a.example"));
}

#[test]
fn too_many_own_origins() {
    let many = |n: usize| SelfOrigin::of((0..n).map(|i| format!("https://a{i}.example")));
    assert!(many(65_536).is_ok());
    assert_eq!(
        entries(&many(65_537).unwrap_err()),
        [("self_origins", "refused_too_many_origins")]
    );
}
