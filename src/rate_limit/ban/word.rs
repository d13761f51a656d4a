//! What one word says of a key: how often it was caught, or until when it is banned.
//!
//! Both kinds hold a time in microseconds above a byte, so that the smaller of two words is the one that matters less.

use std::time::Duration;

use crate::rate_limit::Nanos;
use crate::rate_limit::table::{Left, Step, Undo, WordRule};

/// A time or a duration in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Micros(u64);

impl Micros {
    /// 2,283 years: of 56 bits all but the last value, so that no word has all its bits set.
    const MAX: Self = Self((1 << 56) - 2);

    pub(super) const fn new(micros: u64) -> Self {
        Self(micros)
    }

    pub(super) const fn get(self) -> u64 {
        self.0
    }

    pub(super) const fn of(now: Nanos) -> Self {
        Self(now.get() / 1_000)
    }

    /// Rounds down; what does not fit is the longest time there is.
    pub(super) fn from_duration(duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(micros).min(Self::MAX)
    }

    pub(super) const fn to_duration(self) -> Duration {
        Duration::from_micros(self.0)
    }

    pub(super) const fn is_zero(self) -> bool {
        self.0 == 0
    }

    fn after(self, start: Self) -> Self {
        Self(self.0.saturating_add(start.0)).min(Self::MAX)
    }

    const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    fn times(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor)).min(Self::MAX)
    }

    const fn nanos(self) -> u64 {
        self.0.saturating_mul(1_000)
    }
}

const fn pack(time: Micros, low: u8) -> u64 {
    time.0 << 8 | low as u64
}

const fn time(word: u64) -> Micros {
    Micros(word >> 8)
}

const fn low(word: u64) -> u8 {
    word.to_le_bytes()[0]
}

/// What tells the caller no more than that it was written.
fn written(next: u64) -> Step {
    Step::Pass {
        next,
        by: 0,
        left: Left::default(),
    }
}

/// Nothing is to be written. What is left tells it from a table without room.
fn kept(word: u64, now: Micros) -> Step {
    Step::Deny {
        wait: time(word).since(now).nanos(),
        left: Left {
            remaining: 1,
            reset: 0,
        },
    }
}

/// Counts within a window that begins with the first of them: the end of the window, and how many there were.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    /// So many are too many: none `remaining`.
    pub(super) limit: u8,
    pub(super) window: Micros,
}

impl WordRule for Count {
    fn charge(self, word: u64, now: u64, cost: u32) -> Step {
        let now = Micros::of(Nanos::new(now));
        let latest = self.window.after(now);
        // Later than any window that began by now: the clock went back. The count holds on, for no longer than a fresh one.
        if time(word) > latest {
            return Step::Heal(pack(latest, low(word)));
        }
        let units = u8::try_from(cost).unwrap_or(u8::MAX);
        let next = match cost {
            0 => word,
            _ if time(word) > now => pack(time(word), low(word).saturating_add(units)),
            _ => pack(latest, units),
        };
        let left = Left {
            remaining: u64::from(self.limit.saturating_sub(low(next))),
            reset: time(next).since(now).nanos(),
        };
        Step::Pass { next, by: 0, left }
    }

    fn expiry(self, word: u64) -> u64 {
        time(word).nanos()
    }

    fn refund(word: u64, _: u64, _: Undo) -> u64 {
        word
    }
}

/// Reads the word of a ban: when it ends, and how many there were that were not forgotten, itself included.
#[derive(Debug)]
pub(super) struct Ban;

impl Ban {
    /// How long it still lasts.
    #[inline]
    pub(super) fn rest(word: u64, now: Micros) -> Option<Micros> {
        let end = time(word);
        (end > now).then(|| end.since(now))
    }

    pub(super) const fn rung(word: u64) -> u8 {
        low(word)
    }

    /// When the last of the bans is forgotten, in nanoseconds.
    pub(super) fn forgotten_at(word: u64, quiet: Micros) -> u64 {
        let quiet = quiet.times(u64::from(low(word)));
        quiet.after(time(word)).nanos()
    }

    /// How many bans are not forgotten by now: one less for each `quiet` since the last one ended.
    fn remembered(word: u64, now: Micros, quiet: Micros) -> u8 {
        // Nothing is remembered without a rule that says for how long.
        let forgotten = now.since(time(word)).0.checked_div(quiet.0);
        let forgotten = forgotten.and_then(|forgotten| u8::try_from(forgotten).ok());
        low(word).saturating_sub(forgotten.unwrap_or(u8::MAX))
    }
}

/// How long a ban lasts: the first `first`, each further one longer by `multiplier`, none longer than `longest`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sentence {
    pub(super) first: Micros,
    /// One ban is forgotten for each of these that pass without one.
    pub(super) quiet: Micros,
    pub(super) multiplier: u32,
    pub(super) longest: Micros,
}

/// A ban starts, unless one is in force.
impl WordRule for Sentence {
    fn charge(self, word: u64, now: u64, cost: u32) -> Step {
        let now = Micros::of(Nanos::new(now));
        if cost == 0 || Ban::rest(word, now).is_some() {
            return kept(word, now);
        }
        let earlier = Ban::remembered(word, now, self.quiet);
        let factor = u64::from(self.multiplier).saturating_pow(u32::from(earlier));
        let length = self.first.times(factor).min(self.longest);
        written(pack(length.after(now), earlier.saturating_add(1)))
    }

    /// A ban that has ended gives way, though it would lengthen the next one.
    fn expiry(self, word: u64) -> u64 {
        time(word).nanos()
    }

    fn refund(word: u64, _: u64, _: Undo) -> u64 {
        word
    }
}

/// A ban lasts at least for `length` from now. One that is in force is prolonged, if it ends earlier, and counts once.
#[derive(Clone, Copy, Debug)]
pub(super) struct AtLeast {
    pub(super) length: Micros,
    pub(super) quiet: Micros,
}

impl WordRule for AtLeast {
    fn charge(self, word: u64, now: u64, cost: u32) -> Step {
        let now = Micros::of(Nanos::new(now));
        let end = self.length.after(now);
        if cost == 0 || self.length.is_zero() || end <= time(word) {
            return kept(word, now);
        }
        let rung = match Ban::rest(word, now) {
            Some(_) => low(word),
            None => Ban::remembered(word, now, self.quiet).saturating_add(1),
        };
        written(pack(end, rung))
    }

    fn expiry(self, word: u64) -> u64 {
        time(word).nanos()
    }

    fn refund(word: u64, _: u64, _: Undo) -> u64 {
        word
    }
}

/// A ban ends now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lift;

impl WordRule for Lift {
    fn charge(self, word: u64, now: u64, _: u32) -> Step {
        let now = Micros::of(Nanos::new(now));
        match Ban::rest(word, now) {
            Some(_) => Step::Heal(pack(now, low(word))),
            None => kept(word, now),
        }
    }

    fn expiry(self, word: u64) -> u64 {
        time(word).nanos()
    }

    fn refund(word: u64, _: u64, _: Undo) -> u64 {
        word
    }
}

#[cfg(test)]
#[path = "word_tests.rs"]
mod tests;
