//! What a node computes of the server's answers, in the same way as the memory store.

use crate::rate_limit::{Gcra, Ladder, Receipt, Rule, Standing};

/// A rule in the units of the scripts: microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Units {
    Bucket(Bucket),
    Steps(Steps),
}

/// A quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// In which one unit comes back.
    pub(super) interval: u64,
    /// In which an empty bucket fills.
    pub(super) window: u64,
    /// How much may be owed: the window, or two where charges are known only afterwards; with plans the most of theirs, or two
    /// windows if that is more.
    pub(super) debt: u64,
    is_strict: bool,
}

/// A ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    /// How many charges pass without a delay: the first one always does.
    pub(super) at_once: u64,
    pub(super) first: u64,
    pub(super) longest: u64,
    /// The quiet that takes one rung away.
    pub(super) decay: u64,
}

/// How a counter stands, in nanoseconds from now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    /// Until the bucket is full again, or the ladder allows the next charge.
    pub(super) debt: u64,
    /// How many charges the ladder counts.
    pub(super) rung: u64,
    /// How long the ladder has been quiet, beyond what has taken rungs away.
    pub(super) quiet: u64,
}

/// The longest time that the doubles of Lua add to the time of day without losing a microsecond.
const MAX_MICROS: u64 = 1 << 52;

pub(super) const fn nanos(micros: u64) -> u64 {
    micros.saturating_mul(1_000)
}

impl Units {
    /// Rounds up to microseconds: never above the configured rate.
    pub(super) fn of(rule: Rule) -> Self {
        match rule {
            Rule::Gcra(gcra) => Self::Bucket(Bucket::of(gcra)),
            Rule::Ladder(ladder) => Self::Steps(Steps::of(ladder)),
        }
    }

    /// Microseconds that `cost` units take to come back.
    pub(super) fn charge(self, cost: u32) -> u64 {
        match self {
            Self::Bucket(bucket) => bucket.interval.saturating_mul(u64::from(cost)),
            Self::Steps(_) => 0,
        }
    }

    /// How many tokens a node may hold in advance, so that all `nodes` hold at most a quarter of the burst: what the quota gives
    /// each of them in 50 ms. 1 is none.
    pub(super) fn advance(self, nodes: u32) -> u64 {
        const SPAN: u64 = 50_000;
        match self {
            Self::Bucket(bucket) if !bucket.is_strict => {
                let nodes = u64::from(nodes).max(1);
                let earned = SPAN / bucket.interval.max(1) / nodes;
                let quarter = bucket.window / bucket.interval.max(1) / nodes.saturating_mul(4);
                earned.min(quarter).max(1)
            }
            Self::Bucket(_) | Self::Steps(_) => 1,
        }
    }

    /// Where a key stands that is charged `cost`.
    pub(super) fn charged(self, level: Level, cost: u32, overdraw: bool) -> Standing {
        match self {
            _ if cost == 0 => self.seen(level),
            Self::Bucket(bucket) => bucket.charged(level.debt, cost, overdraw),
            Self::Steps(_) if level.debt > 0 => Standing::denied(0, level.debt, level.debt),
            Self::Steps(steps) => {
                let rung = level.rung.saturating_add(u64::from(cost)).min(255);
                let debt = nanos(steps.delay(rung));
                self.seen(Level {
                    debt,
                    rung,
                    quiet: 0,
                })
            }
        }
    }

    /// Where a key stands that nothing is charged.
    pub(super) fn seen(self, level: Level) -> Standing {
        let (remaining, reset) = match self {
            Self::Bucket(bucket) => bucket.left(level.debt),
            Self::Steps(steps) => steps.left(level),
        };
        Standing::allowed(remaining, reset, Receipt::NONE)
    }
}

