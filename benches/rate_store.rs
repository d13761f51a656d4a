//! Counters: what one charge costs at the store, beside `governor` with a map per key; memory and forgetting under a flood.
//!
//! ```text
//! cargo bench --bench rate_store                            time, memory and the flood, each beside its bar
//! cargo bench --bench rate_store -- --instructions          instructions, counted by valgrind's callgrind
//! cargo bench --bench rate_store -- --instructions --save   the same; later runs are compared with it
//! ```
//!
//! Time is passed in on both sides, so neither pays for a clock. Both hash the key: `governor` in its map, the store's user with a
//! [`KeyHasher`].

mod harness;

use std::fs;
use std::hint::{black_box, spin_loop};
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos as RivalNanos;
use governor::state::keyed::DashMapStateStore;

use tower_security::rate_limit::key::{KeyHasher, KeySeed};
use tower_security::rate_limit::{
    Charge, CounterSpec, MemoryStore, Nanos, Overflow, Quota, Rule, Store,
};

use harness::Group;

const OURS: &str = "tower-security";
/// The same without where the key stands, as a layer asks that tells nobody.
const PASS: &str = "tower-security, pass";
const RIVAL: &str = "governor";

const NOW: u64 = 1 << 50;

/// A burst that no bench uses up.
const ENDLESS: u32 = 1 << 31;
const MILLION: u64 = 1_000_000;
/// Room for a million keys that are all live.
const ROOM: usize = 1 << 21;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.any(|argument| argument.starts_with("--") && argument != "--bench") {
        return harness::main("rate_store", &groups());
    }
    let mut bars = Bars::default();
    // First, while the allocator has nothing to give out again.
    memory(&mut bars);
    flood(&mut bars);
    time(&mut bars);
    bars.verdict()
}

/// What has to be reached.
#[derive(Default)]
struct Bars {
    missed: usize,
}

impl Bars {
    fn at_most(&mut self, what: &str, figure: f64, bar: f64) {
        let is_reached = figure <= bar;
        let word = if is_reached { "pass" } else { "MISSED" };
        println!("  {what:<58} {figure:>10.3}  (bar {bar})  {word}");
        self.missed += usize::from(!is_reached);
    }

    fn verdict(self) -> ExitCode {
        if self.missed == 0 {
            println!("\nall bars reached");
            ExitCode::SUCCESS
        } else {
            println!("\n{} bars missed", self.missed);
            ExitCode::FAILURE
        }
    }
}

/// A limiter that answers for a number. It is shared by threads.
trait Limiter: Sync {
    fn passes(&self, number: u64) -> bool;
}

#[derive(Clone)]
struct Ours {
    store: MemoryStore,
    counter: Arc<<MemoryStore as Store>::Counter>,
    seed: KeySeed,
    rule: Rule,
}

impl Ours {
    fn new(capacity: usize, overflow: Overflow, quota: Quota) -> Self {
        let store = MemoryStore::with_capacity(capacity);
        Self {
            counter: store.open(&CounterSpec::new("ip", overflow)),
            seed: store.key_seed(),
            rule: quota.rule().expect("a legal quota"),
            store,
        }
    }

    #[inline]
    fn charge(&self, number: u64, cost: u32) -> (bool, u64) {
        let mut hasher = KeyHasher::new(&self.seed);
        hasher.u64(number);
        let mut charges = [Charge::new(&*self.counter, hasher.key(), self.rule, cost)];
        self.store.acquire(Nanos::new(NOW), &mut charges);
        let [charge] = charges;
        (charge.standing.is_allowed, charge.standing.remaining)
    }
}

impl Limiter for Ours {
    #[inline]
    fn passes(&self, number: u64) -> bool {
        self.charge(number, 1).0
    }
}

/// Asks whether a charge passes, and only if it does not where the key stands.
struct Pass(Ours);

impl Limiter for Pass {
    #[inline]
    fn passes(&self, number: u64) -> bool {
        let Self(ours) = self;
        let key = spread(&ours.seed, number);
        let mut charges = [Charge::new(&*ours.counter, key, ours.rule, 1)];
        ours.store.pass(Nanos::new(NOW), &mut charges) || {
            ours.store.acquire(Nanos::new(NOW), &mut charges);
            let [charge] = charges;
            charge.standing.is_allowed
        }
    }
}

