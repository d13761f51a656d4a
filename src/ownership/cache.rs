//! Decisions that are kept for a moment.
#![expect(
    clippy::disallowed_types,
    reason = "the table of kept decisions: sixteen short locks, none held across an await"
)]

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::decision::{Decision, Policy, Verdict};
use super::guard::OwnershipConfigError;
use super::request::AccessRequest;
use crate::core::{Clock, ConfigErrors, Mistakes, SystemClock};

const MAX_TTL: Duration = Duration::from_secs(5);
const DEFAULT_TTL: Duration = Duration::from_secs(2);
const DEFAULT_CAPACITY: usize = 10_000;
const MAX_CAPACITY: usize = 1_000_000;
const SHARDS: usize = 16;

/// Keeps the decisions of a policy for at most five seconds. Nothing is kept unless you ask for it: a right that was taken away still
/// counts until then (ASVS 5.0, 8.3.2), on every node that has a cache.
///
/// A kept decision counts for a request that is the same in all that a policy can see: the same credential with the same rights, the same
/// action, object, path parameters, method and address. What is [`NotFound`](Decision::NotFound), [`Unavailable`](Decision::Unavailable)
/// or a [`StepUp`](Decision::StepUp) is never kept: an object that was just made is there at once.
///
/// Clones share what they keep: give one to the guard, and call [`invalidate`](Self::invalidate) on the other where owners change. A
/// decision that was asked for before is then not kept after.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::ownership::{AccessRequest, CachedPolicy, Decision, OwnershipGuard, async_policy};
///
/// let query = async_policy(|_: &AccessRequest| async { Decision::Unavailable });
/// let cached = CachedPolicy::builder(query).ttl(Duration::from_secs(1)).build()?;
/// let guard = OwnershipGuard::builder().resource("/orders/{id}", cached.clone()).build()?;
/// # let _ = guard;
///
/// // Where order 7 is given to somebody else:
/// cached.invalidate("7");
///
/// let too_long = CachedPolicy::builder(|_: &AccessRequest| Decision::Deny).ttl(Duration::from_secs(60));
/// assert!(too_long.build().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CachedPolicy<P> {
    core: Arc<Core<P>>,
}

struct Core<P> {
    policy: P,
    table: Arc<Table>,
}

/// Builds a [`CachedPolicy`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CachedPolicyBuilder<P> {
    policy: P,
    ttl: Duration,
    capacity: usize,
    clock: Arc<dyn Clock>,
}

impl<P: Policy> CachedPolicy<P> {
    /// Starts with a policy whose decisions are to be kept.
    pub fn builder(policy: P) -> CachedPolicyBuilder<P> {
        CachedPolicyBuilder {
            policy,
            ttl: DEFAULT_TTL,
            capacity: DEFAULT_CAPACITY,
            clock: Arc::new(SystemClock),
        }
    }
}

impl<P> CachedPolicy<P> {
    /// Forgets what was decided about this object, for everybody. The id is the one that policies see.
    pub fn invalidate(&self, id: &str) {
        self.core.table.forget(id);
    }

    /// Forgets all that was decided.
    pub fn clear(&self) {
        self.core.table.clear();
    }
}

impl<P> Clone for CachedPolicy<P> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
        }
    }
}

impl<P> fmt::Debug for CachedPolicy<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedPolicy")
            .field("ttl", &self.core.table.ttl)
            .finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for CachedPolicyBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedPolicyBuilder")
            .field("ttl", &self.ttl)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

