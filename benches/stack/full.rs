//! Everything that an API in the open needs, as one layer on axum, beside its peers: a request id, security headers, CORS, caught panics,
//! a rate limit by address, limits of size and time, secrets kept out of logs, CSRF protection and a JSON Web Token.
//!
//! The peers are those of tower-http, http-security-headers and `tower_governor`, and a middleware written by hand around
//! `jsonwebtoken`.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::get;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, SET_COOKIE,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::Deserialize;
use tower::ServiceBuilder;
use tower::layer::util::Identity;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::map_request_body::MapRequestBodyLayer;
use tower_http::map_response_body::MapResponseBodyLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::sensitive_headers::{
    SetSensitiveRequestHeadersLayer, SetSensitiveResponseHeadersLayer,
};
use tower_http::timeout::TimeoutLayer;
use tower_security::core::TrustedProxies;
use tower_security::rate_limit::{Policy, Quota, key};
use tower_security::token::jws::{Algorithm, Jwk};
use tower_security::token::{JwtVerifier, TokenCache};
use tower_security::{
    AuthLayer, CsrfLayer, LimitsLayer, RateLimitLayer, SanitizeLayer, SecurityStack,
};

use super::harness::{Group, go_axum};
use super::{APP, browser, our_cors, peer_api, peer_cors, peer_csrf};

const PEERS: &str = "the peers, as one layer";
const OURS: &str = "tower-security";
const GUARDED: &str = "tower-security, structure guard";
const KNOWN: &str = "tower-security, known token";
const IDENTITY: &str = "tower's Identity";

const ISSUER: &str = "https://id.example.com/";
const AUDIENCE: &str = "https://api.example.com";
const SECRET: &[u8] = b"a bench: take 32 bytes of random";
const BODY_LIMIT: usize = 2 << 20;
const TIME: Duration = Duration::from_secs(30);

pub(super) fn groups() -> Vec<Group> {
    vec![
        group("axum: full stack, authenticated GET", get_order),
        group("axum: full stack, preflight", preflight),
        group("axum: full stack, POST of 1 KiB of JSON", post_order),
        refused("axum: full stack, refused by the rate limit"),
        signed("axum: full stack, GET with a token of ES256"),
        Group::new("axum: empty stack", IDENTITY)
            .row("bare", || (get_order(), go_axum(router())))
            .row(IDENTITY, || {
                (get_order(), go_axum(router().layer(Identity::new())))
            })
            .row(OURS, || {
                (get_order(), go_axum(router().layer(SecurityStack::new())))
            }),
    ]
}

/// What the handlers of both are behind. A macro, since the types have many parameters.
macro_rules! peers {
    ($burst:expr) => {
        peers!($burst, &HMAC)
    };
    ($burst:expr, $issuer:expr) => {
        ServiceBuilder::new()
            .layer(SetSensitiveRequestHeadersLayer::new([
                AUTHORIZATION,
                COOKIE,
            ]))
            .layer(SetSensitiveResponseHeadersLayer::new([SET_COOKIE]))
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(peer_api())
            .layer(peer_cors())
            .layer(CatchPanicLayer::new())
            // The body of a caught panic is another one.
            .layer(governor($burst))
            .layer(MapResponseBodyLayer::new(Body::new))
            .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
            .layer(TimeoutLayer::with_status_code(
                StatusCode::REQUEST_TIMEOUT,
                TIME,
            ))
            .layer(peer_csrf())
            .layer(MapRequestBodyLayer::new(Body::new))
            .layer(from_fn_with_state(
                ($issuer.theirs.clone(), validation($issuer.algorithm)),
                by_hand,
            ))
    };
}

macro_rules! ours {
    ($quota:expr) => {
        ours!($quota, auth(&HMAC, None))
    };
    ($quota:expr, $auth:expr) => {
        SecurityStack::api()
            .client_ip(TrustedProxies::direct())
            .cors(our_cors())
            .rate_limit(limit($quota))
            .limits(LimitsLayer::new())
            .csrf(CsrfLayer::new())
            .auth($auth)
    };
}

