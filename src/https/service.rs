//! The service: carries the decision out.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, COOKIE, HOST};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use tower_service::Service;

use super::check::{HttpsDecision, HttpsRefusal};
use super::hsts::HttpsAmendment;
use super::layer::Core;
use crate::core::text::cap;
use crate::core::{
    AbuseKind, CleanText, EventName, Level, Mode, Outcome, PreparedBody, RefusalContext, Rejection,
    RejectionBody, ResponseFuture, SecurityEvent, Shared,
};

const NAME: EventName = EventName::InputValidationFail;

/// The service of [`HttpsLayer`](super::HttpsLayer). The [module](crate::https) has the rules and an example.
#[derive(Clone, Debug)]
pub struct Https<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> Https<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Https<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Response, HttpsAmendment>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let core = &*self.core;
        if core.mode == Mode::Off {
            return ResponseFuture::inner(self.inner.call(request));
        }
        let decision = core.policy.decide(
            request.method(),
            request.uri(),
            request.headers(),
            request.extensions(),
        );
        match decision {
            HttpsDecision::Secure(hsts) => {
                let hsts = hsts.filter(|_| core.writes_hsts);
                let amendment = hsts.cloned().map(HttpsAmendment);
                ResponseFuture::maybe_amending(self.inner.call(request), amendment)
            }
            HttpsDecision::Plain => ResponseFuture::inner(self.inner.call(request)),
            HttpsDecision::Unknown => {
                let fault = HttpsRefusal::PeerAddressMissing;
                let request = core.reported(request, Some(fault), Outcome::Fault);
                ResponseFuture::inner(self.inner.call(request))
            }
            HttpsDecision::Refuse(refusal) if core.mode == Mode::ReportOnly => {
                let request = core.reported(request, Some(refusal), Outcome::WouldRefuse);
                ResponseFuture::inner(self.inner.call(request))
            }
            HttpsDecision::Redirect { .. } if core.mode == Mode::ReportOnly => {
                let request = core.reported(request, None, Outcome::WouldRefuse);
                ResponseFuture::inner(self.inner.call(request))
            }
            HttpsDecision::Refuse(refusal) => {
                ResponseFuture::refused(core.refused(request, refusal))
            }
            HttpsDecision::Redirect { status, location } => {
                let redirect = Rejection::redirect(status, location);
                ResponseFuture::refused(core.redirected(request, redirect))
            }
        }
    }
}

impl Core {
    #[cold]
    fn refused<ReqBody, ResBody: RejectionBody>(
        &self,
        request: Request<ReqBody>,
        refusal: HttpsRefusal,
    ) -> Response<ResBody> {
        let (head, _) = request.into_parts();
        let outcome = match refusal {
            HttpsRefusal::PeerAddressMissing => Outcome::Fault,
            _ => Outcome::Refused,
        };
        self.tell(&head, Some(refusal), outcome);
        let context = RefusalContext::new(&head);
        let rejection = rejection(refusal).reuse(head).reason(refusal);
        let rejection = match self.bodies.of(refusal) {
            Some(body) => rejection.prepared(body.clone()),
            None => rejection,
        };
        let rejection = match refusal {
            // No client writes these by accident. A host that is missing or not served here is that of health checks and of
            // names that were moved.
            HttpsRefusal::HostDisagreement
            | HttpsRefusal::HostDuplicate
            | HttpsRefusal::HostMalformed => rejection.abuse(AbuseKind::InputRefused),
            HttpsRefusal::HostMissing
            | HttpsRefusal::HostNotAllowed
            | HttpsRefusal::HttpsRequired
            | HttpsRefusal::PeerAddressMissing => rejection,
        };
        rejection.into_response(&context)
    }

    fn redirected<ReqBody, ResBody: RejectionBody>(
        &self,
        request: Request<ReqBody>,
        redirect: Rejection,
    ) -> Response<ResBody> {
        let (head, _) = request.into_parts();
        // What leaked nothing is what a redirect is for.
        if Exposed::of(&head).is_some() {
            self.tell(&head, None, Outcome::Refused);
        }
        let context = RefusalContext::new(&head);
        redirect.reuse(head).into_response(&context)
    }

    /// Records what became of a request that is handed on.
    #[cold]
    #[inline(never)]
    fn reported<B>(
        &self,
        request: Request<B>,
        refusal: Option<HttpsRefusal>,
        outcome: Outcome,
    ) -> Request<B> {
        let (head, body) = request.into_parts();
        self.tell(&head, refusal, outcome);
        Request::from_parts(head, body)
    }

