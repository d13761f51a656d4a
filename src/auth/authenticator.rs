//! One way to authenticate.
#![expect(
    clippy::disallowed_methods,
    reason = "the one box of a decision that somebody is really asked for"
)]

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::HeaderName;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::AuthFailure;
use crate::core::{ChallengeScheme, Lookup, Principal};

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
    /// The credential is none of this authenticator after all: 401 `authentication_required`. No other authenticator is asked.
    NotPresent,
    /// It is good.
    Granted(Principal),
    /// It is not. No other authenticator is asked.
    Denied(AuthFailure),
    /// Somebody has to be asked. Made by [`Decision::pending`].
    Pending(PendingDecision),
}

impl Decision {
    /// Decides by a future, which is boxed once. It is dropped when the client goes away.
    pub fn pending(
        decision: impl Future<Output = Result<Principal, AuthFailure>> + Send + 'static,
    ) -> Self {
        Self::Pending(PendingDecision(Box::pin(decision)))
    }
}

impl From<Result<Principal, AuthFailure>> for Decision {
    fn from(decided: Result<Principal, AuthFailure>) -> Self {
        match decided {
            Ok(principal) => Self::Granted(principal),
            Err(failure) => Self::Denied(failure),
        }
    }
}

/// A future that is boxed already is not boxed again.
impl From<Lookup<Result<Principal, AuthFailure>>> for Decision {
    fn from(lookup: Lookup<Result<Principal, AuthFailure>>) -> Self {
        match lookup {
            Lookup::Ready(decided) => decided.into(),
            Lookup::Pending(decision) => Self::Pending(PendingDecision(decision)),
        }
    }
}

/// A decision that has to be waited for. Made by [`Decision::pending`].
#[must_use = "futures do nothing unless polled"]
pub struct PendingDecision(Pin<Box<dyn Future<Output = Result<Principal, AuthFailure>> + Send>>);

impl Future for PendingDecision {
    type Output = Result<Principal, AuthFailure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for PendingDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingDecision(..)")
    }
}

/// One way to authenticate: finds a credential in the head of a request and says whose it is.
///
/// # Example
///
/// Who has the word of the day is a friend:
///
/// ```
/// use http::HeaderName;
/// use http::request::Parts;
/// use tower_security::auth::{AuthFailure, AuthFailureKind, AuthLayer, Authenticator, Decision, Presence};
/// use tower_security::core::{AuthMethod, ChallengeScheme, Principal, Secret};
///
/// struct WordOfTheDay(Secret<String>);
///
/// impl WordOfTheDay {
///     const HEADER: HeaderName = HeaderName::from_static("x-word");
/// }
///
/// impl Authenticator for WordOfTheDay {
///     fn presence(&self, head: &Parts) -> Presence {
///         match head.headers.contains_key(Self::HEADER) {
///             true => Presence::Explicit,
///             false => Presence::Absent,
///         }
///     }
///
///     fn authenticate(&self, head: &Parts) -> Decision {
///         let mut words = head.headers.get_all(Self::HEADER).iter();
///         let (Some(word), None) = (words.next(), words.next()) else {
///             return Decision::Denied(AuthFailure::new(AuthFailureKind::Ambiguous));
///         };
///         let word = word.to_str().map(Secret::from);
///         if word.is_ok_and(|word| word == self.0) {
///             let method = AuthMethod::Custom("Word");
///             return Decision::Granted(Principal::builder("friend").method(method).build());
///         }
///         Decision::Denied(AuthFailure::new(AuthFailureKind::TokenInvalid))
///     }
///
///     fn scheme(&self) -> ChallengeScheme {
///         ChallengeScheme::custom("Word")
///     }
///
///     fn headers(&self) -> Vec<HeaderName> {
///         vec![Self::HEADER]
///     }
/// }
///
/// let layer = AuthLayer::builder().authenticator(WordOfTheDay("mellon".into())).build()?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Authenticator: Send + Sync + 'static {
    /// Says whether the credential is there. Looks at headers and extensions, verifies nothing.
    ///
    /// A credential that is there and cannot be read, such as a scheme without a token, is present: what is
    /// [`Absent`](Presence::Absent) may pass as anonymous.
    fn presence(&self, head: &Parts) -> Presence;

    /// Verifies the credential. Called where it is present and the only one.
    fn authenticate(&self, head: &Parts) -> Decision;

    /// Returns the line of `WWW-Authenticate`. Asked once, when the layer is built.
    fn scheme(&self) -> ChallengeScheme;

    /// Returns the headers that the credential stands in, for the `Vary` of answers. Asked once, when the layer is built.
    /// `Authorization` by default; none for a client certificate.
    fn headers(&self) -> Vec<HeaderName> {
        vec![AUTHORIZATION]
    }
}
