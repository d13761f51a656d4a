//! Which host a request names, and which hosts are accepted.

use tower_security::https::HttpsDecision;

use super::*;

const REDIRECTED: &str = "308 https://app.example/";

fn named(layer: &HttpsLayer, request: Request<Full<Bytes>>) -> Option<HttpsRefusal> {
    let (head, _) = request.into_parts();
    match layer.policy().check(&head) {
        HttpsDecision::Refuse(refusal) => Some(refusal),
        _ => None,
    }
}

#[tokio::test]
async fn a_redirect_leads_to_a_host_of_the_list() {
    assert_rows(
        &built(own(SchemeSource::Tls)),
        vec![
            ("row 23", to_host("evil.example"), "400 host_refused"),
            ("row 25", to_host("app.example:8080"), REDIRECTED),
            ("row 25: case and dot", to_host("APP.example."), REDIRECTED),
            ("dot and port", to_host("app.example.:80"), REDIRECTED),
            (
                "row 28",
                to_host("app.example.evil.example"),
                "400 host_refused",
            ),
            (
                "row 28: prefix",
                to_host("evilapp.example"),
                "400 host_refused",
            ),
            ("a name below", to_host("a.app.example"), "400 host_refused"),
            (
                "row 30",
                request(
                    "GET",
                    "/",
                    &[
                        ("host", "app.example"),
                        ("x-forwarded-host", "evil.example"),
                    ],
                ),
                REDIRECTED,
            ),
            (
                "forwarded",
                request(
                    "GET",
                    "/",
                    &[
                        ("host", "evil.example"),
                        ("x-forwarded-host", "app.example"),
                    ],
                ),
                "400 host_refused",
            ),
        ],
    )
    .await;
    let evil = outcome(&built(fixed()), to_host("evil.example")).await;
    assert_eq!(evil, REDIRECTED, "row 24");
}

#[tokio::test]
async fn a_star_stands_for_one_label_or_more() {
    let hosts = RedirectHost::allow(["*.shop.example", "[2001:db8::1]", "192.0.2.1"]);
    let layer = HttpsLayer::builder(SchemeSource::Tls).on_insecure(OnInsecure::Redirect(hosts));
    assert_rows(
        &built(layer),
        vec![
            (
                "row 29",
                to_host("a.shop.example"),
                "308 https://a.shop.example/",
            ),
            (
                "two labels",
                to_host("A.b.Shop.example:80"),
                "308 https://a.b.shop.example/",
            ),
            ("row 29: none", to_host("shop.example"), "400 host_refused"),
            ("no label", to_host(".shop.example"), "400 host_invalid"),
            ("no dot", to_host("ashop.example"), "400 host_refused"),
            (
                "further left",
                to_host("a.shop.example.evil.example"),
                "400 host_refused",
            ),
            ("IPv4", to_host("192.0.2.1:80"), "308 https://192.0.2.1/"),
            ("another", to_host("192.0.2.10"), "400 host_refused"),
            (
                "IPv6",
                to_host("[2001:DB8::1]:80"),
                "308 https://[2001:db8::1]/",
            ),
        ],
    )
    .await;
}

/// Requests whose host cannot be read in one way, and those beside them that can.
#[expect(clippy::too_many_lines, reason = "a table")]
fn unreadable_hosts() -> Vec<(&'static str, Request<Full<Bytes>>, Option<HttpsRefusal>)> {
    use HttpsRefusal::{HostDisagreement, HostDuplicate, HostMalformed, HostMissing};

    let two = |one, other| request("GET", "/", &[("host", one), ("host", other)]);
    let absolute = |target, host| request("GET", target, &[("host", host)]);
    let long = format!("{}example", "a.".repeat(123));
    assert_eq!(long.len(), 253);
    vec![
        (
            "row 26",
            two("app.example", "app.example"),
            Some(HostDuplicate),
        ),
        (
            "row 26: unequal",
            two("app.example", "evil.example"),
            Some(HostDuplicate),
        ),
        (
            "row 26: disagreement",
            absolute("http://app.example/", "evil.example"),
            Some(HostDisagreement),
        ),
        (
            "row 26: the other way",
            absolute("http://evil.example/", "app.example"),
            Some(HostDisagreement),
        ),
        (
            "a port of one",
            absolute("http://app.example:80/", "app.example"),
            Some(HostDisagreement),
        ),
        (
            "agreement",
            absolute("http://APP.example/", "app.example"),
            None,
        ),
        (
            "authority alone",
            request("GET", "http://app.example/", &[]),
            None,
        ),
        ("row 26: none", request("GET", "/", &[]), Some(HostMissing)),
        ("row 26: empty", to_host(""), Some(HostMissing)),
        ("row 27", to_host("a@app.example"), Some(HostMalformed)),
        (
            "user name in the target",
            request("GET", "http://a:b@app.example/", &[]),
            Some(HostMalformed),
        ),
        (
            "row 27: port",
            to_host("app.example:x"),
            Some(HostMalformed),
        ),
        (
            "row 27: path",
            to_host("app.example/.."),
            Some(HostMalformed),
        ),
        ("no port", to_host("app.example:"), Some(HostMalformed)),
        ("port 0", to_host("app.example:0"), Some(HostMalformed)),
        ("port 65535", to_host("app.example:65535"), None),
        (
            "port 65536",
            to_host("app.example:65536"),
            Some(HostMalformed),
        ),
        (
            "two ports",
            to_host("app.example:80:80"),
            Some(HostMalformed),
        ),
        ("tab", to_host("app.example\t"), Some(HostMalformed)),
        (
            "two hosts in one",
            to_host("app.example, app.example"),
            Some(HostMalformed),
        ),
        ("two dots", to_host("app.example.."), Some(HostMalformed)),
        ("a dot alone", to_host("."), Some(HostMalformed)),
        (
            "two dots inside",
            to_host("app..example"),
            Some(HostMalformed),
        ),
        ("escape", to_host("app%2eexample"), Some(HostMalformed)),
        ("backslash", to_host("app.example\\"), Some(HostMalformed)),
        (
            "question mark",
            to_host("app.example?"),
            Some(HostMalformed),
        ),
        ("unclosed", to_host("[::1"), Some(HostMalformed)),
        ("no address", to_host("[app.example]"), Some(HostMalformed)),
        (
            "253 bytes",
            to_host(&long),
            Some(HttpsRefusal::HostNotAllowed),
        ),
        (
            "254 bytes",
            to_host(&format!("a{long}")),
            Some(HostMalformed),
        ),
        ("8 KiB", to_host(&"a".repeat(8192)), Some(HostMalformed)),
    ]
}

