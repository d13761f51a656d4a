//! Second factors.

mod answers;
mod config;
mod odd;
mod recovery;
#[cfg(feature = "vault")]
mod sealing;
mod totp;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tower_security::core::{
    Clock, EventName, Level, ManualClock, Outcome, PepperRing, Secret, SecurityEvent,
};
use tower_security::mfa::{
    Enrolment, MemoryMfaStore, RecoveryCodes, RecoveryStore, TotpService, TotpStore,
};

mod contract_of_totp {
    use super::*;

    tower_security::totp_store_contract!(async || {
        let store = MemoryMfaStore::new();
        (store.clone(), store)
    });
}

mod contract_of_recovery {
    use super::*;

    tower_security::recovery_store_contract!(async || {
        let store = MemoryMfaStore::new();
        (store.clone(), store)
    });
}

/// A day in 2027, at the beginning of a step.
pub(crate) const BEGIN: u64 = 1_800_000_000;

pub(crate) fn clock() -> ManualClock {
    let clock = ManualClock::new();
    clock.set_now(SystemTime::UNIX_EPOCH + Duration::from_secs(BEGIN));
    clock
}

/// What a sink has heard.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Line>>>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) name: EventName,
    pub(crate) level: Level,
    pub(crate) outcome: Outcome,
    pub(crate) code: &'static str,
    pub(crate) rule: Option<String>,
    pub(crate) all: String,
}

impl Heard {
    pub(crate) fn sink(&self) -> impl Fn(&SecurityEvent<'_>) + Send + Sync + 'static + use<> {
        let lines = Arc::clone(&self.0);
        move |event| {
            lines.lock().unwrap().push(Line {
                name: event.name,
                level: event.level,
                outcome: event.outcome,
                code: event.code,
                rule: event.rule.as_deref().map(str::to_owned),
                all: format!("{event:?}"),
            });
        }
    }

    pub(crate) fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// What an app does: a code of the secret it was shown, for so many seconds after the beginning. Independent of the service.
pub(crate) fn code(enrolment: &Enrolment, seconds: u64) -> String {
    let key = enrolment.secret();
    let totp = totp_rs::Builder::new()
        .with_secret(key.expose().as_slice())
        .build()
        .unwrap();
    totp.generate(BEGIN + seconds).to_string()
}

/// A code that is of no step near the beginning.
pub(crate) fn wrong(enrolment: &Enrolment) -> String {
    let near: Vec<String> = (0..2_000)
        .step_by(30)
        .map(|at| code(enrolment, at))
        .collect();
    let before: Vec<String> = (1..5).map(|steps| before(enrolment, steps)).collect();
    let mut codes = (0..1_000).map(|number| format!("{number:06}"));
    codes
        .find(|code| !near.contains(code) && !before.contains(code))
        .unwrap()
}

/// The code of so many steps before the beginning.
pub(crate) fn before(enrolment: &Enrolment, steps: u64) -> String {
    let key = enrolment.secret();
    let totp = totp_rs::Builder::new()
        .with_secret(key.expose().as_slice())
        .build()
        .unwrap();
    totp.generate(BEGIN - steps * 30).to_string()
}

pub(crate) fn totp(store: impl TotpStore, clock: &ManualClock, heard: &Heard) -> TotpService {
    TotpService::builder(store, "Shop")
        .clock(clock.clone())
        .events(heard.sink())
        .build()
        .unwrap()
}

pub(crate) fn peppers() -> PepperRing {
    PepperRing::builder("2", Secret::from(b"a pepper of this year"))
        .build()
        .unwrap()
}

pub(crate) fn recovery(
    store: impl RecoveryStore,
    clock: &ManualClock,
    heard: &Heard,
) -> RecoveryCodes {
    RecoveryCodes::builder(store, peppers())
        .clock(clock.clone())
        .events(heard.sink())
        .build()
        .unwrap()
}

/// Enrolls a user and confirms it with the code of four steps before: those around the beginning are left.
pub(crate) async fn enrolled(totp: &TotpService, clock: &ManualClock, user: &str) -> Enrolment {
    let enrolment = totp.enrol(user, "alice@example.com").await.unwrap();
    let now = clock.now();
    clock.set_now(now - Duration::from_secs(120));
    totp.confirm(user, &before(&enrolment, 4)).await.unwrap();
    clock.set_now(now);
    enrolment
}
