use std::time::{Duration, SystemTime};

use http::Extensions;

use super::*;
use crate::core::Challenges;

const T: SystemTime = SystemTime::UNIX_EPOCH;

fn full() -> Principal {
    Principal::builder("alice")
        .issuer("https://id.example.com/")
        .client_id("web")
        .tenant("acme")
        .scopes(["orders:read", "orders:write"])
        .roles(["Site Admin"])
        .amr(["pwd", "otp"])
        .method(AuthMethod::DPoP)
        .acr("aal2")
        .auth_time(T + Duration::from_secs(5))
        .expires_at(T + Duration::from_secs(9))
        .token_id("t-1")
        .session_id("s-1")
        .confirmation(Confirmation::JwkSha256([7; 32]))
        .build()
}

#[test]
fn all_that_was_said_is_there() {
    says_all(&full());
}

#[track_caller]
fn says_all(principal: &Principal) {
    assert_eq!(principal.subject(), "alice");
    assert_eq!(principal.issuer(), Some("https://id.example.com/"));
    assert_eq!(principal.client_id(), Some("web"));
    assert_eq!(principal.tenant(), Some("acme"));
    assert_eq!(
        principal.scopes().collect::<Vec<_>>(),
        ["orders:read", "orders:write"]
    );
    assert_eq!(principal.roles().collect::<Vec<_>>(), ["Site Admin"]);
    assert_eq!(principal.amr().collect::<Vec<_>>(), ["pwd", "otp"]);
    assert_eq!(principal.method(), AuthMethod::DPoP);
    assert_eq!(principal.acr(), Some("aal2"));
    assert_eq!(principal.auth_time(), Some(T + Duration::from_secs(5)));
    assert_eq!(principal.expires_at(), Some(T + Duration::from_secs(9)));
    assert_eq!(principal.token_id(), Some("t-1"));
    assert_eq!(principal.session_id(), Some("s-1"));
    assert_eq!(
        principal.confirmation(),
        Some(Confirmation::JwkSha256([7; 32]))
    );
}

