//! Checks a configuration and makes a throttle of it.

use super::super::error::RateLimitConfigError;
use super::super::policy::OnStoreError;
use super::super::quota::Quota;
use super::super::rule::{Gcra, Ladder, Rule};
use super::super::store::Store;
use super::super::time::Ticker;
use super::account::Accounts;
use super::config::{LEAST, MOST, OLDEST_COOKIE, SECOND, Settings};
use super::device::{DeviceCookies, is_host_cookie};
use super::error::LoginConfigError;
use super::pressure::Gauge;
use super::refusal::Bodies;
use super::rules::{Counters, Rules};
use super::spray::{SprayRule, SprayTable};
use super::throttle::{Away, Core, LoginThrottle};
use super::told::Told;
use crate::core::text::cap;
use crate::core::{ConfigErrors, Mistakes, nanos};

/// NIST SP 800-63B, section 3.2.2: no more than 100 failures in a row.
const MOST_IN_A_ROW: u8 = 100;
const MOST_FREE: u8 = 20;

pub(super) fn compile<St: Store>(
    settings: Settings,
    store: St,
) -> Result<LoginThrottle<St>, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    secret(&mut mistakes, settings.secret.expose());
    attempts(&mut mistakes, &settings);
    times(&mut mistakes, &settings);
    cookie(&mut mistakes, &settings);
    prefix(&mut mistakes, &settings);
    let name = &settings.name;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !(1..=32).contains(&name.len()) || !name.bytes().all(is_plain) {
        let name = cap::start_of(name, 80).to_owned();
        mistakes.push("login.name", LoginConfigError::Name { name });
    }
    let away = on_store_error(&mut mistakes, &settings);
    let rules = rules(&mut mistakes, &settings);
    if let Some(errors) = store.config_errors() {
        mistakes.extend(errors);
    }
    let Some(rules) = mistakes.finish(rules)? else {
        // Without rules there was a mistake.
        return Err(ConfigError::new("login", LoginConfigError::Pressure).into());
    };
}

fn secret(mistakes: &mut Mistakes, secret: &[u8]) {
    let is_constant = secret.iter().all(|byte| Some(byte) == secret.first());
    if secret.len() < 16 || is_constant {
        let bytes = secret.len();
        mistakes.push("login.secret", LoginConfigError::WeakSecret { bytes });
    }
}

fn attempts(mistakes: &mut Mistakes, settings: &Settings) {
    let (free, hard_bound) = (settings.free, settings.hard_bound);
    if free > MOST_FREE || hard_bound > MOST_IN_A_ROW {
        let error = LoginConfigError::LoginTooLoose { free, hard_bound };
        mistakes.push("login.attempts", error);
    }
    if free == 0 || hard_bound == 0 {
        let error = LoginConfigError::NoAttempts { free, hard_bound };
        mistakes.push("login.attempts", error);
    }
}

fn times(mistakes: &mut Mistakes, settings: &Settings) {
    let Settings { first, longest, quiet, lock, .. } = *settings;
    if first < LEAST || longest < first || longest > MOST || !(LEAST..=MOST).contains(&quiet) {
        let error = LoginConfigError::Delays { first, longest, quiet };
        mistakes.push("login.delays", error);
    }
    if !(SECOND..=MOST).contains(&lock) {
        mistakes.push("login.lock", LoginConfigError::Lock { lock });
    }
    let (accounts, within, refuse) = settings.spray;
    let are_times = [within, refuse].iter().all(|time| (SECOND..=MOST).contains(time));
    if !(2..=100).contains(&accounts) || !are_times {
        let error = LoginConfigError::Spray { accounts, within, refuse };
        mistakes.push("login.spray", error);
    }
    if settings.pressure == 0 {
        mistakes.push("login.pressure", LoginConfigError::Pressure);
    }
}

fn cookie(mistakes: &mut Mistakes, settings: &Settings) {
    let Some(name) = &settings.device_cookie else {
        return;
    };
    if !is_host_cookie(name) {
        let name = cap::start_of(name, 160).to_owned();
        let error = LoginConfigError::DeviceCookieName { name };
        mistakes.push("login.device_cookie", error);
    }
    let lifetime = settings.device_lifetime;
    if !(SECOND..=OLDEST_COOKIE).contains(&lifetime) {
        let error = LoginConfigError::DeviceLifetime { lifetime };
        mistakes.push("login.device_lifetime", error);
    }
}

fn prefix(mistakes: &mut Mistakes, settings: &Settings) {
    let (v4, v6) = settings.prefix;
    if !(8..=32).contains(&v4) || !(32..=64).contains(&v6) {
        let error = RateLimitConfigError::PrefixWidth { v4, v6 };
        mistakes.push("login.client_prefix", error);
    }
}

fn quota(mistakes: &mut Mistakes, path: &str, quota: Quota) -> Option<Gcra> {
    let compiled = quota.compile();
    compiled.map_err(|error| mistakes.push(path, error)).ok()
}
