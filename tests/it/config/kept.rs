//! What a reload leaves as it is: all of it if it is refused, and what was counted in any case.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use tower::{Layer, service_fn};
use tower_security::core::{ManualClock, SecurityEvent, StoreError, StoreErrorKind};
use tower_security::rate_limit::key::{KeyHash, KeySeed};
use tower_security::rate_limit::{
    Acquire, Charge, CounterSpec, MemoryCounter, MemoryStore, Nanos, Overflow, Receipt, Standing,
    Store,
};
use tower_security::stack::config::{Stack, StackParts};

use super::{Body, ask, build, mistakes, parsed, through};
use crate::support::service::Spy;

/// Counts in memory, notes what is opened, and may be away.
#[derive(Clone, Default)]
struct Noted {
    inner: MemoryStore,
    opened: Arc<Mutex<Vec<(String, Overflow)>>>,
    is_away: Arc<AtomicBool>,
}

impl Noted {
    fn opened(&self) -> Vec<(String, Overflow)> {
        self.opened.lock().unwrap().clone()
    }
}

impl Store for Noted {
    type Counter = MemoryCounter;
    type Pending = Ready<Result<Vec<Standing>, StoreError>>;

    fn key_seed(&self) -> KeySeed {
        self.inner.key_seed()
    }

    fn open(&self, spec: &CounterSpec<'_>) -> Arc<MemoryCounter> {
        let opened = (spec.name.to_owned(), spec.overflow);
        self.opened.lock().unwrap().push(opened);
        self.inner.open(spec)
    }

