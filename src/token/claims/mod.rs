//! The claims of a token (RFC 7519 section 4), read strictly and once: what a principal says are ranges of the decoded payload.

mod known;
mod read;
mod rules;
#[cfg(test)]
mod tests;
mod values;

pub(super) use known::Known;
pub(super) use read::{Binding, Times, TokenClaims, issuer_of, read, system_time};
pub(super) use rules::{ClaimRules, Required, ScopeClaim};
pub(super) use values::{Fault, date, text};
