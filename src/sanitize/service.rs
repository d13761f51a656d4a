//! The service: what can be decided from the head is, and bodies that are to be inspected are read.

use std::error::Error;
use std::mem::replace;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::{Collector, GuardedBody, Scan};
use super::check::Head;
use super::content_type::BodyClass;
use super::future::{Reading, SanitizeFuture, Watch};
use super::layer::Core;
use super::multipart::Scanner;
use super::report::Violation;
use super::rule::Rule;
use super::rule_set::RuleSet;
use crate::core::{Mode, RejectionBody, ResponseFuture, head};

/// The service of [`SanitizeLayer`](super::SanitizeLayer). The [module](crate::sanitize) has the rules and an example.
#[derive(Clone, Debug)]
pub struct SanitizeService<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> SanitizeService<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SanitizeService<S>
where
    S: Service<Request<GuardedBody<ReqBody>>, Response = Response<ResBody>> + Clone,
    ReqBody: Body<Data = Bytes>,
    ReqBody::Error: Into<Box<dyn Error + Send + Sync>>,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = SanitizeFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let core = &*self.core;
        if core.mode == Mode::Off || core.is_exempt(&mut request) {
            return SanitizeFuture::decided(ResponseFuture::inner(
                self.inner.call(request.map(GuardedBody::pass)),
            ));
        }
        let mut reported = RuleSet::EMPTY;
        let class = match core.look_at_head(&mut request, &mut reported) {
            Ok(class) => class,
            Err(violation) => {
                let (head, _) = request.into_parts();
                let refused = core.refused(head, violation);
                return SanitizeFuture::decided(ResponseFuture::refused(refused));
            }
        };
        if class == BodyClass::Opaque {
            if !reported.is_empty() {
                core.note(&mut request, reported);
            }
            return SanitizeFuture::decided(ResponseFuture::inner(
                self.inner.call(request.map(GuardedBody::pass)),
            ));
        }
        if let BodyClass::Multipart(boundary) = &class
            && core.multipart.streaming
        {
            return match Scanner::new(&core.multipart, boundary.as_deref()) {
                Ok(scanner) => self.watch(request, scanner, reported),
                Err(violation) => {
                    let (head, _) = request.into_parts();
                    let refused = core.refused(head, violation);
                    SanitizeFuture::decided(ResponseFuture::refused(refused))
                }
            };
        }
        // The inner service that is ready goes along; what stays behind is asked to be ready again.
        let clone = self.inner.clone();
        let inner = replace(&mut self.inner, clone);
        let (head, body) = request.into_parts();
        let keeps = !core.rejects_body(Rule::BodyTooLarge);
        let reading = Reading {
            inner,
            head,
            class,
            reported,
        };
        SanitizeFuture::reading(Collector::new(body, keeps), reading, Arc::clone(&self.core))
    }
}

impl<S> SanitizeService<S> {
    /// Hands a body on that is checked while it is read.
    fn watch<ReqBody, ResBody>(
        &mut self,
        mut request: Request<ReqBody>,
        scanner: Scanner,
        reported: RuleSet,
    ) -> SanitizeFuture<S, ReqBody>
    where
        S: Service<Request<GuardedBody<ReqBody>>, Response = Response<ResBody>>,
        ResBody: RejectionBody,
    {
        if !reported.is_empty() {
            self.core.note(&mut request, reported);
        }
        let verdict = Arc::default();
        let (head, body) = request.into_parts();
        let watch = Box::new(Watch {
            verdict: Arc::clone(&verdict),
            head: head.clone(),
            core: Arc::clone(&self.core),
        });
        let body = GuardedBody::scan(body, Box::new(Scan::new(scanner, verdict)));
        SanitizeFuture::watching(self.inner.call(Request::from_parts(head, body)), watch)
    }
}

impl Core {
    #[inline]
    fn is_exempt<B>(&self, request: &mut Request<B>) -> bool {
        match &self.exempt {
            None => false,
            Some(ask) => head::with_parts(request, |parts| ask.holds(parts)),
        }
    }

    /// What can be told without a look at the body.
    #[inline]
    fn look_at_head<B: Body>(
        &self,
        request: &mut Request<B>,
        reported: &mut RuleSet,
    ) -> Result<BodyClass, Violation> {
        self.request.examine(head_of(request), reported)?;
        if request.body().is_end_stream() || self.has_exempt_body(request) {
            return Ok(BodyClass::Opaque);
        }
        let least = request.body().size_hint().lower();
        self.body.classify(head_of(request), least, reported)
    }

    fn has_exempt_body<B>(&self, request: &mut Request<B>) -> bool {
        match &self.exempt_body {
            None => false,
            Some(ask) => head::with_parts(request, |parts| ask.holds(parts)),
        }
    }

    #[cold]
    fn note<B>(&self, request: &mut Request<B>, reported: RuleSet) {
        let lent = head::take(request);
        let (mut parts, ()) = lent.into_parts();
        self.noted(&mut parts, reported, Vec::new(), None);
        head::give_back(request, parts);
    }
}

fn head_of<B>(request: &Request<B>) -> Head<'_> {
    Head {
        method: request.method(),
        uri: request.uri(),
        version: request.version(),
        headers: request.headers(),
    }
}
