//! What is told of refusals.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::request::Parts;
use tower::Layer;
use tower_security::auth::{
    AuthFailure, AuthFailureKind, AuthLayer, Authenticator, Decision, Presence,
};
use tower_security::core::{
    ChallengeScheme, CleanText, EventName, Level, ManualClock, Outcome, Principal, SecurityEvent,
};

use super::ways::{builder, get};
use crate::support::service::{Spy, go};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) name: EventName,
    pub(super) level: Level,
    pub(super) outcome: Outcome,
    pub(super) code: &'static str,
    pub(super) rule: Option<String>,
    pub(super) detail: Option<String>,
    path: Option<String>,
    principal: Option<String>,
}

#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<Told>>>);

impl Log {
    pub(super) fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
        let log = Arc::clone(&self.0);
        let text = |text: &Option<CleanText<'_>>| text.as_ref().map(ToString::to_string);
        move |event| {
            assert_eq!(event.layer, "auth");
            log.lock().unwrap().push(Told {
                name: event.name,
                level: event.level,
                outcome: event.outcome,
                code: event.code,
                rule: text(&event.rule),
                detail: text(&event.detail),
                path: text(&event.path),
                principal: text(&event.principal),
            });
        }
    }

    pub(super) fn take(&self) -> Vec<Told> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

const FAIL: EventName = EventName::AuthnLoginFail;
const DISABLED: EventName = EventName::SysMonitorDisabled;

#[tokio::test]
async fn each_failure_has_its_event() {
    let rows = [
        ("authentication_required", Some((FAIL, Level::Info))),
        ("credentials_ambiguous", Some((FAIL, Level::Warn))),
        ("credentials_malformed", Some((FAIL, Level::Warn))),
        ("token_invalid", Some((FAIL, Level::Warn))),
        ("token_expired", Some((FAIL, Level::Info))),
        ("api_key_invalid", Some((FAIL, Level::Warn))),
        ("session_invalid", Some((FAIL, Level::Info))),
        ("proof_invalid", Some((FAIL, Level::Warn))),
        ("proof_nonce", None),
        ("authentication_unavailable", Some((DISABLED, Level::Error))),
        ("busy", Some((DISABLED, Level::Error))),
    ];
    for (code, expected) in rows {
        let log = Log::default();
        let layer = builder().events(log.sink()).build().unwrap();
        go(layer.layer(Spy::new()), get(&[("x-test", code)])).await;
        let told = log.take();
        let names: Vec<_> = told.iter().map(|told| (told.name, told.level)).collect();
        assert_eq!(names, Vec::from_iter(expected), "{code}");
        for told in told {
            let outcome = match told.name {
                DISABLED => Outcome::Fault,
                _ => Outcome::Refused,
            };
            assert_eq!((told.code, told.outcome), (code, outcome));
            assert_eq!(told.path.as_deref(), Some("/orders"));
            assert_eq!(told.rule.as_deref(), Some(code));
            assert_eq!(told.detail, None);
        }
    }
}

#[tokio::test]
async fn who_passes_is_not_told_of() {
    let log = Log::default();
    let layer = builder().optional().events(log.sink()).build().unwrap();
    for lines in [&[("x-test", "good")][..], &[("x-test", "slow")], &[]] {
        let answer = go(layer.layer(Spy::new()), get(lines)).await;
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(log.take(), []);
}

/// The identity of an outer layer is not that of the request.
#[tokio::test]
async fn a_refused_request_is_nobodys() {
    let log = Log::default();
    let layer = builder().events(log.sink()).build().unwrap();
    let mut request = get(&[("x-test", "bad")]);
    let mallory = Principal::builder("mallory").build();
    mallory.dangerous_attach(request.extensions_mut());
    go(layer.layer(Spy::new()), request).await;
    let [told] = log.take().try_into().unwrap();
    assert_eq!(told.principal, None);
}

#[derive(Debug)]
struct Precise(AuthFailureKind);

impl Authenticator for Precise {
    fn presence(&self, _: &Parts) -> Presence {
        Presence::Explicit
    }

    fn authenticate(&self, _: &Parts) -> Decision {
        let failure = AuthFailure::new(self.0).with_reason("kid_unknown");
        Decision::Denied(failure.with_detail(CleanText::new("alg=ES256 kid=k1", 64)))
    }

    fn scheme(&self) -> ChallengeScheme {
        ChallengeScheme::bearer()
    }
}

#[tokio::test]
async fn the_reason_is_told_and_a_flood_is_counted() {
    let rows = [
        (AuthFailureKind::TokenInvalid, 100, Duration::from_secs(1)),
        (AuthFailureKind::Unavailable, 1, Duration::from_secs(60)),
    ];
    for (kind, at_once, pause) in rows {
        let (log, clock) = (Log::default(), ManualClock::new());
        let layer = AuthLayer::builder()
            .authenticator(Precise(kind))
            .events(log.sink())
            .clock(clock.clone())
            .build()
            .unwrap();
        for _ in 0..300 {
            go(layer.layer(Spy::new()), get(&[])).await;
        }
        let told = log.take();
        assert_eq!(told.len(), at_once, "{kind:?}");
        assert_eq!(told[0].rule.as_deref(), Some("kid_unknown"));
        assert_eq!(told[0].detail.as_deref(), Some("alg=ES256 kid=k1"));

        clock.advance(pause);
        go(layer.layer(Spy::new()), get(&[])).await;
        let [told] = log.take().try_into().unwrap();
        let detail = format!("suppressed={} alg=ES256 kid=k1", 300 - at_once);
        assert_eq!(told.detail, Some(detail));
    }
}
