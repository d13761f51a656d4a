//! The generic cell rate algorithm. Its word is the theoretical arrival time: when the key owes nothing any more.

use super::rule::Gcra;
use super::word::{Left, Step, Undo, WordRule};

/// How far a word may lie beyond what can be before it is healed. Clocks of threads differ by less; a debt that lasts longer comes
/// from a quota that was higher, or from a clock that was ahead.
const SLACK: u64 = 1_000_000_000;

impl WordRule for Gcra {
    #[inline]
    fn charge(self, word: u64, now: u64, cost: u32) -> Step {
        charge(&self, word, now, cost)
    }

    #[inline]
    fn expiry(self, word: u64) -> u64 {
        word
    }

    #[inline]
    fn refund(word: u64, now: u64, undo: Undo) -> u64 {
        // What time has given back already is not given back again.
        word.saturating_sub(undo.by.min(undo.after.saturating_sub(now)))
    }
}

/// Where it stands: a charge that copies its rule costs more than the arithmetic.
impl WordRule for &Gcra {
    #[inline(always)]
    fn charge(self, word: u64, now: u64, cost: u32) -> Step {
        charge(self, word, now, cost)
    }

    #[inline]
    fn expiry(self, word: u64) -> u64 {
        word
    }

    #[inline]
    fn refund(word: u64, now: u64, undo: Undo) -> u64 {
        Gcra::refund(word, now, undo)
    }
}

#[inline(always)]
fn charge(rule: &Gcra, word: u64, now: u64, cost: u32) -> Step {
    let limit = now.saturating_add(rule.window());
    let by = rule.interval().saturating_mul(u64::from(cost));
    let base = word.max(now);
    let next = base.saturating_add(by);
    if by > rule.window() || cost == 0 {
        return out_of_reach(rule, word, now, cost);
    }
    if next <= limit {
        let (remaining, rest) = rule.units(limit.saturating_sub(next));
        let reset = rule.interval().saturating_sub(rest);
        let left = Left { remaining, reset };
        return Step::Pass { next, by, left };
    }
    let ceiling = now.saturating_add(rule.debt());
    if word > ceiling.saturating_add(SLACK) {
        return Step::Heal(ceiling);
    }
    // Both from the word as it is stored, not as it could be: who waits for so long shall not wait in vain.
    Step::Deny {
        wait: next.saturating_sub(limit),
        left: left(*rule, base, now),
    }
}

/// A charge that is booked in any case, up to a debt of twice the window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overdraw(pub(crate) Gcra);

impl WordRule for Overdraw {
    fn charge(self, word: u64, now: u64, cost: u32) -> Step {
        let Self(rule) = self;
        if cost == 0 {
            return rule.charge(word, now, 0);
        }
        let most = now.saturating_add(rule.window().saturating_mul(2));
        let ceiling = most.max(now.saturating_add(rule.debt()));
        if word > ceiling.saturating_add(SLACK) {
            return Step::Heal(ceiling);
        }
        let base = word.max(now);
        let by = rule.interval().saturating_mul(u64::from(cost));
        let next = base.saturating_add(by).min(most).max(base);
        Step::Pass {
            next,
            by: next.saturating_sub(base),
            left: left(rule, next, now),
        }
    }

    fn expiry(self, word: u64) -> u64 {
        word
    }

    fn refund(word: u64, now: u64, undo: Undo) -> u64 {
        Gcra::refund(word, now, undo)
    }
}

/// A charge that looks, or that would not even fit a full bucket.
#[cold]
#[inline(never)]
fn out_of_reach(rule: &Gcra, word: u64, now: u64, cost: u32) -> Step {
    let ceiling = now.saturating_add(rule.debt());
    let due = if word > ceiling.saturating_add(SLACK) {
        ceiling
    } else {
        word.max(now)
    };
    let left = left(*rule, due, now);
    if cost == 0 {
        return Step::Pass {
            next: word,
            by: 0,
            left,
        };
    }
    Step::Deny {
        wait: u64::MAX,
        left,
    }
}

/// What is left to a key whose debt lasts until `base`.
#[inline]
fn left(rule: Gcra, base: u64, now: u64) -> Left {
    let limit = now.saturating_add(rule.window());
    let free = limit.saturating_sub(base);
    let (remaining, rest) = if free < rule.interval() {
        (0, free)
    } else {
        rule.units(free)
    };
    let missing = rule.interval().saturating_sub(rest);
    Left {
        remaining,
        reset: if base > now {
            base.saturating_sub(limit).saturating_add(missing)
        } else {
            0
        },
    }
}
