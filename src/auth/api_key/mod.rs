//! `ApiKeyAuth`: programs that ask with a key of their own ([API2:2023], [CWE-798]).
//!
//! A key is `<prefix>_<id>_<secret><checksum>`: a word that says to people and scanners what they have found, 12 characters by which it is
//! looked up, 190 random bits, and a CRC-32 over all of it.
//!
//! # Decision
//!
//! The first line that decides wins:
//!
//! 1. No header `x-api-key`, and with [`in_bearer`](ApiKeyAuthBuilder::in_bearer) no bearer token that begins with the prefix and `_`:
//!    not present. Where no other way of the layer reads `Authorization`, all bearer tokens are keys: a bad one is not let in by a cookie.
//! 2. Two of them, or one as a bearer token beside `?access_token=`: **400** `credentials_ambiguous`. `Bearer` without a token, or with
//!    two: **400** `credentials_malformed`.
//! 3. Another shape, or the checksum is wrong: **401** `api_key_invalid`, without a look into the store. So is every line but the next.
//! 4. The store fails: **503**.
//! 5. The id is unknown, the secret is neither the current one nor the one before within its overlap, the key has expired.
//! 6. **Granted**.
//!
//! Digests are compared in constant time, and for an id that is unknown one is compared too. The client is never told which of them it
//! was; the event says it, and the id.
//!
//! # Defaults
//!
//! | what | default | why |
//! |---|---|---|
//! | header | `x-api-key` | one that no proxy or browser sends by itself |
//! | digest | SHA-256 of all but the checksum | 190 random bits are not guessed, and a fast digest keeps requests cheap |
//! | lifetime | said with each key | none at all has to be written as `None` |
//! | secrets of a key | two after a rotation, for as long as was said | clients are changed one by one |
//! | refusals | count as failures of authentication for bans | a wrong key is no slip of a user |
//!
//! # What it does not stop
//!
//! - A key that was published: [`revoke`](ApiKeyAuth::revoke) it, or [`rotate`](ApiKeyAuth::rotate) it without an overlap. The prefix
//!   lets scanners of repositories find it.
//! - A key that may do too much: a key has the scopes and roles that it was issued with, whatever becomes of its owner's. Where an owner is
//!   disabled, call [`revoke_subject`](ApiKeyAuth::revoke_subject).
//! - Who can write to the store makes keys. With a [`server_key`](ApiKeyAuthBuilder::server_key) he makes none, and gives no key the
//!   secret of another; he can still change whom a key of his own stands for.
//! - Users who make keys without end: bound them in the handler.
//!
//! # Deployment
//!
//! - [`MemoryApiKeyStore`] forgets all keys when the process ends; on several nodes take `redis::RedisApiKeys`, or write an
//!   [`ApiKeyStore`].
//! - Answers get `Vary: X-Api-Key`.
//! - A key proves no login in person: `auth_time`, `acr` and `amr` of its [`Principal`](crate::core::Principal) are absent. It never
//!   meets [`max_age`](crate::authorize::max_age), [`mfa`](crate::authorize::mfa) or [`acr`](crate::authorize::acr), neither as a key nor
//!   by a session that a handler begins for its principal.
//! - Handlers call [`for_request`](ApiKeyAuth::for_request) first: events of keys that are issued, rotated and revoked then go where
//!   those of the [`SecurityStack`](crate::SecurityStack) go, with the id of the request and the address of its client.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use std::convert::Infallible;
//! use std::time::Duration;
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_security::auth::AuthLayer;
//! use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
//! use tower_security::core::Principal;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop").build()?;
//!
//! // Shown to its owner once.
//! let robot = Principal::builder("robot").scopes(["orders:read"]).build();
//! let quarter = Duration::from_secs(90 * 24 * 3_600);
//! let issued = keys.issue(&robot, Some(quarter)).await?;
//! let key = issued.key().expose();
//! assert!(key.starts_with("shop_"));
//!
//! let layer = AuthLayer::builder().api_key(keys.clone()).build()?;
//! let service = layer.layer(service_fn(|_: Request<()>| async {
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"orders"))))
//! }));
//! let request = |key: &str| Request::get("/orders").header("x-api-key", key).body(());
//!
//! let answer = ServiceExt::<Request<()>>::oneshot(service.clone(), request(key)?).await?;
//! assert_eq!(answer.status(), StatusCode::OK);
//!
//! keys.revoke(issued.id()).await?;
//! let answer = ServiceExt::<Request<()>>::oneshot(service, request(key)?).await?;
//! assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! A configuration that weakens it does not build:
//!
//! ```
//! use http::header::AUTHORIZATION;
//! use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
//!
//! let errors = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "MY_KEY")
//!     .header(AUTHORIZATION)
//!     .server_key(b"short")
//!     .build()
//!     .unwrap_err();
//! let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
//! assert_eq!(codes, ["prefix_invalid", "header_refused", "key_too_weak"]);
//! ```
//!
//! [API2:2023]: https://owasp.org/API-Security/editions/2023/en/0xa2-broken-authentication/
//! [CWE-798]: https://cwe.mitre.org/data/definitions/798.html

mod auth;
mod check;
mod config;
#[doc(hidden)]
pub mod contract;
mod error;
mod memory;
mod record;
mod store;
mod text;

pub use auth::{ApiKeyAuth, ApiKeyInfo, IssuedApiKey};
pub(super) use check::ApiKeyWay;
pub use config::ApiKeyAuthBuilder;
pub use error::{ApiKeyConfigError, ApiKeyError};
pub use memory::MemoryApiKeyStore;
pub use record::{ApiKeyDigest, ApiKeyRecord};
pub use store::ApiKeyStore;
pub use text::{ApiKeyId, ApiKeyIdError};
