//! Mistakes in the configuration of bans.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::core::{ConfigErrorKind, ErrorClass, IpNet};

/// A mistake in the configuration of a [`BanLayer`](super::BanLayer) or a [`BanTable`](super::BanTable).
///
/// A prefix of the wrong width is a [`RateLimitConfigError`](crate::rate_limit::RateLimitConfigError), and a capacity out of bounds a
/// [`MemoryConfigError`](crate::rate_limit::MemoryConfigError), as in a limiter.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BanConfigError {
    /// A rule that would ban nobody, everybody or for no time.
    #[error("invalid ban policy: {fault}")]
    BanPolicy {
        /// What is wrong with it.
        fault: BanPolicyFault,
    },
    /// A range is both never and always refused.
    #[error(
        "refused net {net}: it stands in the safelist and in the blocklist, drop it from one of them"
    )]
    ListConflict {
        /// The range.
        net: IpNet,
    },
    /// The layer was given a table and a setting of the table that it would have made.
    #[error(
        "invalid setting {setting:?}: the layer was given a ready table, write {setting:?} on the builder of that table"
    )]
    TableGiven {
        /// The name of the setting.
        setting: &'static str,
    },
}

/// What is wrong with a ban policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BanPolicyFault {
    /// Bans could never last as long as the shortest of them.
    MaxBelowBan {
        /// The longest ban as given.
        max: Duration,
        /// The ban of the rule as given.
        ban: Duration,
    },
    /// Each further ban would be shorter.
    Multiplier {
        /// The multiplier as given.
        multiplier: u32,
    },
    /// The ban would end when it starts.
    NoBan {
        /// The duration as given.
        ban: Duration,
    },
    /// No two requests would fall into the window.
    NoFind {
        /// The window as given.
        find: Duration,
    },
    /// The count is 0 or does not fit its byte.
    Times {
        /// The count as given.
        times: u32,
    },
}

impl fmt::Display for BanPolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxBelowBan { max, ban } => write!(
                f,
                "bans of {ban:?} with a longest of {max:?}; write escalation(2, max) with a max of at least {ban:?}"
            ),
            Self::Multiplier { multiplier } => write!(
                f,
                "a multiplier of {multiplier}; write 1 for bans of one length, or more"
            ),
            Self::NoBan { ban } => {
                write!(
                    f,
                    "a ban of {ban:?}; write at least a microsecond, such as an hour"
                )
            }
            Self::NoFind { find } => write!(
                f,
                "a window of {find:?}; write at least a microsecond, such as ten minutes"
            ),
            Self::Times { times } => write!(f, "a count of {times}; write 1 to 255"),
        }
    }
}

impl ConfigErrorKind for BanConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::BanPolicy { .. } | Self::TableGiven { .. } => ErrorClass::Invalid,
            Self::ListConflict { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BanPolicy { .. } => "ban_policy",
            Self::ListConflict { .. } => "list_conflict",
            Self::TableGiven { .. } => "table_given",
        }
    }
}
