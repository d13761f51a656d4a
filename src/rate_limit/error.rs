//! What is wrong with a limiter's configuration.

use std::time::Duration;

use super::policy::MAX_POLICIES;
use super::quota::Quota;
use crate::core::{ConfigErrorKind, ErrorClass, IpNet};

/// A mistake in the configuration of a [`RateLimiter`](super::RateLimiter).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RateLimitConfigError {
    /// A request would cost more than the policy ever allows at once, so that none passes.
    #[error(
        "invalid cost {cost}: a burst of {burst} never holds it, write a burst of at least {cost} or a cost of at most {burst}"
    )]
    CostExceedsBurst {
        /// The cost as given.
        cost: u32,
        /// What the quota allows at once.
        burst: u32,
    },
    /// Two plans of a policy have the same name.
    #[error("invalid plan {name:?}: the policy has one of that name already, give each its own")]
    DuplicatePlan {
        /// The name that stands twice.
        name: String,
    },
    /// Two policies have the same name, and so the same counters.
    #[error(
        "invalid policy name {name:?}: another policy has it already, and counters belong to a name; give each its own"
    )]
    DuplicatePolicy {
        /// The name that stands twice.
        name: String,
    },
    /// A quota lets nothing pass, or knows no time.
    #[error(
        "invalid quota of {} in {:?} with a burst of {}: write at least 1 in 1us with a burst of 1, or no route at all for what \
         nobody may call",
        quota.limit(), quota.period(), quota.burst_size()
    )]
    EmptyQuota {
        /// The quota as given.
        quota: Quota,
    },
    /// No policy would concern a quarter of all clients or more.
    #[error(
        "refused exempt net {net}: it holds everyone, write the ranges of those who have no limit, or the mode `Off`"
    )]
    ExemptsEveryone {
        /// The range.
        net: IpNet,
    },
    /// The share of a quota that this process has to itself while the store is away.
    #[error(
        "invalid fraction {fraction}: write one above 0 and up to 1, such as 0.5 for two nodes"
    )]
    Fraction {
        /// The fraction as given.
        fraction: f32,
    },
    /// Requests cost nothing until they were answered, so that none is ever refused.
    #[error(
        "invalid cost 0 with charge_after: a request that costs nothing passes whatever its key owes, write a cost of at least 1"
    )]
    FreeCharge,
    /// The store keeps the counters of different keys in different places, and no call charges both.
    #[error(
        "invalid keys {first} and {other} with HashTag::PerKey: a request charges both in one call, write HashTag::PerLimiter, or one \
         key for all"
    )]
    HashTag {
        /// What the first key is made of.
        first: String,
        /// What one that differs from it is made of.
        other: String,
    },
    /// The header of a key is no header name.
    #[error("invalid header {name:?}: write the name of a header, such as \"x-api-key\"")]
    HeaderName {
        /// The name as given.
        name: String,
    },
    /// `Retry-After` would be stretched by more than clients should wait.
    #[error("refused retry jitter of {percent} %: write at most {MAX_JITTER}")]
    Jitter {
        /// The jitter as given.
        percent: u8,
    },
    /// A policy does not say whom it counts.
    #[error(
        "invalid policy {name:?} without a key: say whom it counts, such as key(key::client_ip()) or key(key::principal())"
    )]
    KeyRequired {
        /// The name of the policy.
        name: String,
    },
    /// One part of a key needs the parts of a request and another the request itself.
    #[error(
        "invalid key {key}: key::custom and key::governor cannot stand in one key, look for both in one function with key::custom"
    )]
    MixedKey {
        /// What the key is made of.
        key: String,
    },
    /// The list of methods is empty, so that the policy would never apply.
    #[error(
        "invalid empty list of methods: name those that are limited, or leave the list out to limit all"
    )]
    NoMethods,
    /// There are no plans to choose from.
    #[error("invalid empty list of plans: name at least one, or leave the list out")]
    NoPlans,
    /// A limiter without a policy limits nothing.
    #[error(
        "invalid limiter without a policy: add one, such as Policy::new(\"ip\", Quota::per_minute(100)).key(key::client_ip())"
    )]
    NoPolicy,
    /// A percentage is above 100.
    #[error("invalid percentage {percent}: write 0 to 100")]
    Percent {
        /// The percentage as given.
        percent: u8,
    },
    /// The name of a policy is not one that can stand in a header field as it is.
    #[error(
        "invalid policy name {name:?}: write 1 to {MAX_NAME} of A-Z a-z 0-9 _ . -, such as {cleaned:?}"
    )]
    PolicyName {
        /// The name as given, cut after 80 characters.
        name: String,
        /// What is left of it without the characters that are not allowed.
        cleaned: String,
    },
    /// The address prefix is so short that strangers share a limit, or so long that one host has many.
    #[error(
        "refused address prefix /{v4} and /{v6}: write 8 to 32 for IPv4 and 32 to 64 for IPv6, such as 32 and 64; one host owns the \
         2^64 addresses of a /64, and dangerous_full_v6() counts each of them"
    )]
    PrefixWidth {
        /// Bits of an IPv4 address.
        v4: u8,
        /// Bits of an IPv6 address.
        v6: u8,
    },
    /// A bucket would take more than 146 years (2^62 ns) to fill.
    #[error(
        "invalid quota of {} in {:?} with a burst of {}: an empty bucket would take more than 2^62 ns to fill, write a shorter \
         period or a smaller burst",
        quota.limit(), quota.period(), quota.burst_size()
    )]
    QuotaOverflow {
        /// The quota as given.
        quota: Quota,
    },
    /// More than a million requests per second and key.
    #[error(
        "refused quota of {limit} in {period:?}: that is more than 1,000,000 per second for a single key; what protects a server at \
         such a rate is shedding load, not counting keys"
    )]
    QuotaTooFine {
        /// How many.
        limit: u32,
        /// In what time.
        period: Duration,
    },
    /// Each policy costs every request a look at its counters.
    #[error(
        "invalid list of {count} policies: write at most {MAX_POLICIES}, and a second layer on the routes that need more"
    )]
    TooManyPolicies {
        /// How many there are.
        count: usize,
    },
    /// Two nodes could hash the same key differently, and each would grant the whole quota.
    #[error(
        "refused key {key} with a store that several nodes share: the bytes of `Hash` differ between builds and platforms, write \
         key::custom or key::governor_with and name the bytes"
    )]
    UnstableKey {
        /// What the key is made of.
        key: String,
    },
}

