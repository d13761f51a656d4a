//! Refusals of which nearly all is known before a request comes.

use std::mem::swap;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response};

use super::grpc::GrpcContentType;
use super::render::{NO_STORE, PROBLEM_JSON, new_response, with_id};
use super::{PreparedBody, Refused, Rejection};
use crate::core::context::RequestContext;
use crate::core::{RejectionBody, Shared, field, line};

/// A refusal that is always the same but for a few header lines and the reason.
///
/// [`answer`](Self::answer) gives what the whole [`Rejection`] would render to, and moves none about: a flood is answered at the rate
/// at which it comes. It knows HTTP and the default rendering alone; [`suits`](Self::suits) says whether a request gets these.
#[derive(Clone, Debug)]
pub(crate) struct FixedRefusal {
    marker: Refused,
    body: Bytes,
}

/// What of an answer differs from one request to the next.
pub(crate) struct Varying<R, F> {
    pub(crate) reason: R,
    /// In seconds.
    pub(crate) retry_after: Option<u64>,
    /// Adds header lines, before all others.
    pub(crate) lines: F,
}

impl FixedRefusal {
    /// Keeps the status, the code, the sign of abuse and the problem of a refusal; it has no lines, reason or renderer of its own.
    pub(crate) fn new(rejection: &Rejection) -> Self {
        Self {
            marker: Refused::new(rejection.code, rejection.status, rejection.abuse),
            body: rejection.prepare().0,
        }
    }

    /// Returns the problem body, for a whole [`Rejection`].
    pub(crate) fn body(&self) -> PreparedBody {
        PreparedBody(self.body.clone())
    }

    /// Whether the answer to this request is not gRPC's, and no renderer of the stack is to be asked for it.
    pub(crate) fn suits<B>(request: &Request<B>) -> bool {
        let is_grpc = || GrpcContentType::of(request.headers()).is_some();
        let shared = Shared::from_extensions(request.extensions());
        shared.and_then(Shared::renderer).is_none()
            && (request.method() != Method::POST || !is_grpc())
    }

    /// Answers a request, and takes over the maps of its head.
    pub(crate) fn answer<ReqBody, B, R, F>(
        &self,
        request: &mut Request<ReqBody>,
        varying: Varying<R, F>,
    ) -> Response<B>
    where
        B: RejectionBody,
        R: Clone + Send + Sync + 'static,
        F: FnOnce(&mut HeaderMap),
    {
        let context = RequestContext::from_extensions(request.extensions());
        let body = with_id(&self.body, context.and_then(RequestContext::request_id));
        let length = (request.method() == Method::HEAD).then_some(body.len());
        let mut response = new_response(match length {
            Some(_) => B::empty(),
            None => B::from_bytes(body),
        });
        *response.status_mut() = self.marker.status();

        let headers = response.headers_mut();
        swap(headers, request.headers_mut());
        headers.clear();
        (varying.lines)(headers);
        field::set(headers, CACHE_CONTROL, NO_STORE);
        if let Some(seconds) = varying.retry_after {
            field::set(headers, RETRY_AFTER, line::number(seconds));
        }
        field::set(headers, CONTENT_TYPE, PROBLEM_JSON);
        if let Some(length) = length {
            field::set(headers, CONTENT_LENGTH, HeaderValue::from(length));
        }

        let extensions = response.extensions_mut();
        swap(extensions, request.extensions_mut());
        extensions.clear();
        extensions.insert(varying.reason);
        extensions.insert(self.marker);
        response
    }
}
