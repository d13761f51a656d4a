//! What goes by time: the one timer of a body or of an answer, and the places of answers that wait for their client.
//!
//! The timer is in place: nothing is allocated, and nothing is started until somebody has to wait. Places need another way: a server asks for
//! no more of a body while its client takes nothing, so that no timer in it goes off. They are counted by generations: an answer that is read
//! is of the present one, and a generation ends when places are wanted and it is old enough. What is of one that ended before was not read
//! for as long. Nobody looks at a clock while there is room.
#![expect(
    clippy::disallowed_methods,
    reason = "configured time limits, and the clock that their timer goes by"
)]

use std::pin::Pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

/// The time by the clock of tokio's timer.
pub(super) fn now() -> Instant {
    Instant::now()
}

/// The end of a wait. What no clock can express is as good as never.
pub(super) fn after(start: Instant, wait: Duration) -> Instant {
    /// Thirty years, which tokio takes for the far future too.
    const NEVER: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 30);
    start.checked_add(wait).unwrap_or_else(|| start + NEVER)
}

pin_project! {
    /// A timer of tokio's that may not have been set yet.
    #[derive(Debug, Default)]
    pub(super) struct Timer {
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Timer {
    /// Sets it, or sets it anew. To put off one that runs takes no lock.
    pub(super) fn set(self: Pin<&mut Self>, deadline: Instant) {
        let mut sleep = self.project().sleep;
        match sleep.as_mut().as_pin_mut() {
            Some(sleep) => sleep.reset(deadline),
            None => sleep.set(Some(sleep_until(deadline))),
        }
    }

    /// When it goes off, if it was set.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.sleep.as_ref().map(Sleep::deadline)
    }

    /// Ready once it has gone off. One that was not set never does.
    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project().sleep.as_pin_mut() {
            Some(sleep) => sleep.poll(cx),
            None => Poll::Pending,
        }
    }
}

/// The places of answers: those of the present generation and of the one before.
#[derive(Debug)]
pub(super) struct Leases {
    present: AtomicU32,
    /// For the generations of even and of odd numbers: the number of one above how many places are of it.
    counts: [AtomicU64; 2],
    /// When the present generation began, in nanoseconds after the first that was looked at and 1 more; 0: nobody has looked yet.
    since: AtomicU64,
    start: OnceLock<Instant>,
}

/// The place of an answer.
#[derive(Debug)]
pub(super) struct Lease(u32);

// Relaxed throughout: the numbers protect no other memory, and whoever sees an old generation finds that out when it counts.
impl Leases {
    pub(super) const fn new() -> Self {
        Self {
            // The one before it is there, and empty.
            present: AtomicU32::new(1),
            counts: [AtomicU64::new(0), AtomicU64::new(1 << 32)],
            since: AtomicU64::new(0),
            start: OnceLock::new(),
        }
    }

    /// Counts a place.
    #[inline]
    pub(super) fn lease(&self) -> Lease {
        loop {
            let generation = self.present.load(Ordering::Relaxed);
            // Less than 2^32 requests are served at the same time.
            if self.change(generation, |count| count.checked_add(1)) {
                return Lease(generation);
            }
        }
    }

    /// Counts a place no longer. `false`: it was taken back already.
    #[inline]
    pub(super) fn end(&self, lease: &Lease) -> bool {
        self.change(lease.0, |count| count.checked_sub(1))
    }

    /// Moves a place to the present generation, for its answer was read. `false`: it was taken back, and is counted again.
    #[inline]
    pub(super) fn renew(&self, lease: &mut Lease) -> bool {
        if lease.0 == self.present.load(Ordering::Relaxed) {
            return true;
        }
        let was_there = self.end(lease);
        *lease = self.lease();
        was_there
    }

