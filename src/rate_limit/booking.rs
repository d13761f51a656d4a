//! How charges are booked in the memory of this process, all or none.

use super::memory::MemoryCounter;
use super::receipts::{BY_LADDER, allowed, receipt};
use super::rule::{Gcra, Rule};
use super::several::decide;
use super::store::{Charge, Nanos, Standing};
use super::table::{Demand, Overdraw, Slot, Verdict};

/// Charges all or none, and says where each key stands.
///
/// Inlined down to the exchange of the word: what a call saves and passes on the stack would wait there until the memory of a key is
/// there, and keep the next charge from asking for its own. With a million keys that was half of the time.
#[inline(always)]
pub(super) fn acquire(now: Nanos, charges: &mut [Charge<'_, MemoryCounter>]) {
    match charges {
        [charge] => book(now, charge),
        charges => {
            if decide::<true>(now, charges).is_none() {
                acquire_slowly(now, charges);
            }
        }
    }
}

/// Charges all or none, and says only whether they pass. `false` books nothing, and [`acquire`] says more.
#[inline]
pub(super) fn pass(now: Nanos, charges: &mut [Charge<'_, MemoryCounter>]) -> bool {
    match charges {
        [charge] => pass_one(now, charge),
        charges => decide::<false>(now, charges) == Some(true),
    }
}

/// As [`book`], for a quota and a key that is there: most requests come from one that has come before, and pass.
///
/// Of a slot that changed hands meanwhile it is not known whose word was exchanged. As in [`book`] the charge is made again then, which
/// is once too strict.
#[inline]
fn pass_one(now: Nanos, charge: &Charge<'_, MemoryCounter>) -> bool {
    let Some((slot, demand)) = present(now, charge) else {
        return false;
    };
    let Some(Verdict::Passed(_, fit)) = slot.offer(demand) else {
        return false;
    };
    match fit.exchange() {
        Ok(stands) => stands,
        Err(newer) => matches!(fit.charge_again(newer, demand), Some(Verdict::Passed(..))),
    }
}

/// The slot of a charge by a quota, whose key is there.
#[inline(always)]
pub(super) fn present<'a, 'r>(
    now: Nanos,
    charge: &'r Charge<'a, MemoryCounter>,
) -> Option<(Slot<'a>, Demand<&'r Gcra>)> {
    let demand = demand(now, charge)?;
    Some((charge.counter.slot(charge.key)?, demand))
}

/// A charge by a quota, as a table knows it. A look is not worth a short way.
#[inline(always)]
pub(super) fn demand<'r>(
    now: Nanos,
    charge: &'r Charge<'_, MemoryCounter>,
) -> Option<Demand<&'r Gcra>> {
    match &charge.rule {
        Rule::Gcra(rule) if !charge.overdraw && charge.cost > 0 => Some(Demand {
            rule,
            now: now.get(),
            cost: charge.cost,
        }),
        Rule::Gcra(_) | Rule::Ladder(_) => None,
    }
}

/// As [`decide`], for every kind of charge and as many as there are: looks at each, then charges one after the other as if it were alone. Where one that fitted a
/// moment ago does not any more, those before it are taken back, which is stricter for a moment and never laxer.
#[inline(never)]
fn acquire_slowly(now: Nanos, charges: &mut [Charge<'_, MemoryCounter>]) {
    let mut is_denied = false;
    for charge in charges.iter_mut() {
        charge.standing = look(now, charge, charge.cost);
        is_denied |= !charge.standing.is_allowed;
    }
    let mut booked = 0_usize;
    if !is_denied {
        for charge in charges.iter_mut() {
            book(now, charge);
            is_denied = !charge.standing.is_allowed;
            if is_denied {
                break;
            }
            booked = booked.saturating_add(1);
        }
    }
    if !is_denied {
        return;
    }
    for charge in charges.iter_mut().take(booked).rev() {
        charge.counter.refund(now, charge.standing.receipt);
    }
    for charge in charges.iter_mut() {
        if charge.standing.is_allowed {
            // It would have passed; what it says is left is what is left without it.
            charge.standing = look(now, charge, 0);
        }
    }
}

/// Charges one. Each branch writes the standing itself: gathered and moved there, it would cost as much as the charge.
#[inline(always)]
fn book(now: Nanos, charge: &mut Charge<'_, MemoryCounter>) {
    let Some((slot, demand)) = present(now, charge) else {
        return book_slowly(now, charge);
    };
    match slot.offer(demand) {
        Some(Verdict::Passed(left, fit)) if fit.exchange() == Ok(true) => {
            charge.standing = allowed(left, receipt(fit.booked(), 0));
        }
        Some(Verdict::Denied(left, wait)) => {
            charge.standing = Standing::denied(left.remaining, left.reset, wait);
        }
        // Somebody else was faster, or only the mutex can tell.
        Some(Verdict::Passed(..)) | None => book_slowly(now, charge),
    }
}

/// Charges one by any rule, whether its key is there or not.
#[inline(never)]
fn book_slowly(now: Nanos, charge: &mut Charge<'_, MemoryCounter>) {
    let Charge {
        counter, key, cost, ..
    } = *charge;
    let now = now.get();
    charge.standing = match (charge.rule, &counter.shape) {
        (Rule::Gcra(rule), _) if charge.overdraw => {
            counter.charge(Overdraw(rule), now, key, cost, 0)
        }
        (Rule::Gcra(rule), _) => counter.charge(rule, now, key, cost, 0),
        (Rule::Ladder(rule), _) => {
            counter.ladder.get_or_init(|| rule);
            counter.charge(rule, now, key, cost, BY_LADDER)
        }
    };
}

fn look(now: Nanos, charge: &Charge<'_, MemoryCounter>, cost: u32) -> Standing {
    match charge.rule {
        Rule::Gcra(rule) if charge.overdraw => {
            charge.counter.look(Overdraw(rule), now, charge.key, cost)
        }
        Rule::Gcra(rule) => charge.counter.look(rule, now, charge.key, cost),
        Rule::Ladder(rule) => charge.counter.look(rule, now, charge.key, cost),
    }
}

#[cfg(test)]
#[path = "booking_tests.rs"]
mod tests;
