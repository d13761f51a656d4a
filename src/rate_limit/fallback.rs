//! Where policies count while their store is away.

use std::any::TypeId;
use std::sync::Arc;

use super::memory::MemoryStore;
use super::rule::{Gcra, Rule};
use super::store::{CounterSpec, Store};

/// Counters of this process, made when the limiter is built: an outage is no time to ask for memory.
#[derive(Clone, Debug)]
pub(super) struct Fallback(MemoryStore);

/// One policy in the fallback.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) counter: Arc<<MemoryStore as Store>::Counter>,
    /// Its own rule and those of its plans.
    rules: Box<[Part]>,
}

/// A rule of a fraction of a quota.
#[derive(Clone, Copy, Debug)]
struct Part {
    rule: Gcra,
    /// What the whole quota allows at once.
    whole: u64,
}

/// A store in memory is never away. With any other there is a fallback, also when nobody counts there yet: policies can be replaced, and
/// until keys come it takes next to nothing.
pub(super) fn can_be_away<St: Store>() -> bool {
    TypeId::of::<St>() != TypeId::of::<MemoryStore>()
}

impl Fallback {
    pub(super) fn new() -> Self {
        Self(MemoryStore::default())
    }

    pub(super) const fn store(&self) -> &MemoryStore {
        &self.0
    }

    /// Opens the counters of a policy of which this process may spend `fraction`.
    pub(super) fn open(
        &self,
        spec: &CounterSpec<'_>,
        rules: impl Iterator<Item = Gcra>,
        fraction: f64,
    ) -> Local {
        Local {
            counter: self.0.open(spec),
            rules: rules
                .map(|rule| Part {
                    rule: scaled(rule, fraction),
                    whole: rule.burst(),
                })
                .collect(),
        }
    }
}

impl Local {
    /// By what rule and how much is charged. What fits into the whole quota fits into a full bucket here too, and nothing else does.
    pub(super) fn charge(&self, plan: usize, cost: u32) -> (Rule, u32) {
        let own = self.rules.first().copied();
        let part = self.rules.get(plan).copied().or(own);
        // There is at least the policy's own rule.
        let Part { rule, whole } = part.unwrap_or_else(|| Part {
            rule: Gcra::new(u64::MAX >> 2, u64::MAX >> 2),
            whole: 1,
        });
        if u64::from(cost) > whole {
            return (Rule::Gcra(rule), cost);
        }
        let most = u32::try_from(rule.burst()).unwrap_or(u32::MAX);
        (Rule::Gcra(rule), cost.min(most))
    }
}

/// A rule of which one unit takes as much longer to come back as the fraction is small, and of whose burst that part is left, at least
/// one. What may be owed beyond the window may be owed here too.
pub(super) fn scaled(rule: Gcra, fraction: f64) -> Gcra {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the cast saturates, and a fraction is no exact matter"
    )]
    let times = |number: u64, factor: f64| (number as f64 * factor) as u64;
    let burst = times(rule.burst(), fraction).max(1);
    let most = (1_u64 << 62).checked_div(burst).unwrap_or(1);
    let interval = times(rule.interval(), fraction.recip()).clamp(1, most);
    let part = Gcra::new(interval, interval.saturating_mul(burst)).strict(rule.is_strict());
    if rule.debt() > rule.window() {
        // A window is longer here by no more than a unit is.
        part.owing_up_to(times(rule.debt(), fraction.recip()))
    } else {
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_quota_is_slower_and_smaller() {
        let whole = Gcra::new(600_000_000, 60_000_000_000);
        let half = scaled(whole, 0.5);
        assert_eq!(
            (half.interval(), half.window()),
            (1_200_000_000, 60_000_000_000)
        );
        let third = scaled(whole, 1.0 / 3.0);
        assert_eq!(third.window() / third.interval(), 33);
        assert_eq!(scaled(whole, 1.0), whole);
        let one = Gcra::new(60_000_000_000, 60_000_000_000);
        let none = scaled(one, 0.1);
        assert_eq!(
            (none.interval(), none.window()),
            (600_000_000_000, 600_000_000_000)
        );
    }

    #[test]
    fn a_tiny_part_stays_within_what_counters_can_hold() {
        let longest = Gcra::new(1 << 62, 1 << 62);
        assert_eq!(scaled(longest, 1e-30), longest);
    }
}
