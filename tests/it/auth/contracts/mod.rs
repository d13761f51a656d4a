//! What every store does, run for each: one handle that changes, and another on the same data.

pub(crate) mod api_key;
pub(crate) mod session;

use std::time::{Duration, SystemTime};

use tower_security::core::Lookup;

/// What somebody's id may be.
pub(crate) const SUBJECTS: [&str; 8] =
    ["", "a", "a\0b", ":", "*", "{}", "a b\r\n", "\u{202e}\u{e9}"];

/// So many seconds after a day in 2027.
pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

/// The answer of a store that is there.
pub(crate) async fn told<T, E: std::fmt::Debug>(lookup: Lookup<Result<T, E>>) -> T {
    lookup.wait().await.unwrap()
}
