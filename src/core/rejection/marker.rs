//! What a refusal leaves in the response's extensions for the layers outside.

use http::{Extensions, StatusCode};

/// What kind of abuse a refusal points at. Bans count by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AbuseKind {
    /// A rate limit was exceeded.
    RateLimited,
    /// A credential was wrong.
    AuthFailed,
    /// A request claims to come from a page, and no browser sends it as it is.
    CsrfRefused,
    /// Somebody else's object or function was asked for.
    OwnershipRefused,
    /// The input was malformed on purpose.
    InputRefused,
    /// Many accounts were tried.
    Spray,
    /// A kind of your own.
    Custom(&'static str),
}

/// The mark of a refusal of this crate, in the response's extensions. Only a [`Rejection`](super::Rejection) makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    code: &'static str,
    status: StatusCode,
    abuse: Option<AbuseKind>,
}

impl Refused {
    pub(super) const fn new(
        code: &'static str,
        status: StatusCode,
        abuse: Option<AbuseKind>,
    ) -> Self {
        Self {
            code,
            status,
            abuse,
        }
    }

    /// Returns the stable code of the refusal.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Returns the HTTP status of the refusal, also when it was answered over gRPC.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the kind of abuse it points at.
    #[must_use]
    pub const fn abuse(&self) -> Option<AbuseKind> {
        self.abuse
    }
}

/// What a handler puts into its response's extensions to have the request counted as abuse.
///
/// # Example
///
/// ```
/// use http::Response;
/// use tower_security::core::{AbuseKind, AbuseSignal};
///
/// let mut response = Response::new(());
/// response.extensions_mut().insert(AbuseSignal(AbuseKind::Custom("coupon_guessed")));
/// assert_eq!(
///     AbuseSignal::of(response.extensions()),
///     Some(AbuseKind::Custom("coupon_guessed")),
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a handler makes it with one word"
)]
pub struct AbuseSignal(pub AbuseKind);

impl AbuseSignal {
    /// Reads the sign of abuse of a response: a handler's own, else that of a refusal.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<AbuseKind> {
        match extensions.get::<Self>() {
            Some(signal) => Some(signal.0),
            None => extensions.get::<Refused>().and_then(Refused::abuse),
        }
    }
}
