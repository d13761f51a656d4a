//! The body of a request: counted and timed as it is read.

use std::error::Error;
use std::fmt;
use std::io;
use std::mem::size_of;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Full, Limited};
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::timer::{Timer, after, now};
use super::watch::{LimitsRefusal, Tie};

type BoxError = Box<dyn Error + Send + Sync>;

pin_project! {
    /// The body of a request behind [`LimitsLayer`](super::LimitsLayer).
    ///
    /// Handlers on axum and tonic do not notice; on plain hyper they are generic over the body or take
    /// `Request<LimitedBody<hyper::body::Incoming>>`. Its errors are those of the body that came, boxed, and [`BodyLimitError`].
    pub struct LimitedBody<B> {
        #[pin]
        body: B,
        #[pin]
        timer: Timer,
        // `None`: nobody counts, or not any more.
        meter: Option<Meter>,
        // It has met a limit, or failed.
        is_broken: bool,
    }
}

/// What is counted of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyKind {
    /// All of it.
    Whole,
    /// Each message of gRPC.
    Messages,
    /// Nothing: it has said that it is too large, and passes all the same.
    Any,
}

/// What is known of a body that is being read.
#[derive(Debug)]
struct Meter {
    tie: Arc<Tie>,
    size: Size,
    /// Since when the client is waited for.
    since: Option<Instant>,
    /// How long it was waited for before that, in this message.
    spent: Duration,
    /// The same, in all.
    waited: Duration,
    /// What was told in report-only mode, and is not looked at any more.
    ignores_time: bool,
}

/// How much may come.
#[derive(Debug)]
enum Size {
    /// So many bytes more.
    Whole(u64),
    /// Messages of gRPC.
    Messages(Messages),
    Any,
}

/// Where in its messages a stream of gRPC is ("Length-Prefixed-Message").
#[derive(Debug, Default)]
struct Messages {
    prefix: [u8; 5],
    /// How much of the prefix is there.
    known: usize,
    /// How much of the message is to come.
    left: u64,
}

impl Messages {
    const fn is_between(&self) -> bool {
        self.known == 0 && self.left == 0
    }

