//! A CORS policy that changes under traffic, and how the service behaves as a service.

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_security::core::SecurityEvent;
use tower_security::core::origin::{PublicSuffixes, TrustedOrigins};
use tower_security::cors::{CorsBuilder, CorsConfig, CorsLayer, CorsOrigins, CorsPolicy, MaxAge};
use tower_test::mock;

use crate::cors::{APP, EVIL, get, preflight, request};
use crate::support::service::{Spy, go};

const ACAO: &str = "access-control-allow-origin";

fn first() -> CorsPolicy {
    CorsLayer::builder()
        .origins([APP])
        .credentials(true)
        .methods(["PUT"])
        .expose_headers(["x-first"])
        .max_age(MaxAge::Secs(1))
        .build_policy()
        .unwrap()
}

fn second() -> CorsPolicy {
    CorsLayer::builder()
        .any_origin()
        .any_method()
        .expose_headers(["x-second"])
        .max_age(MaxAge::Secs(2))
        .build_policy()
        .unwrap()
}

fn all(headers: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines
}

const FIRST: [&str; 4] = [
    "access-control-allow-credentials: true",
    "access-control-allow-origin: https://app.example.com",
    "access-control-expose-headers: x-first",
    "vary: Origin",
];
const SECOND: [&str; 2] = [
    "access-control-allow-origin: *",
    "access-control-expose-headers: x-second",
];
const FIRST_PREFLIGHT: [&str; 4] = [
    "access-control-allow-credentials: true",
    "access-control-allow-methods: PUT",
    "access-control-allow-origin: https://app.example.com",
    "access-control-max-age: 1",
];
const SECOND_PREFLIGHT: [&str; 3] = [
    "access-control-allow-methods: *",
    "access-control-allow-origin: *",
    "access-control-max-age: 2",
];

#[test]
fn each_answer_fits_one_policy_wholly() {
    const THREADS: usize = 8;
    const MOST_ROUNDS: usize = 2_000_000;
    let (layer, handle) = CorsLayer::reloadable(first());
    let start = Barrier::new(THREADS + 1);
    let done = AtomicBool::new(false);
    let saw_both = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .build()
                        .unwrap();
                    let service = layer.layer(Spy::new());
                    let mut seen = [false; 2];
                    start.wait();
                    while !done.load(Ordering::Relaxed) {
                        let answer = runtime.block_on(go(service.clone(), get(APP)));
                        let headers = all(answer.headers());
                        assert!(headers == FIRST || headers == SECOND, "{headers:?}");
                        seen[usize::from(headers == SECOND)] = true;
                        if seen == [true, true] {
                            saw_both.store(true, Ordering::Relaxed);
                        }
                        let asked = preflight(APP, "PUT", &[]);
                        let answer = runtime.block_on(go(service.clone(), asked));
                        let headers = all(answer.headers());
                        assert!(
                            headers == FIRST_PREFLIGHT || headers == SECOND_PREFLIGHT,
                            "{headers:?}"
                        );
                    }
                })
            })
            .collect();
        start.wait();
        // As long as it takes that somebody has seen both; a broken layer ends it, too.
        for round in 0..MOST_ROUNDS {
            handle.reload(second());
            handle.reload(first());
            let is_over = saw_both.load(Ordering::Relaxed)
                || threads.iter().any(|thread| thread.is_finished());
            if round >= 2_000 && is_over {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().unwrap();
        }
    });
    assert!(
        saw_both.load(Ordering::Relaxed),
        "no thread saw both policies"
    );
}

#[tokio::test]
async fn a_request_is_finished_with_the_policy_it_began_with() {
    let (layer, handle) = CorsLayer::reloadable(first());
    let (mut service, mut inner) =
        mock::spawn_with::<Request<()>, Response<Full<Bytes>>, _, _>(|mock| layer.layer(mock));
    inner.allow(1);
    assert!(service.poll_ready().is_ready());
    let answer = service.call(get(APP));
    let (_, send) = inner.next_request().await.unwrap();
    handle.reload(second());
    send.send_response(Response::new(Full::default()));
    assert_eq!(all(answer.await.unwrap().headers()), FIRST);
}

