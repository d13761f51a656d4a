//! The nonce as an argument of handlers.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;

use crate::core::{EventName, Events, Outcome, RefusalContext, Rejection, SecurityEvent, Shared};
use crate::csp::CspNonce;

const CODE: &str = "csp_layer_missing";

/// The nonce of the request.
///
/// Without one the handler is not called: 500 `csp_layer_missing` and an event `sys_crash`, because a page that was written for a
/// nonce and has none is a fault of the program. No [`CspLayer`](crate::csp::CspLayer) with a nonce in its policy stands outside of
/// the handler then, or the system has no randomness to give. `Option<CspNonce>` is for pages that can do without.
impl<S: Send + Sync> FromRequestParts<S> for CspNonce {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Response> {
        Self::from_request_parts(head).ok_or_else(|| missing(head))
    }
}

/// The nonce of the request, if it has one.
impl<S: Send + Sync> OptionalFromRequestParts<S> for CspNonce {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(Self::from_request_parts(head))
    }
}

#[cold]
fn missing(head: &Parts) -> Response {
    let context = RefusalContext::new(head);
    // Anybody can ask for a page in the name of gRPC, for which no nonce is drawn: that is no fault of the program.
    if !context.is_grpc() {
        tell(head);
    }
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Rejection::new(status, CODE, "This page could not be made").into_response(&context)
}

fn tell(head: &Parts) {
    const NAME: EventName = EventName::SysCrash;
    let shared = Shared::from_extensions(&head.extensions);
    Events::default().emit(shared, NAME, NAME.default_level(), || {
        SecurityEvent::new(NAME, "csp", CODE)
            .request(head)
            .outcome(Outcome::Fault)
            .detail("no CspLayer with a nonce in its policy stands outside of this handler")
    });
}
