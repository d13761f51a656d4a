//! The decision: which policies concern a request, and what their counters say.

use std::array::from_fn;

use super::fields::Shown;
use super::key::{Head, KeyHash, KeyHasher, KeyOutcome};
use super::limiter::Core;
use super::marks::Marks;
use super::notices::Notices;
use super::policy::{MAX_POLICIES, MissingKey, StoreAway};
use super::refusal::{Refusal, Why};
use super::rule::Rule;
use super::set::{Active, PolicySet};
use super::store::{Acquire, Charge, Nanos, Standing, Store};
use crate::core::{StoreError, StoreErrorKind};
use http::Method;

/// A request, as a decision looks at it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) method: &'a Method,
    pub(super) head: Head<'a>,
}

/// What came of looking for a key.
pub(super) type Found = (KeyOutcome, KeyHash);

/// What becomes of a request.
pub(super) enum Step<P> {
    /// It passes, and nothing is left to do.
    Pass,
    /// It passes, and something is still to be done with it or with its answer.
    Allowed(Kept),
    /// It does not pass.
    Refused(Refusal),
    /// The store is being asked.
    Waiting(Waiting, P),
}

/// One policy that concerns a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Its place in the set.
    pub(super) index: usize,
    /// 0 is its own quota.
    pub(super) plan: usize,
    pub(super) key: KeyHash,
    pub(super) cost: u32,
    /// It is not enforced for this key.
    pub(super) reported: bool,
}

/// The policies that concern a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<const N: usize> {
    list: [Item; N],
    len: usize,
}

/// What was booked, for whoever needs it after the decision.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// What is told to the client, if anything is.
    pub(super) binding: Option<Shown>,
    /// The charges that are looked at again.
    pub(super) charged: Vec<Charged>,
    /// They were booked in the fallback.
    pub(super) is_local: bool,
}

/// One charge and what came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charged {
    pub(super) item: Item,
    pub(super) standing: Standing,
}

/// A decision that waits for the store.
#[derive(Debug)]
pub(super) struct Waiting {
    items: Items<MAX_POLICIES>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Enforced,
    /// The enforced policies have let the request pass.
    Reported(Option<Kept>),
}

/// How a store answers several charges.
enum Asked<const N: usize, P> {
    Ready([Standing; N]),
    Pending(P),
    Failed(StoreError),
}

/// One decision.
pub(super) struct Check<'a, St: Store> {
    pub(super) core: &'a Core<St>,
    pub(super) set: &'a PolicySet<St::Counter>,
    pub(super) now: Nanos,
    /// Every charge is kept, for somebody who asks.
    pub(super) keeps_all: bool,
}

impl<const N: usize> Items<N> {
    const EMPTY: Self = {
        let nothing = Item {
            index: 0,
            plan: 0,
            key: KeyHash::new(0, 0),
            cost: 0,
            reported: false,
        };
        Self {
            list: [nothing; N],
            len: 0,
        }
    };

    /// One policy that somebody has named.
    pub(super) fn one(item: Item) -> Self {
        let mut items = Self::EMPTY;
        items.push(item);
        items
    }

    #[inline]
    fn push(&mut self, item: Item) {
        if let Some(place) = self.list.get_mut(self.len) {
            *place = item;
            self.len = self.len.saturating_add(1);
        }
    }

    #[inline]
    fn iter(&self) -> impl Iterator<Item = &Item> + Clone {
        self.list.iter().take(self.len)
    }

    /// Those that are enforced, or those that are not.
    #[inline]
    fn of(&self, reported: bool) -> impl Iterator<Item = &Item> + Clone {
        self.iter().filter(move |item| item.reported == reported)
    }

    /// The same, in as many places as there can be policies.
    fn all(&self) -> Items<MAX_POLICIES> {
        let mut items = Items::EMPTY;
        self.iter().for_each(|item| items.push(*item));
        items
    }
}

