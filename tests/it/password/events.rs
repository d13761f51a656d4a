//! What the sink is told.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use http::{Extensions, Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_security::core::{
    ClientIpLayer, EventName, Level, ManualClock, Outcome, PeerAddr, SecurityEvent, TrustedProxies,
};
use tower_security::password::{PasswordFault, PasswordPolicy, VerifyError};

use super::gate::{Gate, poll};
use super::{STAPLE, quick, secret};

type Line = (
    EventName,
    Level,
    Outcome,
    &'static str,
    Option<String>,
    Option<String>,
);

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Line>>>);

impl Log {
    fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static {
        let log = Arc::clone(&self.0);
        move |event| {
            assert_eq!(event.layer, "password");
            let shown = format!("{event:?}");
            assert!(
                !shown.contains("$argon2") && !shown.contains(STAPLE),
                "{shown}"
            );
            log.lock().unwrap().push((
                event.name,
                event.level,
                event.outcome,
                event.code,
                event.rule.as_ref().map(ToString::to_string),
                event.detail.as_ref().map(ToString::to_string),
            ));
        }
    }

    fn take(&self) -> Vec<Line> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[test]
fn a_hash_that_cannot_be_used_is_told_with_its_defect_and_without_the_hash() {
    let log = Log::default();
    let hasher = quick()
        .accept_bcrypt(6..=14)
        .events(log.sink())
        .build()
        .unwrap();
    let line = |defect: &str| {
        let defect = Some(defect.to_owned());
        vec![(
            EventName::AuthnLoginFail,
            Level::Error,
            Outcome::Refused,
            "login_failed",
            defect,
            None,
        )]
    };
    let tail = "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let of = |cost: &str| format!("$argon2id$v=19${cost}{tail}");
    for (stored, defect) in [
        (String::new(), "unknown_format"),
        ("5f4dcc3b5aa765d61d8327deb882cf99".into(), "unknown_format"),
        (
            "$2x$06$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG".into(),
            "unknown_format",
        ),
        (
            "$2b$05$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG".into(),
            "cost_below_range",
        ),
        (
            "$2b$15$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG".into(),
            "cost_above_ceiling",
        ),
        (of("m=4294967295,t=1,p=1"), "cost_above_ceiling"),
        (of("m=64,t=11,p=1"), "cost_above_ceiling"),
        (of("m=64,t=1,p=5"), "cost_above_ceiling"),
        (of("m=64,t=1,p=1,keyid=MjAyNQ"), "pepper_unknown"),
        (of("m=64,t=1"), "syntax"),
        (
            of("m=64,t=1,p=1").replace("c29tZXNhbHQ", "c29tZXNhbA"),
            "salt_or_tag_too_short",
        ),
        (
            of("m=64,t=1,p=1").replace("c29tZXNhbHQ", &"c29t".repeat(22)),
            "salt_or_tag_too_long",
        ),
    ] {
        let answer = hasher.verify_blocking(&secret(STAPLE), Some(&stored));
        let expected = match defect {
            "cost_above_ceiling" | "salt_or_tag_too_long" => VerifyError::CostAboveCeiling,
            _ => VerifyError::MalformedHash,
        };
        assert_eq!(answer, Err(expected), "{stored}");
        assert_eq!(log.take(), line(defect), "{stored}");
    }

    // A wrong password is told by who knows whose it is.
    let stored = quick()
        .build()
        .unwrap()
        .hash_blocking(&secret(STAPLE))
        .unwrap();
    for (password, stored) in [
        ("wrong", Some(stored.as_str())),
        ("wrong", None),
        (STAPLE, Some(&stored)),
    ] {
        let _ = hasher.verify_blocking(&secret(password), stored);
        assert_eq!(log.take(), []);
    }
}

#[tokio::test]
async fn load_and_long_passwords_are_told_and_not_too_often() {
    let (log, gate) = (Log::default(), Gate::closed(std::time::Duration::ZERO));
    let builder = quick().concurrency(1).queue(1).events(log.sink());
    let hasher = builder.clock(gate.clone()).build().unwrap();
    let password = secret(STAPLE);
    let mut running = Box::pin(hasher.verify(&password, None));
    let mut waiting = Box::pin(hasher.verify(&password, None));
    assert_eq!(poll(&mut running), Poll::Pending);
    assert_eq!(poll(&mut waiting), Poll::Pending);
    gate.wait_for(1);
    for _ in 0..150 {
        let answer = poll(&mut Box::pin(hasher.verify(&password, None)));
        assert!(matches!(answer, Poll::Ready(Err(VerifyError::Busy { .. }))));
    }
    let busy = (
        EventName::ExcessRateLimitExceeded,
        Level::Warn,
        Outcome::Refused,
        "busy",
        None,
        None,
    );
    assert_eq!(log.take(), vec![busy; 100]);
    gate.open();
    drop((running, waiting));

    let (log, clock) = (Log::default(), ManualClock::new());
    let builder = quick().max_len(64).events(log.sink());
    let hasher = builder.clock(clock.clone()).build().unwrap();
    let long = secret(&"a".repeat(65));
    for _ in 0..150 {
        assert_eq!(hasher.verify(&long, None).await, Err(VerifyError::TooLong));
    }
    let line = |detail: Option<&str>| {
        (
            EventName::InputValidationFail,
            Level::Warn,
            Outcome::Refused,
            "password_too_long",
            Some("65 bytes".to_owned()),
            detail.map(str::to_owned),
        )
    };
    assert_eq!(log.take(), vec![line(None); 100]);
    clock.advance(std::time::Duration::from_secs(1));
    assert!(hasher.hash(&long).await.is_err());
    assert_eq!(log.take(), [line(Some("suppressed=50"))]);
}

/// Those of a request of this client.
async fn extensions(client: IpAddr) -> Extensions {
    let layer = ClientIpLayer::new(TrustedProxies::direct());
    let service = layer.layer(service_fn(async |request: Request<()>| {
        Ok::<_, Infallible>(Response::new(request.into_parts().0.extensions))
    }));
    let mut request = Request::new(());
    let peer = PeerAddr::Ip((client, 5_000).into());
    request.extensions_mut().insert(peer);
    let answer = ServiceExt::<Request<()>>::oneshot(service, request).await;
    answer.unwrap().into_body()
}

type Clients = Arc<Mutex<Vec<(&'static str, Option<IpAddr>)>>>;

fn clients(seen: &Clients) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static + use<> {
    let seen = Arc::clone(seen);
    move |event| seen.lock().unwrap().push((event.code, event.client_ip))
}

#[tokio::test]
async fn a_handler_says_for_which_request_it_acts() {
    let seen = Clients::default();
    let hasher = quick().events(clients(&seen)).build().unwrap();
    let policy = PasswordPolicy::with_mfa().events(clients(&seen));
    let policy = policy.build().unwrap();
    let client = IpAddr::from([192, 0, 2, 7]);
    let extensions = extensions(client).await;
    for (hasher, policy, expected) in [
        (hasher.clone(), policy.clone(), None),
        (
            hasher.for_request(&extensions),
            policy.for_request(&extensions),
            Some(client),
        ),
    ] {
        let answer = hasher.verify_blocking(&secret("short"), Some("$1$md5"));
        assert_eq!(answer, Err(VerifyError::MalformedHash));
        assert!(policy.check(&secret("short"), &[]).await.is_err());
        let told = std::mem::take(&mut *seen.lock().unwrap());
        let expected = ["login_failed", "password_refused"].map(|code| (code, expected));
        assert_eq!(told, expected);
    }
}

#[test]
fn a_fault_is_told() {
    let log = Log::default();
    let hasher = quick().events(log.sink()).build().unwrap();
    let password = secret(STAPLE);
    let answer = poll(&mut Box::pin(hasher.verify(&password, None)));
    let fault = VerifyError::Internal(PasswordFault::NoRuntime);
    assert_eq!(answer, Poll::Ready(Err(fault)));
    let line = (
        EventName::SysCrash,
        Level::Error,
        Outcome::Fault,
        "internal_error",
        Some("no_runtime".to_owned()),
        None,
    );
    assert_eq!(log.take(), [line]);
}
