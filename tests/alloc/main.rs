//! Allocations of a layer's paths, counted exactly. A binary of its own, because it replaces the global allocator.

mod access;
mod audit;
#[cfg(feature = "jwt")]
mod auth;
mod auth_layer;
mod authorize;
mod bans;
#[cfg(feature = "serde")]
mod config;
mod cookies;
mod csp;
#[cfg(feature = "csp-report")]
mod csp_report;
mod error_mask;
#[cfg(all(feature = "axum", feature = "jwt", feature = "limits"))]
mod full_stack;
mod headers;
mod https;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod jwks;
#[cfg(feature = "limits")]
mod limits;
mod login;
#[cfg(feature = "mfa")]
mod mfa;
#[cfg(feature = "opaque-tokens")]
mod opaque;
mod ownership;
#[cfg(feature = "password")]
mod password;
mod rate_limit;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sanitize")]
mod sanitize;
#[cfg(feature = "sanitize")]
mod sanitize_json;
mod tokens;
#[cfg(feature = "vault")]
mod vault;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Extensions, HeaderValue, Request, Response};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_security::SecurityStack;
use tower_security::core::{ClientIp, PeerAddr, Principal, TrustedProxies};
use tower_security::cors::{CorsBuilder, CorsLayer, MaxAge};
use tower_security::csrf::CsrfLayer;

thread_local! {
    // `const` and without a destructor: reading it allocates nothing and is allowed while a thread ends.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    /// What must not stand in memory that this thread gives back, and how often it did.
    static WATCHED: Cell<Option<[u8; 8]>> = const { Cell::new(None) };
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    COUNT.set(COUNT.get() + 1);
}

/// Looks for what is watched in memory that is given back.
///
/// # Safety
///
/// The memory is allocated, of this size, and nobody writes to it. While something is watched it is handed out zeroed, so that there are bytes
/// to be read.
unsafe fn look(pointer: *const u8, size: usize) {
    let Some(watched) = WATCHED.get() else {
        return;
    };
    // SAFETY: as the caller says.
    let given_back = unsafe { std::slice::from_raw_parts(pointer, size) };
    let found = given_back
        .windows(watched.len())
        .filter(|part| *part == watched);
    LEFT.set(LEFT.get() + found.count());
}

// SAFETY: every method forwards to `System` with the caller's arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        if WATCHED.get().is_some() {
            // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
            return unsafe { System.alloc_zeroed(layout) };
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        if WATCHED.get().is_some() {
            // SAFETY: the caller keeps the contract of `GlobalAlloc::realloc`, so that the size fits the alignment.
            let new = unsafe {
                System.alloc_zeroed(Layout::from_size_align_unchecked(size, layout.align()))
            };
            if !new.is_null() {
                // SAFETY: both are allocated, of that size at least, and the old one is given back once.
                unsafe {
                    std::ptr::copy_nonoverlapping(pointer, new, size.min(layout.size()));
                    look(pointer, layout.size());
                    System.dealloc(pointer, layout);
                }
            }
            return new;
        }
        // SAFETY: the caller keeps the contract of `GlobalAlloc::realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`, and does not use the memory any more.
        unsafe {
            look(pointer, layout.size());
            System.dealloc(pointer, layout);
        }
    }
}

/// Returns what `work` returns and the allocations and reallocations that this thread made for it. The value is not dropped
/// inside: nothing is counted but the work.
fn counted<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = COUNT.get();
    let value = work();
    (value, COUNT.get() - before)
}

/// Returns the allocations and reallocations that this thread makes for `work`.
fn allocations<T>(work: impl FnOnce() -> T) -> usize {
    counted(work).1
}

/// Returns how often these bytes stood in memory that this thread gave back during `work`, to which belongs what `work` returns. What was
/// allocated before is not to be given back in it.
#[cfg(feature = "vault")]
fn left_behind<T>(watched: &[u8], work: impl FnOnce() -> T) -> usize {
    LEFT.set(0);
    WATCHED.set(watched.first_chunk().copied());
    drop(work());
    WATCHED.set(None);
    LEFT.get()
}

/// Calls a service that is ready at once and answers at once.
fn go<S, B, R>(service: &mut S, request: Request<B>) -> Response<R>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    match pin!(service.call(request)).poll(&mut context) {
        Poll::Ready(Ok(response)) => response,
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("the answer is not ready at once"),
    }
}

/// Answers without an allocation, so that each one counted is the layer's.
#[derive(Clone, Copy, Debug)]
struct Bare;

impl<B> Service<Request<B>> for Bare {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::new(Full::default())))
    }
}

