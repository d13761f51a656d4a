//! What can be set.

use std::sync::Arc;
use std::time::Duration;

use super::super::key::{KeyHasher, KeySeed, Prefix};
use super::super::memory::MemoryStore;
use super::super::policy::OnStoreError;
use super::super::quota::Quota;
use super::super::store::Store;
use super::account::Normalise;
use super::compile::compile;
use super::throttle::LoginThrottle;
use crate::core::{Clock, ConfigErrors, EventSink, Events, Secret};

/// Builds a [`LoginThrottle`]. Made by [`LoginThrottle::builder`] and the presets beside it.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::rate_limit::Quota;
/// use tower_security::rate_limit::login::LoginThrottle;
///
/// # let secret = *b"\x8e\x0b\x91\xd5\x5f\x13\xa7\x2c\x60\xf8\x47\xbe\x19\x74\xc3\x2a";
/// let throttle = LoginThrottle::builder(&secret[..])
///     .free_attempts(3)
///     .address_failures(Quota::new(60, Duration::from_secs(900)))
///     .device_cookie("__Host-known-device")
///     .build()?;
/// assert_eq!(throttle.attempts(), (3, 100));
///
/// let errors = LoginThrottle::builder(&b"hunter2"[..]).free_attempts(50).build().unwrap_err();
/// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
/// assert_eq!(codes, ["weak_secret", "login_too_loose"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct LoginThrottleBuilder<St: Store = MemoryStore> {
    pub(super) settings: Settings,
    pub(super) store: St,
}

/// What was set.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) secret: Secret<Vec<u8>>,
    pub(super) name: String,
    pub(super) normalise: Option<Normalise>,
    pub(super) free: u8,
    pub(super) first: Duration,
    pub(super) longest: Duration,
    pub(super) quiet: Duration,
    pub(super) hard_bound: u8,
    pub(super) lock: Duration,
    pub(super) device_cookie: Option<String>,
    pub(super) device_lifetime: Duration,
    pub(super) device: Quota,
    pub(super) address: Quota,
    pub(super) prefix: Prefix,
    pub(super) spray: (u8, Duration, Duration),
    pub(super) pressure: u32,
    pub(super) on_store_error: Option<OnStoreError>,
    pub(super) events: Events,
    pub(super) clock: Option<Arc<dyn Clock>>,
}

const DAY: Duration = Duration::from_secs(86_400);

impl LoginThrottleBuilder {
    pub(super) fn passwords(secret: Secret<Vec<u8>>) -> Self {
        let quarter = Duration::from_secs(900);
        Self {
            settings: Settings {
                secret,
                name: "login".to_owned(),
                normalise: None,
                free: 5,
                first: Duration::from_secs(1),
                longest: quarter,
                quiet: quarter,
                hard_bound: 100,
                lock: DAY,
                device_cookie: Some("__Host-device".to_owned()),
                device_lifetime: Duration::from_secs(90 * 86_400),
                device: Quota::new(10, quarter),
                address: Quota::new(30, quarter),
                prefix: Prefix::SUBSCRIBER,
                spray: (20, Duration::from_secs(600), quarter),
                pressure: 10,
                on_store_error: Some(OnStoreError::default()),
                events: Events::default(),
                clock: None,
            },
            store: MemoryStore::default(),
        }
    }
}

impl<St: Store> LoginThrottleBuilder<St> {
    /// Sets where attempts are counted. Default: a [`MemoryStore`] of its own.
    ///
    /// With a store that several nodes share, all of them count together, but for sprays and the pressure, which each node counts by
    /// itself.
    pub fn store<T: Store>(self, store: T) -> LoginThrottleBuilder<T> {
        LoginThrottleBuilder {
            settings: self.settings,
            store,
        }
    }

    /// Sets the name that the counters have in the store and that device cookies are bound to. Default: `login`.
    ///
    /// Two throttles of one name and store count together, and trust each other's devices if they have one secret. Accepted: 1 to 32
    /// of `A-Z a-z 0-9 _ -`. Rejected: `log in`, the empty name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// Sets how an account is spelt before it is counted. Default: without white space at its ends and in lower case.
    ///
    /// All spellings that log in to one account have to come out the same, or each has a budget of its own: use the function that the
    /// look-up uses, such as NFKC with case folding. It is given the text of the client, of any length.
    pub fn normalise(mut self, normalise: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.settings.normalise = Some(Arc::new(normalise));
        self
    }

    /// Sets how many attempts an account has, from devices that it does not trust, before it has to wait. Default: 5, at most 20.
    pub fn free_attempts(mut self, free: u8) -> Self {
        self.settings.free = free;
        self
    }

    /// Sets how long an account waits after the free attempts: `first`, then twice as long each time up to `longest`; one failure is
    /// forgotten for each `quiet`. Default: 1 s, 15 min, 15 min.
    ///
    /// Rejected: a delay of 0, a longest one that is shorter than the first, more than 30 days.
    pub fn delays(mut self, first: Duration, longest: Duration, quiet: Duration) -> Self {
        self.settings.first = first;
        self.settings.longest = longest;
        self.settings.quiet = quiet;
        self
    }

