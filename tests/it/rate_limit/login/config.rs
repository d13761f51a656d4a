//! What does not build, and its nearest neighbour that does.

use tower_security::core::{ConfigErrors, ErrorClass};
use tower_security::rate_limit::login::LoginConfigError;
use tower_security::rate_limit::{MemoryStore, OnStoreError, Quota, RateLimitConfigError};

use super::*;

fn builder() -> LoginThrottleBuilder {
    LoginThrottle::builder(&SECRET[..])
}

fn build(builder: LoginThrottleBuilder) -> Result<(), ConfigErrors> {
    builder.build().map(drop)
}

/// The path, the class and the code of the one mistake.
#[track_caller]
fn mistake(builder: LoginThrottleBuilder) -> (String, ErrorClass, &'static str) {
    let errors = build(builder).unwrap_err();
    let all: Vec<_> = errors
        .iter()
        .map(|error| (error.path().to_owned(), error.class(), error.code()))
        .collect();
    assert_eq!(all.len(), 1, "{errors}");
    all[0].clone()
}

const DAY: Duration = Duration::from_secs(86_400);

#[test]
#[expect(clippy::too_many_lines, reason = "a table of rows")]
fn each_mistake_is_refused_and_its_twin_builds() {
    use ErrorClass::{Invalid, Refused};
    let first = |first| builder().delays(first, minutes(15), minutes(15));
    let longest = |longest| builder().delays(seconds(10), longest, minutes(15));
    let quiet = |quiet| builder().delays(seconds(1), minutes(15), quiet);
    let spray = |accounts, within, refuse| builder().spray(accounts, within, refuse);
    let secret = |bytes: &[u8]| LoginThrottle::builder(bytes);
    let ms = Duration::from_millis(1);
    let us = Duration::from_micros(999);
    let local = |fraction| builder().on_store_error(OnStoreError::Local { fraction });
    let rows = [
        (
            secret(&SECRET[..15]),
            secret(&SECRET),
            "secret",
            Refused,
            "weak_secret",
        ),
        (
            secret(b""),
            secret(b"0123456789abcdef"),
            "secret",
            Refused,
            "weak_secret",
        ),
        (
            secret(&[7; 16]),
            secret(&[7; 15].into_iter().chain([8]).collect::<Vec<_>>()),
            "secret",
            Refused,
            "weak_secret",
        ),
        (
            secret(&[0; 64]),
            secret(&SECRET.repeat(4)),
            "secret",
            Refused,
            "weak_secret",
        ),
        (
            builder().free_attempts(21),
            builder().free_attempts(20),
            "attempts",
            Refused,
            "login_too_loose",
        ),
        (
            builder().hard_bound(101),
            builder().hard_bound(100),
            "attempts",
            Refused,
            "login_too_loose",
        ),
        (
            builder().free_attempts(0),
            builder().free_attempts(1),
            "attempts",
            Invalid,
            "no_attempts",
        ),
        (
            builder().hard_bound(0),
            builder().hard_bound(1),
            "attempts",
            Invalid,
            "no_attempts",
        ),
        (
            builder().dangerous_allow_on_store_error(),
            builder().on_store_error(OnStoreError::Deny),
            "on_store_error",
            Refused,
            "login_fail_open",
        ),
        (
            local(Some(0.0)),
            local(Some(0.01)),
            "on_store_error",
            Invalid,
            "fraction",
        ),
        (
            local(Some(1.01)),
            local(Some(1.0)),
            "on_store_error",
            Invalid,
            "fraction",
        ),
        (
            local(Some(f32::NAN)),
            local(None),
            "on_store_error",
            Invalid,
            "fraction",
        ),
        (first(us), first(ms), "delays", Invalid, "delays"),
        (
            longest(seconds(9)),
            longest(seconds(10)),
            "delays",
            Invalid,
            "delays",
        ),
        (
            longest(30 * DAY + ms),
            longest(30 * DAY),
            "delays",
            Invalid,
            "delays",
        ),
        (quiet(us), quiet(ms), "delays", Invalid, "delays"),
        (
            quiet(30 * DAY + ms),
            quiet(30 * DAY),
            "delays",
            Invalid,
            "delays",
        ),
        (
            builder().lock(seconds(1) - ms),
            builder().lock(seconds(1)),
            "lock",
            Invalid,
            "lock",
        ),
        (
            builder().lock(30 * DAY + ms),
            builder().lock(30 * DAY),
            "lock",
            Invalid,
            "lock",
        ),
        (
            spray(1, minutes(1), minutes(1)),
            spray(2, minutes(1), minutes(1)),
            "spray",
            Invalid,
            "spray",
        ),
        (
            spray(101, minutes(1), minutes(1)),
            spray(100, minutes(1), minutes(1)),
            "spray",
            Invalid,
            "spray",
        ),
        (
            spray(20, Duration::ZERO, minutes(1)),
            spray(20, seconds(1), minutes(1)),
            "spray",
            Invalid,
            "spray",
        ),
        (
            spray(20, minutes(1), 30 * DAY + ms),
            spray(20, minutes(1), 30 * DAY),
            "spray",
            Invalid,
            "spray",
        ),
        (
            builder().pressure(0),
            builder().pressure(1),
            "pressure",
            Invalid,
            "pressure",
        ),
        (
            builder().device_cookie("device"),
            builder().device_cookie("__Host-d"),
            "device_cookie",
            Invalid,
            "device_cookie_name",
        ),
        (
            builder().device_cookie("__host-d"),
            builder().device_cookie("__Host-D"),
            "device_cookie",
            Invalid,
            "device_cookie_name",
        ),
        (
            builder().device_cookie("__Host-a;b"),
            builder().device_cookie("__Host-a.b"),
            "device_cookie",
            Invalid,
            "device_cookie_name",
        ),
        (
            builder().device_lifetime(Duration::ZERO),
            builder().device_lifetime(seconds(1)),
            "device_lifetime",
            Invalid,
            "device_lifetime",
        ),
        (
            builder().device_lifetime(400 * DAY + ms),
            builder().device_lifetime(400 * DAY),
            "device_lifetime",
            Invalid,
            "device_lifetime",
        ),
        (
            builder().name(""),
            builder().name("a"),
            "name",
            Invalid,
            "name",
        ),
        (
            builder().name("log in"),
            builder().name("log-in_2"),
            "name",
            Invalid,
            "name",
        ),
        (
            builder().name("n".repeat(33)),
            builder().name("n".repeat(32)),
            "name",
            Invalid,
            "name",
        ),
        (
            builder().client_prefix(7, 64),
            builder().client_prefix(8, 64),
            "client_prefix",
            Refused,
            "prefix_width",
        ),
        (
            builder().client_prefix(33, 64),
            builder().client_prefix(32, 64),
            "client_prefix",
            Refused,
            "prefix_width",
        ),
        (
            builder().client_prefix(32, 31),
            builder().client_prefix(32, 32),
            "client_prefix",
            Refused,
            "prefix_width",
        ),
        (
            builder().client_prefix(32, 65),
            builder().client_prefix(32, 65).dangerous_full_v6(),
            "client_prefix",
            Refused,
            "prefix_width",
        ),
        (
            builder().address_failures(Quota::new(0, minutes(1))),
            builder().address_failures(Quota::new(1, minutes(1))),
            "address_failures",
            Invalid,
            "empty_quota",
        ),
        (
            builder().device_failures(Quota::new(1, Duration::ZERO)),
            builder().device_failures(Quota::new(1, seconds(1))),
            "device_failures",
            Invalid,
            "empty_quota",
        ),
        (
            builder().address_failures(Quota::new(2, Duration::from_micros(1))),
            builder().address_failures(Quota::new(1, Duration::from_micros(1))),
            "address_failures",
            Refused,
            "quota_too_fine",
        ),
        (
            builder().address_failures(Quota::new(1, Duration::from_secs(1 << 33))),
            builder().address_failures(Quota::new(1, Duration::from_secs(1 << 32))),
            "address_failures",
            Invalid,
            "quota_overflow",
        ),
    ];
    for (index, (wrong, right, path, class, code)) in rows.into_iter().enumerate() {
        assert_eq!(
            mistake(wrong),
            (format!("login.{path}"), class, code),
            "row {index}"
        );
        assert!(build(right).is_ok(), "the twin of row {index}, {code}");
    }
}

