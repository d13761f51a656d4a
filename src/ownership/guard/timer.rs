//! The time that a policy may take, and that a refusal takes at least.
#![expect(
    clippy::disallowed_methods,
    reason = "a configured time limit, and the box that its timer lies in"
)]

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::config::OwnershipGuardBuilder;

/// A timer of tokio's that has been started.
#[derive(Debug)]
pub(super) struct Timer(Pin<Box<Sleep>>);

impl Timer {
    pub(super) fn start(time: Duration) -> Self {
        Self(Box::pin(sleep(time)))
    }

    /// Ready once the time is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl<T> OwnershipGuardBuilder<T> {
    /// Sets how long a policy or a loader may take: more than 0 and at most 30 seconds; 2 are usual. Then it is dropped, and the answer is 503
    /// `authorization_unavailable`. Off by default: the limits around the whole request hold too.
    ///
    /// Needs tokio's timer: called outside of a runtime, or in one without time enabled, the layer panics.
    pub fn policy_timeout(mut self, timeout: Duration) -> Self {
        self.draft.timeout = Some(timeout);
        self
    }

    /// Holds back each 404 of a policy until so much time has passed since it was asked: more than 0 and at most 30 seconds. Off by
    /// default.
    ///
    /// For policies of which the time they take tells whether there is an object: one that finds none looks up nothing else. A query
    /// that carries the owner needs none, since both are the same query. What takes longer than this is not hidden.
    ///
    /// Needs tokio's timer, as [`policy_timeout`](Self::policy_timeout).
    pub fn deny_floor(mut self, floor: Duration) -> Self {
        self.draft.floor = Some(floor);
        self
    }
}