#[tokio::test]
async fn services_and_clones_follow_the_handle() {
    let (layer, handle) = CorsLayer::reloadable(first());
    let before = layer.layer(Spy::new());
    let clone = handle.clone();
    drop(handle);
    clone.reload(second());
    let after = layer.clone().layer(Spy::new());
    drop(layer);
    for service in [before.clone(), before.clone(), after] {
        assert_eq!(all(go(service, get(EVIL)).await.headers()), SECOND);
    }
    drop(before);
    clone.reload(first());
    assert_eq!(clone.policy().to_config(), first().to_config());

    let (layer, handle) = CorsLayer::reloadable(first());
    drop(handle);
    assert_eq!(
        all(go(layer.layer(Spy::new()), get(APP)).await.headers()),
        FIRST
    );
}

#[tokio::test]
async fn an_invalid_configuration_changes_nothing() {
    let (layer, handle) = CorsLayer::reloadable(first());
    let service = layer.layer(Spy::new());
    let before = handle.policy();
    let mut config = before.to_config();
    config.origins = CorsOrigins::List(vec!["https://new.example".into(), "null".into()]);
    let errors = handle.try_reload(&config).unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!(
        (error.path(), error.code()),
        ("cors.origins[1]", "refused_null_origin")
    );
    assert!(Arc::ptr_eq(&before, &handle.policy()));
    assert_eq!(all(go(service.clone(), get(APP)).await.headers()), FIRST);

    config.origins = CorsOrigins::List(vec!["https://new.example".into()]);
    handle.try_reload(&config).unwrap();
    let answer = go(service.clone(), get("https://new.example")).await;
    assert_eq!(answer.headers()[ACAO], "https://new.example");
    assert!(!go(service, get(APP)).await.headers().contains_key(ACAO));
}

