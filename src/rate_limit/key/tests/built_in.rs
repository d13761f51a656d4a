use http::StatusCode;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};

use super::*;
use crate::core::{Caller, ClientIp, ConfigErrorKind, Mistakes, Principal};
use crate::rate_limit::RateLimitConfigError;
use crate::rate_limit::shortcut::Shortcut;

fn user(subject: &str, tenant: Option<&str>, issuer: Option<&str>) -> Parts {
    let mut builder = Principal::builder(subject);
    if let Some(tenant) = tenant {
        builder = builder.tenant(tenant);
    }
    if let Some(issuer) = issuer {
        builder = builder.issuer(issuer);
    }
    let mut parts = call("192.0.2.7", &[]);
    builder.build().dangerous_attach(&mut parts.extensions);
    parts
}

#[test]
fn a_principal_is_tenant_issuer_and_subject() {
    let users = [
        user("ada", None, None),
        user("bob", None, None),
        user("ada", Some("acme"), None),
        user("ada", None, Some("acme")),
        user("ada", Some("acme"), Some("acme")),
        user("ada", Some("ac"), Some("me")),
        user("acmeada", None, None),
        user("Ada", None, None),
    ];
    for key in [principal(), principal_only()] {
        let keys: Vec<_> = users.iter().map(|user| key_of(&key, user)).collect();
        for (at, found) in keys.iter().enumerate() {
            assert!(found.is_some());
            assert!(!keys[..at].contains(found), "{at}");
        }
        assert_eq!(keys[0], key_of(&key, &user("ada", None, None)));
    }
}

#[test]
fn a_principal_has_its_key_from_everywhere() {
    let mut elsewhere = user("ada", None, None);
    elsewhere.extensions.remove::<PeerAddr>();
    assert_eq!(
        key_of(&principal(), &elsewhere),
        key_of(&principal(), &user("ada", None, None))
    );
}

#[test]
fn the_anonymous_count_by_address_apart_from_everybody_else() {
    let (here, there) = (call("192.0.2.7", &[]), call("192.0.2.8", &[]));
    let anonymous = key_of(&principal(), &here);
    assert!(anonymous.is_some());
    assert_ne!(anonymous, key_of(&principal(), &there));
    assert_eq!(
        anonymous,
        key_of(&principal(), &call("::ffff:192.0.2.7", &[]))
    );
    assert_ne!(anonymous, key_of(&client_ip(), &here));
    assert_ne!(
        anonymous,
        key_of(&principal(), &user("192.0.2.7", None, None))
    );
    assert_eq!(key_of(&principal_only(), &here), None);
}

#[derive(Clone, Hash)]
struct Customer(u64);

#[test]
fn an_extension_is_its_hash() {
    let customer = |id| {
        let mut parts = call("none", &[]);
        parts.extensions.insert(Customer(id));
        parts
    };
    let key = extension::<Customer>();
    assert_eq!(key_of(&key, &customer(1)), key_of(&key, &customer(1)));
    assert_ne!(key_of(&key, &customer(1)), key_of(&key, &customer(2)));
    assert_eq!(key_of(&key, &call("192.0.2.7", &[])), None);
}

