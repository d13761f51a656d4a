//! What is decided about one object, and who decides it.
#![expect(
    clippy::disallowed_methods,
    reason = "the pending answer of a user's policy is the one future that is boxed"
)]

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::request::AccessRequest;

/// What a policy says of one principal, one action and one object.
///
/// # Example
///
/// ```
/// use tower_security::ownership::Decision;
///
/// let owner = Some("alice");
/// let decision = match owner {
///     None => Decision::NotFound,
///     Some("alice") => Decision::Allow,
///     Some(_) => Decision::Deny,
/// };
/// assert!(decision.is_allowed());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// Yes.
    Allow,
    /// Yes, and only because of an administrator's rights: an event `authz_admin` tells of it.
    AllowAsAdmin,
    /// No. The client gets the same 404 as for what does not exist, or 403 where the rule says so.
    Deny,
    /// There is no such object.
    NotFound,
    /// Perhaps, after another login: 401.
    StepUp(StepUp),
    /// Nobody can tell now: 503. An outage neither allows nor says that something is absent.
    Unavailable,
}

impl Decision {
    /// Whether the request may go on.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allow | Self::AllowAsAdmin)
    }
}

/// What a client has to do before it is asked for again (RFC 9470).
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::ownership::{Decision, StepUp};
///
/// let before_a_payment = Decision::StepUp(StepUp::max_age(Duration::from_secs(300)));
/// let with_a_second_factor = Decision::StepUp(StepUp::acr("urn:example:aal2"));
/// assert_ne!(before_a_payment, with_a_second_factor);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StepUp {
    acr: Option<&'static str>,
    max_age: Option<Duration>,
}

impl StepUp {
    /// A stronger login, of whatever kind: 401 `stronger_authentication`.
    #[must_use]
    pub const fn stronger() -> Self {
        Self {
            acr: None,
            max_age: None,
        }
    }

    /// A login with this authentication context class: 401 `stronger_authentication` that names it.
    ///
    /// One value of visible ASCII, without blanks, quotes and backslashes. Another one is not told to the client.
    #[must_use]
    pub const fn acr(acr: &'static str) -> Self {
        Self {
            acr: Some(acr),
            max_age: None,
        }
    }

    /// A login in person no longer ago than this, in whole seconds: 401 `recent_authentication`.
    #[must_use]
    pub const fn max_age(max_age: Duration) -> Self {
        Self {
            acr: None,
            max_age: Some(max_age),
        }
    }

    pub(super) const fn acr_value(self) -> Option<&'static str> {
        self.acr
    }

    pub(super) const fn age(self) -> Option<Duration> {
        self.max_age
    }
}

/// The answer of a policy: at hand, or still to be waited for.
///
/// A policy that looks only at the request answers at once and costs neither a box nor a wait.
#[expect(
    clippy::exhaustive_enums,
    reason = "there is no third way to answer, and users who wrap a policy match both"
)]
pub enum Verdict {
    /// The decision.
    Now(Decision),
    /// A future of the decision. Dropped when the client goes away.
    Later(Pin<Box<dyn Future<Output = Decision> + Send + 'static>>),
}

impl Verdict {
    /// Makes a [`Verdict::Later`] of a future.
    pub fn later(decision: impl Future<Output = Decision> + Send + 'static) -> Self {
        Self::Later(Box::pin(decision))
    }

    /// Returns the decision, waited for where it has to be.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it drops the question; nothing is decided.
    pub async fn wait(self) -> Decision {
        match self {
            Self::Now(decision) => decision,
            Self::Later(decision) => decision.await,
        }
    }
}

impl From<Decision> for Verdict {
    fn from(decision: Decision) -> Self {
        Self::Now(decision)
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(decision) => f.debug_tuple("Now").field(decision).finish(),
            Self::Later(_) => f.write_str("Later(..)"),
        }
    }
}

/// Decides who may do what with one object.
///
/// A closure `Fn(&AccessRequest) -> Decision` is a policy that answers at once, [`async_policy`] makes one of a closure that has to
/// wait, and [`policy`](mod@super::policy) joins several. What a policy does not know it must not allow: answer
/// [`Decision::Unavailable`] when the data base does not.
///
/// # Example
///
/// ```
/// use std::collections::HashMap;
/// use tower_security::ownership::{AccessRequest, Decision, Policy, Verdict};
///
/// struct Owners(HashMap<String, String>);
///
/// impl Policy for Owners {
///     fn decide(&self, request: &AccessRequest) -> Verdict {
///         let decision = match self.0.get(request.id()) {
///             None => Decision::NotFound,
///             Some(owner) if owner == request.principal().subject() => Decision::Allow,
///             Some(_) => Decision::Deny,
///         };
///         decision.into()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    note = "write a closure `|request: &AccessRequest| -> Decision`, `async_policy(..)` around one that returns a future, or implement `Policy`"
)]
pub trait Policy: Send + Sync + 'static {
    /// Decides. The [`AccessRequest`] is cheap to clone where a future has to own it.
    fn decide(&self, request: &AccessRequest) -> Verdict;
}

impl<F> Policy for F
where
    F: Fn(&AccessRequest) -> Decision + Send + Sync + 'static,
{
    fn decide(&self, request: &AccessRequest) -> Verdict {
        Verdict::Now(self(request))
    }
}

impl<P: Policy + ?Sized> Policy for Arc<P> {
    fn decide(&self, request: &AccessRequest) -> Verdict {
        (**self).decide(request)
    }
}

/// Makes a policy of a closure that returns a future: a query, a call to another service.
///
/// The future owns what it needs of the request; clone it or parts of it.
///
/// # Example
///
/// ```
/// use tower_security::ownership::{AccessRequest, Decision, async_policy};
///
/// # async fn owner_of(_: &str) -> Result<Option<String>, std::io::Error> { Ok(None) }
/// let policy = async_policy(|request: &AccessRequest| {
///     let request = request.clone();
///     async move {
///         match owner_of(request.id()).await {
///             Ok(Some(owner)) if owner == request.principal().subject() => Decision::Allow,
///             Ok(Some(_)) => Decision::Deny,
///             Ok(None) => Decision::NotFound,
///             Err(_) => Decision::Unavailable,
///         }
///     }
/// });
/// # let _ = policy;
/// ```
pub const fn async_policy<F, Fut>(decide: F) -> AsyncPolicy<F>
where
    F: Fn(&AccessRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Decision> + Send + 'static,
{
    AsyncPolicy(decide)
}

/// The policy of a closure that returns a future. Made by [`async_policy`].
#[derive(Clone, Copy)]
pub struct AsyncPolicy<F>(F);

impl<F, Fut> Policy for AsyncPolicy<F>
where
    F: Fn(&AccessRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Decision> + Send + 'static,
{
    fn decide(&self, request: &AccessRequest) -> Verdict {
        Verdict::later(self.0(request))
    }
}

impl<F> fmt::Debug for AsyncPolicy<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsyncPolicy(<fn>)")
    }
}
