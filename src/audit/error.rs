//! What can be wrong with the configuration of an audit log and of a detector.

use std::time::Duration;

use crate::core::{ConfigErrorKind, ErrorClass};

/// A mistake in the configuration of an [`AuditConfig`](super::AuditConfig), a [`QueueSink`](super::QueueSink) or an
/// [`AnomalyDetector`](super::AnomalyDetector).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditConfigError {
    /// Logs could not be told apart by it, or it would not stand in every format as it is.
    #[error(
        "invalid app id {id:?}: write 1 to 64 printable characters without a backslash, such as \"shop\""
    )]
    AppId {
        /// The id as given, its first 64 characters.
        id: String,
    },
    /// A queue or a batch that holds nothing, or more than is taken care of.
    #[error("refused queue: {problem}")]
    Capacity {
        /// What is wrong, and what to write instead.
        problem: CapacityProblem,
    },
    /// The name of the host would not stand in every format as it is.
    #[error(
        "invalid hostname {name:?}: write 1 to 253 printable characters without a backslash, such as \"node-1.internal\""
    )]
    Hostname {
        /// The name as given, its first 64 characters.
        name: String,
    },
    /// A flood of addresses would throw out what was counted, or take gigabytes.
    #[error(
        "refused table of {keys} keys: write 1000 to 10000000, such as 100000; a key takes about 40 bytes"
    )]
    MaxKeys {
        /// The number as given.
        keys: usize,
    },
    /// A detector that detects nothing.
    #[error(
        "refused detector without rules, which detects nothing: call `.defaults()`, or add rules of your own with `.rule(..)`"
    )]
    NoRules,
    /// A rule that would never fire, always, or that cannot be told from another.
    #[error("invalid rule {name:?}: {problem}")]
    Rule {
        /// The name of the rule.
        name: &'static str,
        /// What is wrong, and what to write instead.
        problem: RuleProblem,
    },
    /// The operating system starts no thread for the queue.
    #[error("refused thread: the operating system starts none ({reason}), raise its limit")]
    Thread {
        /// What the system says.
        reason: String,
    },
}

/// What is wrong with the size of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CapacityProblem {
    /// Nothing would be written, or more at once than there is room for.
    #[error("a batch of {batch}, write 1 to {most}, such as 256")]
    Batch {
        /// The batch as given.
        batch: usize,
        /// The most that is permitted with this capacity.
        most: usize,
    },
    /// Every event would be dropped, or an outage of the log would take gigabytes.
    #[error("a capacity of {capacity}, write 1 to 1000000, such as 8192")]
    Events {
        /// The capacity as given.
        capacity: usize,
    },
}

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RuleProblem {
    /// It would be silent for longer than anybody remembers.
    #[error("a cooldown of {cooldown:?}, write at most 24 hours, such as 5 minutes")]
    Cooldown {
        /// The cooldown as given.
        cooldown: Duration,
    },
    /// More different values than are kept of one key, or one, which every event has.
    #[error("a limit of {limit} different values, write 2 to 64, such as 10")]
    Distinct {
        /// The limit as given.
        limit: u32,
    },
    /// Another rule has this name.
    #[error("the name stands for another rule already, write another one")]
    Duplicate,
    /// Every event would be a finding.
    #[error("a limit of 0, write at least 1, such as limit(20, window)")]
    Limit,
    /// It would not stand in every format as it is.
    #[error("the name, write 1 to 64 of a-z, 0-9 and _, such as \"login_per_ip\"")]
    Name,
    /// It listens to nothing.
    #[error("no event, write on(EventName) or on_status(StatusCode)")]
    NoEvent,
    /// Nobody is counted.
    #[error("no key, write key(RuleKey)")]
    NoKey,
    /// It never fires.
    #[error("no limit, write limit(count, window)")]
    NoLimit,
    /// A status is told of an address alone.
    #[error("a status is told of an address alone, write key(RuleKey::Ip) without distinct")]
    StatusKey,
    /// Each event would cost too much.
    #[error("it stands behind 64 others, write at most 64 rules")]
    TooMany,
    /// No two events would fall into it, or it is longer than anybody remembers.
    #[error("a window of {window:?}, write more than 0 and at most 24 hours, such as 15 minutes")]
    Window {
        /// The window as given.
        window: Duration,
    },
}

impl ConfigErrorKind for AuditConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::AppId { .. } | Self::Hostname { .. } | Self::Rule { .. } => ErrorClass::Invalid,
            Self::Capacity { .. } | Self::MaxKeys { .. } | Self::NoRules | Self::Thread { .. } => {
                ErrorClass::Refused
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::AppId { .. } => "app_id",
            Self::Capacity { .. } => "capacity",
            Self::Hostname { .. } => "hostname",
            Self::MaxKeys { .. } => "max_keys",
            Self::NoRules => "no_rules",
            Self::Rule { .. } => "rule",
            Self::Thread { .. } => "thread",
        }
    }
}