#[test]
fn everybody_is_one() {
    let key = key_of(&global(), &call("none", &[]));
    assert!(key.is_some());
    assert_eq!(key, key_of(&global(), &user("ada", None, None)));
    assert!(global().is_global());
    assert!(!client_ip().is_global());
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn a_route_is_its_template() {
    use ::axum::Router;
    use ::axum::extract::Request;
    use ::axum::routing::get;
    use tower::ServiceExt;

    async fn key_at(path: &str) -> Option<KeyHash> {
        let (send, receive) = std::sync::mpsc::channel();
        let handler = move |request: Request| {
            let found = key_of(&route(), &request.into_parts().0);
            send.send(found).unwrap();
            async {}
        };
        let router: Router = Router::new()
            .route("/orders/{id}", get(handler.clone()))
            .route("/orders", get(handler.clone()))
            .fallback(handler);
        let request = Request::get(path)
            .body(::axum::body::Body::empty())
            .unwrap();
        router.oneshot(request).await.unwrap();
        receive.recv().unwrap()
    }
    let order = key_at("/orders/1").await;
    assert!(order.is_some());
    assert_eq!(order, key_at("/orders/2?a=b").await);
    assert_ne!(order, key_at("/orders").await);
    // What nobody serves counts together, however it is spelt.
    let unknown = key_at("/.env").await;
    assert_eq!(unknown, key_at("/wp-login.php").await);
    assert_ne!(unknown, order);
}

#[test]
fn without_a_router_all_paths_are_one() {
    let key = key_of(&route(), &call("none", &[]));
    assert!(key.is_some());
    assert_eq!(key, key_of(&route(), &call("192.0.2.7", &[])));
}

#[test]
fn a_header_is_its_value() {
    let key = dangerous_header("X-Api-Key");
    let with = |value: &[u8]| key_of(&key, &call("none", &[("x-api-key", value)]));
    let some = with(b"abc");
    assert!(some.is_some());
    assert_eq!(some, with(b"abc"));
    assert_ne!(some, with(b"abz"));
    assert_ne!(some, with(b"ABC"));
    assert!(with(&[b'a'; 256]).is_some());
    assert!(with(b"\xff\xfe").is_some());
    assert_ne!(with(b"\xff\xfe"), with(b"\xff\xfd"));
    for missing in [&b""[..], &[b'a'; 257]] {
        assert_eq!(with(missing), None);
    }
    assert_eq!(key_of(&key, &call("192.0.2.7", &[])), None);
    let two = call("none", &[("x-api-key", b"abc"), ("x-api-key", b"abc")]);
    assert_eq!(key_of(&key, &two), None);
}

#[test]
fn normalised_texts_are_one() {
    let key = dangerous_header("x-name").normalised();
    let with = |text: &str| key_of(&key, &call("none", &[("x-name", text.as_bytes())]));
    #[rustfmt::skip]
    let rows: &[(&str, &str, bool)] = &[
        ("Ada@Example.com", "ada@example.com", true),
        (" ada ", "ada", true),
        ("a da", "ada", false),
        ("\u{c4}RGER", "\u{e4}rger", true),
        ("\u{c4}RGER", "arger", false),
        // A dotted capital I becomes two letters, the second a combining dot.
        ("\u{130}X", "i\u{307}x", true),
        // One capital for both forms of the small letter.
        ("\u{39f}\u{394}\u{39f}\u{3a3}", "\u{3bf}\u{3b4}\u{3bf}\u{3c2}", true),
        ("\u{a0}ada", "ada", true),
    ];
    for (a, b, expected) in rows {
        assert_eq!(with(a) == with(b), *expected, "{a} {b}");
        let plain = dangerous_header("x-name");
        let plainly = |text: &str| key_of(&plain, &call("none", &[("x-name", text.as_bytes())]));
        assert_ne!(plainly(a), plainly(b), "{a} {b}");
    }
    // It ends with the key, also inside another.
    let pair = all((
        dangerous_header("x-name").normalised(),
        dangerous_header("x-id"),
    ));
    let with = |name: &'static [u8], id: &'static [u8]| {
        key_of(&pair, &call("none", &[("x-name", name), ("x-id", id)]))
    };
    assert_eq!(with(b"ADA", b"a"), with(b"ada", b"a"));
    assert_ne!(with(b"ada", b"A"), with(b"ada", b"a"));
    // The bytes of an address have no case.
    let here = call("192.0.2.7", &[]);
    assert_eq!(
        key_of(&client_ip().normalised(), &here),
        key_of(&client_ip(), &here)
    );
}

#[test]
fn a_combination_needs_each_part() {
    let pair = all((client_ip(), dangerous_header("x-a")));
    let at = |peer, a: &'static [u8]| key_of(&pair, &call(peer, &[("x-a", a)]));
    assert!(at("192.0.2.7", b"1").is_some());
    assert_eq!(at("192.0.2.7", b"1"), at("192.0.2.7", b"1"));
    assert_ne!(at("192.0.2.7", b"1"), at("192.0.2.7", b"2"));
    assert_ne!(at("192.0.2.7", b"1"), at("192.0.2.8", b"1"));
    assert_eq!(key_of(&pair, &call("192.0.2.7", &[])), None);
    assert_eq!(at("none", b"1"), None);

    let texts = all((dangerous_header("x-a"), dangerous_header("x-b"), global()));
    let of = |a: &'static [u8], b: &'static [u8]| {
        key_of(&texts, &call("none", &[("x-a", a), ("x-b", b)]))
    };
    assert_ne!(of(b"ab", b"c"), of(b"a", b"bc"));
    assert_ne!(of(b"ab", b"c"), of(b"c", b"ab"));
}

#[test]
fn the_second_key_stands_in_for_a_missing_one() {
    let key = dangerous_header("x-a").or(client_ip());
    let by_header = key_of(&key, &call("192.0.2.7", &[("x-a", b"1")]));
    assert_eq!(
        by_header,
        key_of(&key, &call("192.0.2.8", &[("x-a", b"1")]))
    );
    let by_address = key_of(&key, &call("192.0.2.7", &[]));
    assert_ne!(by_address, by_header);
    assert_ne!(by_address, key_of(&key, &call("192.0.2.8", &[])));
    assert_eq!(key_of(&key, &call("none", &[])), None);

    // What the first has written before it gave up is gone.
    let half = custom(|parts, hasher| {
        hasher.str(parts.uri.path());
        KeyOutcome::Missing
    });
    let key = half.or(global());
    let mut other = call("none", &[]);
    other.uri = "/other".parse().unwrap();
    assert_eq!(key_of(&key, &call("none", &[])), key_of(&key, &other));
    // The same bytes as a first and as a second key are two keys.
    let missing = custom(|_, _| KeyOutcome::Missing);
    let here = call("192.0.2.7", &[]);
    assert_ne!(
        key_of(&missing.or(client_ip()), &here),
        key_of(&client_ip(), &here)
    );
}

#[test]
fn a_function_decides_by_itself() {
    let key = custom(|parts, hasher| match parts.uri.path() {
        "/skip" => KeyOutcome::Skip,
        "/refuse" => KeyOutcome::Refuse(KeyRefusal::new(StatusCode::BAD_REQUEST)),
        path => {
            hasher.str(path);
            KeyOutcome::Set
        }
    });
    let outcome = |key: &Key, path: &str| {
        let mut parts = call("192.0.2.7", &[]);
        parts.uri = path.parse().unwrap();
        let proxies = TrustedProxies::direct();
        let head = Head {
            headers: &parts.headers,
            extensions: &parts.extensions,
            parts: Some(&parts),
            request: None,
            client: None,
            proxies: &proxies,
        };
        key.extract(&head, &mut KeyHasher::new(&KeySeed::random()))
    };
    let combined = all((client_ip(), key.clone()));
    // Neither is a missing key, which the second would stand in for.
    let either = key.clone().or(global());
    for key in [&key, &combined, &either] {
        assert!(matches!(outcome(key, "/skip"), KeyOutcome::Skip));
        assert!(matches!(outcome(key, "/refuse"), KeyOutcome::Refuse(_)));
        assert!(matches!(outcome(key, "/a"), KeyOutcome::Set));
    }
    // Asked without the parts of a request there is nothing to show it.
    let parts = call("192.0.2.7", &[]);
    let proxies = TrustedProxies::direct();
    let head = Head {
        headers: &parts.headers,
        extensions: &parts.extensions,
        parts: None,
        request: None,
        client: None,
        proxies: &proxies,
    };
    let found = key.extract(&head, &mut KeyHasher::new(&KeySeed::random()));
    assert!(matches!(found, KeyOutcome::Missing));
}

#[test]
fn keys_say_what_they_need() {
    let closure = || custom(|_, _| KeyOutcome::Set);
    #[rustfmt::skip]
    let rows: &[(Key, [bool; 3], &str)] = &[
        (client_ip(), [false, true, true], "client_ip"),
        (client_prefix(24, 48), [false, true, true], "client_prefix(24, 48)"),
        (dangerous_full_v6(), [false, true, true], "dangerous_full_v6"),
        (principal(), [false, true, true], "principal"),
        (principal_only(), [false, false, true], "principal_only"),
        (global(), [false, false, true], "global"),
        (route(), [false, false, true], "route"),
        (extension::<u8>(), [false, false, false], "extension::<u8>"),
        (dangerous_header("X-A"), [false, false, true], "dangerous_header(\"x-a\")"),
        (closure(), [true, false, true], "custom(<fn>)"),
        (all((client_ip(), closure())), [true, true, true], "all(client_ip, custom(<fn>))"),
        (principal_only().or(extension::<u8>()), [false, false, false], "principal_only.or(extension::<u8>)"),
        (route().normalised(), [false, false, true], "route.normalised"),
    ];
    for (key, [parts, client, stable], described) in rows {
        assert_eq!(key.needs_parts(), *parts, "{key:?}");
        assert_eq!(key.needs_client(), *client, "{key:?}");
        assert_eq!(key.is_stable(), *stable, "{key:?}");
        assert!(!key.needs_request(), "{key:?}");
        assert_eq!(key.describe(), *described);
    }
}

#[test]
fn equal_keys_are_hashed_once() {
    let closure = custom(|_, _| KeyOutcome::Set);
    let same = [
        (client_ip(), client_prefix(32, 64)),
        (principal(), principal()),
        (global(), global()),
        (route(), route()),
        (closure.clone(), closure.clone()),
        (dangerous_header("x-a"), dangerous_header("X-A")),
        (all((client_ip(), route())), all((client_ip(), route()))),
        (principal_only().or(route()), principal_only().or(route())),
        (route().normalised(), route().normalised()),
    ];
    for (a, b) in same {
        assert!(a.is_same(&b), "{a:?} {b:?}");
    }
    let other = [
        (client_ip(), client_prefix(32, 56)),
        (client_ip(), dangerous_full_v6()),
        (principal(), principal_only()),
        (closure, custom(|_, _| KeyOutcome::Set)),
        (dangerous_header("x-a"), dangerous_header("x-b")),
        (all((client_ip(), route())), all((route(), client_ip()))),
        (
            all((client_ip(), route())),
            all((client_ip(), route(), route())),
        ),
        (principal_only().or(route()), route().or(principal_only())),
        (route().normalised(), route()),
    ];
    for (a, b) in other {
        assert!(!a.is_same(&b), "{a:?} {b:?}");
    }
}

/// The codes of what is wrong with a key.
fn mistakes(key: &Key, is_shared: bool) -> Vec<&'static str> {
    let mut mistakes = Mistakes::default();
    key.check("key", is_shared, &mut mistakes);
    match mistakes.finish(()) {
        Ok(()) => Vec::new(),
        Err(errors) => errors
            .iter()
            .filter_map(|error| error.downcast::<RateLimitConfigError>())
            .map(ConfigErrorKind::code)
            .collect(),
    }
}

