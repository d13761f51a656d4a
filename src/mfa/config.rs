//! The builders of both services.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::attempts::{AttemptLimit, Gate};
use super::error::{MfaConfigError, RecoveryProblem, TotpProblem};
use super::recovery::{Peppers, RecoveryCodes};
use super::secret::{TotpAlgorithm, is_digits};
use super::store::{RecoveryStore, TotpStore};
use super::totp::{AtRest, Codes, TotpService, TotpWindow, is_label};
use crate::core::{Clock, ConfigErrors, EventSink, Events, Mistakes, PepperRing, SystemClock};

/// Apps cut a longer one off.
const MOST_ISSUER: usize = 64;
/// Four characters of five bits: what is not a whole group is mistyped.
const GROUP_BITS: u16 = 20;
/// Those of one character.
const BITS: u16 = 5;

/// What both have.
struct Shared {
    most: u32,
    window: Duration,
    clock: Arc<dyn Clock>,
    events: Events,
}

impl Shared {
    fn new() -> Self {
        Self {
            most: AttemptLimit::DEFAULT.most(),
            window: AttemptLimit::DEFAULT.window(),
            clock: Arc::new(SystemClock),
            events: Events::default(),
        }
    }

    fn clock(mut self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        self.clock = Arc::clone(&clock);
        self.events = self.events.with_clock(clock);
        self
    }

    fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    fn attempts(mut self, most: u32, window: Duration) -> Self {
        (self.most, self.window) = (most, window);
        self
    }

    /// The limit, unless it was refused.
    fn limit(&self) -> Option<AttemptLimit> {
        AttemptLimit::new(self.most, self.window)
    }

    fn gate(self) -> Gate {
        Gate {
            limit: self.limit().unwrap_or(AttemptLimit::DEFAULT),
            clock: self.clock,
            events: self.events,
        }
    }
}

/// Makes a [`TotpService`]. See [`TotpService::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct TotpServiceBuilder {
    store: Arc<dyn TotpStore>,
    issuer: String,
    algorithm: TotpAlgorithm,
    digits: u8,
    window: TotpWindow,
    pub(super) at_rest: AtRest,
    shared: Shared,
}

impl TotpServiceBuilder {
    pub(super) fn new(store: impl TotpStore, issuer: String) -> Self {
        Self {
            store: Arc::new(store),
            issuer,
            algorithm: TotpAlgorithm::default(),
            digits: 6,
            window: TotpWindow::default(),
            at_rest: AtRest::default(),
            shared: Shared::new(),
        }
    }

    /// Sets the hash of new enrolments (default [`TotpAlgorithm::Sha1`]). Those that are there keep theirs.
    pub const fn algorithm(mut self, algorithm: TotpAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Sets how many digits the codes of new enrolments have (default 6).
    ///
    /// Permitted: 6, 8. Refused: 7, which apps do not show.
    pub const fn digits(mut self, digits: u8) -> Self {
        self.digits = digits;
        self
    }

    /// Sets how far the clock of an app may be off (default [`TotpWindow::OneStep`]).
    pub const fn window(mut self, window: TotpWindow) -> Self {
        self.window = window;
        self
    }

    /// Sets how many codes may be tried in which time, for each user (default 5 in 5 minutes: somebody who guesses for a year then finds a
    /// code of 6 digits with a chance of four in five, and of 8 with one in sixty). A right one clears the count.
    ///
    /// Permitted: 1 to 20 in 1 second to 24 hours. Refused: 0, 21, no time at all.
    pub fn attempts(mut self, most: u32, window: Duration) -> Self {
        self.shared = self.shared.attempts(most, window);
        self
    }

    /// Sends events to `sink` (default: that of the stack, where handlers say [which request](TotpService::for_request) it is, else
    /// `tracing`).
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.shared = self.shared.events(sink);
        self
    }