impl Bucket {
    fn of(gcra: Gcra) -> Self {
        let interval = gcra.interval().div_ceil(1_000).min(MAX_MICROS);
        let window = interval.saturating_mul(gcra.burst()).min(MAX_MICROS);
        let doubled = gcra.window().saturating_mul(2);
        Self {
            interval,
            window,
            debt: match gcra.debt() {
                debt if debt <= gcra.window() => window,
                debt if debt == doubled => window.saturating_mul(2),
                // That of another plan, whose units were rounded up to at most twice their time.
                debt => debt.div_ceil(1_000).saturating_mul(2).min(MAX_MICROS),
            },
            is_strict: gcra.is_strict(),
        }
    }

    fn charged(self, debt: u64, cost: u32, overdraw: bool) -> Standing {
        let window = nanos(self.window);
        let by = nanos(self.interval).saturating_mul(u64::from(cost));
        if overdraw {
            let most = window.saturating_mul(2).max(debt);
            let (remaining, reset) = self.left(debt.saturating_add(by).min(most));
            return Standing::allowed(remaining, reset, Receipt::NONE);
        }
        let next = debt.saturating_add(by);
        if next <= window {
            let (remaining, reset) = self.left(next);
            return Standing::allowed(remaining, reset, Receipt::NONE);
        }
        let (remaining, reset) = self.left(debt);
        let wait = if by > window {
            Standing::NEVER
        } else {
            next.saturating_sub(window)
        };
        Standing::denied(remaining, reset, wait)
    }

    /// Units left, and nanoseconds until there is one more.
    fn left(self, debt: u64) -> (u64, u64) {
        let (interval, window) = (nanos(self.interval), nanos(self.window));
        let room = window.saturating_sub(debt);
        let remaining = room.checked_div(interval).unwrap_or_default();
        if debt == 0 {
            return (remaining, 0);
        }
        let one_more = remaining.saturating_add(1).saturating_mul(interval);
        (
            remaining,
            debt.saturating_add(one_more).saturating_sub(window),
        )
    }
}

impl Steps {
    fn of(ladder: Ladder) -> Self {
        let micros = |nanos: u64| nanos.div_ceil(1_000).min(MAX_MICROS);
        Self {
            at_once: u64::from(ladder.free()).max(1),
            first: micros(ladder.first()),
            longest: micros(ladder.longest()),
            decay: micros(ladder.decay()).max(1),
        }
    }

    /// Microseconds that the next charge waits after one that led to `rung`.
    pub(super) fn delay(self, rung: u64) -> u64 {
        let Some(doublings) = rung.checked_sub(self.at_once) else {
            return 0;
        };
        let doublings = u32::try_from(doublings).unwrap_or(u32::MAX);
        let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }

    /// Where a ladder stands that was left at `rung` and opened `quiet` microseconds ago.
    pub(super) fn after_quiet(self, rung: u64, quiet: u64) -> Level {
        Level {
            debt: 0,
            rung: rung.saturating_sub(quiet.checked_div(self.decay).unwrap_or_default()),
            quiet: nanos(quiet.checked_rem(self.decay).unwrap_or_default()),
        }
    }

