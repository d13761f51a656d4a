//! Delays that grow. The word is the microsecond from which the next charge may pass, and in its last 8 bits the rung.

use super::rule::Ladder;
use super::word::{Left, Step, Undo, WordRule};

const RUNG: u64 = 0xff;
/// Of 56 bits of microseconds all but the last value, so that no word is [`LOCK`](super::word::LOCK).
const LATEST: u64 = (1 << 56) - 2;

impl WordRule for Ladder {
    fn charge(self, word: u64, now: u64, cost: u32) -> Step {
        let open = opening(word);
        let (rung, quiet) = self.after_quiet(word, now);
        let left = self.left(open, rung, now, quiet);
        if cost == 0 {
            return Step::Pass {
                next: word,
                by: word,
                left,
            };
        }
        if open > now {
            let wait = open.saturating_sub(now);
            return Step::Deny { wait, left };
        }
        let rung = rung.saturating_add(u64::from(cost)).min(RUNG);
        let next = match self.delay(rung) {
            // Rounded up, a free charge would be late for its own microsecond.
            0 => packed(now / 1000, rung),
            // Rounded down, who waits as long as was said would wait in vain.
            delay => packed(now.saturating_add(delay).div_ceil(1000), rung),
        };
        Step::Pass {
            next,
            by: word,
            left: self.left(opening(next), rung, now, 0),
        }
    }

    fn expiry(self, word: u64) -> u64 {
        let rungs = word & RUNG;
        opening(word).saturating_add(rungs.saturating_mul(self.step()))
    }

    fn refund(word: u64, _: u64, undo: Undo) -> u64 {
        if word == undo.after {
            return undo.by;
        }
        // Others were charged since. They keep their delay and lose the rung.
        let raised = (undo.after & RUNG).saturating_sub(undo.by & RUNG).max(1);
        (word & !RUNG) | (word & RUNG).saturating_sub(raised)
    }
}

impl Ladder {
    /// The quiet that takes one rung away. Below a microsecond a word could fall.
    const fn step(self) -> u64 {
        if self.decay() < 1000 {
            1000
        } else {
            self.decay()
        }
    }

    /// How many charges pass at once: the first one always does, there is nothing that it could be late after.
    const fn at_once(self) -> u64 {
        if self.free() == 0 {
            1
        } else {
            self.free() as u64
        }
    }

    /// How long the next charge waits after one that led to `rung`.
    fn delay(self, rung: u64) -> u64 {
        let Some(doublings) = rung.checked_sub(self.at_once()) else {
            return 0;
        };
        let factor = u32::try_from(doublings)
            .ok()
            .and_then(|doublings| 1_u64.checked_shl(doublings))
            .unwrap_or(u64::MAX);
        self.first().saturating_mul(factor).min(self.longest())
    }

    /// The rung that is left at `now`, and how much quiet counts towards the next step down.
    fn after_quiet(self, word: u64, now: u64) -> (u64, u64) {
        let quiet = now.saturating_sub(opening(word));
        let steps = quiet.checked_div(self.step()).unwrap_or(0);
        let rest = quiet.checked_rem(self.step()).unwrap_or(0);
        ((word & RUNG).saturating_sub(steps), rest)
    }

    fn left(self, open: u64, rung: u64, now: u64, quiet: u64) -> Left {
        if open > now {
            return Left {
                remaining: 0,
                reset: open.saturating_sub(now),
            };
        }
        let remaining = self.at_once().saturating_sub(rung).max(1);
        if remaining == self.at_once() {
            return Left {
                remaining,
                reset: 0,
            };
        }
        // At or above the last free rung one charge passes, as it does one rung below.
        let steps = rung.saturating_add(2).saturating_sub(self.at_once()).max(1);
        Left {
            remaining,
            reset: self.step().saturating_mul(steps).saturating_sub(quiet),
        }
    }
}

/// From when on the next charge may pass, in nanoseconds.
const fn opening(word: u64) -> u64 {
    (word >> 8).saturating_mul(1000)
}

fn packed(micros: u64, rung: u64) -> u64 {
    (micros.min(LATEST) << 8) | rung
}
