//! Passwords: what verifying one costs, beside the crates that compute the hash.
//!
//! ```text
//! cargo bench --features password --bench password              all groups, each beside its bar; two minutes
//! cargo bench --features password --bench password -- bcrypt    groups with "bcrypt" in their name
//! ```
//!
//! A call takes 15 ms and up, so that rows are called one by one, in turns, and some dozen times. Processor time is that of the thread as the
//! kernel counts it; it does not grow while another process runs. The median of it is what the bars are about; the fifth percentile of the
//! time on the wall stands beside it.

use std::fs;
use std::hint::black_box;
use std::process::ExitCode;
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

fn main() -> ExitCode {
    let filter = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with("--"));
    let mut missed = 0;
    for group in groups() {
        if filter
            .as_deref()
            .is_none_or(|part| group.name.contains(part))
        {
            missed += group.run();
        }
    }
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
    rows: Vec<Row>,
    bars: Vec<Bar>,
}

impl Group {
    fn new(name: &'static str, rounds: usize) -> Self {
        Self {
            name,
            rounds,
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

    fn bar(mut self, bar: Bar) -> Self {
        self.bars.push(bar);
        self
    }

    /// Prints the rows and returns how many bars were missed.
    fn run(mut self) -> usize {
        println!("\n{}, {} calls each", self.name, self.rounds);
        // The first call takes the memory.
        for row in &mut self.rows {
            (row.call)();
        }
        let mut samples = vec![(Vec::new(), Vec::new()); self.rows.len()];
        for round in 0..self.rounds {
            // Each comes after each: what is left in the caches is nobody's advantage.
            for at in 0..self.rows.len() {
                let at = (at + round) % self.rows.len();
                let (busy, start) = (processor(), Instant::now());
                (self.rows[at].call)();
                samples[at].1.push(start.elapsed().as_secs_f64() * 1e3);
                samples[at].0.push(processor() - busy);
            }
        }
        let figures = samples.into_iter().map(|(mut busy, mut wall)| {
            busy.sort_by(f64::total_cmp);
            wall.sort_by(f64::total_cmp);
            (busy[busy.len() / 2], wall[wall.len() / 20])
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
fn processor() -> f64 {
    // The count is brought up to date when the thread gives way.
    thread::yield_now();
    let line = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanos = line
        .split(' ')
        .next()
        .and_then(|word| word.parse::<f64>().ok());
    nanos.expect("a number") / 1e6
}

fn groups() -> Vec<Group> {
    vec![
        argon2id("argon2id 19 MiB t2", Argon2Cost::OWASP, 0.9, 201),
        argon2id(
            "argon2id 46 MiB t1",
            Argon2Cost::new(47_104, 1, 1),
            0.75,
            201,
        ),
        bcrypt_12(),
    ]
}

fn argon2id(name: &'static str, cost: Argon2Cost, most: f64, rounds: usize) -> Group {
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
    Group::new(name, rounds)
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
