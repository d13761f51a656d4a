//! What is still to be done when the answer is there.

use std::sync::Arc;

use http::Response;

use super::examine::Core;
use super::fields::Shown;
use super::items::{Charged, Kept};
use super::outcome::Outcome;
use super::set::{Active, PolicySet};
use super::store::{Acquire, Charge, Nanos, Receipt, Store};
use crate::core::Amend;

/// What a layer does with the answer to one request.
pub(super) enum After<St: Store> {
    /// Tells the client where it stands.
    Tell(Arc<PolicySet<St::Counter>>, Shown),
    /// Looks at the answer, and perhaps tells the client too.
    Settle(Box<Settling<St>>),
}

/// Charges that an answer decides about. The set is that of when the request came.
pub(super) struct Settling<St: Store> {
    pub(super) core: Arc<Core<St>>,
    pub(super) set: Arc<PolicySet<St::Counter>>,
    pub(super) kept: Kept,
}

impl<St: Store> Amend for After<St> {
    #[inline]
    fn amend<B>(self, response: &mut Response<B>) {
        match self {
            Self::Tell(set, shown) => tell(&set, &shown, response),
            Self::Settle(settling) => {
                let Settling { core, set, kept } = *settling;
                settle(&core, &set, &kept, &Outcome::of(response));
                if let Some(shown) = &kept.binding {
                    tell(&set, shown, response);
                }
            }
        }
    }
}

fn tell<C, B>(set: &PolicySet<C>, shown: &Shown, response: &mut Response<B>) {
    let status = response.status();
    set.fields.tell(shown, status, response.headers_mut());
}

/// Gives back what an answer does not count, and takes what it has cost besides.
pub(super) fn settle<St: Store>(
    core: &Core<St>,
    set: &PolicySet<St::Counter>,
    kept: &Kept,
    outcome: &Outcome<'_>,
) {
    // Read when it is needed: most answers change nothing.
    let mut now = None;
    let mut now = || *now.get_or_insert_with(|| core.ticker.now());
    for one in &kept.charged {
        let Some(active) = set.active.get(one.item.index) else {
            continue;
        };
        let policy = &active.policy;
        if policy
            .count_when
            .as_ref()
            .is_some_and(|counts| !counts(outcome))
        {
            refund(core, active, one, kept.is_local, now());
            continue;
        }
        let more = policy.charge_after.as_ref().map_or(0, |cost| cost(outcome));
        if more > 0 {
            overdraw(core, active, one, kept.is_local, more, now());
        }
    }
}

/// Gives back all of it.
pub(super) fn give_back<St: Store>(core: &Core<St>, set: &PolicySet<St::Counter>, kept: &Kept) {
    let now = core.ticker.now();
    for one in &kept.charged {
        if let Some(active) = set.active.get(one.item.index) {
            refund(core, active, one, kept.is_local, now);
        }
    }
}

fn refund<St: Store>(
    core: &Core<St>,
    active: &Active<St::Counter>,
    one: &Charged,
    is_local: bool,
    now: Nanos,
) {
    let receipt = one.standing.receipt;
    if receipt == Receipt::NONE {
        return;
    }
    if !is_local {
        core.store.refund(now, &active.counter, receipt);
    } else if let (Some(fallback), Some(local)) = (&core.fallback, &active.local) {
        fallback.store().refund(now, &local.counter, receipt);
    }
}

/// Takes what an answer has cost besides. A store that cannot book it leaves it to the fallback, where the key is counted next.
fn overdraw<St: Store>(
    core: &Core<St>,
    active: &Active<St::Counter>,
    one: &Charged,
    is_local: bool,
    cost: u32,
    now: Nanos,
) {
    if !is_local {
        let rule = active.rule(one.item.plan);
        let mut charge = Charge::new(&*active.counter, one.item.key, rule, cost);
        charge.overdraw = true;
        match core.store.acquire(now, &mut [charge]) {
            // What becomes of it changes nothing any more, and a store that has to ask goes on without being waited for.
            Acquire::Ready | Acquire::Pending(_) => return,
            Acquire::Failed(_) => core.teller.store_failed(),
        }
    }
    if let (Some(fallback), Some(local)) = (&core.fallback, &active.local) {
        let (rule, _) = local.charge(one.item.plan, cost);
        let mut charge = Charge::new(&*local.counter, one.item.key, rule, cost);
        charge.overdraw = true;
        drop(fallback.store().acquire(now, &mut [charge]));
    }
}
