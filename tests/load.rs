//! Ten thousand requests over 64 connections through a stack of every layer, over sockets: nothing panics, what was counted is exact,
//! and the memory in use afterwards is what it was before.
//!
//! A binary of its own: it counts the memory of the process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::{Layer, Service};
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::authorize::{authenticated, role};
use tower_security::core::{
    EventSink, ManualClock, Outcome, Principal, RequestScheme, SchemeSource, SecurityEvent,
    TrustedProxies, WithPeerAddr,
};
use tower_security::https::OnInsecure;
use tower_security::ownership::{AccessRequest, Decision};
use tower_security::rate_limit::{Policy, Quota, key};
use tower_security::{
    AccessTable, AuthLayer, BanLayer, CookieLayer, CorsLayer, CsrfLayer, HttpsLayer, LimitsLayer,
    OwnershipGuard, RateLimitLayer, RequireAuthorization, SanitizeLayer, SecurityStack,
};

/// Bytes in use.
static IN_USE: AtomicIsize = AtomicIsize::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: usize, sign: isize) {
    let bytes = isize::try_from(bytes).unwrap_or(0);
    IN_USE.fetch_add(sign * bytes, Ordering::Relaxed);
}

// SAFETY: every method forwards to `System` with the caller's arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), -1);
        count(size, 1);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

const CONNECTIONS: usize = 64;
const REQUESTS: usize = 10_048;
const OF_EACH: usize = REQUESTS / CONNECTIONS;
/// What the address may ask, of all that gets so far.
const QUOTA: u32 = 6_000;

/// The handler: it counts what reaches it.
#[derive(Clone, Debug, Default)]
struct Orders(Arc<AtomicUsize>);

impl<B> Service<Request<B>> for Orders {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        self.0.fetch_add(1, Ordering::SeqCst);
        let mut answer = Response::new(Full::from("{}"));
        let json = HeaderValue::from_static("application/json");
        answer.headers_mut().insert(CONTENT_TYPE, json);
        ready(Ok(answer))
    }
}

/// Counts what was refused, by the layer, with what an event says was left out before it. What is told for another reason is counted
/// apart.
#[derive(Clone, Debug, Default)]
struct Told {
    refused: Arc<[AtomicUsize; LAYERS.len()]>,
    other: Arc<AtomicUsize>,
}

const LAYERS: [&str; 6] = [
    "rate_limit",
    "limits",
    "csrf",
    "auth",
    "authorize",
    "ownership",
];

impl EventSink for Told {
    fn record(&self, event: &SecurityEvent<'_>) {
        let layer = LAYERS.iter().position(|layer| *layer == event.layer);
        let detail = event.detail.as_ref().map(ToString::to_string);
        let mut words = detail.iter().flat_map(|detail| detail.split(' '));
        let left_out = words.find_map(|word| word.strip_prefix("suppressed="));
        let left_out: usize = left_out.map_or(0, |count| count.parse().unwrap());
        let count = match layer {
            Some(layer) if event.outcome == Outcome::Refused => &self.refused[layer],
            Some(_) | None => &self.other,
        };
        count.fetch_add(1 + left_out, Ordering::SeqCst);
    }
}

/// What a request is: some are served, each of the others is refused by another layer, if the limit lets it so far.
const KINDS: [(&str, &str, &[(&str, &str)]); 8] = [
    ("GET", "/orders/7", &[KEY]),
    ("POST", "/orders/7", &[KEY, JSON]),
    ("GET", "/orders/8", &[KEY]),
    ("GET", "/orders/7", &[]),
    ("GET", "/admin", &[KEY]),
    (
        "POST",
        "/orders/7",
        &[KEY, ("sec-fetch-site", "cross-site")],
    ),
    ("POST", "/orders/7", &[KEY, LONG]),
    (
        "GET",
        "/orders/7",
        &[KEY, ("sec-fetch-site", "same-origin")],
    ),
];

/// The kind without a key.
const NOBODY: usize = 3;