#[test]
fn weak_keys_are_refused() {
    #[rustfmt::skip]
    let rows: &[(Key, bool, &[&str])] = &[
        (client_prefix(8, 32), false, &[]),
        (client_prefix(7, 32), false, &["prefix_width"]),
        (client_prefix(8, 31), false, &["prefix_width"]),
        (client_prefix(32, 64), false, &[]),
        (client_prefix(33, 64), false, &["prefix_width"]),
        (client_prefix(32, 65), false, &["prefix_width"]),
        (client_prefix(32, 128), false, &["prefix_width"]),
        (dangerous_full_v6(), false, &[]),
        (client_prefix(0, 0), false, &["prefix_width"]),
        (client_prefix(255, 255), false, &["prefix_width"]),
        (dangerous_header("x-a"), false, &[]),
        (dangerous_header("x a"), false, &["header_name"]),
        (dangerous_header(""), false, &["header_name"]),
        (all((client_prefix(0, 0), dangerous_header(""))), false, &["prefix_width", "header_name"]),
        (principal_only().or(client_prefix(0, 64)).normalised(), false, &["prefix_width"]),
        (extension::<u8>(), false, &[]),
        (extension::<u8>(), true, &["unstable_key"]),
        (all((global(), extension::<u8>())), true, &["unstable_key"]),
        (principal(), true, &[]),
    ];
    for (key, is_shared, expected) in rows {
        assert_eq!(mistakes(key, *is_shared), *expected, "{key:?}");
    }
}

