//! Devices that an account trusts, and cookies that only look like theirs.

use http::{HeaderValue, Request};
use tower_security::rate_limit::Quota;
use tower_security::rate_limit::login::LoginDimension;

use super::*;

#[track_caller]
fn from_device(
    throttle: &LoginThrottle,
    account: &str,
    client: ClientIp,
    cookie: &str,
) -> Result<LoginGuard, LoginRefusal> {
    at_once(throttle.begin(LoginAttempt::new(account).ip(client).device(cookie)))
}

/// Strangers have the account locked.
fn lock(throttle: &LoginThrottle, clock: &ManualClock, account: &str) {
    for number in 0..100 {
        assert_eq!(
            fail(throttle, account, nth_client(number)),
            Ok(()),
            "{number}"
        );
        clock.advance(minutes(15));
    }
    let refusal = begin(throttle, account, nth_client(200)).unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::AccountLock));
}

#[test]
fn strangers_do_not_lock_a_trusted_device_out() {
    let (throttle, clock, _) = throttle();
    let home = client("198.51.100.7");
    let cookie = succeed(&throttle, "alice", home);
    lock(&throttle, &clock, "alice");
    for place in [home, client("192.0.2.1")] {
        let guard = from_device(&throttle, "alice", place, &cookie).unwrap();
        assert!(guard.is_trusted());
        guard.failure();
    }
    // Without it, at home or not, the owner is a stranger too.
    assert!(begin(&throttle, "alice", home).is_err());
    // A login from it lifts the lock, and strangers have what they had before.
    let guard = from_device(&throttle, "alice", home, &cookie).unwrap();
    assert!(guard.success().is_some());
    for number in 0..5 {
        assert_eq!(fail(&throttle, "alice", nth_client(201 + number)), Ok(()));
    }
    let refusal = begin(&throttle, "alice", nth_client(300)).unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::Account));
}

#[test]
fn a_login_from_a_trusted_device_does_not_shorten_the_wait_of_strangers() {
    let (throttle, ..) = throttle();
    let home = client("198.51.100.7");
    let cookie = succeed(&throttle, "alice", home);
    for number in 0..5 {
        assert_eq!(fail(&throttle, "alice", nth_client(number)), Ok(()));
    }
    let guard = from_device(&throttle, "alice", home, &cookie).unwrap();
    assert!(guard.success().is_some());
    assert_eq!(fail(&throttle, "alice", nth_client(9)), Err(1));
}

#[test]
fn neither_the_address_nor_a_spray_from_it_refuses_a_trusted_device() {
    let (throttle, ..) = with(|builder| builder.address_failures(Quota::new(25, minutes(15))));
    let shared = client("198.51.100.7");
    let cookie = succeed(&throttle, "alice", shared);
    let mut tried = 0;
    while fail(&throttle, &format!("user{tried}"), shared).is_ok() {
        tried += 1;
    }
    assert!(begin(&throttle, "alice", shared).is_err());
    assert!(
        from_device(&throttle, "alice", shared, &cookie)
            .unwrap()
            .success()
            .is_some()
    );
    assert!(
        from_device(&throttle, "bob", shared, &cookie).is_err(),
        "it is not bob's"
    );
}

