//! Authentication: who is asking.

mod authenticator;
mod failure;

pub use authenticator::{Authenticator, Decision, PendingDecision, Presence};
pub use failure::{AuthFailure, AuthFailureKind};
