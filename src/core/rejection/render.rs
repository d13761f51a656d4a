//! How a refusal becomes a response.
#![expect(
    clippy::disallowed_methods,
    reason = "the one place that builds a response"
)]

use std::borrow::Cow;
use std::mem::{replace, take};
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use http::{HeaderMap, Response, StatusCode};

use super::grpc::{self, GrpcContentType};
use super::{Problem, RefusalContext, Refused, Rejection, Shape};
use crate::core::json::write_json_string;
use crate::core::{RejectionBody, RequestId, Shared, field, line};

pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub(crate) const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
pub(crate) const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
pub(crate) const GRPC_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
pub(super) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A response that is still to be filled.
#[inline]
pub(super) fn new_response<B>(body: B) -> Response<B> {
    Response::new(body)
}

impl Rejection {
    /// Makes the response.
    #[must_use]
    pub fn into_response<B: RejectionBody>(mut self, context: &RefusalContext) -> Response<B> {
        if matches!(self.shape, Shape::Empty) {
            return Self::protocol_answer(self.status, self.headers);
        }
        let marker = Refused::new(self.code, self.status, self.abuse);
        self.extensions.insert(marker);
        self.set(CACHE_CONTROL, NO_STORE);
        // Among the lines may be those of a handler's answer that this one replaces.
        field::take_off_targeted_cache_control(&mut self.headers);
        match context.grpc() {
            Some(content_type) => self.grpc_response(content_type),
            None => self.http_response(context),
        }
    }

