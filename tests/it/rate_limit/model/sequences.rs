//! Random sequences: charges of several policies at once, refunds, resets, plans that change, clocks that jump.

use std::time::Duration;

use proptest::prelude::*;

use tower_security::rate_limit::{Overflow, Receipt};

use super::{Booked, Both, Choices, Model, Part, START, Subject, assert_same};

const POLICIES: usize = 3;
const PLANS: usize = 3;
const KEYS: u64 = 4;

/// What one step is made of; any words are a step.
type Raw = [u16; 8];

/// The policy whose keys are all one.
const SINGLE: usize = 2;

/// Steps between two new stores, so that time does not run out of 64 bits.
const STEPS_A_RUN: usize = 1_000;

struct Run {
    subject: Subject,
    model: Model,
    plans: [[Both; PLANS]; POLICIES],
    held: Vec<(Part, Receipt, Booked)>,
    now: u64,
    last_wait: u64,
    goes_back: bool,
    allowed: u64,
    denied: u64,
    /// Calls that passed without a standing.
    passed: u64,
}

impl Run {
    fn new(goes_back: bool) -> Self {
        let seconds = Duration::from_secs;
        let plans = [
            [
                Both::new(10, seconds(1), 10),
                Both::new(3, seconds(1), 3),
                Both::new(7, seconds(60), 2),
            ],
            [
                Both::new(100, seconds(60), 20).with_overdraft(),
                Both::new(1, seconds(3_600), 1),
                Both::new(1_000_000, seconds(1), 100),
            ],
            [
                Both::new(5, seconds(2), 9),
                Both::new(1_000, seconds(86_400), 1_000),
                Both::new(11, Duration::from_nanos(123_457), 11),
            ],
        ];
        let mut run = Self {
            subject: Subject::new(POLICIES, 1 << 10, Overflow::Evict).with_single(),
            model: Model::default(),
            plans,
            held: Vec::new(),
            now: START,
            last_wait: 0,
            goes_back,
            allowed: 0,
            denied: 0,
            passed: 0,
        };
        if goes_back {
            // A key that is new to a store whose clock has gone back is counted from the latest time seen: not the model's matter.
            for (policy, plans) in plans.iter().enumerate() {
                for key in 0..KEYS {
                    run.acquire(&[Part::new(policy, key, plans[0], 1)]);
                }
            }
        }
        run
    }

    fn step(&mut self, raw: Raw) {
        let [kind, amount, operation, whose, plan, cost, more, flags] = raw.map(usize::from);
        let quota = self.plans[whose % POLICIES][plan % PLANS];
        self.pass(kind, amount, quota, cost);
        let key = more as u64 % KEYS;
        match operation % 8 {
            0 if !self.held.is_empty() => {
                let (part, receipt, booked) = self.held.swap_remove(amount % self.held.len());
                self.subject.refund(self.now, part.policy, receipt);
                self.model.refund(self.now.into(), part, booked);
            }
            1 if flags % 4 == 0 => {
                self.subject.reset(self.now, whose % POLICIES, key);
                let key = if whose % POLICIES == SINGLE { 0 } else { key };
                self.model.buckets.remove(&(whose % POLICIES, key));
            }
            _ => {
                let parts = (0..=more / 16 % POLICIES)
                    .map(|nth| {
                        let policy = (whose + nth) % POLICIES;
                        let quota = self.plans[policy][(plan + nth * (flags / 8)) % PLANS];
                        let cost = cost >> (nth * 3) & 7;
                        let cost = if cost == 7 {
                            flags as u32 % 24
                        } else {
                            cost as u32
                        };
                        let overdraw = flags % 32 == 31;
                        let key = (key + nth as u64) % KEYS;
                        Part {
                            overdraw,
                            ..Part::new(policy, key, quota, cost)
                        }
                    })
                    .collect::<Vec<_>>();
                if operation % 3 > 0 || !self.pass_by(&parts) {
                    self.acquire(&parts);
                }
            }
        }
    }

