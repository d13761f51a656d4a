//! The one response future of the layers: already refused, or waiting for the inner service.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

/// What a layer still does to the response of the inner service.
///
/// Implemented by the layers of this crate, and by layers of your own that use [`ResponseFuture`].
pub trait Amend {
    /// Changes the response. Called once, for an `Ok` of the inner service and never for a refusal.
    fn amend<B>(self, response: &mut Response<B>);
}

/// Leaves the response as it is.
impl Amend for () {
    fn amend<B>(self, _: &mut Response<B>) {}
}

pin_project! {
    /// The future of a layer that either has refused the request or waits for the inner service.
    ///
    /// `F` is the inner service's future, `R` the response, `A` what happens to it. Nothing is boxed. Dropping it drops the inner
    /// future.
    ///
    /// # Example
    ///
    /// The service of a layer of your own that refuses as the layers of this crate do:
    ///
    /// ```
    /// use std::task::{Context, Poll};
    /// use http::{Request, Response, StatusCode};
    /// use tower::Service;
    /// use tower_security::core::{RefusalContext, Rejection, RejectionBody, ResponseFuture};
    ///
    /// #[derive(Clone)]
    /// struct Closed<S>(S);
    ///
    /// impl<S, B, RB> Service<Request<B>> for Closed<S>
    /// where
    ///     S: Service<Request<B>, Response = Response<RB>>,
    ///     RB: RejectionBody,
    /// {
    ///     // Not `Response<RB>`: that would cost the compiler twice as much for each layer.
    ///     type Response = S::Response;
    ///     type Error = S::Error;
    ///     type Future = ResponseFuture<S::Future, S::Response>;
    ///
    ///     fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
    ///         self.0.poll_ready(cx)
    ///     }
    ///
    ///     fn call(&mut self, request: Request<B>) -> Self::Future {
    ///         if !request.uri().path().starts_with("/internal") {
    ///             return ResponseFuture::inner(self.0.call(request));
    ///         }
    ///         let (head, _) = request.into_parts();
    ///         let context = RefusalContext::new(&head);
    ///         let refusal = Rejection::new(StatusCode::FORBIDDEN, "closed", "Closed").reuse(head);
    ///         ResponseFuture::refused(refusal.into_response(&context))
    ///     }
    /// }
    /// ```
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, R, A = ()> {
        #[pin]
        state: State<F, R, A>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[derive(Debug)]
    enum State<F, R, A> {
        Refused { response: Option<R> },
        Inner { #[pin] future: F, amendment: Option<A> },
    }
}

impl<F, R, A> ResponseFuture<F, R, A> {
    /// Hands the inner service's response on untouched.
    #[inline]
    pub fn inner(future: F) -> Self {
        Self::maybe_amending(future, None)
    }

    /// Answers without the inner service.
    #[inline]
    pub fn refused(response: R) -> Self {
        Self {
            state: State::Refused {
                response: Some(response),
            },
        }
    }

    /// Changes the inner service's response by `amendment`.
    #[inline]
    pub fn amending(future: F, amendment: A) -> Self {
        Self::maybe_amending(future, Some(amendment))
    }

    /// Changes the inner service's response by `amendment`, if there is one.
    ///
    /// Pass the call itself, `maybe_amending(self.inner.call(request), ..)`: a future that was put into a variable first is moved
    /// once more.
    #[inline]
    pub fn maybe_amending(future: F, amendment: Option<A>) -> Self {
        Self {
            state: State::Inner { future, amendment },
        }
    }
}

impl<F, B, E, A> Future for ResponseFuture<F, Response<B>, A>
where
    F: Future<Output = Result<Response<B>, E>>,
    A: Amend,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().state.project() {
            // Polled again after it was ready: pending for ever, as a fused future would be.
            StateProjection::Refused { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => Poll::Pending,
            },
            StateProjection::Inner { future, amendment } => {
                // Nothing to do, or done in place: to move a response costs as much as a layer does.
                if amendment.is_none() {
                    return future.poll(cx);
                }
                let mut output = future.poll(cx);
                if let Poll::Ready(Ok(response)) = &mut output
                    && let Some(amendment) = amendment.take()
                {
                    amendment.amend(response);
                }
                output
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    type Answer = Response<u8>;

    fn poll<F: Future<Output = Result<Answer, Infallible>>>(
        future: Pin<&mut F>,
    ) -> Poll<Result<Answer, Infallible>> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn body(answer: Poll<Result<Answer, Infallible>>) -> Option<u8> {
        match answer {
            Poll::Ready(Ok(answer)) => Some(*answer.body()),
            Poll::Ready(Err(never)) => match never {},
            Poll::Pending => None,
        }
    }

    struct Created;

    impl Amend for Created {
        fn amend<B>(self, response: &mut Response<B>) {
            *response.status_mut() = http::StatusCode::CREATED;
        }
    }

    #[test]
    fn a_refusal_is_ready_once_and_never_amended() {
        type Refused =
            ResponseFuture<std::future::Ready<Result<Answer, Infallible>>, Answer, Created>;
        let mut refused = pin!(Refused::refused(Response::new(7)));
        let Poll::Ready(Ok(answer)) = poll(refused.as_mut()) else {
            panic!("a refusal is ready at once");
        };
        assert_eq!((*answer.body(), answer.status()), (7, http::StatusCode::OK));
        assert!(poll(refused).is_pending());
    }

    #[test]
    fn the_inner_answer_is_handed_on_or_amended() {
        let answer = || ready(Ok::<_, Infallible>(Response::new(1)));
        let handed_on: ResponseFuture<_, Answer> = ResponseFuture::inner(answer());
        assert_eq!(body(poll(pin!(handed_on))), Some(1));
        let Poll::Ready(Ok(amended)) = poll(pin!(ResponseFuture::amending(answer(), Created)))
        else {
            panic!("it is ready at once");
        };
        assert_eq!(amended.status(), http::StatusCode::CREATED);
        let waiting = pending::<Result<Answer, Infallible>>();
        let waiting: ResponseFuture<_, Answer> = ResponseFuture::inner(waiting);
        assert_eq!(body(poll(pin!(waiting))), None);
    }
}
