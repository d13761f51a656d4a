//! What holds for every trace, said without the model.

use std::time::Duration;

use proptest::prelude::*;

use tower_security::rate_limit::{Quota, Standing};

use super::{Both, Part, SECOND, START, Subject};

/// The quotas of the properties: some intervals divide, some do not.
fn quota() -> impl Strategy<Value = (u32, Duration, u32)> {
    (1..=50_u32, 1..=100_000_u64, 1..=40_u32)
        .prop_map(|(limit, millis, burst)| (limit, Duration::from_millis(millis), burst))
}

/// Gaps in percent of an interval, and costs.
fn trace() -> impl Strategy<Value = Vec<(u64, u32)>> {
    let gap = prop_oneof![Just(0), Just(100), Just(99), 0..400_u64, Just(5_000)];
    proptest::collection::vec((gap, 0..5_u32), 1..120)
}

proptest! {
    #[test]
    fn no_interval_holds_more_than_a_burst_and_what_comes_back(
        (limit, period, burst) in quota(),
        trace in trace(),
    ) {
        let both = Both::new(limit, period, burst);
        let subject = Subject::small(1);
        let mut now = START;
        let mut admitted = Vec::new();
        for (gap, cost) in trace {
            now += both.interval() * gap / 100;
            if subject.one(now, 1, both, cost).is_allowed {
                admitted.push((now, cost));
            }
        }
        for (first, &(since, _)) in admitted.iter().enumerate() {
            let mut units = 0;
            for &(until, cost) in &admitted[first..] {
                units += u128::from(cost);
                let back = u128::from(until - since) * u128::from(limit) / period.as_nanos();
                prop_assert!(units <= u128::from(burst) + back);
            }
        }
    }

    #[test]
    fn no_window_of_a_strict_quota_holds_more_than_its_limit(
        limit in 1..60_u32,
        millis in 100..100_000_u64,
        trace in trace(),
    ) {
        let window = Duration::from_millis(millis);
        let rule = Quota::strict(limit, window).rule().expect("a legal quota");
        let subject = Subject::small(1);
        let mut both = Both::new(1, window, 1);
        both.rule = rule;
        let mut now = START;
        let mut admitted = Vec::new();
        // As greedily as can be: each one comes as soon as the one before was told to, after a first rest of any length.
        for (gap, _) in trace {
            for _ in 0..limit {
                let standing = subject.one(now, 1, both, 1);
                if standing.is_allowed {
                    admitted.push(now);
                } else {
                    now += standing.wait;
                }
            }
            now += millis * 1_000_000 * gap / 5_000;
        }
        for (first, since) in admitted.iter().enumerate() {
            let until = since + millis * 1_000_000;
            let within = admitted[first..].iter().filter(|&&at| at < until);
            prop_assert!(within.count() <= limit as usize);
        }
    }

    #[test]
    fn who_waits_as_long_as_he_was_told_passes_and_not_a_nanosecond_earlier(
        (limit, period, burst) in quota(),
        trace in trace(),
    ) {
        let both = Both::new(limit, period, burst);
        let subject = Subject::small(1);
        let mut now = START;
        for (gap, cost) in trace {
            now += both.interval() * gap / 400;
            let standing = subject.one(now, 1, both, cost);
            if standing.is_allowed {
                prop_assert_eq!(standing.wait, 0);
                continue;
            }
            if cost > burst {
                prop_assert_eq!(standing.wait, Standing::NEVER);
                continue;
            }
            prop_assert!(standing.wait > 0);
            prop_assert!(!subject.one(now + standing.wait - 1, 1, both, cost).is_allowed);
            // In whole seconds, as `Retry-After` says it, it is enough too, and never 0.
            let seconds = standing.wait.div_ceil(SECOND).max(1);
            prop_assert!(seconds * SECOND >= standing.wait);
            now += if gap % 2 == 0 { standing.wait } else { seconds * SECOND };
            prop_assert!(subject.one(now, 1, both, cost).is_allowed);
        }
    }

    #[test]
    fn what_remains_is_what_can_be_had_and_grows_when_it_was_told_to(
        (limit, period, burst) in quota(),
        trace in trace(),
    ) {
        let both = Both::new(limit, period, burst);
        let subject = Subject::small(1);
        let mut now = START;
        for (gap, cost) in trace {
            now += both.interval() * gap / 300;
            subject.one(now, 1, both, cost);
            let looked = subject.one(now, 1, both, 0);
            prop_assert!(looked.is_allowed);
            prop_assert_eq!(subject.one(now, 1, both, 0), looked);
            let one_more = u32::try_from(looked.remaining).expect("at most a burst") + 1;
            prop_assert!(!subject.one(now, 1, both, one_more).is_allowed);
            if looked.reset == 0 {
                prop_assert_eq!(looked.remaining, u64::from(burst));
            } else {
                let before = subject.one(now + looked.reset - 1, 1, both, 0);
                prop_assert_eq!(before.remaining, looked.remaining);
                let after = subject.one(now + looked.reset, 1, both, 0);
                prop_assert_eq!(after.remaining, looked.remaining + 1);
            }
        }
        let rest = subject.one(now, 1, both, 0).remaining;
        prop_assert!(rest == 0 || subject.one(now, 1, both, rest as u32).is_allowed);
    }

    #[test]
    fn nothing_comes_back_without_time(
        (limit, period, burst) in quota(),
        costs in proptest::collection::vec(0..6_u32, 1..60),
    ) {
        let both = Both::new(limit, period, burst);
        let subject = Subject::small(1);
        let mut remaining = u64::from(burst);
        let mut spent = 0;
        for cost in costs {
            let standing = subject.one(START, 1, both, cost);
            prop_assert!(standing.remaining <= remaining);
            remaining = standing.remaining;
            if standing.is_allowed {
                spent += u64::from(cost);
            }
            prop_assert_eq!(remaining + spent, u64::from(burst));
        }
    }

    #[test]
    fn a_denial_changes_nothing_whichever_policy_denies(
        limits in proptest::array::uniform4(1..20_u32),
        spent in proptest::array::uniform4(0..20_u32),
        costs in proptest::array::uniform4(1..20_u32),
        gap in 0..2_000_u64,
    ) {
        let subject = Subject::small(4);
        let quotas = limits.map(|limit| Both::new(limit, Duration::from_secs(limit.into()), limit));
        for policy in 0..4 {
            subject.acquire(START, &[Part::new(policy, 1, quotas[policy], spent[policy])]);
        }
        let now = START + gap * 1_000_000;
        let look = || {
            (0..4)
                .flat_map(|policy| (1..=2).map(move |key| (policy, key)))
                .map(|(policy, key)| subject.acquire(now, &[Part::new(policy, key, quotas[policy], 0)]))
                .collect::<Vec<_>>()
        };
        let before = look();
        let parts = [0, 1, 2, 3].map(|policy| Part::new(policy, 1, quotas[policy], costs[policy]));
        let fits = |policy: usize| before[policy * 2][0].remaining >= u64::from(costs[policy]);
        let standings = subject.acquire(now, &parts);
        for (policy, standing) in standings.iter().enumerate() {
            prop_assert_eq!(standing.is_allowed, fits(policy), "policy {}", policy);
        }
        if (0..4).all(fits) {
            let after = look();
            for policy in 0..4 {
                let left = before[policy * 2][0].remaining - u64::from(costs[policy]);
                prop_assert_eq!(after[policy * 2][0].remaining, left);
                prop_assert_eq!(standings[policy].remaining, left);
            }
        } else {
            prop_assert_eq!(look(), before);
        }
    }

    #[test]
    fn a_late_refund_never_credits(
        (limit, period, burst) in quota(),
        trace in trace(),
        late in 0..300_u64,
    ) {
        let both = Both::new(limit, period, burst);
        let subject = Subject::small(1);
        let mut now = START;
        let mut receipts = Vec::new();
        for (gap, cost) in trace {
            now += both.interval() * gap / 500;
            let standing = subject.one(now, 1, both, cost);
            if standing.is_allowed && cost > 0 {
                receipts.push(standing.receipt);
            }
        }
        // By `late` percent of the time after which everything would have come back by itself.
        now += both.window() * late / 100;
        let before = subject.one(now, 1, both, 0).remaining;
        for receipt in receipts {
            subject.refund(now, 0, receipt);
        }
        let after = subject.one(now, 1, both, 0);
        prop_assert!(after.remaining >= before);
        prop_assert!(after.remaining <= u64::from(burst));
        if late >= 100 {
            prop_assert_eq!((before, after.remaining), (u64::from(burst), u64::from(burst)));
        }
        let admitted = (0..=burst).filter(|_| subject.one(now, 1, both, 1).is_allowed);
        prop_assert_eq!(admitted.count() as u64, after.remaining);
    }
}

