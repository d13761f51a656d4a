//! Authentication: who is asking.

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

pub use authenticator::{Authenticator, Decision, PendingDecision, Presence};
#[cfg(feature = "_jwt")]
pub use bearer::BearerAuth;
pub use config::{AuthBuilder, AuthConfigError};
pub use failure::{AuthFailure, AuthFailureKind};
pub use future::AuthFuture;
pub use layer::AuthLayer;
pub use service::AuthService;