/// Longest name of a policy, as it stands in header fields.
pub(super) const MAX_NAME: usize = 64;

/// Most that `Retry-After` is stretched by, in percent.
pub(super) const MAX_JITTER: u8 = 10;

impl ConfigErrorKind for RateLimitConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::CostExceedsBurst { .. }
            | Self::DuplicatePlan { .. }
            | Self::DuplicatePolicy { .. }
            | Self::EmptyQuota { .. }
            | Self::Fraction { .. }
            | Self::FreeCharge
            | Self::HashTag { .. }
            | Self::HeaderName { .. }
            | Self::KeyRequired { .. }
            | Self::MixedKey { .. }
            | Self::NoMethods
            | Self::NoPlans
            | Self::NoPolicy
            | Self::Percent { .. }
            | Self::PolicyName { .. }
            | Self::QuotaOverflow { .. }
            | Self::TooManyPolicies { .. } => ErrorClass::Invalid,
            Self::ExemptsEveryone { .. }
            | Self::Jitter { .. }
            | Self::PrefixWidth { .. }
            | Self::QuotaTooFine { .. }
            | Self::UnstableKey { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::CostExceedsBurst { .. } => "cost_exceeds_burst",
            Self::DuplicatePlan { .. } => "duplicate_plan",
            Self::DuplicatePolicy { .. } => "duplicate_policy",
            Self::EmptyQuota { .. } => "empty_quota",
            Self::ExemptsEveryone { .. } => "exempts_everyone",
            Self::Fraction { .. } => "fraction",
            Self::FreeCharge => "free_charge",
            Self::HashTag { .. } => "hash_tag",
            Self::HeaderName { .. } => "header_name",
            Self::Jitter { .. } => "jitter",
            Self::KeyRequired { .. } => "key_required",
            Self::MixedKey { .. } => "mixed_key",
            Self::NoMethods => "no_methods",
            Self::NoPlans => "no_plans",
            Self::NoPolicy => "no_policy",
            Self::Percent { .. } => "percent",
            Self::PolicyName { .. } => "policy_name",
            Self::PrefixWidth { .. } => "prefix_width",
            Self::QuotaOverflow { .. } => "quota_overflow",
            Self::QuotaTooFine { .. } => "quota_too_fine",
            Self::TooManyPolicies { .. } => "too_many_policies",
            Self::UnstableKey { .. } => "unstable_key",
        }
    }
}
