//! What is kept of a request until its answer has gone out: enough to refuse it late, and to tell of it.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use http::header::{CONNECTION, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Version};
use tokio::time::Instant;

use super::compile::Settings;
use super::layer::Core;
use super::timer::{self, Lease};
use crate::core::text::cap;
use crate::core::{
    AbuseKind, CleanText, ClientIp, EventName, Level, Mode, Outcome, Pushback, RefusalContext,
    Rejection, RejectionBody, RouteTemplate, SecurityEvent, nanos,
};

pub(super) const LAYER: &str = "limits";

/// Which limit a request has met. It stands in the extensions of the refusal and, as its [`code`](Self::code), in the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum LimitsRefusal {
    /// The handler left the body of its answer standing still for too long. Nothing can be answered then: the body ends with an error.
    #[error("the answer stands still")]
    AnswerStalled,
    /// The client left the body of its request standing still for too long.
    #[error("the body of the request stands still")]
    BodyStalled,
    /// The body of the request, or a message of gRPC in it, is too large.
    #[error("the body of the request is too large")]
    BodyTooLarge,
    /// The body of the request takes too long in all.
    #[error("the body of the request takes too long")]
    BodyTooSlow,
    /// As many requests as may be are being served.
    #[error("too many requests are being served")]
    Overloaded,
    /// The handler took too long.
    #[error("the handler takes too long")]
    ResponseTimeout,
}

impl LimitsRefusal {
    /// Returns the stable snake-case code, such as `body_too_large`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AnswerStalled => "answer_stalled",
            Self::BodyStalled => "body_stalled",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTooSlow => "body_too_slow",
            Self::Overloaded => "overloaded",
            Self::ResponseTimeout => "response_timeout",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::BodyStalled | Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            // Not 503, to which clients and proxies answer by sending the request again: nobody knows how far this one got.
            Self::AnswerStalled | Self::ResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::AnswerStalled | Self::ResponseTimeout => "This request took too long to answer",
            Self::BodyStalled | Self::BodyTooSlow => "The body of this request came too slowly",
            Self::BodyTooLarge => "The body of this request is too large",
            Self::Overloaded => "Too many requests are being served, try again later",
        }
    }

    const fn abuse(self) -> Option<AbuseKind> {
        match self {
            Self::BodyTooLarge => Some(AbuseKind::InputRefused),
            Self::BodyStalled | Self::BodyTooSlow => Some(AbuseKind::Custom("slow_body")),
            // Whoever asks, the service is to blame.
            Self::AnswerStalled | Self::Overloaded | Self::ResponseTimeout => None,
        }
    }

    pub(super) const fn event(self) -> (EventName, Level) {
        match self {
            Self::BodyStalled | Self::BodyTooLarge | Self::BodyTooSlow => {
                (EventName::InputValidationFail, Level::Warn)
            }
            Self::Overloaded => (EventName::ExcessRateLimitExceeded, Level::Warn),
            Self::AnswerStalled | Self::ResponseTimeout => (EventName::SysCrash, Level::Error),
        }
    }

    pub(super) const fn outcome(self, mode: Mode) -> Outcome {
        match (mode, self) {
            (Mode::Enforce, Self::AnswerStalled | Self::ResponseTimeout) => Outcome::Fault,
            (Mode::Enforce, _) => Outcome::Refused,
            _ => Outcome::WouldRefuse,
        }
    }

    /// As it is kept in one byte; 0 is none.
    const fn to_byte(self) -> u8 {
        match self {
            Self::AnswerStalled => 1,
            Self::BodyStalled => 2,
            Self::BodyTooLarge => 3,
            Self::BodyTooSlow => 4,
            Self::Overloaded => 5,
            Self::ResponseTimeout => 6,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::AnswerStalled),
            2 => Some(Self::BodyStalled),
            3 => Some(Self::BodyTooLarge),
            4 => Some(Self::BodyTooSlow),
            5 => Some(Self::Overloaded),
            6 => Some(Self::ResponseTimeout),
            // Nothing else is ever stored.
            _ => None,
        }
    }
}

/// A request whose answer is under way.
#[derive(Debug)]
pub(super) struct Watch {
    core: Arc<Core>,
    context: RefusalContext,
    client: Option<IpAddr>,
    method: Method,
    place: Place,
    /// Which settings hold for it.
    route: usize,
    is_http1: bool,
}

/// Where the request went.
#[derive(Debug)]
enum Place {
    Route(RouteTemplate),
    /// With the query, which is never told.
    Path(Option<PathAndQuery>),
}

