//! A configuration that is replaced under traffic.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use tokio::sync::Notify;
use tower::{Layer, service_fn};
use tower_security::core::{AbuseKind, AbuseSignal, ManualClock, PeerAddr};
use tower_security::stack::config::{SecurityConfig, StackParts};

use super::{Body, ask, built, mistakes, parsed, through};
use crate::support::service::Spy;

/// Two configurations of which every section differs.
fn both() -> [SecurityConfig; 2] {
    let text = |name: &str, frame: &str, cache: &str, net: &str, size: u8| {
        let limits = match cfg!(feature = "limits") {
            true => format!("[limits]\nbody_limit = {size}"),
            false => String::new(),
        };
        format!(
            r#"
            trust_cors_origins = true
            [headers]
            frame_options = "{frame}"
            custom = {{ x-configuration = "{name}" }}
            cache = "{cache}"
            [csp]
            enforce = {{ policy = "default-src 'none'; base-uri 'none'; img-src https://{name}.example" }}
            [cors]
            origins = ["https://{name}.example"]
            credentials = true
            expose_headers = ["x-{name}"]
            [csrf]
            [bans]
            blocklist = ["{net}"]
            {limits}
            [[rate_limit.policies]]
            name = "{name}"
            quota = {{ limit = 1000000, period_secs = 1 }}
            key = "global"
            [rate_limit]
            emit = "always"
            "#
        )
    };
    // A table must not be opened again.
    let text = |name, frame, cache, net, size| {
        let text: String = text(name, frame, cache, net, size);
        let (head, tail) = text.split_once("[[rate_limit.policies]]").unwrap();
        let (policy, emit) = tail.split_once("[rate_limit]").unwrap();
        format!("{head}[rate_limit]\n{emit}\n[[rate_limit.policies]]{policy}")
    };
    [
        parsed(&text("first", "DENY", "no_store", "192.0.2.0/24", 3)),
        parsed(&text(
            "second",
            "SAMEORIGIN",
            "untouched",
            "203.0.113.0/24",
            9,
        )),
    ]
}

/// Which configuration each part of an answer to `https://first.example` is of.
fn parts_of<B>(response: &Response<B>) -> BTreeSet<&'static str> {
    // What CSRF trusts is what CORS grants.
    parts_of_kind(response, [200, 403])
}

/// As [`parts_of`], where the first and the second answer with these statuses.
fn parts_of_kind<B>(response: &Response<B>, statuses: [u16; 2]) -> BTreeSet<&'static str> {
    let status = response.status().as_u16();
    assert!(statuses.contains(&status), "{status}");
    let headers = response.headers();
    let text = |name: &str| {
        headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    };
    let named = |name: &str| match text(name) {
        value if value.contains("first") => "first",
        value if value.contains("second") => "second",
        value => panic!("{name}: {value:?}"),
    };
    let is = |is_first: bool| if is_first { "first" } else { "second" };
    BTreeSet::from([
        named("x-configuration"),
        named("content-security-policy"),
        // Bans stand outside of it.
        match text("ratelimit-policy") {
            "" => is(status == statuses[0]),
            _ => named("ratelimit-policy"),
        },
        is(text("x-frame-options") == "DENY"),
        is(text("cache-control") == "no-store, max-age=0"),
        is(text("access-control-allow-origin") == "https://first.example"),
        is(text("access-control-expose-headers") == "x-first"),
        is(status == statuses[0]),
    ])
}

/// Requests that differ in what refuses them, with the status of each configuration.
fn kinds() -> Vec<(Request<Body>, [u16; 2])> {
    let of_origin = |peer: [u8; 4], body: &'static str| {
        let peer = std::net::SocketAddr::from((peer, 9));
        Request::post("/")
            .header("host", "api.example.com")
            .header("origin", "https://first.example")
            .header("sec-fetch-site", "same-origin")
            .extension(PeerAddr::from(peer))
            .body(Body::from(body))
            .unwrap()
    };
    let mut kinds = vec![
        (request(), [200, 403]),
        (of_origin([192, 0, 2, 1], "abc"), [403, 200]),
        (of_origin([203, 0, 113, 1], "abc"), [200, 403]),
    ];
    if cfg!(feature = "limits") {
        kinds.push((of_origin([198, 51, 100, 1], "abcd"), [413, 200]));
    }
    kinds
}

