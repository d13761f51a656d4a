//! Bodies of refusals, and an adapter for body types that a refusal cannot be made of.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt, Full};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// A response body that a refusal can be made of.
///
/// Layers that refuse ask for it of the service they wrap. It is implemented for `http_body_util::Full<Bytes>`, for the boxed
/// bodies of that crate, for axum's body (feature `axum`), tonic's body (feature `tonic`) and for [`AdaptedBody`], which wraps
/// any other body of `Bytes`.
///
/// # Example
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use tower_security::core::RejectionBody;
///
/// let body = Full::<Bytes>::from_bytes(Bytes::from_static(b"refused"));
/// # let _ = body;
/// ```
#[diagnostic::on_unimplemented(
    message = "a refusal cannot be made of the response body `{Self}`",
    label = "this service answers with a body that tower-security does not know",
    note = "axum and tonic bodies need the feature `axum` or `tonic` of tower-security",
    note = "for any other body add `.adapt_body()` to the stack, or `BodyAdapterLayer` next to the handler",
    note = "if the handler's own body is a known one, a layer between has changed it: apply that layer outside of the stack, or put \
            a `BodyAdapterLayer` around it: `ServiceBuilder::new().layer(BodyAdapterLayer::new()).layer(it)`"
)]
pub trait RejectionBody: Sized {
    /// Makes a body of these bytes.
    fn from_bytes(bytes: Bytes) -> Self;

    /// Makes a body without content.
    #[must_use]
    fn empty() -> Self {
        Self::from_bytes(Bytes::new())
    }
}

impl RejectionBody for Full<Bytes> {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::new(bytes)
    }
}

impl<E: 'static> RejectionBody for BoxBody<Bytes, E> {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::new(Full::new(bytes).map_err(|never| match never {}))
    }
}

impl<E: 'static> RejectionBody for UnsyncBoxBody<Bytes, E> {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::new(Full::new(bytes).map_err(|never| match never {}))
    }
}

pin_project! {
    /// The inner service's body, or that of a refusal. Made by [`BodyAdapter`].
    #[derive(Debug)]
    pub struct AdaptedBody<B> {
        #[pin]
        body: Adapted<B>,
    }
}

pin_project! {
    #[project = AdaptedProjection]
    #[derive(Debug)]
    enum Adapted<B> {
        Inner { #[pin] body: B },
        Refusal { body: Option<Bytes> },
    }
}

impl<B> AdaptedBody<B> {
    /// Wraps a body.
    #[must_use]
    pub fn new(body: B) -> Self {
        Self {
            body: Adapted::Inner { body },
        }
    }
}

impl<B> RejectionBody for AdaptedBody<B> {
    fn from_bytes(bytes: Bytes) -> Self {
        let body = (!bytes.is_empty()).then_some(bytes);
        Self {
            body: Adapted::Refusal { body },
        }
    }
}

impl<B: Body<Data = Bytes>> Body for AdaptedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().body.project() {
            AdaptedProjection::Inner { body } => body.poll_frame(cx),
            AdaptedProjection::Refusal { body } => {
                Poll::Ready(body.take().map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Adapted::Inner { body } => body.is_end_stream(),
            Adapted::Refusal { body } => body.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Adapted::Inner { body } => body.size_hint(),
            Adapted::Refusal { body } => {
                SizeHint::with_exact(body.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}

/// Makes the body of any service one that a refusal can be made of. See [`AdaptedBody`].
///
/// It stands next to the handler, inside every layer that refuses; in a stack `.adapt_body()` puts it there.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct BodyAdapterLayer;

impl BodyAdapterLayer {
    /// Makes the layer.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for BodyAdapterLayer {
    type Service = BodyAdapter<S>;

    fn layer(&self, inner: S) -> BodyAdapter<S> {
        BodyAdapter { inner }
    }
}

/// The service of [`BodyAdapterLayer`].
#[derive(Clone, Copy, Debug)]
pub struct BodyAdapter<S> {
    inner: S,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for BodyAdapter<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<AdaptedBody<ResBody>>;
    type Error = S::Error;
    type Future = AdaptedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        AdaptedFuture {
            inner: self.inner.call(request),
        }
    }
}

pin_project! {
    /// The future of [`BodyAdapter`].
    #[derive(Debug)]
    pub struct AdaptedFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, B, E> Future for AdaptedFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<AdaptedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.project().inner.poll(cx))?;
        Poll::Ready(Ok(response.map(AdaptedBody::new)))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    /// The content of a body that is ready at once, and whether it knew its length and its end.
    fn content<B: Body<Data = Bytes> + RejectionBody>(body: B) -> (Vec<u8>, bool) {
        let exact = body.size_hint().exact();
        let mut body = pin!(body);
        let mut task = Context::from_waker(Waker::noop());
        let mut content = Vec::new();
        while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut task) {
            let Ok(frame) = frame else {
                panic!("a body in memory does not fail")
            };
            content.extend(frame.into_data().unwrap_or_default());
        }
        let length = u64::try_from(content.len()).ok();
        (content, body.is_end_stream() && exact == length)
    }

    fn holds<B: Body<Data = Bytes> + RejectionBody>() {
        let refused = B::from_bytes(Bytes::from_static(b"refused"));
        assert_eq!(content(refused), (b"refused".to_vec(), true));
        assert_eq!(content(B::empty()), (Vec::new(), true));
        assert!(
            B::empty().is_end_stream(),
            "a HEAD needs a body that has ended"
        );
        assert_eq!(content(B::from_bytes(Bytes::new())), (Vec::new(), true));
    }

    #[test]
    fn every_body_holds_a_refusal_and_knows_its_end() {
        holds::<Full<Bytes>>();
        holds::<BoxBody<Bytes, std::io::Error>>();
        holds::<UnsyncBoxBody<Bytes, std::io::Error>>();
        holds::<AdaptedBody<Full<Bytes>>>();
        #[cfg(feature = "axum")]
        holds::<axum::body::Body>();
        #[cfg(feature = "tonic")]
        holds::<tonic::body::Body>();
    }

    #[test]
    fn an_adapted_body_is_the_inner_one() {
        let inner = AdaptedBody::new(Full::new(Bytes::from_static(b"served")));
        assert_eq!(content(inner), (b"served".to_vec(), true));
    }
}
