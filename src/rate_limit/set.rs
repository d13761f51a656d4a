//! The policies of a limiter, compiled: what one request reads once and keeps to its end.

use std::sync::Arc;

use http::request::Parts;

use super::config::Settings;
use super::fallback::{Fallback, Local};
use super::fields::PolicyFields;
use super::items::{Item, Subject};
use super::key::{Key, KeyHash};
use super::policy::{Cost, Policy, StoreAway};
use super::problem::Known;
use super::quota::Quota;
use super::rule::{Gcra, Rule};
use super::shortcut::Shortcut;
use super::store::{Charge, CounterSpec, Store};
use crate::core::Mode;

/// Policies in force, with the counters that a store has opened for them.
#[derive(Debug)]
pub(super) struct PolicySet<C> {
    /// Those that are not off.
    pub(super) active: Box<[Active<C>]>,
    /// All of them, as they were configured.
    pub(super) policies: Box<[Policy]>,
    pub(super) labels: Arc<[Label]>,
    pub(super) fields: PolicyFields,
    pub(super) refusals: Known,
    pub(super) needs: Needs,
    pub(super) shortcut: Option<Shortcut>,
}

/// One policy in force.
#[derive(Debug)]
pub(super) struct Active<C> {
    pub(super) policy: Policy,
    pub(super) key: Key,
    /// The place of an earlier policy with the same key, also for requests that have none.
    pub(super) same_key_as: Option<usize>,
    /// It is only reported.
    pub(super) reports: bool,
    pub(super) counter: Arc<C>,
    /// Where it counts while the store is away.
    pub(super) local: Option<Local>,
    rule: Rule,
    plans: Box<[Rule]>,
}

/// What is told of a policy after its set may be gone.
#[derive(Debug)]
pub(super) struct Label {
    pub(super) name: Arc<str>,
    /// Its own quota, then those of its plans.
    quotas: Box<[Quota]>,
}

/// What has to be done with a request before it can be decided.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs {
    /// A closure reads the whole head, or a key is read from a request, not from its parts.
    pub(super) whole: bool,
    /// A key is made of the client's address.
    pub(super) client: bool,
    /// A policy waits for the answer.
    pub(super) answer: bool,
}

impl<C> PolicySet<C> {
    /// Opens the counters of policies that were checked.
    pub(super) fn new<St: Store<Counter = C>>(
        policies: Vec<Policy>,
        settings: &Settings,
        store: &St,
        fallback: Option<&Fallback>,
    ) -> Self {
        let mut active: Vec<Active<C>> = Vec::with_capacity(policies.len());
        for policy in policies.iter().filter(|policy| policy.mode != Mode::Off) {
            // A policy that has no key, or a quota that cannot be compiled, was reported before.
            let Some(key) = policy.key.clone() else {
                continue;
            };
            let rules = rules(policy);
            let Some((own, plans)) = rules.split_first() else {
                continue;
            };
            let spec = CounterSpec::new(&policy.name, policy.overflow);
            let spec = if key.is_global() { spec.single() } else { spec };
            let local = fallback.and_then(|fallback| match policy.on_store_error {
                StoreAway::Local { fraction } => {
                    let fraction = share(fraction, store.expected_nodes());
                    Some(fallback.open(&spec, rules.iter().copied(), fraction))
                }
                StoreAway::Allow | StoreAway::Deny => None,
            });
            active.push(Active {
                // What a request without a key is counted by is no key for a policy that refuses it.
                same_key_as: active.iter().position(|other| {
                    other.key.is_same(&key) && other.policy.on_missing == policy.on_missing
                }),
                reports: settings.mode == Mode::ReportOnly
                    || policy.mode == Mode::ReportOnly
                    || policy.enforce_percent == Some(0),
                counter: store.open(&spec),
                local,
                rule: Rule::Gcra(*own),
                plans: plans.iter().copied().map(Rule::Gcra).collect(),
                policy: policy.clone(),
                key,
            });
        }
        let told: Vec<&Policy> = active.iter().map(|one| &one.policy).collect();
        let labels: Arc<[Label]> = told.iter().copied().map(Label::of).collect();
        Self {
            fields: PolicyFields::new(settings.style, settings.emit, &told),
            refusals: Known::new(&labels, &settings.types),
            needs: Needs::of(&active),
            shortcut: Shortcut::of(&active, settings, &store.key_seed()),
            labels,
            active: active.into_boxed_slice(),
            policies: policies.into_boxed_slice(),
        }
    }

    /// The place of a policy in force.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.active.iter().position(|one| one.policy.name == name)
    }
}