#[test]
fn whoever_has_no_cookie_of_this_account_is_a_stranger() {
    let (throttle, clock, _) = throttle();
    let other_secret = LoginThrottle::builder(&b"another 16 bytes"[..])
        .clock(clock)
        .build()
        .unwrap();
    let (other_throttle, ..) = with(|builder| builder.name("otp"));
    let home = client("198.51.100.7");
    let cookie = succeed(&throttle, "alice", home);
    let parts: Vec<_> = cookie.split('.').collect();
    let [version, id, expiry, mac] = parts[..] else {
        panic!("four parts: {cookie}");
    };
    let later = expiry.parse::<u64>().unwrap() + 1;
    let rows = [
        ("no cookie", String::new()),
        ("made up", "v1.1.2.3".to_owned()),
        ("another account's", succeed(&throttle, "mallory", home)),
        ("another server's", succeed(&other_secret, "alice", home)),
        (
            "another throttle's",
            succeed(&other_throttle, "alice", home),
        ),
        (
            "another device",
            format!("{version}.{}.{expiry}.{mac}", "0".repeat(32)),
        ),
        ("a longer life", format!("{version}.{id}.{later}.{mac}")),
        ("another version", format!("v2.{id}.{expiry}.{mac}")),
        ("no code", format!("{version}.{id}.{expiry}.")),
        (
            "a code of zeros",
            format!("{version}.{id}.{expiry}.{}", "0".repeat(32)),
        ),
        ("too much", format!("{cookie}.{}", "x".repeat(10_000))),
        ("upper case", cookie.to_uppercase()),
    ];
    for number in 0..5 {
        assert_eq!(fail(&throttle, "alice", nth_client(number)), Ok(()));
    }
    for (name, forged) in rows {
        let refusal = from_device(&throttle, "alice", client("192.0.2.1"), &forged).unwrap_err();
        assert_eq!(refusal.dimension(), Some(LoginDimension::Account), "{name}");
    }
    assert!(from_device(&throttle, "alice", client("192.0.2.1"), &cookie).is_ok());
}

#[test]
fn a_device_is_trusted_for_90_days_of_the_wall_clock() {
    let days = |days: u64| seconds(days * 86_400);
    for (lifetime, passed, is_trusted) in [
        (None, days(90) - seconds(1), true),
        (None, days(90), false),
        (Some(days(1)), days(1) - seconds(1), true),
        (Some(days(1)), days(1), false),
    ] {
        let (throttle, clock, _) = with(|builder| match lifetime {
            Some(lifetime) => builder.device_lifetime(lifetime),
            None => builder,
        });
        let cookie = succeed(&throttle, "alice", client("198.51.100.7"));
        clock.advance(passed);
        let guard = from_device(&throttle, "alice", client("192.0.2.1"), &cookie).unwrap();
        assert_eq!(guard.is_trusted(), is_trusted, "{lifetime:?} {passed:?}");
    }
}

#[test]
fn a_stolen_cookie_has_10_failures_in_15_minutes_and_is_then_a_stranger_s() {
    let (throttle, clock, _) = throttle();
    let cookie = succeed(&throttle, "alice", client("198.51.100.7"));
    let thief = client("192.0.2.1");
    for failure in 0..10 {
        let guard = from_device(&throttle, "alice", thief, &cookie).unwrap();
        assert!(guard.is_trusted(), "{failure}");
    }
    for failure in 0..5 {
        let guard = from_device(&throttle, "alice", thief, &cookie).unwrap();
        assert!(!guard.is_trusted(), "{failure}");
    }
    let refusal = from_device(&throttle, "alice", thief, &cookie).unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::Account));
    // 15 min over 10
    clock.advance(seconds(90));
    assert!(
        from_device(&throttle, "alice", thief, &cookie)
            .unwrap()
            .is_trusted()
    );
    assert!(
        !from_device(&throttle, "alice", thief, &cookie)
            .unwrap()
            .is_trusted()
    );
}

#[test]
fn a_stolen_cookie_is_a_stranger_s_for_a_day_after_100_failures() {
    let (throttle, clock, log) = throttle();
    let cookie = succeed(&throttle, "alice", client("198.51.100.7"));
    let thief = client("192.0.2.1");
    for failure in 0..100 {
        let guard = from_device(&throttle, "alice", thief, &cookie).unwrap();
        assert!(guard.is_trusted(), "{failure}");
        drop(guard);
        clock.advance(seconds(90));
    }
    let locks: Vec<_> = log
        .take()
        .into_iter()
        .filter(|told| told.code == "login_locked")
        .collect();
    assert_eq!(locks.len(), 1);
    assert_eq!(locks[0].rule.as_deref(), Some("device"));
    clock.advance(minutes(60));
    assert!(
        !from_device(&throttle, "alice", thief, &cookie)
            .unwrap()
            .is_trusted()
    );
    clock.advance(seconds(23 * 3_600));
    assert!(
        from_device(&throttle, "alice", thief, &cookie)
            .unwrap()
            .is_trusted()
    );
}