    fn acquire(
        &self,
        now: Nanos,
        charges: &mut [Charge<'_, MemoryCounter>],
    ) -> Acquire<Self::Pending> {
        if self.is_away.load(Ordering::Relaxed) {
            let error = StoreError::new(StoreErrorKind::Unavailable, "away");
            return Acquire::Pending(ready(Err(error)));
        }
        match self.inner.acquire(now, charges) {
            Acquire::Ready => Acquire::Ready,
            other => panic!("{other:?}"),
        }
    }

    fn refund(&self, now: Nanos, counter: &MemoryCounter, receipt: Receipt) {
        self.inner.refund(now, counter, receipt);
    }

    fn reset(&self, now: Nanos, counter: &MemoryCounter, key: KeyHash) {
        self.inner.reset(now, counter, key);
    }
}

fn policy(name: &str, rest: &str) -> String {
    format!(
        "[[rate_limit.policies]]\nname = \"{name}\"\nquota = {{ limit = 2, period_secs = 3600 }}\nkey = \"global\"\n{rest}\n"
    )
}

async fn status<St: Store + Clone>(stack: &Stack<St>) -> u16 {
    let inner =
        service_fn(async |_: Request<_>| Ok::<_, Infallible>(Response::new(Body::default())));
    through(stack.layer(inner), Request::new(Body::default()))
        .await
        .status()
        .as_u16()
}

#[test]
fn a_refused_reload_touches_no_counter() {
    let store = Noted::default();
    let stack = parsed(&policy("all", ""))
        .build(StackParts::new().store(store.clone()))
        .unwrap();
    let handle = stack.handle();
    let before = [("all".to_owned(), Overflow::Evict)];
    assert_eq!(store.opened(), before);
    let changed = policy("all", "overflow = \"deny\"");
    // A section further outside and one further inside.
    for wrong in [
        "[headers]\nmode = \"report_only\"\n",
        "[require_authorization]\n",
    ] {
        let refused = handle.reload(parsed(&format!("{wrong}{changed}")));
        assert_eq!(mistakes(refused).len(), 1, "{wrong}");
        assert_eq!(store.opened(), before, "{wrong}");
    }
    handle.reload(parsed(&changed)).unwrap();
    assert_eq!(store.opened()[1..], [("all".to_owned(), Overflow::Deny)]);
}

#[test]
fn two_sections_have_no_policy_of_one_name() {
    let both = |name: &str| {
        let inner = policy(name, "").replace("rate_limit", "rate_limit_by_principal");
        format!("[auth]\noptional = true\n{}{inner}", policy("client", ""))
    };
    let found = |name: &str| {
        let found = mistakes(build(&both(name)));
        let of_names = found
            .into_iter()
            .filter(|(_, code)| *code == "duplicate_policy");
        of_names.collect::<Vec<_>>()
    };
    let path = "rate_limit_by_principal.policies[0]".to_owned();
    assert_eq!(found("client"), [(path, "duplicate_policy")]);
    assert_eq!(found("user"), []);
}

#[tokio::test]
async fn what_is_counted_while_the_store_is_away_is_not_forgotten() {
    let store = Noted::default();
    store.is_away.store(true, Ordering::Relaxed);
    let stack = parsed(&policy("all", ""))
        .build(StackParts::new().store(store))
        .unwrap();
    assert_eq!((status(&stack).await, status(&stack).await), (200, 200));
    assert_eq!(status(&stack).await, 429);
    stack.handle().reload(parsed(&policy("all", ""))).unwrap();
    assert_eq!(status(&stack).await, 429);
}

#[tokio::test]
async fn a_reload_makes_no_room_for_more_events() {
    let sections = [
        ("rate_limited", policy("all", "")),
        (
            "blocked",
            "[bans]\nblocklist = [\"203.0.113.0/24\"]\n".to_owned(),
        ),
    ];
    for (code, text) in sections {
        let codes: Arc<Mutex<Vec<&'static str>>> = Arc::default();
        let told = Arc::clone(&codes);
        let parts = StackParts::new()
            .clock(ManualClock::new())
            .events(move |event: &SecurityEvent<'_>| told.lock().unwrap().push(event.code));
        let stack = parsed(&text).build(parts).unwrap();
        for _ in 0..2 {
            for _ in 0..150 {
                let mut request = Request::new(Body::default());
                let peer = std::net::SocketAddr::from(([203, 0, 113, 7], 9));
                let peer = tower_security::core::PeerAddr::from(peer);
                request.extensions_mut().insert(peer);
                ask(&stack, &Spy::new(), request).await;
            }
            stack.handle().reload(parsed(&text)).unwrap();
        }
        let codes = codes.lock().unwrap();
        let refused = codes.iter().filter(|told| **told == code).count();
        assert_eq!(refused, 100, "{code}: {codes:?}");
    }
}

#[cfg(feature = "limits")]
#[tokio::test]
async fn requests_under_way_count_against_the_next_configuration() {
    use tokio::sync::Notify;
    let stack = build("[limits]\nmax_concurrent = 1\n").unwrap();
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, waits) = (Arc::clone(&arrived), Arc::clone(&go_on));
    let service = stack.layer(service_fn(move |_: Request<_>| {
        let (told, waits) = (Arc::clone(&told), Arc::clone(&waits));
        async move {
            told.notify_one();
            waits.notified().await;
            Ok::<_, Infallible>(Response::new(Body::default()))
        }
    }));
    let request = || Request::new(Body::default());
    let under_way = tokio::spawn({
        let (service, request) = (service.clone(), request());
        async move { drop(through(service, request).await) }
    });
    arrived.notified().await;
    let next = parsed("[limits]\nmax_concurrent = 1\nbody_limit = 9\n");
    stack.handle().reload(next.clone()).unwrap();
    assert_eq!(through(service.clone(), request()).await.status(), 503);
    // Also if the section is gone for a while.
    stack.handle().reload(parsed("")).unwrap();
    stack.handle().reload(next).unwrap();
    assert_eq!(through(service.clone(), request()).await.status(), 503);
    go_on.notify_one();
    under_way.await.unwrap();
    go_on.notify_one();
    assert_eq!(through(service, request()).await.status(), 200);
}

#[cfg(feature = "csp-report")]
#[tokio::test]
async fn a_report_that_was_told_is_told_once_also_after_a_reload() {
    let codes: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let told = Arc::clone(&codes);
    let parts = StackParts::new()
        .clock(ManualClock::new())
        .events(move |event: &SecurityEvent<'_>| told.lock().unwrap().push(event.code));
    let text = "[csp_reports]\npath = \"/reports\"\n";
    let stack = parsed(text).build(parts).unwrap();
    for _ in 0..2 {
        let report = r#"{"csp-report":{"document-uri":"https://a.example/","violated-directive":"img-src","effective-directive":"img-src","blocked-uri":"https://b.example/","disposition":"enforce"}}"#;
        let request = Request::post("/reports")
            .header("content-type", "application/csp-report")
            .body(Body::from(report))
            .unwrap();
        assert_eq!(ask(&stack, &Spy::new(), request).await.status(), 204);
        stack.handle().reload(parsed(text)).unwrap();
    }
    let codes = codes.lock().unwrap();
    assert_eq!(codes.len(), 1, "{codes:?}");
}
