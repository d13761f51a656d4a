//! The `WWW-Authenticate` lines: an authentication layer writes them, every layer that refuses for want of authority answers with them.

mod config;
mod failure;
mod lines;
mod scheme;
#[cfg(test)]
mod tests;

pub(crate) use config::is_scope_token;
pub use config::{ChallengeConfigError, ChallengesBuilder};
pub(crate) use failure::ChallengeFailure;
pub use lines::Challenges;
pub use scheme::ChallengeScheme;
