//! How a table of bans is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::{BanConfigError, BanPolicyFault};
use super::rule::{BanPolicy, Escalation};
use super::share::BanShare;
use super::table::BanTable;
use crate::core::{AbuseKind, Clock, ConfigErrors, EventSink, Events, Mistakes};
use crate::rate_limit::MemoryConfigError;
use crate::rate_limit::key::Prefix;
use crate::rate_limit::time::Ticker;

/// Makes a [`BanTable`].
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::core::AbuseKind;
/// use tower_security::rate_limit::BanTable;
///
/// const MINUTE: Duration = Duration::from_secs(60);
/// let bans = BanTable::builder()
///     .on(AbuseKind::AuthFailed, 20, 10 * MINUTE, 60 * MINUTE)
///     .on(AbuseKind::OwnershipRefused, 50, 10 * MINUTE, 10 * MINUTE)
///     .escalation(3, 7 * 24 * 60 * MINUTE)
///     .build()?;
/// # let _ = bans;
///
/// let errors = BanTable::builder()
///     .on(AbuseKind::AuthFailed, 1_000, Duration::ZERO, 60 * MINUTE)
///     .client_prefix(32, 128)
///     .build()
///     .unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["ban_policy", "ban_policy", "prefix_width"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct BanTableBuilder {
    pub(super) signals: Vec<(AbuseKind, BanPolicy)>,
    pub(super) escalation: Escalation,
    pub(super) prefix: Prefix,
    pub(super) capacity: usize,
    pub(super) share: Option<Arc<dyn BanShare>>,
    pub(super) ticker: Ticker,
    pub(super) events: Events,
}

impl Default for BanTableBuilder {
    fn default() -> Self {
        Self {
            signals: Vec::new(),
            escalation: Escalation::default(),
            prefix: Prefix::SUBSCRIBER,
            capacity: 1 << 16,
            share: None,
            ticker: Ticker::default(),
            events: Events::default(),
        }
    }
}

impl BanTableBuilder {
    /// Bans for `ban` a client that gives `times` signals of `kind` within `find`, counted from the first of them.
    ///
    /// `times` is 1 to 255. A kind may have several rules: a quick one and a slow one. No rule stands here by default: which
    /// signals a service sees in normal use only its owner knows.
    pub fn on(mut self, kind: AbuseKind, times: u32, find: Duration, ban: Duration) -> Self {
        self.signals.push((kind, BanPolicy { times, find, ban }));
        self
    }

    /// Makes each further ban of the same client `multiplier` times as long as the one before, up to `max`. By default 2 and 24
    /// hours.
    ///
    /// One ban is forgotten for each period without a new one that is as long as the ban of the rule or the window in which it
    /// counts, whichever is longer. With 1 all bans are of one length; no rule may ban for longer than `max`.
    pub fn escalation(mut self, multiplier: u32, max: Duration) -> Self {
        self.escalation = Escalation { multiplier, max };
        self
    }

    /// Takes clients whose addresses share so many leading bits for one. By default 32 for IPv4 and 64 for IPv6: one host, one
    /// subscriber.
    ///
    /// `v4` is 8 to 32, `v6` 32 to 64. A shorter prefix also bans the neighbours.
    pub fn client_prefix(mut self, v4: u8, v6: u8) -> Self {
        self.prefix = self.prefix.widths(v4, v6);
        self
    }

    /// Takes each IPv6 address for a client of its own, whatever [`client_prefix`](Self::client_prefix) says.
    ///
    /// # Danger
    ///
    /// Every subscriber owns 2^64 of them and uses another one for each request: nobody is ever banned who does not want to be.
    /// Only for networks whose addresses are given out one by one, such as a data centre's own.
    pub fn dangerous_full_v6(mut self) -> Self {
        self.prefix = self.prefix.full_v6();
        self
    }

    /// Sets how many bans and, for each rule, how many counts there is room for. By default 65,536.
    ///
    /// 1,024 to 2^28, rounded up to a power of two. Take about 3.3 times as many as clients are banned at once.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Tells other nodes of bans, and hashes keys as they do. By default keys are hashed with a secret of this process.
    pub fn share(mut self, share: impl BanShare) -> Self {
        self.share = Some(Arc::new(share));
        self
    }

    /// Reads the time from `clock`. By default from [`SystemClock`](crate::core::SystemClock).
    pub fn clock(mut self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        self.events = self.events.with_clock(Arc::clone(&clock));
        self.ticker = Ticker::new(clock);
        self
    }

    /// Sends the events of [`BanTable::signal`], of a full table and of a [share](Self::share) that fails to `sink`. By default to `tracing`.
    ///
    /// A layer tells of its own requests by itself.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = self.events.with_sink(sink);
        self
    }

    /// Checks the settings and makes the table.
    ///
    /// # Errors
    ///
    /// All mistakes together, each a [`BanConfigError`] or what it names.
    pub fn build(self) -> Result<BanTable, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        self.check(&mut mistakes);
        mistakes.finish(()).map(|()| self.unchecked())
    }

    pub(super) fn check(&self, mistakes: &mut Mistakes) {
        for (index, (_, policy)) in self.signals.iter().enumerate() {
            policy.check(mistakes, &format!("bans.on[{index}]"), self.escalation);
        }
        let multiplier = self.escalation.multiplier;
        if multiplier == 0 {
            let fault = BanPolicyFault::Multiplier { multiplier };
            mistakes.push("bans.escalation", BanConfigError::BanPolicy { fault });
        }
        self.prefix.check("bans.client_prefix", mistakes);
        if let Some(mistake) = MemoryConfigError::of(self.capacity) {
            mistakes.push("bans.capacity", mistake);
        }
    }

    pub(super) fn unchecked(self) -> BanTable {
        BanTable::of(self)
    }
}

impl fmt::Debug for BanTableBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BanTableBuilder")
            .field("signals", &self.signals)
            .field("escalation", &self.escalation)
            .field("prefix", &self.prefix)
            .field("capacity", &self.capacity)
            .field("is_shared", &self.share.is_some())
            .finish_non_exhaustive()
    }
}
