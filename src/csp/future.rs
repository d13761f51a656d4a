//! What happens to an answer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY as REPORT_ONLY,
    Entry,
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use pin_project_lite::pin_project;

use super::config::{NonceCaching, Precedence};
use super::forms::Form;
use super::layer::{Core, LAYER};
use super::media::Media;
use super::nonce::{CspNonce, Drawn};
use super::policy::CspPolicy;
use super::route::{Carried, Rule};
use crate::core::reporting::REPORTING_ENDPOINTS;
use crate::core::text::cap;
use crate::core::{Amend, CleanText, EventName, Mode, Outcome, SecurityEvent, field};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

pin_project! {
    /// The future of [`CspService`](super::CspService) and [`CspOverrideService`](super::CspOverrideService): that of the inner service and
    /// what happens to its answer.
    ///
    /// Not [`core::ResponseFuture`](crate::core::ResponseFuture), which has room for a refusal: these layers refuse nothing, and ask
    /// nothing of the body.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct CspFuture<F, A> {
        #[pin]
        inner: F,
        amendment: Option<A>,
    }
}

impl<F, A> CspFuture<F, A> {
    #[inline]
    pub(super) const fn new(inner: F, amendment: Option<A>) -> Self {
        Self { inner, amendment }
    }
}

impl<F, A, B, E> Future for CspFuture<F, A>
where
    F: Future<Output = Result<Response<B>, E>>,
    A: Amend,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // Changed in place: to move an answer costs as much as a layer does.
        let mut output = this.inner.poll(cx);
        if let Poll::Ready(Ok(response)) = &mut output
            && let Some(amendment) = this.amendment.take()
        {
            amendment.amend(response);
        }
        output
    }
}

/// What [`CspService`](super::CspService) does to an answer.
#[derive(Debug)]
pub struct CspAmendment {
    core: Arc<Core>,
    nonce: Option<CspNonce>,
    /// Whether a layer further outside had drawn a nonce before.
    is_second: bool,
    /// Whether the request is known to have come without TLS.
    is_plain: bool,
}

impl CspAmendment {
    #[inline]
    pub(super) fn new(core: &Arc<Core>, drawn: Option<Drawn>, is_plain: bool) -> Self {
        Self {
            core: Arc::clone(core),
            nonce: drawn.and_then(|drawn| drawn.nonce),
            is_second: drawn.is_some_and(|drawn| drawn.is_second),
            is_plain,
        }
    }
}

impl Amend for CspAmendment {
    #[inline]
    fn amend<B>(self, response: &mut Response<B>) {
        if self.core.mode == Mode::Off {
            // What a route says is for this layer, and not for one further outside.
            response.extensions_mut().remove::<Carried>();
            return;
        }
        let status = response.status();
        if status.is_informational() {
            return;
        }
        let media = Media::of(response.headers(), &self.core.nonce_types);
        if media == Media::Grpc {
            return;
        }
        let carried = self.exchange(response.extensions_mut());
        self.send(status, media, carried.as_ref(), response.headers_mut());
    }
}

/// How the policies of one answer are sent.
struct Sending<'a> {
    status: StatusCode,
    media: Media,
    is_plain: bool,
    precedence: Precedence,
    nonce: Option<&'a CspNonce>,
    has_sent_nonce: bool,
}

impl CspAmendment {
    /// Takes what a route says, and passes on what an outer layer needs to know.
    fn exchange(&self, extensions: &mut Extensions) -> Option<Carried> {
        let carried = extensions.remove::<Carried>();
        if self.is_second {
            // The handler has seen the nonce that was drawn last: the outer layer, which has drawn another, must send this one.
            let seen = carried.as_ref().and_then(|carried| carried.nonce);
            extensions.insert(Carried {
                rule: None,
                nonce: seen.or(self.nonce),
            });
        }
        carried
    }

    fn send(
        &self,
        status: StatusCode,
        media: Media,
        carried: Option<&Carried>,
        headers: &mut HeaderMap,
    ) {
        let core = &*self.core;
        let (enforce, report_only) = match carried.and_then(|carried| carried.rule.as_deref()) {
            None => (core.enforce.as_ref(), core.report_only.as_ref()),
            Some(Rule::Replace {
                enforce,
                report_only,
            }) => (Some(enforce), report_only.as_ref()),
            Some(Rule::Remove) => return,
        };
        let mut sending = Sending {
            status,
            media,
            is_plain: self.is_plain,
            precedence: core.precedence,
            nonce: carried
                .and_then(|carried| carried.nonce.as_ref())
                .or(self.nonce.as_ref()),
            has_sent_nonce: false,
        };
        match core.mode {
            Mode::Enforce => {
                sending.put(headers, &CONTENT_SECURITY_POLICY, [enforce, None]);
                sending.put(headers, &REPORT_ONLY, [report_only, None]);
            }
            Mode::ReportOnly => sending.put(headers, &REPORT_ONLY, [enforce, report_only]),
            Mode::Off => {}
        }
        if sending.has_sent_nonce && core.nonce_caching == NonceCaching::NoStore {
            self.keep_out_of_caches(headers);
        }
    }

