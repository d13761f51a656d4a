//! What depends on the request: personal answers, and `Clear-Site-Data`.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use tower_security::core::{ClientIp, PeerAddr, ProtoHeader, RequestScheme, SchemeSource, Tls};
use tower_security::headers::{
    CachePolicy, ClearSiteData, Preset, SecurityHeadersBuilder, SecurityHeadersLayer,
};

use super::{answer, get, values};

const NO_STORE: &str = "no-store, max-age=0";

fn with(lines: &[(&'static str, &'static str)]) -> Request<Full<Bytes>> {
    let mut request = get();
    for (name, value) in lines {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn personal_answers_are_not_stored() {
    let sensitive = |names: &[&str]| {
        let layer = SecurityHeadersLayer::builder().preset(Preset::Web);
        layer.cache(CachePolicy::sensitive(names)).build().unwrap()
    };
    let layer = sensitive(&["__Host-session", "connect.sid"]);
    let rows: [(&str, &[(&str, &str)], bool); 18] = [
        ("nothing", &[], false),
        ("a token", &[("authorization", "Bearer a")], true),
        ("an empty authorization", &[("authorization", "")], true),
        ("the session", &[("cookie", "__Host-session=1")], true),
        ("the other session", &[("cookie", "connect.sid=1")], true),
        (
            "among others",
            &[("cookie", "a=1; __Host-session=1; b=2")],
            true,
        ),
        (
            "without blanks",
            &[("cookie", "a=1;__Host-session=1;b=2")],
            true,
        ),
        (
            "last line of several",
            &[
                ("cookie", "a=1"),
                ("cookie", "b=2"),
                ("cookie", "connect.sid=1"),
            ],
            true,
        ),
        ("without a value", &[("cookie", "__Host-session=")], true),
        (
            "without an equals sign",
            &[("cookie", "__Host-session")],
            true,
        ),
        ("other cookies", &[("cookie", "a=1; b=2")], false),
        ("in a value", &[("cookie", "a=__Host-session=1")], false),
        ("other case", &[("cookie", "__host-session=1")], false),
        (
            "longer name",
            &[("cookie", "__Host-session2=1; x__Host-session=1")],
            false,
        ),
        ("bare name", &[("cookie", "session=1")], false),
        (
            "renamed by a layer inside",
            &[("cookie", "__Host-connect.sid=1")],
            true,
        ),
        (
            "another prefix",
            &[("cookie", "__Secure-connect.sid=1; __host-connect.sid=1")],
            false,
        ),
        ("another header", &[("x-cookie", "__Host-session=1")], false),
    ];
    for (name, lines, is_personal) in rows {
        let answer = answer(&layer, &[], 200, with(lines)).await;
        let expected: &[&str] = if is_personal { &[NO_STORE] } else { &[] };
        assert_eq!(values(&answer, "cache-control"), expected, "{name}");
    }
    let bearer_alone = sensitive(&[]);
    let cookie = with(&[("cookie", "__Host-session=1; =1")]);
    let stored = answer(&bearer_alone, &[], 200, cookie).await;
    assert_eq!(values(&stored, "cache-control"), [""; 0]);
}

#[tokio::test]
async fn the_presets_know_common_session_cookies() {
    for layer in [
        SecurityHeadersLayer::web(),
        SecurityHeadersLayer::web_compatible(),
    ] {
        for (cookie, is_personal) in [
            ("__Host-session=1", true),
            ("__Host-id=1", true),
            ("session=1", true),
            ("id=1", true),
            ("theme=1", false),
        ] {
            let cookie: &'static str = cookie;
            let answer = answer(&layer, &[], 200, with(&[("cookie", cookie)])).await;
            let got = values(&answer, "cache-control");
            assert_eq!(got == [NO_STORE], is_personal, "{cookie}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_sets_a_cookie_is_not_stored_unless_the_handler_says_so() {
    let layer = SecurityHeadersLayer::web();
    let rows: [(&[(&str, &str)], &[&str]); 5] = [
        (&[("set-cookie", "a=1")], &[NO_STORE]),
        (&[("set-cookie", "a=1"), ("set-cookie", "b=1")], &[NO_STORE]),
        (
            &[("set-cookie", "a=1"), ("cache-control", "public")],
            &["public"],
        ),
        (&[("cache-control", "public")], &["public"]),
        (
            &[("cache-control", "private"), ("cache-control", "max-age=1")],
            &["private", "max-age=1"],
        ),
    ];
    for (handler, expected) in rows {
        let answer = answer(&layer, handler, 200, get()).await;
        assert_eq!(values(&answer, "cache-control"), expected);
    }
    let token = with(&[("authorization", "Bearer a")]);
    let own = answer(&layer, &[("cache-control", "public")], 200, token).await;
    assert_eq!(values(&own, "cache-control"), ["public"]);
}

fn clearing() -> SecurityHeadersBuilder {
    SecurityHeadersLayer::builder()
        .clear_site_data_on(["/logout", "/a/b/"], ClearSiteData::logout())
        .clear_site_data_on(["/switch"], ClearSiteData::new().cache())
}

fn at(method: Method, path: &str, scheme: Option<RequestScheme>) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(scheme) = scheme {
        request = request.extension(scheme);
    }
    request.body(Full::default()).unwrap()
}

const ALL: &str = r#""cache","cookies","storage""#;

#[tokio::test]
async fn site_data_is_cleared_on_exact_paths() {
    let layer = clearing().build().unwrap();
    let rows = [
        ("/logout", Some(ALL)),
        ("/logout?next=/", Some(ALL)),
        ("/logout?", Some(ALL)),
        ("https://app.example/logout", Some(ALL)),
        ("/a/b/", Some(ALL)),
        ("/switch", Some(r#""cache""#)),
        ("/logout/", None),
        ("/a/b", None),
        ("//logout", None),
        ("/./logout", None),
        ("/Logout", None),
        ("/logou%74", None),
        ("/logout;a", None),
        ("/logout2", None),
        ("/x/logout", None),
        ("/x?/logout", None),
        ("/", None),
    ];
    for (path, expected) in rows {
        let request = at(Method::POST, path, Some(RequestScheme::Https));
        let answer = answer(&layer, &[], 200, request).await;
        let expected = expected.into_iter().collect::<Vec<_>>();
        assert_eq!(values(&answer, "clear-site-data"), expected, "{path}");
    }
}

#[tokio::test]
async fn site_data_is_cleared_by_every_method_but_options_and_below_400() {
    let layer = clearing().build().unwrap();
    let rows = [
        (Method::GET, 200, true),
        (Method::HEAD, 200, true),
        (Method::POST, 200, true),
        (Method::DELETE, 204, true),
        (Method::POST, 303, true),
        (Method::POST, 304, true),
        (Method::POST, 399, true),
        (Method::POST, 400, false),
        (Method::POST, 403, false),
        (Method::GET, 405, false),
        (Method::POST, 500, false),
        (Method::POST, 101, false),
        (Method::OPTIONS, 204, false),
    ];
    for (method, status, clears) in rows {
        let request = at(method.clone(), "/logout", Some(RequestScheme::Https));
        let answer = answer(&layer, &[], status, request).await;
        let got = values(&answer, "clear-site-data");
        assert_eq!(got == [ALL], clears, "{method} {status}");
        assert_eq!(got.is_empty(), !clears, "{method} {status}");
    }
}

#[tokio::test]
async fn site_data_is_cleared_over_tls_alone() {
    let proxies = ClientIp::trusted_proxies(["10.0.0.0/8".parse().unwrap()]).unwrap();
    let forwarded = SchemeSource::forwarded_proto(proxies, ProtoHeader::XForwardedProto).unwrap();
    let listener = |scheme| Some(SchemeSource::Listener(scheme));
    let (http, https) = (RequestScheme::Http, RequestScheme::Https);
    let rows = [
        ("unknown", None, None, false),
        ("plain", None, Some(http), false),
        ("TLS", None, Some(https), true),
        ("a plain listener", listener(http), None, false),
        ("a TLS listener", listener(https), None, true),
        (
            "what was found outside wins: plain",
            listener(https),
            Some(http),
            false,
        ),
        (
            "what was found outside wins: TLS",
            listener(http),
            Some(https),
            true,
        ),
        ("no peer to trust", Some(forwarded.clone()), None, false),
        ("no marker", Some(SchemeSource::Tls), None, false),
        (
            "behind a proxy",
            Some(SchemeSource::AssumeHttps),
            None,
            true,
        ),
    ];
    for (name, source, scheme, clears) in rows {
        let builder = match source {
            Some(source) => clearing().scheme(source),
            None => clearing(),
        };
        let mut request = at(Method::POST, "/logout", scheme);
        // Written by the client.
        request
            .headers_mut()
            .insert("x-forwarded-proto", "https".parse().unwrap());
        let answer = answer(&builder.build().unwrap(), &[], 200, request).await;
        assert_eq!(
            values(&answer, "clear-site-data").len(),
            usize::from(clears),
            "{name}"
        );
    }
    let marked = |source| {
        let mut request = at(Method::POST, "/logout", None);
        request.extensions_mut().insert(Tls);
        (clearing().scheme(source).build().unwrap(), request)
    };
    let (layer, request) = marked(SchemeSource::Tls);
    assert_eq!(
        values(&answer(&layer, &[], 200, request).await, "clear-site-data"),
        [ALL]
    );
    let (layer, mut request) = marked(forwarded);
    let peer: std::net::SocketAddr = "10.0.0.1:9".parse().unwrap();
    request.extensions_mut().insert(PeerAddr::from(peer));
    request
        .headers_mut()
        .insert("x-forwarded-proto", "https".parse().unwrap());
    assert_eq!(
        values(&answer(&layer, &[], 200, request).await, "clear-site-data"),
        [ALL]
    );
}

#[tokio::test]
async fn the_handlers_own_clear_site_data_goes_or_stays() {
    let own = [("clear-site-data", "\"cookies\"")];
    let logout = || at(Method::POST, "/logout", Some(RequestScheme::Https));
    let replaced = answer(&clearing().build().unwrap(), &own, 200, logout()).await;
    assert_eq!(values(&replaced, "clear-site-data"), [ALL]);
    let keeping = clearing().if_absent("clear-site-data").build().unwrap();
    let kept = answer(&keeping, &own, 200, logout()).await;
    assert_eq!(values(&kept, "clear-site-data"), ["\"cookies\""]);
    let absent = answer(&keeping, &[], 200, logout()).await;
    assert_eq!(values(&absent, "clear-site-data"), [ALL]);
    let elsewhere = at(Method::POST, "/", Some(RequestScheme::Https));
    let elsewhere = answer(&clearing().build().unwrap(), &own, 200, elsewhere).await;
    assert_eq!(values(&elsewhere, "clear-site-data"), ["\"cookies\""]);
}

#[tokio::test]
async fn grpc_clears_nothing() {
    let request = at(Method::POST, "/logout", Some(RequestScheme::Https));
    let handler = [("content-type", "application/grpc")];
    let answer = answer(&clearing().build().unwrap(), &handler, 200, request).await;
    assert_eq!(values(&answer, "clear-site-data"), [""; 0]);
}

#[test]
fn a_handler_can_clear_by_itself() {
    let rows = [
        (ClearSiteData::logout(), Some(ALL)),
        (
            ClearSiteData::logout().without_cache(),
            Some(r#""cookies","storage""#),
        ),
        (ClearSiteData::new().storage(), Some(r#""storage""#)),
        (ClearSiteData::new(), None),
        (ClearSiteData::new().cache().without_cache(), None),
    ];
    for (data, expected) in rows {
        let mut headers = http::HeaderMap::new();
        data.insert_into(&mut headers);
        let got = headers
            .get("clear-site-data")
            .map(|value| value.to_str().unwrap());
        assert_eq!(got, expected);
    }
}
