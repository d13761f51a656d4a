//! How stores are asked, and what becomes of a request when one does not answer.

use std::array::from_fn;

use super::check::Check;
use super::items::{Items, Step};
use super::key::KeyHash;
use super::marks::Marks;
use super::notices::Notices;
use super::policy::StoreAway;
use super::refusal::{Refusal, Why};
use super::rule::Rule;
use super::store::{Acquire, Charge, Nanos, Standing, Store};
use crate::core::StoreError;

/// How a store answers several charges.
pub(super) enum Asked<const N: usize, P> {
    Ready([Standing; N]),
    Pending(P),
    Failed(StoreError),
}

impl<St: Store> Check<'_, St> {
    /// The store could not answer: each policy says what follows.
    #[cold]
    pub(super) fn without_store<const N: usize>(
        &self,
        items: &Items<N>,
        error: StoreError,
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        notices.store_failed(error);
        let mut denied = Marks::NONE;
        let mut local: Items<N> = Items::EMPTY;
        for item in items.of(false) {
            let active = self.set.active.get(item.index);
            match active.map(|active| active.policy.on_store_error) {
                Some(StoreAway::Allow) => {}
                Some(StoreAway::Local { .. }) => local.push(*item),
                Some(StoreAway::Deny) | None => denied.insert(item.index),
            }
        }
        if let Some(first) = denied.first() {
            return Step::Refused(Refusal::new(Why::StoreUnavailable, denied, first));
        }
        let Some(fallback) = self.core.fallback.as_ref() else {
            // Every policy has said that it lets requests pass.
            return match local.iter().next() {
                None => Step::Pass,
                Some(item) => {
                    let mark = Marks::of(item.index);
                    Step::Refused(Refusal::new(Why::StoreUnavailable, mark, item.index))
                }
            };
        };
        let charges = local.iter().filter_map(|item| {
            let counting = self.set.active.get(item.index)?.local.as_ref()?;
            let (rule, cost) = counting.charge(item.plan, item.cost);
            Some((&*counting.counter, item.key, rule, cost))
        });
        match acquire::<_, N>(fallback.store(), self.now, charges) {
            Asked::Ready(standings) => self.weigh(&local, &standings, true, notices),
            // A table in memory does not wait; what it cannot decide is denied.
            Asked::Pending(_) | Asked::Failed(_) => {
                let denied = local.iter().fold(Marks::NONE, |mut marks, item| {
                    marks.insert(item.index);
                    marks
                });
                let first = denied.first().unwrap_or_default();
                Step::Refused(Refusal::new(Why::StoreUnavailable, denied, first))
            }
        }
    }
}

/// Charges all of `charges` or none. The standings stand in their order.
#[inline]
pub(super) fn acquire<'c, S: Store, const N: usize>(
    store: &S,
    now: Nanos,
    mut charges: impl Iterator<Item = (&'c S::Counter, KeyHash, Rule, u32)>,
) -> Asked<N, S::Pending> {
    let mut standings = [Standing::UNKNOWN; N];
    let Some((counter, key, rule, cost)) = charges.next() else {
        return Asked::Ready(standings);
    };
    // The places that are not filled are not shown to the store.
    let mut places: [Charge<'_, S::Counter>; N] =
        from_fn(|_| Charge::new(counter, key, rule, cost));
    let mut count: usize = 1;
    for (place, (counter, key, rule, cost)) in places.iter_mut().skip(1).zip(charges) {
        *place = Charge::new(counter, key, rule, cost);
        count = count.saturating_add(1);
    }
    // There is a place for each charge; what no store has seen is denied.
    let Some(shown) = places.get_mut(..count) else {
        return Asked::Ready(standings);
    };
    match store.acquire(now, shown) {
        Acquire::Ready => {
            for (standing, charge) in standings.iter_mut().zip(shown) {
                *standing = charge.standing;
            }
            Asked::Ready(standings)
        }
        Acquire::Pending(pending) => Asked::Pending(pending),
        Acquire::Failed(error) => Asked::Failed(error),
    }
}
