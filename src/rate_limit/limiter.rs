//! The limiter: policies, a store, and who may ask them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::request::Parts;

use super::check::Check;
use super::config::{RateLimiterBuilder, Settings};
use super::events::Teller;
use super::examine::Core;
use super::fallback::Fallback;
use super::items::{Item, Step, Subject};
use super::key::{self, KeyHash, KeyHasher, KeyOutcome};
use super::marks::Marks;
use super::memory::MemoryStore;
use super::mistakes::check_over;
use super::notices::Notices;
use super::policy::Policy;
use super::refusal::{Refusal, Why};
use super::set::{Active, PolicySet};
use super::standing::PolicyStanding;
use super::store::Store;
use super::time::Ticker;
use super::verdict::{Permit, RateLimitRefusal};
use crate::core::{Caller, ConfigErrors, IpSet, Mistakes, Mode, Reload, TrustedProxies};

/// Counts requests by one policy or several, and says which of them pass. Cloning shares it.
///
/// [`RateLimitLayer`](super::RateLimitLayer) asks it for each request; code of your own asks it directly, for what is no request:
/// [`acquire`](Self::acquire). The [module](super) has the rules.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::core::ClientIp;
/// use tower_security::rate_limit::{Policy, Quota, RateLimiter, key};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limiter = RateLimiter::builder()
///     .policy(Policy::new("ip", Quota::per_minute(2)).key(key::client_ip()))
///     .build()?;
///
/// let client = ClientIp::resolved_by_caller("192.0.2.7".parse()?);
/// let (parts, ()) = Request::get("/").extension(client).body(())?.into_parts();
/// assert!(limiter.check(&parts).await.is_ok());
/// assert!(limiter.check(&parts).await.is_ok());
/// let refusal = limiter.check(&parts).await.unwrap_err();
/// assert_eq!(refusal.limited().policy(), Some("ip"));
/// assert_eq!(refusal.into_rejection().code(), "rate_limited");
/// # Ok(())
/// # }
/// ```
pub struct RateLimiter<St: Store = MemoryStore> {
    pub(super) core: Arc<Core<St>>,
}

/// What a limiter has seen since it was built. A request that passes is not counted: it would cost it more than the decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimiterStats {
    /// Requests that were refused.
    pub refused: u64,
    /// Requests that passed because a policy is only reported.
    pub would_refuse: u64,
    /// Requests in which a policy found no key.
    pub missing_keys: u64,
    /// Decisions that the store did not answer.
    pub store_failures: u64,
}

impl RateLimiter {
    /// Starts a limiter that counts in the memory of this process.
    pub fn builder() -> RateLimiterBuilder<MemoryStore, Self> {
        RateLimiterBuilder::new(MemoryStore::default())
    }
}

impl<St: Store> RateLimiter<St> {
    pub(super) fn of(parts: Ingredients<St>) -> Self {
        let Ingredients {
            store,
            policies,
            settings,
            proxies,
            exempt,
            ticker,
            teller,
            fallback,
        } = parts;
        ticker.prepare();
        let set = PolicySet::new(policies, &settings, &store, fallback.as_ref());
        let (sets, handle) = Reload::shared(Arc::new(set));
        Self {
            core: Arc::new(Core {
                seed: store.key_seed(),
                store,
                sets,
                handle,
                settings,
                proxies,
                exempt,
                ticker,
                teller,
                fallback,
            }),
        }
    }

    /// Decides about a request and charges it, as the layer does before it calls the service.
    ///
    /// A key made by [`key::governor`](super::key) is missing here: its extractor wants a request, not the parts of one.
    ///
    /// # Errors
    ///
    /// Fails when the request shall not pass; the error becomes the answer by
    /// [`into_rejection`](RateLimitRefusal::into_rejection).
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped may have charged. A [`MemoryStore`] answers at the first poll.
    pub async fn check(&self, parts: &Parts) -> Result<Permit<St>, RateLimitRefusal> {
        let core = &*self.core;
        let set = core.sets.load_full();
        let mut notices = Notices::default();
        if core.settings.mode == Mode::Off {
            return Ok(Permit::free(self, set));
        }
        let client = core.client(&set, &parts.headers, &parts.extensions, &mut notices);
        let client = client.as_ref();
        if core.is_exempt(client) {
            return Ok(Permit::free(self, set));
        }
        let subject = Subject {
            method: &parts.method,
            head: core.head(parts, client),
        };
        notices.now = core.ticker.now();
        let check = Check {
            core,
            set: &set,
            now: notices.now,
            keeps_all: true,
        };
        let step = check.decide(subject, &mut [], &mut notices);
        self.finish(&set, step, notices, Some(parts)).await
    }

