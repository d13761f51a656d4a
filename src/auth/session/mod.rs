//! `SessionAuth`: who has logged in, by an opaque id in a cookie and a record in a store ([CWE-384], [CWE-613], [OWASP sessions]).
//!
//! # Decision
//!
//! The first line that decides wins:
//!
//! 1. No cookie of this name: not present. Other credentials in the request win, since a browser sends cookies unasked.
//! 2. Two of them, in one line or several: **400** `credentials_ambiguous`. A sibling host may have planted one.
//! 3. Its value is not the one spelling of 256 bits: **401** `session_invalid`, without a look into the store.
//! 4. The store fails: **503**. The client keeps its cookie.
//! 5. Unknown; over ([`absolute`](SessionAuthBuilder::absolute)); not used for too long ([`idle`](SessionAuthBuilder::idle)): **401**
//!    `session_invalid`, and the browser is told to delete the cookie. What would be open to everybody stays closed to it otherwise.
//! 6. **Granted**. If the last note is older than a thirtieth of the idle time, the store notes that the session is used. When it cannot,
//!    the session ends earlier; when the session has ended meanwhile, the answer is 401.
//!
//! Handlers call [`login`](SessionAuth::login), [`renew`](SessionAuth::renew) at every change of rights, [`logout`](SessionAuth::logout),
//! [`revoke_others`](SessionAuth::revoke_others) and [`revoke_subject`](SessionAuth::revoke_subject). Each login and renewal draws a new
//! id, and the one before is dead at once. An id that no login has drawn is never taken over.
//!
//! # Defaults
//!
//! | what | default | why |
//! |---|---|---|
//! | cookie | `__Host-session`; `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/` | no script reads it, no other host sets it |
//! | lifetime of the cookie | until the browser is closed | the store says when the session ends |
//! | id | 256 random bits; the store knows the SHA-256 of the cookie | a copy of the store lets nobody in |
//! | idle | 30 min | [OWASP sessions], low-value applications |
//! | absolute | 12 h | [NIST SP 800-63B], section 2.3.3 |
//! | sessions of one subject | 20, then the oldest ends | one user does not fill the store |
//! | note of a use | once in a thirtieth of idle | a request in a minute writes, not each |
//!
//! # What it does not stop
//!
//! - **Forged requests of other sites**: `SameSite=Lax` keeps forms of other sites away in new browsers alone. Add a
//!   [`CsrfLayer`](crate::CsrfLayer), before the login handler too.
//! - A cookie that was stolen, from the browser or from a log: until it ends, or is revoked.
//! - A stream (WebSocket, SSE, gRPC) that goes on when its session has ended: the handler looks at
//!   [`Principal::expires_at`](crate::core::Principal::expires_at), which is the absolute end.
//! - Guessing of passwords: see [`mod@crate::rate_limit::login`].
//! - What a session is not: a place for a shopping basket. The record holds who, and what he may do.
//!
//! # Deployment
//!
//! - [`MemorySessionStore`] forgets all sessions when the process ends; on several nodes take `redis::RedisSessions`, or write a
//!   [`SessionStore`].
//! - A [`CookieLayer`](crate::CookieLayer) that renames the cookie hands the bare name inwards: tell it to
//!   [`cookie`](SessionAuthBuilder::cookie).
//! - A subject is one user: two issuers that call different users `alice` log each other out by `per_subject`. Put the issuer in front
//!   of the subject there.
//! - Two kinds of users, such as customers and staff, get two cookies, and two stores: in one store none is let in with the cookie of
//!   the other kind, but the sessions of a subject are listed, counted and revoked together.
//! - Rights are those of the login: after a role was given or taken, call `renew` for the session that asks, or `revoke_subject`.
//! - The handlers of login and logout stand **outside** of the [`AuthLayer`](crate::auth::AuthLayer), also of an optional one: it answers
//!   a cookie whose session is over with 401, and one that came twice with 400, before they are called, so that a login fails for no
//!   fault of the user. Give their routes a second [`SecurityStack`](crate::SecurityStack) without `auth`, with `csrf`, limits by address and the
//!   [throttle of logins](mod@crate::rate_limit::login). Logout needs no principal: it ends the session whose cookie came. A handler of
//!   [`renew`](SessionAuth::renew), which does, stays inside.
//! - Handlers call [`for_request`](SessionAuth::for_request) first: events of logins, renewals and logouts then go where those of the
//!   stack go, with the id of the request and the address of its client. Their errors are answered by
//!   [`RefusalContext::refuse`](crate::core::RefusalContext::refuse).
//! - Answers to a session get `Cache-Control: no-store` unless the handler has said something else, and `Vary: Cookie`.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::header::{COOKIE, SET_COOKIE};
//! use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::auth::AuthLayer;
//! use tower_security::auth::session::{MemorySessionStore, SessionAuth};
//! use tower_security::core::Principal;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sessions = SessionAuth::builder(MemorySessionStore::new()).build()?;
//!
//! // In the handler of the login, when the password is right: its answer carries this line of `Set-Cookie`.
//! let alice = Principal::builder("alice").roles(["customer"]).build();
//! let set_cookie = sessions.login(&HeaderMap::new(), &alice).await?;
//!
//! let layer = AuthLayer::builder().session(sessions.clone()).build()?;
//! let service = layer.layer(service_fn(|request: Request<()>| async move {
//!     let who = Principal::from_extensions(request.extensions());
//!     let name = who.map_or("nobody", Principal::subject).to_owned();
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(name))))
//! }));
//! let request = |cookie: &str| Request::get("/orders").header(COOKIE, cookie).body(());
//!
//! let cookie = set_cookie.to_str()?.split(';').next().unwrap_or_default();
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), request(cookie)?).await?;
//! assert_eq!(answer.status(), StatusCode::OK);
//!
//! // Logged out, the same cookie is of no use.
//! let mut headers = HeaderMap::new();
//! headers.insert(COOKIE, HeaderValue::from_str(cookie)?);
//! let delete_cookie = sessions.logout(&headers).await?;
//! assert_eq!(delete_cookie, "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
//! let answer = ServiceExt::<Request<()>>::oneshot(service, request(cookie)?).await?;
//! assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
//! assert!(answer.headers().contains_key(SET_COOKIE), "it is deleted");
//! # Ok(())
//! # }
//! ```
//!
//! A configuration that weakens it does not build:
//!
//! ```
//! use std::time::Duration;
//! use tower_security::auth::session::{MemorySessionStore, SessionAuth};
//!
//! let errors = SessionAuth::builder(MemorySessionStore::new())
//!     .domain("example.com")
//!     .absolute(Duration::from_secs(365 * 24 * 3_600))
//!     .build()
//!     .unwrap_err();
//! let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
//! assert_eq!(codes, ["cookie_refused", "lifetime_invalid"]);
//! ```
//!
//! [CWE-384]: https://cwe.mitre.org/data/definitions/384.html
//! [CWE-613]: https://cwe.mitre.org/data/definitions/613.html
//! [NIST SP 800-63B]: https://pages.nist.gov/800-63-4/sp800-63b.html
//! [OWASP sessions]: https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html

mod auth;
mod check;
mod config;
#[doc(hidden)]
pub mod contract;
mod cookie;
mod error;
mod info;
mod key;
mod memory;
mod record;
mod store;

pub use auth::SessionAuth;
pub use config::SessionAuthBuilder;
pub use cookie::SessionSameSite;
pub use error::{CookieProblem, SessionConfigError, SessionError};
pub use info::SessionInfo;
pub use key::SessionKey;
pub use memory::MemorySessionStore;
pub use record::SessionRecord;
pub use store::SessionStore;