    /// An answer of the protocol itself: a status and these header lines, without a body, a marker or an allocation.
    ///
    /// What [`empty`](Self::empty) renders to, without the fields that such an answer has no use for: a preflight costs less than one
    /// of these values.
    #[must_use]
    pub(crate) fn protocol_answer<B: RejectionBody>(
        status: StatusCode,
        headers: HeaderMap,
    ) -> Response<B> {
        let mut response = new_response(B::empty());
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    fn grpc_response<B: RejectionBody>(&mut self, content_type: GrpcContentType) -> Response<B> {
        if let Some(details) = self.grpc_details.as_ref().and_then(|raw| grpc::binary(raw)) {
            self.set(GRPC_DETAILS, details);
        }
        if let Some(pushback) = self.pushback_value() {
            self.set(GRPC_PUSHBACK, pushback);
        }
        self.set(CONTENT_TYPE, content_type.header_value());
        self.set(GRPC_STATUS, self.grpc.header_value());
        self.set(GRPC_MESSAGE, grpc::message(self.title));
        self.status = StatusCode::OK;
        self.finish(B::empty())
    }

    fn http_response<B: RejectionBody>(&mut self, context: &RefusalContext) -> Response<B> {
        if let Some(seconds) = self.retry_after {
            self.set(RETRY_AFTER, line::number(seconds));
        }
        let (content_type, body) = match &mut self.shape {
            Shape::Redirect(location) => {
                // Moved: the first clone of a value that was just made allocates.
                let location = replace(location, HeaderValue::from_static(""));
                self.set(LOCATION, location);
                return self.finish(B::empty());
            }
            Shape::OAuth => {
                let mut body = Vec::with_capacity(self.code.len().saturating_add(16));
                body.extend_from_slice(b"{\"error\":");
                write_json_string(&mut body, self.code);
                body.push(b'}');
                (JSON, Bytes::from(body))
            }
            // `Empty` was answered before.
            Shape::Problem | Shape::Empty => self
                .rendered(context)
                .unwrap_or_else(|| (PROBLEM_JSON, problem_body(self, context.request_id()))),
        };
        self.set(CONTENT_TYPE, content_type);
        if context.is_head() {
            // Content after a HEAD makes HTTP/2 reset the stream; its length may be told (RFC 9110, section 9.3.2).
            self.set(CONTENT_LENGTH, HeaderValue::from(body.len()));
            return self.finish(B::empty());
        }
        self.finish(B::from_bytes(body))
    }

    /// What the refusal's own renderer makes of it, else the stack's. One that panics renders nothing.
    fn rendered(&self, context: &RefusalContext) -> Option<(HeaderValue, Bytes)> {
        let renderer = match (&self.renderer, context.shared()) {
            (Some(own), _) => &**own,
            (None, shared) => shared.and_then(Shared::renderer)?,
        };
        catch_unwind(AssertUnwindSafe(|| renderer.render(self, context)))
            .ok()
            .flatten()
    }

    fn set(&mut self, name: HeaderName, value: HeaderValue) {
        field::set(&mut self.headers, name, value);
    }

    fn finish<B>(&mut self, body: B) -> Response<B> {
        let mut response = new_response(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = take(&mut self.headers);
        *response.extensions_mut() = take(&mut self.extensions);
        response
    }
}

impl Problem {
    /// Makes the response, which carries a mark that the error mask honours.
    ///
    /// It has a body. Where nobody removes it from the answer to a `HEAD`, as axum does, use
    /// [`into_response_to`](Self::into_response_to): over HTTP/2 hyper resets a stream with one.
    #[must_use]
    pub fn into_response<B: RejectionBody>(self) -> Response<B> {
        let body = B::from_bytes(self.body());
        self.with_body(body)
    }

    /// Makes the response to the request that `context` was made of: to a `HEAD` the head alone.
    #[must_use]
    pub fn into_response_to<B: RejectionBody>(self, context: &RefusalContext) -> Response<B> {
        if !context.is_head() {
            return self.into_response();
        }
        let length = HeaderValue::from(self.body().len());
        let mut response = self.with_body(B::empty());
        field::set(response.headers_mut(), CONTENT_LENGTH, length);
        response
    }

    fn with_body<B>(self, body: B) -> Response<B> {
        let mut response = new_response(body);
        *response.status_mut() = self.status();
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        response.extensions_mut().insert(super::problem::Deliberate);
        response
    }
}

/// The RFC 9457 object of a refusal.
pub(super) fn problem_body(rejection: &Rejection, id: Option<&RequestId>) -> Bytes {
    if let Some(prepared) = &rejection.prepared {
        return with_id(prepared, id);
    }
    // One allocation for a refusal without members: the fixed words, the code and the title, an id of 64.
    let mut body = Vec::with_capacity(256);
    body.push(b'{');
    if let Some(problem_type) = &rejection.problem_type {
        body.extend_from_slice(b"\"type\":");
        write_json_string(&mut body, problem_type);
        body.push(b',');
    }
    body.extend_from_slice(b"\"title\":");
    write_json_string(&mut body, rejection.title);
    body.extend_from_slice(b",\"status\":");
    body.extend_from_slice(rejection.status.as_str().as_bytes());
    body.extend_from_slice(b",\"code\":");
    write_json_string(&mut body, rejection.code);
    for (name, values) in &rejection.members {
        body.push(b',');
        write_json_string(&mut body, name);
        body.push(b':');
        write_json_array(&mut body, values);
    }
    if let Some(id) = id {
        write_request_id(&mut body, id);
    }
    body.push(b'}');
    Bytes::from(body)
}

/// A body that was written before, and the id of the request.
pub(super) fn with_id(prepared: &Bytes, id: Option<&RequestId>) -> Bytes {
    let Some(id) = id else {
        return prepared.clone();
    };
    let object = prepared.strip_suffix(b"}").unwrap_or_default();
    let mut body = Vec::with_capacity(object.len().saturating_add(96));
    body.extend_from_slice(object);
    write_request_id(&mut body, id);
    body.push(b'}');
    Bytes::from(body)
}

fn write_request_id(body: &mut Vec<u8>, id: &RequestId) {
    body.extend_from_slice(b",\"request_id\":");
    write_json_string(body, id.as_str());
}

pub(super) fn write_json_array(body: &mut Vec<u8>, values: &[Cow<'static, str>]) {
    body.push(b'[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        write_json_string(body, value);
    }
    body.push(b']');
}
