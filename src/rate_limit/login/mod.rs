//! `LoginThrottle`: counts attempts to log in before the password is looked at, so that passwords cannot be guessed, stuffed or
//! sprayed ([CWE-307], [OWASP Authentication]), and so that a stranger who guesses does not lock the owner out ([device cookies]).
//!
//! # Decision
//!
//! 1. The account is trimmed and put in lower case, or as [`normalise`](LoginThrottleBuilder::normalise) says, and hashed with the
//!    secret: known or not, nobody can tell by what follows.
//! 2. A device cookie that is ours, of this account and not expired makes the device **trusted**. It is charged to the device alone; if it
//!    has failed too often, go on as if there were no cookie.
//! 3. From a prefix that sprays: **refused**, nothing is charged.
//! 4. The attempt is charged to the account, to its failures in a row and to the address prefix: to all of them, or, if one has no room,
//!    to none: **refused**.
//! 5. The store cannot answer: counted in this process, or 503 `rate_store_unavailable`. Never let pass.
//! 6. Otherwise a [`LoginGuard`]: **verify**. [`success`](LoginGuard::success) takes back exactly what this attempt was charged and forgets
//!    the failures in a row; dropping it, for whatever reason, is a failure.
//!
//! Refused is 429 `login_throttled`, over gRPC status 8 with a pushback, with the same bytes for every dimension and account but for
//! `Retry-After`.
//!
//! | dimension | key | default |
//! |---|---|---|
//! | account, from devices that it does not trust | hash of the account | 5 free, then 1, 2, 4 .. s up to 15 min; one failure is forgotten per quiet 15 min |
//! | the same, locked | hash of the account | 100 failures in a row: 24 h, or until a login from a trusted device or [`unlock`](LoginThrottle::unlock) |
//! | account and device | id of the device cookie | 10 failures per 15 min, and 100 in a row; then it is trusted no more |
//! | address, from devices that are not trusted | /32 of IPv4, /64 of IPv6 | 30 failures per 15 min |
//! | spray | accounts that failed, by the same prefix | 20 in 10 min: refused for 15 min |
//! | pressure | failures per second, of all | 10: nobody is refused, [`LoginGuard::pressure`] is high |
//!
//! # Example
//!
//! ```
//! use tower_security::core::ClientIp;
//! use tower_security::rate_limit::login::{LoginAttempt, LoginRefusal, LoginThrottle};
//!
//! # fn is_right(_: &str, password: &str) -> bool { password == "right" }
//! async fn log_in(
//!     throttle: &LoginThrottle,
//!     account: &str,
//!     password: &str,
//!     client: ClientIp,
//! ) -> Result<bool, LoginRefusal> {
//!     let guard = throttle.begin(LoginAttempt::new(account).ip(client)).await?;
//!     if !is_right(account, password) {
//!         return Ok(false); // The guard is dropped: a failure.
//!     }
//!     let _set_cookie = guard.success();
//!     Ok(true)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = *b"\x8e\x0b\x91\xd5\x5f\x13\xa7\x2c\x60\xf8\x47\xbe\x19\x74\xc3\x2a";
//! let throttle = LoginThrottle::builder(&secret[..]).build()?;
//! let client = ClientIp::resolved_by_caller("203.0.113.9".parse()?);
//! for _ in 0..5 {
//!     assert_eq!(log_in(&throttle, "alice", "wrong", client).await, Ok(false));
//! }
//! // Not looked at any more, right or not.
//! let refusal = log_in(&throttle, "alice", "right", client).await.unwrap_err();
//! assert_eq!(refusal.rejection().code(), "login_throttled");
//! assert_eq!(log_in(&throttle, "bob", "right", client).await, Ok(true));
//! # Ok(())
//! # }
//! ```
#![doc = include_str!("guide.md")]
//!
//! [CWE-307]: https://cwe.mitre.org/data/definitions/307.html
//! [OWASP Authentication]: https://cheatsheetseries.owasp.org/cheatsheets/Authentication_Cheat_Sheet.html
//! [device cookies]: https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies

mod account;
mod attempt;
mod begin;
mod compile;
mod config;
mod counters;
mod device;
mod error;
mod events;
mod future;
mod guard;
mod layer;
mod pressure;
mod refusal;
mod service;
mod spray;
mod throttle;

pub use attempt::{LoginAccount, LoginAttempt, LoginOutcome};
pub use begin::LoginBegin;
pub use config::LoginThrottleBuilder;
pub use error::LoginConfigError;
pub use future::LoginFuture;
pub use guard::LoginGuard;
pub use layer::LoginThrottleLayer;
pub use pressure::Pressure;
pub use refusal::{LoginDimension, LoginRefusal};
pub use service::LoginService;
pub use throttle::LoginThrottle;