#[tokio::test]
async fn a_host_that_cannot_be_read_is_refused() {
    use HttpsRefusal::HostMalformed;

    let layer = built(own(SchemeSource::Tls));
    for (name, request, expected) in unreadable_hosts() {
        assert_eq!(named(&layer, request), expected, "{name}");
    }

    let mut bytes = to_host("");
    let value = http::HeaderValue::from_bytes(b"app.example\xff").expect("an opaque byte");
    bytes.headers_mut().insert(HOST, value);
    assert_eq!(named(&layer, bytes), Some(HostMalformed));

    // To a fixed host too: what cannot be read in one way is not handed on in any.
    let fixed = built(fixed());
    for host in ["", "a@app.example", "app.example/.."] {
        assert_eq!(outcome(&fixed, to_host(host)).await, "400 host_invalid");
    }
}

#[tokio::test]
async fn allowed_hosts_are_judged_over_tls_too() {
    let layer = built(own(SchemeSource::Tls).allowed_hosts(["app.example", "*.shop.example"]));
    let two = request(
        "GET",
        "/",
        &[("host", "app.example"), ("host", "app.example")],
    );
    assert_rows(
        &layer,
        vec![
            (
                "row 43",
                over_tls(to_host("evil.example")),
                "400 host_refused",
            ),
            ("row 43: two", over_tls(two), "400 host_invalid"),
            ("row 43: its own", over_tls(get("/")), "inner + hsts"),
            (
                "a pattern",
                over_tls(to_host("a.shop.example")),
                "inner + hsts",
            ),
            ("plain", to_host("evil.example"), "400 host_refused"),
            (
                "allowed, but no place to redirect to",
                to_host("a.shop.example"),
                "400 host_refused",
            ),
            ("plain, its own", get("/"), REDIRECTED),
        ],
    )
    .await;
    // Without a redirect of their own these hosts are where it leads.
    let same = HttpsLayer::builder(SchemeSource::Tls).allowed_hosts(["*.shop.example"]);
    assert_rows(
        &built(same),
        vec![
            (
                "listed",
                to_host("a.shop.example"),
                "308 https://a.shop.example/",
            ),
            ("not listed", to_host("app.example"), "400 host_refused"),
        ],
    )
    .await;
}

#[tokio::test]
async fn challenges_and_this_machine_pass_under_any_host() {
    const TOKEN: &str = "/.well-known/acme-challenge/t";
    let challenge = |path| request("GET", path, &[("host", "10.0.0.7")]);
    let layer = own(SchemeSource::Tls)
        .allowed_hosts(["app.example"])
        .exempt_acme()
        .exempt_path("/healthz")
        .allow_loopback();
    assert_rows(
        &built(layer),
        vec![
            ("a challenge", challenge(TOKEN), "inner"),
            ("a challenge over TLS", over_tls(challenge(TOKEN)), "inner"),
            ("another path", challenge("/"), "400 host_refused"),
            ("an exempt path", challenge("/healthz"), "400 host_refused"),
            ("an exempt path, its own host", get("/healthz"), "inner"),
            (
                "this machine",
                from("127.0.0.1:9", to_host("localhost:3000")),
                "inner",
            ),
            (
                "another machine",
                from("203.0.113.9:9", to_host("localhost:3000")),
                "400 host_refused",
            ),
        ],
    )
    .await;
}
