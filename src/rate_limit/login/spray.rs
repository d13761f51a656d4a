//! Many accounts tried from one place: how many, counted in 64 bits a prefix.
#![expect(
    clippy::disallowed_types,
    reason = "a table of fixed size in 512 parts; each lock is held for eight comparisons"
)]

use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::super::store::Nanos;

const SETS: u64 = 512;
const WAYS: usize = 8;
/// A window is covered by so many parts and the one that is running.
const PARTS: usize = 3;

/// What sprays are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SprayRule {
    /// How many different accounts.
    pub(super) accounts: u8,
    /// Nanoseconds of which any half-open interval counts.
    pub(super) within: u64,
    /// Nanoseconds for which the prefix is refused.
    pub(super) refuse: u64,
}

/// The accounts that failed, by prefix: 4,096 prefixes, whatever is sent.
///
/// An account is one of 64 bits (linear counting: Whang, Vander-Zanden, Taylor, "A linear-time probabilistic counting algorithm",
/// 1990). Two may share one, so that a count is met once in a while an account or two later, never for want of accounts.
pub(super) struct SprayTable {
    sets: Box<[Mutex<Vec<Entry>>]>,
    rule: SprayRule,
    /// How many bits as many accounts as the rule says set on average.
    bits: u32,
}

#[derive(Clone, Copy)]
struct Entry {
    prefix: u64,
    /// The number of the half window in which the first of `seen` was begun.
    half: u64,
    /// Accounts of this half window and the two before.
    seen: [u64; PARTS],
    refused_until: u64,
}

impl Entry {
    const fn new(prefix: u64, half: u64) -> Self {
        Self {
            prefix,
            half,
            seen: [0; PARTS],
            refused_until: 0,
        }
    }

    /// Forgets what is older than the window. Time that goes back forgets nothing.
    fn advance(&mut self, half: u64) {
        let passed = half.saturating_sub(self.half);
        if passed == 0 {
            return;
        }
        let [newest, middle, _] = self.seen;
        self.seen = match passed {
            1 => [0, newest, middle],
            2 => [0, 0, newest],
            _ => [0; PARTS],
        };
        self.half = half;
    }

    fn count(&self) -> u32 {
        let [newest, middle, oldest] = self.seen;
        (newest | middle | oldest).count_ones()
    }
}

impl SprayTable {
    pub(super) fn new(rule: SprayRule) -> Self {
        Self {
            sets: (0..SETS).map(|_| Mutex::default()).collect(),
            rule,
            bits: expected_bits(u32::from(rule.accounts)),
        }
    }

    pub(super) const fn rule(&self) -> SprayRule {
        self.rule
    }

    /// For how many more nanoseconds a prefix is refused.
    pub(super) fn wait(&self, prefix: u64, now: Nanos) -> Option<u64> {
        let set = self.set(prefix)?.lock();
        let set = set.unwrap_or_else(PoisonError::into_inner);
        let entry = set.iter().find(|entry| entry.prefix == prefix)?;
        let wait = entry.refused_until.saturating_sub(now.get());
        (wait > 0).then_some(wait)
    }

    /// Notes that an account failed. If the prefix is refused from now on, about how many accounts there were.
    pub(super) fn record(&self, prefix: u64, account: u64, now: Nanos) -> Option<u32> {
        let half = now.get().checked_div(self.rule.within.div_ceil(2))?;
        // Plain numbers are whole after any panic.
        let mut set = self
            .set(prefix)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let entry = place(&mut set, prefix, half, now)?;
        if entry.refused_until > now.get() {
            return None;
        }
        entry.advance(half);
        let [newest, ..] = &mut entry.seen;
        *newest |= account;
        let count = entry.count();
        if count < self.bits {
            return None;
        }
        entry.refused_until = now.get().saturating_add(self.rule.refuse);
        entry.seen = [0; PARTS];
        Some(likely_accounts(count))
    }

    fn set(&self, prefix: u64) -> Option<&Mutex<Vec<Entry>>> {
        let set = usize::try_from(prefix % SETS).unwrap_or_default();
        self.sets.get(set)
    }
}

/// The entry of a prefix, made in the place of another if need be: of one that has nothing left to tell, else of the one with the
/// fewest accounts. A prefix that is refused never makes way, so that nobody gets out by flooding the table with fresh ones.
fn place(set: &mut Vec<Entry>, prefix: u64, half: u64, now: Nanos) -> Option<&mut Entry> {
    let known = set.iter().position(|entry| entry.prefix == prefix);
    let at = match known {
        Some(at) => at,
        None if set.len() < WAYS => {
            set.reserve_exact(WAYS.saturating_sub(set.len()));
            set.push(Entry::new(prefix, half));
            set.len().checked_sub(1)?
        }
        None => {
            let free = set.iter_mut().enumerate().filter_map(|(at, entry)| {
                entry.advance(half);
                (entry.refused_until <= now.get()).then(|| (entry.count(), at))
            });
            let (_, at) = free.min()?;
            *set.get_mut(at)? = Entry::new(prefix, half);
            at
        }
    };
    set.get_mut(at)
}

/// One bit, as a fixed-point number.
const BIT: u64 = 1 << 32;

/// How many of 64 bits so many accounts set on average: each leaves a bit that is clear so in 63 of 64 cases.
fn expected(accounts: u32) -> u64 {
    let clear = (0..accounts).fold(64 * BIT, |clear, _| clear.saturating_sub(clear / 64));
    (64 * BIT).saturating_sub(clear)
}

/// That many, to the nearest.
fn expected_bits(accounts: u32) -> u32 {
    let rounded = expected(accounts).saturating_add(BIT / 2) / BIT;
    u32::try_from(rounded).unwrap_or(64)
}

/// The fewest accounts that set so many bits on average.
fn likely_accounts(bits: u32) -> u32 {
    const MOST: u32 = 512;
    let bits = u64::from(bits).saturating_mul(BIT);
    (1..MOST)
        .find(|accounts| expected(*accounts) >= bits)
        .unwrap_or(MOST)
}

impl fmt::Debug for SprayTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SprayTable")
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "spray_tests.rs"]
mod tests;
