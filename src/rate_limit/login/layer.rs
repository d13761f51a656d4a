//! The layer: attempts whose account is known before the handler is called.

use std::fmt;
use std::sync::Arc;

use http::Response;
use tower_layer::Layer;

use super::super::memory::MemoryStore;
use super::super::outcome::Outcome;
use super::super::store::Store;
use super::attempt::LoginOutcome;
use super::service::LoginService;
use super::throttle::LoginThrottle;
use crate::core::{ClientEvents, TrustedProxies};

/// Counts every request as an attempt to log in, before the handler sees it. The [module](crate::rate_limit::login) has the rules and
/// an example.
///
/// Add it to the routes that check credentials, and to no others. Handlers that find the account in the body call
/// [`LoginThrottle::begin`] instead.
#[must_use = "a layer does nothing until it is added to a service"]
pub struct LoginThrottleLayer<St: Store = MemoryStore> {
    core: Arc<Settings<St>>,
}

/// What the services of one layer share.
pub(super) struct Settings<St: Store> {
    pub(super) throttle: LoginThrottle<St>,
    pub(super) proxies: TrustedProxies,
    pub(super) clients: ClientEvents,
    success_when: Option<Arc<dyn Fn(&Outcome<'_>) -> bool + Send + Sync>>,
}

/// What an answer says of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Success,
    /// The handler says so, or its status does.
    Failure,
    /// Nobody says anything: a failure too, but no sign of abuse.
    Unknown,
}

impl<St: Store> LoginThrottleLayer<St> {
    /// Counts by this throttle. Several layers may share one.
    pub fn new(throttle: LoginThrottle<St>) -> Self {
        Self {
            core: Arc::new(Settings {
                throttle,
                proxies: TrustedProxies::direct(),
                clients: ClientEvents::new(),
                success_when: None,
            }),
        }
    }

    /// Sets what answer is a success, where the handler does not say so by [`LoginOutcome`]. Default: none.
    ///
    /// A status of 401 or 403 and a gRPC status of 16 or 7 in the head are failures whatever it returns.
    ///
    /// # Example
    ///
    /// ```
    /// use http::StatusCode;
    /// use tower_security::rate_limit::login::{LoginThrottle, LoginThrottleLayer};
    ///
    /// # let secret = *b"\x8e\x0b\x91\xd5\x5f\x13\xa7\x2c\x60\xf8\x47\xbe\x19\x74\xc3\x2a";
    /// let throttle = LoginThrottle::builder(&secret[..]).build()?;
    /// // A form that is answered by a redirect to the start page, and with 200 and the form again if the password was wrong.
    /// let layer = LoginThrottleLayer::new(throttle).success_when(|answer| answer.status == StatusCode::SEE_OTHER);
    /// # let _ = layer;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn success_when(
        self,
        is_success: impl Fn(&Outcome<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.success_when = Some(Arc::new(is_success)))
    }

    /// Sets how the client is found where no layer outside has. Default: the peer of the connection.
    pub fn client_ip(self, proxies: TrustedProxies) -> Self {
        self.with(|settings| settings.proxies = proxies)
    }

    /// Returns what it counts by.
    pub fn throttle(&self) -> &LoginThrottle<St> {
        &self.core.throttle
    }

    fn with(self, change: impl FnOnce(&mut Settings<St>)) -> Self {
        let mut settings = Arc::unwrap_or_clone(self.core);
        change(&mut settings);
        Self {
            core: Arc::new(settings),
        }
    }
}

impl<St: Store> Settings<St> {
    pub(super) fn told<B>(&self, response: &Response<B>) -> Told {
        let answer = Outcome::of(response);
        if Outcome::is_denial(&answer) {
            return Told::Failure;
        }
        match (response.extensions().get(), &self.success_when) {
            (Some(LoginOutcome::Success), _) => Told::Success,
            (Some(LoginOutcome::Failure), _) => Told::Failure,
            (None, Some(is_success)) if is_success(&answer) => Told::Success,
            (None, _) => Told::Unknown,
        }
    }
}

impl<S, St: Store> Layer<S> for LoginThrottleLayer<St> {
    type Service = LoginService<S, St>;

    fn layer(&self, inner: S) -> LoginService<S, St> {
        LoginService::new(inner, Arc::clone(&self.core))
    }
}

impl<St: Store> Clone for Settings<St> {
    fn clone(&self) -> Self {
        Self {
            throttle: self.throttle.clone(),
            proxies: self.proxies.clone(),
            clients: ClientEvents::new(),
            success_when: self.success_when.clone(),
        }
    }
}

impl<St: Store> Clone for LoginThrottleLayer<St> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
        }
    }
}

impl<St: Store> fmt::Debug for LoginThrottleLayer<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let success_when = self
            .core
            .success_when
            .as_ref()
            .map(|_| format_args!("<fn>"));
        f.debug_struct("LoginThrottleLayer")
            .field("throttle", &self.core.throttle)
            .field("proxies", &self.core.proxies)
            .field("success_when", &success_when)
            .finish()
    }
}
