//! Adapters for tonic: its body, and refusals as a `Status`.

use bytes::Bytes;
use http_body_util::Full;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::core::{GRPC_PUSHBACK, Rejection, RejectionBody, field};

impl RejectionBody for tonic::body::Body {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::new(Full::new(bytes))
    }

    fn empty() -> Self {
        Self::empty()
    }
}

/// A handler returns a refusal as the status that the layers would have sent: code, message, details, pushback and headers.
///
/// The marks in a response's extensions, which layers further outside read, are not in a status.
impl From<Rejection> for Status {
    fn from(rejection: Rejection) -> Self {
        let mut headers = rejection.headers().clone();
        if let Some(pushback) = rejection.pushback_value() {
            field::set(&mut headers, GRPC_PUSHBACK, pushback);
        }
        Self::with_details_and_metadata(
            Code::from_i32(i32::from(rejection.grpc_code().number())),
            rejection.title(),
            rejection.details().cloned().unwrap_or_default(),
            MetadataMap::from_headers(headers),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::*;
    use crate::core::Pushback;

    #[test]
    fn a_status_says_what_the_refusal_says() {
        let rejection = Rejection::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Slow down")
            .grpc_details(Bytes::from_static(b"\x08\x08"))
            .pushback(Pushback::After(Duration::from_secs(2)))
            .challenges([http::HeaderValue::from_static("Bearer realm=\"api\"")]);
        let status = Status::from(rejection);
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.message(), "Slow down");
        assert_eq!(status.details(), b"\x08\x08");
        assert_eq!(
            status.metadata().get("grpc-retry-pushback-ms").unwrap(),
            "2000"
        );
        assert_eq!(
            status.metadata().get("www-authenticate").unwrap(),
            "Bearer realm=\"api\""
        );
    }
}
