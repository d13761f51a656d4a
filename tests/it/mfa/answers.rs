//! What clients and sinks are told.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower_security::core::{
    AbuseSignal, EventName, Level, ManualClock, Outcome, RefusalContext, Rejection, StoreError,
    StoreErrorKind,
};
use tower_security::mfa::{MemoryMfaStore, MfaError};
use tower_security::rate_limit::login::{LoginDimension, LoginRefusal};

use super::odd::Odd;
use super::{Heard, Line, before, clock, code, enrolled, recovery, totp, wrong};

fn answer(error: &MfaError, is_grpc: bool) -> Response<Full<Bytes>> {
    rendered(error.rejection(), is_grpc)
}

fn rendered(rejection: Rejection, is_grpc: bool) -> Response<Full<Bytes>> {
    let mut request = Request::post("/mfa");
    if is_grpc {
        request = request.header("content-type", "application/grpc");
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    rejection.into_response(&RefusalContext::new(&head))
}

#[test]
fn each_error_has_its_answer() {
    let throttled = MfaError::Throttled {
        retry_after: Duration::from_millis(59_001),
    };
    let store = |kind| MfaError::Store(StoreError::new(kind, "db-7.internal"));
    let rows = [
        (MfaError::Invalid, 401, "login_failed", None, "16"),
        (MfaError::Replayed, 401, "login_failed", None, "16"),
        (throttled, 429, "login_throttled", Some("60"), "8"),
        (
            store(StoreErrorKind::Unavailable),
            503,
            "authentication_unavailable",
            Some("5"),
            "14",
        ),
        (
            store(StoreErrorKind::Timeout),
            503,
            "authentication_unavailable",
            Some("5"),
            "14",
        ),
        (
            store(StoreErrorKind::Corrupt),
            503,
            "authentication_unavailable",
            Some("5"),
            "14",
        ),
        (
            store(StoreErrorKind::Full),
            503,
            "authentication_unavailable",
            Some("5"),
            "14",
        ),
        (
            MfaError::Clock,
            503,
            "authentication_unavailable",
            Some("5"),
            "14",
        ),
        (
            MfaError::Randomness,
            503,
            "authentication_unavailable",
            Some("5"),
            "14",
        ),
        (MfaError::NotPending, 404, "not_found", None, "5"),
        (MfaError::AccountInvalid, 422, "account_invalid", None, "3"),
        (MfaError::UserEmpty, 500, "internal_error", None, "13"),
    ];
    for (error, status, code, retry_after, grpc) in rows {
        assert_eq!(Rejection::from(error.clone()).code(), code, "{error}");
        let http = answer(&error, false);
        assert_eq!(http.status(), status, "{error}");
        let header = |name: &str| {
            http.headers()
                .get(name)
                .map(|value| value.to_str().unwrap())
        };
        assert_eq!(header("retry-after"), retry_after, "{error}");
        assert_eq!(header("cache-control"), Some("no-store"), "{error}");
        assert_eq!(
            header("www-authenticate").is_some(),
            status == 401,
            "{error}"
        );
        let is_abuse = AbuseSignal::of(http.extensions()).is_some();
        assert_eq!(is_abuse, matches!(status, 401 | 429), "{error}");
        let over_grpc = answer(&error, true);
        assert_eq!(over_grpc.status(), 200);
        assert_eq!(over_grpc.headers()["grpc-status"], grpc, "{error}");
    }
}

/// A throttle of logins comes first: another answer of this one would tell that the password was right.
#[tokio::test]
async fn too_many_codes_and_too_many_passwords_get_the_same_bytes() {
    let wait = Duration::from_millis(59_001);
    let password = LoginRefusal::Throttled {
        dimension: LoginDimension::Account,
        wait,
    };
    let code = MfaError::Throttled { retry_after: wait };
    for is_grpc in [false, true] {
        let mut bytes = Vec::new();
        for refusal in [Rejection::from(password), Rejection::from(code.clone())] {
            let (head, body) = rendered(refusal, is_grpc).into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            bytes.push((head.status, head.headers, body));
        }
        assert_eq!(bytes[0], bytes[1]);
    }
}

#[tokio::test]
async fn a_replay_an_unknown_user_and_a_wrong_code_get_the_same_bytes() {
    let (clock, heard) = (clock(), Heard::default());
    let totp = totp(MemoryMfaStore::new(), &clock, &heard);
    let app = enrolled(&totp, &clock, "alice").await;
    let codes = recovery(MemoryMfaStore::new(), &clock, &heard);
    totp.verify("alice", &code(&app, 0)).await.unwrap();
    let errors = [
        totp.verify("alice", &code(&app, 0)).await.unwrap_err(),
        totp.verify("alice", &wrong(&app)).await.unwrap_err(),
        totp.verify("alice", "no code").await.unwrap_err(),
        totp.verify("nobody", &code(&app, 30)).await.unwrap_err(),
        codes
            .redeem("alice", "0123-4567-89AB-CDEF")
            .await
            .unwrap_err(),
        codes.redeem("alice", "no code").await.unwrap_err(),
    ];
    let mut bytes = Vec::new();
    for error in &errors {
        let (head, body) = answer(error, false).into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        bytes.push((head.status, head.headers, body));
    }
    assert!(bytes.windows(2).all(|pair| pair[0] == pair[1]), "{bytes:?}");
}

fn line(line: &Line) -> (EventName, Level, Outcome, &'static str, Option<&str>) {
    (
        line.name,
        line.level,
        line.outcome,
        line.code,
        line.rule.as_deref(),
    )
}

#[tokio::test]
async fn events_say_what_happened_and_to_whom() {
    use EventName::{
        AuthnLoginFail, AuthnLoginFailMax, AuthnLoginSuccess, AuthnLoginSuccessAfterFail,
        UserUpdated,
    };
    use Level::{Info, Warn};
    use Outcome::{Refused, Success};
    let (clock, heard) = (clock(), Heard::default());
    let store = MemoryMfaStore::new();
    let (totp, codes) = (
        totp(store.clone(), &clock, &heard),
        recovery(store, &clock, &heard),
    );
    let app = totp.enrol("alice", "alice").await.unwrap();
    assert_eq!(heard.take(), [], "nothing counts yet");
    let mut secrets = vec![app.text().expose().clone()];
    let mut step =
        async |expected: &[(EventName, Level, Outcome, &'static str, Option<&str>)]| {
            let lines = heard.take();
            assert_eq!(lines.iter().map(line).collect::<Vec<_>>(), expected);
            for line in lines {
                assert!(line.all.contains("alice"), "{}", line.all);
                assert!(line.all.contains("\"mfa\""), "{}", line.all);
                for secret in &secrets {
                    assert!(!line.all.contains(secret.as_str()), "{}", line.all);
                }
            }
            secrets.push(code(&app, 0));
        };
    let failed = |rule| (AuthnLoginFail, Warn, Refused, "login_failed", Some(rule));

    totp.confirm("alice", &wrong(&app)).await.unwrap_err();
    step(&[failed("code_invalid")]).await;
    totp.confirm("alice", &code(&app, 0)).await.unwrap();
    step(&[(UserUpdated, Warn, Success, "totp_enrolled", None)]).await;
    totp.verify("alice", &code(&app, 30)).await.unwrap();
    step(&[(AuthnLoginSuccess, Info, Success, "totp_verified", None)]).await;
    totp.verify("alice", &code(&app, 30)).await.unwrap_err();
    step(&[failed("code_replayed")]).await;
    totp.verify("alice", "no code").await.unwrap_err();
    step(&[failed("code_invalid")]).await;
    clock.advance(Duration::from_secs(30));
    totp.verify("alice", &code(&app, 60)).await.unwrap();
    step(&[(
        AuthnLoginSuccessAfterFail,
        Info,
        Success,
        "totp_verified",
        None,
    )])
    .await;

    let drawn = codes.generate("alice").await.unwrap();
    step(&[(UserUpdated, Warn, Success, "recovery_codes_generated", None)]).await;
    codes.redeem("alice", drawn[0].expose()).await.unwrap();
    step(&[(AuthnLoginSuccess, Warn, Success, "recovery_code_used", None)]).await;
    for _ in 0..5 {
        codes.redeem("alice", drawn[0].expose()).await.unwrap_err();
    }
    step(&[failed("code_invalid"); 5]).await;
    codes.redeem("alice", drawn[1].expose()).await.unwrap_err();
    step(&[(
        AuthnLoginFailMax,
        Warn,
        Refused,
        "login_throttled",
        Some("attempts"),
    )])
    .await;
    codes.revoke("alice").await.unwrap();
    step(&[(UserUpdated, Warn, Success, "recovery_codes_revoked", None)]).await;
    totp.disable("alice").await.unwrap();
    step(&[(UserUpdated, Warn, Success, "totp_disabled", None)]).await;
    totp.disable("alice").await.unwrap();
    step(&[]).await;
}

#[tokio::test]
async fn a_store_that_fails_is_never_an_answer() {
    for method in [
        "begin_attempt",
        "load",
        "consume",
        "confirm",
        "enrol",
        "delete",
        "take",
        "replace_all",
        "remaining",
    ] {
        let (clock, heard) = (clock(), Heard::default());
        let store = Odd::new(MemoryMfaStore::new());
        let (totp, codes) = (
            totp(store.clone(), &clock, &heard),
            recovery(store.clone(), &clock, &heard),
        );
        let app = enrolled(&totp, &clock, "alice").await;
        let drawn = codes.generate("alice").await.unwrap();
        let next = totp.enrol("alice", "alice").await.unwrap();
        store.fail(method);
        heard.take();
        let code = before(&app, 1);
        let outcomes = [
            (
                totp.verify("alice", &code).await.err(),
                ["begin_attempt", "load", "consume"].contains(&method),
            ),
            (totp.is_enrolled("alice").await.err(), method == "load"),
            (
                totp.confirm("alice", &super::code(&next, 0)).await.err(),
                ["begin_attempt", "load", "confirm"].contains(&method),
            ),
            (totp.enrol("alice", "alice").await.err(), method == "enrol"),
            (
                codes.redeem("alice", drawn[0].expose()).await.err(),
                ["begin_attempt", "take"].contains(&method),
            ),
            (codes.remaining("alice").await.err(), method == "remaining"),
            (codes.generate("alice").await.err(), method == "replace_all"),
            (codes.revoke("alice").await.err(), method == "replace_all"),
            (totp.disable("alice").await.err(), method == "delete"),
        ];
        let mut failures = 0;
        for (number, (error, is_failure)) in outcomes.into_iter().enumerate() {
            assert_eq!(error.is_some(), is_failure, "{method} {number} {error:?}");
            if let Some(error) = error {
                failures += 1;
                assert!(
                    matches!(error, MfaError::Store(_)),
                    "{method} {number} {error:?}"
                );
                assert!(
                    !error.to_string().contains("db-7"),
                    "the store's words are for the sink"
                );
            }
        }
        let told = heard.take();
        let told = told
            .iter()
            .filter(|line| line.name == EventName::SysMonitorDisabled);
        let told: Vec<_> = told.collect();
        assert_eq!(told.len(), failures, "{method}");
        for told in told {
            assert_eq!(
                line(told),
                (
                    EventName::SysMonitorDisabled,
                    Level::Error,
                    Outcome::Fault,
                    "authentication_unavailable",
                    Some("store_unavailable")
                )
            );
            assert!(told.all.contains("db-7.internal"));
        }
    }
}

#[tokio::test]
async fn a_clock_that_cannot_be_used_is_told_of() {
    let (clock, heard) = (clock(), Heard::default());
    let store = MemoryMfaStore::new();
    let (totp, codes) = (
        totp(store.clone(), &clock, &heard),
        recovery(store, &clock, &heard),
    );
    clock.set_now(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
    for error in [
        totp.verify("alice", "123456").await.err(),
        totp.confirm("alice", "123456").await.err(),
        codes.redeem("alice", "0123-4567-89AB-CDEF").await.err(),
    ] {
        assert!(matches!(error, Some(MfaError::Clock)), "{error:?}");
    }
    let told = heard.take();
    let told: Vec<_> = told.iter().map(line).collect();
    let expected = (
        EventName::SysMonitorDisabled,
        Level::Error,
        Outcome::Fault,
        "authentication_unavailable",
        Some("clock"),
    );
    assert_eq!(told, [expected; 3]);
}

#[tokio::test]
async fn a_count_that_cannot_be_cleared_refuses_nobody() {
    let (clock, heard) = (clock(), Heard::default());
    let store = Odd::new(MemoryMfaStore::new());
    let totp = totp(store.clone(), &clock, &heard);
    let app = enrolled(&totp, &clock, "alice").await;
    store.fail("reset_attempts");
    heard.take();
    totp.verify("alice", &code(&app, 0)).await.unwrap();
    let names: Vec<_> = heard.take().into_iter().map(|line| line.name).collect();
    assert_eq!(
        names,
        [EventName::SysMonitorDisabled, EventName::AuthnLoginSuccess]
    );
}

#[tokio::test]
async fn what_is_printed_shows_no_secret() {
    let (clock, heard) = (clock(), Heard::default());
    let store = MemoryMfaStore::new();
    let (totp, codes) = (
        totp(store.clone(), &clock, &heard),
        recovery(store.clone(), &clock, &heard),
    );
    let app = enrolled(&totp, &clock, "alice").await;
    let drawn = codes.generate("alice").await.unwrap();
    let verified = totp.verify("alice", &code(&app, 0)).await.unwrap();
    let shown = format!("{totp:?} {codes:?} {store:?} {app:?} {drawn:?} {verified:?} {clock:?}");
    assert!(shown.contains("TotpService") && shown.contains("[redacted]"));
    assert!(!shown.contains(app.text().expose().as_str()));
    assert!(!shown.contains("secret="), "{shown}");
    let bytes = format!("{:?}", app.secret().expose());
    assert!(!shown.contains(bytes.trim_matches(['[', ']'])));
    for code in &drawn {
        assert!(!shown.contains(code.expose().as_str()));
    }
    let _: ManualClock = clock;
}

/// A login that asks for both at once tells by no byte which of them was wrong.
#[cfg(feature = "password")]
#[tokio::test]
async fn a_wrong_code_and_a_wrong_password_get_the_same_bytes() {
    use tower_security::password::VerifyError;

    for request in [
        Request::post("/login"),
        Request::post("/login").header("content-type", "application/grpc"),
    ] {
        let (head, ()) = request.body(()).unwrap().into_parts();
        let mut answers = Vec::new();
        for rejection in [
            MfaError::Invalid.rejection(),
            VerifyError::Invalid.rejection(),
        ] {
            let answer: Response<Full<Bytes>> =
                rejection.into_response(&RefusalContext::new(&head));
            let abuse = AbuseSignal::of(answer.extensions());
            let (head, body) = answer.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            answers.push((head.status, head.headers, body, abuse));
        }
        assert_eq!(answers[0], answers[1]);
    }
}
