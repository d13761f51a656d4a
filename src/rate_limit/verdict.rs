//! What a limiter says to those who ask it without a layer, and to handlers.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::after;
use super::items::Kept;
use super::limited::RateLimited;
use super::limiter::RateLimiter;
use super::outcome::Outcome;
use super::set::PolicySet;
use super::standing::PolicyStanding;
use super::store::Store;
use crate::core::Rejection;

/// What was charged for a request, or for something else, that passes.
///
/// To drop it changes nothing: what was charged stays charged.
#[must_use = "a refusal is an error, and what was charged can be given back"]
pub struct Permit<St: Store> {
    limiter: RateLimiter<St>,
    set: Arc<PolicySet<St::Counter>>,
    kept: Kept,
}

impl<St: Store> Permit<St> {
    pub(super) fn new(
        limiter: &RateLimiter<St>,
        set: Arc<PolicySet<St::Counter>>,
        kept: Kept,
    ) -> Self {
        Self {
            limiter: limiter.clone(),
            set,
            kept,
        }
    }

    /// Nothing was charged.
    pub(super) fn free(limiter: &RateLimiter<St>, set: Arc<PolicySet<St::Counter>>) -> Self {
        Self::new(limiter, set, Kept::default())
    }

    /// Returns where the key stands with each policy that was charged, in the order in which they were configured. Policies that are
    /// only reported are left out, and so are those that let requests pass while the store is away.
    #[must_use]
    pub fn standings(&self) -> Vec<PolicyStanding> {
        PolicyStanding::all(&self.set.labels, &self.kept.charged)
    }

    /// Does what the layer does with an answer: gives back the units of policies whose
    /// [`count_when`](super::Policy::count_when) does not count it, and takes those of
    /// [`charge_after`](super::Policy::charge_after).
    ///
    /// # Example
    ///
    /// ```
    /// use http::{Request, Response};
    /// use tower_security::rate_limit::{Outcome, Policy, Quota, RateLimiter, key};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let failures = Policy::new("failures", Quota::per_hour(1))
    ///     .key(key::global())
    ///     .count_when(Outcome::is_failure);
    /// let limiter = RateLimiter::builder().policy(failures).build()?;
    /// let (parts, ()) = Request::new(()).into_parts();
    /// for _ in 0..10 {
    ///     let permit = limiter.check(&parts).await?;
    ///     permit.settle(&Outcome::of(&Response::new(())));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn settle(self, outcome: &Outcome<'_>) {
        after::settle(&self.limiter.core, &self.set, &self.kept, outcome);
    }

    pub(super) fn give_back(self) {
        after::give_back(&self.limiter.core, &self.set, &self.kept);
    }
}

impl<St: Store> fmt::Debug for Permit<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("standings", &self.standings())
            .finish_non_exhaustive()
    }
}

/// What a limiter refuses, with the answer that the layer would give.
#[derive(Debug)]
pub struct RateLimitRefusal {
    limited: RateLimited,
    rejection: Box<Rejection>,
}

impl RateLimitRefusal {
    pub(super) fn new(limited: RateLimited, rejection: Rejection) -> Self {
        Self {
            limited,
            rejection: Box::new(rejection),
        }
    }

    /// Returns why.
    #[must_use]
    pub const fn limited(&self) -> &RateLimited {
        &self.limited
    }

    /// Takes the answer: over HTTP with `Retry-After` and the fields of the configured style, over gRPC with the details that clients
    /// of gRPC understand.
    pub fn into_rejection(self) -> Rejection {
        *self.rejection
    }
}

impl fmt::Display for RateLimitRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rejection.title())
    }
}

impl Error for RateLimitRefusal {}