fn group<I>(name: &'static str, request: fn() -> I) -> Group
where
    I: FnMut() -> Request<Body> + 'static,
{
    Group::new(name, PEERS)
        .row("bare", move || (request(), go_axum(router())))
        .row(PEERS, move || {
            (
                request(),
                checked(request(), go_axum(router().layer(peers!(PLENTY)))),
            )
        })
        .row(OURS, move || {
            let stack = ours!(Quota::per_second(PLENTY));
            (
                request(),
                checked(request(), go_axum(router().layer(stack))),
            )
        })
        .row(GUARDED, move || {
            let stack = ours!(Quota::per_second(PLENTY)).sanitize(SanitizeLayer::strict());
            (
                request(),
                checked(request(), go_axum(router().layer(stack))),
            )
        })
}

/// Tokens of an identity provider, whose signatures take most of the time. One that was verified before has its times, its key and its
/// revocation looked at again, its signature not.
fn signed(name: &'static str) -> Group {
    let get = || get_order_with(ES256.line.clone());
    let ours = move |cache: Option<TokenCache>| {
        let stack = ours!(Quota::per_second(PLENTY), auth(&ES256, cache));
        (get(), checked(get(), go_axum(router().layer(stack))))
    };
    Group::new(name, PEERS)
        .row("bare", move || (get(), go_axum(router())))
        .row(PEERS, move || {
            let peers = peers!(PLENTY, &ES256);
            (get(), checked(get(), go_axum(router().layer(peers))))
        })
        .row(OURS, move || ours(None))
        .row(KNOWN, move || ours(Some(TokenCache::default())))
}

fn refused(name: &'static str) -> Group {
    Group::new(name, PEERS)
        .row("bare", || (get_order(), go_axum(router())))
        .row(PEERS, || {
            (get_order(), spent(go_axum(router().layer(peers!(1)))))
        })
        .row(OURS, || {
            let stack = ours!(Quota::per_day(1));
            (get_order(), spent(go_axum(router().layer(stack))))
        })
}

const PLENTY: u32 = 1_000_000;

/// Makes sure that a row does what it is called.
fn checked(
    mut request: impl FnMut() -> Request<Body>,
    mut call: impl FnMut(Request<Body>) -> Response<Body>,
) -> impl FnMut(Request<Body>) -> Response<Body> {
    let answer = call(request());
    assert!(answer.status().is_success(), "{answer:?}");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert!(answer.headers().contains_key("x-request-id"));
    call
}

/// Uses up what there is.
fn spent(
    mut call: impl FnMut(Request<Body>) -> Response<Body>,
) -> impl FnMut(Request<Body>) -> Response<Body> {
    let mut request = get_order();
    assert_eq!(call(request()).status(), StatusCode::OK);
    assert_eq!(call(request()).status(), StatusCode::TOO_MANY_REQUESTS);
    call
}

fn router() -> Router {
    let order = get(async || "{}").post(async |body: Bytes| body.len().to_string());
    Router::new().route("/orders/{id}", order)
}

/// One who signs tokens: a line with one of them, and the key for it as each side reads it.
struct Issuer {
    algorithm: jsonwebtoken::Algorithm,
    line: HeaderValue,
    theirs: DecodingKey,
    ours: Jwk,
}

static HMAC: LazyLock<Issuer> = LazyLock::new(|| Issuer {
    algorithm: jsonwebtoken::Algorithm::HS256,
    line: token(
        jsonwebtoken::Algorithm::HS256,
        &EncodingKey::from_secret(SECRET),
    ),
    theirs: DecodingKey::from_secret(SECRET),
    ours: Jwk::hmac(SECRET, Algorithm::Hs256).expect("a key"),
});

static ES256: LazyLock<Issuer> = LazyLock::new(|| {
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    let (private, public) = (pair.serialize_pem(), pair.public_key_pem());
    let encoding = EncodingKey::from_ec_pem(private.as_bytes()).expect("the same key");
    Issuer {
        algorithm: jsonwebtoken::Algorithm::ES256,
        line: token(jsonwebtoken::Algorithm::ES256, &encoding),
        theirs: DecodingKey::from_ec_pem(public.as_bytes()).expect("the same key"),
        ours: Jwk::from_pem(public.as_bytes(), Algorithm::Es256).expect("the same key"),
    }
});

fn token(algorithm: jsonwebtoken::Algorithm, key: &EncodingKey) -> HeaderValue {
    let claims = serde_json::json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": 4_102_444_800_u64,
        "iat": 1_735_689_600_u64,
        "nbf": 1_735_689_600_u64,
        "sub": "5f0c1ed1-7d0f-4d0c-9c4b-5d6e53f3a1de",
        "client_id": "web",
        "jti": "a3a3a1d6-0c54-4a3e-9f0e-6f6d5d9c7f10",
        "scope": "orders:read orders:write profile",
    });
    let mut header = Header::new(algorithm);
    header.typ = Some("at+jwt".into());
    let token = jsonwebtoken::encode(&header, &claims, key);
    let line = format!("Bearer {}", token.expect("a token"));
    HeaderValue::try_from(line).expect("it is ASCII")
}

