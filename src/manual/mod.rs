//! Pages on how the parts stand together. They hold no code of their own.

#[cfg(all(feature = "_jwt", feature = "mfa", feature = "password"))]
#[doc = include_str!("login.md")]
pub mod login {}
