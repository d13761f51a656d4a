//! Who is asked about an object: a policy, or a loader that brings the object along.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Extensions;

use crate::ownership::{AccessRequest, Decision, Policy, Verdict};

/// Decides about an object, and perhaps has something for the handler.
#[doc(hidden)]
#[expect(unnameable_types, reason = "sealed: policies and loaders alone")]
pub trait Ask: Send + Sync + 'static {
    /// What the handler gets.
    type Grant: Grant;
    /// The answer that has to be waited for.
    type Pending: Future<Output = (Decision, Self::Grant)> + Send + Unpin;

    /// Asks. What is not allowed carries nothing that is presented.
    fn ask(&self, request: &AccessRequest) -> Result<(Decision, Self::Grant), Self::Pending>;
}

/// What is handed to the handler when it is allowed.
#[doc(hidden)]
#[expect(unnameable_types, reason = "sealed: policies and loaders alone")]
pub trait Grant: Send {
    /// Puts it into the request.
    fn present(self, extensions: &mut Extensions);
}

impl Grant for () {
    fn present(self, _: &mut Extensions) {}
}

/// A policy.
#[doc(hidden)]
#[derive(Clone)]
#[expect(unnameable_types, reason = "no part of the public interface")]
pub struct Policies(Arc<dyn Policy>);

impl Policies {
    pub(crate) fn new(policy: impl Policy) -> Self {
        Self(Arc::new(policy))
    }
}

impl Ask for Policies {
    type Grant = ();
    type Pending = PendingPolicy;

    fn ask(&self, request: &AccessRequest) -> Result<(Decision, ()), PendingPolicy> {
        match self.0.decide(request) {
            Verdict::Now(decision) => Ok((decision, ())),
            Verdict::Later(decision) => Err(PendingPolicy(decision)),
        }
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<policy>")
    }
}

/// A policy that is waited for.
#[doc(hidden)]
#[expect(unnameable_types, reason = "no part of the public interface")]
pub struct PendingPolicy(Pin<Box<dyn Future<Output = Decision> + Send>>);

impl Future for PendingPolicy {
    type Output = (Decision, ());

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(|decision| (decision, ()))
    }
}

impl fmt::Debug for PendingPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<policy>")
    }
}
