//! A shop with a login: a session in a cookie, a second factor before a payment, and API keys for programs.
//!
//! ```sh
//! cargo run --example sessions --features axum,limits,opaque-tokens,sanitize
//! ```
//!
//! Then, in another terminal:
//!
//! ```sh
//! # Nobody is logged in: 401, code authentication_required
//! curl -i http://127.0.0.1:3008/me
//!
//! # A wrong password: 401, code login_failed
//! curl -i -X POST http://127.0.0.1:3008/login -d 'user=alice&password=guess'
//!
//! # The right one, and the cookie is kept in the file `jar`: 200 welcome
//! curl -i -c jar -X POST http://127.0.0.1:3008/login -d 'user=alice&password=correct horse'
//!
//! # With the cookie: 200 alice by session
//! curl -i -b jar http://127.0.0.1:3008/me
//!
//! # A form on another site: 403, code csrf_refused
//! curl -i -b jar -X POST http://127.0.0.1:3008/pay -H 'Sec-Fetch-Site: cross-site'
//!
//! # A page of the shop, but a password is not enough to pay: 401, code stronger_authentication
//! curl -i -b jar -X POST http://127.0.0.1:3008/pay -H 'Sec-Fetch-Site: same-origin'
//!
//! # A code of the second factor, for which the session gets another id: 200 stronger
//! curl -i -b jar -c jar -X POST http://127.0.0.1:3008/code -H 'Sec-Fetch-Site: same-origin' -d 'code=287082'
//!
//! # Now: 200 paid by alice
//! curl -i -b jar -X POST http://127.0.0.1:3008/pay -H 'Sec-Fetch-Site: same-origin'
//!
//! # A key for a program, which is shown this once
//! KEY=$(curl -s -b jar -X POST http://127.0.0.1:3008/keys -H 'Sec-Fetch-Site: same-origin')
//!
//! # The program: 200 alice by api_key
//! curl -i http://127.0.0.1:3008/me -H "X-Api-Key: $KEY"
//!
//! # It will never have a second factor, and is not asked for one: 403, code forbidden
//! curl -i -X POST http://127.0.0.1:3008/pay -H "X-Api-Key: $KEY"
//!
//! # Nor does it make more keys: 403, code forbidden
//! curl -i -X POST http://127.0.0.1:3008/keys -H "X-Api-Key: $KEY"
//!
//! # Logged out, and the cookie is deleted: 200 goodbye
//! curl -i -b jar -X POST http://127.0.0.1:3008/logout -H 'Sec-Fetch-Site: same-origin'
//!
//! # The cookie that was kept is of no use: 401, code session_invalid
//! curl -i -b jar http://127.0.0.1:3008/me
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use tower_security::auth::AuthLayer;
use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
use tower_security::auth::session::{MemorySessionStore, SessionAuth};
use tower_security::authorize::{RequireLayer, method, mfa};
use tower_security::axum::Auth;
use tower_security::core::{
    AuthMethod, Clock, ConfigErrors, Principal, RefusalContext, Rejection, SystemClock,
    TrustedProxies,
};
use tower_security::rate_limit::login::{LoginAttempt, LoginThrottle};
use tower_security::{CsrfLayer, LimitsLayer, SanitizeLayer, SecurityStack};

/// In earnest 16 random bytes, from where the service keeps its secrets.
const SECRET: &[u8] = b"\x1f\x62\xc8\x0d\x97\xe4\x5a\xb1\x33\x7c\xd0\x8e\x49\xf6\x25\xa8";

const QUARTER: Duration = Duration::from_secs(90 * 24 * 3_600);

/// What the handlers need.
#[derive(Clone)]
struct Desk {
    sessions: SessionAuth,
    keys: ApiKeyAuth,
    throttle: Arc<LoginThrottle>,
}

type Fields = Form<HashMap<String, String>>;

fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

/// In earnest a hash, which takes its time: also for accounts that do not exist.
fn is_right(user: &str, password: &str) -> bool {
    (user, password) == ("alice", "correct horse")
}

fn with_cookie(text: &'static str, line: HeaderValue) -> Response {
    // No cache may give it to somebody else.
    let mut answer = ([(header::CACHE_CONTROL, "no-store")], text).into_response();
    answer.headers_mut().append(header::SET_COOKIE, line);
    answer
}

