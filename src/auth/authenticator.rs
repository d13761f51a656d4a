//! One way to authenticate.

use std::fmt;
use std::pin::Pin;

use http::request::Parts;

use super::AuthFailure;
use crate::core::{ChallengeScheme, Principal};

/// Whether a request carries the credential of an [`Authenticator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// It does not.
    Absent,
    /// The client sends it unasked with every request: a cookie, a client certificate. An explicit one wins.
    Ambient,
    /// The client has put it into this request: a header. Two of them are refused.
    Explicit,
}

/// What an [`Authenticator`] says of a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Decision {
    /// The credential is none of this authenticator after all.
    NotPresent,
    /// It is good.
    Granted(Principal),
    /// It is not. No other authenticator is asked.
    Denied(AuthFailure),
    /// Somebody has to be asked.
    Pending(PendingDecision),
}

/// A decision that has to be waited for.
#[expect(
    unnameable_types,
    reason = "made by `Decision::pending`, and polled by the layer"
)]
pub struct PendingDecision(
    pub(super) Pin<Box<dyn Future<Output = Result<Principal, AuthFailure>> + Send>>,
);

impl fmt::Debug for PendingDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingDecision(..)")
    }
}

/// One way to authenticate: finds a credential in the head of a request and says whose it is.
pub trait Authenticator: Send + Sync + 'static {
    /// Says whether the credential is there. Looks at headers and extensions, verifies nothing.
    fn presence(&self, head: &Parts) -> Presence;

    /// Verifies the credential.
    fn authenticate(&self, head: &Parts) -> Decision;

    /// Returns the line of `WWW-Authenticate`. Asked once, when the layer is built.
    fn scheme(&self) -> ChallengeScheme;
}
