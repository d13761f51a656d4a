//! Which new passwords are accepted.

use std::fs;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use tower_security::core::{
    ErrorClass, EventName, Level, Lookup, Outcome, RefusalContext, Rejection, Secret,
    SecurityEvent, StoreError, StoreErrorKind,
};
use tower_security::password::{
    BreachChecker, PasswordPolicy, PasswordPolicyBuilder, PasswordProblem, PolicyConfigError,
    PolicyProblem, PolicyRefusal,
};

/// Knows one password; is asked late, or fails.
#[derive(Clone, Default)]
struct Breaches {
    asked: Arc<Mutex<Vec<String>>>,
    fails: bool,
}

impl BreachChecker for Breaches {
    fn contains(&self, password: &Secret<String>) -> Lookup<Result<bool, StoreError>> {
        let password = password.expose().clone();
        self.asked.lock().unwrap().push(password.clone());
        if self.fails {
            return Lookup::Ready(Err(StoreError::new(
                StoreErrorKind::Timeout,
                "hashes.internal",
            )));
        }
        Lookup::pending(async move {
            tokio::task::yield_now().await;
            Ok(password == "Tr0ub4dor&3 again")
        })
    }
}

async fn check(policy: &PasswordPolicy, password: &str) -> Result<(), Vec<PasswordProblem>> {
    match policy.check(&Secret::from(password), &["alice"]).await {
        Ok(()) => Ok(()),
        Err(PolicyRefusal::Refused(problems)) => Err(problems),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_breached_password_is_refused_and_nobody_is_asked_about_a_bad_one() {
    let breaches = Breaches::default();
    let policy = PasswordPolicy::single_factor()
        .breach(breaches.clone())
        .build()
        .unwrap();
    assert_eq!(
        check(&policy, "Tr0ub4dor&3 again").await,
        Err(vec![PasswordProblem::Breached])
    );
    assert_eq!(check(&policy, "Tr0ub4dor&3 again!").await, Ok(()));
    assert_eq!(
        check(&policy, "short").await,
        Err(vec![PasswordProblem::TooShort { min: 15 }])
    );
    assert_eq!(
        check(&policy, "a phrase of alice").await,
        Err(vec![PasswordProblem::ContextWord])
    );
    assert_eq!(
        *breaches.asked.lock().unwrap(),
        ["Tr0ub4dor&3 again", "Tr0ub4dor&3 again!"]
    );
}

#[tokio::test]
async fn a_checker_that_fails_refuses() {
    let breaches = Breaches {
        fails: true,
        ..Breaches::default()
    };
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&log);
    let policy = PasswordPolicy::with_mfa()
        .breach(Arc::new(breaches))
        .events(move |event: &SecurityEvent<'_>| {
            lines.lock().unwrap().push((
                event.name,
                event.level,
                event.outcome,
                format!("{event:?}"),
            ));
        })
        .build()
        .unwrap();
    let error = policy
        .check(&Secret::from("tea with the hatter"), &[])
        .await
        .unwrap_err();
    assert!(matches!(error, PolicyRefusal::Store(_)), "{error}");
    assert_eq!(error.rejection().code(), "authentication_unavailable");
    let log = log.lock().unwrap();
    let [(name, level, outcome, all)] = &log[..] else {
        panic!("{log:?}");
    };
    assert_eq!(
        (*name, *level, *outcome),
        (EventName::SysMonitorDisabled, Level::Error, Outcome::Fault)
    );
    assert!(
        all.contains("hashes.internal") && !all.contains("hatter"),
        "{all}"
    );
}

#[tokio::test]
async fn the_answer_names_the_rules_and_so_does_the_event() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&log);
    let policy = PasswordPolicy::single_factor()
        .events(move |event: &SecurityEvent<'_>| {
            let rule = event.rule.as_deref().map(str::to_owned);
            lines.lock().unwrap().push((
                event.name,
                event.level,
                event.outcome,
                event.code,
                rule,
                format!("{event:?}"),
            ));
        })
        .build()
        .unwrap();
    let error = policy
        .check(&Secret::from("Sunshine"), &["sunshine"])
        .await
        .unwrap_err();
    for (is_grpc, status, header) in [(false, 422, None), (true, 200, Some("3"))] {
        let mut request = Request::post("/password");
        if is_grpc {
            request = request.header("content-type", "application/grpc");
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let answer = Rejection::from(error.clone())
            .into_response::<Full<Bytes>>(&RefusalContext::new(&head));
        assert_eq!(answer.status(), status);
        assert_eq!(
            answer
                .headers()
                .get("grpc-status")
                .map(|value| value.to_str().unwrap()),
            header
        );
        if !is_grpc {
            assert_eq!(answer.headers()["cache-control"], "no-store");
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["code"], "password_refused");
            assert_eq!(
                body["rules"],
                serde_json::json!(["too_short", "common", "context_word"])
            );
        }
    }
    let log = log.lock().unwrap();
    let [(name, level, outcome, code, rule, all)] = &log[..] else {
        panic!("{log:?}");
    };
    let expected = (
        EventName::AuthnPasswordChangeFail,
        Level::Warn,
        Outcome::Refused,
        "password_refused",
    );
    assert_eq!((*name, *level, *outcome, *code), expected);
    assert_eq!(rule.as_deref(), Some("too_short,common,context_word"));
    assert!(!all.to_lowercase().contains("sunshine"), "{all}");
}

