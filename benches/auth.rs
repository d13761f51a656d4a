//! Authentication: what a token costs, beside `jsonwebtoken::decode`, the signature check alone, and `tower-oauth2-resource-server`.
//! See `harness` for the commands.
//!
//! ```text
//! cargo bench --all-features --bench auth -- token      verifying alone
//! cargo bench --all-features --bench auth -- layer      the layer, above a bare service
//! ```
//!
//! Callgrind knows no SHA extensions: rows that hash are judged by time.

mod harness;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    UnparsedPublicKey, VerificationAlgorithm,
};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCEPT, AUTHORIZATION, COOKIE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData};
use serde::Deserialize;
use tower::Layer;
use tower_oauth2_resource_server::claims::DefaultClaims;
use tower_oauth2_resource_server::server::OAuth2ResourceServer;
use tower_oauth2_resource_server::tenant::TenantConfiguration;
use tower_oauth2_resource_server::validation::ClaimsValidationSpec;

use tower_security::auth::AuthLayer;
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::auth::session::{MemorySessionStore, SessionAuth};
use tower_security::authorize::{RequireLayer, any_scope, role};
use tower_security::core::{AuthMethod, Lookup, Principal, Secret};
use tower_security::token::jws::{Algorithm, Jwk, JwkSet};
use tower_security::token::{JwtVerifier, TokenCache};

use harness::{Group, bare, go, go_axum};

const OURS: &str = "tower-security";
const JSONWEBTOKEN: &str = "jsonwebtoken";
const RAW: &str = "signature alone";
const RIVAL: &str = "tower-oauth2-resource-server";
const BY_HAND: &str = "from_fn, decode";

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const ISSUER: &str = "https://id.example.com/";
const AUDIENCE: &str = "https://api.example.com";
const SECRET: &[u8] = b"a bench: take 32 bytes of random";

fn main() -> ExitCode {
    // `decode` asks the process for its backend; this crate does not.
    jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER
        .install_default()
        .expect("nobody else has installed one");
    harness::main("auth", &groups())
}

/// A key, and a token that it has signed.
#[derive(Clone)]
struct Signed {
    token: String,
    jwk: String,
    decoding: DecodingKey,
    algorithm: jsonwebtoken::Algorithm,
    public: Vec<u8>,
    signature: &'static dyn VerificationAlgorithm,
}

/// What a token says: an access token of RFC 9068, good until 2100.
fn claims(changes: &[(&str, &str)]) -> serde_json::Value {
    let mut claims = serde_json::json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": 4_102_444_800_u64,
        "iat": 1_735_689_600_u64,
        "nbf": 1_735_689_600_u64,
        "sub": "5f0c1ed1-7d0f-4d0c-9c4b-5d6e53f3a1de",
        "client_id": "web",
        "jti": "a3a3a1d6-0c54-4a3e-9f0e-6f6d5d9c7f10",
        "scope": "orders:read orders:write profile",
        "roles": ["editor", "support"],
    });
    for (name, value) in changes {
        claims[*name] = serde_json::from_str(value).expect("JSON");
    }
    claims
}

fn header(algorithm: jsonwebtoken::Algorithm) -> Header {
    let mut header = Header::new(algorithm);
    header.typ = Some("at+jwt".into());
    header.kid = Some("key-1".into());
    header
}