impl<C> Active<C> {
    /// Whether the request is one of those that the policy limits.
    #[inline]
    pub(super) fn applies(&self, request: Subject<'_>) -> bool {
        let is_method = match &self.policy.methods {
            None => true,
            Some(methods) => methods.contains(request.method),
        };
        is_method
            && match (&self.policy.when, request.head.parts) {
                (Some(when), Some(parts)) => when(parts),
                // `Needs` has seen to the parts; what cannot be asked is limited.
                (None, _) | (Some(_), None) => true,
            }
    }

    /// What of this policy a request charges.
    #[inline]
    pub(super) fn item(&self, index: usize, key: KeyHash, parts: Option<&Parts>) -> Item {
        Item {
            index,
            plan: self.plan(parts),
            key,
            cost: self.cost(parts),
            reported: self.reports || !self.picks(key),
        }
    }

    /// Which quota a request has: 0 is the policy's own.
    #[inline]
    pub(super) fn plan(&self, parts: Option<&Parts>) -> usize {
        let (Some(plans), Some(parts)) = (&self.policy.plans, parts) else {
            return 0;
        };
        let chosen = (plans.choose)(parts);
        if chosen < self.plans.len() {
            chosen.saturating_add(1)
        } else {
            0
        }
    }

    #[inline]
    pub(super) fn rule(&self, plan: usize) -> Rule {
        let of_plan = plan.checked_sub(1).and_then(|plan| self.plans.get(plan));
        of_plan.copied().unwrap_or(self.rule)
    }

    #[inline]
    pub(super) fn charge(&self, key: KeyHash, plan: usize, cost: u32) -> Charge<'_, C> {
        Charge::new(&self.counter, key, self.rule(plan), cost)
    }

    #[inline]
    pub(super) fn cost(&self, parts: Option<&Parts>) -> u32 {
        match (&self.policy.cost, parts) {
            (Cost::Fixed(cost), _) => *cost,
            (Cost::By(cost), Some(parts)) => cost(parts),
            (Cost::By(_), None) => 1,
        }
    }

    /// Whether the policy is enforced for this key. The same keys are picked on every request.
    #[inline]
    pub(super) fn picks(&self, key: KeyHash) -> bool {
        let Some(percent) = self.policy.enforce_percent else {
            return true;
        };
        // The top of the hash, evenly cut: tables choose their sets by its low end.
        let hundredth = u128::from(key.low()).saturating_mul(100) >> 64;
        hundredth < u128::from(percent)
    }

    /// Whether it charges each request alike.
    pub(super) const fn is_plain(&self) -> bool {
        let policy = &self.policy;
        policy.methods.is_none()
            && policy.when.is_none()
            && policy.plans.is_none()
            && matches!(policy.cost, Cost::Fixed(_))
            && policy.enforce_percent.is_none()
            && !self.reports
            && !self.needs_answer()
    }

    pub(super) const fn needs_answer(&self) -> bool {
        self.policy.count_when.is_some() || self.policy.charge_after.is_some()
    }
}

impl Label {
    fn of(policy: &Policy) -> Self {
        Self {
            name: Arc::from(&*policy.name),
            quotas: policy.all_quotas().collect(),
        }
    }

    /// The quota of a plan; 0 is the policy's own.
    pub(super) fn quota(&self, plan: usize) -> Option<Quota> {
        let own = || self.quotas.first();
        self.quotas.get(plan).or_else(own).copied()
    }
}

impl Needs {
    fn of<C>(active: &[Active<C>]) -> Self {
        let any = |needs: fn(&Active<C>) -> bool| active.iter().any(needs);
        Self {
            whole: any(|one| {
                one.key.needs_parts()
                    || one.key.needs_request()
                    || one.policy.when.is_some()
                    || one.policy.plans.is_some()
                    || matches!(one.policy.cost, Cost::By(_))
            }),
            client: any(|one| one.key.needs_client()),
            answer: any(Active::needs_answer),
        }
    }
}

/// Its quotas, compiled. What was refused has no rule.
fn rules(policy: &Policy) -> Vec<Gcra> {
    let rules = policy.all_quotas().filter_map(|quota| quota.compile().ok());
    let rules: Vec<Gcra> = match policy.charge_after {
        Some(_) => rules.map(Gcra::with_overdraft).collect(),
        None => rules.collect(),
    };
    // A key has one bucket: a request under a shorter plan must not cut what is owed under a longer one.
    let most = rules.iter().map(|rule| rule.debt()).max().unwrap_or(0);
    rules
        .into_iter()
        .map(|rule| rule.owing_up_to(most))
        .collect()
}

/// The part of a quota that this process may spend alone.
pub(super) fn share(fraction: Option<f32>, nodes: Option<u32>) -> f64 {
    match (fraction, nodes) {
        (Some(fraction), _) => f64::from(fraction),
        (None, Some(nodes)) => f64::from(nodes.max(1)).recip(),
        (None, None) => 1.0,
    }
}