impl<St: Store> Check<'_, St> {
    /// Decides. `found` holds the keys that had to be read from a whole request, by the place of their policy.
    #[inline]
    pub(super) fn decide(
        &self,
        request: Subject<'_>,
        found: &mut [Option<Found>],
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        match self.set.active.len() {
            0 => Step::Pass,
            1 => self.run::<1>(request, found, notices),
            2 | 3 => self.run::<3>(request, found, notices),
            _ => self.run::<MAX_POLICIES>(request, found, notices),
        }
    }

    #[inline]
    fn run<const N: usize>(
        &self,
        request: Subject<'_>,
        found: &mut [Option<Found>],
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        let items = match self.gather::<N>(request, found, notices) {
            Ok(items) => items,
            Err(refusal) => return Step::Refused(refusal),
        };
        self.charge(&items, notices)
    }

    /// Charges items that were chosen already.
    #[inline]
    pub(super) fn charge<const N: usize>(
        &self,
        items: &Items<N>,
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        match self.ask::<N>(items, false) {
            Asked::Ready(standings) => {
                self.core.teller.answered(notices);
                self.weigh(items, &standings, false, notices)
            }
            Asked::Pending(pending) => {
                let waiting = Waiting {
                    items: items.all(),
                    stage: Stage::Enforced,
                };
                Step::Waiting(waiting, pending)
            }
            Asked::Failed(error) => self.without_store(items, error, notices),
        }
    }

    /// Goes on with what the store has answered.
    pub(super) fn resume(
        &self,
        waiting: Waiting,
        answer: Result<Vec<Standing>, StoreError>,
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        let Waiting { items, stage } = waiting;
        let is_reported = matches!(stage, Stage::Reported(_));
        let answer = answer.and_then(|standings| {
            if standings.len() == items.of(is_reported).count() {
                return Ok(standings);
            }
            let text = "the standings are not as many as the charges";
            Err(StoreError::new(StoreErrorKind::Corrupt, text))
        });
        if answer.is_ok() {
            self.core.teller.answered(notices);
        }
        match (stage, answer) {
            (Stage::Enforced, Ok(standings)) => self.weigh(&items, &standings, false, notices),
            (Stage::Enforced, Err(error)) => self.without_store(&items, error, notices),
            (Stage::Reported(kept), Ok(standings)) => {
                self.reported(&items, &standings, kept, notices)
            }
            (Stage::Reported(kept), Err(error)) => {
                notices.store_failed(error);
                passed(kept)
            }
        }
    }

    /// Finds the policies that concern the request, and whose counters they charge.
    #[inline]
    fn gather<const N: usize>(
        &self,
        request: Subject<'_>,
        found: &mut [Option<Found>],
        notices: &mut Notices,
    ) -> Result<Items<N>, Refusal> {
        let mut items = Items::EMPTY;
        let mut hashed: [Option<KeyHash>; N] = [None; N];
        for (index, active) in self.set.active.iter().enumerate() {
            if !active.applies(request) {
                continue;
            }
            let earlier = active.same_key_as.and_then(|other| *hashed.get(other)?);
            let key = match earlier {
                Some(key) => key,
                None => {
                    let given = found.get_mut(index).and_then(Option::take);
                    let (outcome, key) = given.unwrap_or_else(|| self.find(active, &request.head));
                    match outcome {
                        KeyOutcome::Set => {
                            if let Some(place) = hashed.get_mut(index) {
                                *place = Some(key);
                            }
                            key
                        }
                        KeyOutcome::Skip => continue,
                        KeyOutcome::Missing => match self.missing(index, active, notices)? {
                            Some(key) => key,
                            None => continue,
                        },
                        KeyOutcome::Refuse(_) if active.reports => {
                            notices.would_refuse(index, Standing::NEVER);
                            continue;
                        }
                        KeyOutcome::Refuse(refusal) => {
                            return Err(Refusal::of_key(index, refusal));
                        }
                    }
                }
            };
            items.push(Item {
                index,
                plan: active.plan(request.head.parts),
                key,
                cost: active.cost(request.head.parts),
                reported: active.reports || !active.picks(key),
            });
        }
        Ok(items)
    }

    /// Reads the key of one policy.
    #[inline]
    pub(super) fn find(&self, active: &Active<St::Counter>, head: &Head<'_>) -> Found {
        let mut hasher = KeyHasher::new(&self.core.seed);
        let outcome = active.key.extract(head, &mut hasher);
        (outcome, hasher.key())
    }

    /// What becomes of a request without a key: the key of all of them, or none.
    #[cold]
    fn missing(
        &self,
        index: usize,
        active: &Active<St::Counter>,
        notices: &mut Notices,
    ) -> Result<Option<KeyHash>, Refusal> {
        /// No key is made of this: keys that extractors write begin with other words.
        const NOBODY: [u64; 2] = [0x6e6f_626f_6479_0000, 0];
        match active.policy.on_missing {
            MissingKey::Skip => return Ok(None),
            MissingKey::Refuse if !active.reports => {
                notices.missing(index);
                return Err(Refusal::new(Why::KeyMissing, Marks::of(index), index));
            }
            MissingKey::Refuse => {
                notices.missing(index);
                return Ok(None);
            }
            MissingKey::SharedBucket => notices.missing(index),
        }
        let mut hasher = KeyHasher::new(&self.core.seed);
        NOBODY.into_iter().for_each(|word| hasher.u64(word));
        Ok(Some(hasher.key()))
    }

    /// Charges the items that are enforced, or those that are not, all or none.
    #[inline]
    fn ask<const N: usize>(&self, items: &Items<N>, reported: bool) -> Asked<N, St::Pending> {
        let charges = items.of(reported).filter_map(|item| {
            let active = self.set.active.get(item.index)?;
            let rule = active.rule(item.plan);
            Some((&*active.counter, item.key, rule, item.cost))
        });
        acquire(&self.core.store, self.now, charges)
    }

    /// What the standings of the enforced policies mean.
    #[inline]
    fn weigh<const N: usize>(
        &self,
        items: &Items<N>,
        standings: &[Standing],
        is_local: bool,
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        let charged = items
            .of(false)
            .zip(standings)
            .map(|(item, standing)| Charged {
                item: *item,
                standing: *standing,
            });
        if standings
            .iter()
            .take(items.of(false).count())
            .any(|standing| !standing.is_allowed)
        {
            return Step::Refused(Refusal::of_denial(charged));
        }
        let kept = self.keep(charged, is_local);
        // While the store is away there is nobody to ask for what is only reported.
        if is_local || items.of(true).next().is_none() {
            return passed(kept);
        }
        match self.ask::<N>(items, true) {
            Asked::Ready(standings) => self.reported(items, &standings, kept, notices),
            Asked::Pending(pending) => {
                let waiting = Waiting {
                    items: items.all(),
                    stage: Stage::Reported(kept),
                };
                Step::Waiting(waiting, pending)
            }
            Asked::Failed(error) => {
                notices.store_failed(error);
                passed(kept)
            }
        }
    }

    /// What the standings of the policies mean that are only reported.
    #[cold]
    fn reported<const N: usize>(
        &self,
        items: &Items<N>,
        standings: &[Standing],
        kept: Option<Kept>,
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        let is_booked = items
            .of(true)
            .zip(standings)
            .all(|(_, standing)| standing.is_allowed);
        let mut kept = kept;
        for (item, standing) in items.of(true).zip(standings) {
            if !standing.is_allowed {
                notices.would_refuse(item.index, standing.wait);
            }
            // A trial counts as the real thing would.
            if is_booked && self.is_looked_at_again(item) {
                kept.get_or_insert_default().charged.push(Charged {
                    item: *item,
                    standing: *standing,
                });
            }
        }
        passed(kept)
    }

    /// What of an allowed request is needed later.
    #[inline]
    fn keep(&self, charged: impl Iterator<Item = Charged> + Clone, is_local: bool) -> Option<Kept> {
        let needs_answer = self.set.needs.answer;
        let tells = self.set.fields.tells_allowed();
        if !needs_answer && !self.keeps_all && !tells {
            return None;
        }
        let binding = tells.then(|| self.bound(charged.clone())).flatten();
        let charged: Vec<Charged> = if needs_answer || self.keeps_all {
            charged
                .filter(|one| self.keeps_all || self.is_looked_at_again(&one.item))
                .collect()
        } else {
            Vec::new()
        };
        (binding.is_some() || !charged.is_empty()).then_some(Kept {
            binding,
            charged,
            is_local,
        })
    }

    fn is_looked_at_again(&self, item: &Item) -> bool {
        let active = self.set.active.get(item.index);
        active.is_some_and(|active| active.needs_answer())
    }

    /// The policy of which least is left: the smallest part of its burst, of two the one that lasts longer.
    fn bound(&self, charged: impl Iterator<Item = Charged>) -> Option<Shown> {
        let mut least: Option<(Shown, u64)> = None;
        for one in charged {
            let label = self.set.labels.get(one.item.index)?;
            let burst = u64::from(label.quota(one.item.plan)?.burst_size());
            let bound = Shown {
                policy: one.item.index,
                plan: one.item.plan,
                remaining: one.standing.remaining,
                reset: one.standing.reset,
            };
            let is_less = least.is_none_or(|(other, of)| {
                // r1/q1 < r2/q2 without a division.
                let (one, two) = (
                    bound.remaining.saturating_mul(of),
                    other.remaining.saturating_mul(burst),
                );
                one < two || (one == two && bound.reset > other.reset)
            });
            if is_less {
                least = Some((bound, burst));
            }
        }
        least.map(|(bound, _)| bound)
    }

    /// The store could not answer: each policy says what follows.
    #[cold]
    fn without_store<const N: usize>(
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
fn acquire<'c, S: Store, const N: usize>(
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
    let shown = places.get_mut(..count).unwrap_or_default();
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

#[inline]
fn passed<P>(kept: Option<Kept>) -> Step<P> {
    match kept {
        Some(kept) => Step::Allowed(kept),
        None => Step::Pass,
    }
}