    fn left(self, level: Level) -> (u64, u64) {
        if level.debt > 0 {
            return (0, level.debt);
        }
        let remaining = self.at_once.saturating_sub(level.rung).max(1);
        if remaining == self.at_once {
            return (remaining, 0);
        }
        // At or above the last free rung one charge passes, as it does one rung below.
        let steps = level
            .rung
            .saturating_add(2)
            .saturating_sub(self.at_once)
            .max(1);
        (
            remaining,
            nanos(self.decay.saturating_mul(steps)).saturating_sub(level.quiet),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::Quota;
    use std::time::Duration;

    const MILLI: u64 = 1_000_000;

    fn bucket(quota: Quota) -> Units {
        Units::of(quota.rule().unwrap())
    }

    #[test]
    fn an_interval_is_rounded_up_to_microseconds() {
        let third = bucket(Quota::per_second(3));
        assert_eq!(third.charge(1), 333_334);
        assert_eq!(third.charge(3), 1_000_002);
        assert_eq!(bucket(Quota::per_second(1_000_000)).charge(1), 1);
    }

    /// 10 per second: a unit in 100 ms, a window of 1 s.
    #[test]
    fn standings_of_a_bucket() {
        let units = bucket(Quota::per_second(10));
        // Debt in ms, cost; allowed, left, reset in ms, wait in ms.
        let rows = [
            (0, 0, true, 10, 0, 0),
            (0, 1, true, 9, 100, 0),
            (0, 10, true, 0, 100, 0),
            (0, 11, false, 10, 0, u64::MAX),
            (50, 1, true, 8, 50, 0),
            (900, 1, true, 0, 100, 0),
            (901, 1, false, 0, 1, 1),
            (1_000, 0, true, 0, 100, 0),
            (1_000, 1, false, 0, 100, 100),
            (1_000, 5, false, 0, 100, 500),
            // Beyond the window, as it is stored.
            (1_700, 1, false, 0, 800, 800),
        ];
        for (debt, cost, is_allowed, remaining, reset, wait) in rows {
            let level = Level {
                debt: debt * MILLI,
                ..Level::default()
            };
            let standing = units.charged(level, cost, false);
            let wait = if wait == u64::MAX { wait } else { wait * MILLI };
            assert_eq!(
                (
                    standing.is_allowed,
                    standing.remaining,
                    standing.reset,
                    standing.wait
                ),
                (is_allowed, remaining, reset * MILLI, wait),
                "{debt} ms, cost {cost}"
            );
        }
    }

    #[test]
    fn standings_of_a_ladder() {
        let second = 1_000_000_000;
        let ladder = Ladder::new(2, second, 3 * second, 10 * second);
        let units = Units::of(Rule::Ladder(ladder));
        // Debt in s, rung, quiet in s, cost; allowed, left, reset in s, wait in s.
        let rows = [
            (0, 0, 0, 0, true, 2, 0, 0),
            (0, 0, 0, 1, true, 1, 10, 0),
            (0, 1, 4, 0, true, 1, 6, 0),
            (0, 1, 4, 1, true, 0, 1, 0),
            (0, 2, 0, 1, true, 0, 2, 0),
            (0, 3, 0, 1, true, 0, 3, 0),
            (0, 254, 0, 9, true, 0, 3, 0),
            (2, 3, 0, 1, false, 0, 2, 2),
            (2, 3, 0, 0, true, 0, 2, 0),
        ];
        for (debt, rung, quiet, cost, is_allowed, remaining, reset, wait) in rows {
            let level = Level {
                debt: debt * second,
                rung,
                quiet: quiet * second,
            };
            let standing = units.charged(level, cost, false);
            assert_eq!(
                (
                    standing.is_allowed,
                    standing.remaining,
                    standing.reset,
                    standing.wait
                ),
                (is_allowed, remaining, reset * second, wait * second),
                "{level:?}, cost {cost}"
            );
        }
    }

    #[test]
    fn a_node_holds_what_50_ms_bring_and_its_share_of_a_quarter() {
        let rows = [
            // What the rate gives in 50 ms is less.
            (Quota::per_second(1_000), 1, 50),
            (Quota::per_second(1_000), 5, 10),
            // A quarter of the burst is less.
            (Quota::per_second(1_000).burst(40), 1, 10),
            (Quota::per_second(1_000).burst(40), 2, 5),
            // Less than a unit is none.
            (Quota::per_second(10), 1, 1),
            (Quota::per_second(1_000), 100, 1),
            (Quota::per_second(1_000).burst(3), 1, 1),
            (Quota::strict(1_000, Duration::from_secs(1)), 1, 1),
        ];
        for (quota, nodes, most) in rows {
            assert_eq!(
                bucket(quota).advance(nodes),
                most,
                "{quota:?}, {nodes} nodes"
            );
        }
    }
}