/// Makes requests of a page of the application, with a token, as a server hands them on.
fn requests(
    method: Method,
    token: HeaderValue,
    change: impl Fn(&mut Request<Body>),
) -> impl FnMut() -> Request<Body> {
    move || {
        let request = browser(method.clone(), "cross-site", Some(APP));
        let mut request = request.map(|_| Body::empty());
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, token.clone());
        let peer = SocketAddr::from(([203, 0, 113, 9], 4711));
        request.extensions_mut().insert(ConnectInfo(peer));
        change(&mut request);
        request
    }
}

fn get_order() -> impl FnMut() -> Request<Body> + use<> {
    get_order_with(HMAC.line.clone())
}

fn get_order_with(token: HeaderValue) -> impl FnMut() -> Request<Body> + use<> {
    requests(Method::GET, token, |_| {})
}

fn preflight() -> impl FnMut() -> Request<Body> + use<> {
    requests(Method::OPTIONS, HMAC.line.clone(), |request| {
        let headers = request.headers_mut();
        headers.remove(AUTHORIZATION);
        let method = HeaderValue::from_static("PUT");
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, method);
    })
}

fn post_order() -> impl FnMut() -> Request<Body> + use<> {
    let items: Vec<_> = (0..19)
        .map(|number| serde_json::json!({"sku": format!("apple-{number:02}"), "count": number, "note": "ripe, please"}))
        .collect();
    let body = serde_json::json!({"address": "1 High Street", "items": items}).to_string();
    assert!((900..1_200).contains(&body.len()), "{}", body.len());
    let body = Bytes::from(body);
    requests(Method::POST, HMAC.line.clone(), move |request| {
        let headers = request.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        // A page of the same origin: tower-http trusts no other.
        let site = HeaderValue::from_static("same-origin");
        headers.insert("sec-fetch-site", site);
        *request.body_mut() = Body::from(body.clone());
    })
}

type Governor = GovernorLayer<
    tower_governor::key_extractor::PeerIpKeyExtractor,
    governor::middleware::NoOpMiddleware,
    Body,
>;

fn governor(burst: u32) -> Governor {
    let mut builder = GovernorConfigBuilder::default();
    match burst {
        1 => builder.per_second(86_400).burst_size(1),
        burst => builder.per_nanosecond(1_000).burst_size(burst),
    };
    GovernorLayer::new(builder.finish().expect("a legal quota"))
}

fn validation(algorithm: jsonwebtoken::Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation
}

/// What a handler gets.
#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "as much as a principal holds")]
struct Claims {
    iss: String,
    sub: String,
    client_id: String,
    jti: String,
    scope: String,
    exp: u64,
}

async fn by_hand(
    State((key, validation)): State<(DecodingKey, Validation)>,
    mut request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let token = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|line| line.to_str().ok())
        .and_then(|line| line.strip_prefix("Bearer "));
    let decoded = token.map(|token| jsonwebtoken::decode::<Claims>(token, &key, &validation));
    let Some(Ok(decoded)) = decoded else {
        let mut refused = Response::new(Body::empty());
        *refused.status_mut() = StatusCode::UNAUTHORIZED;
        return refused;
    };
    request.extensions_mut().insert(decoded.claims);
    next.run(request).await
}

fn limit(quota: Quota) -> RateLimitLayer {
    let policy = Policy::new("ip", quota).key(key::client_ip());
    let layer = RateLimitLayer::builder().policy(policy).build();
    layer.expect("a legal quota")
}

fn auth(issuer: &Issuer, cache: Option<TokenCache>) -> AuthLayer {
    let mut verifier = JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(issuer.ours.clone());
    if let Some(cache) = cache {
        verifier = verifier.token_cache(cache);
    }
    let layer = AuthLayer::builder().bearer(verifier.build().expect("a verifier"));
    layer.build().expect("it is well configured")
}
