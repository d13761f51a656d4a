//! What a token says, letter by letter, and what it refuses to say.

use std::collections::BTreeMap;
use std::time::SystemTime;

use http::StatusCode;
use tower_security::core::{Confirmation, ManualClock, Principal};
use tower_security::token::{Grant, IssueError, Profile, TokenIssuer};

use super::super::issuer::NOW;
use super::*;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn refused(grant: &Grant) -> IssueError {
    issuer().issue(grant).expect_err("it is refused")
}

#[test]
fn a_token_says_what_was_granted() {
    let who = Principal::builder("al\u{ef}ce \"the\\first\"\u{1}")
        .issuer("https://elsewhere.example.com")
        .client_id("web")
        .tenant("acme")
        .scopes(["orders:read", "orders:write"])
        .roles(["admin", "cook, head"])
        .acr("aal2")
        .amr(["pwd", "otp"])
        .auth_time(at(NOW - 7))
        .session_id("s-1")
        .token_id("k-9")
        .confirmation(Confirmation::JwkSha256([0xfb; 32]))
        .build();
    let grant = Grant::new(who)
        .claim("plan", "gold")
        .claim("limits", BTreeMap::from([("a", 1), ("b", 2)]));
    let issuer = builder(ManualClock::new())
        .audience("orders")
        .build()
        .unwrap();
    let token = issuer.issue(&grant).unwrap();
    let [header, claims] = said(&token);
    let kid = issuer.verifying_keys().keys()[0].kid().unwrap().to_owned();
    assert_eq!(
        header,
        format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#)
    );
    let id = token.token_id();
    assert_eq!(
        claims,
        [
            r#"{"iss":"https://id.example.com/","aud":["https://api.example.com","orders"]"#,
            r#","exp":1735690500,"iat":1735689600,"#,
            &format!(r#""jti":"{id}","#),
            "\"sub\":\"al\u{ef}ce \\\"the\\\\first\\\"\\u0001\",",
            r#""client_id":"web","scope":"orders:read orders:write","roles":["admin","cook, head"],"#,
            r#""tenant":"acme","sid":"s-1","acr":"aal2","amr":["pwd","otp"],"auth_time":1735689593,"#,
            r#""cnf":{"jkt":"-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s"},"#,
            r#""plan":"gold","limits":{"a":1,"b":2}}"#,
        ]
        .concat()
    );
    // 128 bits.
    assert_eq!(decode(id).len(), 16);
    assert_eq!(token.issued_at(), at(NOW));
    assert_eq!(token.expires_at(), at(NOW + 900));
    assert_eq!(token.lifetime(), MINUTE * 15);
}

#[test]
fn what_was_not_granted_is_not_there() {
    let token = token(&issuer());
    let [_, claims] = said(&token);
    let id = token.token_id();
    assert_eq!(
        claims,
        format!(
            r#"{{"iss":"https://id.example.com/","aud":"https://api.example.com","exp":1735690500,"iat":1735689600,"jti":"{id}","sub":"alice","client_id":"web"}}"#
        )
    );
    let certificate = Principal::builder("alice")
        .client_id("web")
        .confirmation(Confirmation::CertificateSha256([0; 32]))
        .build();
    let [_, claims] = said(&issuer().issue(&Grant::new(certificate)).unwrap());
    let bound = r#","cnf":{"x5t#S256":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}"#;
    assert!(claims.ends_with(bound), "{claims}");
}

#[test]
fn each_token_has_an_id_of_its_own() {
    let issuer = issuer();
    let grant = Grant::new(alice());
    let ids: std::collections::HashSet<_> = (0..1_000)
        .map(|_| issuer.issue(&grant).unwrap().token_id().to_owned())
        .collect();
    assert_eq!(ids.len(), 1_000);
}

#[test]
fn a_claim_with_a_meaning_of_its_own_is_refused() {
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "client_id",
        "scope",
        "cnf",
        "sid",
        "acr",
        "amr",
        "auth_time",
        "scp",
        "roles",
        "at_hash",
        "c_hash",
        "s_hash",
        "tenant",
    ] {
        let error = refused(&Grant::new(alice()).claim(name, "x"));
        let claim = name.to_owned();
        assert!(
            matches!(&error, IssueError::ReservedClaim { claim: found, .. } if *found == claim),
            "{name}: {error:?}"
        );
        assert_eq!(error.code(), "reserved_claim");
    }
    for name in [
        "Sub",
        "sub ",
        "scopes",
        "tid",
        "act",
        "https://example.com/sub",
    ] {
        assert!(
            issuer()
                .issue(&Grant::new(alice()).claim(name, "x"))
                .is_ok(),
            "{name}"
        );
    }
    // The claim of the tenant is the one that the issuer was told.
    let renamed = builder(ManualClock::new())
        .tenant_claim("tid")
        .build()
        .unwrap();
    let acme = || {
        Principal::builder("alice")
            .client_id("web")
            .tenant("acme")
            .build()
    };
    assert!(
        renamed
            .issue(&Grant::new(acme()).claim("tid", "x"))
            .is_err()
    );
    let [_, claims] = said(
        &renamed
            .issue(&Grant::new(acme()).claim("tenant", "x"))
            .unwrap(),
    );
    assert!(
        claims.ends_with(r#""tid":"acme","tenant":"x"}"#),
        "{claims}"
    );
}

#[test]
fn what_a_verifier_would_not_read_or_would_read_otherwise_is_refused() {
    let base = || Principal::builder("alice").client_id("web");
    let rows = [
        ("sub", Principal::builder("").client_id("web").build()),
        (
            "client_id",
            Principal::builder("alice").client_id("").build(),
        ),
        ("scope", base().scopes(["a b"]).build()),
        ("scope", base().scopes(["a", ""]).build()),
        ("scope", base().scopes(["\"a"]).build()),
        ("scope", base().scopes(["\u{e9}"]).build()),
        ("roles", base().roles(["admin", ""]).build()),
        ("tenant", base().tenant("").build()),
        ("sid", base().session_id("").build()),
        ("acr", base().acr("").build()),
        ("amr", base().amr([""]).build()),
        ("auth_time", base().auth_time(at(0) - SECOND).build()),
        ("auth_time", base().auth_time(at(253_402_300_800)).build()),
    ];
    for (claim, who) in rows {
        let error = refused(&Grant::new(who));
        assert_eq!(error.code(), "claim_invalid", "{claim}");
        assert!(
            error
                .to_string()
                .starts_with(&format!("invalid claim {claim:?}")),
            "{error}"
        );
    }
    let last = base()
        .auth_time(at(253_402_300_799))
        .scopes(["a", "!#[]~"])
        .roles(["a b"])
        .build();
    assert!(issuer().issue(&Grant::new(last)).is_ok());

    let grant = || Grant::new(alice());
    assert_eq!(refused(&grant().claim("", "x")).code(), "claim_invalid");
    let twice = refused(&grant().claim("a", 1).claim("b", 2).claim("a", 3));
    assert!(matches!(twice, IssueError::ClaimTwice { claim, .. } if claim == "a"));
    // JSON has no names but texts.
    let no_json = BTreeMap::from([(vec![1], 2)]);
    assert_eq!(
        refused(&grant().claim("a", no_json)).code(),
        "claim_invalid"
    );
    let nested = |levels: usize| {
        (0..levels).fold(serde_json::Value::Null, |inner, _| {
            serde_json::json!([inner])
        })
    };
    assert_eq!(
        refused(&grant().claim("a", nested(32))).code(),
        "claim_invalid"
    );
    let deep = issuer()
        .issue(&grant().claim("a", nested(31)).claim("b", ()))
        .unwrap();
    assert!(said(&deep)[1].ends_with(r#","b":null}"#));
}

#[test]
fn an_access_token_names_its_client() {
    let nobody = || Grant::new(Principal::builder("alice").build());
    let error = refused(&nobody());
    assert!(
        matches!(
            error,
            IssueError::ClaimMissing {
                claim: "client_id",
                ..
            }
        ),
        "{error:?}"
    );
    for profile in [Profile::Plain, Profile::custom("example-job+jwt")] {
        let issuer = builder(ManualClock::new())
            .profile(profile)
            .build()
            .unwrap();
        assert!(issuer.issue(&nobody()).is_ok());
    }
}

#[test]
fn a_token_ends_with_its_principal() {
    let clock = ManualClock::new();
    let issuer = builder(clock.clone()).build().unwrap();
    let until = |end| {
        let who = Principal::builder("alice")
            .client_id("web")
            .expires_at(end)
            .build();
        issuer.issue(&Grant::new(who)).map(|token| token.lifetime())
    };
    assert_eq!(until(at(NOW + 1_000)), Ok(SECOND * 900));
    assert_eq!(until(at(NOW + 60)), Ok(MINUTE));
    assert_eq!(until(at(NOW + 60) + SECOND / 2), Ok(MINUTE));
    assert_eq!(until(at(NOW + 1)), Ok(SECOND));
    assert_eq!(
        until(at(NOW + 1) - Duration::from_nanos(1)),
        Err(IssueError::Expired)
    );
    assert_eq!(until(at(NOW)), Err(IssueError::Expired));
    assert_eq!(until(at(0) - SECOND), Err(IssueError::Expired));
    clock.advance(SECOND / 2);
    assert_eq!(until(at(NOW + 1)), Ok(SECOND), "dates are whole seconds");
}

#[test]
fn a_clock_before_1970_issues_nothing() {
    let clock = ManualClock::new();
    let issuer = builder(clock.clone()).build().unwrap();
    clock.set_now(at(0) - Duration::from_nanos(1));
    let error = issuer.issue(&Grant::new(alice())).unwrap_err();
    assert_eq!(error, IssueError::Clock);
    let rejection = error.rejection();
    assert_eq!(
        (rejection.status(), rejection.code()),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "authentication_unavailable"
        )
    );
    assert_eq!(
        IssueError::Expired.rejection().status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
    clock.set_now(at(0));
    assert!(issuer.issue(&Grant::new(alice())).is_ok());
}

#[test]
fn a_token_is_no_longer_than_verifiers_read() {
    let issuer = issuer();
    let filled = |length: usize| issuer.issue(&Grant::new(alice()).claim("a", "x".repeat(length)));
    let fits = (5_000..6_100)
        .rev()
        .find_map(|length| Some((length, filled(length).ok()?)));
    let (longest, token) = fits.expect("some are short enough");
    assert!((8_189..=8_192).contains(&token.token().expose().len()));
    let keys = issuer.verifying_keys();
    assert!(
        verify(
            &verifying(ManualClock::new(), keys).build().unwrap(),
            &token
        )
        .is_ok()
    );
    assert_eq!(filled(longest + 1).unwrap_err().code(), "too_long");

    let many = |count: usize| {
        let names = (0..count).map(|number| format!("c{number}"));
        issuer.issue(&names.fold(Grant::new(alice()), |grant, name| grant.claim(name, 1)))
    };
    // Seven are of the token itself.
    let token = many(57).unwrap();
    let keys = issuer.verifying_keys();
    assert!(
        verify(
            &verifying(ManualClock::new(), keys).build().unwrap(),
            &token
        )
        .is_ok()
    );
    let error = many(58).unwrap_err();
    assert!(
        matches!(error, IssueError::TooManyClaims { count: 65, .. }),
        "{error:?}"
    );
}

#[test]
fn a_token_can_be_dated_to_after_a_revocation() {
    let clock = ManualClock::new();
    let issuer = builder(clock).build().unwrap();
    let dated = |after| {
        let grant = Grant::new(alice()).issued_after(after);
        issuer.issue(&grant).unwrap().issued_at()
    };
    assert_eq!(dated(at(NOW - 9)), at(NOW));
    assert_eq!(dated(at(NOW)), at(NOW));
    assert_eq!(dated(at(NOW) + Duration::from_nanos(1)), at(NOW + 1));
    assert_eq!(
        dated(at(NOW + 90)),
        at(NOW + 1),
        "no verifier believes a later date"
    );
}

#[test]
fn nothing_of_a_token_is_shown() {
    let grant = Grant::new(alice()).claim("plan", "gold");
    assert_eq!(
        format!("{grant:?}"),
        r#"Grant { principal: Principal { subject: "alice", method: Custom("custom"), .. }, claims: ["plan"] }"#
    );
    let issuer: TokenIssuer = issuer();
    let token = issuer.issue(&grant).unwrap();
    let shown = format!("{token:?} {issuer:?}");
    assert!(shown.contains("[redacted]"), "{shown}");
    for segment in token.token().expose().split('.') {
        assert!(!shown.contains(segment), "{shown}");
    }
    assert_eq!(token.clone().into_token().expose(), token.token().expose());
}
