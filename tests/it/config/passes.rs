//! What an absent section does: nothing.

use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use tower_security::core::{Principal, RequestScheme};
use tower_security::stack::config::StackParts;

use super::{Body, ask, built, parsed, through};
use crate::support::service::Spy;

fn post(path: &str) -> http::request::Builder {
    Request::post(path)
}

#[tokio::test]
async fn a_stack_without_sections_hands_everything_on() {
    let banner = HeaderName::from_static("x-powered-by");
    let spy = Spy::new()
        .header(banner, "a framework")
        .header(header::SET_COOKIE, "session=1")
        .header(header::CONTENT_SECURITY_POLICY, "default-src *");
    let stack = built("");
    let requests = [
        // What each layer would refuse or answer by itself.
        post("/a/../b;c").header("sec-fetch-site", "cross-site"),
        Request::options("/")
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "PUT"),
        post("/csp-report").header("content-type", "application/csp-report"),
        Request::get("http://evil.example/").header("authorization", "Basic nonsense"),
        Request::builder().method("BREW").uri("/orders/1"),
    ];
    for (called, request) in (1..).zip(requests) {
        let response = ask(&stack, &spy, request.body(Full::default()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut names: Vec<_> = response.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["content-security-policy", "set-cookie", "x-powered-by"]
        );
        assert_eq!(response.headers()[header::SET_COOKIE], "session=1");
        assert_eq!(spy.calls(), called);
    }
}

#[tokio::test]
async fn an_error_goes_out_as_it_is() {
    let spy = Spy::new()
        .status(StatusCode::INTERNAL_SERVER_ERROR)
        .header(header::SERVER, "secret/1");
    let request = Request::new(Body::default());
    let response = ask(&built(""), &spy, request).await;
    assert_eq!(response.headers()[header::SERVER], "secret/1");
}

