//! What attempts are counted by, one dimension after the other.

use std::sync::atomic::{AtomicUsize, Ordering};

use tower_security::rate_limit::login::{LoginDimension, Pressure};
use tower_security::rate_limit::{MemoryStore, Quota};

use super::*;

#[test]
fn of_200_guesses_at_once_5_are_verified() {
    for _ in 0..20 {
        let (throttle, ..) = throttle();
        let verified = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (throttle, verified) = (&throttle, &verified);
                scope.spawn(move || {
                    for guess in 0..50 {
                        // A botnet: each guess from an address of its own.
                        let client = nth_client(thread * 50 + guess);
                        if let Ok(guard) = begin(throttle, "alice", client) {
                            verified.fetch_add(1, Ordering::SeqCst);
                            drop(guard);
                        }
                    }
                });
            }
        });
        assert_eq!(verified.into_inner(), 5);
    }
}

#[test]
fn an_attempt_is_charged_before_it_is_polled() {
    let (throttle, ..) = throttle();
    #[expect(
        clippy::needless_collect,
        reason = "all are begun before one is polled"
    )]
    let begun: Vec<_> = (0..200)
        .map(|number| throttle.begin(LoginAttempt::new("alice").ip(nth_client(number))))
        .collect();
    let verified = begun.into_iter().map(at_once).filter(Result::is_ok).count();
    assert_eq!(verified, 5);
}

#[test]
fn five_are_free_and_then_the_wait_doubles_up_to_15_minutes() {
    let (throttle, clock, _) = throttle();
    let mut number = 0;
    let mut fail = || {
        number += 1;
        fail(&throttle, "alice", nth_client(number))
    };
    for _ in 0..5 {
        assert_eq!(fail(), Ok(()));
    }
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] {
        assert_eq!(fail(), Err(wait));
        clock.advance(seconds(wait) - Duration::from_millis(1));
        assert_eq!(fail(), Err(1), "a millisecond is told as a second");
        clock.advance(Duration::from_millis(1));
        assert_eq!(fail(), Ok(()), "after {wait} s");
    }
}

#[test]
fn one_failure_is_forgotten_for_each_quiet_quarter_of_an_hour() {
    let (throttle, clock, _) = throttle();
    let mut number = 0;
    let mut fail = || {
        number += 1;
        fail(&throttle, "alice", nth_client(number))
    };
    let mut in_a_row = |more: usize| (0..more).take_while(|_| fail().is_ok()).count();
    assert_eq!(in_a_row(9), 5);
    // The quiet begins when the wait of a second is over.
    clock.advance(seconds(1) + minutes(15) - seconds(1));
    assert_eq!(in_a_row(9), 1, "as if there had been no quiet");
    clock.advance(seconds(2) + minutes(15 * 2));
    // Six failures less two: the fifth again waits a second.
    assert_eq!(in_a_row(9), 1);
    clock.advance(seconds(1) + minutes(15 * 5));
    assert_eq!(in_a_row(9), 5);
}

#[test]
fn a_hundred_failures_in_a_row_lock_the_account_for_a_day() {
    let (throttle, clock, _) = with(|builder| builder.free_attempts(20));
    let mut number = 0;
    let mut fail = || {
        number += 1;
        begin(&throttle, "alice", nth_client(number)).map(drop)
    };
    for failure in 0..100 {
        assert_eq!(fail(), Ok(()), "{failure}");
        clock.advance(minutes(15));
    }
    let refusal = fail().unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::AccountLock));
    let day = 24 * 3_600;
    assert_eq!(refusal.retry_after(), day - 15 * 60);
    clock.advance(seconds(day - 15 * 60) - Duration::from_nanos(1_000));
    assert_eq!(fail().unwrap_err().retry_after(), 1);
    clock.advance(Duration::from_nanos(1_000));
    assert_eq!(fail(), Ok(()), "one more guess, and the next day");
    assert_eq!(fail().unwrap_err().retry_after(), day);

    assert_eq!(begin(&throttle, "bob", nth_client(0)).map(drop), Ok(()));
    throttle.unlock(" ALICE ");
    assert_eq!(fail(), Ok(()));
    assert_eq!(fail(), Ok(()), "the wait is forgotten as well");
}