const KEY: (&str, &str) = ("x-api-key", "$KEY");
const JSON: (&str, &str) = ("content-type", "application/json");
/// More than the server takes.
const LONG: (&str, &str) = ("content-type", "text/plain");

fn owner(request: &AccessRequest) -> Decision {
    match request.id() {
        "7" => Decision::Allow,
        _ => Decision::Deny,
    }
}

/// A server of every layer, for as long as the runtime lives. Each of its connections holds a permit.
async fn serve(
    keys: &ApiKeyAuth,
    orders: Orders,
    told: Told,
    clock: ManualClock,
) -> (SocketAddr, Arc<Semaphore>) {
    let cors = CorsLayer::builder()
        .origins(["https://app.example.com"])
        .credentials(true)
        .build()
        .unwrap();
    let https = HttpsLayer::builder(SchemeSource::Listener(RequestScheme::Https))
        .on_insecure(OnInsecure::Reject)
        .build()
        .unwrap();
    // Nothing flows back while the clock stands still.
    let quota = Policy::new("address", Quota::per_hour(QUOTA)).key(key::client_ip());
    let limit = RateLimitLayer::builder()
        .policy(quota)
        .clock(clock)
        .build()
        .unwrap();
    let by_principal = Policy::new("user", Quota::per_hour(1_000_000)).key(key::principal());
    let by_principal = RateLimitLayer::builder().policy(by_principal).build();
    let access = AccessTable::builder()
        .any_method("/orders/{id}", authenticated())
        .any_method("/admin", role("admin"))
        .build()
        .unwrap();
    let ownership = OwnershipGuard::builder().resource("/orders/{id}", owner);
    let stack = SecurityStack::api()
        .client_ip(TrustedProxies::direct())
        .events(told)
        .cookies(CookieLayer::strict())
        .cors(cors)
        .bans(BanLayer::builder().build().unwrap())
        .https(https)
        .rate_limit(limit)
        .limits(LimitsLayer::builder().body_limit(1_024).build().unwrap())
        .csrf(CsrfLayer::new())
        .auth(AuthLayer::builder().api_key(keys.clone()).build().unwrap())
        .rate_limit_by_principal(by_principal.unwrap())
        .require_authorization(RequireAuthorization::new())
        .access(access)
        .sanitize(SanitizeLayer::strict())
        .ownership(ownership.build().unwrap());
    let service = stack.layer(orders);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let open = Arc::new(Semaphore::new(CONNECTIONS));
    let is_closed = Arc::clone(&open);
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let permit = Arc::clone(&open).acquire_owned().await.unwrap();
            let service = TowerToHyperService::new(WithPeerAddr::new(service.clone(), peer.into()));
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                // A client that hangs up is not the server's failure.
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
                drop(permit);
            });
        }
    });
    (addr, is_closed)
}

fn request(number: usize, addr: SocketAddr, key: &str, is_http2: bool) -> Request<Full<Bytes>> {
    let kind = match number % KINDS.len() {
        // Of more than a hundred of these some would not be told of.
        NOBODY if number > KINDS.len() => 0,
        kind => kind,
    };
    let (method, path, headers) = KINDS[kind];
    let mut request = Request::builder().method(method);
    request = if is_http2 {
        request.uri(format!("http://{addr}{path}"))
    } else {
        request.uri(path).header(HOST, addr.to_string())
    };
    let mut body = Bytes::new();
    for (name, value) in headers {
        match (*name, *value) {
            JSON => body = Bytes::from_static(b"{\"n\":1}"),
            LONG => body = Bytes::from_static(&[b'a'; 2_048]),
            _ => {}
        }
        let value = if *value == "$KEY" { key } else { value };
        request = request.header(HeaderName::from_static(name), value);
    }
    request.body(Full::from(body)).unwrap()
}