#[test]
fn a_strict_quota_can_be_used_up() {
    let both = |rule| Both {
        rule,
        ..Both::new(1, Duration::from_secs(60), 1)
    };
    for (limit, at_once) in [(1, 1), (2, 1), (5, 3), (10, 5), (61, 31)] {
        let rule = Quota::strict(limit, Duration::from_secs(60)).rule();
        let both = both(rule.expect("a legal quota"));
        let subject = Subject::small(1);
        let mut admitted = 0;
        let mut now = START;
        while now < START + 60 * SECOND {
            let standing = subject.one(now, 1, both, 1);
            if standing.is_allowed {
                admitted += 1;
            } else {
                assert!(admitted >= at_once);
                now += standing.wait;
            }
        }
        assert_eq!(admitted, limit);
    }
}

#[test]
fn one_refund_gives_back_one_charge_once() {
    let both = Both::new(10, Duration::from_secs(10), 10);
    let subject = Subject::small(1);
    let receipts = [3, 4].map(|cost| subject.one(START, 1, both, cost).receipt);
    let remaining = |now| subject.one(now, 1, both, 0).remaining;
    assert_eq!(remaining(START), 3);
    subject.refund(START, 0, receipts[0]);
    assert_eq!(remaining(START), 6);
    // Six of the seven seconds that the second charge was to last are over: one unit is left to give back.
    subject.refund(START + 6 * SECOND, 0, receipts[1]);
    assert_eq!(remaining(START + 6 * SECOND), 10);
}