#[test]
fn of_dimensions_that_wait_as_long_the_gravest_is_named() {
    let second = seconds(1);
    let (throttle, ..) = with(|builder| {
        builder
            .free_attempts(1)
            .delays(second, second, second)
            .hard_bound(1)
            .lock(second)
            .address_failures(Quota::new(1, second))
    });
    let attacker = client("203.0.113.9");
    assert_eq!(fail(&throttle, "alice", attacker), Ok(()));
    let refusal = begin(&throttle, "alice", attacker).unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::AccountLock));
    assert_eq!(refusal.retry_after(), 1);
}

#[test]
fn a_hard_bound_of_one_less_locks_one_earlier() {
    let (throttle, ..) = with(|builder| builder.free_attempts(20).hard_bound(7).lock(minutes(60)));
    let waits: Vec<_> = (0..9)
        .map(|number| fail(&throttle, "alice", nth_client(number)))
        .collect();
    assert_eq!(waits[..7], [Ok(()); 7]);
    assert_eq!(waits[7..], [Err(3_600); 2]);
}

#[test]
fn a_success_forgets_the_failures_in_a_row_but_not_the_wait_of_the_account() {
    let (throttle, clock, _) = with(|builder| builder.hard_bound(8));
    for number in 0..4 {
        assert_eq!(fail(&throttle, "alice", nth_client(number)), Ok(()));
    }
    // Its own charge comes back: the fifth is free again.
    succeed(&throttle, "alice", nth_client(10));
    assert_eq!(fail(&throttle, "alice", nth_client(11)), Ok(()));
    assert_eq!(
        fail(&throttle, "alice", nth_client(12)),
        Err(1),
        "five failures in all"
    );
    // Of the failures in a row there is one: seven more until the lock, which is the longer wait.
    for (number, wait) in (20..).zip([1, 2, 4, 8, 16, 32, 64]) {
        clock.advance(seconds(wait));
        assert_eq!(
            fail(&throttle, "alice", nth_client(number)),
            Ok(()),
            "{wait}"
        );
    }
    let refusal = begin(&throttle, "alice", nth_client(30)).unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::AccountLock));
    assert_eq!(refusal.retry_after(), 24 * 3_600);
}

#[test]
fn an_address_has_30_failures_over_all_accounts_and_its_own_login_gives_none_back() {
    let (throttle, clock, _) = with(|builder| builder.spray(100, minutes(10), minutes(15)));
    let (attacker, other) = (client("203.0.113.9"), client("203.0.113.10"));
    for number in 0..30 {
        assert_eq!(fail(&throttle, &format!("user{number}"), attacker), Ok(()));
        if number % 5 == 4 && number < 29 {
            // The attacker's own account: its charge comes back and nothing else.
            succeed(&throttle, "attacker", attacker);
        }
    }
    let refusal = begin(&throttle, "user30", attacker).unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::Address));
    assert_eq!(refusal.retry_after(), 30, "15 min over 30");
    assert_eq!(begin(&throttle, "attacker", attacker).unwrap_err(), refusal);
    assert_eq!(fail(&throttle, "user30", other), Ok(()));
    clock.advance(seconds(30));
    assert_eq!(fail(&throttle, "user31", attacker), Ok(()));
    assert_eq!(fail(&throttle, "user32", attacker), Err(30));
}

#[test]
fn a_refusal_charges_nobody() {
    let (throttle, clock, _) = throttle();
    let attacker = client("203.0.113.9");
    // The account refuses, and the address keeps what it has.
    for _ in 0..5 {
        assert_eq!(fail(&throttle, "alice", attacker), Ok(()));
    }
    for _ in 0..1_000 {
        assert_eq!(fail(&throttle, "alice", attacker), Err(1));
    }
    let left = (0..99)
        .take_while(|_| fail(&throttle, "bob", attacker).is_ok())
        .count();
    assert_eq!(
        left, 5,
        "the limit of the account, and 25 are left of the address"
    );
    // The address refuses, and the account keeps what it has.
    let mut spent = 10;
    for number in 0..20 {
        assert_eq!(
            fail(&throttle, &format!("user{}", number % 4), attacker),
            Ok(())
        );
        spent += 1;
    }
    assert_eq!(spent, 30);
    for _ in 0..1_000 {
        assert_eq!(fail(&throttle, "carol", attacker), Err(30));
    }
    clock.advance(seconds(0));
    let left = (0..99).take_while(|number| fail(&throttle, "carol", nth_client(*number)).is_ok());
    assert_eq!(left.count(), 5);
}

