//! Passwords: what verifying one costs, beside the crates that compute the hash.
//!
//! ```text
//! cargo bench --features password --bench password              all groups, each beside its bar; half a minute
//! cargo bench --features password --bench password -- bcrypt    groups with "bcrypt" in their name
//! ```
//!
//! A call takes 15 ms and up, so that rows are called one by one, in turns, and some hundred times. Processor time is that of the thread as
//! the kernel counts it; it does not grow while another process runs. The median of it is what the bars are about; the fifth percentile of
//! the time on the wall stands beside it.
//!
//! What a pool of memory saves depends on the allocator. glibc's takes 46 MiB from the system for each call and gives them back; 19 MiB it
//! keeps after the first call, so that in a loop of one thread the next call finds them. Others give back what is that large at once, as musl's
//! does: the groups "given back" run with glibc told to do so (`MALLOC_MMAP_THRESHOLD_`).

use std::fs;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Instant;

use argon2::{Algorithm, Argon2, Params, Version};

use tower_security::core::Secret;
use tower_security::password::{Argon2Cost, PasswordHasher};

const PASSWORD: &str = "correct horse battery staple";
const WRONG: &str = "correct horse battery staplf";

/// `perl -e 'print crypt("correct horse battery staple", "\$2b\$12\$abcdefghijklmnopqrstuu")'`
const BCRYPT: &str = "$2b$12$abcdefghijklmnopqrstuu0sDWleciW5uGBGYwxpcgAsh9WK4bWNy";

const ONE_SHOT: &str = "argon2, hash_password_into";
const OURS: &str = "tower-security, wrong";
const UNKNOWN: &str = "tower-security, unknown user";

/// Says to the process that is started that its allocator gives memory back.
const GIVEN_BACK: &str = "--given-back";

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--instructions") {
        println!(
            "nothing to count: a hash is the work of others, and takes a minute in the tool that counts"
        );
        return ExitCode::SUCCESS;
    }
    let filter = words.iter().find(|word| !word.starts_with("--"));
    let is_child = words.iter().any(|word| word == GIVEN_BACK);
    let mut missed = 0;
    for group in groups(is_child) {
        if filter.is_none_or(|part| group.name.contains(part)) {
            missed += group.run();
        }
    }
    if is_child {
        return ExitCode::from(u8::try_from(missed).unwrap_or(u8::MAX));
    }
    let program = std::env::current_exe().expect("the path of this program");
    let status = Command::new(program)
        .arg(GIVEN_BACK)
        .args(filter)
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
        .status()
        .expect("it starts again");
    missed += usize::try_from(status.code().unwrap_or(1)).unwrap_or(1);
    if missed == 0 {
        println!("\nall bars reached");
        ExitCode::SUCCESS
    } else {
        println!("\n{missed} bars missed");
        ExitCode::FAILURE
    }
}

struct Row {
    name: &'static str,
    call: Box<dyn FnMut()>,
}

/// A row, beside which, and the share of its time that is permitted.
type Bar = (&'static str, &'static str, std::ops::RangeInclusive<f64>);

struct Group {
    name: &'static str,
    rounds: usize,
    /// Whether the work is done on other threads: the processor time is that of the process then, and the mean of it counts, since
    /// the kernel tells it in hundredths of a second.
    is_shared: bool,
    rows: Vec<Row>,
    bars: Vec<Bar>,
}

impl Group {
    fn new(name: &'static str, rounds: usize) -> Self {
        Self {
            name,
            rounds,
            is_shared: false,
            rows: Vec::new(),
            bars: Vec::new(),
        }
    }

    fn row<T>(mut self, name: &'static str, mut call: impl FnMut() -> T + 'static) -> Self {
        let call = Box::new(move || {
            black_box(call());
        });
        self.rows.push(Row { name, call });
        self
    }

    fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    fn bar(mut self, bar: Bar) -> Self {
        self.bars.push(bar);
        self
    }

    fn processor(&self) -> f64 {
        if self.is_shared {
            of_this_process()
        } else {
            of_this_thread()
        }
    }

    /// Prints the rows and returns how many bars were missed.
    fn run(mut self) -> usize {
        println!("\n{}, {} calls each", self.name, self.rounds);
        // The first call takes the memory.
        for row in &mut self.rows {
            (row.call)();
        }
        let mut samples = vec![(Vec::new(), Vec::new()); self.rows.len()];
        let mut order: Vec<_> = (0..self.rows.len()).collect();
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..self.rounds {
            // Each comes after each: what is left in the caches is nobody's advantage.
            for last in (1..order.len()).rev() {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                order.swap(last, (random >> 33) as usize % (last + 1));
            }
            for &at in &order {
                let (busy, start) = (self.processor(), Instant::now());
                (self.rows[at].call)();
                samples[at].1.push(start.elapsed().as_secs_f64() * 1e3);
                samples[at].0.push(self.processor() - busy);
            }
        }
        let figures = samples.into_iter().map(|(mut busy, mut wall)| {
            busy.sort_by(f64::total_cmp);
            wall.sort_by(f64::total_cmp);
            let busy = if self.is_shared {
                busy.iter().sum::<f64>() / f64::from(u32::try_from(busy.len()).expect("hundreds"))
            } else {
                busy[busy.len() / 2]
            };
            (busy, wall[wall.len() / 20])
        });
        let figures = figures.collect::<Vec<_>>();
        println!("  {:<32} {:>10} {:>10}", "", "cpu ms", "wall ms");
        for (row, (busy, wall)) in self.rows.iter().zip(&figures) {
            println!("  {:<32} {busy:>10.2} {wall:>10.2}", row.name);
        }
        let of = |name| {
            self.rows
                .iter()
                .position(|row| row.name == name)
                .expect("a row")
        };
        let mut missed = 0;
        for (row, rival, bar) in &self.bars {
            let ratio = figures[of(*row)].0 / figures[of(*rival)].0;
            let is_reached = bar.contains(&ratio);
            let word = if is_reached { "pass" } else { "MISSED" };
            println!("  {row} / {rival}: {ratio:.3}  (bar {bar:?})  {word}");
            missed += usize::from(!is_reached);
        }
        missed
    }
}