    fn pass(&mut self, kind: usize, amount: usize, quota: Both, cost: usize) {
        let (interval, window) = (quota.interval(), quota.window());
        let part = |of: u64| of / 65_536 * amount as u64 + of % 65_536 * amount as u64 / 65_536;
        let ahead = match kind % 20 {
            0 | 1 => 0,
            2 => 1,
            3 => interval - 1,
            4 | 5 => interval,
            6 => interval + 1,
            7 => window - 1,
            8 => window,
            9 => window + 1,
            10 => window * 3,
            11 => interval * (cost as u64 & 7),
            12 => self.last_wait,
            13 => self.last_wait.saturating_sub(1),
            14 | 15 => part(window),
            _ => part(interval),
        };
        if self.goes_back && amount.is_multiple_of(5) {
            let behind = if kind.is_multiple_of(3) {
                ahead * 3
            } else {
                ahead
            };
            self.now -= behind.min(self.now - START / 2);
        } else {
            self.now += ahead;
        }
    }

    /// Asks as a limiter does that tells nobody: what passes, the model lets pass too.
    fn pass_by(&mut self, parts: &[Part]) -> bool {
        let passes = self.subject.pass(self.now, parts);
        if passes {
            let verdicts = self.model.acquire(self.now.into(), &known(parts));
            let mut allowed = verdicts.iter().map(|(verdict, _)| verdict.is_allowed);
            assert!(allowed.all(|is_allowed| is_allowed), "{parts:?}");
            self.passed += 1;
        }
        passes
    }

    fn acquire(&mut self, parts: &[Part]) {
        let standings = self.subject.acquire(self.now, parts);
        let known = known(parts);
        let verdicts = self.model.acquire(self.now.into(), &known);
        assert_eq!(standings.len(), verdicts.len());
        for ((part, standing), (verdict, booked)) in known.iter().zip(&standings).zip(verdicts) {
            assert_same(standing, &verdict, (self.now, part, parts));
            if let Some(booked) = booked {
                self.held.push((*part, standing.receipt, booked));
            }
            if verdict.is_allowed {
                self.allowed += 1;
            } else {
                self.denied += 1;
                self.last_wait = standing.wait.min(1 << 50);
            }
        }
        if self.held.len() > 32 {
            self.held.drain(..16);
        }
    }
}

/// The parts as the model knows them.
fn known(parts: &[Part]) -> Vec<Part> {
    let mut known = parts.to_vec();
    for part in known.iter_mut().filter(|part| part.policy == SINGLE) {
        part.key = 0;
    }
    known
}

/// Returns how many charges were allowed, how many denied, and how many calls passed without a standing.
fn long_run(steps: usize, seed: u64) -> [u64; 3] {
    let mut choices = Choices(seed);
    let mut sums = [0; 3];
    for nth in 0..steps / STEPS_A_RUN {
        let mut run = Run::new(nth % 4 == 3);
        for _ in 0..STEPS_A_RUN {
            let words = [choices.next(), choices.next()];
            let cut = |nth: usize| (words[nth / 4] >> (nth % 4 * 16)) as u16;
            run.step(std::array::from_fn(cut));
        }
        for (sum, of) in sums.iter_mut().zip([run.allowed, run.denied, run.passed]) {
            *sum += of;
        }
    }
    sums
}

fn long_runs(steps: usize) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let [mut allowed, mut denied, mut passed] = [0; 3];
    std::thread::scope(|scope| {
        let runs = (0..threads)
            .map(|nth| scope.spawn(move || long_run(steps.div_ceil(threads), nth as u64 + 1)))
            .collect::<Vec<_>>();
        for run in runs {
            let sums = run.join().expect("the store agrees with the model");
            allowed += sums[0];
            denied += sums[1];
            passed += sums[2];
        }
    });
    // None of them is a rare case.
    let tenth = steps as u64 / 10;
    assert!(allowed > tenth, "{allowed} allowed, {denied} denied");
    assert!(denied > tenth, "{allowed} allowed, {denied} denied");
    assert!(passed > tenth / 5, "{passed} passed");
}

proptest! {
    #[test]
    fn the_store_says_what_the_model_says(
        goes_back: bool,
        steps in proptest::collection::vec(any::<Raw>(), 1..96),
    ) {
        let mut run = Run::new(goes_back);
        for raw in steps {
            run.step(raw);
        }
    }
}

#[test]
fn a_million_steps_agree() {
    long_runs(1_000_000);
}

#[test]
#[ignore = "ten million steps take a minute"]
fn ten_million_steps_agree() {
    long_runs(10_000_000);
}
