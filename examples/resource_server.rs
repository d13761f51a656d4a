//! An API whose callers log in at an identity provider: it verifies the provider's tokens with the keys that the provider publishes.
//!
//! ```sh
//! cargo run --example resource_server --features axum,jwt,jwks
//! ```
//!
//! The program starts a little identity provider of its own, with a certificate that nobody has signed, hence `-k`. It prints when the
//! provider is asked for its keys: at the start, and for a token whose key is not known, but never twice in half a minute. In another
//! terminal:
//!
//! ```sh
//! # Without a token: 401, with www-authenticate: Bearer realm="api"
//! curl -i http://127.0.0.1:3005/me
//!
//! # A token for alice, who may read orders
//! TOKEN=$(curl -sk -X POST https://localhost:3006/token/alice/orders:read)
//!
//! # With it: 200 alice
//! curl -i http://127.0.0.1:3005/me -H "Authorization: Bearer $TOKEN"
//!
//! # What its scope is for: 200 the orders of alice
//! curl -i http://127.0.0.1:3005/orders -H "Authorization: Bearer $TOKEN"
//!
//! # A token that was changed: 401, with www-authenticate: Bearer realm="api", error="invalid_token", error_description="The access token is invalid"
//! curl -i http://127.0.0.1:3005/me -H "Authorization: Bearer x$TOKEN"
//!
//! # A token for bob, who may read nothing
//! TOKEN=$(curl -sk -X POST https://localhost:3006/token/bob/profile)
//!
//! # Its scope is not enough: 403, with www-authenticate: Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="orders:read"
//! curl -i http://127.0.0.1:3005/orders -H "Authorization: Bearer $TOKEN"
//!
//! # The provider signs with a new key from now on, and publishes the old one as well: 204
//! curl -ik -X POST https://localhost:3006/rotate
//!
//! # The old token: 200 bob
//! curl -i http://127.0.0.1:3005/me -H "Authorization: Bearer $TOKEN"
//!
//! # A token of the new key
//! TOKEN=$(curl -sk -X POST https://localhost:3006/token/alice/orders:read)
//!
//! # Half a minute after the last fetch the new key is asked for and found: 200 alice
//! curl -i http://127.0.0.1:3005/me -H "Authorization: Bearer $TOKEN"
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_ED25519, SigningKey};
use serde_json::{Value, json};
use tower_security::auth::AuthLayer;
use tower_security::axum::{Auth, ScopeSet, Scoped};
use tower_security::core::{Clock, SystemClock};
use tower_security::token::{HttpsJwksFetch, JwksCache, JwtVerifier};

/// What the provider calls itself: the `issuer` of its metadata, byte for byte.
const ISSUER: &str = "https://login.example.com";
/// What the provider calls this API, and no other.
const AUDIENCE: &str = "https://orders.example.com";

struct ReadOrders;

impl ScopeSet for ReadOrders {
    const SCOPES: &[&str] = &["orders:read"];
}

async fn me(Auth(caller): Auth) -> String {
    format!("{}\n", caller.subject())
}

async fn orders(caller: Scoped<ReadOrders>) -> String {
    format!("the orders of {}\n", caller.principal.subject())
}

/// The keys of a provider whose certificate is signed by one of `roots`. In earnest [`HttpsJwksFetch::new`] trusts whom the operating
/// system trusts.
pub fn keys(
    url: &str,
    roots: &str,
    clock: impl Clock,
) -> Result<JwksCache, Box<dyn Error + Send + Sync>> {
    Ok(JwksCache::builder(url)
        .fetch(HttpsJwksFetch::with_roots(roots.as_bytes())?)
        .clock(clock)
        .build()?)
}

/// The API.
pub fn api(keys: JwksCache, clock: impl Clock) -> Result<Router, Box<dyn Error + Send + Sync>> {
    let verifier = JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(keys)
        .clock(clock)
        .build()?;
    Ok(Router::new()
        .route("/me", get(me))
        .route("/orders", get(orders))
        .layer(AuthLayer::builder().bearer(verifier).build()?))
}