fn asymmetric(name: &str) -> Signed {
    use jsonwebtoken::Algorithm as Theirs;
    let (kind, algorithm, signature): (_, _, &'static dyn VerificationAlgorithm) = match name {
        "ES256" => (
            &PKCS_ECDSA_P256_SHA256,
            Theirs::ES256,
            &ECDSA_P256_SHA256_FIXED,
        ),
        "EdDSA" => (&PKCS_ED25519, Theirs::EdDSA, &ED25519),
        _ => (&PKCS_RSA_SHA256, Theirs::RS256, &RSA_PKCS1_2048_8192_SHA256),
    };
    let pair = match name {
        // To make one takes minutes where instructions are counted.
        "RS256" => KeyPair::from_pem(include_str!("auth/rsa.pem")),
        _ => KeyPair::generate_for(kind),
    };
    let pair = pair.expect("a key");
    let pem = pair.serialize_pem();
    let encoding = match name {
        "ES256" => EncodingKey::from_ec_pem(pem.as_bytes()),
        "EdDSA" => EncodingKey::from_ed_pem(pem.as_bytes()),
        _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
    };
    let token = jsonwebtoken::encode(
        &header(algorithm),
        &claims(&[]),
        &encoding.expect("the same key"),
    );
    let public = pair.der_bytes().to_vec();
    let text = |raw: &[u8]| URL_SAFE_NO_PAD.encode(raw);
    let (jwk, decoding) = match name {
        "ES256" => {
            let (x, y) = public[1..].split_at(32);
            let (x, y) = (text(x), text(y));
            let members = format!(r#""kty":"EC","crv":"P-256","x":"{x}","y":"{y}""#);
            (members, DecodingKey::from_ec_components(&x, &y))
        }
        "EdDSA" => {
            let x = text(&public);
            let members = format!(r#""kty":"OKP","crv":"Ed25519","x":"{x}""#);
            (members, DecodingKey::from_ed_components(&x))
        }
        _ => {
            let pem = pair.public_key_pem();
            let jwk = Jwk::from_pem(pem.as_bytes(), Algorithm::Rs256).expect("a key");
            drop(jwk);
            let (n, e) = rsa_parts(&public);
            let (n, e) = (text(n), text(e));
            let members = format!(r#""kty":"RSA","n":"{n}","e":"{e}""#);
            (members, DecodingKey::from_rsa_components(&n, &e))
        }
    };
    Signed {
        token: token.expect("a token"),
        jwk: format!(r#"{{"keys":[{{"kid":"key-1","use":"sig","alg":"{name}",{jwk}}}]}}"#),
        decoding: decoding.expect("the same key"),
        algorithm,
        public,
        signature,
    }
}

/// Modulus and exponent of a DER `RSAPublicKey` with 2048 bits: two INTEGERs in a SEQUENCE.
fn rsa_parts(der: &[u8]) -> (&[u8], &[u8]) {
    let (modulus, rest) = der[9..].split_at(256);
    (modulus, &rest[2..])
}

fn hs256(changes: &[(&str, &str)]) -> String {
    let encoding = EncodingKey::from_secret(SECRET);
    jsonwebtoken::encode(
        &header(jsonwebtoken::Algorithm::HS256),
        &claims(changes),
        &encoding,
    )
    .expect("a token")
}

fn secret_keys() -> JwkSet {
    let key = Jwk::hmac(Secret::from(SECRET), Algorithm::Hs256).expect("a key");
    JwkSet::from_keys([key.with_kid("key-1").expect("a key id")])
}

fn public_keys(signed: &Signed) -> JwkSet {
    JwkSet::strict(signed.jwk.as_bytes()).expect("a key set")
}

fn verifier(keys: JwkSet, cache: Option<TokenCache>) -> JwtVerifier {
    let builder = JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .roles_claim("/roles")
        .keys(keys);
    let builder = match cache {
        Some(cache) => builder.token_cache(cache),
        None => builder,
    };
    builder.build().expect("a verifier")
}

fn verify(verifier: &JwtVerifier, token: &str) -> Option<Principal> {
    match verifier.verify(token) {
        Lookup::Ready(verified) => verified.ok(),
        Lookup::Pending(_) => panic!("the keys are at hand"),
    }
}

/// What a handler gets from the rows by hand.
#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "as much as a principal holds")]
struct Claims {
    iss: String,
    sub: String,
    client_id: String,
    jti: String,
    scope: String,
    roles: Vec<String>,
    exp: u64,
}

fn validation(algorithm: jsonwebtoken::Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation
}

fn decode(token: &str, key: &DecodingKey, validation: &Validation) -> Option<Claims> {
    let decoded = jsonwebtoken::decode::<Claims>(token, key, validation);
    decoded.ok().map(|decoded| decoded.claims)
}

/// The signature of a token alone, with a key that was read before.
fn raw(signed: &Signed) -> impl FnMut(Arc<str>) -> bool + use<> {
    let (input, signature) = signed.token.rsplit_once('.').expect("three segments");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let length = input.len();
    let key: ParsedPublicKey = UnparsedPublicKey::new(signed.signature, signed.public.clone())
        .parse()
        .expect("a key");
    move |token: Arc<str>| {
        let input = &token.as_bytes()[..length];
        key.verify_sig(black_box(input), &signature).is_ok()
    }
}

fn raw_hmac(token: &str) -> impl FnMut(Arc<str>) -> bool + use<> {
    let (input, signature) = token.rsplit_once('.').expect("three segments");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let length = input.len();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    move |token: Arc<str>| hmac::verify(&key, &token.as_bytes()[..length], &signature).is_ok()
}

/// Hands out the same token, without copying it: some are long.
fn again(token: &str) -> impl FnMut() -> Arc<str> + use<> {
    let token: Arc<str> = token.into();
    move || Arc::clone(&token)
}

fn checked<T>(outcome: Option<T>) -> T {
    outcome.expect("the token is good")
}

fn groups() -> Vec<Group> {
    let secret = hs256(&[]);
    let expired = hs256(&[("exp", "1735689601")]);
    let foreign = hs256(&[("iss", r#""https://evil.example/""#)]);
    let mut groups = vec![
        token_group("token: HS256", JSONWEBTOKEN, &secret)
            .row(RAW, with(&secret, raw_hmac))
            .row(JSONWEBTOKEN, by_theirs(&secret))
            .row(OURS, by_ours(&secret, secret_keys, None)),
        token_group("token: expired", JSONWEBTOKEN, &expired)
            .row(JSONWEBTOKEN, by_theirs(&secret))
            .row(OURS, refusing(&expired, secret_keys)),
        token_group("token: of another issuer", JSONWEBTOKEN, &foreign)
            .row(JSONWEBTOKEN, by_theirs(&secret))
            .row(OURS, refusing(&foreign, secret_keys)),
    ];
    for (group, name) in [
        ("token: ES256", "ES256"),
        ("token: EdDSA", "EdDSA"),
        ("token: RS256", "RS256"),
    ] {
        groups.push(signature_group(group, asymmetric(name)));
    }
    let signed = asymmetric("ES256");
    groups.push(
        token_group("token: ES256, known", OURS, &signed.token)
            .row(OURS, {
                let keys = signed.clone();
                by_ours(&signed.token, move || public_keys(&keys), None)
            })
            .row("tower-security, cached", {
                let keys = signed.clone();
                let cache = Some(TokenCache::default());
                by_ours(&signed.token, move || public_keys(&keys), cache)
            }),
    );
    groups.extend(malformed());
    groups.extend(layers(&secret, &signed));
    groups.extend(opaque());
    groups.push(requirements());
    groups
}

fn token_group(name: &'static str, rival: &'static str, token: &str) -> Group {
    let token = token.to_owned();
    Group::new(name, rival).row("nothing", move || {
        (again(&token), |token: Arc<str>| token.len())
    })
}

fn with<C: FnMut(Arc<str>) -> bool + 'static, M: Fn(&str) -> C + 'static>(
    token: &str,
    make: M,
) -> impl Fn() -> (Input, C) + use<C, M> {
    let token = token.to_owned();
    move || (Box::new(again(&token)), make(&token))
}

type Input = Box<dyn FnMut() -> Arc<str>>;
type Verdict<T> = Box<dyn FnMut(Arc<str>) -> T>;

fn by_theirs(token: &str) -> impl Fn() -> (Input, Verdict<Claims>) + use<> {
    let token = token.to_owned();
    move || {
        let key = DecodingKey::from_secret(SECRET);
        let validation = validation(jsonwebtoken::Algorithm::HS256);
        let verdict = move |token: Arc<str>| checked(decode(&token, &key, &validation));
        (Box::new(again(&token)), Box::new(verdict))
    }
}

fn by_ours<K: Fn() -> JwkSet + 'static>(
    token: &str,
    keys: K,
    cache: Option<TokenCache>,
) -> impl Fn() -> (Input, Verdict<Principal>) + use<K> {
    let token = token.to_owned();
    move || {
        let verifier = verifier(keys(), cache);
        let verdict = move |token: Arc<str>| checked(verify(&verifier, &token));
        (Box::new(again(&token)), Box::new(verdict))
    }
}

fn refusing<K: Fn() -> JwkSet + 'static>(
    token: &str,
    keys: K,
) -> impl Fn() -> (Input, Verdict<bool>) + use<K> {
    let token = token.to_owned();
    move || {
        let verifier = verifier(keys(), None);
        let verdict = move |token: Arc<str>| {
            let verified = verify(&verifier, &token);
            assert!(verified.is_none(), "the token is refused");
            verified.is_none()
        };
        (Box::new(again(&token)), Box::new(verdict))
    }
}

fn signature_group(name: &'static str, signed: Signed) -> Group {
    let token = signed.token.clone();
    let (keys, theirs, alone) = (signed.clone(), signed.clone(), signed);
    token_group(name, RAW, &token)
        .row(RAW, move || (again(&alone.token), raw(&alone)))
        .row(JSONWEBTOKEN, move || {
            let (key, validation) = (theirs.decoding.clone(), validation(theirs.algorithm));
            let verdict = move |token: Arc<str>| checked(decode(&token, &key, &validation));
            (again(&theirs.token), verdict)
        })
        .row(OURS, by_ours(&token, move || public_keys(&keys), None))
}

/// What anybody can send: it has to cost nothing worth the effort.
fn malformed() -> [Group; 4] {
    let long = "a".repeat(1 << 20);
    let dots = ".".repeat(1 << 20);
    let nested = format!(
        "{}.{}.AA",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"at+jwt","kid":"key-1"}"#),
        URL_SAFE_NO_PAD.encode("[".repeat(5_900))
    );
    let keys = hs256(&[]).replacen("ey", "ez", 1);
    [
        ("token: 1 MiB of letters", long),
        ("token: 1 MiB of dots", dots),
        ("token: 5,900 brackets", nested),
        ("token: a header that is no JSON", keys),
    ]
    .map(|(name, token)| token_group(name, OURS, &token).row(OURS, refusing(&token, secret_keys)))
}

fn request(token: &str) -> Request<Body> {
    let mut request = Request::get("/orders/7")
        .body(Body::empty())
        .expect("a request");
    let line = format!("Bearer {token}").parse().expect("a header value");
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_static("api.example.com"));
    headers.insert(USER_AGENT, HeaderValue::from_static("orders/1.0"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(AUTHORIZATION, line);
    request
}

fn requests(token: &str) -> impl FnMut() -> Request<Body> + use<> {
    let token = token.to_owned();
    move || request(&token)
}

fn layer(verifier: JwtVerifier) -> AuthLayer {
    AuthLayer::builder()
        .bearer(verifier)
        .build()
        .expect("a layer")
}

/// Their layer with a key set that is at hand.
fn rival(jwks: &str, algorithm: jsonwebtoken::Algorithm) -> OAuth2ResourceServer<DefaultClaims> {
    let audiences = vec![AUDIENCE.to_owned()];
    let tenant = TenantConfiguration::static_builder(jwks)
        .audiences(&audiences)
        .claims_validation(ClaimsValidationSpec::recommended(ISSUER, &audiences))
        .allowed_algorithms(&[algorithm])
        .build()
        .expect("a tenant");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime
        .block_on(
            OAuth2ResourceServer::<DefaultClaims>::builder()
                .add_tenant(tenant)
                .build(),
        )
        .expect("a server")
}

fn secret_jwks() -> String {
    let k = URL_SAFE_NO_PAD.encode(SECRET);
    format!(r#"{{"keys":[{{"kty":"oct","kid":"key-1","alg":"HS256","k":"{k}"}}]}}"#)
}

fn layers(secret: &str, signed: &Signed) -> [Group; 3] {
    let hs = secret.to_owned();
    let es = signed.clone();
    let by_hand = secret.to_owned();
    let (bare_hs, rival_hs, ours_hs) = (hs.clone(), hs.clone(), hs);
    let (bare_es, rival_es, ours_es) = (es.clone(), es.clone(), es);
    let (bare_axum, hand_axum, ours_axum) = (by_hand.clone(), by_hand.clone(), by_hand);
    [
        Group::new("layer: HS256", RIVAL)
            .row("bare", move || (requests(&bare_hs), go(bare())))
            .row(RIVAL, move || {
                let server = rival(&secret_jwks(), jsonwebtoken::Algorithm::HS256);
                (requests(&rival_hs), go(server.into_layer().layer(bare())))
            })
            .row(OURS, move || {
                let layer = layer(verifier(secret_keys(), None));
                (requests(&ours_hs), go(layer.layer(bare())))
            }),
        Group::new("layer: ES256, known", RIVAL)
            .row("bare", move || (requests(&bare_es.token), go(bare())))
            .row(RIVAL, move || {
                let server = rival(&rival_es.jwk, rival_es.algorithm);
                let layer = server.into_layer();
                (requests(&rival_es.token), go(layer.layer(bare())))
            })
            .row(OURS, move || {
                let cache = Some(TokenCache::default());
                let layer = layer(verifier(public_keys(&ours_es), cache));
                (requests(&ours_es.token), go(layer.layer(bare())))
            }),
        Group::new("axum: HS256", BY_HAND)
            .row("bare", move || (requests(&bare_axum), go_axum(router())))
            .row(BY_HAND, move || {
                let key = DecodingKey::from_secret(SECRET);
                let validation = validation(jsonwebtoken::Algorithm::HS256);
                let router = router().layer(from_fn_with_state((key, validation), by_hand_layer));
                (requests(&hand_axum), go_axum(router))
            })
            .row(OURS, move || {
                let router = router().layer(layer(verifier(secret_keys(), None)));
                (requests(&ours_axum), go_axum(router))
            }),
    ]
}

fn router() -> Router {
    Router::new().route("/orders/{id}", get(async || "{}"))
}

async fn by_hand_layer(
    State((key, validation)): State<(DecodingKey, Validation)>,
    mut request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let token = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|line| line.to_str().ok())
        .and_then(|line| line.strip_prefix("Bearer "));
    let claims = token.and_then(|token| decode(token, &key, &validation));
    let Some(claims) = claims else {
        let mut refused = Response::new(Body::empty());
        *refused.status_mut() = StatusCode::UNAUTHORIZED;
        return refused;
    };
    request.extensions_mut().insert(claims);
    next.run(request).await
}

/// API keys and sessions that are kept in memory.
fn opaque() -> [Group; 2] {
    let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "sk").build();
    let keys = keys.expect("keys");
    let sessions = SessionAuth::builder(MemorySessionStore::new()).build();
    let sessions = sessions.expect("sessions");
    let alice = Principal::builder("alice")
        .scopes(["orders:read", "orders:write"])
        .roles(["editor", "support"])
        .build();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (key, line) = runtime.block_on(async {
        let issued = keys.issue(&alice, None).await.expect("a key");
        let line = sessions.login(&HeaderMap::new(), &alice).await;
        (issued.key().expose().clone(), line.expect("a session"))
    });
    let line = line.to_str().expect("ASCII");
    let cookie = line.split(';').next().expect("a value").to_owned();
    let by_key = AuthLayer::builder().api_key(keys).build();
    let by_cookie = AuthLayer::builder().session(sessions).build();
    [
        opaque_group("layer: API key", API_KEY, key, by_key.expect("a layer")),
        opaque_group(
            "layer: session",
            COOKIE,
            cookie,
            by_cookie.expect("a layer"),
        ),
    ]
}

fn opaque_group(group: &'static str, name: HeaderName, value: String, layer: AuthLayer) -> Group {
    let value = HeaderValue::try_from(value).expect("a header value");
    let requests = move || {
        let mut request = request("");
        request.headers_mut().remove(AUTHORIZATION);
        request.headers_mut().insert(name.clone(), value.clone());
        request
    };
    let bare_requests = requests.clone();
    Group::new(group, "bare")
        .row("bare", move || (bare_requests.clone(), go(bare())))
        .row(OURS, move || (requests.clone(), go(layer.layer(bare()))))
}

fn requirements() -> Group {
    let who = || {
        let mut request = request("");
        let alice = Principal::builder("alice")
            .scopes(["orders:read", "orders:write"])
            .roles(["editor", "support"])
            .method(AuthMethod::Bearer)
            .build();
        alice.dangerous_attach(request.extensions_mut());
        request
    };
    Group::new("requirements", "bare")
        .row("bare", move || (who, go(bare())))
        .row("a scope", move || {
            let layer = RequireLayer::scope("orders:write").build();
            (who, go(layer.expect("a layer").layer(bare())))
        })
        .row("a scope or a role, and a login", move || {
            let layer = RequireLayer::new(any_scope(["orders:admin"]).or(role("support")))
                .and(
                    tower_security::authorize::max_age(Duration::from_secs(300)).or(role("editor")),
                )
                .build();
            (who, go(layer.expect("a layer").layer(bare())))
        })
}