#[test]
fn the_allocator_counts_allocations_and_reallocations_of_this_thread() {
    assert_eq!(allocations(|| Box::new(1)), 1);
    let mut list = Vec::<u8>::with_capacity(1);
    assert_eq!(allocations(|| list.reserve_exact(100)), 1);
    let elsewhere = || std::thread::scope(|scope| scope.spawn(|| vec![0; 64].len()).join());
    let (length, with_thread) = counted(elsewhere);
    assert_eq!(length.expect("it does not panic"), 64);
    let (length, without) = counted(|| std::thread::scope(|scope| scope.spawn(|| 64).join()));
    assert_eq!(length.expect("it does not panic"), 64);
    assert_eq!(with_thread, without);
}

#[test]
fn the_bare_service_makes_none() {
    let request = Request::new(Full::<Bytes>::default());
    assert_eq!(allocations(|| go(&mut Bare, request)), 0);
}

/// A request with a peer, as a server hands it on: its extension map has been made already.
fn from_peer(peer: &str) -> Request<Full<Bytes>> {
    let peer: std::net::SocketAddr = peer.parse().expect("an address");
    Request::builder()
        .extension(PeerAddr::from(peer))
        .body(Full::default())
        .expect("a request")
}

#[test]
fn an_empty_stack_makes_none() {
    let mut service = SecurityStack::new().layer(Bare);
    let request = from_peer("203.0.113.9:9");
    assert_eq!(allocations(|| go(&mut service, request)), 0);
}

#[test]
fn the_request_context_makes_three_and_one_growth_of_two_maps() {
    let mut service = SecurityStack::new()
        .client_ip(TrustedProxies::direct())
        .layer(Bare);
    // The first id of a thread also fills the thread's buffer of randomness, which is no allocation.
    let request = from_peer("203.0.113.9:9");
    let (answer, made) = counted(|| go(&mut service, request));
    assert!(answer.headers().contains_key("x-request-id"));
    assert_eq!(made, CONTEXT + MAP);
}

#[test]
fn resolving_a_client_makes_none() {
    let nets = ["10.0.0.0/8".parse().expect("a network")];
    let proxies = ClientIp::trusted_proxies(nets).expect("legal networks");
    let mut request = from_peer("10.0.0.1:9");
    let chain = HeaderValue::from_static("192.0.2.7, 10.0.0.3, 10.0.0.2");
    request.headers_mut().insert("x-forwarded-for", chain);
    let (head, _) = request.into_parts();
    let (client, made) = counted(|| proxies.resolve(&head));
    assert_eq!(
        client.map(|client| client.ip().to_string()).as_deref(),
        Some("192.0.2.7")
    );
    assert_eq!(made, 0);
}

#[test]
fn a_principal_is_read_without_any() {
    let mut extensions = Extensions::new();
    let principal = Principal::builder("alice")
        .scopes(["read", "write"])
        .build();
    principal.dangerous_attach(&mut extensions);
    let read = || {
        let who = Principal::from_extensions(&extensions).expect("it is attached");
        who.has_scope("write") && !who.has_role("admin") && who.subject() == "alice"
    };
    let (read, made) = counted(read);
    assert!(read);
    assert_eq!(made, 0);
}

fn csrf(lines: &[(&str, &str)], method: &str) -> Request<Full<Bytes>> {
    let builder = Request::builder().method(method).uri("/orders");
    [("host", "app.example.com"), ("cookie", "session=1")]
        .iter()
        .chain(lines)
        .fold(builder, |builder, (name, value)| {
            builder.header(*name, *value)
        })
        .body(Full::default())
        .expect("it is a request")
}

#[test]
fn csrf_lets_requests_pass_without_one() {
    const OWN: (&str, &str) = ("origin", "https://app.example.com");
    const SSO: (&str, &str) = ("origin", "https://sso.example.com");
    const APP: (&str, &str) = ("origin", "https://shop.apps.example.com");
    const CROSS: (&str, &str) = ("sec-fetch-site", "cross-site");
    let builder = CsrfLayer::builder()
        .trusted_origins(["https://sso.example.com", "https://*.apps.example.com"])
        .dangerous_exempt("/orders");
    let mut service = builder.build().expect("it is sound").layer(Bare);
    let rows: [(&str, &str, &[(&str, &str)]); 9] = [
        ("GET of an old browser", "GET", &[]),
        ("GET", "GET", &[("sec-fetch-site", "same-origin")]),
        ("link", "GET", &[CROSS]),
        ("POST", "POST", &[("sec-fetch-site", "same-origin"), OWN]),
        ("POST by Origin", "POST", &[OWN]),
        (
            "POST by Referer",
            "POST",
            &[("referer", "https://app.example.com/a")],
        ),
        ("POST from a trusted origin", "POST", &[CROSS, SSO]),
        ("POST from a trusted sub-domain", "POST", &[CROSS, APP]),
        ("POST to an exempt path", "POST", &[CROSS]),
    ];
    for (name, method, lines) in rows {
        let request = csrf(lines, method);
        let (answer, made) = counted(|| go(&mut service, request));
        assert_eq!((answer.status(), made), (http::StatusCode::OK, 0), "{name}");
    }
}