    /// Charges `cost` units of one policy to a key, without a request: a job, a message, a call that costs more than others.
    ///
    /// Methods, `when`, `cost` and plans of the policy are not looked at; its quota, its mode and what it says of a store that is
    /// away are. What the key is made of is the caller's affair: it is a key beside those that requests have, unless the same is
    /// written. A policy by [`key::global`] has one counter, whatever key is named. Nothing is charged, and
    /// everything passes, while the policy or the limiter is [`Mode::Off`].
    ///
    /// # Errors
    ///
    /// Fails when the charge does not fit, and with [`UnknownPolicy`](super::RateLimitReason::UnknownPolicy) when there is no policy
    /// of this name.
    ///
    /// # Cancel safety
    ///
    /// As [`check`](Self::check).
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::rate_limit::{Policy, Quota, RateLimiter, key};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let limiter = RateLimiter::builder()
    ///     .policy(Policy::new("mails", Quota::per_hour(1)).key(key::principal_only()))
    ///     .build()?;
    /// let permit = limiter.acquire("mails", |key| key.str("ada@example.com"), 1).await?;
    /// assert!(limiter.acquire("mails", |key| key.str("ada@example.com"), 1).await.is_err());
    /// assert!(limiter.acquire("mails", |key| key.str("bob@example.com"), 1).await.is_ok());
    ///
    /// // The first one was not sent after all.
    /// limiter.refund(permit);
    /// assert!(limiter.acquire("mails", |key| key.str("ada@example.com"), 1).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn acquire(
        &self,
        policy: &str,
        key: impl FnOnce(&mut KeyHasher),
        cost: u32,
    ) -> Result<Permit<St>, RateLimitRefusal> {
        let hash = self.hash(key);
        let set = self.core.sets.load_full();
        let Some(index) = set.position(policy) else {
            return match set.policies.iter().any(|off| off.name() == policy) {
                true => Ok(Permit::free(self, set)),
                false => Err(self.refused(&set, Refusal::unknown())),
            };
        };
        if self.core.settings.mode == Mode::Off {
            return Ok(Permit::free(self, set));
        }
        self.charge(set, index, hash, cost).await
    }

    /// Says where a key stands with the quota of a policy, and charges nothing.
    ///
    /// # Errors
    ///
    /// Fails with [`UnknownPolicy`](super::RateLimitReason::UnknownPolicy) when no policy of this name is in force, and with
    /// [`StoreUnavailable`](super::RateLimitReason::StoreUnavailable) when its store does not answer and nobody counts in its place.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time.
    pub async fn peek(
        &self,
        policy: &str,
        key: impl FnOnce(&mut KeyHasher),
    ) -> Result<PolicyStanding, RateLimitRefusal> {
        let hash = self.hash(key);
        let set = self.core.sets.load_full();
        let Some(index) = set.position(policy) else {
            return Err(self.refused(&set, Refusal::unknown()));
        };
        let permit = self.charge(Arc::clone(&set), index, hash, 0).await?;
        let standing = permit.standings().into_iter().next();
        standing.ok_or_else(|| {
            let refusal = Refusal::new(Why::StoreUnavailable, Marks::of(index), index);
            self.refused(&set, refusal)
        })
    }

    /// Gives back what a permit has taken.
    ///
    /// A permit that is dropped stays charged.
    pub fn refund(&self, permit: Permit<St>) {
        permit.give_back();
    }

    /// Forgets what a key has used of a policy. Returns whether there is such a policy.
    pub fn reset(&self, policy: &str, key: impl FnOnce(&mut KeyHasher)) -> bool {
        let hash = self.hash(key);
        let set = self.core.sets.load_full();
        set.position(policy)
            .is_some_and(|index| self.forget(&set, index, hash))
    }

    /// Forgets what the sender of a request has used of a policy. Returns whether there is such a policy and it found a key.
    pub fn reset_for(&self, policy: &str, parts: &Parts) -> bool {
        let core = &*self.core;
        let set = core.sets.load_full();
        let Some(index) = set.position(policy) else {
            return false;
        };
        let client = Caller::from_extensions(&parts.extensions);
        let head = core.head(parts, client.as_ref());
        let mut hasher = KeyHasher::new(&core.seed);
        let found = set
            .active
            .get(index)
            .map(|active| active.key.extract(&head, &mut hasher));
        matches!(found, Some(KeyOutcome::Set)) && self.forget(&set, index, hasher.key())
    }

    /// Replaces all policies. Requests that have begun keep theirs; whoever comes from now on has the new ones.
    ///
    /// Counters survive when a policy keeps its name and its key, also under another quota.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once, and then nothing has changed.
    pub fn replace_policies(&self, policies: Vec<Policy>) -> Result<(), ConfigErrors> {
        let core = &*self.core;
        let mut mistakes = Mistakes::default();
        check_over(&core.store, &policies, &mut mistakes);
        mistakes.finish(())?;
        let fallback = core.fallback.as_ref();
        let set = PolicySet::new(policies, &core.settings, &core.store, fallback);
        core.handle.store(Arc::new(set));
        Ok(())
    }

    /// Returns what has happened since the limiter was built.
    #[must_use]
    pub fn stats(&self) -> LimiterStats {
        let counts = &self.core.teller.counts;
        LimiterStats {
            refused: counts.refused.load(Ordering::Relaxed),
            would_refuse: counts.would_refuse.load(Ordering::Relaxed),
            missing_keys: counts.missing_keys.load(Ordering::Relaxed),
            store_failures: counts.store_failures.load(Ordering::Relaxed),
        }
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &St {
        &self.core.store
    }

    /// Returns the mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.settings.mode
    }

    /// Returns the policies, also those that are off.
    #[must_use]
    pub fn policies(&self) -> Vec<Policy> {
        self.core.sets.load().policies.to_vec()
    }

    /// Which of the calls that weaken a limit were made, for any of the policies.
    #[must_use]
    pub fn dangerous(&self) -> Vec<(&'static str, bool)> {
        let set = self.core.sets.load();
        let mut calls: Vec<(&'static str, bool)> = Vec::new();
        for (name, is_made) in set.policies.iter().flat_map(Policy::dangerous) {
            match calls.iter_mut().find(|(told, _)| *told == name) {
                Some((_, is_told)) => *is_told |= is_made,
                None => calls.push((name, is_made)),
            }
        }
        calls
    }

    /// The networks that no policy concerns.
    pub(crate) fn exempt(&self) -> &IpSet {
        &self.core.exempt
    }

    /// What it counts beside its store.
    pub(super) fn own_counts(&self) -> (Option<Fallback>, Arc<Teller>) {
        let core = &self.core;
        (core.fallback.clone(), Arc::clone(&core.teller))
    }

    fn hash(&self, write: impl FnOnce(&mut KeyHasher)) -> KeyHash {
        let mut hasher = KeyHasher::new(&self.core.seed);
        write(&mut hasher);
        hasher.key()
    }

    /// The key that a policy counts for somebody who names `key`: where all are one, requests and calls are too, in every store.
    fn counted(&self, active: &Active<St::Counter>, key: KeyHash) -> KeyHash {
        if active.key.is_global() {
            self.hash(key::write_global)
        } else {
            key
        }
    }

    fn forget(&self, set: &PolicySet<St::Counter>, index: usize, key: KeyHash) -> bool {
        let Some(active) = set.active.get(index) else {
            return false;
        };
        let key = self.counted(active, key);
        let now = self.core.ticker.now();
        self.core.store.reset(now, &active.counter, key);
        if let (Some(fallback), Some(local)) = (&self.core.fallback, &active.local) {
            fallback.store().reset(now, &local.counter, key);
        }
        true
    }

    async fn charge(
        &self,
        set: Arc<PolicySet<St::Counter>>,
        index: usize,
        key: KeyHash,
        cost: u32,
    ) -> Result<Permit<St>, RateLimitRefusal> {
        let core = &*self.core;
        let Some(active) = set.active.get(index) else {
            return Err(self.refused(&set, Refusal::unknown()));
        };
        let key = self.counted(active, key);
        let item = Item {
            index,
            plan: 0,
            key,
            cost,
            // A look is no charge, whatever the mode.
            reported: cost > 0 && (active.reports || !active.picks(key)),
        };
        let mut notices = Notices::at(core.ticker.now());
        let check = Check {
            core,
            set: &set,
            now: notices.now,
            keeps_all: true,
        };
        let step = check.charge(item, &mut notices);
        self.finish(&set, step, notices, None).await
    }

    /// Waits for the store where that has to be, and tells what there is to tell.
    async fn finish(
        &self,
        set: &Arc<PolicySet<St::Counter>>,
        mut step: Step<St::Pending>,
        mut notices: Notices,
        parts: Option<&Parts>,
    ) -> Result<Permit<St>, RateLimitRefusal> {
        let core = &*self.core;
        let outcome = loop {
            step = match step {
                Step::Pass => break Ok(Permit::free(self, Arc::clone(set))),
                Step::Allowed(kept) => break Ok(Permit::new(self, Arc::clone(set), kept)),
                Step::Refused(refusal) => break Err(refusal),
                Step::Waiting(waiting, pending) => {
                    let answer = pending.await;
                    let check = Check {
                        core,
                        set,
                        now: notices.now,
                        keeps_all: true,
                    };
                    check.resume(waiting, answer, &mut notices)
                }
            };
        };
        let now = notices.now;
        if let Some(told) = notices.take() {
            core.record(set, parts, &told, now);
        }
        outcome.map_err(|refusal| {
            core.record_refusal(set, parts, &refusal, now);
            core.refusal(set, refusal, now)
        })
    }

    fn refused(&self, set: &PolicySet<St::Counter>, refusal: Refusal) -> RateLimitRefusal {
        self.core.refusal(set, refusal, self.core.ticker.now())
    }
}

/// What a limiter is made of.
pub(super) struct Ingredients<St> {
    pub(super) store: St,
    pub(super) policies: Vec<Policy>,
    pub(super) settings: Settings,
    pub(super) proxies: TrustedProxies,
    pub(super) exempt: IpSet,
    pub(super) ticker: Ticker,
    pub(super) teller: Arc<Teller>,
    pub(super) fallback: Option<Fallback>,
}

impl<St: Store> Clone for RateLimiter<St> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
        }
    }
}

impl<St: Store> fmt::Debug for RateLimiter<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("policies", &self.core.sets.load().policies)
            .field("settings", &self.core.settings)
            .field("client_ip", &self.core.proxies)
            .field("exempt", &self.core.exempt)
            .finish_non_exhaustive()
    }
}