/// Asks one after the other over one connection. Returns how many of each status came back.
async fn ask(addr: SocketAddr, key: Arc<str>, is_http2: bool, requests: usize) -> Vec<StatusCode> {
    let io = TokioIo::new(TcpStream::connect(addr).await.unwrap());
    let mut statuses = Vec::with_capacity(requests);
    macro_rules! all {
        ($sender:ident, $connection:ident) => {{
            let driver = tokio::spawn($connection);
            for number in 0..requests {
                $sender.ready().await.unwrap();
                let answer = $sender
                    .send_request(request(number, addr, &key, is_http2))
                    .await;
                let answer = answer.unwrap();
                statuses.push(answer.status());
                answer.into_body().collect().await.unwrap();
            }
            drop($sender);
            driver.await.unwrap().unwrap();
        }};
    }
    if is_http2 {
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
        let (mut sender, connection) = handshake.await.unwrap();
        all!(sender, connection);
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        all!(sender, connection);
    }
    statuses
}

/// A round over all connections, half of them HTTP/2.
async fn round(addr: SocketAddr, key: &Arc<str>) -> Vec<StatusCode> {
    let mut clients = JoinSet::new();
    for number in 0..CONNECTIONS {
        clients.spawn(ask(addr, Arc::clone(key), number % 2 == 0, OF_EACH));
    }
    clients.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_requests_are_counted_exactly_and_leave_nothing_behind() {
    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop")
        .build()
        .unwrap();
    let alice = Principal::builder("alice").roles(["user"]).build();
    let issued = keys.issue(&alice, None).await.unwrap();
    let key: Arc<str> = issued.key().expose().as_str().into();

    let (orders, told, clock) = (Orders::default(), Told::default(), ManualClock::new());
    let (addr, open) = serve(&keys, orders.clone(), told.clone(), clock.clone()).await;
    let statuses = round(addr, &key).await;
    assert_eq!(statuses.len(), REQUESTS);

    // A flood is told of a hundred times, and the next event says what was left out: here of one more request, which comes too soon for
    // the quota.
    clock.advance(Duration::from_millis(20));
    let more = ask(addr, Arc::clone(&key), false, 1).await;
    let statuses = [statuses, more].concat();

    let count = |status: StatusCode| statuses.iter().filter(|each| **each == status).count();
    let limited = count(StatusCode::TOO_MANY_REQUESTS);
    let quota = usize::try_from(QUOTA).unwrap();
    assert_eq!(
        statuses.len() - limited,
        quota,
        "the quota, no more and no less"
    );
    assert_eq!(count(StatusCode::OK), orders.0.load(Ordering::SeqCst));
    let refused: Vec<_> = told
        .refused
        .iter()
        .map(|count| count.load(Ordering::SeqCst))
        .collect();
    assert_eq!(
        refused,
        [
            limited,
            count(StatusCode::PAYLOAD_TOO_LARGE),
            refused[2],
            count(StatusCode::UNAUTHORIZED),
            refused[4],
            count(StatusCode::NOT_FOUND),
        ]
    );
    assert_eq!(refused[2] + refused[4], count(StatusCode::FORBIDDEN));
    assert_eq!(
        refused.iter().sum::<usize>(),
        statuses.len() - count(StatusCode::OK)
    );
    assert_eq!(
        told.other.load(Ordering::SeqCst),
        0,
        "an event that no refusal caused"
    );

    // The first round fills what is of a fixed size; the second leaves nothing behind.
    let settled = in_use(&open).await;
    assert_eq!(round(addr, &key).await.len(), REQUESTS);
    let grown = in_use(&open).await - settled;
    println!("{grown} bytes more after {REQUESTS} requests more");
    // Buffers of connections come and go: less than 26 bytes a request.
    assert!(grown < 256 * 1_024, "{grown}");
}

/// The bytes in use when all connections are closed.
async fn in_use(open: &Semaphore) -> isize {
    let all = u32::try_from(CONNECTIONS).unwrap();
    let _all = open.acquire_many(all).await.unwrap();
    IN_USE.load(Ordering::SeqCst)
}
