//! Which credential counts, and what is refused before anybody looks at one.

use http::StatusCode;
use tower::Layer;
use tower_security::auth::{AuthFailure, AuthLayer};
use tower_security::core::{Challenges, Principal, Refused};

use super::ways::{ByHeader, Seen, builder, get};
use crate::support::service::{Spy, go};

const ALICE: Result<Option<&str>, (u16, &str, &str)> = Ok(Some("alice"));
const ANONYMOUS: Result<Option<&str>, (u16, &str, &str)> = Ok(None);

const fn refused(
    status: u16,
    code: &'static str,
    reason: &'static str,
) -> Result<Option<&'static str>, (u16, &'static str, &'static str)> {
    Err((status, code, reason))
}

/// Two explicit ways and two ambient ones.
fn layer(is_optional: bool) -> AuthLayer {
    let builder = builder()
        .authenticator(ByHeader::new("x-api-key"))
        .authenticator(ByHeader::cookie())
        .authenticator(ByHeader::ambient("x-certificate"));
    let builder = if is_optional {
        builder.optional()
    } else {
        builder
    };
    builder.build().unwrap()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn one_credential_counts() {
    type Lines = &'static [(&'static str, &'static str)];
    let required = refused(401, "authentication_required", "nothing_presented");
    let unknown = refused(401, "authentication_required", "scheme_unknown");
    let two = refused(400, "credentials_ambiguous", "several_transports");
    let lines = refused(400, "credentials_ambiguous", "several_authorization_lines");
    let invalid = refused(401, "token_invalid", "token_invalid");
    let rows: [(Lines, _, _); 26] = [
        (&[], required, ANONYMOUS),
        (&[("x-test", "good")], ALICE, ALICE),
        (&[("x-api-key", "good")], ALICE, ALICE),
        (&[("cookie", "good")], ALICE, ALICE),
        // Row 103: whoever tries is not served as somebody who does not.
        (&[("x-test", "bad")], invalid, invalid),
        (&[("cookie", "bad")], invalid, invalid),
        // Row 98.
        (&[("x-test", "good"), ("x-api-key", "good")], two, two),
        (&[("x-test", "bad"), ("x-api-key", "good")], two, two),
        (
            &[
                ("x-test", "good"),
                ("x-api-key", "good"),
                ("cookie", "good"),
            ],
            two,
            two,
        ),
        // Row 99: no fall-through.
        (&[("x-test", "bad"), ("cookie", "good")], invalid, invalid),
        (&[("x-test", "good"), ("cookie", "bad")], ALICE, ALICE),
        // Of two that are sent unasked the first that was configured counts, in either order of the lines.
        (
            &[("cookie", "bad"), ("x-certificate", "good")],
            invalid,
            invalid,
        ),
        (
            &[("x-certificate", "good"), ("cookie", "bad")],
            invalid,
            invalid,
        ),
        (
            &[("cookie", "good"), ("x-certificate", "bad")],
            ALICE,
            ALICE,
        ),
        // Row 92.
        (
            &[("authorization", "A a"), ("authorization", "A a")],
            lines,
            lines,
        ),
        (
            &[
                ("authorization", "A a"),
                ("authorization", "B b"),
                ("x-test", "good"),
            ],
            lines,
            lines,
        ),
        (
            &[("authorization", "A a"), ("x-test", "good")],
            ALICE,
            ALICE,
        ),
        // Row 97.
        (&[("authorization", "Basic dDp0")], unknown, unknown),
        (&[("authorization", "BearerX t")], unknown, unknown),
        (&[("authorization", "")], unknown, unknown),
        (
            &[("authorization", "Basic dDp0"), ("cookie", "good")],
            ALICE,
            ALICE,
        ),
        // Row 104, and other headers that say who somebody is.
        (
            &[("x-user", "alice"), ("remote-user", "alice")],
            required,
            ANONYMOUS,
        ),
        (
            &[("proxy-authorization", "Bearer good")],
            required,
            ANONYMOUS,
        ),
        // It was there, and then it was not.
        (
            &[("x-test", "gone"), ("cookie", "good")],
            refused(401, "authentication_required", "not_present"),
            refused(401, "authentication_required", "not_present"),
        ),
        (
            &[("x-test", "nobody")],
            refused(401, "token_invalid", "subject_empty"),
            refused(401, "token_invalid", "subject_empty"),
        ),
        (
            &[("x-test", "slow-nobody")],
            refused(401, "token_invalid", "subject_empty"),
            refused(401, "token_invalid", "subject_empty"),
        ),
    ];
    for (lines, when_required, when_optional) in rows {
        for (is_optional, expected) in [(false, when_required), (true, when_optional)] {
            let seen = Seen::default();
            let answer = go(layer(is_optional).layer(seen.clone()), get(lines)).await;
            let row = format!("{lines:?}, optional: {is_optional}");
            match expected {
                Ok(who) => {
                    assert_eq!(answer.status(), StatusCode::OK, "{row}");
                    assert_eq!(seen.take(), [who.map(str::to_owned)], "{row}");
                }
                Err((status, code, reason)) => {
                    assert_eq!(answer.status(), status, "{row}");
                    assert_eq!(seen.take(), [], "{row}");
                    let marker = answer.extensions().get::<Refused>().unwrap();
                    assert_eq!(marker.code(), code, "{row}");
                    let failure = answer.extensions().get::<AuthFailure>().unwrap();
                    assert_eq!((failure.code(), failure.reason()), (code, reason), "{row}");
                }
            }
        }
    }
}

/// No method is exempt, that of a preflight neither.
#[tokio::test]
async fn every_method_is_authenticated() {
    for method in ["GET", "HEAD", "OPTIONS", "POST", "TRACE", "PURGE"] {
        let spy = Spy::new();
        let mut request = get(&[]);
        *request.method_mut() = method.parse().unwrap();
        let answer = go(layer(false).layer(spy.clone()), request).await;
        assert_eq!(
            (answer.status().as_u16(), spy.calls()),
            (401, 0),
            "{method}"
        );

        let mut request = get(&[("x-test", "good")]);
        *request.method_mut() = method.parse().unwrap();
        let answer = go(layer(false).layer(spy.clone()), request).await;
        assert_eq!(
            (answer.status().as_u16(), spy.calls()),
            (200, 1),
            "{method}"
        );
    }
}

#[tokio::test]
async fn what_an_outer_layer_found_out_does_not_count() {
    for (is_optional, status, calls) in [(false, 401, vec![]), (true, 200, vec![None])] {
        let mut request = get(&[]);
        let mallory = Principal::builder("mallory").build();
        mallory.dangerous_attach(request.extensions_mut());
        let seen = Seen::default();
        let answer = go(layer(is_optional).layer(seen.clone()), request).await;
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(seen.take(), calls);
    }
}

#[tokio::test]
async fn the_layers_behind_know_the_challenges() {
    use tower::service_fn;

    for lines in [&[("x-test", "good")][..], &[]] {
        let layer = builder().realm("orders").optional().build().unwrap();
        let service = layer.layer(service_fn(async |request: http::Request<_>| {
            let challenges = Challenges::from_extensions(request.extensions()).unwrap();
            let lines: Vec<_> = challenges.lines().collect();
            assert_eq!(lines, [r#"Bearer realm="orders""#]);
            Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Full::<
                bytes::Bytes,
            >::default()))
        }));
        assert_eq!(go(service, get(lines)).await.status(), 200);
    }
}