    /// Sets after how many failures in a row an account is locked for devices that it does not trust. Default: 100, which is also the
    /// most (NIST SP 800-63B, section 3.2.2).
    ///
    /// A device that an account trusts has a count of its own: after as many it is trusted no more for the time of the
    /// [`lock`](Self::lock).
    pub fn hard_bound(mut self, failures: u8) -> Self {
        self.settings.hard_bound = failures;
        self
    }

    /// Sets how long a lock lasts, and after how long one of the failures in a row is forgotten. Default: 24 h.
    pub fn lock(mut self, lock: Duration) -> Self {
        self.settings.lock = lock;
        self
    }

    /// Sets the name of the device cookie. Default: `__Host-device`.
    ///
    /// Accepted: `__Host-` and up to 121 characters of a token behind it. Rejected: `device`, `__host-device`, `__Secure-device`.
    pub fn device_cookie(mut self, name: impl Into<String>) -> Self {
        self.settings.device_cookie = Some(name.into());
        self
    }

    /// Trusts no device, and sets no cookie: for clients that keep none. Anybody can then make an account wait.
    pub fn without_device_cookie(mut self) -> Self {
        self.settings.device_cookie = None;
        self
    }

    /// Sets how long a device is trusted after a login, by the wall clock. Default: 90 days, at most 400.
    pub fn device_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.device_lifetime = lifetime;
        self
    }

    /// Sets how many failures a trusted device has, before it is a stranger like any other. Default: 10 in 15 min.
    pub fn device_failures(mut self, quota: Quota) -> Self {
        self.settings.device = quota;
        self
    }

    /// Sets how many failures an address prefix has, over all accounts, from devices that are not trusted. Default: 30 in 15 min.
    pub fn address_failures(mut self, quota: Quota) -> Self {
        self.settings.address = quota;
        self
    }

    /// Sets how many bits of an address count. Default: 32 of IPv4, 64 of IPv6, which is one subscriber.
    ///
    /// Accepted: 8 to 32, and 32 to 64.
    pub fn client_prefix(mut self, v4: u8, v6: u8) -> Self {
        self.settings.prefix = self.settings.prefix.widths(v4, v6);
        self
    }

    /// Counts each IPv6 address by itself, whatever [`client_prefix`](Self::client_prefix) says.
    ///
    /// **Breaks**: one host has 2^64 of them, and so no limit by address.
    pub fn dangerous_full_v6(mut self) -> Self {
        self.settings.prefix = self.settings.prefix.full_v6();
        self
    }

    /// Sets how many different accounts have to fail from one prefix within a time for all attempts from it to be refused, and for
    /// how long. Default: 20 in 10 min, 15 min. At most 100 accounts.
    ///
    /// The accounts are counted in 64 bits, on this node alone, and looked at for up to half as long again: 17 is the fewest that 20
    /// can be taken for.
    pub fn spray(mut self, accounts: u8, within: Duration, refuse: Duration) -> Self {
        self.settings.spray = (accounts, within, refuse);
        self
    }

    /// Sets how many failures in one second, over all accounts and addresses of this node, are
    /// [`Pressure::High`](super::Pressure::High). Default: 10.
    pub fn pressure(mut self, failures_per_second: u32) -> Self {
        self.settings.pressure = failures_per_second;
        self
    }

    /// Sets what becomes of an attempt when the store cannot answer. Default: [`OnStoreError::Local`] without a fraction of its own.
    pub fn on_store_error(mut self, on_store_error: OnStoreError) -> Self {
        self.settings.on_store_error = Some(on_store_error);
        self
    }

    /// Is always refused by [`build`](Self::build): a login that is open while its store is away invites to take the store down. It
    /// is here for who looks for what a [`Policy`](super::super::Policy) has.
    pub fn dangerous_allow_on_store_error(mut self) -> Self {
        self.settings.on_store_error = None;
        self
    }

    /// Sets where events go. Default: the stack's sink, else `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.settings.events = self.settings.events.with_sink(sink);
        self
    }

    /// Sets the clock. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        self.settings.events = self.settings.events.with_clock(Arc::clone(&clock));
        self.settings.clock = Some(clock);
        self
    }

    /// Makes the throttle.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once: [`LoginConfigError`](super::LoginConfigError),
    /// [`RateLimitConfigError`](super::super::RateLimitConfigError), and what the store says of itself.
    pub fn build(self) -> Result<LoginThrottle<St>, ConfigErrors> {
        compile(self.settings, self.store)
    }
}

impl Settings {
    /// The 128 bits that everything is keyed by. Of a longer secret all bytes count.
    pub(super) fn seed(&self) -> KeySeed {
        let secret = self.secret.expose();
        let Some((first, rest)) = secret.split_first_chunk::<16>() else {
            // Too short, which `build` refuses.
            return KeySeed::random();
        };
        let seed = KeySeed::fleet(*first);
        if rest.is_empty() {
            return seed;
        }
        let mut hasher = KeyHasher::new(&seed);
        hasher.bytes(rest);
        KeySeed::fleet(hasher.key().bits().to_le_bytes())
    }
}

impl<St: Store> std::fmt::Debug for LoginThrottleBuilder<St> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginThrottleBuilder")
            .field("name", &self.settings.name)
            .finish_non_exhaustive()
    }
}

pub(super) const LEAST: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MOST: Duration = Duration::from_secs(30 * 86_400);
pub(super) const OLDEST_COOKIE: Duration = Duration::from_secs(400 * 86_400);