#[test]
fn a_refund_is_of_its_own_key_and_policy_alone() {
    let both = Both::new(10, Duration::from_secs(10), 10);
    let subject = Subject::small(2);
    let charge = |policy, key| subject.acquire(START, &[Part::new(policy, key, both, 5)])[0];
    let receipt = charge(0, 1).receipt;
    charge(0, 2);
    charge(1, 1);
    subject.refund(START, 0, receipt);
    let remaining =
        |policy, key| subject.acquire(START, &[Part::new(policy, key, both, 0)])[0].remaining;
    assert_eq!(
        [(0, 1), (0, 2), (1, 1), (1, 2)].map(|(policy, key)| remaining(policy, key)),
        [10, 5, 5, 10]
    );
}

#[test]
fn a_reset_is_of_its_own_key_and_policy_alone() {
    let both = Both::new(10, Duration::from_secs(10), 10);
    let subject = Subject::small(2);
    for (policy, key) in [(0, 1), (0, 2), (1, 1)] {
        subject.acquire(START, &[Part::new(policy, key, both, 10)]);
    }
    subject.reset(START, 0, 1);
    subject.reset(START, 0, 3);
    let allowed =
        |policy, key| subject.acquire(START, &[Part::new(policy, key, both, 10)])[0].is_allowed;
    assert_eq!(
        [(0, 1), (0, 2), (1, 1), (1, 2)].map(|(policy, key)| allowed(policy, key)),
        [true, false, false, true]
    );
}

#[test]
fn a_name_opens_the_same_counters_again_and_another_name_others() {
    use tower_security::rate_limit::{CounterSpec, Overflow, Store};

    let both = Both::new(1, Duration::from_secs(10), 1);
    let mut subject = Subject::small(1);
    for name in ["policy0", "other"] {
        let counter = subject.store.open(&CounterSpec::new(name, Overflow::Evict));
        subject.counters.push(counter);
    }
    let allowed = |policy| subject.acquire(START, &[Part::new(policy, 1, both, 1)])[0].is_allowed;
    assert_eq!([0, 1, 2].map(allowed), [true, false, true]);
}
