//! A real Redis server, started by the tests.

#[cfg(feature = "opaque-tokens")]
mod api_keys;
mod bans;
mod differential;
mod hash_tag;
mod lease;
mod login;
#[cfg(feature = "mfa")]
mod mfa;
mod node;
mod outage;
mod processes;
#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
mod refresh_tokens;
#[cfg(feature = "opaque-tokens")]
mod revocations;
mod server;
#[cfg(feature = "opaque-tokens")]
mod sessions;
mod store;
#[cfg(all(
    feature = "axum",
    feature = "jwt",
    feature = "limits",
    feature = "sanitize"
))]
mod two_nodes;

pub(crate) use node::{Node, key};
pub(crate) use server::Server;
