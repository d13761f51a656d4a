//! Authentication: who is asking ([CWE-287], [OWASP API2:2023]).
//!
//! An [`AuthLayer`] finds the credential of a request, has it verified, and attaches a [`Principal`](crate::core::Principal) for
//! everything behind it. It serves JSON Web Tokens ([`token`](crate::token)), API keys and cookie sessions, and whatever
//! [`Authenticator`] you write. What somebody may do is asked elsewhere: by [`authorize`](crate::authorize) and in handlers.
//!
//! # Decision
//!
//! 1. What an outer layer has attached is removed. Nothing that a client sends is ever taken for an identity: no `X-User`, no
//!    `Remote-User`, no `Proxy-Authorization`.
//! 2. Two lines of `Authorization`: 400 `credentials_ambiguous`.
//! 3. Each way to authenticate says whether its credential is there. *Explicit* ones a client has put into this request (a bearer
//!    token, an API key); *ambient* ones are sent unasked with every request (a cookie, a client certificate). Two explicit ones are
//!    400 `credentials_ambiguous`. An explicit one wins over ambient ones, and of those the one that was configured first.
//! 4. None is there: 401 `authentication_required`; with [`optional`](AuthBuilder::optional) the request goes on as an anonymous
//!    one, unless it has an `Authorization` of a scheme that nobody serves.
//! 5. The credential is verified, and the answer is final: whoever comes with an invalid bearer token is not let in by a cookie.
//!    That holds in optional mode too.
//!
//! The service behind is called for requests that are let in, and for no other. The answers are those of [`AuthFailure`], which stands
//! in their extensions: `application/problem+json`, or a gRPC status, with a line of `WWW-Authenticate` for each way. No method is
//! exempt and no path: preflights are answered by a [`CorsLayer`](crate::CorsLayer) outside, and what is public is left outside of the
//! layer, or inside one that is optional.
//!
//! # Example
//!
//! Tokens of one issuer:
//!
//! ```
//! # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
//! # fn main() {}
//! # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::auth::AuthLayer;
//! use tower_security::token::JwtVerifier;
//! use tower_security::token::jws::{Algorithm, Jwk};
//!
//! let key = Jwk::hmac(b"an example: take 32 random bytes", Algorithm::Hs256)?;
//! let verifier = JwtVerifier::builder()
//!     .issuer("https://id.example.com/")
//!     .audience("https://api.example.com")
//!     .keys(key)
//!     .build()?;
//! let service = AuthLayer::builder().bearer(verifier).build()?.layer(service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"your orders"))))
//! }));
//!
//! // `{"alg":"none"}`: not signed at all.
//! let forged = Request::get("/orders").header("authorization", "Bearer eyJhbGciOiJub25lIn0.e30.AA").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service, forged).await?;
//! assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
//! assert_eq!(
//!     answer.headers()["www-authenticate"],
//!     "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"The access token is invalid\"",
//! );
//! # Ok(())
//! # }
//! ```
//!
//! Pages that anybody may see, and that greet whoever is logged in:
//!
//! ```
//! # #[cfg(not(feature = "opaque-tokens"))]
//! # fn main() {}
//! # #[cfg(feature = "opaque-tokens")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::auth::session::{MemorySessionStore, SessionAuth};
//! use tower_security::auth::{AuthFailure, AuthLayer};
//! use tower_security::core::Principal;
//!
//! let sessions = SessionAuth::builder(MemorySessionStore::new()).build()?;
//! let layer = AuthLayer::builder().session(sessions).optional().build()?;
//! let service = layer.layer(service_fn(|request: Request<()>| async move {
//!     let who = Principal::from_extensions(request.extensions());
//!     let text = format!("Hello, {}!", who.map_or("stranger", Principal::subject));
//!     Ok::<_, Infallible>(Response::new(Full::<bytes::Bytes>::from(text)))
//! }));
//!
//! let anonymous = Request::get("/").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), anonymous).await?;
//! assert_eq!(answer.status(), 200);
//! assert_eq!(answer.headers()["vary"], "Cookie");
//!
//! // A session that is over is told of, rather than shown the page of a stranger.
//! let over = Request::get("/").header("cookie", "__Host-session=over").body(())?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service, over).await?;
//! assert_eq!(answer.status(), 401);
//! assert_eq!(answer.extensions().get().map(AuthFailure::code), Some("session_invalid"));
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [CWE-287]: https://cwe.mitre.org/data/definitions/287.html
//! [OWASP API2:2023]: https://owasp.org/API-Security/editions/2023/en/0xa2-broken-authentication/

#[cfg(feature = "opaque-tokens")]
pub mod api_key;
mod authenticator;
#[cfg(feature = "opaque-tokens")]
mod authorization;
#[cfg(feature = "_jwt")]
mod bearer;
mod check;
mod config;
mod events;
mod failure;
mod future;
mod layer;
mod service;
#[cfg(feature = "opaque-tokens")]
pub mod session;

pub use authenticator::{Authenticator, Decision, PendingDecision, Presence};
pub use config::{AuthBuilder, AuthConfigError};
pub use failure::{AuthFailure, AuthFailureKind};
pub use future::AuthFuture;
pub use layer::AuthLayer;
pub use service::AuthService;
