//! Charges as the scripts read them, and their answers.

use ::redis::Cmd;

use super::units::{Level, Units, nanos};
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

/// How one counter stood before the call, as `acquire.lua` says it: the microseconds that a bucket owed, and 0; or when a ladder
/// opened or opens, and its rung.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Before {
    first: u64,
    rung: u64,
}

/// What the server answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// How many times the whole charge was booked.
    pub(super) granted: u32,
    /// Microseconds since 1970.
    pub(super) now: u64,
    before: Vec<Before>,
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
        let before = pairs.iter().map(|[first, rung]| {
            Some(Before {
                first: number(first)?,
                rung: number(rung)?,
            })
        });
        let before: Option<Vec<Before>> = before.collect();
        Some(Self {
            granted: u32::try_from(*granted).ok()?,
            now: number(now)?,
            before: before.filter(|before| before.len() == asks)?,
        })
    }

    /// Each charge with how its counter stood after the first `times` were granted.
    pub(super) fn levels<'a>(
        &'a self,
        asks: &'a [Ask],
        times: u32,
    ) -> impl Iterator<Item = (&'a Ask, Level)> {
        let level =
            move |(ask, before): (&'a Ask, &Before)| (ask, ask.level(*before, self.now, times));
        asks.iter().zip(&self.before).map(level)
    }

    /// Where the `nth` of those who asked together stands, counted from 0. The first `granted` of them passed.
    pub(super) fn standings(&self, asks: &[Ask], nth: u32) -> Vec<Standing> {
        let levels = self.levels(asks, nth.min(self.granted));
        let is_granted = nth < self.granted;
        let standing = |((ask, level), before): ((&Ask, Level), &Before)| {
            let mut standing = ask.units.charged(level, ask.cost, ask.overdraw);
            if is_granted {
                standing.receipt = ask.receipt(self.now, *before, level);
            } else if standing.is_allowed {
                // Another charge does not fit, and this one is charged nothing.
                standing = ask.units.seen(level);
            }
            standing
        };
        levels.zip(&self.before).map(standing).collect()
    }
}

impl Ask {
    fn level(&self, before: Before, now: u64, times: u32) -> Level {
        match self.units {
            Units::Bucket(bucket) => {
                let charged = self
                    .units
                    .charge(self.cost)
                    .saturating_mul(u64::from(times));
                let owed = before.first.saturating_add(charged);
                let most = bucket.window.saturating_mul(2).max(before.first);
                let owed = if self.overdraw { owed.min(most) } else { owed };
                Level {
                    debt: nanos(owed),
                    ..Level::default()
                }
            }
            Units::Steps(steps) => {
                let opens = before.first.saturating_sub(now);
                if opens > 0 {
                    return Level {
                        debt: nanos(opens),
                        rung: before.rung,
                        quiet: 0,
                    };
                }
                let level = steps.after_quiet(before.rung, now.saturating_sub(before.first));
                if times == 0 || self.cost == 0 {
                    return level;
                }
                let rung = self.climbed(level);
                Level {
                    debt: nanos(steps.delay(rung)),
                    rung,
                    quiet: 0,
                }
            }
        }
    }

    fn climbed(&self, level: Level) -> u64 {
        level.rung.saturating_add(u64::from(self.cost)).min(255)
    }

    /// What it takes to take back the charge that was made at `level`.
    fn receipt(&self, now: u64, before: Before, level: Level) -> Receipt {
        if self.cost == 0 {
            return Receipt::NONE;
        }
        let refund = match self.units {
            Units::Bucket(bucket) => {
                let owed = level.debt / 1_000;
                let reached = owed.saturating_add(self.units.charge(self.cost));
                let most = bucket.window.saturating_mul(2).max(owed);
                let reached = if self.overdraw {
                    reached.min(most)
                } else {
                    reached
                };
                Refund::Bucket {
                    reached: now.saturating_add(reached),
                    amount: reached.saturating_sub(owed),
                }
            }
            Units::Steps(steps) => {
                let rung = self.climbed(level);
                Refund::Steps {
                    opens: now.saturating_add(steps.delay(rung)),
                    rung,
                    opened_before: before.first,
                    rung_before: before.rung,
                }
            }
        };
        refund.receipt(self.key)
    }

    /// Writes the charge as `acquire.lua` reads it.
    pub(super) fn write(&self, command: &mut Cmd) {
        match self.units {
            Units::Bucket(bucket) => {
                command
                    .arg(if self.overdraw { "o" } else { "g" })
                    .arg(bucket.interval)
                    .arg(bucket.window)
                    .arg(bucket.debt);
            }
            Units::Steps(steps) => {
                command
                    .arg("l")
                    .arg(steps.at_once)
                    .arg(steps.first)
                    .arg(steps.longest)
                    .arg(steps.decay);
            }
        }
        command.arg(self.cost);
    }
}

