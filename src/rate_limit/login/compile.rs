//! Checks a configuration and makes a throttle of it.

use super::super::error::RateLimitConfigError;
use super::super::fallback::can_be_away;
use super::super::memory::MemoryStore;
use super::super::policy::OnStoreError;
use super::super::quota::Quota;
use super::super::rule::{Gcra, Ladder};
use super::super::set::share;
use super::super::store::Store;
use super::super::time::Ticker;
use super::account::Accounts;
use super::config::{LEAST, MOST, OLDEST_COOKIE, SECOND, Settings};
use super::counters::{Counters, Rules};
use super::device::{DeviceCookies, is_host_cookie};
use super::error::LoginConfigError;
use super::events::LoginEvents;
use super::pressure::Gauge;
use super::refusal::Bodies;
use super::spray::{SprayRule, SprayTable};
use super::throttle::{Core, LoginThrottle};
use crate::core::text::cap;
use crate::core::{ConfigErrors, Mistakes, is_weak_key, nanos};

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
    settings.prefix.check("login.client_prefix", &mut mistakes);
    let name = &settings.name;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !(1..=32).contains(&name.len()) || !name.bytes().all(is_plain) {
        let name = cap::start_of(name, 80).to_owned();
        mistakes.push("login.name", LoginConfigError::Name { name });
    }
    let device = quota(&mut mistakes, "login.device_failures", settings.device);
    let address = quota(&mut mistakes, "login.address_failures", settings.address);
    on_store_error(&mut mistakes, settings.on_store_error);
    if store.takes_one_key() {
        let [first, other] = ["account", "address"].map(str::to_owned);
        let mistake = RateLimitConfigError::HashTag { first, other };
        mistakes.push("login.store", mistake);
    }
    if let Some(errors) = store.config_errors() {
        mistakes.extend(errors);
    }
    mistakes.finish(())?;
    let rules = rules(&settings, device, address);
    Ok(LoginThrottle::of(core(settings, store, rules)))
}

fn core<St: Store>(settings: Settings, store: St, rules: Rules) -> Core<St> {
    let seed = settings.seed();
    let local = match settings.on_store_error {
        Some(OnStoreError::Local { fraction }) => Some(share(fraction, store.expected_nodes())),
        Some(OnStoreError::Deny) | None => None,
    };
    let away = local.filter(|_| can_be_away::<St>()).map(|fraction| {
        Counters::open(MemoryStore::default(), &settings.name, rules.part(fraction))
    });
    let (accounts, within, refuse) = settings.spray;
    let devices = settings
        .device_cookie
        .as_deref()
        .map(|cookie| DeviceCookies::new(cookie, settings.device_lifetime, seed, &settings.name));
    Core {
        counters: Counters::open(store, &settings.name, rules),
        name: settings.name.into(),
        away,
        counts_locally: local.is_some(),
        accounts: Accounts::new(seed, settings.normalise),
        devices,
        prefix: settings.prefix,
        prefix_seed: seed,
        spray: SprayTable::new(SprayRule {
            accounts,
            within: nanos(within),
            refuse: nanos(refuse),
        }),
        gauge: Gauge::new(settings.pressure),
        events: LoginEvents::new(settings.events),
        ticker: settings.clock.map(Ticker::new).unwrap_or_default(),
        bodies: Bodies::new(),
    }
}

fn rules(settings: &Settings, device: Gcra, address: Gcra) -> Rules {
    let lock = nanos(settings.lock);
    Rules {
        account: Ladder::new(
            settings.free,
            nanos(settings.first),
            nanos(settings.longest),
            nanos(settings.quiet),
        ),
        // Who goes on after a lock is locked again by the next failure, and each day of quiet makes room for one.
        bound: Ladder::new(settings.hard_bound, lock, lock, lock),
        device,
        address,
    }
}

fn secret(mistakes: &mut Mistakes, secret: &[u8]) {
    if is_weak_key(secret) {
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
    let Settings {
        first,
        longest,
        quiet,
        lock,
        ..
    } = *settings;
    if first < LEAST || longest < first || longest > MOST || !(LEAST..=MOST).contains(&quiet) {
        let error = LoginConfigError::Delays {
            first,
            longest,
            quiet,
        };
        mistakes.push("login.delays", error);
    }
    if !(SECOND..=MOST).contains(&lock) {
        mistakes.push("login.lock", LoginConfigError::Lock { lock });
    }
    let (accounts, within, refuse) = settings.spray;
    let are_times = [within, refuse]
        .iter()
        .all(|time| (SECOND..=MOST).contains(time));
    if !(2..=100).contains(&accounts) || !are_times {
        let error = LoginConfigError::Spray {
            accounts,
            within,
            refuse,
        };
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

/// Strict: no node takes attempts in advance that another could need.
fn quota(mistakes: &mut Mistakes, path: &str, quota: Quota) -> Gcra {
    quota
        .compile()
        .map(|compiled| compiled.strict(true))
        .unwrap_or_else(|error| {
            mistakes.push(path, error);
            // Nobody is counted by it: the mistake is reported.
            Gcra::new(1, 1)
        })
}

fn on_store_error(mistakes: &mut Mistakes, on_store_error: Option<OnStoreError>) {
    const PATH: &str = "login.on_store_error";
    match on_store_error {
        None => mistakes.push(PATH, LoginConfigError::LoginFailOpen),
        Some(OnStoreError::Local {
            fraction: Some(fraction),
        }) if !(fraction > 0.0 && fraction <= 1.0) => {
            mistakes.push(PATH, RateLimitConfigError::Fraction { fraction });
        }
        Some(OnStoreError::Local { .. } | OnStoreError::Deny) => {}
    }
}
