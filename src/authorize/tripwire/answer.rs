//! What an answer says: yes, no, or that this crate has refused.

use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, Response, StatusCode};

use crate::core::field::Lines;
use crate::core::{AbuseSignal, GRPC_PUSHBACK, GrpcCode, RefusalContext, Refused, Rejection};

static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// What of an error says what a client may do next, and nothing of an object.
static KEPT: [HeaderName; 4] = [ALLOW, WWW_AUTHENTICATE, RETRY_AFTER, GRPC_PUSHBACK];

/// What the head of an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A refusal of this crate, as it was made.
    Refusal,
    /// An error of the handler or of the router.
    Error(StatusCode),
    /// The same over gRPC: a status without a message before it.
    GrpcError(GrpcCode),
    /// All else: content, a redirect, an upgrade, a stream, and what is no known status.
    Success,
}

impl Answer {
    pub(super) fn of<B>(response: &Response<B>, context: &RefusalContext) -> Self {
        let status = response.status();
        let grpc_error = || {
            let may_be = context.is_grpc() && status == StatusCode::OK;
            may_be.then(|| grpc_error(response.headers())).flatten()
        };
        let answer = if status.is_client_error() || status.is_server_error() {
            Self::Error(status)
        } else if let Some(code) = grpc_error() {
            Self::GrpcError(code)
        } else {
            Self::Success
        };
        match response.extensions().get::<Refused>() {
            Some(refused) if answer.is_that_of(*refused, status) => Self::Refusal,
            // Somebody has made an answer of his own of a refusal: it is judged as one.
            Some(_) | None => answer,
        }
    }

    /// Whether a refusal goes out as the refusal that it is.
    fn is_that_of(self, refused: Refused, status: StatusCode) -> bool {
        match self {
            Self::Error(status) => refused.status() == status,
            Self::GrpcError(_) => true,
            // To be sent elsewhere, to log in perhaps, is a refusal too.
            Self::Success => status.is_redirection() && refused.status() == status,
            Self::Refusal => false,
        }
    }
}

/// What an answer says that has its status in the headers, and therefore no messages.
fn grpc_error(headers: &HeaderMap) -> Option<GrpcCode> {
    match Lines::of(headers, &GRPC_STATUS) {
        Lines::One(number) => GrpcCode::of_error(number.as_bytes()),
        // Clients disagree on which of several counts.
        Lines::Absent | Lines::Several(_) => None,
    }
}

/// The error that all with this status have, with what is kept of this one.
pub(super) fn stripped<B>(response: &Response<B>, uniform: Rejection) -> Rejection {
    let headers = response.headers();
    let rejection = KEPT.iter().fold(uniform, |rejection, name| {
        let lines = headers.get_all(name).iter();
        lines.fold(rejection, |rejection, line| {
            rejection.header(name.clone(), line.clone())
        })
    });
    with_signal(response, rejection)
}

/// Bans count by what a handler has said of its answer, whatever becomes of that.
pub(super) fn with_signal<B>(response: &Response<B>, rejection: Rejection) -> Rejection {
    match AbuseSignal::of(response.extensions()) {
        Some(kind) => rejection.reason(AbuseSignal(kind)),
        None => rejection,
    }
}