fn request() -> Request<Body> {
    Request::post("/")
        .header("host", "api.example.com")
        .header("origin", "https://first.example")
        .header("sec-fetch-site", "cross-site")
        .body(Full::default())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_answer_mixes_two_configurations() {
    const TASKS: usize = 16;
    const RELOADS: usize = 200;
    let [first, second] = both();
    let stack = first.clone().build(StackParts::new()).unwrap();
    let handle = stack.handle();
    let is_over = Arc::new(AtomicBool::new(false));
    let served = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let inner = service_fn(async |_: Request<_>| {
        // Others go on while this one is between the request's half of the layers and the answer's.
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(Response::new(Body::default()))
    });
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let service = stack.layer(inner);
            let (is_over, served) = (Arc::clone(&is_over), Arc::clone(&served));
            tokio::spawn(async move {
                let mut turn = task;
                while !is_over.load(Ordering::Relaxed) {
                    let kinds = kinds();
                    let count = kinds.len();
                    let (request, statuses) = kinds.into_iter().nth(turn % count).unwrap();
                    turn += 1;
                    let response = through(service.clone(), request).await;
                    let parts = parts_of_kind(&response, statuses);
                    assert_eq!(
                        parts.len(),
                        1,
                        "{:?} {:?}",
                        response.status(),
                        response.headers()
                    );
                    let of = usize::from(parts.contains("second"));
                    served[of].fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 0..RELOADS {
        let next = if round % 2 == 0 { &second } else { &first };
        handle.reload(next.clone()).unwrap();
        // Until somebody has been served by it.
        let of = usize::from(round % 2 == 0);
        let before = served[of].load(Ordering::Relaxed);
        while served[of].load(Ordering::Relaxed) == before {
            tokio::task::yield_now().await;
        }
    }
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    assert!(
        served
            .iter()
            .all(|served| served.load(Ordering::Relaxed) >= RELOADS / 2)
    );
}

#[tokio::test]
async fn a_request_under_way_finishes_with_what_it_began_with() {
    let [first, second] = both();
    let stack = first.build(StackParts::new()).unwrap();
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
    let under_way = tokio::spawn(through(service.clone(), request()));
    arrived.notified().await;
    stack.handle().reload(second).unwrap();
    // The next one meets the new trust of CSRF, and is refused before the handler.
    let next = through(service, request()).await;
    assert_eq!(parts_of(&next), BTreeSet::from(["second"]));
    go_on.notify_one();
    let first = under_way.await.unwrap();
    assert_eq!(parts_of(&first), BTreeSet::from(["first"]));
}

#[tokio::test]
async fn a_wrong_configuration_changes_nothing_and_says_why() {
    let [first, mut second] = both();
    let stack = first.clone().build(StackParts::new()).unwrap();
    let handle = stack.handle();
    second.cors.as_mut().unwrap().methods = vec!["TRACE".into()];
    second.csrf.as_mut().unwrap().trusted_origins = vec!["*".into()];
    let found = mistakes(handle.reload(second));
    let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["cors.methods[0]", "csrf.trusted_origins[0]"]);
    assert_eq!(handle.config(), first);
    let response = ask(&stack, &Spy::new(), request()).await;
    assert_eq!(parts_of(&response), BTreeSet::from(["first"]));
}

#[tokio::test]
async fn sections_come_and_go() {
    let stack = built("");
    let handle = stack.handle();
    let spy = Spy::new();
    assert_eq!(ask(&stack, &spy, request()).await.status(), 200);
    handle.reload(parsed("[csrf]")).unwrap();
    assert_eq!(ask(&stack, &spy, request()).await.status(), 403);
    assert_eq!(stack.posture().entries().len(), 1);
    handle.clone().reload(parsed("")).unwrap();
    assert_eq!(ask(&stack, &spy, request()).await.status(), 200);
    assert_eq!(handle.posture().entries().len(), 0);
    assert_eq!(spy.calls(), 2);
}

fn limit(name: &str, limit: u32) -> SecurityConfig {
    parsed(&format!(
        "[[rate_limit.policies]]\nname = \"{name}\"\nquota = {{ limit = {limit}, period_secs = 3600 }}\nkey = \"global\"\n"
    ))
}

#[tokio::test]
async fn counters_survive_under_their_name() {
    let stack = limit("all", 2).build(StackParts::new()).unwrap();
    let handle = stack.handle();
    let spy = Spy::new();
    let status = async || {
        ask(&stack, &spy, Request::new(Body::default()))
            .await
            .status()
            .as_u16()
    };
    assert_eq!(
        (status().await, status().await, status().await),
        (200, 200, 429)
    );
    // Who had waited for nothing would pass: two of four are owed for as long as they were.
    handle.reload(limit("all", 4)).unwrap();
    assert_eq!(status().await, 429);
    handle.reload(limit("other", 1)).unwrap();
    assert_eq!((status().await, status().await), (200, 429));
}

const BANS: &str =
    "[bans]\non = [{ signal = \"auth_failed\", times = 2, find_secs = 60, ban_secs = 600 }]\n";

fn from_client() -> Request<Body> {
    let mut request = Request::new(Body::default());
    let peer = std::net::SocketAddr::from(([203, 0, 113, 7], 9));
    request.extensions_mut().insert(PeerAddr::from(peer));
    request
}

#[tokio::test]
async fn bans_survive_and_their_lists_are_replaced() {
    let clock = ManualClock::new();
    let parts = StackParts::new().clock(clock.clone());
    let stack = parsed(BANS).build(parts).unwrap();
    let handle = stack.handle();
    let service = stack.layer(service_fn(async |_: Request<_>| {
        let mut response = Response::new(Body::default());
        let failed = AbuseSignal(AbuseKind::AuthFailed);
        response.extensions_mut().insert(failed);
        Ok::<_, Infallible>(response)
    }));
    let status = async || {
        through(service.clone(), from_client())
            .await
            .status()
            .as_u16()
    };
    assert_eq!(
        (status().await, status().await, status().await),
        (200, 200, 403)
    );
    handle
        .reload(parsed(&format!("{BANS}hide_duration = true\n")))
        .unwrap();
    assert_eq!(status().await, 403);
    handle
        .reload(parsed(&format!("{BANS}safelist = [\"203.0.113.0/24\"]\n")))
        .unwrap();
    assert_eq!(status().await, 200);
    // Who takes the section out and puts it back finds them again.
    handle.reload(parsed("")).unwrap();
    assert_eq!(status().await, 200);
    handle.reload(parsed(BANS)).unwrap();
    assert_eq!(status().await, 403);
    clock.advance(Duration::from_secs(601));
    assert_eq!(status().await, 200);
}

#[test]
fn what_a_running_stack_cannot_change_is_refused() {
    let stack = built(BANS);
    let handle = stack.handle();
    let rows = [
        ("bans.on", BANS.replace("times = 2", "times = 3")),
        (
            "bans.escalation",
            format!("{BANS}escalation = {{ multiplier = 2, max_secs = 7200 }}\n"),
        ),
        (
            "bans.client_prefix",
            format!("{BANS}client_prefix = [24, 56]\n"),
        ),
        ("bans.capacity", format!("{BANS}capacity = 2048\n")),
        (
            "bans.dangerous_full_v6",
            format!("{BANS}dangerous_full_v6 = true\n"),
        ),
    ];
    for (path, text) in rows {
        assert_eq!(
            mistakes(handle.reload(parsed(&text))),
            [(path.to_owned(), "needs_restart")]
        );
        assert_eq!(
            mistakes(parsed(&text).build(StackParts::new())),
            [],
            "{text}"
        );
    }
    assert_eq!(handle.config(), parsed(BANS));
}