/// Three policies, all or none.
struct Three {
    ours: Ours,
    more: [Arc<<MemoryStore as Store>::Counter>; 2],
    /// Whether it is asked where the key stands.
    tells: bool,
}

impl Three {
    fn new(tells: bool) -> Self {
        let ours = ours(ENDLESS);
        let open = |name| ours.store.open(&CounterSpec::new(name, Overflow::Evict));
        Self {
            more: [open("b"), open("c")],
            ours,
            tells,
        }
    }
}

impl Limiter for Three {
    #[inline]
    fn passes(&self, number: u64) -> bool {
        let Self { ours, more, tells } = self;
        let key = spread(&ours.seed, number);
        let [b, c] = more;
        let mut charges =
            [&ours.counter, b, c].map(|counter| Charge::new(&**counter, key, ours.rule, 1));
        if !tells && ours.store.pass(Nanos::new(NOW), &mut charges) {
            return true;
        }
        ours.store.acquire(Nanos::new(NOW), &mut charges);
        charges.iter().all(|charge| charge.standing.is_allowed)
    }
}

/// Three limiters, one after the other.
struct ThreeRivals([Rival; 3]);

impl Limiter for ThreeRivals {
    #[inline]
    fn passes(&self, number: u64) -> bool {
        self.0.iter().all(|rival| rival.passes(number))
    }
}

/// Stands still, and costs nothing.
#[derive(Clone, Debug)]
struct Passed;

impl Clock for Passed {
    type Instant = RivalNanos;

    fn now(&self) -> RivalNanos {
        RivalNanos::from(NOW)
    }
}

struct Rival(
    governor::RateLimiter<u64, DashMapStateStore<u64>, Passed, NoOpMiddleware<RivalNanos>>,
);

impl Rival {
    fn new(interval: Duration, burst: u32) -> Self {
        let quota = governor::Quota::with_period(interval)
            .expect("not zero")
            .allow_burst(NonZeroU32::new(burst).expect("not zero"));
        Self(governor::RateLimiter::new(
            quota,
            DashMapStateStore::default(),
            Passed,
        ))
    }
}

impl Limiter for Rival {
    #[inline]
    fn passes(&self, number: u64) -> bool {
        self.0.check_key(&number).is_ok()
    }
}

/// Nothing: what the loop and its keys cost.
struct Bare;

impl Limiter for Bare {
    #[inline]
    fn passes(&self, number: u64) -> bool {
        black_box(number) != 0
    }
}

/// A quota that denies after `burst` charges, or never.
fn ours(burst: u32) -> Ours {
    let quota = Quota::new(1_000_000, Duration::from_secs(1)).burst(burst);
    Ours::new(ROOM, Overflow::Evict, quota)
}

fn rival(burst: u32) -> Rival {
    Rival::new(Duration::from_micros(1), burst)
}

/// Keys without end, made where they are used: read from an array they would bring cache misses of their own.
#[derive(Clone, Copy)]
enum Keys {
    One,
    Million(u64),
}

impl Keys {
    #[inline]
    fn next(&mut self) -> u64 {
        match self {
            Self::One => black_box(7),
            Self::Million(state) => {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                ((u128::from(*state) * u128::from(MILLION)) >> 64) as u64
            }
        }
    }
}

fn groups() -> Vec<Group> {
    let group = |name, burst, keys: Keys| {
        Group::new(name, RIVAL)
            .row("bare", move || row(Bare, keys))
            .row(RIVAL, move || row(rival(burst), keys))
            .row(OURS, move || row(ours(burst), keys))
            .row(PASS, move || row(Pass(ours(burst)), keys))
    };
    let three = || ThreeRivals([rival(ENDLESS), rival(ENDLESS), rival(ENDLESS)]);
    vec![
        group("one key, denied", 1, Keys::One),
        group("one key, allowed", ENDLESS, Keys::One),
        group("a million keys, allowed", ENDLESS, Keys::Million(1)),
        Group::new("one key of three policies, allowed", RIVAL)
            .row("bare", || row(Bare, Keys::One))
            .row(RIVAL, move || row(three(), Keys::One))
            .row(OURS, || row(Three::new(true), Keys::One))
            .row(PASS, || row(Three::new(false), Keys::One)),
    ]
}

