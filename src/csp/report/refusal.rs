//! Why a request to the endpoint is refused.

use http::header::{ACCEPT_ENCODING, HeaderValue};
use http::{StatusCode, header::HeaderName};

use crate::core::Rejection;

const POST: HeaderValue = HeaderValue::from_static("POST");
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
/// W3C Linked Data Platform, section 7.1: which types a POST may have.
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const TYPES: HeaderValue =
    HeaderValue::from_static("application/csp-report, application/reports+json, application/json");

/// Why a request to the endpoint was refused. It stands in the extensions of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CspReportRefusal {
    /// 400 `report_malformed`: the body broke off.
    Body,
    /// 400 `report_malformed`: more than eight lists and objects inside each other.
    Depth,
    /// 415 `report_encoding_unsupported`: the body is compressed.
    Encoding,
    /// 405 `method_not_allowed`.
    Method,
    /// 400 `report_malformed`: JSON, but no report.
    Shape,
    /// 400 `report_malformed`: no JSON.
    Syntax,
    /// 413 `report_too_large`: more than 64 KiB.
    TooLarge,
    /// 415 `report_type_unsupported`: another content type than that of reports.
    Type,
}

impl CspReportRefusal {
    /// Returns the reason in snake case: the `rule` of the event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Depth => "depth",
            Self::Encoding => "encoding",
            Self::Method => "method",
            Self::Shape => "shape",
            Self::Syntax => "syntax",
            Self::TooLarge => "too_large",
            Self::Type => "type",
        }
    }

    pub(super) fn rejection(self) -> Rejection {
        let rejection = match self {
            Self::Body | Self::Depth | Self::Shape | Self::Syntax => Rejection::new(
                StatusCode::BAD_REQUEST,
                "report_malformed",
                "This is no report",
            ),
            // What would have been understood (RFC 9110, section 15.5.16).
            Self::Encoding => Rejection::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "report_encoding_unsupported",
                "Reports are not compressed",
            )
            .header(ACCEPT_ENCODING, IDENTITY),
            Self::Method => Rejection::method_not_allowed(POST),
            Self::TooLarge => Rejection::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "report_too_large",
                "This report is too large",
            ),
            Self::Type => Rejection::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "report_type_unsupported",
                "This content type is not that of reports",
            )
            .header(ACCEPT_POST, TYPES),
        };
        rejection.reason(self)
    }
}
