//! What a token endpoint knows of a client.

use crate::core::{Confirmation, Principal};

/// What a token endpoint knows of the client that asks: which it is, what it has proved, what it wants.
///
/// It is believed: authenticate the client first, where it has a secret, and verify its proof of possession
/// ([`DpopPolicy`](crate::token::DpopPolicy)) or look at its certificate.
///
/// # Example
///
/// ```
/// use tower_security::token::RefreshContext;
///
/// let context = RefreshContext::new().client_id("web").scope("orders:read");
/// # let _ = context;
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct RefreshContext<'a> {
    pub(super) client_id: Option<&'a str>,
    pub(super) scope: Option<&'a str>,
    pub(super) confirmation: Option<Confirmation>,
    pub(super) label: Option<&'a str>,
}

/// What of a grant a client wants.
pub(super) enum Scopes<'a> {
    All,
    These(Vec<&'a str>),
}

impl<'a> RefreshContext<'a> {
    /// Knows nothing: for clients that have no id and prove nothing.
    pub const fn new() -> Self {
        Self {
            client_id: None,
            scope: None,
            confirmation: None,
            label: None,
        }
    }

    /// Says which client asks: the [`client_id`](crate::core::Principal::client_id) of the principal that has logged in. Another ends the
    /// family. Where only one of the two names a client the answer is [`BindingFailed`](super::RefreshError::BindingFailed), and the family
    /// goes on. A login does not look at it.
    pub const fn client_id(mut self, client_id: &'a str) -> Self {
        self.client_id = Some(client_id);
        self
    }

    /// Says what the new access token may do, as the parameter `scope` has it: with blanks in between. Without it, and if it is empty,
    /// all that was granted at the login. A login does not look at it.
    pub const fn scope(mut self, scope: &'a str) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Says which key the client has proved to have, by a proof (RFC 9449) or its certificate (RFC 8705). A family that was bound to one
    /// at the login needs the same each time.
    pub const fn confirmation(mut self, confirmation: Confirmation) -> Self {
        self.confirmation = Some(confirmation);
        self
    }

    /// Calls the device something that its user knows it by, such as "Firefox on Linux". At a login; at most 128 bytes are kept.
    pub const fn label(mut self, label: &'a str) -> Self {
        self.label = Some(label);
        self
    }

    /// Those of the scopes that are asked for, however often: all without a word on them. `None` if one was not granted.
    pub(super) fn scopes(&self, granted: &Principal) -> Option<Scopes<'a>> {
        let scope = self.scope.unwrap_or_default();
        let asked = || scope.split(' ').filter(|scope| !scope.is_empty());
        if asked().next().is_none() {
            return Some(Scopes::All);
        }
        let once = |granted| asked().find(|scope| *scope == granted);
        asked()
            .all(|scope| granted.has_scope(scope))
            .then(|| Scopes::These(granted.scopes().filter_map(once).collect()))
    }
}
