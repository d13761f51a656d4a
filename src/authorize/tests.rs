use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::core::{
    AbuseKind, AbuseSignal, AuthMethod, AuthzLedger, ChallengeScheme, Challenges, ConfigErrors,
    ManualClock, Principal, PrincipalBuilder, Refused, SecurityEvent,
};

/// 2025-01-01T00:00:00Z, where a manual clock begins.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600)
}

fn alice() -> PrincipalBuilder {
    Principal::builder("alice").method(AuthMethod::Bearer)
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    code: Option<&'static str>,
    reason: Option<RequireRefusal>,
    abuse: Option<AbuseKind>,
    allowed: bool,
    denied: bool,
    calls: usize,
    events: Vec<String>,
}

fn challenges() -> Challenges {
    Challenges::builder()
        .add_scheme(ChallengeScheme::bearer())
        .add_scheme(ChallengeScheme::session())
        .build()
        .unwrap()
}

async fn ask_with(
    requirement: Requirement,
    who: Option<Principal>,
    content_type: Option<&str>,
) -> Answer {
    let calls = Arc::new(Mutex::new(0));
    let events = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&events);
    let counter = Arc::clone(&calls);
    let layer = RequireLayer::new(requirement)
        .clock(ManualClock::new())
        .events(move |event: &SecurityEvent<'_>| {
            log.lock().unwrap().push(format!(
                "{} {:?} {} {}",
                event.name,
                event.level,
                event.code,
                event.rule.as_deref().unwrap_or("-")
            ));
        })
        .build()
        .unwrap();
    let service = layer.layer(service_fn(move |_: Request<()>| {
        *counter.lock().unwrap() += 1;
        async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
    }));
    let mut request = Request::new(());
    if let Some(kind) = content_type {
        *request.method_mut() = http::Method::POST;
        request
            .headers_mut()
            .insert("content-type", kind.parse().unwrap());
    }
    challenges().attach(request.extensions_mut());
    let ledger = AuthzLedger::of(request.extensions_mut());
    if let Some(who) = who {
        who.dangerous_attach(request.extensions_mut());
    }
    let response = ServiceExt::<Request<()>>::oneshot(service, request)
        .await
        .unwrap();
    let extensions = response.extensions();
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        code: extensions.get::<Refused>().map(Refused::code),
        reason: extensions.get().copied(),
        abuse: AbuseSignal::of(extensions),
        allowed: ledger.is_decided(),
        denied: ledger.is_denied(),
        calls: *calls.lock().unwrap(),
        events: events.lock().unwrap().clone(),
    }
}

async fn ask(requirement: Requirement, who: PrincipalBuilder) -> Answer {
    ask_with(requirement, Some(who.build()), None).await
}

async fn passes(requirement: Requirement, who: PrincipalBuilder) -> bool {
    let answer = ask(requirement, who).await;
    assert_eq!(answer.calls, usize::from(answer.status == StatusCode::OK));
    answer.status == StatusCode::OK
}

fn lines(answer: &Answer) -> Vec<&str> {
    let lines = answer.headers.get_all(WWW_AUTHENTICATE);
    lines.iter().map(|line| line.to_str().unwrap()).collect()
}