#[test]
fn a_prefix_is_one_client() {
    let rows = [
        ("203.0.113.9", "203.0.113.9", true),
        ("203.0.113.9", "203.0.113.10", false),
        ("203.0.113.9", "::ffff:203.0.113.9", true),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
    ];
    for (one, other, is_same) in rows {
        let (throttle, ..) = with(|builder| builder.address_failures(Quota::new(3, minutes(15))));
        for number in 0..3 {
            assert_eq!(
                fail(&throttle, &format!("user{number}"), client(one)),
                Ok(())
            );
        }
        assert!(fail(&throttle, "user4", client(one)).is_err());
        assert_eq!(
            fail(&throttle, "user4", client(other)).is_err(),
            is_same,
            "{one} {other}"
        );
    }
}

#[test]
fn the_width_of_a_prefix_is_what_was_set() {
    let refused = |change: fn(LoginThrottleBuilder) -> LoginThrottleBuilder, other: &str| {
        let (throttle, ..) =
            with(|builder| change(builder.address_failures(Quota::new(1, minutes(15)))));
        let one = if other.contains(':') {
            "2001:db8:1:2::1"
        } else {
            "203.0.113.9"
        };
        assert_eq!(fail(&throttle, "alice", client(one)), Ok(()));
        fail(&throttle, "bob", client(other)).is_err()
    };
    assert!(refused(
        |builder| builder.client_prefix(24, 64),
        "203.0.113.200"
    ));
    assert!(!refused(
        |builder| builder.client_prefix(25, 64),
        "203.0.113.200"
    ));
    assert!(refused(
        |builder| builder.client_prefix(32, 48),
        "2001:db8:1:ffff::1"
    ));
    assert!(!refused(
        |builder| builder.client_prefix(32, 49),
        "2001:db8:1:ffff::1"
    ));
    assert!(refused(|builder| builder, "2001:db8:1:2::2"));
    assert!(!refused(
        LoginThrottleBuilder::dangerous_full_v6,
        "2001:db8:1:2::2"
    ));
}

#[test]
fn clients_without_an_address_are_one() {
    let (throttle, ..) = with(|builder| builder.address_failures(Quota::new(3, minutes(15))));
    let begin = |account| at_once(throttle.begin(LoginAttempt::new(account))).map(drop);
    for account in ["a", "b", "c"] {
        assert_eq!(begin(account), Ok(()));
    }
    let refusal = begin("d").unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::Address));
    assert_eq!(
        fail(&throttle, "d", client("0.0.0.0")),
        Ok(()),
        "a client with one is another"
    );
}

#[test]
fn twenty_accounts_from_one_prefix_are_a_spray() {
    // The address has room for all of it.
    let (throttle, clock, log) =
        with(|builder| builder.address_failures(Quota::new(1_000, minutes(15))));
    let attacker = client("2001:db8:1:2::1");
    let mut tried = 0;
    while fail(&throttle, &format!("user{tried}"), attacker).is_ok() {
        tried += 1;
    }
    // 20, as 64 bits count them.
    assert!((17..=26).contains(&tried), "{tried}");
    let refusal = begin(&throttle, "alice", client("2001:db8:1:2::2")).unwrap_err();
    assert_eq!(refusal.dimension(), Some(LoginDimension::Spray));
    assert_eq!(refusal.retry_after(), 900);
    assert_eq!(fail(&throttle, "alice", client("2001:db8:1:3::1")), Ok(()));
    let told = log.take();
    let begun: Vec<_> = told
        .iter()
        .filter(|told| told.code == "login_spray")
        .collect();
    assert_eq!(begun.len(), 1);
    assert_eq!(begun[0].rule.as_deref(), Some("spray"));
    clock.advance(minutes(15) - Duration::from_millis(1));
    assert_eq!(fail(&throttle, "alice", attacker), Err(1));
    clock.advance(Duration::from_millis(1));
    assert_eq!(fail(&throttle, "alice", attacker), Ok(()));
}

