use std::time::Duration;

use http::{Extensions, HeaderName, HeaderValue};

use super::config::{is_quotable, is_scope_token};
use super::failure::ChallengeFailure;
use super::*;
use crate::core::{AuthMethod, ConfigErrorKind, ErrorClass, Principal};

fn texts(lines: impl Iterator<Item = HeaderValue>) -> Vec<String> {
    lines
        .map(|line| line.to_str().unwrap().to_owned())
        .collect()
}

/// Every scheme, in the realm and with the metadata of a real API.
fn all() -> Challenges {
    Challenges::builder()
        .resource_metadata("https://api.example.com/.well-known/oauth-protected-resource")
        .add_scheme(ChallengeScheme::bearer())
        .add_scheme(ChallengeScheme::dpop(["ES256", "EdDSA"]))
        .add_scheme(ChallengeScheme::api_key(&HeaderName::from_static(
            "x-api-key",
        )))
        .add_scheme(ChallengeScheme::session())
        .add_scheme(ChallengeScheme::silent())
        .build()
        .unwrap()
}

#[test]
fn nothing_presented() {
    let rows = [
        (Challenges::default(), vec![r#"Bearer realm="api""#]),
        (
            Challenges::builder().build().unwrap(),
            vec![r#"Bearer realm="api""#],
        ),
        (
            Challenges::builder().realm("a b'c").build().unwrap(),
            vec![r#"Bearer realm="a b'c""#],
        ),
        (
            Challenges::builder()
                .add_scheme(ChallengeScheme::silent())
                .build()
                .unwrap(),
            vec![r#"Bearer realm="api""#],
        ),
        (
            Challenges::builder()
                .add_scheme(ChallengeScheme::session())
                .build()
                .unwrap(),
            vec![r#"Session realm="api""#],
        ),
        (
            Challenges::builder()
                .add_scheme(ChallengeScheme::bearer())
                .add_scheme(ChallengeScheme::bearer())
                .build()
                .unwrap(),
            vec![r#"Bearer realm="api""#],
        ),
        (
            all(),
            vec![
                r#"Bearer realm="api", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource""#,
                r#"DPoP realm="api", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource""#,
                r#"ApiKey realm="api", header="x-api-key""#,
                r#"Session realm="api""#,
            ],
        ),
    ];
    for (challenges, expected) in rows {
        assert_eq!(texts(challenges.lines()), expected);
    }
}

#[test]
fn each_failure_in_the_words_of_its_specification() {
    use ChallengeFailure as Failure;
    let rows = [
        (
            Failure::Ambiguous,
            r#"error="invalid_request", error_description="More than one credential was sent""#,
        ),
        (
            Failure::Malformed,
            r#"error="invalid_request", error_description="The Authorization header is malformed""#,
        ),
        (
            Failure::TokenInvalid,
            r#"error="invalid_token", error_description="The access token is invalid""#,
        ),
        (
            Failure::TokenExpired,
            r#"error="invalid_token", error_description="The access token expired""#,
        ),
        (
            Failure::InsufficientScope("orders:read orders:write"),
            r#"error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:read orders:write""#,
        ),
        (
            Failure::StrongerAuthentication(Some("aal2")),
            r#"error="insufficient_user_authentication", error_description="A stronger authentication is required", acr_values="aal2""#,
        ),
        (
            Failure::StrongerAuthentication(None),
            r#"error="insufficient_user_authentication", error_description="A stronger authentication is required""#,
        ),
        (
            Failure::RecentAuthentication(Duration::from_secs(300)),
            r#"error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age="300""#,
        ),
        // Without a DPoP line there are no algorithms to tell.
        (
            Failure::ProofInvalid,
            r#"error="invalid_dpop_proof", error_description="The DPoP proof is invalid""#,
        ),
    ];
    for (failure, expected) in rows {
        let lines = Challenges::default();
        let lines = texts(lines.failure_lines(Some(AuthMethod::Bearer), failure));
        assert_eq!(lines, [format!(r#"Bearer realm="api", {expected}"#)]);
    }
}

#[test]
fn a_failing_proof_is_told_the_algorithms() {
    let rows = [
        (
            ChallengeFailure::ProofInvalid,
            r#"error="invalid_dpop_proof", error_description="The DPoP proof is invalid", algs="ES256 EdDSA""#,
        ),
        (
            ChallengeFailure::ProofNonce,
            r#"error="use_dpop_nonce", error_description="A DPoP nonce is required", algs="ES256 EdDSA""#,
        ),
        (
            ChallengeFailure::TokenInvalid,
            r#"error="invalid_token", error_description="The access token is invalid""#,
        ),
    ];
    for (failure, expected) in rows {
        let lines = texts(all().failure_lines(Some(AuthMethod::DPoP), failure));
        assert_eq!(
            lines[1],
            format!(
                r#"DPoP realm="api", {expected}, resource_metadata="https://api.example.com/.well-known/oauth-protected-resource""#
            )
        );
    }
}

#[test]
fn only_the_line_that_decided_says_why() {
    let of = |name: &'static str| {
        Challenges::builder()
            .add_scheme(ChallengeScheme::bearer())
            .add_scheme(ChallengeScheme::dpop(["ES256"]))
            .add_scheme(ChallengeScheme::api_key(&HeaderName::from_static("x-key")))
            .add_scheme(ChallengeScheme::session())
            .add_scheme(ChallengeScheme::custom(name))
            .build()
            .unwrap()
    };
    let rows = [
        (Some(AuthMethod::Bearer), 0),
        (Some(AuthMethod::Introspection), 0),
        (Some(AuthMethod::DPoP), 1),
        (Some(AuthMethod::ApiKey), 2),
        (Some(AuthMethod::Session), 3),
        (Some(AuthMethod::Custom("SIGNATURE")), 4),
        (Some(AuthMethod::Custom("other")), 0),
        (Some(AuthMethod::Mtls), 0),
        (None, 0),
    ];
    for (method, expected) in rows {
        let challenges = of("Signature");
        let lines =
            texts(challenges.failure_lines(method, ChallengeFailure::InsufficientScope("a")));
        let with_reason: Vec<_> = (0..5).filter(|at| lines[*at].contains("error=")).collect();
        assert_eq!(with_reason, [expected], "{method:?}");
        let plain = texts(challenges.lines());
        let unchanged = (0..5).filter(|at| lines[*at] == plain[*at]).count();
        assert_eq!(unchanged, 4, "{method:?}");
    }
}

#[test]
fn a_text_that_nobody_checked_costs_the_reason_not_the_challenge() {
    let challenges = Challenges::default();
    let failure = ChallengeFailure::InsufficientScope("a\r\nset-cookie: x");
    assert_eq!(
        texts(challenges.failure_lines(None, failure)),
        [r#"Bearer realm="api""#]
    );
}

#[test]
fn without_a_layer_the_default_answers() {
    let mut extensions = Extensions::new();
    assert_eq!(
        texts(Challenges::of(&extensions).lines()),
        [r#"Bearer realm="api""#]
    );

    Principal::builder("alice")
        .build()
        .dangerous_attach(&mut extensions);
    assert_eq!(
        texts(Challenges::of(&extensions).lines()),
        [r#"Bearer realm="api""#]
    );

    let own = Challenges::builder().realm("own").build().unwrap();
    own.attach(&mut extensions);
    assert_eq!(
        texts(Challenges::of(&extensions).lines()),
        [r#"Bearer realm="own""#]
    );
}

#[test]
fn values_that_cannot_be_quoted_are_refused() {
    for value in ["a\"b", "a\\b", "a\nb", "a\tb", "\u{7f}", "caf\u{e9}", "\0"] {
        assert!(!is_quotable(value), "{value:?}");
        let errors = Challenges::builder().realm(value).build().unwrap_err();
        let error = errors.iter().next().unwrap();
        assert_eq!(
            (error.path(), error.code()),
            ("challenges.realm", "challenge_invalid")
        );
        assert_eq!(error.class(), ErrorClass::Invalid);
        assert!(error.message().contains(&format!("{value:?}")), "{error}");
    }
    for value in [" !", "#[", "]~", "https://a.example/b?c=d#e"] {
        assert!(is_quotable(value), "{value:?}");
        assert!(
            Challenges::builder().realm(value).build().is_ok(),
            "{value:?}"
        );
    }
}

#[test]
fn scopes_are_one_token_each() {
    for scope in [
        "orders:read",
        "!",
        "#",
        "[",
        "]",
        "~",
        "https://a.example/x",
    ] {
        assert!(is_scope_token(scope), "{scope:?}");
    }
    for scope in ["", " ", "a b", "a\"", "a\\", "a\n", "caf\u{e9}", "\u{7f}"] {
        assert!(!is_scope_token(scope), "{scope:?}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let errors = Challenges::builder()
        .realm("a\"")
        .resource_metadata("https://a\\b")
        .add_scheme(ChallengeScheme::silent())
        .add_scheme(ChallengeScheme::custom("My Scheme").add_param("k", "\u{e9}"))
        .add_scheme(ChallengeScheme::dpop(["ES256\""]))
        .add_scheme(
            ChallengeScheme::session()
                .add_param("Realm", "x")
                .add_param("k", "1")
                .add_param("K", "2")
                .add_param("", "3"),
        )
        .build_at("auth")
        .unwrap_err();
    let found: Vec<_> = errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect();
    assert_eq!(
        found,
        [
            ("auth.realm", "challenge_invalid"),
            ("auth.resource_metadata", "challenge_invalid"),
            ("auth.schemes[1]", "challenge_name_invalid"),
            ("auth.schemes[1].k", "challenge_invalid"),
            ("auth.schemes[2].algs", "challenge_invalid"),
            ("auth.schemes[3].Realm", "challenge_param_taken"),
            ("auth.schemes[3].K", "challenge_param_taken"),
            ("auth.schemes[3].", "challenge_name_invalid"),
        ]
    );
    let taken = ChallengeConfigError::ChallengeParamTaken {
        name: "realm".to_owned(),
    };
    assert_eq!(taken.class(), ErrorClass::Refused);
}

#[test]
fn the_whole_line_is_written_behind_the_realm() {
    for reserved in [
        "realm",
        "error",
        "error_description",
        "scope",
        "acr_values",
        "max_age",
        "algs",
        "resource_metadata",
    ] {
        let scheme = ChallengeScheme::custom("Own").add_param(reserved, "x");
        assert!(
            Challenges::builder().add_scheme(scheme).build().is_err(),
            "{reserved}"
        );
    }
    let scheme = ChallengeScheme::custom("Own")
        .add_param("b", "2")
        .add_param("a", "1");
    let challenges = Challenges::builder().add_scheme(scheme).build().unwrap();
    assert_eq!(
        texts(challenges.lines()),
        [r#"Own realm="api", b="2", a="1""#]
    );
}