#[test]
fn a_builder_of_a_principal_keeps_all_but_what_is_said_anew() {
    says_all(&full().to_builder().build());

    let first = full();
    let changed = first.to_builder().acr("aal3").roles(["a", "b"]);
    let changed = changed.auth_time(T + Duration::from_secs(6)).build();
    assert_eq!(changed.acr(), Some("aal3"));
    assert_eq!(changed.roles().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(changed.auth_time(), Some(T + Duration::from_secs(6)));
    // The first says what it said, and the rest stays.
    says_all(&first);
    let back = changed.to_builder().acr("aal2").roles(["Site Admin"]);
    says_all(&back.auth_time(T + Duration::from_secs(5)).build());
}

#[test]
fn what_was_not_said_is_absent() {
    let principal = Principal::builder("bob").build();
    assert_eq!(principal.subject(), "bob");
    let texts = [
        principal.issuer(),
        principal.client_id(),
        principal.tenant(),
        principal.acr(),
        principal.token_id(),
        principal.session_id(),
    ];
    assert_eq!(texts, [None; 6]);
    let members = principal
        .scopes()
        .chain(principal.roles())
        .chain(principal.amr());
    assert_eq!(members.count(), 0);
    assert_eq!(principal.method(), AuthMethod::Custom("custom"));
    assert_eq!(
        (principal.auth_time(), principal.expires_at()),
        (None, None)
    );
    assert_eq!(principal.confirmation(), None);
}

#[test]
fn the_last_value_counts() {
    let principal = Principal::builder("alice")
        .tenant("acme")
        .tenant("globex")
        .scopes(["a", "b"])
        .roles(["r"])
        .scopes(["c"])
        .build();
    assert_eq!(principal.tenant(), Some("globex"));
    assert_eq!(principal.scopes().collect::<Vec<_>>(), ["c"]);
    assert_eq!(principal.roles().collect::<Vec<_>>(), ["r"]);
}

#[test]
fn scopes_and_roles_are_compared_whole() {
    let principal = Principal::builder("alice")
        .scopes(["orders:read", "files"])
        .roles(["staff"])
        .amr(["otp"])
        .build();
    let scopes = [
        ("orders:read", true),
        ("files", true),
        ("orders", false),
        ("Orders:read", false),
        ("orders:readfiles", false),
        ("orders:read files", false),
        ("staff", false),
        ("otp", false),
        ("", false),
    ];
    for (scope, expected) in scopes {
        assert_eq!(principal.has_scope(scope), expected, "{scope}");
    }
    for (role, expected) in [("staff", true), ("STAFF", false), ("files", false)] {
        assert_eq!(principal.has_role(role), expected, "{role}");
    }
}

#[test]
fn the_end_is_exclusive() {
    let end = T + Duration::from_secs(100);
    let principal = Principal::builder("alice").expires_at(end).build();
    let rows = [
        (T, false),
        (end - Duration::from_nanos(1), false),
        (end, true),
        (end + Duration::from_secs(1), true),
    ];
    for (now, expected) in rows {
        assert_eq!(principal.is_expired(now), expected, "{now:?}");
    }
    let endless = Principal::builder("alice").build();
    assert!(!endless.is_expired(end));
}

#[test]
fn an_anonymous_request_has_challenges_and_no_principal() {
    let mut extensions = Extensions::new();
    assert!(Principal::from_extensions(&extensions).is_none());

    Principal::attach(None, Challenges::default(), &mut extensions);
    assert!(Principal::from_extensions(&extensions).is_none());
    assert!(Challenges::from_extensions(&extensions).is_some());
}

#[test]
fn an_inner_layer_replaces_and_removes_what_an_outer_one_attached() {
    let subject = |extensions: &Extensions| {
        Principal::from_extensions(extensions).map(|principal| principal.subject().to_owned())
    };
    let mut extensions = Extensions::new();
    let alice = Principal::builder("alice").build();
    Principal::attach(Some(alice), Challenges::default(), &mut extensions);
    assert_eq!(subject(&extensions).as_deref(), Some("alice"));

    Principal::builder("bob")
        .build()
        .dangerous_attach(&mut extensions);
    assert_eq!(subject(&extensions).as_deref(), Some("bob"));
    assert!(Challenges::from_extensions(&extensions).is_some());
    assert_eq!(extensions.len(), 1);

    Principal::remove(&mut extensions);
    assert_eq!(subject(&extensions), None);
    assert!(Challenges::from_extensions(&extensions).is_none());
}

#[test]
fn challenges_of_a_layer_of_ones_own_leave_the_principal() {
    let mut extensions = Extensions::new();
    Principal::builder("bob")
        .build()
        .dangerous_attach(&mut extensions);
    Challenges::default().attach(&mut extensions);
    assert!(Principal::from_extensions(&extensions).is_some());
    assert!(Challenges::from_extensions(&extensions).is_some());
}

#[test]
fn a_principal_that_somebody_inserted_does_not_count() {
    let mut extensions = Extensions::new();
    extensions.insert(Principal::builder("mallory").build());
    assert!(Principal::from_extensions(&extensions).is_none());
}

#[test]
fn debug_shows_subject_and_method_alone() {
    let builder = Principal::builder("al\nice")
        .method(AuthMethod::Session)
        .tenant("acme")
        .session_id("s-1");
    assert_eq!(
        format!("{builder:?}"),
        r#"PrincipalBuilder { subject: "al\nice", method: Session, .. }"#
    );
    assert_eq!(
        format!("{:?}", builder.build()),
        r#"Principal { subject: "al\nice", method: Session, .. }"#
    );
}

#[test]
fn methods_have_names() {
    let rows = [
        (AuthMethod::ApiKey, "api_key"),
        (AuthMethod::Bearer, "bearer"),
        (AuthMethod::Custom("saml"), "saml"),
        (AuthMethod::DPoP, "dpop"),
        (AuthMethod::Introspection, "introspection"),
        (AuthMethod::Mtls, "mtls"),
        (AuthMethod::Session, "session"),
    ];
    for (method, name) in rows {
        assert_eq!(method.to_string(), name);
    }
}
