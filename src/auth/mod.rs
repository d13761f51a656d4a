//! Authentication: who is asking.

mod authenticator;
mod failure;

pub use authenticator::{Authenticator, Decision, Presence};
pub use failure::{AuthFailure, AuthFailureKind};
