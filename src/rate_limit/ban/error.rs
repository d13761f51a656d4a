//! Mistakes in the configuration of bans.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::core::{ConfigErrorKind, ErrorClass, IpNet};

/// A mistake in the configuration of a [`BanLayer`](super::BanLayer) or a [`BanTable`](super::BanTable).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BanConfigError {
    /// A rule that would ban nobody, everybody or for no time.
    #[error("invalid ban policy: {fault}")]
    BanPolicy {
        /// What is wrong with it.
        fault: BanPolicyFault,
    },
    /// The table would be too small to hold its bans, or too large to be meant.
    #[error(
        "invalid capacity {capacity}: write 1024 to 268435456 (2^28), about 3.3 times as many as clients are banned at once; it \
         is rounded up to a power of two"
    )]
    Capacity {
        /// The number of entries as given.
        capacity: usize,
    },
    /// A range is both never and always refused.
    #[error(
        "refused net {net}: it stands in the safelist and in the blocklist, drop it from one of them"
    )]
    ListConflict {
        /// The range.
        net: IpNet,
    },
    /// A client prefix so short that it bans strangers, or so long that its owner has endless others.
    #[error(
        "refused client prefix of {v4} bits for IPv4 and {v6} for IPv6: write 8 to 32 and 32 to 64, such as 32 and 64; one \
         subscriber owns 2^64 single addresses, dangerous_full_v6() bans one at a time"
    )]
    PrefixWidth {
        /// The bits for IPv4 as given.
        v4: u8,
        /// The bits for IPv6 as given.
        v6: u8,
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
            Self::BanPolicy { .. } | Self::Capacity { .. } | Self::TableGiven { .. } => {
                ErrorClass::Invalid
            }
            Self::ListConflict { .. } | Self::PrefixWidth { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BanPolicy { .. } => "ban_policy",
            Self::Capacity { .. } => "capacity",
            Self::ListConflict { .. } => "list_conflict",
            Self::PrefixWidth { .. } => "prefix_width",
            Self::TableGiven { .. } => "table_given",
        }
    }
}
