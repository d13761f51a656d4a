//! Adapters for tonic: its body, and refusals as a `Status`.

use bytes::Bytes;
use http_body_util::Full;
use tonic::{Code, Status};

use crate::core::{Rejection, RejectionBody};

impl RejectionBody for tonic::body::Body {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::new(Full::new(bytes))
    }

    fn empty() -> Self {
        Self::empty()
    }
}

/// A handler returns a refusal as the status that the layers would have sent.
impl From<Rejection> for Status {
    fn from(rejection: Rejection) -> Self {
        let mut status = Self::new(
            Code::from_i32(i32::from(rejection.grpc_code().number())),
            rejection.title(),
        );
        *status.metadata_mut() =
            tonic::metadata::MetadataMap::from_headers(rejection.headers().clone());
        status
    }
}
