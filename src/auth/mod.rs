//! Authentication: who is asking.

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
#[cfg(feature = "opaque-tokens")]
mod identity;
mod layer;
mod service;
#[cfg(feature = "opaque-tokens")]
pub mod session;

pub use authenticator::{Authenticator, Decision, PendingDecision, Presence};
pub use config::{AuthBuilder, AuthConfigError};
pub use failure::{AuthFailure, AuthFailureKind};
pub use future::AuthFuture;
#[cfg(all(feature = "opaque-tokens", feature = "redis"))]
pub(crate) use identity::{from_millis, millis};
pub use layer::AuthLayer;
pub use service::AuthService;