#[test]
fn a_spray_is_looked_for_and_refused_as_long_as_was_set() {
    // Two accounts, 8 min apart: within 10 min as by default, and not within 5 min and half as much again.
    for (within, refuse, waits) in [(10, 15, Err(900)), (10, 40, Err(2_400)), (5, 15, Ok(()))] {
        let (throttle, clock, _) =
            with(|builder| builder.spray(2, minutes(within), minutes(refuse)));
        let office = client("203.0.113.9");
        assert_eq!(fail(&throttle, "alice", office), Ok(()));
        clock.advance(minutes(8));
        assert_eq!(fail(&throttle, "bob", office), Ok(()));
        assert_eq!(fail(&throttle, "carol", office), waits, "{within} {refuse}");
    }
}

#[test]
fn one_account_that_fails_often_is_no_spray_and_neither_are_successes() {
    let (throttle, clock, _) = with(|builder| {
        builder
            .address_failures(Quota::new(1_000, minutes(15)))
            .spray(2, minutes(10), minutes(15))
    });
    let office = client("203.0.113.9");
    for number in 0..200 {
        succeed(&throttle, &format!("user{number}"), office);
    }
    for _ in 0..20 {
        clock.advance(minutes(15));
        assert_eq!(fail(&throttle, "alice", office), Ok(()));
    }
    clock.advance(minutes(15));
    let is_refused =
        (0..9).any(|number| fail(&throttle, &format!("user{number}"), office).is_err());
    assert!(is_refused, "two accounts are a spray as it was set");
}

#[test]
fn the_pressure_is_high_while_many_fail_and_refuses_nobody() {
    let (throttle, clock, _) = throttle();
    for number in 0..9 {
        assert_eq!(
            fail(&throttle, &format!("user{number}"), nth_client(number)),
            Ok(())
        );
        assert_eq!(throttle.pressure(), Pressure::Normal);
    }
    let before = begin(&throttle, "alice", nth_client(100)).unwrap();
    assert_eq!(fail(&throttle, "user9", nth_client(9)), Ok(()));
    assert_eq!(throttle.pressure(), Pressure::High);
    assert_eq!(before.pressure(), Pressure::Normal);
    let during = begin(&throttle, "alice", nth_client(101)).unwrap();
    assert_eq!(during.pressure(), Pressure::High);
    drop((before, during));
    clock.advance(seconds(2));
    assert_eq!(throttle.pressure(), Pressure::Normal);
    let (throttle, ..) = with(|builder| builder.pressure(1));
    assert_eq!(fail(&throttle, "alice", nth_client(0)), Ok(()));
    assert_eq!(throttle.pressure(), Pressure::High);
}

#[test]
fn a_flood_of_fresh_accounts_frees_nobody() {
    let (throttle, clock, _) = with(|builder| builder.store(MemoryStore::with_capacity(1_024)));
    for number in 0..5 {
        assert_eq!(fail(&throttle, "alice", nth_client(number)), Ok(()));
    }
    // Six times as many as there is room for, each later than alice and so worse off than she is.
    clock.advance(seconds(2));
    for number in 0..6_000 {
        let _ = fail(
            &throttle,
            &format!("user{number}"),
            nth_client(1_000 + number),
        );
    }
    // Her wait is over: one attempt at most, and none if others were counted with her. Forgotten, she would have five.
    let passed = (0..5).filter(|number| fail(&throttle, "alice", nth_client(*number)).is_ok());
    assert!(passed.count() <= 1);
}