    /// Follows the messages in these bytes; `false` if one is too large. An empty one is over with its prefix.
    fn follow(&mut self, mut data: &[u8], limit: u64) -> bool {
        while let Some((first, rest)) = data.split_first() {
            if self.left > 0 {
                let here = usize::try_from(self.left)
                    .unwrap_or(usize::MAX)
                    .min(data.len());
                self.left = self.left.saturating_sub(length(here));
                data = data.get(here..).unwrap_or_default();
                continue;
            }
            if let Some(byte) = self.prefix.get_mut(self.known) {
                *byte = *first;
            }
            self.known = self.known.saturating_add(1);
            data = rest;
            if self.known == self.prefix.len() {
                let [_, size @ ..] = self.prefix;
                let size: [u8; size_of::<u32>()] = size;
                self.left = u32::from_be_bytes(size).into();
                self.known = 0;
                if self.left > limit {
                    return false;
                }
            }
        }
        true
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl<B> LimitedBody<B> {
    #[inline]
    pub(super) fn unlimited(body: B) -> Self {
        Self {
            body,
            timer: Timer::default(),
            meter: None,
            is_broken: false,
        }
    }

    pub(super) fn limited(body: B, tie: Arc<Tie>, kind: BodyKind) -> Self {
        let size = match kind {
            BodyKind::Whole => Size::Whole(tie.settings.body_limit),
            BodyKind::Messages => Size::Messages(Messages::default()),
            BodyKind::Any => Size::Any,
        };
        Self {
            body,
            timer: Timer::default(),
            meter: Some(Meter {
                tie,
                size,
                since: None,
                spent: Duration::ZERO,
                waited: Duration::ZERO,
                ignores_time: false,
            }),
            is_broken: false,
        }
    }
}

impl Meter {
    /// Counts what came, and the time until it did.
    fn takes(&mut self, data: Option<&Bytes>) -> Result<(), BodyLimitError> {
        if data.is_some_and(Bytes::is_empty) {
            // Frames of nothing are no progress (CVE-2019-9518).
            return Ok(());
        }
        self.stops_waiting();
        let limit = self.tie.settings.body_limit;
        let Some(data) = data else {
            return Ok(());
        };
        let fits = match &mut self.size {
            Size::Any => true,
            Size::Whole(left) => match left.checked_sub(length(data.len())) {
                Some(rest) => {
                    *left = rest;
                    true
                }
                None => false,
            },
            Size::Messages(messages) => {
                let fits = messages.follow(data, limit);
                if messages.is_between() {
                    self.spent = Duration::ZERO;
                }
                fits
            }
        };
        if fits {
            return Ok(());
        }
        // In report-only mode: it is told once.
        self.size = Size::Any;
        self.met(LimitsRefusal::BodyTooLarge)
    }

    fn stops_waiting(&mut self) {
        if let Some(since) = self.since.take() {
            let time = now().saturating_duration_since(since);
            self.spent = self.spent.saturating_add(time);
            self.waited = self.waited.saturating_add(time);
            self.tie.has_waited(self.waited);
        }
    }

    /// How long may be waited from the beginning of this wait, and what is met then.
    fn patience(&self) -> (Duration, LimitsRefusal) {
        let settings = &self.tie.settings;
        if let Size::Messages(messages) = &self.size
            && messages.is_between()
        {
            return (settings.stream_idle, LimitsRefusal::BodyStalled);
        }
        let rest = settings.body_time.saturating_sub(self.spent);
        if rest < settings.body_idle {
            (rest, LimitsRefusal::BodyTooSlow)
        } else {
            (settings.body_idle, LimitsRefusal::BodyStalled)
        }
    }

    /// Waits for the client; an error if that has taken too long.
    fn waits(
        &mut self,
        mut timer: Pin<&mut Timer>,
        cx: &mut Context<'_>,
    ) -> Result<(), BodyLimitError> {
        let (patience, refusal) = self.patience();
        if self.since.is_none() {
            let start = now();
            self.since = Some(start);
            self.tie.begins_to_wait(start, patience);
            if patience != Duration::MAX && !self.ignores_time {
                timer.as_mut().set(after(start, patience));
            }
        }
        if patience == Duration::MAX || self.ignores_time || timer.poll(cx).is_pending() {
            return Ok(());
        }
        self.ignores_time = true;
        self.met(refusal)
    }

    #[cold]
    fn met(&self, refusal: LimitsRefusal) -> Result<(), BodyLimitError> {
        self.tie.meet(refusal);
        if self.tie.is_enforced {
            Err(BodyLimitError::new(refusal))
        } else {
            Ok(())
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        // Or the handler would have its time from now on as well.
        self.stops_waiting();
        self.tie.give_back();
    }
}

impl<B> Body for LimitedBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if *this.is_broken {
            return Poll::Ready(None);
        }
        let Some(meter) = this.meter else {
            let frame = ready!(this.body.poll_frame(cx));
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        };
        let error = match this.body.poll_frame(cx) {
            Poll::Pending => match meter.waits(this.timer, cx) {
                Ok(()) => return Poll::Pending,
                Err(error) => error.into(),
            },
            Poll::Ready(Some(Ok(frame))) => match meter.takes(frame.data_ref()) {
                Ok(()) => return Poll::Ready(Some(Ok(frame))),
                Err(error) => error.into(),
            },
            Poll::Ready(Some(Err(error))) => error.into(),
            Poll::Ready(None) => {
                *this.meter = None;
                return Poll::Ready(None);
            }
        };
        *this.meter = None;
        *this.is_broken = true;
        Poll::Ready(Some(Err(error)))
    }

    fn is_end_stream(&self) -> bool {
        // What was cut has not ended.
        !self.is_broken && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> fmt::Debug for LimitedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitedBody")
            .field("meter", &self.meter)
            .finish_non_exhaustive()
    }
}

/// What a handler reads in the place of the rest of a body that has met a limit.
///
/// It need not answer it: what it makes of it, an error or an answer of 400 and above, is replaced by the refusal. Further down its sources
/// stands [`http_body_util::LengthLimitError`] for a body that is too large, and an [`io::Error`] of the kind
/// [`TimedOut`](io::ErrorKind::TimedOut) for one that is too slow.
///
/// # Example
///
/// ```
/// use std::error::Error;
/// use tower_security::limits::{BodyLimitError, LimitsRefusal};
///
/// /// Whether an upload was cut for its size, however deep the error of it lies.
/// fn is_too_large(error: &(dyn Error + 'static)) -> bool {
///     match error.downcast_ref::<BodyLimitError>() {
///         Some(limit) => limit.refusal() == LimitsRefusal::BodyTooLarge,
///         None => error.source().is_some_and(is_too_large),
///     }
/// }
/// # assert!(!is_too_large(&std::fmt::Error));
/// ```
#[derive(Debug)]
pub struct BodyLimitError {
    refusal: LimitsRefusal,
    source: BoxError,
}

impl BodyLimitError {
    fn new(refusal: LimitsRefusal) -> Self {
        let source = match refusal {
            LimitsRefusal::BodyTooLarge => length_limit_error(),
            _ => io::Error::new(io::ErrorKind::TimedOut, refusal).into(),
        };
        Self { refusal, source }
    }

    /// Returns the limit that was met.
    #[must_use]
    pub const fn refusal(&self) -> LimitsRefusal {
        self.refusal
    }
}

/// Only its own crate can make one.
fn length_limit_error() -> BoxError {
    let body = Limited::new(Full::new(Bytes::from_static(b"a")), 0);
    match pin!(body).poll_frame(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Err(error))) => error,
        // It is more than nothing.
        _ => LimitsRefusal::BodyTooLarge.into(),
    }
}

impl fmt::Display for BodyLimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl Error for BodyLimitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