#[test]
fn csrf_refuses_with_at_most_eight_and_decides_without_one() {
    let layer = CsrfLayer::new();
    let long = |name: &str, value: String| {
        let mut request = csrf(&[], "POST");
        let value = HeaderValue::try_from(value).expect("it is a value");
        let name = http::HeaderName::try_from(name).expect("it is a name");
        request.headers_mut().insert(name, value);
        request
    };
    let rows = [
        ("plain", csrf(&[("sec-fetch-site", "cross-site")], "POST")),
        ("nothing said", csrf(&[], "POST")),
        (
            "100 lines of metadata",
            csrf(&[("sec-fetch-site", "same-origin"); 100], "POST"),
        ),
        (
            "16 KiB of Referer",
            long(
                "referer",
                format!("https://a.example/{}", "a".repeat(16 * 1024)),
            ),
        ),
        (
            "8 KiB of Origin",
            long("origin", format!("https://{}", "a.".repeat(4 * 1024))),
        ),
    ];
    for (name, request) in rows {
        let (head, body) = request.into_parts();
        let (decision, made) = counted(|| layer.policy().check(&head));
        assert!(decision.is_err(), "{name}");
        assert_eq!(made, 0, "{name}");
        let mut service = layer.layer(Bare);
        let request = Request::from_parts(head, body);
        let (answer, made) = counted(|| go(&mut service, request));
        assert_eq!(answer.status(), http::StatusCode::FORBIDDEN, "{name}");
        assert!(made <= 8, "{name}: {made}");
    }
}

const CORS_APP: &str = "https://app.example.com";

fn cors_builder() -> CorsBuilder {
    CorsLayer::builder()
        .origins([CORS_APP, "https://*.apps.example.com"])
        .methods(["PUT", "DELETE"])
        .request_headers(["authorization", "content-type"])
        .expose_headers(["etag"])
        .credentials(true)
        .max_age(MaxAge::Secs(600))
}

