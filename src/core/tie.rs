//! A fast clock that may be wrong, tied to a slow one that is right.
//!
//! The counter of a processor is read in half the time that the clock of the system takes, but how fast it counts is known from
//! one measurement, and what it says may change when a machine is suspended or moved. So it is believed for [`BELIEVED`] at a time. A
//! tie says at which count what was added to it; whoever finds that it has come to its end asks the system, under a mutex, and makes
//! the next one.
//!
//! - A reader takes the count of the tie, then what is to be added, then the counter. The two words are written the other way round.
//!   So what is added is never older than the count; and if it is newer, the counter was read after the next tie was made, which is
//!   after the end of this one: the mutex then sees to it.
//! - While a tie holds, nobody is told more than its end. The next tie begins there or later: when the counter was ahead, the time
//!   stands still until the system's has caught up. So it never goes back, and an error does not add up.
//!
//! A counter that itself goes back while a tie holds, and not to before it, takes the time along, by less than [`BELIEVED`].

use super::sync::{AtomicU64, Lock, Ordering};

/// For how many nanoseconds the counter is believed, by its own account.
pub(super) const BELIEVED: u64 = 50_000_000;

/// How many nanoseconds may pass between the readings of the two clocks that are tied: for so much the time can be ahead.
pub(super) const EXACT: u64 = 10_000;

/// How often the first tie is tried: being interrupted each time is no accident.
const TRIES: usize = 100;

/// Two clocks.
pub(super) trait Clocks {
    /// Reads the counter.
    fn count(&self) -> u64;

    /// Reads the clock of the system: nanoseconds that never go back.
    fn system(&self) -> u64;
}

/// Both, tied.
#[derive(Debug)]
pub(super) struct Tied<C> {
    pub(super) clocks: C,
    /// Nanoseconds of 2^32 counts.
    scale: u64,
    /// [`BELIEVED`] and [`EXACT`] in counts.
    believed: u64,
    exact: u64,
    /// The count of the newest tie.
    at: AtomicU64,
    /// The time less the nanoseconds of the counter, which may be fewer.
    offset: AtomicU64,
    lock: Lock<()>,
}

impl<C: Clocks> Tied<C> {
    /// Ties two clocks. `scale` is how many nanoseconds 2^32 counts last; `None` if that cannot be, or if the system's clock is so slow
    /// to read that the two can never be tied.
    pub(super) fn new(clocks: C, scale: u64) -> Option<Self> {
        let counts = |nanos: u64| (nanos << 32).checked_div(scale);
        let tied = Self {
            believed: counts(BELIEVED)?,
            exact: counts(EXACT)?,
            scale,
            at: AtomicU64::new(0),
            offset: AtomicU64::new(0),
            lock: Lock::new(()),
            clocks,
        };
        let is_tied = (0..TRIES).any(|_| {
            let count = tied.clocks.count();
            tied.tie(count, tied.clocks.system())
        });
        is_tied.then_some(tied)
    }

    /// Tells the time in nanoseconds. It never goes back.
    #[inline]
    pub(super) fn now(&self) -> u64 {
        let at = self.at.load(Ordering::Acquire);
        let offset = self.offset.load(Ordering::Acquire);
        let count = self.clocks.count();
        if count.wrapping_sub(at) < self.believed {
            self.nanos(count).wrapping_add(offset)
        } else {
            self.tied_anew()
        }
    }

    #[cold]
    #[inline(never)]
    fn tied_anew(&self) -> u64 {
        let _held = self.lock.hold();
        // Only who holds the mutex writes them.
        let at = self.at.load(Ordering::Relaxed);
        let offset = self.offset.load(Ordering::Relaxed);
        let count = self.clocks.count();
        if count.wrapping_sub(at) < self.believed {
            return self.nanos(count).wrapping_add(offset);
        }
        let began = self.nanos(at).wrapping_add(offset);
        if at.wrapping_sub(count) < self.exact {
            // The counters of two cores differ by so little.
            return began;
        }
        let end = began.saturating_add(BELIEVED);
        let now = self.clocks.system();
        if now < end {
            return end;
        }
        self.tie(count, now);
        now
    }

    /// Ties the clocks by what was just read of them. Who was interrupted in between ties nothing, and gets `false`.
    fn tie(&self, count: u64, now: u64) -> bool {
        if self.clocks.count().wrapping_sub(count) > self.exact {
            return false;
        }
        let offset = now.wrapping_sub(self.nanos(count));
        self.offset.store(offset, Ordering::Release);
        self.at.store(count, Ordering::Release);
        true
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "wraps as the offset does, of which only differences matter"
    )]
    fn nanos(&self, count: u64) -> u64 {
        (u128::from(count).wrapping_mul(u128::from(self.scale)) >> 32) as u64
    }
}
