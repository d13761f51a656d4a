//! What can be wrong with a configuration.

use std::time::Duration;

use crate::core::{ConfigErrorKind, ErrorClass};

/// A mistake in the configuration of a [`LoginThrottle`](super::LoginThrottle).
///
/// A quota that lets nothing pass, a prefix of the wrong width and a fraction that is none are
/// [`RateLimitConfigError`](super::super::RateLimitConfigError)s, as in a limiter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginConfigError {
    /// A delay that is none, or that ends before it begins.
    #[error(
        "invalid delays of {first:?} up to {longest:?}, forgotten after {quiet:?}: write a first delay of at least 1ms, a longest one \
         that is not shorter and at most 30 days, and a quiet of at least 1ms, such as 1s, 15min and 15min"
    )]
    Delays {
        /// The first delay.
        first: Duration,
        /// The longest one.
        longest: Duration,
        /// After how much quiet a failure is forgotten.
        quiet: Duration,
    },
    /// The cookie could be set by another host, or is none.
    #[error(
        "invalid name {name:?} of a device cookie: write `__Host-` and 1 to 121 letters, digits or `-`, such as \"__Host-device\"; \
         a sibling host could set any other"
    )]
    DeviceCookieName {
        /// The name as given, cut after 160 bytes.
        name: String,
    },
    /// A device is trusted for no time, or for longer than browsers keep a cookie.
    #[error(
        "invalid lifetime {lifetime:?} of a device cookie: write 1s to 400 days, which is as long as browsers keep one, such as 90 \
         days"
    )]
    DeviceLifetime {
        /// The lifetime as given.
        lifetime: Duration,
    },
    /// The lock does not last.
    #[error("invalid lock of {lock:?}: write 1s to 30 days, such as 24h")]
    Lock {
        /// How long it would last.
        lock: Duration,
    },
    /// When the store is away anybody could guess as often as he likes.
    #[error(
        "refused login throttle that lets everything pass when its store is away: whoever can take the store down could guess without \
         end, write OnStoreError::Local {{ fraction: None }} or OnStoreError::Deny"
    )]
    LoginFailOpen,
    /// So many guesses are free that a weak password falls.
    #[error(
        "refused {free} free attempts and a hard bound of {hard_bound}: write at most 20 and 100, such as 5 and 100 (NIST SP 800-63B, \
         section 3.2.2)"
    )]
    LoginTooLoose {
        /// How many attempts have no delay.
        free: u8,
        /// After how many failures in a row an account is locked.
        hard_bound: u8,
    },
    /// The name of the throttle cannot stand in those of its counters.
    #[error(
        "invalid name {name:?} of a login throttle: write 1 to 32 of A-Z a-z 0-9 _ -, such as \"login\" or \"otp\""
    )]
    Name {
        /// The name as given, cut after 80 bytes.
        name: String,
    },
    /// Nobody could ever log in.
    #[error(
        "invalid {free} free attempts and hard bound of {hard_bound}: write at least 1 of each, such as 5 and 100"
    )]
    NoAttempts {
        /// How many attempts have no delay.
        free: u8,
        /// After how many failures in a row an account is locked.
        hard_bound: u8,
    },
    /// The pressure would always be high.
    #[error("invalid pressure of 0 failures per second: write at least 1, such as 10")]
    Pressure,
    /// A spray of one account, or of more than can be counted, or for no time.
    #[error(
        "invalid spray of {accounts} accounts in {within:?}, refused for {refuse:?}: write 2 to 100 accounts and times of 1s to 30 \
         days, such as 20, 10min and 15min"
    )]
    Spray {
        /// How many accounts.
        accounts: u8,
        /// In what time.
        within: Duration,
        /// For how long the prefix is refused.
        refuse: Duration,
    },
    /// Who guesses the secret makes device cookies of his own. It is never printed.
    #[error(
        "refused secret of {bytes} bytes: it is shorter than 16 bytes or one byte over and over, write 16 random bytes, the same on every \
         node and after a restart"
    )]
    WeakSecret {
        /// How long it is.
        bytes: usize,
    },
}

impl ConfigErrorKind for LoginConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Delays { .. }
            | Self::DeviceCookieName { .. }
            | Self::DeviceLifetime { .. }
            | Self::Lock { .. }
            | Self::Name { .. }
            | Self::NoAttempts { .. }
            | Self::Pressure
            | Self::Spray { .. } => ErrorClass::Invalid,
            Self::LoginFailOpen | Self::LoginTooLoose { .. } | Self::WeakSecret { .. } => {
                ErrorClass::Refused
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Delays { .. } => "delays",
            Self::DeviceCookieName { .. } => "device_cookie_name",
            Self::DeviceLifetime { .. } => "device_lifetime",
            Self::Lock { .. } => "lock",
            Self::LoginFailOpen => "login_fail_open",
            Self::LoginTooLoose { .. } => "login_too_loose",
            Self::Name { .. } => "name",
            Self::NoAttempts { .. } => "no_attempts",
            Self::Pressure => "pressure",
            Self::Spray { .. } => "spray",
            Self::WeakSecret { .. } => "weak_secret",
        }
    }
}
