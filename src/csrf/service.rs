//! The service: carries the decision out.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{HeaderValue, ORIGIN, VARY};
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use tower_service::Service;

use super::check::{CsrfRefusal, SEC_FETCH_SITE};
use super::future::CsrfAmendment;
use super::layer::Core;
use crate::core::head;
use crate::core::text::cap;
use crate::core::{
    AbuseKind, CleanText, EventName, Level, Mode, Outcome, RefusalContext, Rejection,
    RejectionBody, ResponseFuture, SecurityEvent, Shared,
};

const CODE: &str = "csrf_refused";
/// What a refusal was decided by.
const VARY_DEFAULT: HeaderValue = HeaderValue::from_static("Sec-Fetch-Site, Origin");
const VARY_ISOLATED: HeaderValue =
    HeaderValue::from_static("Sec-Fetch-Site, Origin, Sec-Fetch-Mode, Sec-Fetch-Dest");

/// The service of [`CsrfLayer`](super::CsrfLayer). The [module](crate::csrf) has the rules and an example.
#[derive(Clone, Debug)]
pub struct Csrf<S> {
    inner: S,
    core: Arc<Core>,
}

impl<S> Csrf<S> {
    pub(super) const fn new(inner: S, core: Arc<Core>) -> Self {
        Self { inner, core }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Csrf<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: RejectionBody,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, S::Response, CsrfAmendment>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let core = &*self.core;
        let mut amendment = None;
        let mode = core.mode.load();
        if mode != Mode::Off {
            // In report-only mode too: an answer that a cache keeps from then is still served once refusals begin.
            amendment = core.policy.amendment(request.method());
            let decision = core
                .policy
                .decide(request.method(), request.uri(), request.headers());
            match decision {
                Ok(_) => {}
                Err(refusal) if mode == Mode::Enforce => {
                    return ResponseFuture::refused(core.refuse(request, refusal));
                }
                Err(refusal) => core.report(&mut request, refusal),
            }
        }
        ResponseFuture::maybe_amending(self.inner.call(request), amendment)
    }
}

impl Core {
    #[cold]
    fn refuse<ReqBody, ResBody: RejectionBody>(
        &self,
        request: Request<ReqBody>,
        refusal: CsrfRefusal,
    ) -> Response<ResBody> {
        let (head, _) = request.into_parts();
        self.emit(&head, refusal, Outcome::Refused);
        let context = RefusalContext::new(&head);
        let vary = if self.policy.is_isolating() {
            VARY_ISOLATED
        } else {
            VARY_DEFAULT
        };
        let body = match knows_where(refusal) {
            true => &self.body,
            false => &self.unknown_body,
        };
        let mut rejection = rejection(refusal)
            .reuse(head)
            .header(VARY, vary)
            .prepared(body.clone());
        // Of what browsers do send, any page could make its visitors send enough for a ban.
        if refusal.is_no_browser() {
            rejection = rejection.abuse(AbuseKind::CsrfRefused);
        }
        rejection.reason(refusal).into_response(&context)
    }

    #[cold]
    fn report<B>(&self, request: &mut Request<B>, refusal: CsrfRefusal) {
        // Taken apart here, every request that passes would be moved once more.
        head::with_parts(request, |head| {
            self.emit(head, refusal, Outcome::WouldRefuse);
        });
    }

    fn emit(&self, head: &Parts, refusal: CsrfRefusal, outcome: Outcome) {
        let level = match refusal {
            // Old browsers and programs.
            CsrfRefusal::OriginMismatch | CsrfRefusal::MetadataMissing => Level::Info,
            _ => Level::Warn,
        };
        let shared = Shared::from_extensions(&head.extensions);
        self.events
            .emit(shared, EventName::MaliciousCsrf, level, || {
                SecurityEvent::new(EventName::MaliciousCsrf, "csrf", CODE)
                    .request(head)
                    .outcome(outcome)
                    .rule(refusal.as_str())
                    .clean_detail(detail(&head.headers))
            });
    }
}

/// The refusal, without what depends on the request.
pub(super) fn rejection(refusal: CsrfRefusal) -> Rejection {
    let title = match knows_where(refusal) {
        true => "This request may not come from another site",
        false => "This request does not say where it comes from",
    };
    Rejection::new(StatusCode::FORBIDDEN, CODE, title)
}

/// Whether the request says where it comes from. Programs and old browsers do not, and their users are on no other site.
const fn knows_where(refusal: CsrfRefusal) -> bool {
    !matches!(refusal, CsrfRefusal::MetadataMissing)
}

/// What the request says of where it comes from. The metadata is cut at the first byte that no token has: everything behind
/// ` origin=` is the origin.
fn detail(headers: &HeaderMap) -> CleanText<'static> {
    /// The longest real value has eleven.
    const MAX_SITE: usize = 32;
    /// The longest origin.
    const MAX_ORIGIN: usize = 326;
    let mut text = Vec::with_capacity(MAX_ORIGIN);
    if let Some(site) = headers.get(&SEC_FETCH_SITE) {
        let token = |byte: &&u8| byte.is_ascii_graphic();
        text.extend_from_slice(b"sec_fetch_site=");
        text.extend(site.as_bytes().iter().take_while(token).take(MAX_SITE));
    }
    if let Some(origin) = headers.get(ORIGIN) {
        if !text.is_empty() {
            text.push(b' ');
        }
        text.extend_from_slice(b"origin=");
        text.extend(origin.as_bytes().iter().take(MAX_ORIGIN));
    }
    CleanText::from_bytes(&text, cap::DETAIL).into_owned()
}
