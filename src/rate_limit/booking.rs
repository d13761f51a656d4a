//! How charges are booked in the memory of this process, all or none.

use super::key::KeyHash;
use super::memory::{MemoryCounter, Shape};
use super::rule::{Gcra, Ladder, Rule};
use super::store::{Charge, Nanos, Receipt, Standing};
use super::table::{Booked, Demand, Fit, Left, Overdraw, Slot, Undo, Verdict, WordRule};

/// Set in the first word of every receipt of ours.
const BOOKED: u64 = 1 << 63;
/// Set there if a [`Ladder`] was charged.
const BY_LADDER: u64 = 1 << 62;

/// How many charges [`decide`] looks at together: few requests concern more policies.
const FEW: usize = 3;

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
fn present<'a, 'r>(
    now: Nanos,
    charge: &'r Charge<'a, MemoryCounter>,
) -> Option<(Slot<'a>, Demand<&'r Gcra>)> {
    let demand = demand(now, charge)?;
    Some((charge.counter.slot(charge.key)?, demand))
}

/// A charge by a quota, as a table knows it. A look is not worth a short way.
#[inline(always)]
fn demand<'r>(now: Nanos, charge: &'r Charge<'_, MemoryCounter>) -> Option<Demand<&'r Gcra>> {
    match &charge.rule {
        Rule::Gcra(rule) if !charge.overdraw && charge.cost > 0 => Some(Demand {
            rule,
            now: now.get(),
            cost: charge.cost,
        }),
        Rule::Gcra(_) | Rule::Ladder(_) => None,
    }
}

/// Looks at a few charges to keys that are there, and books them where they were found if all of them fit: nobody is looked for twice,
/// and who is denied writes nothing that others read. `None` has booked nothing, and is for [`acquire_slowly`] to decide.
///
/// Without `TELLS` no standing is worked out, and none is set.
#[inline(never)]
fn decide<const TELLS: bool>(
    now: Nanos,
    charges: &mut [Charge<'_, MemoryCounter>],
) -> Option<bool> {
    if charges.len() > FEW {
        return None;
    }
    let mut fits: [Option<Fit<'_>>; FEW] = [None; FEW];
    let mut is_denied = false;
    for (charge, place) in charges.iter_mut().zip(&mut fits) {
        let (slot, demand) = present(now, charge)?;
        match slot.offer(demand)? {
            Verdict::Passed(left, fit) => {
                *place = Some(fit);
                if TELLS {
                    charge.standing = allowed(left, Receipt::NONE);
                }
            }
            Verdict::Denied(..) if !TELLS => return Some(false),
            Verdict::Denied(left, wait) => {
                charge.standing = Standing::denied(left.remaining, left.reset, wait);
                is_denied = true;
            }
        }
    }
    if is_denied {
        for (charge, fit) in charges.iter_mut().zip(fits) {
            if let Some(fit) = fit {
                charge.standing = without(now, charge, fit);
            }
        }
        return Some(false);
    }
    for nth in 0..charges.len() {
        let (charge, fit) = (charges.get_mut(nth)?, fits.get_mut(nth)?.as_mut()?);
        if !book_fit::<TELLS>(now, charge, fit) {
            // Somebody else was faster. What was booked before is taken back, and all of them are decided anew.
            take_back(now, charges, &fits, nth);
            return None;
        }
    }
    Some(true)
}

/// Books a charge that was looked at. `false` if it does not fit any more, or its slot has changed hands.
#[inline(always)]
fn book_fit<'a, const TELLS: bool>(
    now: Nanos,
    charge: &mut Charge<'a, MemoryCounter>,
    fit: &mut Fit<'a>,
) -> bool {
    let is_booked = match fit.exchange() {
        Ok(stands) => stands,
        Err(newer) => book_again::<TELLS>(now, charge, fit, newer),
    };
    if TELLS && is_booked {
        charge.standing.receipt = receipt(fit.booked(), 0);
    }
    is_booked
}

/// The same where somebody else has charged the key since.
#[cold]
#[inline(never)]
fn book_again<'a, const TELLS: bool>(
    now: Nanos,
    charge: &mut Charge<'a, MemoryCounter>,
    fit: &mut Fit<'a>,
    newer: u64,
) -> bool {
    let again = demand(now, charge).and_then(|demand| fit.charge_again(newer, demand));
    let Some(Verdict::Passed(left, again)) = again else {
        return false;
    };
    if TELLS {
        charge.standing = allowed(left, Receipt::NONE);
    }
    *fit = again;
    true
}

