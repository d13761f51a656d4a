//! The protocol of the table of counters, and that of the clock of the processor, under a model checker.
//!
//! The files are those of the library. Their neighbour `sync` is another one: the atomics and the mutex are loom's, and a set has two
//! slots. Loom runs two threads in every order, with every value that a load may see; a model of three in those orders that
//! interrupt a thread at most [`models::INTERRUPTIONS`] times.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::modulo_one,
    reason = "the library has more of these files, exports them, and has sets of more than one line"
)]

mod clock;
#[path = "../../src/rate_limit/table/fit.rs"]
mod fit;
#[path = "../../src/rate_limit/table/gcra.rs"]
mod gcra;
mod models;
#[path = "../../src/rate_limit/rule.rs"]
mod rule;
#[path = "../../src/rate_limit/table/set.rs"]
mod set;
#[path = "../../src/rate_limit/table/slot.rs"]
mod slot;
#[path = "../../src/core/tie.rs"]
mod tie;
#[path = "../../src/rate_limit/table/word.rs"]
mod word;

/// That of the store, whose file needs the rest of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overflow {
    Deny,
    Evict,
    Share,
}

/// What `src/rate_limit/table/sync.rs` is for the library.
mod sync {
    use loom::sync::{Mutex, MutexGuard};

    pub(super) use loom::sync::atomic::{AtomicU64, Ordering};

    pub(super) const WAYS: usize = 2;
    pub(super) const LINES: usize = 1;

    #[derive(Debug)]
    pub(super) struct Lock<T>(Mutex<T>);

    impl<T> Lock<T> {
        pub(super) fn new(value: T) -> Self {
            Self(Mutex::new(value))
        }

        pub(super) fn hold(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    /// Loom interrupts wherever it can.
    pub(super) const fn pause() {}
}