    /// Records one event: of the refusal, or of a redirect if there is none.
    fn tell(&self, head: &Parts, refusal: Option<HttpsRefusal>, outcome: Outcome) {
        let refusal = refusal.unwrap_or(HttpsRefusal::HttpsRequired);
        let exposed = Exposed::of(head).filter(|_| refusal == HttpsRefusal::HttpsRequired);
        let (code, level) = match (refusal, exposed) {
            (_, Some(_)) => ("insecure_transport", Level::Warn),
            (HttpsRefusal::HttpsRequired, None) => (refusal.code(), Level::Info),
            (HttpsRefusal::PeerAddressMissing, None) => (refusal.code(), Level::Error),
            (_, None) => (refusal.code(), Level::Warn),
        };
        let shared = Shared::from_extensions(&head.extensions);
        self.events.emit(shared, NAME, level, || {
            let event = SecurityEvent::new(NAME, "https", code)
                .request(head)
                .outcome(outcome)
                .rule(refusal.as_str());
            match (exposed, refusal) {
                (Some(exposed), _) => event.detail(exposed.0),
                (None, HttpsRefusal::HttpsRequired | HttpsRefusal::PeerAddressMissing) => event,
                (None, _) => event.clean_detail(named_host(head)),
            }
        });
    }
}

/// What went out in clear with a request, as an event says it; never its value.
#[derive(Clone, Copy)]
struct Exposed(&'static str);

impl Exposed {
    fn of(head: &Parts) -> Option<Self> {
        let headers = &head.headers;
        let is_safe = matches!(head.method, Method::GET | Method::HEAD);
        Some(Self(
            match (
                headers.contains_key(AUTHORIZATION),
                headers.contains_key(COOKIE),
            ) {
                (true, true) => "exposed=authorization,cookie",
                (true, false) => "exposed=authorization",
                (false, true) => "exposed=cookie",
                (false, false) if is_safe => return None,
                (false, false) => "exposed=content",
            },
        ))
    }
}

/// The first host that the request names, without a user name and password.
fn named_host(head: &Parts) -> CleanText<'static> {
    /// The longest name.
    const MAX: usize = 253;
    let authority = head
        .uri
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    let line = head.headers.get(HOST).map(|line| line.as_bytes());
    let text = authority.or(line).unwrap_or_default();
    let host = text.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    let mut detail = b"host=".to_vec();
    detail.extend(host.iter().take(MAX));
    CleanText::from_bytes(&detail, cap::DETAIL).into_owned()
}

/// The bodies of the refusals that anybody can cause at any rate.
#[derive(Debug)]
pub(super) struct Bodies {
    https_required: PreparedBody,
    host_invalid: PreparedBody,
    host_refused: PreparedBody,
}

impl Bodies {
    pub(super) fn new() -> Self {
        Self {
            https_required: rejection(HttpsRefusal::HttpsRequired).prepare(),
            host_invalid: rejection(HttpsRefusal::HostMissing).prepare(),
            host_refused: rejection(HttpsRefusal::HostNotAllowed).prepare(),
        }
    }

    const fn of(&self, refusal: HttpsRefusal) -> Option<&PreparedBody> {
        match refusal {
            HttpsRefusal::HostDisagreement
            | HttpsRefusal::HostDuplicate
            | HttpsRefusal::HostMalformed
            | HttpsRefusal::HostMissing => Some(&self.host_invalid),
            HttpsRefusal::HostNotAllowed => Some(&self.host_refused),
            HttpsRefusal::HttpsRequired => Some(&self.https_required),
            HttpsRefusal::PeerAddressMissing => None,
        }
    }
}

/// The refusal, without what depends on the request.
fn rejection(refusal: HttpsRefusal) -> Rejection {
    let (status, title) = match refusal {
        HttpsRefusal::HostDisagreement
        | HttpsRefusal::HostDuplicate
        | HttpsRefusal::HostMalformed
        | HttpsRefusal::HostMissing => (
            StatusCode::BAD_REQUEST,
            "The host of the request cannot be read",
        ),
        HttpsRefusal::HostNotAllowed => (StatusCode::BAD_REQUEST, "This host is not served here"),
        HttpsRefusal::HttpsRequired => (StatusCode::FORBIDDEN, "HTTPS is required"),
        HttpsRefusal::PeerAddressMissing => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server cannot tell who is calling",
        ),
    };
    Rejection::new(status, refusal.code(), title)
}