impl Watch {
    #[inline]
    pub(super) fn of<B>(core: &Arc<Core>, request: &Request<B>, route: usize) -> Self {
        let (method, extensions) = (request.method(), request.extensions());
        let head = (method, request.headers(), extensions);
        let place = match RouteTemplate::of(extensions) {
            Some(template) => Place::Route(template),
            None => Place::Path(request.uri().path_and_query().cloned()),
        };
        Self {
            core: Arc::clone(core),
            context: RefusalContext::of_rendered(head, false),
            client: extensions.get::<ClientIp>().map(ClientIp::ip),
            method: method.clone(),
            place,
            route,
            is_http1: request.version() < Version::HTTP_2,
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        self.core.settings(self.route)
    }

    pub(super) fn core(&self) -> &Core {
        &self.core
    }

    /// Whether what meets a limit is stopped there.
    pub(super) fn is_enforced(&self) -> bool {
        self.core.mode == Mode::Enforce
    }

    /// Tells of a limit that was met.
    #[cold]
    pub(super) fn tell(&self, refusal: LimitsRefusal) {
        let (name, level) = refusal.event();
        let shared = self.context.shared();
        self.core.events.emit(shared, name, level, || {
            let mut event = SecurityEvent::new(name, LAYER, refusal.code())
                .outcome(refusal.outcome(self.core.mode));
            event.request_id = self.context.request_id();
            let found = self.context.client_ip().map(|client| client.ip());
            event.client_ip = found.or(self.client);
            event.method = Some(CleanText::new(self.method.as_str(), cap::METHOD));
            match &self.place {
                Place::Route(route) => {
                    event.route = Some(CleanText::new(route.as_str(), cap::ROUTE));
                }
                Place::Path(path) => {
                    let path = path.as_ref().map_or("", PathAndQuery::path);
                    event.path = Some(CleanText::new(path, cap::PATH));
                }
            }
            event.own_detail(&limit_of(refusal, self.settings()))
        });
    }

    /// What is answered in the place of the handler.
    #[cold]
    pub(super) fn refuse<B: RejectionBody>(&self, refusal: LimitsRefusal) -> Response<B> {
        let mut rejection = rejection(refusal);
        if self.is_http1 && refusal.status() == StatusCode::REQUEST_TIMEOUT {
            // The rest of the body would be taken for the next request (RFC 9110, section 15.5.9).
            rejection = rejection.header(CONNECTION, HeaderValue::from_static("close"));
        }
        rejection.into_response(&self.context)
    }
}

/// What the body of a request and its answer know of each other. Nothing in it has to be dropped, so that it can be lent again.
#[derive(Debug)]
pub(super) struct Tie {
    pub(super) settings: Settings,
    /// Whether what meets a limit is stopped there.
    pub(super) is_enforced: bool,
    /// The limit that the body has met first.
    met: AtomicU8,
    start: Instant,
    /// How long was waited for the client, in nanoseconds.
    waited: AtomicU64,
    /// Since when that is done again, in nanoseconds after the start and 1 more; 0: it is not.
    since: AtomicU64,
    /// For how long it will be at the most. A handler that does not look after its body any more does not wait for it.
    patience: AtomicU64,
}

thread_local! {
    /// Ties that nobody holds any more: a request with a body allocates none.
    static SPARE: Cell<Vec<Arc<Tie>>> = const { Cell::new(Vec::new()) };
}

// Relaxed throughout: nobody reads other memory by what stands here, and a body that is read by another task ends before its handler can
// answer because of it.
impl Tie {
    pub(super) fn of(watch: &Watch) -> Arc<Self> {
        let tie = Self {
            settings: *watch.settings(),
            is_enforced: watch.is_enforced(),
            met: AtomicU8::new(0),
            start: timer::now(),
            waited: AtomicU64::new(0),
            since: AtomicU64::new(0),
            patience: AtomicU64::new(0),
        };
        match Self::spare(|spare| spare.pop()).flatten() {
            Some(mut lent) => match Arc::get_mut(&mut lent) {
                Some(place) => {
                    *place = tie;
                    lent
                }
                None => Arc::new(tie),
            },
            None => Arc::new(tie),
        }
    }

    /// Keeps it for the next request, when the last who holds it lets go.
    pub(super) fn give_back(self: &Arc<Self>) {
        /// As many as may be under way on a thread in most services.
        const MOST: usize = 64;
        // If both let go at the same time, neither is the last, and it is dropped.
        if Arc::strong_count(self) == 1 {
            Self::spare(|spare| {
                if spare.len() < MOST {
                    spare.push(Arc::clone(self));
                }
            });
        }
    }

    /// `None` in a thread that ends.
    fn spare<T>(change: impl FnOnce(&mut Vec<Arc<Self>>) -> T) -> Option<T> {
        SPARE
            .try_with(|cell| {
                let mut spare = cell.take();
                let changed = change(&mut spare);
                cell.set(spare);
                changed
            })
            .ok()
    }

    pub(super) fn meet(&self, refusal: LimitsRefusal) {
        // The first counts.
        let (none, some) = (0, refusal.to_byte());
        let order = Ordering::Relaxed;
        let _ = self.met.compare_exchange(none, some, order, order);
    }

    fn met(&self) -> Option<LimitsRefusal> {
        LimitsRefusal::from_byte(self.met.load(Ordering::Relaxed))
    }

