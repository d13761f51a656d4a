//! The service: begins an attempt for each request, and hears of its outcome from the answer.

use std::fmt;
use std::mem::replace;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::super::memory::MemoryStore;
use super::super::store::Store;
use super::attempt::{LoginAccount, LoginAttempt};
use super::begin::LoginBegin;
use super::future::LoginFuture;
use super::layer::Settings;
use super::pressure::Pressure;
use crate::core::{ClientIp, RejectionBody};

/// The service of [`LoginThrottleLayer`](super::LoginThrottleLayer). The [module](crate::rate_limit::login) has the rules and an
/// example.
pub struct LoginService<S, St: Store = MemoryStore> {
    inner: S,
    core: Arc<Settings<St>>,
}

impl<S, St: Store> LoginService<S, St> {
    pub(super) const fn new(inner: S, core: Arc<Settings<St>>) -> Self {
        Self { inner, core }
    }
}

impl<S, St, ReqBody, ResBody> Service<Request<ReqBody>> for LoginService<S, St>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    St: Store,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = LoginFuture<S, ReqBody, St>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let mut begin = self.core.begin(&mut request);
        match begin.decided() {
            Some(outcome) => LoginFuture::decided(&mut self.inner, request, outcome, &self.core),
            None => {
                // The inner service that is ready goes along; what stays behind is asked to be ready again.
                let clone = self.inner.clone();
                let ready = replace(&mut self.inner, clone);
                LoginFuture::waiting(begin, ready, request, Arc::clone(&self.core))
            }
        }
    }
}

impl<St: Store> Settings<St> {
    fn begin<B>(&self, request: &mut Request<B>) -> LoginBegin<St> {
        let core = self.throttle.core();
        let client = ClientIp::from_extensions(request.extensions());
        let client = client.or_else(|| {
            self.clients
                .find(&self.proxies, request, core.events.sink())
        });
        let (headers, extensions) = (request.headers(), request.extensions());
        let account = extensions.get::<LoginAccount>();
        // Requests without an account are one account: they are counted, not let through.
        let name = account.map_or("", LoginAccount::as_str);
        let mut attempt = LoginAttempt::new(name).request(headers, extensions);
        attempt.client = client;
        if account.is_none() {
            core.lacks_account(attempt);
        }
        self.throttle.begin(attempt)
    }
}

/// Tells the handler of a high pressure.
pub(super) fn with_pressure<B>(mut request: Request<B>, pressure: Pressure) -> Request<B> {
    if pressure == Pressure::High {
        request.extensions_mut().insert(pressure);
    }
    request
}

impl<S: Clone, St: Store> Clone for LoginService<S, St> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            core: Arc::clone(&self.core),
        }
    }
}

impl<S: fmt::Debug, St: Store> fmt::Debug for LoginService<S, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