#[test]
fn a_refusal_keeps_two_headers_and_a_status_of_its_kind() {
    for (given, answered) in [
        (200, 403),
        (302, 403),
        (399, 403),
        (400, 400),
        (599, 599),
        (600, 403),
    ] {
        let refusal = KeyRefusal::new(StatusCode::from_u16(given).unwrap());
        assert_eq!(refusal.status().as_u16(), answered);
        assert_eq!(refusal.code(), "rate_key_refused");
        assert_eq!(refusal.into_rejection().abuse_kind(), None);
    }
    let mut headers = http::HeaderMap::new();
    headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
    headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    headers.append(RETRY_AFTER, HeaderValue::from_static("soon"));
    headers.append("set-cookie", HeaderValue::from_static("a=b"));
    let rejection = KeyRefusal::new(StatusCode::UNAUTHORIZED)
        .headers(&headers)
        .into_rejection();
    let lines: Vec<_> = rejection.headers().iter().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(rejection.headers()[RETRY_AFTER], "soon");
    let challenges: Vec<_> = rejection
        .headers()
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .collect();
    assert_eq!(challenges, ["Basic", "Bearer"]);
}

#[test]
fn the_short_way_to_a_key_leads_to_the_same_one() {
    let keys = [
        client_ip(),
        client_prefix(24, 48),
        dangerous_full_v6(),
        global(),
    ];
    let seeds = [KeySeed::random(), KeySeed::fleet(*b"0123456789abcdef")];
    // The last one is what a trusted proxy could not name.
    let callers = [
        ("192.0.2.7", "192.0.2.8"),
        ("0.0.0.0", "192.0.2.8"),
        ("2001:db8:1:2:3:4:5:6", "192.0.2.8"),
        ("10.0.0.1", "garbage"),
    ];
    let proxies = ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap();
    for (peer, forwarded) in callers {
        let parts = call(peer, &[("x-forwarded-for", forwarded.as_bytes())]);
        let (headers, extensions) = (&parts.headers, &parts.extensions);
        let caller = Caller::attached_or_found(&proxies, headers, extensions).unwrap();
        assert_eq!(caller.is_degraded, forwarded == "garbage");
        let head = Head {
            headers,
            extensions,
            parts: None,
            request: None,
            client: None,
            proxies: &proxies,
        };
        for (key, seed) in keys.iter().flat_map(|key| seeds.map(|seed| (key, seed))) {
            let mut hasher = KeyHasher::new(&seed);
            assert!(matches!(key.extract(&head, &mut hasher), KeyOutcome::Set));
            let short = match key.shortcut(&seed).unwrap() {
                Shortcut::Client(prefix) => client_key(&prefix, &caller, &seed),
                Shortcut::Everybody(key) => key,
            };
            assert_eq!(short, hasher.key(), "{key:?} {peer} {seed:?}");
        }
    }
    let long = [principal(), route(), all((client_ip(), route()))];
    assert!(long.iter().all(|key| key.shortcut(&seeds[0]).is_none()));
}
