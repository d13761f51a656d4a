//! The refusals of the layer.

use std::borrow::Cow;

use http::StatusCode;

use super::check::BanRefusal;
use super::config::BanStatus;
use crate::core::{FixedRefusal, GrpcCode, Rejection};

/// The refusals as far as they are always the same.
#[derive(Debug)]
pub(super) struct Known {
    status: BanStatus,
    degraded: FixedRefusal,
    missing: FixedRefusal,
    banned: FixedRefusal,
    blocked: FixedRefusal,
}

impl Known {
    pub(super) fn new(status: BanStatus, problem_type: Cow<'static, str>) -> Self {
        let banned = banned(status);
        let banned = match status {
            BanStatus::Forbidden => banned,
            BanStatus::TooManyRequests => banned.problem_type(problem_type),
        };
        Self {
            status,
            degraded: FixedRefusal::new(&degraded()),
            missing: FixedRefusal::new(&missing()),
            banned: FixedRefusal::new(&banned),
            blocked: FixedRefusal::new(&blocked()),
        }
    }

    pub(super) const fn find(&self, refusal: BanRefusal) -> &FixedRefusal {
        match refusal {
            BanRefusal::AddressDegraded => &self.degraded,
            BanRefusal::AddressMissing => &self.missing,
            BanRefusal::Banned { .. } => &self.banned,
            BanRefusal::Blocklisted | BanRefusal::RequestRule => &self.blocked,
        }
    }

    /// The refusal without its body.
    pub(super) fn rejection(&self, refusal: BanRefusal) -> Rejection {
        match refusal {
            BanRefusal::AddressDegraded => degraded(),
            BanRefusal::AddressMissing => missing(),
            BanRefusal::Banned { .. } => banned(self.status),
            BanRefusal::Blocklisted | BanRefusal::RequestRule => blocked(),
        }
    }
}

fn degraded() -> Rejection {
    Rejection::new(
        StatusCode::FORBIDDEN,
        BanRefusal::AddressDegraded.code(),
        "The forwarding header does not say who is calling",
    )
}

fn missing() -> Rejection {
    Rejection::new(
        StatusCode::FORBIDDEN,
        BanRefusal::AddressMissing.code(),
        "The server cannot tell who is calling",
    )
}

fn banned(status: BanStatus) -> Rejection {
    let status = match status {
        BanStatus::Forbidden => StatusCode::FORBIDDEN,
        BanStatus::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
    };
    // Also with 429: clients retry RESOURCE_EXHAUSTED by themselves.
    Rejection::new(status, "banned", "This client is banned for some time")
        .grpc(GrpcCode::PermissionDenied)
}

fn blocked() -> Rejection {
    Rejection::new(StatusCode::FORBIDDEN, "blocked", "This request is blocked")
}
