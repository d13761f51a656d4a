//! What a node computes of the server's answers, in the same way as the memory store.

use crate::rate_limit::{Gcra, Rule, Standing};

/// A rule in the units of the scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Units {
    Bucket {
        /// Microseconds in which one unit comes back.
        interval: u64,
        /// Microseconds in which an empty bucket fills.
        window: u64,
        is_strict: bool,
    },
    Ladder {
        free: u8,
        first: u64,
        longest: u64,
        decay: u64,
    },
}

/// The longest time that the doubles of Lua add to the time of day without losing a microsecond.
const MAX_MICROS: u64 = 1 << 52;

const NANOS: u64 = 1_000;

impl Units {
    /// Rounds up to microseconds: never above the configured rate.
    pub(super) fn of(rule: Rule) -> Self {
        let micros = |nanos: u64| nanos.div_ceil(NANOS).min(MAX_MICROS);
        match rule {
            Rule::Gcra(gcra) => {
                let interval = micros(gcra.interval());
                let window = interval.saturating_mul(burst(gcra)).min(MAX_MICROS);
                Self::Bucket {
                    interval,
                    window,
                    is_strict: gcra.is_strict(),
                }
            }
            Rule::Ladder(ladder) => Self::Ladder {
                free: ladder.free(),
                first: micros(ladder.first()),
                longest: micros(ladder.longest()),
                decay: micros(ladder.decay()).max(1),
            },
        }
    }

    /// Whether the charge can never fit.
    pub(super) fn exceeds(self, cost: u32) -> bool {
        match self {
            Self::Bucket { window, .. } => self.charge(cost) > window,
            Self::Ladder { .. } => false,
        }
    }

    /// Microseconds that `cost` units take to come back.
    pub(super) fn charge(self, cost: u32) -> u64 {
        match self {
            Self::Bucket { interval, .. } => interval.saturating_mul(u64::from(cost)),
            Self::Ladder { .. } => 0,
        }
    }

    /// How many tokens a node may hold in advance, so that all `nodes` hold at most a quarter of the burst: what the quota gives
    /// each of them in 50 ms. 1 is none.
    pub(super) fn advance(self, nodes: u32) -> u64 {
        const SPAN: u64 = 50_000;
        let Self::Bucket {
            interval,
            window,
            is_strict: false,
        } = self
        else {
            return 1;
        };
        let nodes = u64::from(nodes).max(1);
        let earned = (SPAN / interval.max(1)) / nodes;
        let quarter = (window / interval.max(1)) / nodes.saturating_mul(4);
        earned.min(quarter).max(1)
    }

    /// Where a key stands whose bucket is full again in `debt` nanoseconds, if it is charged `cost` now; and the debt after it.
    ///
    /// For a ladder `debt` is the time until its next charge, and `rung` how many it has had.
    pub(super) fn standing(self, cost: u32, overdraw: bool, debt: u64, rung: u64) -> Standing {
        match self {
            Self::Bucket {
                interval, window, ..
            } => {
                let (interval, window) =
                    (interval.saturating_mul(NANOS), window.saturating_mul(NANOS));
                let charge = interval.saturating_mul(u64::from(cost));
                let reached = debt.saturating_add(charge);
                if overdraw || reached <= window {
                    let reached = reached.min(window.saturating_mul(2));
                    let (remaining, reset) = left(interval, window, reached);
                    return Standing::allowed(remaining, reset, crate::rate_limit::Receipt::NONE);
                }
                let (remaining, reset) = left(interval, window, debt);
                let wait = if charge > window {
                    Standing::NEVER
                } else {
                    reached.saturating_sub(window)
                };
                Standing::denied(remaining, reset, wait)
            }
            Self::Ladder { free, .. } => {
                let free = u64::from(free);
                if debt > 0 {
                    return Standing::denied(free.saturating_sub(rung), debt, debt);
                }
                let rung = rung.saturating_add(u64::from(cost));
                let after = self.delay(rung).saturating_mul(NANOS);
                let reset = if cost == 0 { 0 } else { after };
                Standing::allowed(
                    free.saturating_sub(rung),
                    reset,
                    crate::rate_limit::Receipt::NONE,
                )
            }
        }
    }

    /// Where a key stands whose charge was paid for in advance, and whose bucket is full again in `debt` nanoseconds after it.
    pub(super) fn paid(self, debt: u64) -> (u64, u64) {
        match self {
            Self::Bucket {
                interval, window, ..
            } => left(
                interval.saturating_mul(NANOS),
                window.saturating_mul(NANOS),
                debt,
            ),
            Self::Ladder { .. } => (0, 0),
        }
    }

    /// Microseconds that a ladder waits at `rung`.
    pub(super) fn delay(self, rung: u64) -> u64 {
        let Self::Ladder {
            free,
            first,
            longest,
            ..
        } = self
        else {
            return 0;
        };
        let Some(doublings) = rung.min(255).checked_sub(u64::from(free)) else {
            return 0;
        };
        let factor = u32::try_from(doublings)
            .ok()
            .and_then(|doublings| 1_u64.checked_shl(doublings));
        first
            .saturating_mul(factor.unwrap_or(u64::MAX))
            .min(longest)
    }
}

/// Units left, and nanoseconds until there is one more, with a bucket that is full again in `debt`.
fn left(interval: u64, window: u64, debt: u64) -> (u64, u64) {
    let remaining = window
        .saturating_sub(debt)
        .checked_div(interval)
        .unwrap_or_default();
    if debt == 0 {
        return (remaining, 0);
    }
    let one_more = remaining.saturating_add(1).saturating_mul(interval);
    (
        remaining,
        debt.saturating_add(one_more).saturating_sub(window),
    )
}

fn burst(gcra: Gcra) -> u64 {
    gcra.window()
        .checked_div(gcra.interval())
        .unwrap_or_default()
}