#[test]
fn a_login_clears_the_failures_of_its_device_and_brings_a_new_one() {
    let (throttle, ..) = with(|builder| builder.device_failures(Quota::new(3, minutes(15))));
    let home = client("198.51.100.7");
    let first = succeed(&throttle, "alice", home);
    let trusted = |cookie: &str| {
        from_device(&throttle, "alice", home, cookie)
            .unwrap()
            .is_trusted()
    };
    assert_eq!([trusted(&first), trusted(&first)], [true, true]);
    let line = from_device(&throttle, "alice", home, &first)
        .unwrap()
        .success()
        .unwrap();
    let second = cookie_value(line.to_str().unwrap());
    assert_ne!(first, second);
    // Whoever stole the first uses up its own failures, and the owner keeps those of the second.
    assert_eq!([(); 4].map(|()| trusted(&first)), [true, true, true, false]);
    assert_eq!(
        [(); 4].map(|()| trusted(&second)),
        [true, true, true, false]
    );
}

#[test]
fn a_login_as_a_stranger_does_not_clear_the_device_that_is_trusted_no_more() {
    let (throttle, ..) = with(|builder| builder.device_failures(Quota::new(1, minutes(15))));
    let home = client("198.51.100.7");
    let stolen = succeed(&throttle, "alice", home);
    assert!(
        from_device(&throttle, "alice", home, &stolen)
            .unwrap()
            .is_trusted()
    );
    let owner = from_device(&throttle, "alice", home, &stolen).unwrap();
    assert!(!owner.is_trusted());
    let line = owner.success().unwrap();
    let own = cookie_value(line.to_str().unwrap());
    assert!(
        !from_device(&throttle, "alice", home, &stolen)
            .unwrap()
            .is_trusted()
    );
    assert!(
        from_device(&throttle, "alice", home, &own)
            .unwrap()
            .is_trusted()
    );
}

#[test]
fn the_cookie_of_a_request_counts_if_there_is_one_of_it() {
    let (throttle, ..) = throttle();
    let cookie = succeed(&throttle, "alice", client("198.51.100.7"));
    let one = format!("a=1; __Host-device={cookie}; b=2");
    let twice = format!("__Host-device={cookie}; __Host-device={cookie}");
    let other = format!("__Host-devices={cookie}");
    for (line, is_trusted) in [(one, true), (twice, false), (other, false)] {
        let mut request = Request::new(());
        let value = HeaderValue::try_from(line.clone()).unwrap();
        request.headers_mut().insert("cookie", value);
        let (head, ()) = request.into_parts();
        let attempt = LoginAttempt::new("alice")
            .head(&head)
            .ip(client("192.0.2.1"));
        let guard = at_once(throttle.begin(attempt)).unwrap();
        assert_eq!(guard.is_trusted(), is_trusted, "{line}");
    }
}

#[test]
fn the_cookie_has_the_name_that_was_set() {
    let (throttle, ..) = with(|builder| builder.device_cookie("__Host-known"));
    let home = client("198.51.100.7");
    let line = begin(&throttle, "alice", home).unwrap().success().unwrap();
    let line = line.to_str().unwrap().to_owned();
    assert!(line.starts_with("__Host-known=v1."), "{line}");
    let value = cookie_value(&line);
    for (name, is_trusted) in [("__Host-known", true), ("__Host-device", false)] {
        let mut request = Request::new(());
        let cookie = HeaderValue::try_from(format!("{name}={value}")).unwrap();
        request.headers_mut().insert("cookie", cookie);
        let (head, ()) = request.into_parts();
        let attempt = LoginAttempt::new("alice").head(&head).ip(home);
        let guard = at_once(throttle.begin(attempt)).unwrap();
        assert_eq!(guard.is_trusted(), is_trusted, "{name}");
    }
}

#[test]
fn without_device_cookies_none_is_trusted() {
    let (throttle, ..) = throttle();
    let cookie = succeed(&throttle, "alice", client("198.51.100.7"));
    let (without, ..) = with(LoginThrottleBuilder::without_device_cookie);
    let guard = from_device(&without, "alice", client("198.51.100.7"), &cookie).unwrap();
    assert!(!guard.is_trusted());
    assert!(guard.success().is_none());
    assert_eq!(without.device_cookie(), None);
    let days_90 = seconds(90 * 86_400);
    assert_eq!(throttle.device_cookie(), Some(("__Host-device", days_90)));
}
