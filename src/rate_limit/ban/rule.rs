//! Rules that count towards a ban, and what lengthens bans.

use std::time::Duration;

use super::error::{BanConfigError, BanPolicyFault};
use super::word::{Count, Micros, Sentence};
use crate::core::Mistakes;
use crate::rate_limit::key::KeyHash;
use crate::rate_limit::table::{Table, Verdict};
use crate::rate_limit::{Nanos, Overflow};

/// `times` within `find` start a ban of `ban`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BanPolicy {
    pub(super) times: u32,
    pub(super) find: Duration,
    pub(super) ban: Duration,
}

/// How much longer each further ban of the same client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Escalation {
    pub(super) multiplier: u32,
    pub(super) max: Duration,
}

impl Default for Escalation {
    fn default() -> Self {
        Self {
            multiplier: 2,
            max: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl BanPolicy {
    /// Names what is wrong with the rule at `path`.
    pub(super) fn check(&self, mistakes: &mut Mistakes, path: &str, escalation: Escalation) {
        let Self { times, find, ban } = *self;
        let no_ban = Micros::from_duration(ban).is_zero();
        let faults = [
            (times == 0 || times > u32::from(u8::MAX)).then_some(BanPolicyFault::Times { times }),
            Micros::from_duration(find)
                .is_zero()
                .then_some(BanPolicyFault::NoFind { find }),
            no_ban.then_some(BanPolicyFault::NoBan { ban }),
            (!no_ban && escalation.max < ban).then_some(BanPolicyFault::MaxBelowBan {
                max: escalation.max,
                ban,
            }),
        ];
        for fault in faults.into_iter().flatten() {
            mistakes.push(path, BanConfigError::BanPolicy { fault });
        }
    }
}

/// The counts of one rule.
///
/// When there is no room, the window that began first gives way: a flood makes rules forget whom they have caught, and never bans
/// somebody for what others did, as [`Overflow::Share`] would.
#[derive(Debug)]
pub(super) struct Counter {
    words: Table,
    count: Count,
    pub(super) sentence: Sentence,
}

impl Counter {
    /// The policy was checked.
    pub(super) fn new(policy: BanPolicy, escalation: Escalation, capacity: usize) -> Self {
        let first = Micros::from_duration(policy.ban);
        let window = Micros::from_duration(policy.find);
        Self {
            words: Table::new(capacity, Overflow::Evict),
            count: Count {
                limit: u8::try_from(policy.times).unwrap_or(u8::MAX),
                window,
            },
            sentence: Sentence {
                first,
                quiet: first.max(window),
                multiplier: escalation.multiplier,
                longest: Micros::from_duration(escalation.max),
            },
        }
    }

    /// Counts one time more and tells whether that is too often.
    pub(super) fn add(&self, key: KeyHash, now: Nanos) -> bool {
        match self.words.charge(self.count, key, now.get(), 1) {
            Verdict::Passed(left, _) => left.remaining == 0,
            // No word stands in the way of a count.
            Verdict::Denied(..) => false,
        }
    }

    pub(super) fn clear(&self, key: KeyHash) {
        self.words.clear(key);
    }
}
