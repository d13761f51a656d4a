//! What a call asks for, and what it was told.

use ::redis::Cmd;

use super::bucket::Units;
use crate::rate_limit::key::KeyHash;
use crate::rate_limit::{Receipt, Standing};

/// One charge, on its own.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// The counter's name in Redis.
    pub(super) name: String,
    /// The counter in the tables of this node.
    pub(super) local: u128,
    pub(super) key: KeyHash,
    pub(super) units: Units,
    pub(super) cost: u32,
    pub(super) overdraw: bool,
    /// Whether charges of this counter are taken back elsewhere, so that what a node remembers goes stale.
    pub(super) is_refunded: bool,
}

/// How one counter stood before the call, in microseconds of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Before {
    /// Until the bucket is full again, or the ladder allows the next charge.
    pub(super) debt: u64,
    pub(super) rung: u64,
}

/// What the server answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// How many times the whole charge was booked.
    pub(super) granted: u32,
    pub(super) now: u64,
    pub(super) before: Vec<Before>,
}

impl Told {
    /// Reads the numbers of `acquire.lua` about `asks` counters.
    pub(super) fn read(numbers: &[i64], asks: usize) -> Option<Self> {
        let number = |number: &i64| u64::try_from(*number).ok();
        let [granted, now, rest @ ..] = numbers else {
            return None;
        };
        let (pairs, []) = rest.as_chunks::<2>() else {
            return None;
        };
        let before: Option<Vec<Before>> = pairs
            .iter()
            .map(|[debt, rung]| {
                Some(Before {
                    debt: number(debt)?,
                    rung: number(rung)?,
                })
            })
            .collect();
        Some(Self {
            granted: u32::try_from(*granted).ok()?,
            now: number(now)?,
            before: before.filter(|before| before.len() == asks)?,
        })
    }

    /// Where the `nth` of those who asked together stands, counted from 0. The first `granted` of them passed.
    pub(super) fn standings(&self, asks: &[Ask], nth: u32) -> Vec<Standing> {
        let is_granted = nth < self.granted;
        let earlier = nth.min(self.granted);
        asks.iter()
            .zip(&self.before)
            .map(|(ask, before)| {
                let debt = ask.debt_after(*before, earlier);
                let mut standing =
                    ask.units
                        .standing(ask.cost, ask.overdraw, nanos(debt), before.rung);
                if is_granted {
                    standing.receipt = ask.receipt(self.now, *before, earlier);
                }
                standing
            })
            .collect()
    }
}

impl Ask {
    /// What is owed after `times` charges, in microseconds.
    pub(super) fn debt_after(&self, before: Before, times: u32) -> u64 {
        match self.units {
            Units::Bucket { window, .. } => {
                let charged = self
                    .units
                    .charge(self.cost)
                    .saturating_mul(u64::from(times));
                let reached = before.debt.saturating_add(charged);
                if self.overdraw {
                    reached.min(window.saturating_mul(2))
                } else {
                    reached
                }
            }
            Units::Ladder { .. } if times == 0 || self.cost == 0 => before.debt,
            Units::Ladder { .. } => self
                .units
                .delay(before.rung.saturating_add(u64::from(self.cost))),
        }
    }

    /// What it takes to take back the charge after `earlier` others.
    fn receipt(&self, now: u64, before: Before, earlier: u32) -> Receipt {
        if self.cost == 0 {
            return Receipt::NONE;
        }
        let reached = now.saturating_add(self.debt_after(before, earlier.saturating_add(1)));
        receipt(self, reached)
    }

    /// Writes the charge as `acquire.lua` reads it.
    pub(super) fn write(&self, command: &mut Cmd) {
        match self.units {
            Units::Bucket {
                interval, window, ..
            } => {
                let rule = if self.overdraw { "o" } else { "g" };
                command.arg(rule).arg(interval).arg(window).arg(self.cost);
            }
            Units::Ladder {
                free,
                first,
                longest,
                decay,
            } => {
                command
                    .arg("l")
                    .arg(free)
                    .arg(first)
                    .arg(longest)
                    .arg(decay)
                    .arg(self.cost);
            }
        }
    }
}

/// Marks the receipt of a ladder, in its second word.
const LADDER: u64 = 1 << 63;

/// A receipt: what the charge left its counter at, how much it was, and whose counter.
pub(super) fn receipt(ask: &Ask, reached: u64) -> Receipt {
    let amount = match ask.units {
        Units::Bucket { .. } => ask.units.charge(ask.cost).min(!LADDER),
        Units::Ladder { decay, .. } => LADDER | decay << 8 | u64::from(ask.cost.min(255)),
    };
    Receipt::new([reached, amount, ask.key.low(), ask.key.high()])
}

/// What is taken back of one counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refund {
    Bucket { reached: u64, amount: u64 },
    Ladder { reached: u64, cost: u64, decay: u64 },
}

impl Refund {
    /// Reads a receipt. `None`: nothing was booked.
    pub(super) fn of(receipt: Receipt) -> Option<(KeyHash, Self)> {
        let [reached, amount, low, high] = receipt.words();
        if reached == 0 {
            return None;
        }
        let refund = if amount & LADDER == 0 {
            Self::Bucket { reached, amount }
        } else {
            Self::Ladder {
                reached,
                cost: amount & 0xff,
                decay: (amount & !LADDER) >> 8,
            }
        };
        Some((KeyHash::new(low, high), refund))
    }

    /// Writes it as `refund.lua` reads it.
    pub(super) fn write(&self, command: &mut Cmd) {
        match self {
            Self::Bucket { reached, amount } => {
                command.arg("g").arg(*reached).arg(*amount);
            }
            Self::Ladder {
                reached,
                cost,
                decay,
            } => {
                command.arg("l").arg(*reached).arg(*cost).arg(*decay);
            }
        }
    }
}

pub(super) const fn nanos(micros: u64) -> u64 {
    micros.saturating_mul(1_000)
}