#[test]
fn an_attempt_that_is_given_up_is_a_failure() {
    let (throttle, _, log) = throttle();
    for number in 0..5 {
        let begin = throttle.begin(LoginAttempt::new("alice").ip(nth_client(number)));
        match number {
            // Never awaited, never verified, verified by a handler that panics.
            0 => drop(begin),
            1 => drop(at_once(begin).unwrap()),
            _ => {
                let handler = std::thread::spawn(move || {
                    let _guard = at_once(begin).unwrap();
                    std::panic::resume_unwind(Box::new("the database is gone"));
                });
                assert!(handler.join().is_err());
            }
        }
        assert_eq!(log.codes(), ["login_failed"], "{number}");
    }
    assert_eq!(fail(&throttle, "alice", nth_client(9)), Err(1));
}

#[test]
fn spellings_of_an_account_have_one_budget() {
    let (plain, ..) = throttle();
    let spellings = ["alice", "Alice", " ALICE", "alice\u{a0}", "aLiCe\n"];
    for (number, spelling) in (0..).zip(spellings) {
        assert_eq!(fail(&plain, spelling, nth_client(number)), Ok(()));
    }
    assert_eq!(fail(&plain, "ALICE", nth_client(9)), Err(1));
    assert_eq!(fail(&plain, "alice+1", nth_client(9)), Ok(()));

    let without_tag = |account: &str| account.split('+').next().unwrap_or_default().to_owned();
    let (throttle, ..) = with(|builder| builder.normalise(without_tag));
    for number in 0..5 {
        assert_eq!(
            fail(&throttle, &format!("alice+{number}"), nth_client(number)),
            Ok(())
        );
    }
    assert_eq!(fail(&throttle, "alice", nth_client(9)), Err(1));
}

#[test]
fn a_long_name_is_counted_like_any_other() {
    let (throttle, ..) = throttle();
    let long = "a".repeat(64 * 1024);
    for number in 0..5 {
        assert_eq!(fail(&throttle, &long, nth_client(number)), Ok(()));
    }
    assert_eq!(fail(&throttle, &long, nth_client(9)), Err(1));
    assert_eq!(fail(&throttle, &format!("{long}b"), nth_client(9)), Ok(()));
}

#[test]
fn one_time_codes_have_5_and_then_one_in_5_minutes() {
    let clock = ManualClock::new();
    let throttle = LoginThrottle::otp(&SECRET[..])
        .clock(clock.clone())
        .build()
        .unwrap();
    let phone = client("203.0.113.9");
    for _ in 0..5 {
        assert_eq!(fail(&throttle, "alice", phone), Ok(()));
    }
    for _ in 0..3 {
        assert_eq!(fail(&throttle, "alice", phone), Err(300));
        clock.advance(seconds(300));
        assert_eq!(fail(&throttle, "alice", phone), Ok(()));
    }
    assert_eq!(throttle.attempts(), (5, 20));
    assert_eq!(throttle.device_cookie(), None);
    let guard = begin(&throttle, "bob", phone).unwrap();
    assert!(guard.success().is_none(), "no device cookie");
}

#[test]
fn the_presets_for_mails_and_keys_count_by_themselves() {
    let store = MemoryStore::default();
    let clock = ManualClock::new();
    let build = |builder: LoginThrottleBuilder| {
        builder
            .store(store.clone())
            .clock(clock.clone())
            .build()
            .unwrap()
    };
    let login = build(LoginThrottle::builder(&SECRET[..]));
    let otp = build(LoginThrottle::otp(&SECRET[..]));
    let reset = build(LoginThrottle::password_reset(&SECRET[..]));
    let keys = build(LoginThrottle::api_keys(&SECRET[..]));
    for (throttle, name, free, wait) in [
        (&login, "login", 5, 1),
        (&otp, "otp", 5, 300),
        (&reset, "reset", 3, 60),
        (&keys, "api_key", 5, 1),
    ] {
        assert_eq!(throttle.name(), name);
        for number in 0..free {
            assert_eq!(
                fail(throttle, "alice", nth_client(number)),
                Ok(()),
                "{name}"
            );
        }
        assert_eq!(fail(throttle, "alice", nth_client(9)), Err(wait), "{name}");
    }
    // The same name and store count together.
    let again = build(LoginThrottle::builder(&SECRET[..]));
    assert_eq!(fail(&again, "alice", nth_client(9)), Err(1));
}