/// As hyper makes it: values are parts of one shared buffer.
fn cors_request(method: &str, lines: &[(&'static str, &str)]) -> Request<Full<Bytes>> {
    let mut request = csrf(&[], method);
    for (name, value) in lines {
        let value = HeaderValue::from_maybe_shared(Bytes::copy_from_slice(value.as_bytes()));
        let value = value.expect("it is a value");
        // The buffer is shared from the beginning.
        drop(value.clone());
        request.headers_mut().append(*name, value);
    }
    request
}

/// The two tables of an answer's header map, made when its first header is set.
const MAP: usize = 2;

/// Answers with one header, as most handlers do: its map has room for six.
#[derive(Clone, Copy, Debug)]
struct Typed;

impl<B> Service<Request<B>> for Typed {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        let mut response = Response::new(Full::default());
        let value = HeaderValue::from_static("application/json");
        response.headers_mut().insert("content-type", value);
        ready(Ok(response))
    }
}

#[test]
fn cors_adds_headers_without_an_allocation() {
    let sub_domain = ("origin", "https://a.apps.example.com");
    let rows = [
        ("no origin", "GET", &[][..]),
        ("allowed", "GET", &[("origin", CORS_APP)]),
        ("allowed by a pattern", "POST", &[sub_domain]),
        ("foreign", "GET", &[("origin", "https://evil.example")]),
        ("null", "GET", &[("origin", "null")]),
        ("two lines", "GET", &[sub_domain, sub_domain]),
        ("no preflight", "OPTIONS", &[sub_domain]),
    ];
    let thousand = (0..1_000).map(|n| format!("https://app{n}.example.com"));
    let of_1000 = cors_builder().origins(thousand.chain([CORS_APP.to_owned()]));
    for builder in [cors_builder(), of_1000] {
        let layer = builder.build().expect("a valid policy");
        for (name, method, lines) in rows {
            let request = cors_request(method, lines);
            let mut service = layer.layer(Typed);
            assert_eq!(allocations(|| go(&mut service, request)), MAP, "{name}");
            // The handler has set none: the map is made for the layer's own.
            let request = cors_request(method, lines);
            let mut service = layer.layer(Bare);
            assert!(allocations(|| go(&mut service, request)) <= MAP, "{name}");
        }
    }
}

#[test]
fn cors_answers_preflights_with_at_most_one() {
    let commas = ", ".repeat(8 * 1024);
    let put = ("access-control-request-method", "PUT");
    let names = |value| ("access-control-request-headers", value);
    let app = ("origin", CORS_APP);
    let rows = [
        (
            "allowed",
            204,
            0,
            vec![app, put, names("authorization,content-type")],
        ),
        (
            "allowed by a pattern",
            204,
            0,
            vec![("origin", "https://a.apps.example.com"), put],
        ),
        // The list of further lines.
        (
            "two lines",
            204,
            1,
            vec![app, put, names("authorization"), names("content-type")],
        ),
        (
            "foreign",
            403,
            0,
            vec![("origin", "https://evil.example"), put],
        ),
        (
            "method",
            403,
            0,
            vec![app, ("access-control-request-method", "PATCH")],
        ),
        ("headers", 403, 0, vec![app, put, names("x-a")]),
        ("16 KiB of commas", 403, 0, vec![app, put, names(&commas)]),
        ("two origins", 403, 0, vec![app, app, put]),
    ];
    let layer = cors_builder().build().expect("a valid policy");
    let mut service = layer.layer(Bare);
    for (name, status, most, lines) in rows {
        let request = cors_request("OPTIONS", &lines);
        let (answer, made) = counted(|| go(&mut service, request));
        assert_eq!((answer.status().as_u16(), made), (status, most), "{name}");
    }
}

/// What a page of [`CORS_APP`] may send to a service of another site, and what the browser of an own page sends.
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const FROM_APP: [(&str, &str); 2] = [("sec-fetch-site", "cross-site"), ("origin", CORS_APP)];
const FORGED: [(&str, &str); 2] = [
    ("sec-fetch-site", "cross-site"),
    ("origin", "https://evil.example"),
];

/// The context, its extension, and the value of `x-request-id`.
const CONTEXT: usize = 3;
/// The body and the extensions of a refusal; its header map is that of the request.
const REFUSAL: usize = 4;

#[test]
fn a_stack_of_both_layers_makes_what_its_layers_make() {
    let preflight = [
        FROM_APP[0],
        FROM_APP[1],
        ("access-control-request-method", "PUT"),
    ];
    let foreign_preflight = [FORGED[0], FORGED[1], preflight[2]];
    let rows = [
        ("own GET", "GET", &[OWN][..], 200, MAP),
        ("own POST", "POST", &[OWN], 200, MAP),
        ("GET of an allowed origin", "GET", &FROM_APP, 200, MAP),
        ("POST of a trusted origin", "POST", &FROM_APP, 200, MAP),
        ("GET of another origin", "GET", &FORGED, 200, MAP),
        ("preflight", "OPTIONS", &preflight, 204, 0),
        ("foreign preflight", "OPTIONS", &foreign_preflight, 403, 0),
        ("forged POST", "POST", &FORGED, 403, REFUSAL),
    ];
    let mut service = SecurityStack::new()
        .cors(cors_builder().build().expect("a valid policy"))
        .csrf(CsrfLayer::new())
        .trust_cors_origins()
        .expect("the policy allows credentials")
        .layer(Typed);
    for (name, method, lines, status, most) in rows {
        let request = cors_request(method, lines);
        let (answer, made) = counted(|| go(&mut service, request));
        assert_eq!((answer.status().as_u16(), made), (status, most), "{name}");
    }
}

#[test]
fn a_refusal_with_the_request_context_makes_the_sum_of_both() {
    let mut service = SecurityStack::new()
        .client_ip(TrustedProxies::direct())
        .csrf(CsrfLayer::new())
        .layer(Typed);
    let rows = [
        ("own POST", &[OWN][..], 200, MAP + CONTEXT),
        ("forged POST", &FORGED, 403, REFUSAL + CONTEXT),
    ];
    for (name, lines, status, most) in rows {
        let mut request = cors_request("POST", lines);
        let peer: std::net::SocketAddr = "203.0.113.9:9".parse().expect("an address");
        request.extensions_mut().insert(PeerAddr::from(peer));
        let (answer, made) = counted(|| go(&mut service, request));
        assert!(answer.headers().contains_key("x-request-id"), "{name}");
        assert_eq!((answer.status().as_u16(), made), (status, most), "{name}");
    }
}
