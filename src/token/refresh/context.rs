//! What a token endpoint knows of a request.

use std::fmt;
use std::net::IpAddr;

use http::request::Parts;

use crate::core::{ClientIp, Confirmation, Shared};

/// What a token endpoint knows of the client that asks: who it is, what it has proved, what it wants.
///
/// Nothing of it is believed that the endpoint has not checked: authenticate the client first, where it has a secret, and verify its
/// DPoP proof or look at its certificate.
///
/// # Example
///
/// ```
/// use http::Request;
/// use tower_security::token::RefreshContext;
///
/// let (head, ()) = Request::post("/token").body(())?.into_parts();
/// let context = RefreshContext::of(&head).client_id("web").scope("orders:read");
/// # let _ = context;
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Default)]
#[must_use]
pub struct RefreshContext<'a> {
    pub(super) head: Option<&'a Parts>,
    pub(super) client_id: Option<&'a str>,
    pub(super) scope: Option<&'a str>,
    pub(super) confirmation: Option<Confirmation>,
    pub(super) client_ip: Option<IpAddr>,
    pub(super) label: Option<&'a str>,
}

impl<'a> RefreshContext<'a> {
    /// Knows nothing: for clients that have no id and prove nothing.
    pub const fn new() -> Self {
        Self {
            head: None,
            client_id: None,
            scope: None,
            confirmation: None,
            client_ip: None,
            label: None,
        }
    }

    /// Knows the request: events name its id, its route and the address of the client, and go to the sink of the
    /// [`SecurityStack`](crate::SecurityStack) that it passed through, unless the service was given one of its own.
    pub fn of(head: &'a Parts) -> Self {
        Self {
            head: Some(head),
            client_ip: ClientIp::from_extensions(&head.extensions).map(|client| client.ip()),
            ..Self::new()
        }
    }

    /// Says which client asks. Another than that of the login ends the family.
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

    /// Says which key the client has proved to have, by a DPoP proof or its certificate. A family that was bound to one at the login needs
    /// the same each time.
    pub const fn confirmation(mut self, confirmation: Confirmation) -> Self {
        self.confirmation = Some(confirmation);
        self
    }

    /// Sets the address of the client, for events and the list of sessions (default: that of the request, where it is known).
    pub const fn client_ip(mut self, address: IpAddr) -> Self {
        self.client_ip = Some(address);
        self
    }

    /// Calls the device something that its user knows it by, such as "Firefox on Linux". At a login; at most 128 bytes are kept.
    pub const fn label(mut self, label: &'a str) -> Self {
        self.label = Some(label);
        self
    }

    pub(super) fn shared(&self) -> Option<&'a Shared> {
        Shared::from_extensions(&self.head?.extensions)
    }

    /// The scopes that are asked for, if any are.
    pub(super) fn scopes(&self) -> Option<Vec<&'a str>> {
        let scopes = self.scope?.split(' ').filter(|scope| !scope.is_empty());
        let scopes: Vec<_> = scopes.collect();
        (!scopes.is_empty()).then_some(scopes)
    }
}

impl fmt::Debug for RefreshContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshContext")
            .field("client_id", &self.client_id)
            .field("scope", &self.scope)
            .field("client_ip", &self.client_ip)
            .finish_non_exhaustive()
    }
}
