//! What a rule makes of the 64 bits that are kept of a key.

/// Stands in a slot that is changing hands. No rule makes it: what would be this much is one less.
pub(super) const LOCK: u64 = u64::MAX;

/// A rule that keeps all it has to know of a key in one word.
///
/// 0 is the word of a key that was never charged. Of the words of one table a smaller one protects less and is given up first.
pub(crate) trait WordRule: Copy {
    /// Says what becomes of a key with `word` that is charged `cost` at `now`.
    ///
    /// A cost of 0 looks: it passes, with the word as it is. The next word of a charge is never below `word`, since it is
    /// exchanged without a lock; what has to fall says [`Step::Heal`], and the word that heals is not healed again at the same
    /// `now`. Nothing may be denied to a `word` of 0 but what is denied for ever.
    fn charge(self, word: u64, now: u64, cost: u32) -> Step;

    /// From when on a key with `word` is like one that was never charged.
    fn expiry(self, word: u64) -> u64;

    /// The word without a charge, which it may have been followed by others. `undo` is what [`Step::Pass`] gave.
    fn refund(word: u64, now: u64, undo: Undo) -> u64;

    /// Whether a key with `word` is like one that was never charged.
    #[inline]
    fn is_expired(self, word: u64, now: u64) -> bool {
        self.expiry(word) <= now
    }
}

/// What a rule says of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It fits.
    Pass {
        /// The word after it.
        next: u64,
        /// What [`WordRule::refund`] needs to take it back, beside `next`.
        by: u64,
        /// What is left after it.
        left: Left,
    },
    /// It does not fit, and nothing is written.
    Deny {
        /// Nanoseconds until it does; `u64::MAX` if it never will.
        wait: u64,
        /// What is left.
        left: Left,
    },
    /// The word cannot be: a quota was lowered or a clock set back. It falls to this one, and the charge is asked again.
    Heal(u64),
}

/// What is left to a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    /// Units.
    pub(crate) remaining: u64,
    /// Nanoseconds until there is one more; 0 if none is missing.
    pub(crate) reset: u64,
}

/// What is needed to take a charge back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Undo {
    /// What the rule noted.
    pub(crate) by: u64,
    /// The word after the charge.
    pub(crate) after: u64,
}
