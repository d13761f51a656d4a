//! The decision: which policies concern a request, and what their counters say.

use std::array::from_fn;

use super::away::{Asked, acquire};
use super::examine::Core;
use super::fields::Shown;
use super::items::{Charged, Found, Item, Items, Kept, Stage, Step, Subject, Waiting};
use super::key::{Head, KeyHash, KeyHasher, KeyOutcome};
use super::marks::Marks;
use super::notices::Notices;
use super::policy::{MAX_POLICIES, MissingKey};
use super::refusal::{Refusal, Why};
use super::set::{Active, PolicySet};
use super::store::{Acquire, Charge, Nanos, Standing, Store};
use crate::core::{StoreError, StoreErrorKind};

/// Whose counter a request charges.
enum Whose {
    Key(KeyHash),
    /// The policy does not concern it.
    Nobody,
    Refused(Box<Refusal>),
}

/// One decision.
pub(super) struct Check<'a, St: Store> {
    pub(super) core: &'a Core<St>,
    pub(super) set: &'a PolicySet<St::Counter>,
    pub(super) now: Nanos,
    /// Every charge is kept, for somebody who asks.
    pub(super) keeps_all: bool,
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

    #[inline(never)]
    fn run<const N: usize>(
        &self,
        request: Subject<'_>,
        found: &mut [Option<Found>],
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        let Some(first) = self.set.active.first() else {
            return Step::Pass;
        };
        let mut items = Items::<N>::EMPTY;
        let mut hashed: [Option<KeyHash>; N] = [None; N];
        // The places that are not filled are not shown to the store.
        let mut charges: [Charge<'_, St::Counter>; N] =
            from_fn(|_| first.charge(KeyHash::new(0, 0), 0, 0));
        let mut enforced: usize = 0;
        for (index, active) in self.set.active.iter().enumerate() {
            if !active.applies(request) {
                continue;
            }
            let earlier = active.same_key_as.and_then(|other| *hashed.get(other)?);
            let key = match earlier {
                Some(key) => key,
                None => match self.find(index, active, &request.head, found, notices) {
                    Whose::Key(key) => key,
                    Whose::Nobody => continue,
                    Whose::Refused(refusal) => return Step::Refused(*refusal),
                },
            };
            if let Some(place) = hashed.get_mut(index) {
                *place = Some(key);
            }
            let item = active.item(index, key, request.head.parts);
            items.push(item);
            if !item.reported
                && let Some(place) = charges.get_mut(enforced)
            {
                *place = active.charge(key, item.plan, item.cost);
                enforced = enforced.saturating_add(1);
            }
        }
        if enforced == 0 {
            return self.weigh(&items, &[], false, notices);
        }
        // There is a place for each policy; without one nothing would be charged.
        let Some(shown) = charges.get_mut(..enforced) else {
            let refusal = Refusal::new(Why::StoreUnavailable, Marks::NONE, 0);
            return Step::Refused(refusal);
        };
        let answer = self.core.store.acquire(self.now, shown);
        self.answered(&items, shown, answer, notices)
    }

    /// What the answer of the store to the charges of the enforced policies means.
    #[inline]
    pub(super) fn answered<const N: usize>(
        &self,
        items: &Items<N>,
        charges: &[Charge<'_, St::Counter>],
        answer: Acquire<St::Pending>,
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        match answer {
            Acquire::Ready => {
                self.core.teller.answered(notices);
                let is_allowed = charges.iter().all(|charge| charge.standing.is_allowed);
                if is_allowed && charges.len() == items.len && !self.wants_standings() {
                    return Step::Pass;
                }
                let mut standings = [Standing::UNKNOWN; N];
                for (standing, charge) in standings.iter_mut().zip(charges) {
                    *standing = charge.standing;
                }
                self.weigh(items, &standings, false, notices)
            }
            Acquire::Pending(pending) => {
                Step::Waiting(Waiting::boxed(items, Stage::Enforced), pending)
            }
            Acquire::Failed(error) => self.without_store(items, error, notices),
        }
    }

    /// Charges one policy, whatever is to be done besides.
    #[inline(never)]
    pub(super) fn charge(&self, item: Item, notices: &mut Notices) -> Step<St::Pending> {
        let items = Items::<1>::one(item);
        if item.reported {
            return self.weigh(&items, &[], false, notices);
        }
        match self.ask::<1>(&items, false) {
            Asked::Ready(standings) => {
                self.core.teller.answered(notices);
                self.weigh(&items, &standings, false, notices)
            }
            Asked::Pending(pending) => {
                Step::Waiting(Waiting::boxed(&items, Stage::Enforced), pending)
            }
            Asked::Failed(error) => self.without_store(&items, error, notices),
        }
    }

    /// Goes on with what the store has answered.
    pub(super) fn resume(
        &self,
        waiting: Box<Waiting>,
        answer: Result<Vec<Standing>, StoreError>,
        notices: &mut Notices,
    ) -> Step<St::Pending> {
        let Waiting { items, stage } = *waiting;
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

    /// Finds whose counter of a policy the request charges.
    #[inline]
    fn find(
        &self,
        index: usize,
        active: &Active<St::Counter>,
        head: &Head<'_>,
        found: &mut [Option<Found>],
        notices: &mut Notices,
    ) -> Whose {
        let (outcome, key) = match found.get_mut(index).and_then(Option::take) {
            Some(found) => found,
            None => {
                let mut hasher = KeyHasher::new(&self.core.seed);
                match active.key.extract(head, &mut hasher) {
                    KeyOutcome::Set => return Whose::Key(hasher.key()),
                    outcome => (outcome, KeyHash::new(0, 0)),
                }
            }
        };
        self.otherwise(index, active, (outcome, key), notices)
    }

    /// What follows of a key that is none, or that was found before.
    #[inline(never)]
    fn otherwise(
        &self,
        index: usize,
        active: &Active<St::Counter>,
        (outcome, key): Found,
        notices: &mut Notices,
    ) -> Whose {
        match outcome {
            KeyOutcome::Set => Whose::Key(key),
            KeyOutcome::Skip => Whose::Nobody,
            KeyOutcome::Missing => self.missing(index, active, notices),
            KeyOutcome::Refuse(_) if active.reports || !active.picks(self.nobody()) => {
                notices.would_refuse(index, Standing::NEVER);
                Whose::Nobody
            }
            KeyOutcome::Refuse(refusal) => {
                Whose::Refused(Box::new(Refusal::of_key(index, refusal)))
            }
        }
    }

    /// Reads the key of one policy.
    #[inline]
    pub(super) fn extract(&self, active: &Active<St::Counter>, head: &Head<'_>) -> Found {
        let mut hasher = KeyHasher::new(&self.core.seed);
        let outcome = active.key.extract(head, &mut hasher);
        (outcome, hasher.key())
    }

    /// What becomes of a request without a key: the key of all of them, or none.
    #[cold]
    fn missing(&self, index: usize, active: &Active<St::Counter>, notices: &mut Notices) -> Whose {
        match active.policy.on_missing {
            MissingKey::Skip => Whose::Nobody,
            MissingKey::Refuse => {
                notices.missing(index);
                if active.reports || !active.picks(self.nobody()) {
                    return Whose::Nobody;
                }
                let refusal = Refusal::new(Why::KeyMissing, Marks::of(index), index);
                Whose::Refused(Box::new(refusal))
            }
            MissingKey::SharedBucket => {
                notices.missing(index);
                Whose::Key(self.nobody())
            }
        }
    }

    /// The key of all who have none.
    #[cold]
    fn nobody(&self) -> KeyHash {
        /// No key is made of this: keys that extractors write begin with other words.
        const NOBODY: [u64; 2] = [0x6e6f_626f_6479_0000, 0];
        let mut hasher = KeyHasher::new(&self.core.seed);
        NOBODY.into_iter().for_each(|word| hasher.u64(word));
        hasher.key()
    }

    /// Whether somebody wants to know where allowed requests stand.
    #[inline]
    fn wants_standings(&self) -> bool {
        self.set.needs.answer || self.keeps_all || self.set.fields.tells_allowed()
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
    #[inline(never)]
    pub(super) fn weigh<const N: usize>(
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
            Asked::Ready(standings) => {
                self.core.teller.answered(notices);
                self.reported(items, &standings, kept, notices)
            }
            Asked::Pending(pending) => {
                Step::Waiting(Waiting::boxed(items, Stage::Reported(kept)), pending)
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
        if !self.wants_standings() {
            return None;
        }
        let needs_answer = self.set.needs.answer;
        let tells = self.set.fields.tells_allowed();
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
            let bound = Shown::of(one.item.index, one.item.plan, &one.standing);
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
}

#[inline]
fn passed<P>(kept: Option<Kept>) -> Step<P> {
    match kept {
        Some(kept) => Step::Allowed(kept),
        None => Step::Pass,
    }
}
