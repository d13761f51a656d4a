//! A few charges of one call, looked at together and then booked together.

use super::booking::{demand, present};
use super::memory::MemoryCounter;
use super::receipts::{allowed, receipt, seen};
use super::rule::{Gcra, Rule};
use super::store::{Charge, Nanos, Receipt, Standing};
use super::table::{Fit, Verdict, WordRule};

/// How many charges [`decide`] looks at together: few requests concern more policies.
const FEW: usize = 3;

/// Looks at a few charges to keys that are there, and books them where they were found if all of them fit: nobody is looked for twice,
/// and who is denied writes nothing that others read. `None` has booked nothing, and is for [`acquire`](super::booking::acquire) to decide.
///
/// Without `TELLS` no standing is worked out, and none is set.
#[inline(never)]
pub(super) fn decide<const TELLS: bool>(
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
