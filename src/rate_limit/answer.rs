//! The answer to a request that does not pass.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use super::examine::Core;
use super::fields::{Shown, jittered, retry_after};
use super::grpc;
use super::key::KeyHasher;
use super::limited::{RateLimitReason, RateLimited};
use super::problem::{self, RETRY_STORE};
use super::refusal::Refusal;
use super::set::PolicySet;
use super::store::{Nanos, Standing, Store};
use super::verdict::RateLimitRefusal;
use crate::core::{Pushback, Rejection};

impl<St: Store> Core<St> {
    /// The answer for whoever asked without a layer: it is good for HTTP and for gRPC.
    pub(super) fn refusal(
        &self,
        set: &PolicySet<St::Counter>,
        refusal: Refusal,
        now: Nanos,
    ) -> RateLimitRefusal {
        let (limited, rejection) = self.rejection(set, refusal, None, now, Speaks::Both);
        RateLimitRefusal::new(limited.clone(), rejection.reason(limited))
    }

    /// The answer, and the reason that is still to be put into it.
    pub(super) fn rejection(
        &self,
        set: &PolicySet<St::Counter>,
        refusal: Refusal,
        head: Option<Parts>,
        now: Nanos,
        speaks: Speaks,
    ) -> (RateLimited, Rejection) {
        let limited = RateLimited::new(&set.labels, &refusal);
        let shown = Shown {
            policy: refusal.binding,
            plan: refusal.plan,
            remaining: refusal.remaining,
            reset: refusal.reset,
        };
        let wait = self.wait(&refusal, now);
        let rejection = problem::rejection(refusal, &set.labels, &self.settings.types, &set.bodies);
        let reason = limited.reason();
        let mut rejection = match &self.settings.renderer {
            Some(renderer) => rejection.renderer(Arc::clone(renderer)),
            None => rejection,
        };
        // Before anything is added, which would have to move into the maps of the head.
        if let Some(head) = head {
            rejection.take_over(head);
        }
        if speaks.is_http() {
            if let RateLimitReason::Exceeded | RateLimitReason::CostExceedsQuota = reason {
                set.fields.refuse(&shown, rejection.headers_mut());
            }
            let standing = wait.map(|wait| Standing::denied(shown.remaining, shown.reset, wait));
            if let Some(seconds) = standing.and_then(|standing| retry_after(&standing)) {
                rejection.set_retry_after(seconds);
            }
        }
        if speaks.is_grpc() {
            rejection = details(rejection, &limited, wait);
        }
        (limited, rejection)
    }

    /// After how many nanoseconds it is worth coming back.
    fn wait(&self, refusal: &Refusal, now: Nanos) -> Option<u64> {
        match refusal.why.reason() {
            RateLimitReason::Exceeded => Some(self.stretched(refusal.wait, now)),
            RateLimitReason::StoreUnavailable => Some(RETRY_STORE),
            RateLimitReason::CostExceedsQuota
            | RateLimitReason::KeyMissing
            | RateLimitReason::KeyRefused
            | RateLimitReason::UnknownPolicy => None,
        }
    }

    /// A wait, longer by what nobody can foretell.
    fn stretched(&self, wait: u64, now: Nanos) -> u64 {
        match self.settings.retry_jitter {
            0 => wait,
            percent => {
                let mut hasher = KeyHasher::new(&self.seed);
                hasher.u64(now.get());
                jittered(wait, percent, hasher.key().low())
            }
        }
    }
}

/// In what an answer is written. Who asks without a layer gets both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    Both,
    Grpc,
    Http,
}

impl Speaks {
    const fn is_http(self) -> bool {
        matches!(self, Self::Both | Self::Http)
    }

    const fn is_grpc(self) -> bool {
        matches!(self, Self::Both | Self::Grpc)
    }
}

/// What clients of gRPC look at before they try again: the pushback of gRFC A6, and `RetryInfo` for those of OpenTelemetry.
fn details(rejection: Rejection, limited: &RateLimited, wait: Option<u64>) -> Rejection {
    let violated: Vec<&str> = match limited.reason() {
        RateLimitReason::Exceeded | RateLimitReason::CostExceedsQuota => {
            limited.policies().collect()
        }
        RateLimitReason::StoreUnavailable => Vec::new(),
        RateLimitReason::KeyMissing
        | RateLimitReason::KeyRefused
        | RateLimitReason::UnknownPolicy => return rejection,
    };
    let details = grpc::details(
        rejection.grpc_code(),
        rejection.title(),
        wait,
        violated.iter().copied(),
    );
    let rejection = rejection.grpc_details(details);
    match wait {
        Some(wait) => rejection.pushback(Pushback::After(Duration::from_nanos(wait))),
        None => rejection.pushback(Pushback::Never),
    }
}
