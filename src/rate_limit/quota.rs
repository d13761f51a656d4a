//! How many in what time.

use std::time::Duration;

/// How many requests a key may make in what time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    limit: u32,
    period: Duration,
    burst: u32,
}

impl Quota {
    /// `limit` requests in each `period`; a key that was quiet may make all of them at once.
    #[must_use]
    pub const fn new(limit: u32, period: Duration) -> Self {
        Self {
            limit,
            period,
            burst: limit,
        }
    }

    /// Returns how many requests come back in a period.
    #[must_use]
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// Returns the period.
    #[must_use]
    pub const fn period(self) -> Duration {
        self.period
    }

    /// Returns how many requests a quiet key may make at once.
    #[must_use]
    pub const fn burst_size(self) -> u32 {
        self.burst
    }
}
