//! What is looked at before policies are put to work: everything, so that one run shows all that has to be mended.

use std::collections::HashSet;

use super::error::{MAX_JITTER, MAX_NAME, RateLimitConfigError};
use super::policy::{Cost, MAX_POLICIES, Plans, Policy, StoreAway};
use super::quota::Quota;
use super::store::Store;
use crate::core::Mistakes;

/// How much of a wrong name is repeated in a message.
const SHOWN: usize = 80;

/// Records what is wrong with the policies of one limiter over `store`.
pub(super) fn check_over<St: Store>(store: &St, policies: &[Policy], mistakes: &mut Mistakes) {
    const PATH: &str = "rate_limit.policies";
    check_policies(policies, PATH, store.is_shared(), mistakes);
    if store.takes_one_key() {
        check_one_key(policies, PATH, mistakes);
    }
}

/// Records what is wrong with policies; `is_shared` says whether several nodes count together.
pub(super) fn check_policies(
    policies: &[Policy],
    path: &str,
    is_shared: bool,
    mistakes: &mut Mistakes,
) {
    if policies.is_empty() {
        mistakes.push(path, RateLimitConfigError::NoPolicy);
    }
    if policies.len() > MAX_POLICIES {
        let count = policies.len();
        mistakes.push(path, RateLimitConfigError::TooManyPolicies { count });
    }
    let mut names = HashSet::new();
    for (index, policy) in policies.iter().enumerate() {
        let path = format!("{path}[{index}]");
        policy.check(&path, is_shared, mistakes);
        if !names.insert(policy.name()) {
            let name = shown(policy.name());
            mistakes.push(path, RateLimitConfigError::DuplicatePolicy { name });
        }
    }
}

/// Records keys that a store cannot charge together.
fn check_one_key(policies: &[Policy], path: &str, mistakes: &mut Mistakes) {
    let mut keys = policies.iter().filter_map(|policy| policy.key.as_ref());
    let Some(first) = keys.next() else {
        return;
    };
    if let Some(other) = keys.find(|key| !key.is_same(first)) {
        let (first, other) = (first.describe(), other.describe());
        mistakes.push(path, RateLimitConfigError::HashTag { first, other });
    }
}

/// Records a jitter that makes clients wait too long.
pub(super) fn check_jitter(percent: u8, path: &str, mistakes: &mut Mistakes) {
    if percent > MAX_JITTER {
        mistakes.push(path, RateLimitConfigError::Jitter { percent });
    }
}

/// Records what is no percentage.
pub(super) fn check_percent(percent: u8, path: &str, mistakes: &mut Mistakes) {
    if percent > 100 {
        mistakes.push(path, RateLimitConfigError::Percent { percent });
    }
}

impl Policy {
    /// Records what is wrong with it, apart from its neighbours.
    pub(super) fn check(&self, path: &str, is_shared: bool, mistakes: &mut Mistakes) {
        if !is_name(&self.name) {
            let (name, cleaned) = (shown(&self.name), cleaned(&self.name));
            mistakes.push(
                format!("{path}.name"),
                RateLimitConfigError::PolicyName { name, cleaned },
            );
        }
        check_quota(self.quota, &self.cost, &format!("{path}.quota"), mistakes);
        match &self.key {
            Some(key) => key.check(&format!("{path}.key"), is_shared, mistakes),
            None => {
                let name = shown(&self.name);
                mistakes.push(
                    format!("{path}.key"),
                    RateLimitConfigError::KeyRequired { name },
                );
            }
        }
        if matches!(self.cost, Cost::Fixed(0)) && self.charge_after.is_some() {
            mistakes.push(format!("{path}.cost"), RateLimitConfigError::FreeCharge);
        }
        if self.methods.as_ref().is_some_and(Vec::is_empty) {
            mistakes.push(format!("{path}.methods"), RateLimitConfigError::NoMethods);
        }
        if let Some(plans) = &self.plans {
            self.check_plans(plans, &format!("{path}.plans"), mistakes);
        }
        if let Some(percent) = self.enforce_percent {
            check_percent(percent, &format!("{path}.enforce_percent"), mistakes);
        }
        if let StoreAway::Local {
            fraction: Some(fraction),
        } = self.on_store_error
            && !(fraction > 0.0 && fraction <= 1.0)
        {
            mistakes.push(
                format!("{path}.on_store_error"),
                RateLimitConfigError::Fraction { fraction },
            );
        }
    }

    fn check_plans(&self, plans: &Plans, path: &str, mistakes: &mut Mistakes) {
        if plans.quotas.is_empty() {
            mistakes.push(path, RateLimitConfigError::NoPlans);
        }
        let mut names = HashSet::new();
        for (index, (name, quota)) in plans.quotas.iter().enumerate() {
            let path = format!("{path}[{index}]");
            check_quota(*quota, &self.cost, &path, mistakes);
            if !names.insert(name) {
                let name = shown(name);
                mistakes.push(path, RateLimitConfigError::DuplicatePlan { name });
            }
        }
    }
}

fn check_quota(quota: Quota, cost: &Cost, path: &str, mistakes: &mut Mistakes) {
    let burst = quota.burst_size();
    match (quota.compile(), cost) {
        (Err(mistake), _) => mistakes.push(path, mistake),
        (Ok(_), Cost::Fixed(cost)) if *cost > burst => {
            let cost = *cost;
            mistakes.push(path, RateLimitConfigError::CostExceedsBurst { cost, burst });
        }
        (Ok(_), Cost::Fixed(_) | Cost::By(_)) => {}
    }
}

const fn is_name_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-')
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.chars().all(is_name_letter)
}

/// The name as it could stand, or a word in its place.
fn cleaned(name: &str) -> String {
    let kept: String = name
        .chars()
        .filter(|letter| is_name_letter(*letter))
        .take(MAX_NAME)
        .collect();
    if kept.is_empty() {
        "default".to_owned()
    } else {
        kept
    }
}

fn shown(name: &str) -> String {
    name.chars().take(SHOWN).collect()
}