#[tokio::test]
async fn each_requirement_has_its_refusal() {
    const SESSION: &str = r#"Session realm="api""#;
    let scope_line = r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="a b""#;
    let acr_line = r#"Bearer realm="api", error="insufficient_user_authentication", error_description="A stronger authentication is required", acr_values="aal2""#;
    let mfa_line = r#"Bearer realm="api", error="insufficient_user_authentication", error_description="A stronger authentication is required""#;
    let age_line = r#"Bearer realm="api", error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age="300""#;
    let five_minutes = || max_age(Duration::from_secs(300));
    let rows: Vec<(Requirement, RequireRefusal, u16, &str, Vec<&str>, &str)> = vec![
        (
            all_scopes(["a", "b"]),
            RequireRefusal::InsufficientScope,
            403,
            "insufficient_scope",
            vec![scope_line, SESSION],
            "authz_fail Warn insufficient_scope all_scopes(a b)",
        ),
        (
            role("admin"),
            RequireRefusal::Forbidden,
            403,
            "forbidden",
            vec![],
            "authz_fail Warn forbidden role(admin)",
        ),
        (
            predicate("staff", |_| false),
            RequireRefusal::Forbidden,
            403,
            "forbidden",
            vec![],
            "authz_fail Warn forbidden predicate(staff)",
        ),
        (
            method(AuthMethod::Mtls),
            RequireRefusal::Forbidden,
            403,
            "forbidden",
            vec![],
            "authz_fail Warn forbidden method(mtls)",
        ),
        (
            acr("aal2"),
            RequireRefusal::StrongerAuthentication,
            401,
            "stronger_authentication",
            vec![acr_line, SESSION],
            "authz_fail Info stronger_authentication acr(aal2)",
        ),
        (
            mfa(),
            RequireRefusal::StrongerAuthentication,
            401,
            "stronger_authentication",
            vec![mfa_line, SESSION],
            "authz_fail Info stronger_authentication mfa",
        ),
        (
            five_minutes(),
            RequireRefusal::RecentAuthentication,
            401,
            "recent_authentication",
            vec![age_line, SESSION],
            "authz_fail Info recent_authentication max_age(300)",
        ),
    ];
    for (requirement, reason, status, code, challenge, event) in rows {
        let what = format!("{requirement:?}");
        let answer = ask(requirement, alice()).await;
        assert_eq!(answer.reason, Some(reason), "{what}");
        assert_eq!(answer.status.as_u16(), status, "{what}");
        assert_eq!(answer.code, Some(code), "{what}");
        assert_eq!(lines(&answer), challenge, "{what}");
        assert_eq!(answer.events, [event], "{what}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{what}");
        let abuse = (status == 403).then_some(AbuseKind::OwnershipRefused);
        assert_eq!(answer.abuse, abuse, "{what}");
        assert_eq!(
            (answer.calls, answer.denied, answer.allowed),
            (0, true, false)
        );
    }
}

