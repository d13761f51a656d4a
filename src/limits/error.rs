//! What can be wrong with a configuration.

use std::time::Duration;

use super::compile::{MAX_CONCURRENT, MAX_HEADERS, MAX_ROUTES};
use super::config::Limit;
use crate::core::{ConfigErrorKind, ErrorClass};

/// A mistake in the configuration of a [`LimitsLayer`](super::LimitsLayer). Those in the patterns of routes are
/// [`TemplateError`](crate::core::TemplateError)s.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitsConfigError {
    /// A header that is to be kept from logs has no name that a header can have.
    #[error("invalid header {name:?}: write the name of a header, such as \"x-api-key\"")]
    InvalidHeader {
        /// The name as given.
        name: String,
    },
    /// A route cannot have its own number of requests at once.
    #[error(
        "invalid limit of a route: all routes share one max_concurrent, switch it off on the builder"
    )]
    InvalidRouteLimit,
    /// A limit of nothing lets nothing pass.
    #[error(
        "invalid {limit} of 0: give it room, or call `dangerous_unlimited(Limit::{limit:?})` to have none"
    )]
    InvalidZero {
        /// Which limit.
        limit: Limit,
    },
    /// More requests at once than any machine serves.
    #[error(
        "refused max_concurrent {count}: write at most {MAX_CONCURRENT}, as many as the memory holds with a body each"
    )]
    RefusedConcurrent {
        /// The number as given.
        count: usize,
    },
    /// A size that is none any more.
    #[error(
        "refused body_limit {bytes}: write at most {most} here, and give the routes that take more a limit of their own"
    )]
    RefusedSize {
        /// The size as given, in bytes.
        bytes: u64,
        /// The largest size.
        most: u64,
    },
    /// A time that is none any more, or that the timer cannot tell from none.
    #[error("refused {limit} {time:?}: write a time between 1 ms and {most:?}")]
    RefusedTime {
        /// Which limit.
        limit: Limit,
        /// The time as given.
        time: Duration,
        /// The longest time.
        most: Duration,
    },
    /// There are too many headers to look for on every request.
    #[error("refused list of {count} sensitive headers: write at most {MAX_HEADERS}")]
    RefusedTooManyHeaders {
        /// How many there are; 65,537 stands for any greater number too.
        count: usize,
    },
    /// There are too many routes to compare each request with.
    #[error(
        "refused list of {count} routes: write at most {MAX_ROUTES}, with patterns that stand for several"
    )]
    RefusedTooManyRoutes {
        /// How many there are.
        count: usize,
    },
    /// A route of which an earlier one takes every request.
    #[error(
        "refused route {pattern:?}: {earlier:?} stands before it and takes its requests, write the narrower one first"
    )]
    RefusedUnreachableRoute {
        /// The pattern as given.
        pattern: String,
        /// The pattern that covers it.
        earlier: String,
    },
}

impl ConfigErrorKind for LimitsConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidHeader { .. } | Self::InvalidRouteLimit | Self::InvalidZero { .. } => {
                ErrorClass::Invalid
            }
            Self::RefusedConcurrent { .. }
            | Self::RefusedSize { .. }
            | Self::RefusedTime { .. }
            | Self::RefusedTooManyHeaders { .. }
            | Self::RefusedTooManyRoutes { .. }
            | Self::RefusedUnreachableRoute { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidHeader { .. } => "invalid_header",
            Self::InvalidRouteLimit => "invalid_route_limit",
            Self::InvalidZero { .. } => "invalid_zero",
            Self::RefusedConcurrent { .. } => "refused_concurrent",
            Self::RefusedSize { .. } => "refused_size",
            Self::RefusedTime { .. } => "refused_time",
            Self::RefusedTooManyHeaders { .. } => "refused_too_many_headers",
            Self::RefusedTooManyRoutes { .. } => "refused_too_many_routes",
            Self::RefusedUnreachableRoute { .. } => "refused_unreachable_route",
        }
    }
}