/// A file of the test's own, removed when it is dropped.
struct File(std::path::PathBuf);

impl File {
    fn new(name: &str, content: &[u8]) -> Self {
        let name = format!("tower-security-policy-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_file_of_common_passwords_is_read_in_any_order() {
    // Not sorted, with another kind of line ends, an empty line, one twice, and one that is no UTF-8.
    let file = File::new("list", b"zebra crossings\r\nCorrect Horse Battery\n\nzebra crossings\n\xff\xfe latin\nal\xc3\x89e alee\nmad as a hatter");
    let policy = PasswordPolicy::single_factor()
        .common_file(&file.0)
        .build()
        .unwrap();
    for password in [
        "zebra crossings",
        "Zebra CROSSINGS",
        "correct horse battery",
        "mad as a hatter",
        "password12345678",
    ] {
        assert_eq!(
            check(&policy, password).await,
            Err(vec![PasswordProblem::Common]),
            "{password}"
        );
    }
    for password in [
        "zebra crossing s",
        "correct horse batter",
        "mad as a hatter\n",
        "zebra crossings\r",
    ] {
        assert_eq!(check(&policy, password).await, Ok(()), "{password}");
    }
    // The file is not needed any more.
    drop(file);
    assert!(check(&policy, "mad as a hatter").await.is_err());
    // With what some editors put in front.
    let file = File::new("marked", b"\xef\xbb\xbfmad as a hatter\n");
    let policy = PasswordPolicy::single_factor()
        .common_file(&file.0)
        .build()
        .unwrap();
    assert!(check(&policy, "mad as a hatter").await.is_err());
    let file = File::new("lower", "\u{c9}cole bleue de Paris".as_bytes());
    let policy = PasswordPolicy::single_factor()
        .common_file(&file.0)
        .build()
        .unwrap();
    assert_eq!(
        check(&policy, "\u{e9}cole BLEUE de paris").await,
        Err(vec![PasswordProblem::Common])
    );
}

/// A download that was cut off, and another encoding: a list that refuses nobody.
#[test]
fn a_file_that_holds_no_password_is_refused() {
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("blank", b"\r\n\n"),
        ("mark", b"\xef\xbb\xbf"),
        ("utf-16", b"\xff\xfem\0a\0d\0\n\0c\0a\0t\0\n\0"),
    ] {
        let file = File::new(name, bytes);
        let mistakes = refused(PasswordPolicy::single_factor().common_file(&file.0));
        assert_eq!(mistakes.len(), 1, "{name}");
        assert_eq!(mistakes[0].0, "password.policy.common_file", "{name}");
    }
}

fn refused(builder: PasswordPolicyBuilder) -> Vec<(String, PolicyProblem)> {
    let Err(errors) = builder.build() else {
        return Vec::new();
    };
    let of = |error: &tower_security::core::ConfigError| {
        assert_eq!(
            (error.class(), error.code()),
            (ErrorClass::Refused, "policy_refused")
        );
        match error.downcast() {
            Some(PolicyConfigError::PolicyRefused { problem }) => {
                (error.path().to_owned(), problem.clone())
            }
            _ => panic!("{error}"),
        }
    };
    errors.iter().map(of).collect()
}

#[test]
fn each_refused_setting_has_an_allowed_twin() {
    let builder = PasswordPolicy::with_mfa;
    let one = |path: &str, problem| vec![(format!("password.policy.{path}"), problem)];
    let word = |word: &str| PolicyProblem::ContextWord {
        word: word.to_owned(),
    };
    for (builder, expected) in [
        (builder(), vec![]),
        (PasswordPolicy::single_factor(), vec![]),
        (builder().min_len(8), vec![]),
        (
            builder().min_len(7),
            one("min_len", PolicyProblem::MinLen { min: 7 }),
        ),
        (builder().min_len(64), vec![]),
        (
            builder().min_len(65),
            one("min_len", PolicyProblem::MinLen { min: 65 }),
        ),
        (builder().max_len(64), vec![]),
        (
            builder().max_len(63),
            one("max_len", PolicyProblem::MaxLen { max: 63 }),
        ),
        (builder().max_len(4096), vec![]),
        (
            builder().max_len(4097),
            one("max_len", PolicyProblem::MaxLen { max: 4097 }),
        ),
        (builder().context_words(["shop", "\u{c9}cole"]), vec![]),
        (
            builder().context_words(["shop", "Shp"]),
            one("context_words[1]", word("shp")),
        ),
        (
            builder().context_words([""]),
            one("context_words[0]", word("")),
        ),
        (builder().min_len(1).max_len(1), {
            let mut both = one("min_len", PolicyProblem::MinLen { min: 1 });
            both.extend(one("max_len", PolicyProblem::MaxLen { max: 1 }));
            both
        }),
    ] {
        let shown = format!("{builder:?}");
        assert_eq!(refused(builder), expected, "{shown}");
    }
    let missing = std::env::temp_dir().join("no such file of passwords");
    let found = refused(builder().common_file(&missing));
    let [(path, PolicyProblem::File { path: file, .. })] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(path, "password.policy.common_file");
    assert_eq!(*file, missing.display().to_string());
}
