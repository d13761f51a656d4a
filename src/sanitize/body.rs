//! The body that the handler gets, and the store in which frames are kept until it may.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::multipart::Scanner;
use super::report::Violation;
use super::rule_set::RuleSet;

type BoxError = Box<dyn Error + Send + Sync>;

pin_project! {
    /// The body of a request behind [`SanitizeLayer`](super::SanitizeLayer): the one that came, or what was read of it.
    ///
    /// Handlers on axum and tonic do not notice; on plain hyper they are generic over the body or take
    /// `Request<GuardedBody<hyper::body::Incoming>>`. Its errors are those of the body that came, boxed.
    pub struct GuardedBody<B> {
        #[pin]
        state: State<B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<B> {
        // Nobody looks at it.
        Pass { #[pin] body: B },
        // It was read to its end.
        Replay { front: Bytes, trailers: Option<Box<HeaderMap>> },
        // It is longer than what is inspected, and passes all the same.
        Chain { front: Bytes, body: Pin<Box<B>> },
        // Reading it failed, and that passes all the same.
        Broken { front: Bytes, error: Option<BoxError> },
        // It is checked as the handler reads it.
        Scan { #[pin] body: B, scan: Box<Scan> },
    }
}

impl<B> GuardedBody<B> {
    #[inline]
    pub(super) const fn pass(body: B) -> Self {
        Self {
            state: State::Pass { body },
        }
    }

    pub(super) const fn replay(front: Bytes, trailers: Option<Box<HeaderMap>>) -> Self {
        Self {
            state: State::Replay { front, trailers },
        }
    }

    pub(super) const fn chain(front: Bytes, body: Pin<Box<B>>) -> Self {
        Self {
            state: State::Chain { front, body },
        }
    }

    pub(super) const fn scan(body: B, scan: Box<Scan>) -> Self {
        Self {
            state: State::Scan { body, scan },
        }
    }

    pub(super) const fn broken(front: Bytes, error: BoxError) -> Self {
        Self {
            state: State::Broken {
                front,
                error: Some(error),
            },
        }
    }
}

/// What a scanner says in the end: the rules that are reported, or the one that refuses.
pub(super) type Verdict = OnceLock<Result<RuleSet, Violation>>;

/// A scanner at work.
pub(super) struct Scan {
    scanner: Scanner,
    verdict: Arc<Verdict>,
}

impl Scan {
    pub(super) const fn new(scanner: Scanner, verdict: Arc<Verdict>) -> Self {
        Self { scanner, verdict }
    }

    fn is_over(&self) -> bool {
        self.verdict.get().is_some()
    }

    fn read(&mut self, data: &[u8]) -> Result<(), Violation> {
        self.scanner
            .read(data)
            .inspect_err(|violation| self.say(Err(violation.clone())))
    }

    fn finish(&mut self) -> Result<(), Violation> {
        if self.is_over() {
            return Ok(());
        }
        let end = self.scanner.finish();
        self.say(end.clone());
        end.map(drop)
    }

    fn say(&self, verdict: Result<RuleSet, Violation>) {
        // The first word holds.
        let _ = self.verdict.set(verdict);
    }

    /// A frame that was looked at. With the last one the end is looked at too: a handler may know that there is nothing behind it.
    fn seen(
        &mut self,
        frame: Option<Frame<Bytes>>,
        is_last: bool,
    ) -> Option<Result<Frame<Bytes>, BoxError>> {
        if matches!(self.verdict.get(), Some(Err(_))) {
            return None;
        }
        let read = match &frame {
            Some(frame) => frame.data_ref().map_or(Ok(()), |data| self.read(data)),
            None => self.finish(),
        };
        let read = read.and_then(|()| if is_last { self.finish() } else { Ok(()) });
        match read {
            Ok(()) => frame.map(Ok),
            Err(violation) => Some(Err(violation.into())),
        }
    }
}

fn taken(front: &mut Bytes) -> Option<Result<Frame<Bytes>, BoxError>> {
    let front = std::mem::take(front);
    (!front.is_empty()).then(|| Ok(Frame::data(front)))
}

impl<B> Body for GuardedBody<B>
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
        let frame = match self.project().state.project() {
            StateProjection::Pass { body } => ready!(body.poll_frame(cx)),
            StateProjection::Replay { front, trailers } => {
                let trailers = || trailers.take().map(|lines| Ok(Frame::trailers(*lines)));
                return Poll::Ready(taken(front).or_else(trailers));
            }
            StateProjection::Chain { front, body } => match taken(front) {
                Some(frame) => return Poll::Ready(Some(frame)),
                None => ready!(body.as_mut().poll_frame(cx)),
            },
            StateProjection::Scan { mut body, scan } => {
                let frame = match ready!(body.as_mut().poll_frame(cx)) {
                    Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                    Some(Ok(frame)) => Some(frame),
                    None => None,
                };
                return Poll::Ready(scan.seen(frame, body.is_end_stream()));
            }
            StateProjection::Broken { front, error } => {
                return Poll::Ready(taken(front).or_else(|| error.take().map(Err)));
            }
        };
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Pass { body } => body.is_end_stream(),
            State::Replay { front, trailers } => front.is_empty() && trailers.is_none(),
            State::Chain { front, body } => front.is_empty() && body.is_end_stream(),
            State::Broken { front, error } => front.is_empty() && error.is_none(),
            State::Scan { body, scan } => scan.is_over() && body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Pass { body } | State::Scan { body, .. } => body.size_hint(),
            State::Replay { front, .. } => SizeHint::with_exact(length(front)),
            State::Chain { front, body } => {
                let rest = body.size_hint();
                let mut whole = SizeHint::new();
                whole.set_lower(rest.lower().saturating_add(length(front)));
                if let Some(upper) = rest.upper() {
                    whole.set_upper(upper.saturating_add(length(front)));
                }
                whole
            }
            State::Broken { front, .. } => {
                let mut hint = SizeHint::new();
                hint.set_lower(length(front));
                hint
            }
        }
    }
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl<B> fmt::Debug for GuardedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Pass { .. } => "GuardedBody::Pass",
            State::Replay { .. } => "GuardedBody::Replay",
            State::Chain { .. } => "GuardedBody::Chain",
            State::Broken { .. } => "GuardedBody::Broken",
            State::Scan { .. } => "GuardedBody::Scan",
        })
    }
}

