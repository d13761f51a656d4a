//! Threads that are held up at the worst moments, on a clock that stands still.
//!
//! A race has two sides. The first stops at one of its pauses, and only then the second begins; it runs through, or stops at a pause
//! of its own until the first is through. So the orders that matter are reached, not only those that a scheduler likes.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::Overflow;
use super::rule::Gcra;
use super::set::{Demand, Found, Ledger, Place, Set, Tag, Verdict};
use super::sync::Lock;
use super::word::{Left, Step, Undo, WordRule};

/// Races of each kind.
const ROUNDS: usize = 40_000;
const BATCH: usize = 1_000;
/// How often who is held up looks for the other side, which may be waiting for the mutex that this one has.
const PATIENCE: u32 = 30;

struct Plan {
    pauses: u32,
    then: Box<dyn FnOnce()>,
}

thread_local! {
    static PLAN: RefCell<Option<Plan>> = const { RefCell::new(None) };
}

/// Does what the thread was told to do at this pause.
pub(super) fn pause() {
    let due = PLAN.with_borrow_mut(|plan| {
        let due = plan.as_mut().is_some_and(|plan| {
            plan.pauses = plan.pauses.saturating_sub(1);
            plan.pauses == 0
        });
        if due { plan.take() } else { None }
    });
    if let Some(plan) = due {
        (plan.then)();
    }
}

