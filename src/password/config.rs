//! The builder of `PasswordHasher`.

use std::fmt;
use std::ops::RangeInclusive;
use std::thread;
use std::time::Duration;

use super::cost::{Argon2Cost, Ceiling};
use super::error::{CostProblem, PasswordConfigError, PoolProblem};
use super::hasher::{PasswordHasher, Settings};
use super::pool::Bounds;
use crate::core::{Clock, ConfigErrors, EventSink, Events, Mistakes, PepperRing};

/// All hashes at once.
const MOST_MEMORY_KIB: u64 = 2 * 1_024 * 1_024;
const MOST_QUEUE: u32 = 4_096;
const LONGEST: Duration = Duration::from_secs(30);
/// What a person can be asked to type must be accepted, and a megabyte not.
const LENGTHS: RangeInclusive<usize> = 64..=4_096;
/// Cost 16 takes three seconds.
const BCRYPT: RangeInclusive<u32> = 4..=16;

/// Makes a [`PasswordHasher`]. See [`PasswordHasher::builder`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct PasswordHasherBuilder {
    cost: Argon2Cost,
    is_test_cost: bool,
    pepper: Option<PepperRing>,
    concurrency: u32,
    queue: u32,
    timeout: Duration,
    max_len: usize,
    bcrypt: RangeInclusive<u32>,
    ceiling: Ceiling,
    floor: Option<Duration>,
    events: Events,
}

impl PasswordHasherBuilder {
    pub(super) fn new() -> Self {
        Self {
            cost: Argon2Cost::OWASP,
            is_test_cost: false,
            pepper: None,
            concurrency: default_concurrency(),
            queue: 64,
            timeout: Duration::from_secs(2),
            max_len: 1_024,
            bcrypt: 4..=14,
            ceiling: Ceiling::default(),
            floor: None,
            events: Events::default(),
        }
    }

    /// Makes new hashes with this cost (default [`Argon2Cost::OWASP`]: 19 MiB, two passes). Stored hashes of another are upgraded when their
    /// owner logs in.
    ///
    /// Permitted: at least `t=1,m=47104`, `t=2,m=19456` or `t=3,m=12288`, and not above the [`ceiling`](Self::ceiling). Refused: less, more.
    pub const fn argon2id(mut self, cost: Argon2Cost) -> Self {
        self.cost = cost;
        self.is_test_cost = false;
        self
    }

    /// Mixes a key of the server into each new hash (default: none): who has stolen the table alone cannot guess at it.
    ///
    /// Hashes without one, or with an old one of the ring, are accepted and upgraded. A hash that names a pepper which is not in the ring is
    /// as good as none.
    pub fn pepper(mut self, ring: PepperRing) -> Self {
        self.pepper = Some(ring);
        self
    }

    /// Computes so many hashes at once (default: one for each processor, at most 4).
    ///
    /// It is what bounds the memory: each takes that of [`argon2id`](Self::argon2id), 19 MiB by default, and keeps it for the next one. More
    /// than there are processors make each of them slower, and the rest of the application too.
    ///
    /// Permitted: 1 to as many as 2 GiB are enough for. Refused: 0, and more.
    pub const fn concurrency(mut self, hashes: u32) -> Self {
        self.concurrency = hashes;
        self
    }

    /// Lets so many calls wait for their turn (default 64): one more is [`Busy`](super::VerifyError::Busy) at once.
    ///
    /// Permitted: 1 to 4096. Refused: 0, 4097.
    pub const fn queue(mut self, calls: u32) -> Self {
        self.queue = calls;
        self
    }

    /// Lets a call wait for so long (default 2 s; later than that its user has left).
    ///
    /// A call whose turn would come later, as far as can be told from what hashes took until now, is [`Busy`](super::VerifyError::Busy) at
    /// once, and one that has waited for so long is too.
    ///
    /// Permitted: more than 0, to 30 s. Refused: 0, 31 s.
    pub const fn queue_timeout(mut self, longest: Duration) -> Self {
        self.timeout = longest;
        self
    }