/// What is taken back of one counter. Times are microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refund {
    Bucket {
        /// When the bucket was to be full again after the charge.
        reached: u64,
        amount: u64,
    },
    Steps {
        opens: u64,
        rung: u64,
        /// 0: there was no counter.
        opened_before: u64,
        rung_before: u64,
    },
}

/// Marks the receipt of a ladder, in its second word.
const STEPS: u64 = 1 << 63;

/// A time takes 53 bits and a rung 8.
const TIME: u64 = (1 << 53) - 1;

impl Refund {
    pub(super) fn receipt(self, key: KeyHash) -> Receipt {
        let (one, two) = match self {
            Self::Bucket { reached, amount } => (reached, amount & !STEPS),
            Self::Steps {
                opens,
                rung,
                opened_before,
                rung_before,
            } => (
                rung << 53 | opens & TIME,
                STEPS | rung_before << 53 | opened_before & TIME,
            ),
        };
        Receipt::new([one, two, key.low(), key.high()])
    }

    /// Reads a receipt. `None`: nothing was booked.
    pub(super) fn of(receipt: Receipt) -> Option<(KeyHash, Self)> {
        let [one, two, low, high] = receipt.words();
        if one == 0 {
            return None;
        }
        let refund = if two & STEPS == 0 {
            Self::Bucket {
                reached: one,
                amount: two,
            }
        } else {
            Self::Steps {
                opens: one & TIME,
                rung: one >> 53,
                opened_before: two & TIME,
                rung_before: (two & !STEPS) >> 53,
            }
        };
        Some((KeyHash::new(low, high), refund))
    }

    /// Writes it as `refund.lua` reads it.
    pub(super) fn write(self, command: &mut Cmd) {
        match self {
            Self::Bucket { reached, amount } => {
                command.arg("g").arg(reached).arg(amount);
            }
            Self::Steps {
                opens,
                rung,
                opened_before,
                rung_before,
            } => {
                command
                    .arg("l")
                    .arg(opens)
                    .arg(rung)
                    .arg(opened_before)
                    .arg(rung_before);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::Quota;

    #[test]
    fn a_refund_survives_its_receipt() {
        let key = KeyHash::new(7, 8);
        for refund in [
            Refund::Bucket {
                reached: 1_800_000_000_000_000,
                amount: 5,
            },
            Refund::Steps {
                opens: 1_800_000_000_000_000,
                rung: 255,
                opened_before: 1_799_999_999_999_999,
                rung_before: 254,
            },
            Refund::Steps {
                opens: 1,
                rung: 1,
                opened_before: 0,
                rung_before: 0,
            },
        ] {
            assert_eq!(Refund::of(refund.receipt(key)), Some((key, refund)));
        }
        assert_eq!(Refund::of(Receipt::NONE), None);
    }

    #[test]
    fn an_answer_of_another_shape_is_refused() {
        let told = Told::read(&[1, 50, 7, 0], 1).unwrap();
        assert_eq!(
            (told.granted, told.now, &told.before[..]),
            (1, 50, &[Before { first: 7, rung: 0 }][..])
        );
        for (wrong, asks) in [
            (&[][..], 0),
            (&[1], 0),
            (&[1, 50, 7], 1),
            (&[1, 50, 7, 0], 2),
            (&[1, 50, 7, 0, 0, 0], 1),
            (&[-1, 50, 7, 0], 1),
            (&[1, -50, 7, 0], 1),
            (&[1, 50, -7, 0], 1),
        ] {
            assert_eq!(Told::read(wrong, asks), None, "{wrong:?}");
        }
    }

    /// 10 per second, of which 750 ms are owed: two fit.
    #[test]
    fn grants_go_in_order_and_the_rest_waits_behind_them() {
        let asks = [Ask {
            name: String::new(),
            local: 1,
            key: KeyHash::new(1, 2),
            units: Units::of(Quota::per_second(10).rule().unwrap()),
            cost: 1,
            overdraw: false,
            is_refunded: false,
        }];
        let told = Told::read(&[2, 5_000_000, 750_000, 0], 1).unwrap();
        let found = [0, 1, 2, 3].map(|nth| {
            let standing = told.standings(&asks, nth)[0];
            (
                standing.is_allowed,
                standing.remaining,
                standing.wait,
                standing.receipt.words()[0],
            )
        });
        assert_eq!(
            found,
            [
                (true, 1, 0, 5_850_000),
                (true, 0, 0, 5_950_000),
                (false, 0, 50_000_000, 0),
                (false, 0, 50_000_000, 0),
            ]
        );
    }
}