/// Tells what the handler finds in the extensions.
async fn seen(
    request: Request<impl Send>,
) -> Result<http::Response<Body>, std::convert::Infallible> {
    let extensions = request.extensions();
    let mut response = http::Response::new(Body::default());
    let scheme = format!("{:?}", RequestScheme::from_extensions(extensions));
    let subject = Principal::from_extensions(extensions).map(Principal::subject);
    let values = [
        ("x-scheme", scheme.as_str()),
        ("x-subject", subject.unwrap_or("nobody")),
    ];
    for (name, value) in values {
        let value = HeaderValue::from_str(value).unwrap();
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    Ok(response)
}

#[tokio::test]
async fn what_layers_outside_have_found_out_stays() {
    use tower::Layer;
    let service = built("").layer(tower::service_fn(seen));
    let mut request = Request::new(Body::default());
    Principal::builder("ada")
        .build()
        .dangerous_attach(request.extensions_mut());
    let response = through(service, request).await;
    // No scheme comes of a section that is not there.
    assert_eq!(response.headers()["x-scheme"], "None");
    assert_eq!(response.headers()["x-subject"], "ada");
}

#[tokio::test]
async fn the_scheme_is_learnt_where_the_file_says_so() {
    use tower::Layer;
    let rows = [
        ("", "None"),
        ("scheme = \"tls\"", "Some(Http)"),
        ("scheme = \"assume_https\"", "Some(Https)"),
        ("scheme = { listener = \"http\" }", "Some(Http)"),
        (
            "scheme = \"assume_https\"\n[https]\non_insecure = \"reject\"",
            "Some(Https)",
        ),
    ];
    for (text, expected) in rows {
        let service = built(text).layer(tower::service_fn(seen));
        let response = through(service, Request::new(Body::default())).await;
        assert_eq!(response.headers()["x-scheme"], expected, "{text}");
    }
}

#[tokio::test]
async fn each_section_does_what_its_layer_does() {
    let rows = [
        ("[headers]\npreset = \"api\"", Some("x-frame-options"), 200),
        (
            "[csp]\nenforce = \"api\"",
            Some("content-security-policy"),
            200,
        ),
        (
            "[cors]\norigins = \"*\"",
            Some("access-control-allow-origin"),
            200,
        ),
        ("[csrf]", None, 403),
        ("[bans]\nblocklist = [\"203.0.113.7\"]", None, 403),
        (
            "scheme = \"assume_https\"\n[https]\non_insecure = \"reject\"",
            Some("strict-transport-security"),
            200,
        ),
        (
            "scheme = { listener = \"http\" }\n[https]\non_insecure = \"reject\"",
            None,
            403,
        ),
    ];
    for (text, header, status) in rows {
        let request = post("/")
            .header("host", "app.example.com")
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site")
            .extension(tower_security::core::PeerAddr::from(
                std::net::SocketAddr::from(([203, 0, 113, 7], 9)),
            ));
        let spy = Spy::new();
        let response = ask(&built(text), &spy, request.body(Full::default()).unwrap()).await;
        assert_eq!(response.status().as_u16(), status, "{text}");
        assert_eq!(spy.calls(), usize::from(status == 200), "{text}");
        if let Some(header) = header {
            assert!(response.headers().contains_key(header), "{text}");
        }
    }
}

#[tokio::test]
async fn limits_count_and_csrf_trusts_cors_when_told_to() {
    let limited = built(
        "[[rate_limit.policies]]\nname = \"all\"\nquota = { limit = 2, period_secs = 60 }\nkey = \"global\"\n",
    );
    let spy = Spy::new();
    for status in [200, 200, 429] {
        let response = ask(&limited, &spy, Request::new(Body::default())).await;
        assert_eq!(response.status().as_u16(), status);
    }

    let text = "[cors]\norigins = [\"https://app.example.com\"]\ncredentials = true\n[csrf]\n";
    for (told, status) in [(true, 200), (false, 403)] {
        let stack = built(&format!("trust_cors_origins = {told}\n{text}"));
        let request = post("/")
            .header("host", "api.example.com")
            .header("origin", "https://app.example.com")
            .header("sec-fetch-site", "cross-site")
            .body(Full::default())
            .unwrap();
        assert_eq!(ask(&stack, &spy, request).await.status().as_u16(), status);
    }
}

#[tokio::test]
async fn keys_and_ownership_come_from_the_program() {
    use tower_security::auth::{AuthLayer, Authenticator, Decision as Found, Presence};
    use tower_security::core::ChallengeScheme;
    use tower_security::ownership::{AccessRequest, Decision, OwnershipGuard};
    use tower_security::rate_limit::key::{self, KeyOutcome};

    struct Named;
    impl Authenticator for Named {
        fn presence(&self, head: &http::request::Parts) -> Presence {
            match head.headers.contains_key("x-user") {
                true => Presence::Explicit,
                false => Presence::Absent,
            }
        }

        fn authenticate(&self, head: &http::request::Parts) -> Found {
            let name = head.headers["x-user"].to_str().unwrap();
            Found::Granted(Principal::builder(name).build())
        }

        fn scheme(&self) -> ChallengeScheme {
            ChallengeScheme::custom("Test")
        }

        fn headers(&self) -> Vec<HeaderName> {
            vec![HeaderName::from_static("x-user")]
        }
    }

    let path = key::custom(|parts, hasher| {
        hasher.str(parts.uri.path());
        KeyOutcome::Set
    });
    let own = |request: &AccessRequest| match request.id() == request.principal().subject() {
        true => Decision::Allow,
        false => Decision::Deny,
    };
    let parts = StackParts::new()
        .key("path", path)
        .auth(AuthLayer::builder().authenticator(Named).build().unwrap())
        .ownership(
            OwnershipGuard::builder()
                .resource("/users/{id}", own)
                .build()
                .unwrap(),
        );
    let config = parsed(
        "[[rate_limit.policies]]\nname = \"path\"\nquota = { limit = 1, period_secs = 60 }\nkey = { custom = \"path\" }\n",
    );
    let stack = config.build(parts).unwrap();
    let spy = Spy::new();
    let rows = [
        ("/users/ada", Some("ada"), 200),
        ("/users/ada", Some("ada"), 429),
        ("/users/bob", Some("ada"), 404),
        ("/users/eve", None, 401),
    ];
    for (path, user, status) in rows {
        let mut request = Request::get(path);
        if let Some(user) = user {
            request = request.header("x-user", user);
        }
        let response = ask(&stack, &spy, request.body(Full::default()).unwrap()).await;
        assert_eq!(response.status().as_u16(), status, "{path} {user:?}");
    }
    assert_eq!(spy.calls(), 1);
    let names: Vec<_> = stack
        .posture()
        .entries()
        .iter()
        .map(|entry| entry.protection())
        .collect();
    assert_eq!(names, ["rate_limit", "auth", "ownership"]);
}