    fn keep_out_of_caches(&self, headers: &mut HeaderMap) {
        // A map that is full has no room for it either.
        let Ok(entry) = headers.try_entry(CACHE_CONTROL) else {
            return;
        };
        match entry {
            Entry::Vacant(vacant) => {
                let _ = vacant.try_insert(NO_STORE);
            }
            Entry::Occupied(own) => {
                if !own.iter().any(is_for_one) {
                    self.tell_cached(own.get());
                }
            }
        }
    }

    #[cold]
    fn tell_cached(&self, line: &HeaderValue) {
        const NAME: EventName = EventName::SysMonitorDisabled;
        let core = &*self.core;
        if core.told_cached.swap(true, Ordering::Relaxed) {
            return;
        }
        core.events
            .emit(core.shared.get(), NAME, NAME.default_level(), || {
                let mut detail = b"cache_control=".to_vec();
                detail.extend_from_slice(line.as_bytes());
                SecurityEvent::new(NAME, LAYER, "nonce_cached")
                    .outcome(Outcome::Fault)
                    .clean_detail(CleanText::from_bytes(&detail, cap::DETAIL).into_owned())
            });
    }
}

impl Sending<'_> {
    /// Sends policies under one name.
    fn put(
        &mut self,
        headers: &mut HeaderMap,
        name: &HeaderName,
        policies: [Option<&CspPolicy>; 2],
    ) {
        let mut policies = policies.into_iter().flatten();
        let Some(first) = policies.next() else {
            return;
        };
        // The lines of a 304 replace those that are stored with the body (RFC 9111, section 3.2), all of one name at once. Where the
        // stored ones say the nonce of the body, none may be sent, not even one that the layer would put beside the handler's.
        if self.status == StatusCode::NOT_MODIFIED
            && (first.has_slot() || policies.clone().any(CspPolicy::has_slot))
        {
            if self.precedence != Precedence::Handler {
                headers.remove(name);
            }
            return;
        }
        match self.precedence {
            Precedence::Both => field::add(headers, name.clone(), self.value(first)),
            Precedence::Layer => field::set(headers, name.clone(), self.value(first)),
            // One look-up says whether the handler has set it and puts it there. A map that is full takes no header.
            Precedence::Handler => match headers.try_entry(name) {
                Ok(Entry::Vacant(vacant)) => {
                    let _ = vacant.try_insert(self.value(first));
                }
                Ok(Entry::Occupied(_)) | Err(_) => return,
            },
        }
        self.add_endpoints(headers, first);
        for policy in policies {
            field::add(headers, name.clone(), self.value(policy));
            self.add_endpoints(headers, policy);
        }
    }

    fn value(&mut self, policy: &CspPolicy) -> HeaderValue {
        let form = form(self.status, self.media);
        let rendered = policy.forms().render(form, self.is_plain, self.nonce);
        self.has_sent_nonce |= rendered.has_nonce;
        rendered.value
    }

    /// A dictionary may span lines (RFC 9651, section 3.2), so that the handler's own endpoints stay.
    fn add_endpoints(&self, headers: &mut HeaderMap, policy: &CspPolicy) {
        let Some(endpoints) = policy.reporting_endpoints() else {
            return;
        };
        let mut lines = headers.get_all(&REPORTING_ENDPOINTS).iter();
        if self.media == Media::Document && !lines.any(|line| line == endpoints) {
            field::add(headers, REPORTING_ENDPOINTS.clone(), endpoints.clone());
        }
    }
}

fn form(status: StatusCode, media: Media) -> Form {
    let is_bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
    let is_redirect = status.is_redirection() && status != StatusCode::NOT_MODIFIED;
    match media {
        _ if is_bodiless || is_redirect => Form::Twin,
        Media::Document => Form::Full,
        Media::JavaScript => Form::ScriptTwin,
        Media::Grpc | Media::Other => Form::Twin,
    }
}

/// Whether a line keeps an answer out of caches that serve many. Without such a line they may store it, even by a lifetime that they
/// guess, and under `no-cache` they hand out the stored page once the handler has said 304 (RFC 9111, sections 3 and 5.2.2).
fn is_for_one(line: &HeaderValue) -> bool {
    /// More than any real header has.
    const MAX_BYTES: usize = 256;
    let line = line.as_bytes();
    let line = line.get(..MAX_BYTES).unwrap_or(line);
    line.split(|byte| *byte == b',').any(|directive| {
        let name = directive.trim_ascii();
        // With names of headers behind it, `private` is about these alone.
        name.eq_ignore_ascii_case(b"no-store") || name.eq_ignore_ascii_case(b"private")
    })
}