async fn log_in(
    State(desk): State<Desk>,
    context: RefusalContext,
    head: Parts,
    fields: Fields,
) -> Result<Response, Response> {
    let user = field(&fields, "user");
    let attempt = desk.throttle.begin(LoginAttempt::new(user).head(&head));
    let guard = attempt.await.map_err(|refusal| context.refuse(refusal))?;
    if !is_right(user, field(&fields, "password")) {
        guard.failure();
        let status = StatusCode::UNAUTHORIZED;
        let rejection = Rejection::new(status, "login_failed", "Wrong name or password");
        return Err(context.refuse(rejection));
    }
    let alice = Principal::builder(user).amr(["pwd"]).build();
    // What is done for this request is told of with its id, where the rest of the stack tells.
    let sessions = desk.sessions.for_request(&head.extensions);
    let line = sessions.login(&head.headers, &alice).await;
    let line = line.map_err(|error| context.refuse(error))?;
    let mut answer = with_cookie("welcome\n", line);
    if let Some(device) = guard.success() {
        answer.headers_mut().append(header::SET_COOKIE, device);
    }
    Ok(answer)
}

async fn log_out(
    State(desk): State<Desk>,
    context: RefusalContext,
    head: Parts,
) -> Result<Response, Response> {
    let sessions = desk.sessions.for_request(&head.extensions);
    let line = sessions.logout(&head.headers).await;
    let line = line.map_err(|error| context.refuse(error))?;
    Ok(with_cookie("goodbye\n", line))
}

async fn me(Auth(who): Auth) -> String {
    format!("{} by {}\n", who.subject(), who.method().as_str())
}

/// The session gets another id with the rights that it has from now on.
async fn second_factor(
    State(desk): State<Desk>,
    Auth(who): Auth,
    context: RefusalContext,
    head: Parts,
    fields: Fields,
) -> Result<Response, Response> {
    // In earnest a code of this half minute, which is accepted once.
    if field(&fields, "code") != "287082" {
        let status = StatusCode::UNAUTHORIZED;
        let rejection = Rejection::new(status, "login_failed", "Wrong code");
        return Err(context.refuse(rejection));
    }
    let stronger = who.to_builder().amr(["pwd", "otp"]);
    let stronger = stronger.auth_time(SystemClock.now()).build();
    let sessions = desk.sessions.for_request(&head.extensions);
    let line = sessions.renew(&head.headers, &stronger).await;
    let line = line.map_err(|error| context.refuse(error))?;
    Ok(with_cookie("stronger\n", line))
}

async fn pay(Auth(who): Auth) -> String {
    format!("paid by {}\n", who.subject())
}

async fn issue_key(
    State(desk): State<Desk>,
    Auth(who): Auth,
    context: RefusalContext,
    head: Parts,
) -> Result<String, Response> {
    let keys = desk.keys.for_request(&head.extensions);
    let issued = keys.issue(&who, Some(QUARTER)).await;
    let issued = issued.map_err(|error| context.refuse(error))?;
    Ok(issued.key().expose().clone())
}

/// The service.
pub fn app() -> Result<Router, ConfigErrors> {
    let desk = Desk {
        sessions: SessionAuth::builder(MemorySessionStore::new()).build()?,
        keys: ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop").build()?,
        throttle: Arc::new(LoginThrottle::builder(SECRET).build()?),
    };
    let auth = AuthLayer::builder()
        .session(desk.sessions.clone())
        .api_key(desk.keys.clone());
    let second_factor_again = RequireLayer::new(mfa()).build()?;
    let by_hand = RequireLayer::new(method(AuthMethod::Session)).build()?;
    let inside = Router::new()
        .route("/me", get(me))
        .route("/code", post(second_factor))
        .route("/pay", post(pay).route_layer(second_factor_again))
        .route("/keys", post(issue_key).route_layer(by_hand))
        .layer(
            SecurityStack::new()
                .client_ip(TrustedProxies::direct())
                .limits(LimitsLayer::new())
                .csrf(CsrfLayer::new())
                .auth(auth.build()?)
                .sanitize(SanitizeLayer::strict()),
        );
    // Whose session is over has to reach these two, which the layer of authentication would not let him.
    let outside = Router::new()
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .layer(
            SecurityStack::new()
                .client_ip(TrustedProxies::direct())
                .limits(LimitsLayer::new())
                .csrf(CsrfLayer::new())
                .sanitize(SanitizeLayer::strict()),
        );
    Ok(inside.merge(outside).with_state(desk))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Events go to `tracing`.
    tracing_subscriber::fmt().init();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 3008)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = app()?.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}
