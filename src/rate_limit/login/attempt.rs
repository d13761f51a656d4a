//! What is known of an attempt before it is made.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::{Extensions, HeaderMap};

use crate::core::{ClientIp, RequestContext};

/// Who tries to log in, and from where: what [`LoginThrottle::begin`](super::LoginThrottle::begin) counts by.
///
/// Say all that is known. Attempts without an address are counted as if all came from one.
///
/// # Example
///
/// ```
/// use tower_security::core::ClientIp;
/// use tower_security::rate_limit::login::LoginAttempt;
///
/// let client = ClientIp::resolved_by_caller("203.0.113.9".parse()?);
/// let attempt = LoginAttempt::new("alice@example.com").ip(client).device("v1.0.0.0");
/// assert!(!format!("{attempt:?}").contains("alice"));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy)]
#[must_use = "an attempt is counted by `LoginThrottle::begin`"]
pub struct LoginAttempt<'a> {
    pub(super) account: &'a str,
    pub(super) client: Option<ClientIp>,
    pub(super) device: Option<&'a [u8]>,
    pub(super) headers: Option<&'a HeaderMap>,
    pub(super) context: Option<&'a RequestContext>,
}

impl<'a> LoginAttempt<'a> {
    /// Tries this account, known or not: a user name, a mail address, the id of an API key.
    pub const fn new(account: &'a str) -> Self {
        Self {
            account,
            client: None,
            device: None,
            headers: None,
            context: None,
        }
    }

    /// Says where it comes from.
    pub const fn ip(mut self, client: ClientIp) -> Self {
        self.client = Some(client);
        self
    }

    /// Says what stands in the device cookie. Before [`head`](Self::head), which finds the cookie by itself.
    pub const fn device(mut self, value: &'a str) -> Self {
        self.device = Some(value.as_bytes());
        self
    }

    /// Takes from a request what it tells: the device cookie, the address that
    /// [`ClientIpLayer`](crate::core::ClientIpLayer) or the stack attached, and the stack's event sink. What was said already stays.
    pub fn head(self, head: &'a Parts) -> Self {
        self.request(&head.headers, &head.extensions)
    }

    pub(super) fn request(mut self, headers: &'a HeaderMap, extensions: &'a Extensions) -> Self {
        self.headers = Some(headers);
        self.context = RequestContext::from_extensions(extensions);
        self.client = self
            .client
            .or_else(|| ClientIp::from_extensions(extensions));
        self
    }
}

impl fmt::Debug for LoginAttempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginAttempt")
            .field("client", &self.client)
            .field("device", &self.device.map(|_| format_args!("<cookie>")))
            .finish_non_exhaustive()
    }
}

/// The account that a request tries to log in to: a request extension for [`LoginThrottleLayer`](super::LoginThrottleLayer).
///
/// Whatever stands outside of the layer and knows it inserts it: what reads Basic credentials, a route parameter, the name of a
/// client certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginAccount(Arc<str>);

impl LoginAccount {
    /// Names the account as the client wrote it.
    #[must_use]
    pub fn new(account: impl Into<Arc<str>>) -> Self {
        Self(account.into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Never the name.
impl fmt::Debug for LoginAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginAccount(<account>)")
    }
}

/// What came of an attempt: a response extension of the handler, for [`LoginThrottleLayer`](super::LoginThrottleLayer).
///
/// An answer without it is a failure, unless [`success_when`](super::LoginThrottleLayer::success_when) says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginOutcome {
    /// The credentials were wrong, or never looked at.
    Failure,
    /// They were right, all that are asked for: a password alone is none where a second factor follows.
    Success,
}
