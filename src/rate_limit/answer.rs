//! The answer to a request that does not pass.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, Request, Response};

use super::examine::Core;
use super::fields::{Shown, jittered, retry_after};
use super::grpc;
use super::key::KeyHasher;
use super::limited::{RateLimitReason, RateLimited};
use super::problem::{self, RETRY_STORE};
use super::refusal::{Refusal, Why};
use super::set::PolicySet;
use super::store::{Nanos, Standing, Store};
use super::verdict::RateLimitRefusal;
use crate::core::head;
use crate::core::{FixedRefusal, Pushback, RefusalContext, Rejection, RejectionBody, Varying};

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

    /// Answers a request and takes over the maps of its head.
    #[inline(never)]
    pub(super) fn refuse<ReqBody, ResBody: RejectionBody>(
        &self,
        set: &PolicySet<St::Counter>,
        request: &mut Request<ReqBody>,
        refusal: Refusal,
        now: Nanos,
    ) -> Response<ResBody> {
        self.record_refused(set, request, &refusal, now);
        match set.refusals.find(&refusal) {
            Some(known) if self.settings.renderer.is_none() && FixedRefusal::suits(request) => {
                self.refuse_as_ever(set, known, request, &refusal, now)
            }
            _ => self.refuse_in_full(set, request, refusal, now),
        }
    }

    /// As [`refuse_in_full`](Self::refuse_in_full), without a [`Rejection`]: a flood gets this answer again and again.
    fn refuse_as_ever<ReqBody, ResBody: RejectionBody>(
        &self,
        set: &PolicySet<St::Counter>,
        known: &FixedRefusal,
        request: &mut Request<ReqBody>,
        refusal: &Refusal,
        now: Nanos,
    ) -> Response<ResBody> {
        let varying = Varying {
            reason: RateLimited::new(&set.labels, refusal),
            retry_after: seconds_until(refusal, self.wait(refusal, now)),
            lines: |headers: &mut HeaderMap| tell(set, shown(refusal), headers),
        };
        known.answer(request, varying)
    }

    fn refuse_in_full<ReqBody, ResBody: RejectionBody>(
        &self,
        set: &PolicySet<St::Counter>,
        request: &mut Request<ReqBody>,
        refusal: Refusal,
        now: Nanos,
    ) -> Response<ResBody> {
        let (head, ()) = head::take(request).into_parts();
        let context = RefusalContext::new(&head);
        let speaks = if context.is_grpc() {
            Speaks::Grpc
        } else {
            Speaks::Http
        };
        let (limited, mut rejection) = self.rejection(set, refusal, Some(head), now, speaks);
        rejection.set_reason(limited);
        rejection.into_response(&context)
    }

    /// The answer, and the reason that is still to be put into it.
    fn rejection(
        &self,
        set: &PolicySet<St::Counter>,
        refusal: Refusal,
        head: Option<Parts>,
        now: Nanos,
        speaks: Speaks,
    ) -> (RateLimited, Rejection) {
        let limited = RateLimited::new(&set.labels, &refusal);
        let wait = self.wait(&refusal, now);
        let seconds = seconds_until(&refusal, wait);
        let shown = shown(&refusal);
        let types = &self.settings.types;
        let mut rejection = problem::rejection(refusal, &set.labels, types, &set.refusals);
        if let Some(renderer) = &self.settings.renderer {
            rejection = rejection.renderer(Arc::clone(renderer));
        }
        // Before anything is added, which would have to move into the maps of the head.
        if let Some(head) = head {
            rejection.take_over(head);
        }
        if speaks.is_http() {
            tell(set, shown, rejection.headers_mut());
            if let Some(seconds) = seconds {
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

/// What the fields say: of a limit that is exceeded, and of nothing else.
const fn shown(refusal: &Refusal) -> Option<Shown> {
    match refusal.why {
        Why::Exceeded | Why::CostExceedsQuota => Some(Shown {
            policy: refusal.binding,
            plan: refusal.plan,
            remaining: refusal.remaining,
            reset: refusal.reset,
        }),
        Why::KeyMissing | Why::KeyRefused(_) | Why::StoreUnavailable | Why::UnknownPolicy => None,
    }
}

fn tell<C>(set: &PolicySet<C>, shown: Option<Shown>, headers: &mut HeaderMap) {
    if let Some(shown) = shown {
        set.fields.refuse(&shown, headers);
    }
}

/// What `Retry-After` says of a wait in nanoseconds, where waiting helps.
fn seconds_until(refusal: &Refusal, wait: Option<u64>) -> Option<u64> {
    let standing = Standing::denied(refusal.remaining, refusal.reset, wait?);
    retry_after(&standing)
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