    /// Takes back what nobody has read for so long, and says how many places that is.
    pub(super) fn take_back(&self, now: Instant, patience: Duration) -> usize {
        let start = *self.start.get_or_init(|| now);
        let at = u64::try_from(now.saturating_duration_since(start).as_nanos())
            .unwrap_or(u64::MAX - 1)
            .saturating_add(1);
        let since = self.since.load(Ordering::Relaxed);
        let patience = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        if since != 0 && at.saturating_sub(since) < patience {
            return 0;
        }
        let order = Ordering::Relaxed;
        if self
            .since
            .compare_exchange(since, at, order, order)
            .is_err()
        {
            return 0;
        }
        // Nobody else is here before the present one is as old.
        let next = self.present.load(order).wrapping_add(1);
        let before = self.count(next).swap(u64::from(next) << 32, order);
        self.present.store(next, order);
        usize::try_from(before & u64::from(u32::MAX)).unwrap_or_default()
    }

    const fn count(&self, generation: u32) -> &AtomicU64 {
        let [even, odd] = &self.counts;
        if generation.is_multiple_of(2) {
            even
        } else {
            odd
        }
    }

    /// Changes the count of a generation, if it is still there.
    #[inline]
    fn change(&self, generation: u32, change: impl Fn(u32) -> Option<u32>) -> bool {
        let order = Ordering::Relaxed;
        let changed = self.count(generation).fetch_update(order, order, |word| {
            let [number, count] = [word >> 32, word & u64::from(u32::MAX)];
            let is_there = number == u64::from(generation);
            let count = u32::try_from(count).ok().filter(|_| is_there)?;
            Some(number << 32 | u64::from(change(count)?))
        });
        changed.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_not_renewed_is_taken_back_after_a_generation() {
        let leases = Leases::new();
        let start = Instant::now();
        let (old, mut read) = (leases.lease(), leases.lease());
        // Whoever looks for the first time does not know how old they are.
        assert_eq!(leases.take_back(start, MINUTE), 0);
        let new = leases.lease();
        assert!(leases.renew(&mut read));
        assert_eq!(
            leases.take_back(start + MINUTE - Duration::from_nanos(1), MINUTE),
            0
        );
        assert_eq!(leases.take_back(start + MINUTE, MINUTE), 1);
        assert!(!leases.end(&old));
        assert!(leases.end(&new));
        assert!(leases.end(&read));
        assert_eq!(leases.take_back(start + 2 * MINUTE, MINUTE), 0);
    }

    #[test]
    fn what_was_taken_back_can_be_counted_again() {
        let leases = Leases::new();
        let start = Instant::now();
        let mut lease = leases.lease();
        assert_eq!(leases.take_back(start, MINUTE), 0);
        assert_eq!(leases.take_back(start + MINUTE, MINUTE), 1);
        assert!(!leases.renew(&mut lease));
        assert!(leases.renew(&mut lease));
        assert!(leases.end(&lease));
    }

    #[test]
    fn without_a_limit_of_time_nothing_is_taken_back() {
        let leases = Leases::new();
        let start = Instant::now();
        let lease = leases.lease();
        assert_eq!(leases.take_back(start, Duration::MAX), 0);
        assert_eq!(leases.take_back(start + 10_000 * MINUTE, Duration::MAX), 0);
        assert!(leases.end(&lease));
    }

    #[test]
    fn threads_lose_no_place() {
        const HOLDERS: usize = 4;
        const ROUNDS: u32 = 500;
        let leases = Leases::new();
        let start = Instant::now();
        let (before, after) = (Barrier::new(HOLDERS + 1), Barrier::new(HOLDERS + 1));
        std::thread::scope(|scope| {
            let holders: Vec<_> = (0..HOLDERS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut back = 0;
                        for _ in 0..ROUNDS {
                            let mut lease = leases.lease();
                            before.wait();
                            // Beside the one who takes back.
                            back += usize::from(!leases.renew(&mut lease));
                            after.wait();
                            back += usize::from(!leases.end(&lease));
                        }
                        back
                    })
                })
                .collect();
            let mut turn = 0;
            let mut taken = 0;
            let mut take_back = || {
                turn += 1;
                leases.take_back(start + turn * MINUTE, MINUTE)
            };
            for _ in 0..ROUNDS {
                before.wait();
                taken += take_back();
                taken += take_back();
                after.wait();
            }
            let back: usize = holders.into_iter().map(|one| one.join().unwrap()).sum();
            taken += (0..3).map(|_| take_back()).sum::<usize>();
            assert_eq!(taken, back);
            assert!(taken > 0);
        });
    }
}
