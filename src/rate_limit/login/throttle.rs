//! The throttle: what attempts are counted by, without Tower.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::super::key::{KeyHasher, KeySeed, Prefix};
use super::super::memory::MemoryStore;
use super::super::store::{Nanos, Store};
use super::super::time::Ticker;
use super::account::Accounts;
use super::attempt::LoginAttempt;
use super::begin::LoginBegin;
use super::config::LoginThrottleBuilder;
use super::counters::{AddressKey, Counters, Rules, Subject};
use super::device::DeviceCookies;
use super::events::{LoginEvents, Who};
use super::pressure::{Gauge, Pressure};
use super::refusal::Bodies;
use super::spray::SprayTable;
use crate::core::{Caller, ClientIp, Secret};

/// Counts attempts to log in before the password is looked at. The [module](crate::rate_limit::login) has the rules and an example.
///
/// Cloning shares it.
#[must_use = "a throttle does nothing until attempts are begun"]
pub struct LoginThrottle<St: Store = MemoryStore> {
    core: Arc<Core<St>>,
}

/// Everything that the attempts of one throttle share.
pub(super) struct Core<St: Store> {
    pub(super) name: Box<str>,
    pub(super) counters: Counters<St>,
    /// What counts in this process while the store is away; `None` refuses then, or belongs to a store that never is.
    pub(super) away: Option<Counters<MemoryStore>>,
    pub(super) counts_locally: bool,
    pub(super) accounts: Accounts,
    pub(super) devices: Option<DeviceCookies>,
    pub(super) prefix: Prefix,
    pub(super) prefix_seed: KeySeed,
    pub(super) spray: SprayTable,
    pub(super) gauge: Gauge,
    pub(super) events: LoginEvents,
    pub(super) ticker: Ticker,
    pub(super) bodies: Bodies,
}

impl LoginThrottle {
    /// Starts from the defaults for passwords, with this secret: 16 random bytes, the same on every node and after a restart.
    ///
    /// It keys the device cookies and the hashes of accounts in events. With another one every device is a stranger again.
    pub fn builder(secret: impl Into<Secret<Vec<u8>>>) -> LoginThrottleBuilder {
        LoginThrottleBuilder::passwords(secret.into())
    }

    /// Starts from the defaults for one-time codes: 5, then one every 5 minutes, and a lock after 20 in a row; without a device
    /// cookie.
    ///
    /// Six digits and a window of three codes: 20 guesses hit with a probability of 1 in 17,000. It counts apart from the throttle of
    /// the passwords, under the name `otp`.
    pub fn otp(secret: impl Into<Secret<Vec<u8>>>) -> LoginThrottleBuilder {
        Self::builder(secret)
            .name("otp")
            .free_attempts(5)
            .delays(MINUTES_5, MINUTES_5, MINUTES_5)
            .hard_bound(20)
            .without_device_cookie()
    }

    /// Starts from the defaults for mails that reset a password: 3, then one after 1, 2, 4 .. 60 minutes; without a device cookie.
    ///
    /// Each mail counts: drop the guard when it is sent. For the token in the mail take [`otp`](Self::otp). Counts under the name
    /// `reset`.
    pub fn password_reset(secret: impl Into<Secret<Vec<u8>>>) -> LoginThrottleBuilder {
        let hour = Duration::from_secs(3_600);
        Self::builder(secret)
            .name("reset")
            .free_attempts(3)
            .delays(Duration::from_secs(60), hour, hour)
            .without_device_cookie()
    }

    /// Starts from the defaults for API keys, by the part of the key that is no secret: as for passwords, without a device cookie.
    /// Counts under the name `api_key`.
    pub fn api_keys(secret: impl Into<Secret<Vec<u8>>>) -> LoginThrottleBuilder {
        Self::builder(secret)
            .name("api_key")
            .without_device_cookie()
    }
}

const MINUTES_5: Duration = Duration::from_secs(300);

impl<St: Store> LoginThrottle<St> {
    pub(super) fn of(core: Core<St>) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    /// Counts an attempt, before the password is looked at. Await it: with [`MemoryStore`] it is ready at once, and nothing is boxed
    /// with any store.
    ///
    /// The charge is made by this call, not by the first poll: N attempts at once are N charges before the first of them can be
    /// verified. Begin before the password hasher is asked for a permit, or attackers hold all of them.
    ///
    /// The guard that comes of it stands for a failure until [`success`](super::LoginGuard::success) is called.
    ///
    /// # Errors
    ///
    /// A [`LoginRefusal`](super::LoginRefusal): do not look at the password, answer with its
    /// [`rejection`](super::LoginRefusal::rejection).
    ///
    /// # Cancel safety
    ///
    /// Dropping it takes nothing back: an attempt that was charged stays charged, and one whose guard was ready is a failure.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::core::ClientIp;
    /// use tower_security::rate_limit::login::{LoginAttempt, LoginThrottle};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let secret = *b"\x8e\x0b\x91\xd5\x5f\x13\xa7\x2c\x60\xf8\x47\xbe\x19\x74\xc3\x2a";
    /// let throttle = LoginThrottle::builder(&secret[..]).build()?;
    /// let client = ClientIp::resolved_by_caller("203.0.113.9".parse()?);
    /// for _ in 0..5 {
    ///     let guard = throttle.begin(LoginAttempt::new("alice").ip(client)).await?;
    ///     drop(guard); // The password was wrong.
    /// }
    /// let refusal = throttle.begin(LoginAttempt::new("alice").ip(client)).await.unwrap_err();
    /// assert_eq!(refusal.retry_after(), 1);
    /// // Another account is not concerned.
    /// let guard = throttle.begin(LoginAttempt::new("bob").ip(client)).await?;
    /// let cookie = guard.success().ok_or("no randomness")?;
    /// assert!(cookie.to_str()?.starts_with("__Host-device=v1."));
    /// # Ok(())
    /// # }
    /// ```
    pub fn begin(&self, attempt: LoginAttempt<'_>) -> LoginBegin<St> {
        LoginBegin::start(Arc::clone(&self.core), attempt)
    }

