use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::claims::{Claims, List};
use super::{AuthMethod, Confirmation, Principal};

/// Collects what is known of a principal; made by [`Principal::builder`] or
/// [`Principal::to_builder`].
///
/// A method called twice replaces the value of the first call.
#[must_use]
pub struct PrincipalBuilder(Claims);

impl PrincipalBuilder {
    pub(super) fn new(subject: &str) -> Self {
        Self(Claims::new(subject))
    }

    pub(super) const fn of(claims: Claims) -> Self {
        Self(claims)
    }

    /// Sets who vouches for the subject (`iss`).
    pub fn issuer(mut self, issuer: impl AsRef<str>) -> Self {
        self.0.issuer = Some(self.0.add(issuer.as_ref()));
        self
    }

    /// Sets the application that asks on behalf of the subject.
    pub fn client_id(mut self, client_id: impl AsRef<str>) -> Self {
        self.0.client_id = Some(self.0.add(client_id.as_ref()));
        self
    }

    /// Sets the customer to whose data the subject is confined.
    pub fn tenant(mut self, tenant: impl AsRef<str>) -> Self {
        self.0.tenant = Some(self.0.add(tenant.as_ref()));
        self
    }

    /// Sets the scopes, one by one: `["a", "b"]`, not `["a b"]`, which would be one scope that nothing asks for.
    pub fn scopes(self, scopes: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.list(List::Scopes, scopes)
    }

    /// Sets the roles.
    pub fn roles(self, roles: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.list(List::Roles, roles)
    }

    /// Sets how the subject was authenticated. `Custom("custom")` by default, which no rule for a built-in method accepts.
    pub fn method(mut self, method: AuthMethod) -> Self {
        self.0.method = method;
        self
    }

    /// Sets how strongly the issuer authenticated the subject.
    pub fn acr(mut self, acr: impl AsRef<str>) -> Self {
        self.0.acr = Some(self.0.add(acr.as_ref()));
        self
    }

    /// Sets by which means the issuer authenticated the subject.
    pub fn amr(self, amr: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.list(List::Amr, amr)
    }

    /// Sets when the subject was last authenticated in person.
    pub fn auth_time(mut self, auth_time: SystemTime) -> Self {
        self.0.auth_time = Some(auth_time);
        self
    }

    /// Sets the time from which on the principal does not count any more. Without it, it counts until the request ends.
    pub fn expires_at(mut self, expires_at: SystemTime) -> Self {
        self.0.expires_at = Some(expires_at);
        self
    }

    /// Sets the id of the token or API key.
    pub fn token_id(mut self, token_id: impl AsRef<str>) -> Self {
        self.0.token_id = Some(self.0.add(token_id.as_ref()));
        self
    }

    /// Sets the public name of the session.
    pub fn session_id(mut self, session_id: impl AsRef<str>) -> Self {
        self.0.session_id = Some(self.0.add(session_id.as_ref()));
        self
    }

    /// Sets the key whose possession was proved.
    pub fn confirmation(mut self, confirmation: Confirmation) -> Self {
        self.0.confirmation = Some(confirmation);
        self
    }

    /// Makes the principal.
    #[must_use]
    pub fn build(self) -> Principal {
        Principal(Arc::new(self.0))
    }

    fn list(mut self, list: List, texts: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.0.members.retain(|(of, _)| *of != list);
        for text in texts {
            let span = self.0.add(text.as_ref());
            self.0.members.push((list, span));
        }
        self
    }
}

impl fmt::Debug for PrincipalBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrincipalBuilder")
            .field("subject", &self.0.text(self.0.subject))
            .field("method", &self.0.method)
            .finish_non_exhaustive()
    }
}