#[test]
fn the_store_reports_its_own_mistake() {
    let small = builder().store(MemoryStore::with_capacity(1_023));
    assert_eq!(mistake(small).2, "capacity");
    assert!(build(builder().store(MemoryStore::with_capacity(1_024))).is_ok());
}

#[test]
fn all_mistakes_are_reported_together() {
    let errors = LoginThrottle::builder(&b"hunter2"[..])
        .free_attempts(99)
        .hard_bound(0)
        .delays(Duration::ZERO, Duration::ZERO, Duration::ZERO)
        .lock(Duration::ZERO)
        .spray(0, Duration::ZERO, Duration::ZERO)
        .pressure(0)
        .device_cookie("device")
        .device_lifetime(Duration::ZERO)
        .client_prefix(0, 128)
        .name("\u{e9}")
        .device_failures(Quota::new(0, minutes(1)))
        .address_failures(Quota::new(0, minutes(1)))
        .dangerous_allow_on_store_error()
        .store(MemoryStore::with_capacity(1))
        .build()
        .unwrap_err();
    let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    assert_eq!(
        codes,
        [
            "weak_secret",
            "login_too_loose",
            "no_attempts",
            "delays",
            "lock",
            "spray",
            "pressure",
            "device_cookie_name",
            "device_lifetime",
            "prefix_width",
            "name",
            "empty_quota",
            "empty_quota",
            "login_fail_open",
            "capacity",
        ]
    );
}