    /// Forgets the failures of an account, and with them its lock: for support staff, and for who has reset the password.
    ///
    /// Its devices and the addresses keep theirs.
    pub fn unlock(&self, account: &str) {
        let account = self.core.accounts.hash(account);
        let now = self.core.ticker.now();
        self.core.counters.unlock(account, now);
        if let Some(away) = &self.core.away {
            away.unlock(account, now);
        }
    }

    /// Returns whether many logins fail at the moment, over all accounts and addresses.
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        self.core.gauge.read(self.core.ticker.now())
    }

    /// Returns the name that its counters have in the store.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Returns how many attempts an account has before it has to wait, and after how many failures in a row it is locked.
    #[must_use]
    pub fn attempts(&self) -> (u8, u8) {
        let Rules { account, bound, .. } = self.core.counters.rules();
        (account.free(), bound.free())
    }

    /// Returns the name and the lifetime of the device cookie, if there is one.
    #[must_use]
    pub fn device_cookie(&self) -> Option<(&str, Duration)> {
        let devices = self.core.devices.as_ref()?;
        Some((devices.name(), devices.lifetime()))
    }

    /// Returns how many accounts of one prefix are a spray, and how many failures a second are high pressure.
    #[must_use]
    pub fn thresholds(&self) -> (u8, u32) {
        let accounts = self.core.spray.rule().accounts;
        (accounts, self.core.gauge.threshold())
    }

    /// Returns whether what cannot be counted in the store is counted here; it is refused otherwise.
    #[must_use]
    pub fn counts_locally(&self) -> bool {
        self.core.counts_locally
    }

    /// What was weakened.
    pub(crate) fn dangerous(&self) -> [(&'static str, bool); 1] {
        [("dangerous_full_v6", self.core.prefix.is_full_v6())]
    }

    pub(super) fn core(&self) -> &Core<St> {
        &self.core
    }
}

impl<St: Store> Core<St> {
    /// Understands an attempt. A device that is named by a cookie which is none of this account's is no device.
    pub(super) fn identify(&self, attempt: LoginAttempt<'_>) -> (Subject, Who) {
        let account = self.accounts.hash(attempt.account);
        let who = Who {
            account,
            client: attempt.client,
            context: attempt.context.cloned(),
        };
        let device = self.devices.as_ref().and_then(|devices| {
            let value = match (attempt.device, attempt.headers) {
                (Some(value), _) => value,
                (None, headers) => devices.find(headers?)?,
            };
            devices.verify(value, account, self.events.date(&who))
        });
        let address = self.address(attempt.client);
        let subject = Subject {
            account,
            device,
            address,
        };
        (subject, who)
    }

    /// Tells of an attempt through the layer whose account nobody has named.
    #[cold]
    pub(super) fn lacks_account(&self, attempt: LoginAttempt<'_>) {
        let who = Who {
            account: self.accounts.hash(attempt.account),
            client: attempt.client,
            context: attempt.context.cloned(),
        };
        self.events.no_account(&who, self.ticker.now());
    }

    /// All clients without an address are one, and those whose address is that of a proxy are another.
    fn address(&self, client: Option<ClientIp>) -> AddressKey {
        const DOMAIN: u64 = u64::from_le_bytes(*b"address\0");
        const CLIENT: u64 = 1 << 56;
        let mut hasher = KeyHasher::new(&self.prefix_seed);
        hasher.u64(DOMAIN);
        if let Some(client) = client {
            self.prefix
                .add_to(&Caller::of(&client), CLIENT, &mut hasher);
        }
        AddressKey(hasher.key())
    }

    /// Counts a failure that is over. Returns whether it made a spray of those before it.
    pub(super) fn failed(&self, subject: Subject, who: &Who, now: Nanos) -> bool {
        self.gauge.record(now);
        self.events.failure(who);
        let prefix = subject.address.0.low();
        let spray = self.spray.record(prefix, subject.account.bit(), now);
        if let Some(accounts) = spray {
            self.events.spray(who, accounts);
        }
        spray.is_some()
    }
}

impl<St: Store> Clone for LoginThrottle<St> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
        }
    }
}

impl<St: Store> fmt::Debug for LoginThrottle<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginThrottle")
            .field("name", &self.core.name)
            .field("rules", self.core.counters.rules())
            .field("devices", &self.core.devices)
            .field("spray", &self.core.spray)
            .finish_non_exhaustive()
    }
}