/// Milliseconds that this thread has had a processor.
fn of_this_thread() -> f64 {
    // The count is brought up to date when the thread gives way.
    thread::yield_now();
    let line = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos = line
        .split(' ')
        .next()
        .and_then(|word| word.parse::<f64>().ok());
    nanos.expect("a number") / 1e6
}

/// Milliseconds that this process has had a processor, those of threads that have ended included.
fn of_this_process() -> f64 {
    let line = fs::read_to_string("/proc/self/stat").expect("Linux");
    // Behind the name, which may have blanks: fields 14 and 15 of proc(5), in hundredths of a second.
    let (_, fields) = line.rsplit_once(") ").expect("a name");
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks = ticks.map(|ticks| ticks.parse::<f64>().expect("a number"));
    ticks.sum::<f64>() * 10.0
}

fn groups(are_given_back: bool) -> Vec<Group> {
    let larger = Argon2Cost::new(47_104, 1, 1);
    if are_given_back {
        return vec![
            argon2id("argon2id 19 MiB t2, given back", Argon2Cost::OWASP, 0.9),
            argon2id("argon2id 46 MiB t1, given back", larger, 0.75),
        ];
    }
    vec![
        argon2id("argon2id 19 MiB t2", Argon2Cost::OWASP, 1.0),
        argon2id("argon2id 46 MiB t1", larger, 0.75),
        at_once(),
        bcrypt_12(),
    ]
}

fn argon2id(name: &'static str, cost: Argon2Cost, most: f64) -> Group {
    let params = Params::new(cost.memory_kib(), cost.iterations(), cost.lanes(), None);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.expect("sound"));
    let builder = PasswordHasher::builder().argon2id(cost);
    let hasher = builder.build().expect("it is sound");
    let stored = hasher
        .hash_blocking(&Secret::from(PASSWORD))
        .expect("memory");
    let (other, password) = (hasher.clone(), Secret::from(WRONG));
    let (same, right) = (password.clone(), Secret::from(PASSWORD));
    let (third, again) = (hasher.clone(), stored.clone());
    Group::new(name, 101)
        .row(ONE_SHOT, move || {
            let mut tag = [0; 32];
            let salt = black_box(b"0123456789abcdef");
            argon2
                .hash_password_into(WRONG.as_bytes(), salt, &mut tag)
                .expect("memory");
            tag
        })
        .row(OURS, move || {
            hasher
                .verify_blocking(&password, Some(&stored))
                .expect_err("wrong")
        })
        .row("tower-security, right", move || {
            third.verify_blocking(&right, Some(&again)).expect("right")
        })
        .row(UNKNOWN, move || {
            other.verify_blocking(&same, None).expect_err("unknown")
        })
        .bar((OURS, ONE_SHOT, 0.0..=most))
        .bar((UNKNOWN, OURS, 0.97..=1.03))
}

/// What a service does: sixteen logins come at the same time, and each is hashed on a thread that may block.
#[expect(
    clippy::needless_collect,
    reason = "all begin before one is waited for"
)]
fn at_once() -> Group {
    const LOGINS: usize = 16;
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.enable_all().build().expect("threads")
    };
    let hasher = PasswordHasher::builder().build().expect("it is sound");
    let stored = hasher
        .hash_blocking(&Secret::from(PASSWORD))
        .expect("memory");
    let (theirs, ours) = (runtime(), runtime());
    Group::new("argon2id 19 MiB t2, 16 at once", 25)
        .row(ONE_SHOT, move || {
            theirs.block_on(async {
                let logins = (0..LOGINS).map(|_| {
                    tokio::task::spawn_blocking(|| {
                        let mut tag = [0; 32];
                        let argon2 = Argon2::default();
                        let salt = black_box(b"0123456789abcdef");
                        argon2
                            .hash_password_into(WRONG.as_bytes(), salt, &mut tag)
                            .expect("memory");
                        tag
                    })
                });
                for login in logins.collect::<Vec<_>>() {
                    black_box(login.await.expect("it does not panic"));
                }
            });
        })
        .row(OURS, move || {
            ours.block_on(async {
                let logins = (0..LOGINS).map(|_| {
                    let (hasher, stored) = (hasher.clone(), stored.clone());
                    tokio::spawn(async move {
                        hasher
                            .verify(&Secret::from(WRONG), Some(&stored))
                            .await
                            .expect_err("wrong")
                    })
                });
                for login in logins.collect::<Vec<_>>() {
                    black_box(login.await.expect("it does not panic"));
                }
            });
        })
        .shared()
        .bar((OURS, ONE_SHOT, 0.0..=0.9))
}

fn bcrypt_12() -> Group {
    let hasher = PasswordHasher::builder().build().expect("it is sound");
    Group::new("bcrypt 12", 11)
        .row("bcrypt, verify", || {
            bcrypt::verify(WRONG, BCRYPT).expect("a hash")
        })
        .row(OURS, move || {
            hasher
                .verify_blocking(&Secret::from(WRONG), Some(BCRYPT))
                .expect_err("wrong")
        })
        .bar((OURS, "bcrypt, verify", 0.0..=1.05))
}