#[tokio::test]
async fn without_anybody_it_is_401_with_all_challenges() {
    let answer = ask_with(authenticated(), None, None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.code, Some("authentication_required"));
    assert_eq!(answer.reason, Some(RequireRefusal::Unauthenticated));
    assert_eq!(
        lines(&answer),
        [r#"Bearer realm="api""#, r#"Session realm="api""#]
    );
    assert_eq!(
        answer.events,
        ["authn_login_fail Info authentication_required -"]
    );
    assert_eq!(answer.abuse, None);
    assert_eq!(answer.calls, 0);
    assert!(passes(authenticated(), alice()).await);
}

/// However often its owner logged in: who follows a challenge with the same key is challenged for ever.
#[tokio::test]
async fn a_key_is_not_asked_for_what_it_never_has() {
    let by = |method| Principal::builder("robot").method(method).build();
    for requirement in [mfa(), acr("aal2"), max_age(Duration::from_secs(300))] {
        let what = format!("{requirement:?}");
        let key = Some(by(AuthMethod::ApiKey));
        let answer = ask_with(requirement.clone(), key, None).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
        assert_eq!(answer.code, Some("forbidden"), "{what}");
        assert_eq!(answer.reason, Some(RequireRefusal::Forbidden), "{what}");
        assert_eq!(lines(&answer), [""; 0], "{what}");
        assert_eq!(answer.calls, 0);

        let session = Some(by(AuthMethod::Session));
        let answer = ask_with(requirement, session, None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        assert!(!lines(&answer).is_empty(), "{what}");
    }
    let either = mfa().or(method(AuthMethod::ApiKey));
    let key = Principal::builder("robot").method(AuthMethod::ApiKey);
    assert!(passes(either, key).await);
    // What it could have is told as to anybody.
    let answer = ask_with(scope("a").and(mfa()), Some(by(AuthMethod::ApiKey)), None).await;
    assert_eq!(answer.code, Some("insufficient_scope"));
}

#[tokio::test]
async fn grpc_hears_16_and_7() {
    for (requirement, who, status) in [
        (authenticated(), None, "16"),
        (role("admin"), Some(alice().build()), "7"),
        (scope("a"), Some(alice().build()), "7"),
        (mfa(), Some(alice().build()), "16"),
    ] {
        let answer = ask_with(requirement, who, Some("application/grpc")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers["grpc-status"], status);
        assert_eq!(answer.calls, 0);
    }
}

#[tokio::test]
async fn texts_are_compared_exactly() {
    let who = || {
        alice()
            .scopes(["orders:read", "orders"])
            .roles(["editor"])
            .acr("aal2")
    };
    for (requirement, expected) in [
        (scope("orders:read"), true),
        (scope("orders:write"), false),
        (scope("Orders"), false),
        (scope("orders:"), false),
        (any_scope(["orders:write", "orders"]), true),
        (any_scope(["orders:write", "order"]), false),
        (all_scopes(["orders", "orders:read"]), true),
        (all_scopes(["orders", "orders:write"]), false),
        (role("editor"), true),
        (role("Editor"), false),
        (role("edit"), false),
        (any_role(["admin", "editor"]), true),
        (all_roles(["admin", "editor"]), false),
        (acr("aal2"), true),
        (acr("aal1"), false),
        (any_acr(["aal3", "aal2"]), true),
        (method(AuthMethod::Bearer), true),
        (method(AuthMethod::Session), false),
        (predicate("is alice", |who| who.subject() == "alice"), true),
    ] {
        let what = format!("{requirement:?}");
        assert_eq!(passes(requirement, who()).await, expected, "{what}");
    }
}

#[tokio::test]
async fn the_age_of_a_login_is_inclusive_and_never_in_the_future() {
    let five_minutes = || max_age(Duration::from_secs(300));
    for (at, expected) in [
        (Some(now() - Duration::from_secs(299)), true),
        (Some(now() - Duration::from_secs(300)), true),
        (Some(now() - Duration::from_millis(300_001)), false),
        (Some(now()), true),
        (Some(now() + Duration::from_millis(1)), false),
        (Some(SystemTime::UNIX_EPOCH), false),
        (None, false),
    ] {
        let who = match at {
            Some(at) => alice().auth_time(at),
            None => alice(),
        };
        assert_eq!(passes(five_minutes(), who).await, expected, "{at:?}");
    }
}

#[tokio::test]
async fn factors_are_of_two_kinds() {
    for (amr, expected) in [
        (&["mfa"][..], true),
        (&["pwd", "otp"], true),
        (&["hwk", "fpt"], true),
        (&["pin", "face"], true),
        (&["pwd"], false),
        (&["pwd", "pin"], false),
        (&["otp", "sms"], false),
        (&["MFA"], false),
        (&["pwd", "geo", "rba"], false),
        (&[], false),
    ] {
        assert_eq!(passes(mfa(), alice().amr(amr)).await, expected, "{amr:?}");
    }
}

#[tokio::test]
async fn what_fails_first_is_told_first() {
    let old = || max_age(Duration::from_secs(300));
    let told = |requirement: Requirement| async {
        let answer = ask(requirement, alice()).await;
        (answer.code.unwrap(), answer.events.concat())
    };
    // Whatever the order in which they were written.
    assert_eq!(told(mfa().and(role("admin"))).await.0, "forbidden");
    assert_eq!(
        told(role("admin").and(scope("a"))).await.0,
        "insufficient_scope"
    );
    assert_eq!(
        told(old().and(acr("aal2"))).await.0,
        "stronger_authentication"
    );
    assert_eq!(told(mfa().and(old())).await.0, "recent_authentication");
    // Of one kind the first that was written.
    let (_, event) = told(role("one").and(role("two"))).await;
    assert!(event.ends_with("role(one)"), "{event}");
    // Of two ways the first.
    assert_eq!(
        told(mfa().or(role("admin"))).await.0,
        "stronger_authentication"
    );
    assert_eq!(told(role("admin").or(mfa())).await.0, "forbidden");
}

#[tokio::test]
async fn a_missing_factor_is_asked_for_by_the_acr_of_the_requirement() {
    let answer = ask(mfa().and(acr("aal2")), alice().acr("aal2")).await;
    assert_eq!(
        lines(&answer)[0],
        r#"Bearer realm="api", error="insufficient_user_authentication", error_description="A stronger authentication is required", acr_values="aal2""#
    );
}

#[tokio::test]
async fn and_wants_both_and_or_wants_one() {
    let (yes, no) = (|| role("yes"), || role("no"));
    let who = || alice().roles(["yes"]);
    for (requirement, expected) in [
        (yes().and(yes()), true),
        (yes().and(no()), false),
        (no().and(yes()), false),
        (yes().or(no()), true),
        (no().or(yes()), true),
        (no().or(no()), false),
        // Written from left to right, without precedence.
        (yes().or(no()).and(no()), false),
        (no().and(no()).or(yes()), true),
        (yes().or(no().and(no())), true),
    ] {
        let what = format!("{requirement:?}");
        assert_eq!(passes(requirement, who()).await, expected, "{what}");
    }
    let by_builder = RequireLayer::role("no")
        .or(yes())
        .and(yes())
        .build()
        .unwrap();
    assert_eq!(
        format!("{:?}", by_builder.requirement()),
        "all(any(role(no), role(yes)), role(yes))"
    );
}

#[tokio::test]
async fn only_what_decides_is_noted_as_a_decision() {
    let who = || {
        alice()
            .roles(["admin"])
            .scopes(["a"])
            .acr("aal2")
            .amr(["mfa"])
            .auth_time(now())
    };
    for (requirement, decides) in [
        (role("admin"), true),
        (any_role(["admin"]), true),
        (predicate("all", |_| true), true),
        (authenticated(), false),
        (scope("a"), false),
        (acr("aal2"), false),
        (mfa(), false),
        (method(AuthMethod::Bearer), false),
        (max_age(Duration::from_secs(60)), false),
        (scope("a").decides(), true),
        (scope("a").and(role("admin")), true),
        (scope("a").or(role("admin")), false),
        (role("none").or(scope("a")), false),
        (role("none").or(role("admin")), true),
        (scope("a").decides().and(mfa()), true),
        (role("none").or(scope("a").decides()), false),
    ] {
        let what = format!("{requirement:?}");
        let answer = ask(requirement, who()).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}");
        assert_eq!((answer.allowed, answer.denied), (decides, false), "{what}");
    }
}

#[test]
fn mistakes_are_reported_together() {
    fn codes(built: Result<RequireLayer, ConfigErrors>) -> Vec<(String, &'static str)> {
        let errors = built.unwrap_err();
        let rows = errors.iter().map(|e| (e.path().to_owned(), e.code()));
        rows.collect()
    }
    let long = Duration::from_secs(30 * 86_400 + 1);
    let wrong = scope("a b")
        .and(all_scopes(["x", "", "\u{e9}"]))
        .and(acr("a\"b"))
        .and(any_role(Vec::<String>::new()))
        .and(role(""))
        .and(max_age(Duration::ZERO))
        .and(max_age(long))
        .and(max_age(Duration::from_millis(1_500)));
    let expected = [
        ("require[0][0]", "scope_invalid"),
        ("require[1][1]", "scope_invalid"),
        ("require[1][2]", "scope_invalid"),
        ("require[2][0]", "acr_invalid"),
        ("require[3]", "empty_list"),
        ("require[4][0]", "role_invalid"),
        ("require[5]", "age_invalid"),
        ("require[6]", "age_invalid"),
        ("require[7]", "age_invalid"),
    ];
    let told = codes(RequireLayer::new(wrong).build());
    let told: Vec<_> = told.iter().map(|(path, code)| (&**path, *code)).collect();
    assert_eq!(told, expected);
    for fine in [
        max_age(Duration::from_secs(1)),
        max_age(Duration::from_secs(30 * 86_400)),
        scope("https://api.example.com/orders.read"),
        role("Team Lead"),
    ] {
        assert!(RequireLayer::new(fine).build().is_ok());
    }
}

#[test]
fn chains_are_flat_and_nesting_has_an_end() {
    let chain = (0..10_000).fold(role("a"), |chain, _| chain.and(role("a")));
    assert!(RequireLayer::new(chain).build().is_ok());

    let nested = |depth: usize| {
        (0..depth).fold(role("a"), |inner, level| {
            if level % 2 == 0 {
                inner.and(role("b"))
            } else {
                inner.or(role("b"))
            }
        })
    };
    assert!(RequireLayer::new(nested(16)).build().is_ok());
    let errors = RequireLayer::new(nested(17)).build().unwrap_err();
    assert_eq!(errors.iter().next().unwrap().code(), "too_deep");
    assert!(RequireLayer::new(nested(100_000)).build().is_err());
}
