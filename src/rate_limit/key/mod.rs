//! Whom a policy counts.
//!
//! | key | counts | without it |
//! |---|---|---|
//! | [`client_ip()`] | an IPv4 address, an IPv6 /64 | missing |
//! | [`client_prefix(24, 48)`](client_prefix) | a network of this size | missing |
//! | [`principal()`] | whom an authentication layer has let in | the client's address, apart from all users |
//! | [`principal_only()`] | the same | missing |
//! | [`route()`] | the router's template, such as `/orders/{id}` | all unknown paths together |
//! | [`extension::<T>()`](extension) | a request extension | missing |
//! | [`global()`] | everybody together | |
//! | [`all((a, b))`](all) | each combination | as the first one that is |
//! | [`custom(f)`](custom) | what a function says | what it says |
//! | [`dangerous_header(name)`](dangerous_header) | what the client writes | missing |
//!
//! A key becomes a hash of 64 bits (128 between nodes) under a secret seed: a counter knows nothing of whom it counts, and nobody can
//! choose two keys that fall together. What a client can choose freely makes no key: a fresh value is a fresh budget.

mod extract;
#[cfg(feature = "tower-governor")]
mod governor;
mod hasher;
mod make;
mod outcome;
mod prefix;
mod spec;
#[cfg(test)]
mod tests;

pub(super) use extract::{Head, client_key, write_global};
#[cfg(feature = "tower-governor")]
pub use governor::{governor, governor_with};
pub use hasher::{KeyHash, KeyHasher, KeySeed};
pub use make::{
    KeyList, all, client_ip, client_prefix, custom, dangerous_full_v6, dangerous_header, extension,
    global, principal, principal_only, route,
};
pub use outcome::{KeyOutcome, KeyRefusal};
pub(super) use prefix::Prefix;
pub use spec::Key;
