//! Allocations of rate limits, bans and the login throttle.
