//! # DO NOT COPY ANYTHING FROM HERE
//!
//! The same routes without the stack, with handlers that make the classic mistakes on purpose: SQL out of strings, HTML as it came,
//! bodies that are believed, no owner that is asked for, tokens that are not verified. Each of them has been in somebody's service. They
//! are here so that `--attack --unprotected` can show that the attacks are real: one that fails against this proves nothing when it
//! fails against the other.
//!
//! It is served by `--attack` alone, on a free port of this machine, for as long as the attacks take.

mod handlers;
mod sessions;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use sha2::{Digest, Sha256};
use sqlx::SqlitePool;
use tower::ServiceBuilder;
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::token::{KeyRing, TokenIssuer};

use self::sessions::Sessions;
use super::attack::Log;
use super::secrets::Secrets;
use super::shop::{AUDIENCE, Fault, ISSUER};

/// What the handlers share.
#[derive(Clone)]
struct Twin {
    db: SqlitePool,
    issuer: TokenIssuer,
    sessions: Arc<Sessions>,
    downloads: Arc<PathBuf>,
    log: Log,
}

/// MISTAKE: a fast hash without a salt. Equal passwords look equal, and a graphics card tries billions a second.
pub fn hash(password: &str) -> String {
    let digest = Sha256::digest(password.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The service, for attacks alone.
pub fn build(
    db: SqlitePool,
    secrets: &Secrets,
    downloads: PathBuf,
    log: Log,
) -> Result<Router, Fault> {
    let key = SigningKey::from_pem(secrets.signing.expose(), Algorithm::EdDsa)?;
    let issuer = TokenIssuer::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .signing(KeyRing::new(key));
    let twin = Twin {
        db,
        issuer: issuer.build()?,
        sessions: Arc::default(),
        downloads: Arc::new(downloads),
        log,
    };
    let routes = Router::new()
        .route("/", get(async || "log in\n"))
        .route("/health", get(async || "up\n"))
        .route("/internal/status", get(handlers::status))
        .route("/.well-known/jwks.json", get(sessions::keys))
        .route("/downloads/{name}", get(handlers::download))
        .route("/register", post(sessions::register))
        .route("/login", post(sessions::log_in))
        .route("/token", post(sessions::refresh))
        .route("/logout", post(sessions::log_out))
        .route("/me", get(sessions::me))
        .route("/me/address", put(sessions::set_address))
        .route("/orders", get(handlers::list).post(handlers::create))
        .route(
            "/orders/{id}",
            get(handlers::show)
                .patch(handlers::change)
                .delete(handlers::cancel),
        )
        .route("/orders/{id}/pay", post(handlers::pay))
        .route("/orders/{id}/page", get(handlers::page))
        .route("/orders/{id}/live", get(handlers::live))
        .route("/search", get(handlers::search))
        .route("/admin/users", get(handlers::users))
        .route("/admin/users/{id}/role", patch(handlers::set_role))
        .route("/reports/monthly", get(handlers::monthly))
        .route("/reports/top/{place}", get(handlers::top))
        // MISTAKE: a body may be of any size, and take any time.
        .layer(DefaultBodyLimit::disable())
        .with_state(twin.clone());
    // MISTAKE: who may what is decided by one spelling of the path, and the routes are found by another.
    let lenient = ServiceBuilder::new().map_request(normalise).service(routes);
    Ok(Router::new()
        .fallback_service(lenient)
        .layer(from_fn_with_state(twin, guard_admin))
        .layer(from_fn(any_origin)))
}

/// `//admin`, `/%61dmin` and `/x/../admin` are all taken for `/admin`.
fn normalise(mut request: Request) -> Request {
    let path = request.uri().path();
    // What a client has escaped twice, or means as a slash, stays for the handlers.
    let decoded = path.replace("%61", "a").replace("%41", "A");
    let mut segments = Vec::new();
    for segment in decoded
        .split('/')
        .filter(|segment| !segment.is_empty() && *segment != ".")
    {
        if segment == ".." {
            segments.pop();
        } else {
            segments.push(segment);
        }
    }
    let mut target = format!("/{}", segments.join("/"));
    if let Some(query) = request.uri().query() {
        target += &format!("?{query}");
    }
    if let Ok(uri) = target.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request
}

/// MISTAKE: a prefix of the path as it came, and one method of several.
async fn guard_admin(State(twin): State<Twin>, request: Request, next: Next) -> Response {
    let is_guarded = request.method() == Method::GET && request.uri().path().starts_with("/admin");
    let is_admin = twin
        .sessions
        .who(request.headers())
        .is_some_and(|who| who.is_admin);
    if is_guarded && !is_admin {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

/// MISTAKE: whoever asks may read, cookies and all. And every answer says what it was made with.
async fn any_origin(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut answer = match *request.method() {
        Method::OPTIONS => Response::new(Body::empty()),
        _ => next.run(request).await,
    };
    let headers = answer.headers_mut();
    headers.insert(
        header::SERVER,
        HeaderValue::from_static("shop/1.2 axum/0.8"),
    );
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (
                header::ACCESS_CONTROL_ALLOW_METHODS,
                "GET, POST, PUT, PATCH, DELETE",
            ),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    answer
}
