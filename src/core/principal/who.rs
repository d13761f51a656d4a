use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::claims::{Claims, List};
use super::{AuthMethod, Confirmation, PrincipalBuilder};

/// Who is asking, as an authentication layer found out.
///
/// Only such a layer attaches it (or [`dangerous_attach`](Principal::dangerous_attach), which one search through the code finds);
/// headers such as `X-User` never become one. A clone costs one reference count, and everything it says is fixed.
///
/// # Example
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_security::core::{AuthMethod, Principal};
///
/// let expires_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
/// let alice = Principal::builder("alice")
///     .tenant("acme")
///     .scopes(["orders:read", "orders:write"])
///     .method(AuthMethod::Session)
///     .expires_at(expires_at)
///     .build();
/// assert!(alice.has_scope("orders:read"));
/// assert!(!alice.has_scope("orders"));
/// assert!(!alice.is_expired(expires_at - Duration::from_secs(1)));
/// assert!(alice.is_expired(expires_at));
/// ```
#[derive(Clone)]
pub struct Principal(pub(super) Arc<Claims>);

impl Principal {
    /// Begins a principal with its subject: the id of the user or service, unique within the issuer.
    ///
    /// An authentication layer of your own refuses an empty subject; two of them would be taken for the same user.
    pub fn builder(subject: impl AsRef<str>) -> PrincipalBuilder {
        PrincipalBuilder::new(subject.as_ref())
    }

    /// Begins a principal with all that this one says, to change some of it: for a step up, a role that is given, a layer of your own
    /// that adds what a database knows. Subject, tenant and issuer stay whatever you forget; so do the end, the method, the key that
    /// the credential is bound to, and the claims as they were signed.
    ///
    /// # Example
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use tower_security::core::Principal;
    ///
    /// let alice = Principal::builder("alice").tenant("acme").roles(["customer"]).acr("aal1").build();
    ///
    /// let stronger = alice.to_builder().acr("aal2").auth_time(SystemTime::now()).build();
    /// assert_eq!(stronger.acr(), Some("aal2"));
    /// assert_eq!(stronger.tenant(), Some("acme"));
    /// assert!(stronger.has_role("customer"));
    /// assert_eq!(alice.acr(), Some("aal1"));
    /// ```
    pub fn to_builder(&self) -> PrincipalBuilder {
        PrincipalBuilder::of(Claims::clone(&self.0))
    }

    #[cfg(feature = "_jwt")]
    pub(crate) fn of(claims: Claims) -> Self {
        Self(Arc::new(claims))
    }

    /// Whether both say the same in every respect: of one credential, or of two that differ in nothing.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }

    /// The claims as they were signed: one JSON object.
    #[cfg(feature = "_jwt")]
    pub(crate) fn document(&self) -> Option<&str> {
        let document = self.0.text.get(..self.0.document)?;
        (!document.is_empty()).then_some(document)
    }

    /// Returns the id of the user or service (`sub`).
    #[must_use]
    pub fn subject(&self) -> &str {
        self.0.text(self.0.subject)
    }

    /// Returns who vouches for the subject (`iss`).
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.0.issuer.map(|span| self.0.text(span))
    }

    /// Returns the application that asks on behalf of the subject (`client_id`, RFC 9068 section 2.2).
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.0.client_id.map(|span| self.0.text(span))
    }

    /// Returns the customer to whose data the subject is confined.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.map(|span| self.0.text(span))
    }

    /// Returns what the client was allowed to do on behalf of the subject (RFC 6749 section 3.3).
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.0.list(List::Scopes)
    }

    /// Returns the roles of the subject.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.0.list(List::Roles)
    }

    /// Returns how the subject was authenticated by *this* service.
    #[must_use]
    pub fn method(&self) -> AuthMethod {
        self.0.method
    }

    /// Returns how strongly the subject was authenticated by the issuer (`acr`).
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.0.acr.map(|span| self.0.text(span))
    }

    /// Returns by which means the subject was authenticated by the issuer (`amr`, RFC 8176), such as `pwd` and `otp`.
    pub fn amr(&self) -> impl Iterator<Item = &str> {
        self.0.list(List::Amr)
    }

    /// Returns when the subject was last authenticated in person.
    #[must_use]
    pub fn auth_time(&self) -> Option<SystemTime> {
        self.0.auth_time
    }

    /// Returns the time from which on this principal does not count any more, a leeway for clocks included.
    ///
    /// The layers look at it when a request begins. A handler that keeps a stream open looks at it itself.
    #[must_use]
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.0.expires_at
    }

    /// Returns the id of the token (`jti`) or API key.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.0.token_id.map(|span| self.0.text(span))
    }

    /// Returns the public name of the session (`sid`), never the secret of its cookie.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.0.session_id.map(|span| self.0.text(span))
    }

    /// Returns the key whose possession the client has proved with its credential (`cnf`, RFC 7800).
    #[must_use]
    pub fn confirmation(&self) -> Option<Confirmation> {
        self.0.confirmation
    }

    /// Whether the scope was granted, compared exactly: `orders` is not `Orders` and includes no `orders:read`.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|granted| granted == scope)
    }

    /// Whether the subject has the role, compared exactly.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles().any(|held| held == role)
    }

    /// Whether the principal does not count any more at `now`. One without an end never expires.
    #[must_use]
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.expires_at().is_some_and(|end| end <= now)
    }
}

impl fmt::Debug for Principal {
    /// Shows subject and method: claims are personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("subject", &self.subject())
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}