    /// Reads the time from `clock` (default: the system's). For tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.shared = self.shared.clock(clock);
        self
    }

    /// Makes the service.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with an [`MfaConfigError`]: an issuer that apps cannot show, digits that they do not show, attempts
    /// without a limit.
    pub fn build(self) -> Result<TotpService, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let mut refuse = |path: &str, problem| {
            mistakes.push(path, MfaConfigError::TotpRefused { problem });
        };
        if !is_label(&self.issuer, MOST_ISSUER) {
            let issuer = self.issuer.chars().take(MOST_ISSUER).collect();
            refuse("mfa.totp.issuer", TotpProblem::Issuer { issuer });
        }
        let digits = self.digits;
        if !is_digits(digits) {
            refuse("mfa.totp.digits", TotpProblem::Digits { digits });
        }
        if self.shared.limit().is_none() {
            let (most, window) = (self.shared.most, self.shared.window);
            refuse("mfa.totp.attempts", TotpProblem::Attempts { most, window });
        }
        mistakes.finish(TotpService::new(
            self.store,
            self.shared.gate(),
            self.issuer.into(),
            Codes {
                algorithm: self.algorithm,
                digits,
                window: self.window,
            },
            self.at_rest,
        ))
    }
}

impl fmt::Debug for TotpServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpServiceBuilder")
            .field("issuer", &self.issuer)
            .field("algorithm", &self.algorithm)
            .field("digits", &self.digits)
            .field("window", &self.window)
            .field("is_sealing", &self.at_rest.seal.is_some())
            .finish_non_exhaustive()
    }
}

/// Makes [`RecoveryCodes`]. See [`RecoveryCodes::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct RecoveryCodesBuilder {
    store: Arc<dyn RecoveryStore>,
    peppers: PepperRing,
    count: usize,
    bits: u16,
    shared: Shared,
}

impl RecoveryCodesBuilder {
    pub(super) fn new(store: impl RecoveryStore, peppers: PepperRing) -> Self {
        Self {
            store: Arc::new(store),
            peppers,
            count: 10,
            bits: 80,
            shared: Shared::new(),
        }
    }

    /// Sets how many codes a user gets (default 10).
    ///
    /// Permitted: 5 to 20. Refused: 4, 21.
    pub const fn count(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// Sets how many random bits new codes have (default 80, which are 16 characters in groups of four). Codes that are there stay.
    ///
    /// Permitted: 80, 100, 120, 140, 160. Refused: 60, 90.
    pub const fn bits(mut self, bits: u16) -> Self {
        self.bits = bits;
        self
    }

    /// Sets how many codes may be tried in which time, for each user (default 5 in 5 minutes). A right one clears the count. Where one
    /// store serves a [`TotpService`] too, both count together.
    ///
    /// Permitted: 1 to 20 in 1 second to 24 hours. Refused: 0, 21, no time at all.
    pub fn attempts(mut self, most: u32, window: Duration) -> Self {
        self.shared = self.shared.attempts(most, window);
        self
    }

    /// Sends events to `sink` (default: that of the stack, where handlers say [which request](RecoveryCodes::for_request) it is, else
    /// `tracing`).
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.shared = self.shared.events(sink);
        self
    }

    /// Reads the time from `clock` (default: the system's). For tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.shared = self.shared.clock(clock);
        self
    }

    /// Makes the service.
    ///
    /// # Errors
    ///
    /// Every mistake at once, each with an [`MfaConfigError`]: codes that can be guessed, too few or too many of them, attempts without a
    /// limit.
    pub fn build(self) -> Result<RecoveryCodes, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        let mut refuse = |path: &str, problem| {
            mistakes.push(path, MfaConfigError::RecoveryRefused { problem });
        };
        let (count, bits) = (self.count, self.bits);
        if !(5..=20).contains(&count) {
            refuse("mfa.recovery.count", RecoveryProblem::Count { count });
        }
        if !(80..=160).contains(&bits) || !bits.is_multiple_of(GROUP_BITS) {
            refuse("mfa.recovery.bits", RecoveryProblem::Bits { bits });
        }
        if self.shared.limit().is_none() {
            let (most, window) = (self.shared.most, self.shared.window);
            let problem = RecoveryProblem::Attempts { most, window };
            refuse("mfa.recovery.attempts", problem);
        }
        mistakes.finish(RecoveryCodes::new(
            self.store,
            self.shared.gate(),
            Peppers::new(&self.peppers),
            count,
            usize::from(bits / BITS),
        ))
    }
}

impl fmt::Debug for RecoveryCodesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryCodesBuilder")
            .field("peppers", &self.peppers)
            .field("count", &self.count)
            .field("bits", &self.bits)
            .finish_non_exhaustive()
    }
}
