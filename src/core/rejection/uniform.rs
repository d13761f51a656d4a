//! The refusals that stand in for an error of which only the status may be told.

use http::StatusCode;

use super::{GrpcCode, Rejection};

impl Rejection {
    /// The error that all with this status have: nothing in it depends on what happened.
    pub(crate) fn uniform(status: StatusCode) -> Self {
        let (code, title) = match status.as_u16() {
            400 => ("bad_request", "Bad request"),
            401 => ("authentication_required", "Authentication is required"),
            403 => ("forbidden", "This is not allowed"),
            404 => return Self::not_found(),
            405 => return Self::wrong_method(),
            406 => ("not_acceptable", "Not acceptable"),
            408 => ("request_timeout", "Request timeout"),
            409 => ("conflict", "Conflict"),
            410 => ("gone", "Gone"),
            411 => ("length_required", "Length required"),
            412 => ("precondition_failed", "Precondition failed"),
            413 => ("content_too_large", "Content too large"),
            414 => ("target_too_long", "Target too long"),
            415 => ("unsupported_media_type", "Unsupported media type"),
            416 => ("range_not_satisfiable", "Range not satisfiable"),
            417 => ("expectation_failed", "Expectation failed"),
            422 => ("unprocessable_content", "Unprocessable content"),
            426 => ("upgrade_required", "Upgrade required"),
            429 => ("too_many_requests", "Too many requests"),
            431 => ("headers_too_large", "Header fields too large"),
            501 => ("not_implemented", "Not implemented"),
            502 => ("bad_gateway", "Bad gateway"),
            503 => ("service_unavailable", "Service unavailable"),
            504 => ("gateway_timeout", "Gateway timeout"),
            _ if status.is_client_error() => ("request_refused", "Request refused"),
            _ => ("internal_error", "internal error"),
        };
        Self::new(status, code, title)
    }

    /// The same for a gRPC status.
    pub(crate) fn uniform_grpc(code: GrpcCode) -> Self {
        let title = match code {
            GrpcCode::Cancelled => "Cancelled",
            GrpcCode::Unknown => "Unknown error",
            GrpcCode::InvalidArgument => "Invalid argument",
            GrpcCode::DeadlineExceeded => "Deadline exceeded",
            GrpcCode::NotFound => "Not found",
            GrpcCode::AlreadyExists => "Already exists",
            GrpcCode::PermissionDenied => "This is not allowed",
            GrpcCode::ResourceExhausted => "Resource exhausted",
            GrpcCode::FailedPrecondition => "Failed precondition",
            GrpcCode::Aborted => "Aborted",
            GrpcCode::OutOfRange => "Out of range",
            GrpcCode::Unimplemented => "Unimplemented",
            GrpcCode::Internal => "internal error",
            GrpcCode::Unavailable => "Unavailable",
            GrpcCode::DataLoss => "Data loss",
            GrpcCode::Unauthenticated => "Authentication is required",
        };
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "rpc_failed", title).grpc(code)
    }
}
