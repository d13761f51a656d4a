//! Rate limits, bans and login attempts.

mod address;
mod bans;
mod keys;
mod layer;
mod login;
mod model;
mod quota;
#[cfg(all(feature = "axum", feature = "tonic"))]
mod servers;
mod stack;
mod threads;