impl<P: Policy> CachedPolicyBuilder<P> {
    /// Sets how long a decision is kept: more than 0 and at most 5 seconds. 2 by default.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets how many decisions are kept at most: 1 to 1,000,000. 10,000 by default. Beyond that, new ones are not kept until old ones
    /// have run out.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets the clock by which decisions run out. The system's by default.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes the policy.
    ///
    /// # Errors
    ///
    /// All [`OwnershipConfigError`]s at once: a number outside of its range.
    pub fn build(self) -> Result<CachedPolicy<P>, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        if self.ttl.is_zero() || self.ttl > MAX_TTL {
            let kind = OwnershipConfigError::limit("ttl", self.ttl, "more than 0 and at most 5 s");
            mistakes.push("cached_policy.ttl", kind);
        }
        if self.capacity == 0 || self.capacity > MAX_CAPACITY {
            let kind = OwnershipConfigError::Limit {
                what: "capacity",
                value: self.capacity.to_string(),
                range: "1 to 1,000,000",
            };
            mistakes.push("cached_policy.capacity", kind);
        }
        mistakes.finish(CachedPolicy {
            core: Arc::new(Core {
                policy: self.policy,
                table: Arc::new(Table {
                    shards: std::array::from_fn(|_| Mutex::default()),
                    hasher: RandomState::new(),
                    ttl: self.ttl,
                    shard_capacity: self.capacity.div_ceil(SHARDS),
                    clock: self.clock,
                }),
            }),
        })
    }
}

impl<P: Policy> Policy for CachedPolicy<P> {
    fn decide(&self, request: &AccessRequest) -> Verdict {
        let Core { policy, table } = &*self.core;
        let generation = match table.look_up(request) {
            Ok(kept) => return kept.into(),
            Err(generation) => generation,
        };
        match policy.decide(request) {
            Verdict::Now(decision) => {
                table.keep(request.clone(), decision, generation);
                decision.into()
            }
            Verdict::Later(decision) => {
                let table = Arc::clone(table);
                let request = request.clone();
                Verdict::later(async move {
                    let decision = decision.await;
                    table.keep(request, decision, generation);
                    decision
                })
            }
        }
    }
}

/// Decisions by all that was asked. All about one object lie in one shard.
struct Table {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    ttl: Duration,
    shard_capacity: usize,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Shard {
    kept: HashMap<Question, Kept>,
    /// Counts how often something was forgotten on purpose.
    generation: u64,
}

struct Kept {
    decision: Decision,
    /// From then on it does not count.
    end: Duration,
}

impl Table {
    fn shard(&self, id: &str) -> MutexGuard<'_, Shard> {
        let hash = usize::try_from(self.hasher.hash_one(id) % 16).unwrap_or_default();
        let [first, ..] = &self.shards;
        // A map is whole after any panic.
        self.shards
            .get(hash)
            .unwrap_or(first)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The decision, or the generation that one has to be kept in.
    fn look_up(&self, request: &AccessRequest) -> Result<Decision, u64> {
        let now = self.clock.monotonic();
        let question = Question(request.clone());
        let shard = self.shard(request.id());
        match shard.kept.get(&question) {
            Some(kept) if kept.end > now => Ok(kept.decision),
            _ => Err(shard.generation),
        }
    }

    fn keep(&self, request: AccessRequest, decision: Decision, generation: u64) {
        if !matches!(
            decision,
            Decision::Allow | Decision::AllowAsAdmin | Decision::Deny
        ) {
            return;
        }
        let now = self.clock.monotonic();
        let end = now.saturating_add(self.ttl);
        let mut shard = self.shard(request.id());
        // What was forgotten while the policy was asked may be what it has seen.
        if shard.generation != generation {
            return;
        }
        if shard.kept.len() >= self.shard_capacity {
            shard.kept.retain(|_, kept| kept.end > now);
        }
        if shard.kept.len() < self.shard_capacity {
            shard.kept.insert(Question(request), Kept { decision, end });
        }
    }

    fn forget(&self, id: &str) {
        let mut shard = self.shard(id);
        shard.generation = shard.generation.wrapping_add(1);
        shard.kept.retain(|question, _| question.0.id() != id);
    }

    fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.generation = shard.generation.wrapping_add(1);
            shard.kept.clear();
        }
    }
}

/// All that a policy can see of a request.
struct Question(AccessRequest);

impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_same_question(&other.0)
    }
}

impl Eq for Question {}

impl Hash for Question {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The rest is compared.
        self.0.principal().subject().hash(state);
        self.0.action().hash(state);
        self.0.id().hash(state);
    }
}
