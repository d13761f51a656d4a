//! Authentication: who is asking.

#[cfg(feature = "opaque-tokens")]
pub mod api_key;
mod authenticator;
mod failure;
#[cfg(feature = "opaque-tokens")]
mod identity;
#[cfg(feature = "opaque-tokens")]
pub mod session;

pub use authenticator::{Authenticator, Decision, PendingDecision, Presence};
pub use failure::{AuthFailure, AuthFailureKind};