fn row<L: Limiter>(limiter: L, mut keys: Keys) -> (impl FnMut(), impl FnMut(()) -> bool) {
    if let Keys::Million(_) = keys {
        // The rows are counted when every key is there.
        for number in 0..MILLION {
            black_box(limiter.passes(number));
        }
    }
    (|| (), move |()| limiter.passes(keys.next()))
}

/// Calls per sample and thread.
const CALLS: u32 = 4_096;
const SAMPLES: usize = 1_500;

fn time(bars: &mut Bars) {
    println!("\nns per charge, of one thread and of two at once; ratio to {RIVAL}\n");
    let hot_denied = ("one key, denied", 1, Keys::One);
    let hot_allowed = ("one key, allowed", ENDLESS, Keys::One);
    let many = ("a million keys, allowed", ENDLESS, Keys::Million(1));
    for ((name, burst, keys), threads, bar) in [
        (hot_denied, 1, 0.85),
        (hot_denied, 2, 0.85),
        (hot_allowed, 1, 0.8),
        (hot_allowed, 2, 0.8),
        (many, 1, 0.9),
        (many, 2, 0.85),
    ] {
        let (own, rival) = (ours(burst), rival(burst));
        // The same counters: others would take their place in the cache.
        let pass = Pass(own.clone());
        let numbers = match keys {
            Keys::One => 7..8,
            Keys::Million(_) => 0..MILLION,
        };
        for number in numbers {
            own.passes(number);
            rival.passes(number);
        }
        let [bare, theirs, own, pass] = interleaved([&Bare, &rival, &own, &pass], keys, threads);
        println!(
            "{name}, {threads} thread(s): bare {bare:.1}, {RIVAL} {theirs:.1}, {OURS} {own:.1}, {PASS} {pass:.1}"
        );
        bars.at_most("ratio, the loop included", own / theirs, bar);
        bars.at_most("the same by pass", pass / theirs, bar);
    }
}

/// Runs the limiters in turns, batch by batch, and returns what a call of each takes: the tenth part of the samples from below, so
/// that batches which were interrupted do not count.
///
/// All threads begin a batch at the same moment, and a sample is the time of the slowest. On a busy machine one of them may run
/// alone while the other waits for a processor, which says nothing about two at once: such samples do not count either.
fn interleaved<const N: usize>(limiters: [&dyn Batch; N], keys: Keys, threads: usize) -> [f64; N] {
    let turn = AtomicUsize::new(0);
    let all = thread::scope(|scope| {
        let workers = (0..threads).map(|nth| {
            let turn = &turn;
            let mut keys = match keys {
                Keys::One => Keys::One,
                Keys::Million(seed) => Keys::Million(seed + 77 * nth as u64),
            };
            scope.spawn(move || {
                let samples = (0..SAMPLES * N).map(|sample| {
                    turn.fetch_add(1, Ordering::AcqRel);
                    while turn.load(Ordering::Acquire) < (sample + 1) * threads {
                        spin_loop();
                    }
                    limiters[sample % N].batch(&mut keys)
                });
                samples.collect::<Vec<_>>()
            })
        });
        let workers = workers.collect::<Vec<_>>();
        let samples = workers
            .into_iter()
            .map(|worker| worker.join().expect("no panic"));
        samples.collect::<Vec<_>>()
    });
    std::array::from_fn(|nth| {
        let together = (nth..SAMPLES * N).step_by(N).filter_map(|sample| {
            let slowest = all.iter().map(|of| of[sample].1 - of[sample].0).max()?;
            let begun = all.iter().map(|of| of[sample].0).max()?;
            let shared = all.iter().map(|of| of[sample].1).min()?;
            let shared = shared.saturating_duration_since(begun);
            (shared * 10 >= slowest * 9).then_some(slowest)
        });
        let mut together = together.collect::<Vec<_>>();
        together.sort_unstable();
        let tenth = together.get(together.len() / 10);
        tenth.map_or(f64::NAN, |time| time.as_secs_f64() * 1e9 / f64::from(CALLS))
    })
}

/// The loop, with its limiter known inside it. Returns when it began and ended.
trait Batch: Sync {
    fn batch(&self, keys: &mut Keys) -> (Instant, Instant);
}