    /// Accepts passwords of so many bytes at most (default 1024; [ASVS] 6.2.9 asks for 64 characters at least). They are taken whole, and as
    /// they are: nothing is cut off or normalised.
    ///
    /// Permitted: 64 to 4096. Refused: 63, 4097.
    ///
    /// [ASVS]: https://owasp.org/www-project-application-security-verification-standard/
    pub const fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }

    /// Accepts stored bcrypt hashes of these costs (default 4 to 14), which are upgraded when their owner logs in. None is ever made.
    ///
    /// Cost 14 takes as long as 56 hashes with the default cost. One below the range is no hash that is accepted; one above is
    /// [`CostAboveCeiling`](super::VerifyError::CostAboveCeiling).
    ///
    /// Permitted: `4..=14`, `10..=16`. Refused: `4..=17`, `3..=12`, an empty range.
    pub const fn accept_bcrypt(mut self, costs: RangeInclusive<u32>) -> Self {
        self.bcrypt = costs;
        self
    }

    /// Bounds what stored Argon2 hashes may ask for (default 128 MiB, 10 passes, 4 lanes). See [`Ceiling`].
    pub const fn ceiling(mut self, ceiling: Ceiling) -> Self {
        self.ceiling = ceiling;
        self
    }

    /// Answers no sooner than after this time, whether the password is right, wrong, or there is no such user (default: as soon as the answer
    /// is there).
    ///
    /// It hides for whom a dearer hash is stored, as long as none takes longer: while users with bcrypt hashes are left, somewhat more than
    /// one of these takes. Nobody's permit is held meanwhile. Refusals without work ([`Busy`](super::VerifyError::Busy),
    /// [`TooLong`](super::VerifyError::TooLong)) do not wait.
    ///
    /// Permitted: `None`, up to 30 s. Refused: more.
    pub fn uniform_floor(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.floor = time.into();
        self
    }

    /// Sends events to `sink` (default: that of the stack, where handlers say [which request](PasswordHasher::for_request) it is, else
    /// `tracing`): calls that are refused because of load, hashes that cannot be read, faults. Logins are told by who knows whose they are.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Measures hashes and dates events by `clock` (default: the system's). For tests. Waits are measured by tokio and by the system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.events = self.events.with_clock(clock);
        self
    }

    /// Makes hashes that cost nothing, neither a test nor who has stolen the table. For tests alone.
    pub const fn dangerous_test_cost(mut self) -> Self {
        self.cost = Argon2Cost::TEST;
        self.is_test_cost = true;
        self
    }

    /// Makes the hasher. Its memory is taken when it is first needed.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with a [`PasswordConfigError`]: a cost that is too low or too high, a pool without a bound, lengths and
    /// times that help nobody.
    pub fn build(self) -> Result<PasswordHasher, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        self.check_cost(&mut mistakes);
        for problem in self.pool_problems() {
            let part = match problem {
                PoolProblem::Concurrency { .. } => "concurrency",
                PoolProblem::Floor { .. } => "uniform_floor",
                PoolProblem::Queue { .. } => "queue",
                PoolProblem::Timeout { .. } => "queue_timeout",
            };
            let kind = PasswordConfigError::PoolRefused { problem };
            mistakes.push(format!("password.{part}"), kind);
        }
        if !LENGTHS.contains(&self.max_len) {
            let length = self.max_len;
            let kind = PasswordConfigError::LengthRefused { length };
            mistakes.push("password.max_len", kind);
        }
        // What has mistakes is not made: it might not even fit into memory.
        mistakes.finish(())?;
        let bounds = Bounds {
            concurrency: self.concurrency,
            queue: self.queue,
            timeout: self.timeout,
            blocks: 0,
        };
        Ok(PasswordHasher::new(
            Settings {
                cost: self.cost,
                is_test_cost: self.is_test_cost,
                pepper: self.pepper,
                max_len: self.max_len,
                bcrypt: self.bcrypt,
                ceiling: self.ceiling,
                floor: self.floor,
                events: self.events,
            },
            bounds,
        ))
    }

    fn check_cost(&self, mistakes: &mut Mistakes) {
        let Self { cost, ceiling, .. } = *self;
        let mut too_high = |path, problem| {
            mistakes.push(path, PasswordConfigError::CostTooHigh { problem });
        };
        if !ceiling.is_sound() {
            too_high("password.ceiling", CostProblem::Ceiling { ceiling });
        } else if !ceiling.permits(cost) {
            too_high("password.argon2id", CostProblem::Argon2 { cost, ceiling });
        }
        let costs = &self.bcrypt;
        let is_range = !costs.is_empty()
            && [costs.start(), costs.end()].map(|end| BCRYPT.contains(end)) == [true; 2];
        if !is_range {
            let costs = costs.clone();
            too_high("password.accept_bcrypt", CostProblem::Bcrypt { costs });
        }
        let is_enough = cost.is_enough() && cost.is_defined();
        if !is_enough && !self.is_test_cost {
            mistakes.push(
                "password.argon2id",
                PasswordConfigError::CostTooLow { cost },
            );
        }
    }

    fn pool_problems(&self) -> impl Iterator<Item = PoolProblem> {
        let each = u64::from(self.cost.memory_kib().max(1));
        let all = each.saturating_mul(u64::from(self.concurrency));
        let is_bounded = self.concurrency >= 1 && all <= MOST_MEMORY_KIB;
        let concurrency = (!is_bounded).then(|| PoolProblem::Concurrency {
            concurrency: self.concurrency,
            mib: all.div_ceil(1_024),
            most: u32::try_from(MOST_MEMORY_KIB / each)
                .unwrap_or(u32::MAX)
                .max(1),
        });
        let queue = self.queue;
        let is_queue = (1..=MOST_QUEUE).contains(&queue);
        let timeout = self.timeout;
        let is_timeout = !timeout.is_zero() && timeout <= LONGEST;
        let floor = self.floor.filter(|floor| *floor > LONGEST);
        [
            concurrency,
            (!is_queue).then_some(PoolProblem::Queue { queue }),
            (!is_timeout).then_some(PoolProblem::Timeout { timeout }),
            floor.map(|floor| PoolProblem::Floor { floor }),
        ]
        .into_iter()
        .flatten()
    }
}

/// More than 4 at once would be more memory than somebody who has set nothing expects.
fn default_concurrency() -> u32 {
    const MOST: u32 = 4;
    let processors = thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(processors).map_or(MOST, |processors| processors.min(MOST))
}

impl fmt::Debug for PasswordHasherBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHasherBuilder")
            .field("cost", &self.cost)
            .field("pepper", &self.pepper)
            .field("concurrency", &self.concurrency)
            .field("queue", &self.queue)
            .field("queue_timeout", &self.timeout)
            .field("max_len", &self.max_len)
            .field("accept_bcrypt", &self.bcrypt)
            .field("ceiling", &self.ceiling)
            .field("uniform_floor", &self.floor)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