pin_project! {
    /// A body that is being read.
    pub(super) struct Collector<B> {
        #[pin]
        source: Source<B>,
        store: Store,
    }
}

pin_project! {
    #[project = SourceProjection]
    enum Source<B> {
        Inline { #[pin] body: B },
        // It may have to be handed on half read, and what was polled cannot be moved.
        Boxed { body: Option<Pin<Box<B>>> },
    }
}

/// What was read.
#[derive(Default)]
pub(super) struct Store {
    /// The only frame, which goes on as it is.
    first: Bytes,
    /// All frames, once there are several.
    all: Vec<u8>,
    trailers: Option<Box<HeaderMap>>,
    /// How long it will be, as far as the sender says.
    expected: usize,
}

/// How reading ended.
pub(super) enum Read {
    Whole,
    TooLong,
    Failed(BoxError),
}

impl<B> Collector<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Starts to read. `keeps` says whether the rest may be wanted.
    pub(super) fn new(body: B, keeps: bool) -> Self {
        let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let source = if keeps {
            let body = Some(Box::into_pin(Box::new(body)));
            Source::Boxed { body }
        } else {
            Source::Inline { body }
        };
        Self {
            source,
            store: Store {
                expected,
                ..Store::default()
            },
        }
    }

    pub(super) fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        limit: usize,
    ) -> Poll<Read> {
        let this = self.project();
        let mut source = this.source;
        loop {
            let frame = match source.as_mut().project() {
                SourceProjection::Inline { body } => ready!(body.poll_frame(cx)),
                SourceProjection::Boxed { body } => match body {
                    Some(body) => ready!(body.as_mut().poll_frame(cx)),
                    None => None,
                },
            };
            let frame = match frame {
                None => return Poll::Ready(Read::Whole),
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Read::Failed(error.into())),
            };
            match frame.into_data() {
                Ok(data) => {
                    this.store.push(data, limit);
                    if this.store.len() > limit {
                        return Poll::Ready(Read::TooLong);
                    }
                }
                Err(other) => {
                    if let Ok(trailers) = other.into_trailers() {
                        this.store.trailers = Some(Box::new(trailers));
                    }
                }
            }
        }
    }

    /// What was read so far.
    pub(super) fn take_store(self: Pin<&mut Self>) -> Store {
        std::mem::take(self.project().store)
    }

    /// The rest, if it was to be kept.
    pub(super) fn take_rest(self: Pin<&mut Self>) -> Option<Pin<Box<B>>> {
        match self.project().source.project() {
            SourceProjection::Inline { .. } => None,
            SourceProjection::Boxed { body } => body.take(),
        }
    }
}

impl Store {
    fn len(&self) -> usize {
        self.first.len().saturating_add(self.all.len())
    }

    fn push(&mut self, data: Bytes, limit: usize) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            let both = self.first.len().saturating_add(data.len());
            self.all.reserve_exact(self.expected.min(limit).max(both));
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.extend_from_slice(&data);
    }

    /// The data in one piece, and the trailers.
    pub(super) fn finish(self) -> (Bytes, Option<Box<HeaderMap>>) {
        let whole = if self.all.is_empty() {
            self.first
        } else {
            Bytes::from(self.all)
        };
        (whole, self.trailers)
    }
}