/// Does `then` at the `pauses`-th pause of `work`, which is never reached if it is 0 or too large.
pub(super) fn at_pause<T>(
    pauses: u32,
    then: impl FnOnce() + 'static,
    work: impl FnOnce() -> T,
) -> T {
    let plan = Plan {
        pauses,
        then: Box::new(then),
    };
    PLAN.set((pauses > 0).then_some(plan));
    let done = catch_unwind(AssertUnwindSafe(work));
    PLAN.set(None);
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[derive(Default)]
struct Meeting {
    /// That a side has reached its pause.
    held: [AtomicBool; 2],
    /// That a side is through.
    done: [AtomicBool; 2],
    /// That both sides are there.
    came: [AtomicBool; 2],
}

impl Meeting {
    fn is(&self, flags: fn(&Self) -> &[AtomicBool; 2], side: usize) -> bool {
        flags(self)[side].load(Ordering::Acquire)
    }

    fn reach(&self, flags: fn(&Self) -> &[AtomicBool; 2], side: usize) {
        flags(self)[side].store(true, Ordering::Release);
    }
}

/// Runs both sides of each race, one thread a side.
fn race(
    seed: u64,
    make: impl Fn(usize) -> Full,
    sides: [fn(&Full); 2],
    check: impl Fn(usize, &Full),
) {
    for batch in 0..ROUNDS / BATCH {
        let rounds: Arc<Vec<(Full, Meeting)>> = Arc::new(
            (0..BATCH)
                .map(|round| (make(batch * BATCH + round), Meeting::default()))
                .collect(),
        );
        let workers = [0, 1].map(|side| {
            let rounds = Arc::clone(&rounds);
            let mut random = mixed(seed ^ (batch as u64) << 8 ^ side as u64);
            thread::spawn(move || {
                for round in 0..BATCH {
                    random = mixed(random);
                    one_side(&rounds, round, side, (random % 9) as u32, sides[side]);
                }
            })
        });
        for worker in workers {
            worker.join().unwrap();
        }
        for (round, (state, _)) in rounds.iter().enumerate() {
            check(batch * BATCH + round, state);
        }
    }
}

fn one_side(
    rounds: &Arc<Vec<(Full, Meeting)>>,
    round: usize,
    side: usize,
    pauses: u32,
    work: fn(&Full),
) {
    let (state, meeting) = &rounds[round];
    let other = 1 - side;
    meeting.reach(|meeting| &meeting.came, side);
    wait(u32::MAX, || meeting.is(|meeting| &meeting.came, other));
    if side == 1 {
        wait(u32::MAX, || {
            meeting.is(|meeting| &meeting.held, 0) || meeting.is(|meeting| &meeting.done, 0)
        });
    }
    let shared = Arc::clone(rounds);
    let hold = move || {
        let meeting = &shared[round].1;
        meeting.reach(|meeting| &meeting.held, side);
        wait(PATIENCE, || {
            meeting.is(|meeting| &meeting.done, other)
                || (side == 0 && meeting.is(|meeting| &meeting.held, 1))
        });
    };
    at_pause(pauses, hold, || work(state));
    meeting.reach(|meeting| &meeting.done, side);
}

fn wait(patience: u32, until: impl Fn() -> bool) {
    let mut left = patience;
    while left > 0 && !until() {
        thread::yield_now();
        left -= u32::from(patience != u32::MAX);
    }
}

fn mixed(seed: u64) -> u64 {
    let seed =
        (seed.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    seed ^ seed >> 27
}

const NOW: u64 = 1_000_000_000;
/// What one unit costs. Four are a full debt.
const UNIT: u64 = 1_000;
const BURST: u64 = 4;
const MASK: u64 = 0x7f;

/// Gives a key this word, to begin with.
#[derive(Clone, Copy)]
struct Put(u64);

impl WordRule for Put {
    fn charge(self, word: u64, _: u64, _: u32) -> Step {
        Step::Pass {
            next: self.0,
            by: word,
            left: Left::default(),
        }
    }

    fn expiry(self, word: u64) -> u64 {
        word
    }

    fn refund(word: u64, _: u64, _: Undo) -> u64 {
        word
    }
}

/// A set that is full. Of those in it `KEY` owes least, two units; then comes one who owes two and a half.
struct Full {
    set: Set,
    lock: Lock<Ledger>,
    /// What the fresh key costs in this round.
    cost: u32,
    /// What was booked for `KEY` before the race.
    booked: Place,
    passed: [AtomicBool; 2],
}

const KEY: u64 = 0x1_0000;
const FRESH: u64 = 0x2_0000;
const OTHER: u64 = 0x3_0000;

fn tag(key: u64) -> Tag {
    Tag::new(key, MASK)
}

fn gcra() -> Gcra {
    Gcra::new(UNIT, BURST * UNIT)
}

impl Full {
    fn new(cost: u32) -> Self {
        let set = Set::new();
        let lock = Lock::default();
        let mut booked = None;
        {
            let ledger = &mut *lock.hold();
            for stranger in 0..7 {
                let rule = Put(NOW + 5 * UNIT / 2 + stranger * UNIT / 10);
                let demand = Demand {
                    rule,
                    now: NOW,
                    cost: 1,
                };
                set.charge_held(ledger, tag((10 + stranger) << 16), demand, Overflow::Evict);
            }
            for _ in 0..2 {
                let verdict = set.charge_held(ledger, tag(KEY), demand(1), Overflow::Evict);
                let Verdict::Passed(_, place) = verdict else {
                    panic!("{verdict:?}");
                };
                booked = Some(place);
            }
        }
        Self {
            set,
            lock,
            cost,
            booked: booked.unwrap(),
            passed: <[AtomicBool; 2]>::default(),
        }
    }

    /// Charges as a table does. Keeps whether it passed.
    fn charge(&self, side: usize, key: u64, cost: u32) -> Option<Place> {
        let found = self.set.charge(tag(key), demand(cost));
        let verdict = found.unwrap_or_else(|| {
            pause();
            self.set.charge_held(
                &mut self.lock.hold(),
                tag(key),
                demand(cost),
                Overflow::Evict,
            )
        });
        let Verdict::Passed(_, place) = verdict else {
            return None;
        };
        self.passed[side].store(true, Ordering::Release);
        Some(place)
    }

    fn refund(&self, place: Place) {
        pause();
        self.set
            .refund_held::<Gcra>(&mut self.lock.hold(), place, NOW);
    }

    fn passed(&self, side: usize) -> bool {
        self.passed[side].load(Ordering::Acquire)
    }

    /// What a key owes, in units; `None` if it is not there.
    fn owes(&self, key: u64) -> Option<f64> {
        let Found::Word(word) = self.set.look(tag(key)) else {
            return None;
        };
        Some((word as f64 - NOW as f64) / UNIT as f64)
    }
}

fn demand(cost: u32) -> Demand<Gcra> {
    Demand {
        rule: gcra(),
        now: NOW,
        cost,
    }
}

#[test]
fn a_charge_meets_a_slot_that_changes_hands() {
    race(
        1,
        // With 2 the word of the fresh key is the one that the charge has read: only the mark tells them apart.
        |round| Full::new([2, 3, 4][round % 3]),
        [
            |full| {
                full.charge(0, KEY, 1);
            },
            |full| {
                full.charge(1, FRESH, full.cost);
            },
        ],
        |round, full| {
            assert!(
                full.passed(0) && full.passed(1),
                "{round}: denied on a stranger's debt"
            );
            // If it was charged first, another one owed least; else it came back.
            let owes = full.owes(KEY).unwrap_or(0.0);
            assert!(
                owes == 3.0 || owes == 1.0,
                "{round}: passed and owes {owes}"
            );
            if full.cost != 2 {
                let owes = full.owes(FRESH);
                assert_eq!(
                    owes,
                    Some(f64::from(full.cost)),
                    "{round}: charged for a stranger"
                );
            }
        },
    );
}

#[test]
fn a_refund_meets_a_slot_that_changes_hands() {
    race(
        2,
        |round| Full::new([1, 3][round % 2]),
        [
            |full| full.refund(full.booked),
            |full| {
                full.charge(1, FRESH, full.cost);
                if full.cost == 1 {
                    // Takes its slot back, so that the mark differs in its generation alone.
                    full.charge(1, KEY, 2);
                }
            },
        ],
        |round, full| match full.cost {
            1 => {
                let owes = full.owes(KEY);
                assert_eq!(
                    owes,
                    Some(2.0),
                    "{round}: a new debt was paid with an old receipt"
                );
            }
            cost => {
                let owes = full.owes(FRESH);
                assert_eq!(
                    owes,
                    Some(f64::from(cost)),
                    "{round}: credited for a stranger"
                );
            }
        },
    );
}

#[test]
fn two_keys_are_inserted_at_once() {
    race(
        3,
        |round| Full::new([3, 4][round % 2]),
        [
            |full| {
                full.charge(0, FRESH, full.cost);
            },
            |full| {
                // The same key has room for one of them; another one takes the next slot.
                let key = if full.cost == 4 { FRESH } else { OTHER };
                full.charge(1, key, full.cost);
            },
        ],
        |round, full| {
            let passed = u32::from(full.passed(0)) + u32::from(full.passed(1));
            if full.cost == 4 {
                assert_eq!(passed, 1, "{round}: the same key");
            } else {
                assert_eq!(passed, 2, "{round}: two keys");
                assert_eq!(full.owes(OTHER), Some(3.0), "{round}");
            }
            assert_eq!(full.owes(FRESH), Some(f64::from(full.cost)), "{round}");
        },
    );
}

#[test]
fn a_roll_back_meets_a_charge() {
    race(
        4,
        |round| Full::new([1, 2, 3][round % 3]),
        [
            |full| {
                // What a charge to several policies does when a later one denies.
                let place = full.charge(0, KEY, 1);
                place.into_iter().for_each(|place| full.refund(place));
            },
            |full| {
                let key = if full.cost == 3 { FRESH } else { KEY };
                full.charge(1, key, full.cost);
            },
        ],
        |round, full| {
            let owes = full.owes(KEY).unwrap_or(0.0);
            match full.cost {
                1 => {
                    assert!(full.passed(1), "{round}: there was room for both");
                    assert_eq!(owes, 3.0, "{round}");
                }
                2 => {
                    // Denied while the other was booked: stricter for a moment.
                    let expected = if full.passed(1) { 4.0 } else { 2.0 };
                    assert_eq!(owes, expected, "{round}");
                }
                _ => {
                    assert_eq!(
                        full.owes(FRESH),
                        Some(3.0),
                        "{round}: credited for a stranger"
                    );
                    assert!([0.0, 2.0].contains(&owes), "{round}: owes {owes}");
                }
            }
        },
    );
}

#[test]
fn a_panic_leaves_nothing_locked() {
    // The pauses of an insertion: before the slot is taken, while it has no mark, and before it has a word.
    for pauses in 2..=4 {
        let full = Full::new(1);
        let panics = || -> () { panic!("on purpose") };
        let inserted = catch_unwind(AssertUnwindSafe(|| {
            at_pause(pauses, panics, || full.charge(1, FRESH, 1))
        }));
        assert!(inserted.is_err(), "{pauses}");

        // The lock is poisoned, and the slot is one that was left behind.
        assert!(full.charge(0, FRESH, 4).is_some(), "{pauses}");
        assert_eq!(full.owes(FRESH), Some(4.0), "{pauses}");
        assert!(full.charge(0, FRESH, 1).is_none(), "{pauses}");
        // Of the others none was lost but the one that owed least.
        let others = (0..7).filter(|stranger| full.owes((10 + stranger) << 16).is_some());
        assert_eq!(others.count(), 7, "{pauses}");
    }
}
