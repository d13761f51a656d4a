//! Refusals, as a decision makes them.

use super::items::Charged;
use super::key::{KeyHash, KeyRefusal};
use super::limited::RateLimitReason;
use super::marks::Marks;
use super::store::Standing;

/// What a decision says of a request that does not pass.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) why: Why,
    pub(super) denied: Marks,
    pub(super) binding: usize,
    pub(super) plan: usize,
    pub(super) key: KeyHash,
    pub(super) wait: u64,
    pub(super) remaining: u64,
    pub(super) reset: u64,
}

#[derive(Debug)]
pub(super) enum Why {
    CostExceedsQuota,
    Exceeded,
    KeyMissing,
    KeyRefused(KeyRefusal),
    StoreUnavailable,
    UnknownPolicy,
}

impl Why {
    pub(super) const fn reason(&self) -> RateLimitReason {
        match self {
            Self::CostExceedsQuota => RateLimitReason::CostExceedsQuota,
            Self::Exceeded => RateLimitReason::Exceeded,
            Self::KeyMissing => RateLimitReason::KeyMissing,
            Self::KeyRefused(_) => RateLimitReason::KeyRefused,
            Self::StoreUnavailable => RateLimitReason::StoreUnavailable,
            Self::UnknownPolicy => RateLimitReason::UnknownPolicy,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::KeyRefused(refusal) => refusal.code(),
            other => other.reason().code(),
        }
    }
}

impl Refusal {
    pub(super) const fn new(why: Why, denied: Marks, binding: usize) -> Self {
        Self {
            why,
            denied,
            binding,
            plan: 0,
            key: KeyHash::new(0, 0),
            wait: 0,
            remaining: 0,
            reset: 0,
        }
    }

    pub(super) const fn unknown() -> Self {
        Self::new(Why::UnknownPolicy, Marks::NONE, usize::MAX)
    }

    pub(super) fn of_key(index: usize, refusal: KeyRefusal) -> Self {
        Self::new(Why::KeyRefused(refusal), Marks::of(index), index)
    }

    /// The policy with the longest wait is told.
    pub(super) fn of_denial(charged: impl Iterator<Item = Charged>) -> Self {
        let mut refusal = Self::new(Why::Exceeded, Marks::NONE, 0);
        for Charged { item, standing } in charged.filter(|one| !one.standing.is_allowed) {
            let is_first = refusal.denied.is_empty();
            refusal.denied.insert(item.index);
            if is_first || standing.wait > refusal.wait {
                refusal.binding = item.index;
                refusal.plan = item.plan;
                refusal.key = item.key;
                refusal.wait = standing.wait;
                refusal.remaining = standing.remaining;
                refusal.reset = standing.reset;
            }
        }
        if refusal.wait == Standing::NEVER {
            refusal.why = Why::CostExceedsQuota;
        }
        refusal
    }
}
