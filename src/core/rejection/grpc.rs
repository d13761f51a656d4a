//! The gRPC side of a refusal: status numbers, content types, and the encoding of messages.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::core::base64;
use crate::core::field::Lines;

/// A gRPC status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are those of the gRPC specification")]
pub enum GrpcCode {
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

impl GrpcCode {
    /// Returns the gRPC status that stands for an HTTP status; the table is at [`Rejection`](super::Rejection).
    #[must_use]
    pub const fn from_status(status: StatusCode) -> Self {
        match status.as_u16() {
            400 | 405 | 415 | 422 => Self::InvalidArgument,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            408 | 504 => Self::DeadlineExceeded,
            413 | 414 | 429 | 431 => Self::ResourceExhausted,
            503 => Self::Unavailable,
            // What has no counterpart says nothing about the reason.
            _ => Self::Internal,
        }
    }

    /// The error of a number as it stands on the wire; `None` for success, and for what is no number of the specification.
    pub(crate) fn of_error(number: &[u8]) -> Option<Self> {
        Some(match number {
            b"1" => Self::Cancelled,
            b"2" => Self::Unknown,
            b"3" => Self::InvalidArgument,
            b"4" => Self::DeadlineExceeded,
            b"5" => Self::NotFound,
            b"6" => Self::AlreadyExists,
            b"7" => Self::PermissionDenied,
            b"8" => Self::ResourceExhausted,
            b"9" => Self::FailedPrecondition,
            b"10" => Self::Aborted,
            b"11" => Self::OutOfRange,
            b"12" => Self::Unimplemented,
            b"13" => Self::Internal,
            b"14" => Self::Unavailable,
            b"15" => Self::DataLoss,
            b"16" => Self::Unauthenticated,
            _ => return None,
        })
    }

    /// Returns the number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    pub(super) const fn header_value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Cancelled => "1",
            Self::Unknown => "2",
            Self::InvalidArgument => "3",
            Self::DeadlineExceeded => "4",
            Self::NotFound => "5",
            Self::AlreadyExists => "6",
            Self::PermissionDenied => "7",
            Self::ResourceExhausted => "8",
            Self::FailedPrecondition => "9",
            Self::Aborted => "10",
            Self::OutOfRange => "11",
            Self::Unimplemented => "12",
            Self::Internal => "13",
            Self::Unavailable => "14",
            Self::DataLoss => "15",
            Self::Unauthenticated => "16",
        })
    }
}

/// The content types of gRPC and gRPC-web that an answer repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GrpcContentType {
    Grpc,
    GrpcProto,
    GrpcWeb,
    GrpcWebProto,
    GrpcWebText,
    GrpcWebTextProto,
}

impl GrpcContentType {
    /// The kind of a gRPC request; `None` for any other. A message format that is not known is answered as plain gRPC.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let Lines::One(value) = Lines::of(headers, &CONTENT_TYPE) else {
            return None;
        };
        let format = behind_prefix(value.as_bytes())?
            .split(|b| *b == b';')
            .next()
            .unwrap_or_default();
        let is = |name: &[u8]| format.trim_ascii_end().eq_ignore_ascii_case(name);
        let starts = |name: &[u8]| {
            format
                .get(..name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        Some(match () {
            () if is(b"+proto") => Self::GrpcProto,
            () if is(b"-web+proto") => Self::GrpcWebProto,
            () if is(b"-web-text+proto") => Self::GrpcWebTextProto,
            () if starts(b"-web-text") => Self::GrpcWebText,
            () if starts(b"-web") => Self::GrpcWeb,
            // `application/grpc`, `application/grpc+json`, `application/grpc; charset=...`
            () => Self::Grpc,
        })
    }

    pub(super) const fn header_value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Grpc => "application/grpc",
            Self::GrpcProto => "application/grpc+proto",
            Self::GrpcWeb => "application/grpc-web",
            Self::GrpcWebProto => "application/grpc-web+proto",
            Self::GrpcWebText => "application/grpc-web-text",
            Self::GrpcWebTextProto => "application/grpc-web-text+proto",
        })
    }
}

/// Whether a request or response is of gRPC or gRPC-Web: what a browser never shows.
pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE);
    value.is_some_and(|value| is_grpc_type(value.as_bytes()))
}

/// Whether a content type is one of gRPC or gRPC-Web.
#[inline]
pub(crate) fn is_grpc_type(value: &[u8]) -> bool {
    behind_prefix(value).is_some()
}

/// What follows `application/grpc`. Of several types, on one line or more, browsers take the last (Fetch, section 3.5, "extract a
/// MIME type"): `application/grpc, text/html` is a page.
#[inline]
fn behind_prefix(value: &[u8]) -> Option<&[u8]> {
    const PREFIX: &[u8] = b"application/grpc";
    let (prefix, rest) = value.split_at_checked(PREFIX.len())?;
    let is_grpc = prefix.eq_ignore_ascii_case(PREFIX) && !rest.contains(&b',');
    is_grpc.then_some(rest)
}

/// `grpc-message`: percent-encoded outside U+0020..U+007E and for `%` itself (gRPC over HTTP/2, "Responses").
pub(super) fn message(title: &'static str) -> HeaderValue {
    let plain = |b: u8| matches!(b, b' '..=b'~') && b != b'%';
    if title.bytes().all(plain)
        && let Ok(value) = HeaderValue::from_str(title)
    {
        return value;
    }
    let mut encoded = String::with_capacity(title.len().saturating_mul(3));
    for byte in title.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    HeaderValue::from_str(&encoded).unwrap_or(const { HeaderValue::from_static("refused") })
}

/// Binary metadata as it is written: base64, which "should" have no padding (gRPC over HTTP/2, "Requests").
pub(super) fn binary(raw: &[u8]) -> Option<HeaderValue> {
    HeaderValue::try_from(base64::encode(raw)).ok()
}
