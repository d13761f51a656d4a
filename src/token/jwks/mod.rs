//! Keys of an identity provider: fetched, judged, kept, renewed.

mod cache;
mod config;
mod error;
mod fetch;
#[cfg(feature = "jwks")]
mod https;
mod judge;
mod notices;
mod refresh;
mod seat;
mod shared;
mod unknown;
mod url;

pub use cache::JwksCache;
pub use config::JwksCacheBuilder;
pub use error::{FetchError, FetchErrorKind, JwksConfigError, JwksUrlProblem};
pub use fetch::{JwksFetch, JwksReply};
#[cfg(feature = "jwks")]
pub use https::HttpsJwksFetch;
