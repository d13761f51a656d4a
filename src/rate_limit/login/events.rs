//! The events of a throttle. None of them has the name of an account.

use std::time::{Duration, SystemTime};

use super::super::store::Nanos;
use super::account::AccountHash;
use super::refusal::LoginDimension;
use crate::core::sampler::Sampler;
use crate::core::{
    ClientIp, EventName, Events, Level, Outcome, RequestContext, SecurityEvent, Shared, StoreError,
};

const LAYER: &str = "login_throttle";

/// What is wrong with the server is told once a minute.
const FAULTS: Duration = Duration::from_secs(60);

/// Where events go, and how many are held back.
#[derive(Debug)]
pub(super) struct LoginEvents {
    sink: Events,
    /// An attacker who goes on is told of, and does not fill the disk.
    refusals: Sampler,
    store: Sampler,
    randomness: Sampler,
    account: Sampler,
}

/// Who made an attempt, as far as events say.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub(super) account: AccountHash,
    pub(super) client: Option<ClientIp>,
    pub(super) context: Option<RequestContext>,
}

impl Who {
    pub(super) fn shared(&self) -> Option<&Shared> {
        self.context.as_ref().map(RequestContext::shared)
    }

    fn event(&self, name: EventName, code: &'static str) -> SecurityEvent<'_> {
        let mut event = SecurityEvent::new(name, LAYER, code).own_target(&self.account.to_string());
        event.request_id = self.context.as_ref().and_then(RequestContext::request_id);
        match self.client {
            Some(client) => event.client_ip(client.ip()),
            None => event,
        }
    }
}

impl LoginEvents {
    pub(super) fn new(sink: Events) -> Self {
        Self {
            sink,
            refusals: Sampler::of_refusals(),
            store: Sampler::new(FAULTS),
            randomness: Sampler::new(FAULTS),
            account: Sampler::new(FAULTS),
        }
    }

    pub(super) const fn sink(&self) -> &Events {
        &self.sink
    }

    /// The date, by which device cookies go.
    pub(super) fn date(&self, who: &Who) -> SystemTime {
        self.sink.now(who.shared())
    }

    /// One for each attempt that failed.
    pub(super) fn failure(&self, who: &Who) {
        const NAME: EventName = EventName::AuthnLoginFail;
        self.sink.emit(who.shared(), NAME, Level::Warn, || {
            who.event(NAME, "login_failed")
        });
    }

    /// This failure is the last before the account, or the device that it trusts, is locked.
    pub(super) fn lock(&self, who: &Who, dimension: &str, in_a_row: u64) {
        const NAME: EventName = EventName::AuthnLoginLock;
        self.sink.emit(who.shared(), NAME, Level::Warn, || {
            let detail = format!("count={in_a_row}");
            who.event(NAME, "login_locked")
                .rule(dimension)
                .own_detail(&detail)
        });
    }

    /// From so many accounts on, a prefix is refused.
    pub(super) fn spray(&self, who: &Who, accounts: u32) {
        const NAME: EventName = EventName::AuthnLoginFailMax;
        self.sink.emit(who.shared(), NAME, Level::Warn, || {
            let detail = format!("count={accounts}");
            who.event(NAME, "login_spray")
                .rule(LoginDimension::Spray.as_str())
                .own_detail(&detail)
        });
    }

    /// An attempt was refused.
    pub(super) fn refused(&self, who: &Who, dimension: LoginDimension, count: u64, now: Nanos) {
        const NAME: EventName = EventName::AuthnLoginFailMax;
        if !self.sink.wants(who.shared(), NAME, Level::Warn) {
            return;
        }
        let Some(suppressed) = self.refusals.admit_at(now.get()) else {
            return;
        };
        self.sink.emit(who.shared(), NAME, Level::Warn, || {
            let detail = format!("count={count} suppressed={suppressed}");
            who.event(NAME, "login_throttled")
                .rule(dimension.as_str())
                .own_detail(&detail)
        });
    }

    /// The store cannot answer, and `instead` says what is done.
    pub(super) fn store_failed(&self, who: &Who, error: &StoreError, instead: &str, now: Nanos) {
        self.fault(&self.store, who, now, "rate_store_unavailable", || {
            format!("instead={instead} store={}", error.text())
        });
    }

    /// No device cookie could be drawn.
    pub(super) fn no_randomness(&self, who: &Who, now: Nanos) {
        const NAME: EventName = EventName::CryptEncryptFail;
        if self
            .randomness
            .admit(Duration::from_nanos(now.get()))
            .is_some()
        {
            self.sink.emit(who.shared(), NAME, Level::Error, || {
                who.event(NAME, "device_cookie_missing")
                    .outcome(Outcome::Fault)
            });
        }
    }

    /// The layer was given no account: nobody put it into the extensions.
    pub(super) fn no_account(&self, who: &Who, now: Nanos) {
        self.fault(&self.account, who, now, "login_account_missing", || {
            "remedy=insert the request extension LoginAccount outside of LoginThrottleLayer"
                .to_owned()
        });
    }

    fn fault(
        &self,
        sampler: &Sampler,
        who: &Who,
        now: Nanos,
        code: &'static str,
        detail: impl FnOnce() -> String,
    ) {
        const NAME: EventName = EventName::SysMonitorDisabled;
        let Some(suppressed) = sampler.admit(Duration::from_nanos(now.get())) else {
            return;
        };
        self.sink.emit(who.shared(), NAME, Level::Error, || {
            let detail = format!("suppressed={suppressed} {}", detail());
            who.event(NAME, code)
                .outcome(Outcome::Fault)
                .own_detail(&detail)
        });
    }
}
