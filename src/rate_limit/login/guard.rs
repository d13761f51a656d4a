//! An attempt that was counted, until it is known what came of it.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use super::super::memory::MemoryStore;
use super::super::store::Store;
use super::counters::{Booked, Subject};
use super::events::Who;
use super::pressure::Pressure;
use super::throttle::Core;

/// An attempt that may be verified now. It is a failure unless [`success`](Self::success) is called: also when it is dropped because
/// the client went away, the handler panicked or the database did not answer.
#[must_use = "dropping it counts as a failure: verify the password, then call `success`"]
pub struct LoginGuard<St: Store = MemoryStore> {
    /// Taken when it is over.
    open: Option<Open<St>>,
    pressure: Pressure,
}

struct Open<St: Store> {
    core: Arc<Core<St>>,
    subject: Subject,
    who: Who,
    booked: Booked,
    home: Home,
    /// How many failures in a row lock the account, or the device, if this is the last of them.
    bound: Option<u64>,
}

/// Where an attempt was booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// In the counters of this process, while the store was away.
    Here,
    Store,
}

impl<St: Store> LoginGuard<St> {
    pub(super) fn new(
        core: Arc<Core<St>>,
        subject: Subject,
        who: Who,
        (booked, home): (Booked, Home),
        bound: Option<u64>,
        pressure: Pressure,
    ) -> Self {
        let open = Open {
            core,
            subject,
            who,
            booked,
            home,
            bound,
        };
        Self {
            open: Some(open),
            pressure,
        }
    }

    /// The credentials were right, all that are asked for: takes the charge of this attempt back and forgets the failures in a row.
    ///
    /// Failures of the address and those that make an account wait stay: who has an account of his own would wipe them away with it.
    ///
    /// Returns the line of `Set-Cookie` by which the account will trust this device; append it to the answer. `None` for a throttle
    /// without device cookies, or if the operating system has no randomness.
    #[must_use = "the answer has to carry the device cookie"]
    pub fn success(mut self) -> Option<HeaderValue> {
        self.open.take()?.succeed()
    }

    /// The credentials were wrong: the same as dropping it, spelt out.
    ///
    /// For bans the handler signs its 401 by an [`AbuseSignal`](crate::core::AbuseSignal) in the extensions; the layer does so by itself.
    pub fn failure(self) {
        drop(self);
    }

    /// Returns whether many logins failed when this attempt began: ask for a captcha or a second factor then.
    #[must_use]
    pub const fn pressure(&self) -> Pressure {
        self.pressure
    }

    /// Returns whether the device showed that somebody has logged in to this account from it.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| open.subject.device.is_some())
    }

    /// As dropping it. Returns whether this failure made a spray of those before it.
    pub(super) fn fail(mut self) -> bool {
        self.open.take().is_some_and(Open::fail)
    }
}

impl<St: Store> Drop for LoginGuard<St> {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            open.fail();
        }
    }
}

impl<St: Store> Open<St> {
    fn succeed(self) -> Option<HeaderValue> {
        let Self {
            core,
            subject,
            who,
            booked,
            home,
            ..
        } = self;
        let now = core.ticker.now();
        match home {
            Home::Store => core.counters.succeed(subject, booked, now),
            Home::Here => core.counters.forget(subject, now),
        }
        match (home, &core.away) {
            (Home::Store, Some(away)) => away.forget(subject, now),
            (Home::Here, Some(away)) => away.succeed(subject, booked, now),
            (_, None) => {}
        }
        let devices = core.devices.as_ref()?;
        let cookie = devices.issue(subject.account, core.events.date(&who));
        if cookie.is_none() {
            core.events.no_randomness(&who, now);
        }
        cookie
    }

    fn fail(self) -> bool {
        let Self {
            core,
            subject,
            who,
            bound,
            ..
        } = self;
        let is_spray = core.failed(subject, &who, core.ticker.now());
        if let Some(in_a_row) = bound {
            let dimension = if subject.device.is_some() {
                "device"
            } else {
                "account_lock"
            };
            core.events.lock(&who, dimension, in_a_row);
        }
        is_spray
    }
}

impl<St: Store> fmt::Debug for LoginGuard<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginGuard")
            .field("pressure", &self.pressure)
            .field("is_trusted", &self.is_trusted())
            .finish_non_exhaustive()
    }
}