#[tokio::test]
async fn reloading_its_own_configuration_is_a_no_op() {
    let seen = Arc::new(Mutex::new(0));
    let log = Arc::clone(&seen);
    let policy = CorsLayer::builder()
        .origins([APP])
        .methods(["PUT"])
        .events(move |_: &SecurityEvent<'_>| *log.lock().unwrap() += 1)
        .dangerous_allow_origin_if(|origin, _| origin.host() == "by.predicate")
        .build_policy()
        .unwrap();
    let config = policy.to_config();
    let (layer, handle) = CorsLayer::reloadable(policy);
    handle.try_reload(&config).unwrap();
    assert_eq!(handle.policy().to_config(), config);
    let service = layer.layer(Spy::new());
    let answer = go(service.clone(), get("https://by.predicate")).await;
    assert_eq!(answer.headers()[ACAO], "https://by.predicate");
    go(service, get(EVIL)).await;
    assert_eq!(*seen.lock().unwrap(), 1);
}

/// What only code can give is kept, and conflicts; a set of origins is data.
#[test]
fn what_a_reload_keeps_and_what_it_does_not() {
    let builder = || CorsLayer::builder().origins([APP]);
    let reloaded = |builder: CorsBuilder, config: &CorsConfig| {
        let (_layer, handle) = CorsLayer::reloadable(builder.build_policy().unwrap());
        let errors = handle.try_reload(config).err();
        let first = errors.and_then(|errors| {
            let error = errors.iter().next()?;
            Some((error.path().to_owned(), error.code()))
        });
        (first, handle.policy())
    };

    let mut any = CorsConfig::default();
    any.origins = CorsOrigins::Any;
    let with_predicate = builder().dangerous_allow_origin_if(|_, _| false);
    let conflict = ("cors.origins".to_owned(), "conflicting_origins");
    assert_eq!(reloaded(with_predicate, &any).0, Some(conflict));
    assert_eq!(reloaded(builder(), &any).0, None);

    let mut wide = CorsConfig::default();
    wide.origins = CorsOrigins::List(vec!["https://*.example.org".into()]);
    wide.credentials = true;
    let list = PublicSuffixes::parse("example.org").unwrap();
    let suffix = ("cors.origins[0]".to_owned(), "refused_public_suffix");
    assert_eq!(
        reloaded(builder().public_suffixes(list), &wide).0,
        Some(suffix)
    );
    assert_eq!(reloaded(builder(), &wide).0, None);

    let set = TrustedOrigins::builder()
        .origins(["https://of.set.example"])
        .build()
        .unwrap();
    let with_set = || builder().trusted_origins(&set);
    let allows = |policy: &CorsPolicy| {
        policy
            .trusted_origins()
            .matches(b"https://of.set.example")
            .is_some()
    };
    let own = with_set().build_policy().unwrap().to_config();
    assert!(allows(&reloaded(with_set(), &own).1));
    let listed = builder().build_policy().unwrap().to_config();
    let (errors, policy) = reloaded(with_set(), &listed);
    assert_eq!((errors, allows(&policy)), (None, false));
}

#[tokio::test]
async fn the_switches_of_the_handle() {
    let (layer, handle) = CorsLayer::reloadable(first());
    let spy = Spy::new();
    let service = layer.layer(spy.clone());
    let asked = || preflight(APP, "PATCH", &[]);

    handle.set_explain_failures(true);
    assert_eq!(
        go(service.clone(), asked()).await.status(),
        StatusCode::NO_CONTENT
    );
    assert!(handle.policy().to_config().explain_failures);
    handle.set_explain_failures(false);
    assert_eq!(
        go(service.clone(), asked()).await.status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(spy.calls(), 0);

    handle.set_passthrough(true);
    for request in [asked(), get(APP), get(EVIL)] {
        assert!(go(service.clone(), request).await.headers().is_empty());
    }
    assert_eq!(spy.calls(), 3);
    handle.reload(first());
    assert!(
        go(service.clone(), get(APP)).await.headers().is_empty(),
        "it holds through a reload"
    );
    handle.set_passthrough(false);
    assert_eq!(all(go(service, get(APP)).await.headers()), FIRST);
}

/// A policy derived from the one in force must not bring that one back.
#[test]
fn writers_do_not_undo_each_other() {
    // One that takes long to derive another from.
    let large = CorsLayer::builder()
        .origins([APP])
        .request_headers((0..1_000).map(|n| format!("x-{n}")))
        .build_policy()
        .unwrap();
    let (_layer, handle) = CorsLayer::reloadable(large.clone());
    for _ in 0..200 {
        handle.reload(large.clone());
        let next = second();
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                handle.set_explain_failures(true);
            });
            start.wait();
            handle.reload(next);
        });
        assert_eq!(handle.policy().to_config().origins, CorsOrigins::Any);
    }
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let layer = CorsLayer::new(first());
    let (mut service, mut inner) =
        mock::spawn_with::<Request<()>, Response<Full<Bytes>>, _, _>(|mock| layer.layer(mock));
    inner.allow(0);
    assert!(service.poll_ready().is_pending());
    inner.allow(1);
    assert!(service.poll_ready().is_ready());

    // A preflight does not use the readiness up by a call.
    let answer = service.call(preflight(APP, "PUT", &[])).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert!(inner.poll_request().is_pending());

    inner.send_error("broken");
    match service.poll_ready() {
        Poll::Ready(Err(error)) => assert_eq!(error.to_string(), "broken"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn errors_of_the_inner_service_pass() {
    let failing = service_fn(|_: Request<()>| async { Err::<Response<Full<Bytes>>, _>("broken") });
    let service = CorsLayer::new(first()).layer(failing);
    let error = ServiceExt::<Request<()>>::oneshot(service, get(APP))
        .await
        .unwrap_err();
    assert_eq!(error, "broken");
}

#[tokio::test]
async fn dropping_the_future_drops_the_inner_one() {
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let waiting = service_fn(move |_: Request<()>| {
        let guard = Dropped(Arc::clone(&flag));
        async move {
            let _guard = guard;
            pending::<Result<Response<Full<Bytes>>, Infallible>>().await
        }
    });
    let mut service = CorsLayer::new(first()).layer(waiting);
    let answer = service.call(get(APP));
    assert!(!dropped.load(Ordering::SeqCst));
    drop(answer);
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_clone_answers_alike() {
    let spy = Spy::new();
    let service = CorsLayer::new(first()).layer(spy.clone());
    for service in [service.clone(), service.clone(), service] {
        assert_eq!(all(go(service, get(APP)).await.headers()), FIRST);
    }
    assert_eq!(spy.calls(), 3);
}

#[tokio::test]
async fn a_configuration_makes_the_same_layer_as_the_builder() {
    let mut config = CorsConfig::default();
    config.origins = CorsOrigins::List(vec![APP.into()]);
    config.credentials = true;
    config.methods = vec!["PUT".into()];
    config.expose_headers = vec!["x-first".into()];
    config.max_age_secs = 1;
    let service = CorsLayer::new(config.build().unwrap()).layer(Spy::new());
    assert_eq!(all(go(service.clone(), get(APP)).await.headers()), FIRST);
    let answer = go(service.clone(), preflight(APP, "PUT", &[])).await;
    assert_eq!(all(answer.headers()), FIRST_PREFLIGHT);
    let answer = go(service, request(Method::GET, &[])).await;
    assert_eq!(all(answer.headers()), ["vary: Origin"]);
}