/// An identity provider that believes everybody.
pub struct IdentityProvider {
    /// The last one signs; all are published.
    keys: Mutex<Vec<KeyPair>>,
    clock: Arc<dyn Clock>,
}

type Failure = (StatusCode, String);

fn failed(error: impl Error) -> Failure {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

impl IdentityProvider {
    /// Makes one with one key.
    pub fn new(clock: impl Clock) -> Result<Arc<Self>, rcgen::Error> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        Ok(Arc::new(Self {
            keys: Mutex::new(vec![key]),
            clock: Arc::new(clock),
        }))
    }

    /// Its endpoints.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/jwks", get(Self::jwks))
            .route("/token/{subject}/{scope}", post(Self::token))
            .route("/rotate", post(Self::rotate))
            .with_state(self)
    }

    /// RFC 7517 section 5, RFC 8037 section 2.
    async fn jwks(State(provider): State<Arc<Self>>) -> impl IntoResponse {
        let keys = provider.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let published = keys.iter().enumerate().map(|(index, key)| {
            let x = BASE64_URL_SAFE_NO_PAD.encode(key.public_key_raw());
            json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": kid(index), "x": x })
        });
        let published: Vec<Value> = published.collect();
        println!("identity provider: asked for {} keys", published.len());
        let cache = [(header::CACHE_CONTROL, "max-age=600")];
        (cache, Json(json!({ "keys": published })))
    }

    /// An access token of RFC 9068, for 15 minutes.
    async fn token(
        State(provider): State<Arc<Self>>,
        Path((subject, scope)): Path<(String, String)>,
    ) -> Result<String, Failure> {
        let now = provider.clock.now();
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_err(failed)?;
        let expires = now + Duration::from_secs(900);
        let keys = provider.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (index, key) = keys
            .iter()
            .enumerate()
            .next_back()
            .ok_or((StatusCode::INTERNAL_SERVER_ERROR, String::new()))?;
        let header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": kid(index) });
        let claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "client_id": "curl",
            "scope": scope,
            "iat": now.as_secs(),
            "exp": expires.as_secs(),
            "jti": now.as_nanos().to_string(),
        });
        let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let input = format!("{}.{}", encode(&header), encode(&claims));
        let signature = key.sign(input.as_bytes()).map_err(failed)?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Ok(format!("{input}.{signature}"))
    }

    async fn rotate(State(provider): State<Arc<Self>>) -> Result<StatusCode, Failure> {
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(failed)?;
        let mut keys = provider.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.push(key);
        println!(
            "identity provider: {} signs from now on",
            kid(keys.len() - 1)
        );
        Ok(StatusCode::NO_CONTENT)
    }
}

fn kid(index: usize) -> String {
    format!("key-{}", index + 1)
}

/// How the provider speaks TLS, and the certificate to trust it by, in PEM.
pub async fn certificate() -> Result<(RustlsConfig, String), Box<dyn Error + Send + Sync>> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let der = made.cert.der().to_vec();
    let key = made.signing_key.serialize_der();
    let config = RustlsConfig::from_der(vec![der], key).await?;
    Ok((config, made.cert.pem()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    // Events go to `tracing`.
    tracing_subscriber::fmt().init();
    let (tls, roots) = certificate().await?;
    let provider = IdentityProvider::new(SystemClock)?.router();
    let address = SocketAddr::from(([127, 0, 0, 1], 3006));
    let handle = Handle::new();
    let server = axum_server::bind_rustls(address, tls).handle(handle.clone());
    tokio::spawn(server.serve(provider.into_make_service()));
    handle.listening().await.ok_or("port 3006 is taken")?;

    let keys = keys("https://localhost:3006/jwks", &roots, SystemClock)?;
    let app = api(keys.clone(), SystemClock)?;
    // A service may start without keys: it answers 503 until it has them.
    if let Err(error) = keys.ready().await {
        println!("starting without keys: {error}");
    }
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 3005)).await?;
    println!("listening on http://127.0.0.1:3005");
    axum::serve(listener, app).await?;
    Ok(())
}
