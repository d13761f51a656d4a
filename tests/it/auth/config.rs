//! What does not build.

use tower_security::auth::{AuthConfigError, AuthLayer};
use tower_security::core::{ChallengeScheme, ConfigErrors, ErrorClass};

use super::ways::{ByHeader, Line, builder};

fn found(errors: &ConfigErrors) -> Vec<(&str, &'static str)> {
    errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect()
}

#[test]
fn a_layer_that_nobody_could_pass_does_not_build() {
    let errors = AuthLayer::builder().build().unwrap_err();
    assert_eq!(found(&errors), [("auth", "no_authenticator")]);
    let error = errors.iter().next().unwrap();
    assert_eq!(error.class(), ErrorClass::Invalid);
    assert_eq!(
        error.downcast::<AuthConfigError>(),
        Some(&AuthConfigError::NoAuthenticator)
    );
    assert!(AuthLayer::builder().optional().build().is_err());
    assert!(builder().build().is_ok());
}

#[test]
fn all_mistakes_are_reported_together() {
    let errors = AuthLayer::builder()
        .realm("a\"b")
        .resource_metadata("https://api.example/\u{e9}")
        .build()
        .unwrap_err();
    assert_eq!(
        found(&errors),
        [
            ("auth", "no_authenticator"),
            ("auth.realm", "challenge_invalid"),
            ("auth.resource_metadata", "challenge_invalid"),
        ]
    );
}

#[test]
fn challenges_hold_what_can_be_quoted() {
    for realm in ["api", "", "Orders of example.com", "!#[]~"] {
        assert!(builder().realm(realm).build().is_ok(), "{realm}");
    }
    for realm in ["\"", "\\", "a\nb", "\u{7f}", "caf\u{e9}"] {
        let errors = builder().realm(realm).build().unwrap_err();
        assert_eq!(
            found(&errors),
            [("auth.realm", "challenge_invalid")],
            "{realm}"
        );
    }
    let scheme = ChallengeScheme::custom("A B");
    let errors = builder().authenticator(Line(scheme)).build().unwrap_err();
    assert_eq!(
        found(&errors),
        [("auth.schemes[1]", "challenge_name_invalid")]
    );
}

#[test]
fn a_layer_says_what_it_does() {
    let layer = builder()
        .authenticator(ByHeader::cookie())
        .realm("orders")
        .build()
        .unwrap();
    assert!(!layer.is_optional());
    assert_eq!(layer.methods().collect::<Vec<_>>(), [None, None]);
    assert_eq!(layer.dangerous(), []);
    let lines: Vec<_> = layer.challenges().lines().collect();
    assert_eq!(lines, [r#"Bearer realm="orders""#]);
    assert!(builder().optional().build().unwrap().is_optional());
}