    pub(super) fn begins_to_wait(&self, now: Instant, patience: Duration) {
        let since = nanos(now.saturating_duration_since(self.start)).saturating_add(1);
        self.patience.store(nanos(patience), Ordering::Relaxed);
        self.since.store(since, Ordering::Relaxed);
    }

    pub(super) fn has_waited(&self, so_far: Duration) {
        self.waited.store(nanos(so_far), Ordering::Relaxed);
        self.since.store(0, Ordering::Relaxed);
    }

    /// How long was waited for the client, and whether that is still done.
    fn waited(&self, now: Instant) -> (Duration, bool) {
        let since = self.since.load(Ordering::Relaxed);
        let so_far = Duration::from_nanos(self.waited.load(Ordering::Relaxed));
        let Some(since) = since.checked_sub(1) else {
            return (so_far, false);
        };
        let at = now.saturating_duration_since(self.start);
        let current = at.saturating_sub(Duration::from_nanos(since));
        let patience = Duration::from_nanos(self.patience.load(Ordering::Relaxed));
        let waited = so_far.saturating_add(current.min(patience));
        (waited, current < patience)
    }
}

/// The answer's side of a request, and its place among those that are served at the same time.
#[derive(Debug)]
pub(super) struct Handle {
    watch: Watch,
    /// `None`: the request has no body.
    tie: Option<Arc<Tie>>,
    is_counted: bool,
    /// Its place since the answer began.
    lease: Option<Lease>,
    is_told: bool,
}

impl Handle {
    #[inline]
    pub(super) const fn new(watch: Watch, tie: Option<Arc<Tie>>, is_counted: bool) -> Self {
        Self {
            watch,
            tie,
            is_counted,
            lease: None,
            is_told: false,
        }
    }

    #[inline]
    pub(super) const fn watch(&self) -> &Watch {
        &self.watch
    }

    #[inline]
    pub(super) const fn has_body(&self) -> bool {
        self.tie.is_some()
    }

    /// The limit that the body of the request has met.
    #[inline]
    pub(super) fn met(&self) -> Option<LimitsRefusal> {
        self.tie.as_ref()?.met()
    }

    /// Tells of that, once.
    #[inline]
    pub(super) fn tell_met(&mut self) {
        if !self.is_told
            && let Some(refusal) = self.met()
        {
            self.is_told = true;
            self.watch.tell(refusal);
        }
    }

    /// How long was waited for the client, and whether that is still done.
    pub(super) fn waited(&self) -> (Duration, bool) {
        let tie = self.tie.as_ref();
        tie.map_or((Duration::ZERO, false), |tie| tie.waited(timer::now()))
    }

    /// Has its place among those that are served for as long as the answer is read.
    #[inline]
    pub(super) fn answers(&mut self) {
        if self.is_counted {
            self.lease = Some(self.watch.core.load.leases.lease());
        }
    }

    /// The answer is read.
    #[inline]
    pub(super) fn is_read(&mut self) {
        if let Some(lease) = &mut self.lease
            && !self.watch.core.load.leases.renew(lease)
        {
            self.watch.core.comes_back();
        }
    }

    /// Gives up its place among those that are served.
    pub(super) fn leave(&mut self) {
        let leases = &self.watch.core.load.leases;
        let lease = self.lease.take();
        let has_place = lease.is_none_or(|lease| leases.end(&lease));
        if std::mem::take(&mut self.is_counted) && has_place {
            self.watch.core.leave();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.tell_met();
        self.leave();
        if let Some(tie) = &self.tie {
            tie.give_back();
        }
    }
}

/// The limit that was met, for the event.
pub(super) fn limit_of(refusal: LimitsRefusal, settings: &Settings) -> String {
    match refusal {
        LimitsRefusal::BodyTooLarge => format!("limit={}", settings.body_limit),
        // Within a message, and between two.
        LimitsRefusal::BodyStalled if settings.grpc => format!(
            "limit={:?} stream_limit={:?}",
            settings.body_idle, settings.stream_idle
        ),
        LimitsRefusal::BodyStalled => format!("limit={:?}", settings.body_idle),
        LimitsRefusal::BodyTooSlow => format!("limit={:?}", settings.body_time),
        LimitsRefusal::ResponseTimeout => format!("limit={:?}", settings.response_time),
        LimitsRefusal::AnswerStalled => format!("limit={:?}", settings.answer_idle),
        LimitsRefusal::Overloaded => String::new(),
    }
}

/// The refusal, without what depends on the request.
pub(super) fn rejection(refusal: LimitsRefusal) -> Rejection {
    let mut rejection =
        Rejection::new(refusal.status(), refusal.code(), refusal.title()).reason(refusal);
    if let Some(kind) = refusal.abuse() {
        rejection = rejection.abuse(kind);
    }
    if refusal == LimitsRefusal::Overloaded {
        let seconds = super::layer::spread_seconds();
        rejection = rejection
            .retry_after(seconds)
            .pushback(Pushback::After(Duration::from_secs(seconds)));
    }
    rejection
}
