use std::time::{Duration, SystemTime};

use tower_security::core::{AuthMethod, ManualClock};
use tower_security::token::{ClaimsError, Profile};

use super::super::issuer::{NOW, with_claims};
use super::{builder, ready, reason, verifier};

fn at(seconds: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[test]
fn a_principal_says_what_the_token_says() {
    let token = with_claims(&[
        ("aud", r#"["https://b.example","https://api.example.com"]"#),
        ("nbf", "1735689600"),
        ("auth_time", "1735689000.5"),
        ("acr", r#""aal2""#),
        ("amr", r#"["pwd","otp"]"#),
        ("sid", r#""s-1""#),
        ("roles", r#"["admin","Site Owner"]"#),
        ("scope", r#""orders:read  orders:write ""#),
        ("own", "7"),
    ]);
    let who = ready(verifier().verify(&token)).expect("it is good");
    assert_eq!(who.subject(), "alice");
    assert_eq!(who.issuer(), Some("https://id.example.com/"));
    assert_eq!(who.client_id(), Some("web"));
    assert_eq!(who.token_id(), Some("t-1"));
    assert_eq!(who.session_id(), Some("s-1"));
    assert_eq!(who.acr(), Some("aal2"));
    assert_eq!(who.amr().collect::<Vec<_>>(), ["pwd", "otp"]);
    assert_eq!(who.roles().collect::<Vec<_>>(), ["admin", "Site Owner"]);
    assert_eq!(
        who.scopes().collect::<Vec<_>>(),
        ["orders:read", "orders:write"]
    );
    assert_eq!(who.method(), AuthMethod::Bearer);
    assert_eq!(who.auth_time(), at(1_735_689_000));
    // `exp` and the leeway.
    assert_eq!(who.expires_at(), at(NOW + 330));
    assert_eq!((who.tenant(), who.confirmation()), (None, None));
    assert_eq!(
        format!("{who:?}"),
        r#"Principal { subject: "alice", method: Bearer, .. }"#
    );
}

#[test]
fn escaped_texts_are_read_as_what_they_mean() {
    let token = with_claims(&[
        ("sub", r#""al\u0069ce \ud83d\ude00 \"\\\/\n""#),
        ("client_id", r#""w\u0065b""#),
        ("scope", r#""a\u0020b c""#),
        ("roles", r#"["r\u0031","r2"]"#),
    ]);
    let who = ready(verifier().verify(&token)).expect("it is good");
    assert_eq!(who.subject(), "alice \u{1f600} \"\\/\n");
    assert_eq!(who.client_id(), Some("web"));
    assert_eq!(who.scopes().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(who.roles().collect::<Vec<_>>(), ["r1", "r2"]);
    assert_eq!(who.token_id(), Some("t-1"));
    let claims: serde_json::Value = who.claims().expect("it is an object");
    assert_eq!(claims["sub"], "alice \u{1f600} \"\\/\n");
}

#[test]
fn scopes_are_where_they_are_said_to_be() {
    let scopes = |name: Option<&str>, changes: &[(&str, &str)]| {
        let builder = builder(ManualClock::new());
        let builder = match name {
            Some(name) => builder.scope_claim(name),
            None => builder,
        };
        let verifier = builder.build().expect("it is sound");
        let who = ready(verifier.verify(&with_claims(changes))).expect("it is good");
        who.scopes().collect::<Vec<_>>().join(" ")
    };
    let scp = ("scp", r#"["x","y"]"#);
    assert_eq!(scopes(None, &[]), "orders:read orders:write");
    assert_eq!(scopes(None, &[("scope", ""), scp]), "x y");
    // `scope` wins, whichever stands first.
    assert_eq!(scopes(None, &[scp]), "orders:read orders:write");
    assert_eq!(
        scopes(None, &[("scope", ""), scp, ("scope", r#""a""#)]),
        "a"
    );
    assert_eq!(scopes(Some("scp"), &[scp]), "x y");
    assert_eq!(
        scopes(Some("permissions"), &[("permissions", r#""p q""#), scp]),
        "p q"
    );
    assert_eq!(scopes(Some("permissions"), &[scp]), "");
}

#[test]
fn roles_and_tenant_are_where_they_are_said_to_be() {
    let nested = [
        (
            "realm_access",
            r#"{"own":1,"roles":["a","b"],"tenant":{"id":"acme"}}"#,
        ),
        ("roles", r#"["top"]"#),
        ("tid", r#""t-9""#),
    ];
    let read = |roles: &str, tenant: Option<&str>| {
        let builder = builder(ManualClock::new()).roles_claim(roles);
        let builder = match tenant {
            Some(tenant) => builder.tenant_claim(tenant),
            None => builder,
        };
        let verifier = builder.build().expect("it is sound");
        let who = ready(verifier.verify(&with_claims(&nested))).expect("it is good");
        (
            who.roles().collect::<Vec<_>>().join(" "),
            who.tenant().map(str::to_owned),
        )
    };
    let acme = Some("acme".to_owned());
    assert_eq!(read("/roles", None), ("top".to_owned(), None));
    assert_eq!(
        read("roles", Some("tid")),
        ("top".to_owned(), Some("t-9".to_owned()))
    );
    assert_eq!(
        read("/realm_access/roles", Some("/realm_access/tenant/id")),
        ("a b".to_owned(), acme)
    );
    assert_eq!(
        read("/realm_access/none", Some("/none/id")),
        (String::new(), None)
    );

    let verifier = builder(ManualClock::new())
        .roles_claim("/realm_access/roles")
        .tenant_claim("/org/id")
        .build()
        .expect("it is sound");
    for (changes, expected) in [
        (("realm_access", r#"["roles"]"#), "claim_roles"),
        (("realm_access", "null"), "claim_roles"),
        (("realm_access", r#"{"roles":"admin"}"#), "claim_roles"),
        (
            ("realm_access", r#"{"roles":["a"],"roles":["b"]}"#),
            "json_duplicate",
        ),
        (("org", r#""acme""#), "claim_tenant"),
        (("org", r#"{"id":1}"#), "claim_tenant"),
        (("org", r#"{"id":""}"#), "claim_tenant"),
        (("org", r#"{"id":"a","\u0069d":"b"}"#), "json_duplicate"),
    ] {
        assert_eq!(
            reason(verifier.verify(&with_claims(&[changes]))),
            expected,
            "{changes:?}"
        );
    }
}

#[test]
fn more_claims_can_be_required() {
    let verifier = builder(ManualClock::new())
        .require(["sid", "plan"])
        .require(["plan", "scope"])
        .build()
        .expect("it is sound");
    let both = [("sid", r#""s""#), ("plan", "1")];
    assert!(ready(verifier.verify(&with_claims(&both))).is_ok());
    for (changes, expected) in [
        ([both[0], ("plan", "")], "claim_missing"),
        ([both[0], ("plan", "null")], "claim_missing"),
        ([("sid", ""), both[1]], "claim_sid"),
    ] {
        assert_eq!(reason(verifier.verify(&with_claims(&changes))), expected);
    }
    let without_scope = [both[0], both[1], ("scope", "")];
    assert_eq!(
        reason(verifier.verify(&with_claims(&without_scope))),
        "claim_missing"
    );
}

#[test]
fn a_type_of_ones_own_is_wanted_instead_of_another() {
    use super::super::issuer::{Signer, claims, header};
    let verifier = builder(ManualClock::new())
        .profile(Profile::custom("example-job+jwt"))
        .build()
        .expect("it is sound");
    let token = |typ| Signer::Es256.token(header(&[("typ", typ)]), claims(&[("jti", "")]));
    assert!(ready(verifier.verify(&token(r#""example-job+jwt""#))).is_ok());
    assert!(ready(verifier.verify(&token(r#""application/Example-Job+JWT""#))).is_ok());
    for typ in [r#""at+jwt""#, r#""JWT""#, ""] {
        assert_eq!(reason(verifier.verify(&token(typ))), "typ", "{typ}");
    }
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Own<'a> {
    plan: &'a str,
    seats: u8,
}

#[test]
fn claims_are_read_as_a_type() {
    let own = [("plan", r#""gold""#), ("seats", "3")];
    let who = ready(verifier().verify(&with_claims(&own))).expect("it is good");
    assert_eq!(
        who.claims::<Own<'_>>(),
        Ok(Own {
            plan: "gold",
            seats: 3
        })
    );
    for changes in [
        [own[0], ("seats", "300")],
        [own[0], ("seats", "")],
        [("plan", "1"), own[1]],
    ] {
        let who = ready(verifier().verify(&with_claims(&changes))).expect("it is good");
        assert_eq!(who.claims::<Own<'_>>(), Err(ClaimsError::Shape));
    }
    assert_eq!(
        ClaimsError::Shape.to_string(),
        "the claims of the token are not of the wanted type"
    );
}

#[test]
fn each_limit_of_time_is_configured() {
    let verify = |leeway, changes: &[(&str, &str)]| {
        let verifier = builder(ManualClock::new())
            .leeway(Duration::from_secs(leeway))
            .build()
            .expect("it is sound");
        ready(verifier.verify(&with_claims(changes)))
            .map_err(|error| error.reason())
            .err()
    };
    // The clock says 1735689600.
    for (leeway, exp, expected) in [
        (0, "1735689601", None),
        (0, "1735689600", Some("expired")),
        (300, "1735689301", None),
        (300, "1735689300", Some("expired")),
    ] {
        assert_eq!(verify(leeway, &[("exp", exp)]), expected, "{leeway} {exp}");
    }
    for (leeway, nbf, expected) in [
        (0, "1735689600", None),
        (0, "1735689601", Some("not_yet_valid")),
        (300, "1735689900", None),
    ] {
        assert_eq!(verify(leeway, &[("nbf", nbf)]), expected, "{leeway} {nbf}");
    }
}

#[test]
fn a_clock_before_1970_believes_nobody() {
    let clock = ManualClock::new();
    let verifier = builder(clock.clone()).build().expect("it is sound");
    let token = with_claims(&[("iat", "0"), ("exp", "10")]);
    clock.set_now(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
    assert_eq!(reason(verifier.verify(&token)), "clock");
    clock.set_now(SystemTime::UNIX_EPOCH);
    assert!(ready(verifier.verify(&token)).is_ok());
}