impl<L: Limiter> Batch for L {
    fn batch(&self, keys: &mut Keys) -> (Instant, Instant) {
        match keys {
            Keys::One => timed(|| self.passes(black_box(7))),
            Keys::Million(_) => timed(|| self.passes(keys.next())),
        }
    }
}

#[inline]
fn timed(mut call: impl FnMut() -> bool) -> (Instant, Instant) {
    let start = Instant::now();
    for _ in 0..CALLS {
        black_box(call());
    }
    (start, Instant::now())
}

/// Bytes of this process that are in memory.
fn resident() -> f64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split(' ').nth(1).and_then(|word| word.parse().ok());
    pages.map_or(f64::NAN, |pages: f64| pages * 4_096.0)
}

/// Bytes that `work` left behind.
fn grown<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = resident();
    let kept = work();
    (kept, resident() - before)
}

#[expect(clippy::cast_precision_loss, reason = "a million")]
fn memory(bars: &mut Bars) {
    println!("rate_store: bytes per key, a million live keys");
    let fill = |limiter: &dyn Limiter| {
        (0..MILLION)
            .filter(|&number| limiter.passes(number))
            .count() as f64
    };
    let ((own, passed), bytes) = grown(|| {
        let own = ours(ENDLESS);
        let passed = fill(&own);
        (own, passed)
    });
    bars.at_most("tower-security", bytes / passed, 34.0);
    let stats = own.store.stats(Nanos::new(NOW));
    let forgotten = stats
        .first()
        .map_or(f64::NAN, |stats| stats.evicted_live as f64);
    bars.at_most("share of them forgotten", forgotten / MILLION as f64, 0.01);
    // The other one stays until then, or its memory would be given out again and not be seen.
    let (theirs, bytes) = grown(|| {
        let theirs = rival(ENDLESS);
        fill(&theirs);
        theirs
    });
    println!("  {RIVAL:<58} {:>10.3}", bytes / MILLION as f64);
    drop((own, theirs));
}

/// Offenders in a store of 65,536, and ten million new keys.
#[expect(clippy::cast_precision_loss, reason = "some millions")]
fn flood(bars: &mut Bars) {
    const OFFENDERS: u64 = 20_000;
    const NEW: u64 = 10_000_000;

    println!("\n10 M new keys, 65,536 slots, 20,000 offenders (30 %)");
    for overflow in [Overflow::Evict, Overflow::Share, Overflow::Deny] {
        let ours = Ours::new(1 << 16, overflow, Quota::per_hour(5));
        let fast = ours.store.open(&CounterSpec::new("fast", overflow));
        let rule = Quota::per_second(1_000).rule().expect("a legal quota");
        for number in 0..OFFENDERS {
            ours.charge(number, 5);
        }
        // The memory of the second policy too is there before the flood.
        for number in 0..OFFENDERS {
            let key = spread(&ours.seed, number);
            let mut charges = [Charge::new(&*fast, key, rule, 1)];
            ours.store.acquire(Nanos::new(NOW), &mut charges);
        }
        let freed = || {
            (0..OFFENDERS)
                .filter(|&number| ours.charge(number, 0).1 > 0)
                .count()
        };
        let before = freed();
        let start = Instant::now();
        let ((), bytes) = grown(|| {
            for number in MILLION..MILLION + NEW {
                let key = spread(&ours.seed, number);
                let mut charges = [
                    Charge::new(&*ours.counter, key, ours.rule, 1),
                    Charge::new(&*fast, key, rule, 1),
                ];
                ours.store.acquire(Nanos::new(NOW), &mut charges);
            }
        });
        let freed = freed();
        println!(
            "{overflow:?}: {:.0} ns a key, {freed} freed, of which {before} before",
            start.elapsed().as_secs_f64() * 1e9 / NEW as f64
        );
        // Those of `Deny` that were not let in were refused, not freed.
        let bar = if overflow == Overflow::Share {
            0.0
        } else {
            0.005
        };
        bars.at_most(
            "share of offenders freed",
            freed as f64 / OFFENDERS as f64,
            bar,
        );
        bars.at_most("KiB grown", bytes / 1_024.0, 256.0);
    }
}

fn spread(seed: &KeySeed, number: u64) -> tower_security::rate_limit::key::KeyHash {
    let mut hasher = KeyHasher::new(seed);
    hasher.u64(number);
    hasher.key()
}