/// What is said of a charge that would have passed, had the others: what is left without it.
#[cold]
fn without(now: Nanos, charge: &Charge<'_, MemoryCounter>, fit: Fit<'_>) -> Standing {
    match charge.rule {
        Rule::Gcra(rule) => seen(rule.charge(fit.word(), now.get(), 0).into()),
        Rule::Ladder(rule) => seen(rule.charge(fit.word(), now.get(), 0).into()),
    }
}

#[cold]
fn take_back(
    now: Nanos,
    charges: &[Charge<'_, MemoryCounter>],
    fits: &[Option<Fit<'_>>; FEW],
    count: usize,
) {
    for (charge, fit) in charges.iter().zip(fits).take(count).rev() {
        if let Some(fit) = fit {
            charge.counter.take_back::<Gcra>(now.get(), fit.booked());
        }
    }
}

/// As [`decide`], for every kind of charge: looks at each, then charges one after the other as if it were alone. Where one that fitted a
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

#[inline]
const fn standing(verdict: Verdict<Booked>, kind: u64) -> Standing {
    match verdict {
        Verdict::Denied(left, wait) => Standing::denied(left.remaining, left.reset, wait),
        Verdict::Passed(left, booked) => allowed(left, receipt(booked, kind)),
    }
}

#[inline]
const fn seen(verdict: Verdict<()>) -> Standing {
    match verdict {
        Verdict::Denied(left, wait) => Standing::denied(left.remaining, left.reset, wait),
        Verdict::Passed(left, ()) => allowed(left, Receipt::NONE),
    }
}

#[inline]
const fn allowed(left: Left, receipt: Receipt) -> Standing {
    Standing::allowed(left.remaining, left.reset, receipt)
}

#[inline]
const fn receipt(booked: Booked, kind: u64) -> Receipt {
    let Booked { place, mark, undo } = booked;
    if undo.after == 0 {
        // It cost nothing, and changed nothing.
        return Receipt::NONE;
    }
    Receipt::new([place | kind | BOOKED, mark, undo.by, undo.after])
}

impl MemoryCounter {
    /// The slot of a key that is there.
    #[inline(always)]
    fn slot(&self, key: KeyHash) -> Option<Slot<'_>> {
        match &self.shape {
            Shape::Keyed(table) => table.slot(key),
            Shape::Single(word) => Some(word.slot()),
        }
    }

    fn charge<R: WordRule>(
        &self,
        rule: R,
        now: u64,
        key: KeyHash,
        cost: u32,
        kind: u64,
    ) -> Standing {
        let verdict = match &self.shape {
            Shape::Keyed(table) => table.charge(rule, key, now, cost),
            Shape::Single(word) => word.charge(rule, now, cost),
        };
        standing(verdict, kind)
    }

    fn look<R: WordRule>(&self, rule: R, now: Nanos, key: KeyHash, cost: u32) -> Standing {
        let verdict = match &self.shape {
            Shape::Keyed(table) => table.peek(rule, key, now.get(), cost),
            Shape::Single(word) => word.peek(rule, now.get(), cost),
        };
        seen(verdict)
    }

    /// Takes one charge back.
    pub(super) fn refund(&self, now: Nanos, receipt: Receipt) {
        let [place, mark, by, after] = receipt.words();
        if place & BOOKED == 0 {
            return;
        }
        let booked = Booked {
            place: place & !(BOOKED | BY_LADDER),
            mark,
            undo: Undo { by, after },
        };
        if place & BY_LADDER == 0 {
            self.take_back::<Gcra>(now.get(), booked);
        } else {
            self.take_back::<Ladder>(now.get(), booked);
        }
    }

    fn take_back<R: WordRule>(&self, now: u64, booked: Booked) {
        match &self.shape {
            Shape::Keyed(table) => table.refund::<R>(now, booked),
            Shape::Single(word) => word.refund::<R>(now, booked.undo),
        }
    }
}

#[cfg(test)]
#[path = "booking_tests.rs"]
mod tests;