#[test]
fn a_mistake_carries_its_value_and_says_what_to_write_but_never_the_secret() {
    let errors = LoginThrottle::builder(&b"hunter2"[..])
        .free_attempts(50)
        .client_prefix(33, 64)
        .build()
        .unwrap_err();
    let kinds: Vec<_> = errors
        .iter()
        .filter_map(|error| error.downcast::<LoginConfigError>())
        .collect();
    let expected = [
        LoginConfigError::WeakSecret { bytes: 7 },
        LoginConfigError::LoginTooLoose {
            free: 50,
            hard_bound: 100,
        },
    ];
    assert_eq!(kinds, expected.iter().collect::<Vec<_>>());
    let width = errors
        .iter()
        .find_map(|error| error.downcast::<RateLimitConfigError>());
    assert_eq!(
        width,
        Some(&RateLimitConfigError::PrefixWidth { v4: 33, v6: 64 })
    );
    let text = errors.to_string();
    for words in ["16 random bytes", "50 free attempts", "5 and 100"] {
        assert!(text.contains(words), "{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    let errors = builder()
        .dangerous_allow_on_store_error()
        .build()
        .unwrap_err()
        .to_string();
    assert!(
        errors.contains("OnStoreError::Local") && errors.contains("OnStoreError::Deny"),
        "{errors}"
    );
}

#[test]
fn the_defaults_are_those_of_the_table() {
    let throttle = builder().build().unwrap();
    assert_eq!(throttle.name(), "login");
    assert_eq!(throttle.attempts(), (5, 100));
    assert_eq!(throttle.thresholds(), (20, 10));
    assert_eq!(throttle.device_cookie(), Some(("__Host-device", 90 * DAY)));
    assert!(throttle.counts_locally());
}

#[test]
fn of_a_long_secret_every_byte_counts() {
    let clock = ManualClock::new();
    let build = |secret: &[u8]| {
        LoginThrottle::builder(secret)
            .clock(clock.clone())
            .build()
            .unwrap()
    };
    let mut long = SECRET.repeat(2);
    let first = build(&long);
    let cookie = succeed(&first, "alice", nth_client(0));
    let is_trusted = |throttle: &LoginThrottle| {
        let attempt = LoginAttempt::new("alice").ip(nth_client(1)).device(&cookie);
        at_once(throttle.begin(attempt)).unwrap().is_trusted()
    };
    assert!(is_trusted(&build(&long)));
    *long.last_mut().unwrap() ^= 1;
    assert!(!is_trusted(&build(&long)));
    assert!(!is_trusted(&build(&SECRET)));
}
