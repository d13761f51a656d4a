//! One-time codes, from enrolment to the end of a factor.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tower_security::core::{Clock, ManualClock, NoopSink, Principal};
use tower_security::mfa::{
    Attempt, AttemptLimit, AttemptStore, EnrolmentId, MemoryMfaStore, MfaError, TotpAlgorithm,
    TotpSecret, TotpService, TotpStore, TotpWindow,
};

use super::odd::Odd;
use super::{BEGIN, Heard, before, clock, code, enrolled, totp, wrong};

fn short<T>(outcome: Result<T, MfaError>) -> Result<(), &'static str> {
    match outcome {
        Ok(_) => Ok(()),
        Err(MfaError::Invalid) => Err("invalid"),
        Err(MfaError::Replayed) => Err("replayed"),
        Err(MfaError::Throttled { .. }) => Err("throttled"),
        Err(MfaError::NotPending) => Err("not pending"),
        Err(MfaError::AccountInvalid) => Err("account"),
        Err(MfaError::UserEmpty) => Err("user"),
        Err(MfaError::Clock) => Err("clock"),
        Err(error) => panic!("{error}"),
    }
}

/// A service without a limit that gets in the way.
fn patient(store: &MemoryMfaStore, clock: &ManualClock) -> TotpService {
    TotpService::builder(store.clone(), "Shop")
        .attempts(20, Duration::from_secs(1))
        .clock(clock.clone())
        .events(NoopSink::new())
        .build()
        .unwrap()
}

async fn verify(totp: &TotpService, code: &str) -> Result<(), &'static str> {
    short(totp.verify("alice", code).await)
}

#[tokio::test]
async fn an_app_counts_when_it_has_shown_a_code() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let totp = patient(&store, &clock);
    assert_eq!(
        short(totp.confirm("alice", "123456").await),
        Err("not pending")
    );
    let first = totp.enrol("alice", "alice@example.com").await.unwrap();
    assert!(!totp.is_enrolled("alice").await.unwrap());
    assert_eq!(verify(&totp, &code(&first, 0)).await, Err("invalid"));
    assert_eq!(
        short(totp.confirm("alice", &wrong(&first)).await),
        Err("invalid")
    );
    let verified = totp.confirm("alice", &code(&first, 0)).await.unwrap();
    assert_eq!(verified.amr(), ["otp", "mfa"]);
    assert!(totp.is_enrolled("alice").await.unwrap());
    // The code that confirmed it is spent.
    assert_eq!(verify(&totp, &code(&first, 0)).await, Err("replayed"));
    assert_eq!(verify(&totp, &code(&first, 30)).await, Ok(()));
    assert_eq!(
        short(totp.confirm("alice", &code(&first, 30)).await),
        Err("not pending")
    );
    assert_eq!(
        short(totp.verify("bob", &code(&first, 60)).await),
        Err("invalid")
    );
}

#[tokio::test]
async fn the_app_of_before_counts_until_the_new_one_does() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let totp = patient(&store, &clock);
    let first = enrolled(&totp, &clock, "alice").await;
    let forgotten = totp.enrol("alice", "alice").await.unwrap();
    let second = totp.enrol("alice", "alice").await.unwrap();
    assert_ne!(first.secret(), second.secret());
    assert_eq!(verify(&totp, &before(&first, 1)).await, Ok(()));
    assert_eq!(verify(&totp, &code(&second, 0)).await, Err("invalid"));
    assert_eq!(
        short(totp.confirm("alice", &code(&forgotten, 0)).await),
        Err("invalid")
    );
    totp.confirm("alice", &code(&second, 0)).await.unwrap();
    assert_eq!(verify(&totp, &code(&first, 30)).await, Err("invalid"));
    assert_eq!(verify(&totp, &code(&second, 30)).await, Ok(()));

    assert!(totp.disable("alice").await.unwrap());
    assert!(!totp.disable("alice").await.unwrap());
    clock.advance(Duration::from_secs(60));
    assert_eq!(verify(&totp, &code(&second, 60)).await, Err("invalid"));
    assert!(!totp.is_enrolled("alice").await.unwrap());
}

#[tokio::test]
async fn a_code_is_good_once_by_whichever_instance() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let (one, other) = (patient(&store, &clock), patient(&store, &clock));
    let app = enrolled(&one, &clock, "alice").await;
    assert_eq!(verify(&one, &code(&app, 0)).await, Ok(()));
    assert_eq!(verify(&one, &code(&app, 0)).await, Err("replayed"));
    assert_eq!(verify(&other, &code(&app, 0)).await, Err("replayed"));
    // After a newer one an older one is dead, though nobody has used it.
    assert_eq!(verify(&other, &code(&app, 30)).await, Ok(()));
    assert_eq!(verify(&one, &before(&app, 1)).await, Err("replayed"));
    assert_eq!(verify(&one, &code(&app, 30)).await, Err("replayed"));
    // A clock that is set back brings none of them back.
    clock.set_now(clock.now() - Duration::from_secs(30));
    assert_eq!(verify(&one, &code(&app, 0)).await, Err("replayed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_50_parallel_calls_one_is_let_in() {
    for _ in 0..10 {
        let (clock, store) = (clock(), MemoryMfaStore::new());
        let instances = [patient(&store, &clock), patient(&store, &clock)];
        let app = enrolled(&instances[0], &clock, "alice").await;
        let code = code(&app, 0);
        let calls: Vec<_> = (0..50)
            .map(|number| {
                let (totp, code) = (instances[number % 2].clone(), code.clone());
                tokio::spawn(async move { verify(&totp, &code).await })
            })
            .collect();
        let mut let_in = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(()) => let_in += 1,
                Err(why) => assert!(matches!(why, "replayed" | "throttled"), "{why}"),
            }
        }
        assert_eq!(let_in, 1);
    }
}

#[tokio::test]
async fn a_step_before_and_after_is_accepted_and_no_more() {
    for (window, rows) in [
        (
            TotpWindow::OneStep,
            [Err("invalid"), Ok(()), Ok(()), Ok(()), Err("invalid")],
        ),
        (
            TotpWindow::Current,
            [
                Err("invalid"),
                Err("invalid"),
                Ok(()),
                Err("invalid"),
                Err("invalid"),
            ],
        ),
    ] {
        for (step, expected) in rows.into_iter().enumerate() {
            // At the first second of a step, and at its last.
            for second in [0, 29] {
                let clock = clock();
                let totp = TotpService::builder(MemoryMfaStore::new(), "Shop")
                    .window(window)
                    .clock(clock.clone())
                    .events(NoopSink::new())
                    .build()
                    .unwrap();
                let app = enrolled(&totp, &clock, "alice").await;
                clock.advance(Duration::from_secs(second));
                let code = match step {
                    0 | 1 => before(&app, 2 - step as u64),
                    _ => code(&app, (step as u64 - 2) * 30),
                };
                assert_eq!(
                    verify(&totp, &code).await,
                    expected,
                    "{window:?} {step} {second}"
                );
            }
        }
    }
}

#[tokio::test]
async fn attempts_are_charged_before_anything_is_looked_at() {
    let (clock, heard) = (clock(), Heard::default());
    let store = Odd::new(MemoryMfaStore::new());
    let totp = totp(store.clone(), &clock, &heard);
    let app = enrolled(&totp, &clock, "alice").await;
    store.take_calls();
    for _ in 0..5 {
        assert_eq!(verify(&totp, "no code").await, Err("invalid"));
    }
    assert_eq!(store.take_calls(), ["begin_attempt", "load"].repeat(5));
    // Right, and not looked at.
    let refused = totp.verify("alice", &code(&app, 0)).await;
    assert!(
        matches!(refused, Err(MfaError::Throttled { retry_after }) if retry_after == Duration::from_secs(300)),
        "{refused:?}"
    );
    assert_eq!(store.take_calls(), ["begin_attempt"]);
    // A neighbour has attempts of his own.
    assert_eq!(short(totp.verify("bob", "123456").await), Err("invalid"));
    clock.advance(Duration::from_secs(299));
    assert_eq!(verify(&totp, &code(&app, 299)).await, Err("throttled"));
    clock.advance(Duration::from_secs(1));
    store.take_calls();
    assert_eq!(verify(&totp, &code(&app, 300)).await, Ok(()));
    assert_eq!(
        store.take_calls(),
        ["begin_attempt", "load", "consume", "reset_attempts"]
    );
}

/// A secret that its owner has been shown and has forgotten to confirm waits for ever.
#[tokio::test]
async fn an_app_is_not_confirmed_by_trying() {
    let (clock, heard) = (clock(), Heard::default());
    let totp = totp(MemoryMfaStore::new(), &clock, &heard);
    let app = totp.enrol("alice", "alice").await.unwrap();
    let wrong = wrong(&app);
    let confirm = async |code: &str| short(totp.confirm("alice", code).await);
    for _ in 0..5 {
        assert_eq!(confirm(&wrong).await, Err("invalid"));
    }
    assert_eq!(confirm(&code(&app, 0)).await, Err("throttled"));
    assert_eq!(verify(&totp, &wrong).await, Err("throttled"));
    clock.advance(Duration::from_secs(300));
    for _ in 0..4 {
        assert_eq!(confirm(&wrong).await, Err("invalid"));
    }
    assert_eq!(confirm(&code(&app, 300)).await, Ok(()));
    // A right one clears the count.
    for _ in 0..5 {
        assert_eq!(verify(&totp, &wrong).await, Err("invalid"));
    }
}

#[tokio::test]
async fn a_right_code_clears_the_count() {
    let (clock, heard) = (clock(), Heard::default());
    let totp = totp(MemoryMfaStore::new(), &clock, &heard);
    let app = enrolled(&totp, &clock, "alice").await;
    let wrong = wrong(&app);
    for round in 0..3 {
        for _ in 0..4 {
            assert_eq!(verify(&totp, &wrong).await, Err("invalid"));
        }
        assert_eq!(
            verify(&totp, &code(&app, round * 30)).await,
            Ok(()),
            "{round}"
        );
        clock.advance(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn blanks_and_hyphens_do_not_count_and_anything_else_does() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let totp = patient(&store, &clock);
    let app = enrolled(&totp, &clock, "alice").await;
    let right = code(&app, 0);
    let full_width: String = right
        .chars()
        .map(|digit| char::from_u32(0xfee0 + digit as u32).unwrap())
        .collect();
    for typed in [
        format!("+{}", &right[1..]),
        format!("+{right}"),
        full_width,
        format!("0{right}"),
        format!("{right}0"),
        right[..5].to_owned(),
        format!("{right}\0"),
        format!("{right}{}", " ".repeat(59)),
        String::new(),
    ] {
        assert_eq!(verify(&totp, &typed).await, Err("invalid"), "{typed:?}");
        clock.advance(Duration::from_secs(1));
    }
    let typed = format!(" {}-{} \n", &right[..3], &right[3..]);
    assert_eq!(verify(&totp, &typed).await, Ok(()));
}

#[tokio::test]
async fn a_factor_of_8_digits_and_another_hash_keeps_them() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let strong = TotpService::builder(store.clone(), "Shop")
        .algorithm(TotpAlgorithm::Sha512)
        .digits(8)
        .clock(clock.clone())
        .events(NoopSink::new())
        .build()
        .unwrap();
    let app = strong.enrol("alice", "alice").await.unwrap();
    assert_eq!(app.secret().expose().len(), 64);
    let uri = app.uri().expose();
    assert!(uri.contains("&algorithm=SHA512&digits=8"), "{uri}");
    let code = |steps: u64| {
        let totp = totp_rs::Builder::new()
            .with_algorithm(totp_rs::Algorithm::SHA512)
            .with_digits(8)
            .with_secret(app.secret().expose().as_slice())
            .build()
            .unwrap();
        totp.generate(BEGIN + steps * 30).to_string()
    };
    strong.confirm("alice", &code(0)).await.unwrap();
    // By a service with other settings too.
    let usual = patient(&store, &clock);
    assert_eq!(verify(&usual, &code(1)[2..]).await, Err("invalid"));
    assert_eq!(verify(&usual, &code(1)).await, Ok(()));
}

#[tokio::test]
async fn accounts_and_users_that_cannot_be_told_apart_are_refused() {
    let totp = patient(&MemoryMfaStore::new(), &clock());
    for (user, account, expected) in [
        ("alice", "a", Ok(())),
        ("alice", "al\u{ef}ce li@example.com", Ok(())),
        ("alice", &"x".repeat(256)[..], Ok(())),
        ("alice", &"x".repeat(257)[..], Err("account")),
        ("alice", "", Err("account")),
        ("alice", "Shop:alice", Err("account")),
        ("alice", "alice\n", Err("account")),
        ("", "alice", Err("user")),
    ] {
        assert_eq!(
            short(totp.enrol(user, account).await),
            expected,
            "{account:?}"
        );
    }
    assert_eq!(short(totp.verify("", "123456").await), Err("user"));
    let app = totp
        .enrol("id-7", "al\u{ef}ce li@example.com")
        .await
        .unwrap();
    let expected = format!(
        "otpauth://totp/Shop:al%C3%AFce%20li%40example.com?secret={}&issuer=Shop&algorithm=SHA1&digits=6&period=30",
        app.text().expose()
    );
    assert_eq!(app.uri().expose(), &expected);
    assert_eq!(app.text().expose().len(), 32);
}

#[tokio::test]
async fn a_clock_before_1970_lets_nobody_in() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let totp = patient(&store, &clock);
    let app = enrolled(&totp, &clock, "alice").await;
    totp.enrol("bob", "bob").await.unwrap();
    clock.set_now(SystemTime::UNIX_EPOCH - Duration::from_secs(1));
    assert_eq!(verify(&totp, &code(&app, 0)).await, Err("clock"));
    assert_eq!(short(totp.confirm("bob", "123456").await), Err("clock"));
}

#[tokio::test]
async fn a_session_is_stepped_up_with_what_was_proved() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let totp = patient(&store, &clock);
    let app = enrolled(&totp, &clock, "alice").await;
    let verified = totp.verify("alice", &code(&app, 0)).await.unwrap();
    assert_eq!(verified.at(), clock.now());
    let before = Principal::builder("alice")
        .tenant("acme")
        .amr(["pwd", "otp"])
        .build();
    let after = verified.step_up(&before).acr("aal2").build();
    assert_eq!(after.amr().collect::<Vec<_>>(), ["pwd", "otp", "mfa"]);
    assert_eq!(after.auth_time(), Some(clock.now()));
    assert_eq!(
        (after.subject(), after.tenant(), after.acr()),
        ("alice", Some("acme"), Some("aal2"))
    );
}

#[tokio::test]
async fn memory_has_room_for_so_many() {
    let store = MemoryMfaStore::with_capacity(2);
    let limit = AttemptLimit::new(5, Duration::from_secs(300)).unwrap();
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(BEGIN + seconds);
    let begin = async |user: &str, seconds| {
        let begun = store.begin_attempt(user, at(seconds), limit).wait().await;
        begun.map_err(|error| error.to_string())
    };
    let first = Ok(Attempt::Allowed { earlier: 0 });
    let full = Err("the store is full".to_owned());
    assert_eq!(begin("a", 0).await, first);
    assert_eq!(begin("b", 100).await, first);
    assert_eq!(begin("c", 200).await, full);
    assert_eq!(begin("a", 200).await, Ok(Attempt::Allowed { earlier: 1 }));
    // Nothing that counts makes way: those of `b` are over after 400 s, those of `a` after 500.
    assert_eq!(begin("c", 399).await, full);
    assert_eq!(begin("c", 400).await, first);
    assert_eq!(begin("d", 499).await, full);
    store.reset_attempts("a").wait().await.unwrap();
    assert_eq!(begin("d", 499).await, first);

    // One of a shorter window is over before all that were looked at.
    let store = MemoryMfaStore::with_capacity(2);
    let short = AttemptLimit::new(5, Duration::from_secs(1)).unwrap();
    let begin = async |user: &str, seconds, limit| {
        let begun = store.begin_attempt(user, at(seconds), limit).wait().await;
        begun.map_err(|error| error.to_string())
    };
    assert_eq!(begin("a", 0, limit).await, first);
    assert_eq!(begin("b", 0, limit).await, first);
    assert_eq!(begin("c", 0, short).await, full);
    store.reset_attempts("b").wait().await.unwrap();
    assert_eq!(begin("c", 0, short).await, first);
    assert_eq!(begin("d", 0, limit).await, full);
    assert_eq!(begin("d", 1, limit).await, first);

    // Factors have room of their own.
    let store = MemoryMfaStore::with_capacity(2);
    let enrol = async |user: &str| {
        let id = EnrolmentId::from_bytes([7; 16]);
        let secret = TotpSecret::new(id, &[9; 20].into(), TotpAlgorithm::Sha1, 6).unwrap();
        store.enrol(user, &secret).wait().await.is_ok()
    };
    assert!(enrol("x").await && enrol("y").await && !enrol("z").await && enrol("x").await);
    assert_eq!(store.len(), 2);
    store.delete("y").wait().await.unwrap();
    assert_eq!(store.len(), 1);
    assert!(enrol("z").await);
    store.delete("x").wait().await.unwrap();
    assert!(!store.is_empty());
    store.delete("z").wait().await.unwrap();
    assert!(store.is_empty());
    let none = TotpService::builder(MemoryMfaStore::with_capacity(0), "Shop");
    let none = none.events(NoopSink::new()).build().unwrap();
    assert!(matches!(
        none.enrol("a", "a").await,
        Err(MfaError::Store(_))
    ));
    assert!(matches!(
        none.verify("a", "123456").await,
        Err(MfaError::Store(_))
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// As the backend has it with a skew of one step: what is typed is accepted, the first time.
    #[test]
    fn a_fresh_code_is_accepted_as_the_backend_accepts_it(
        time in 3_600_u64..20_000_000_000,
        offset in -4_i64..=4,
        is_right in any::<bool>(),
        guess in 0_u32..1_000_000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let clock = ManualClock::new();
            clock.set_now(SystemTime::UNIX_EPOCH + Duration::from_secs(time));
            let store = MemoryMfaStore::new();
            let totp = patient(&store, &clock);
            let app = totp.enrol("alice", "alice").await.unwrap();
            let record = store.load("alice").wait().await.unwrap().unwrap();
            let id = record.pending().unwrap().id();
            assert!(store.confirm("alice", &id, 0).wait().await.unwrap());
            let oracle = totp_rs::Builder::new().with_secret(app.secret().expose().as_slice()).build().unwrap();
            let typed = match is_right {
                true => oracle.generate(time.saturating_add_signed(offset * 30)).to_string(),
                false => format!("{guess:06}"),
            };
            let expected = oracle.check(&typed, time).is_some();
            assert_eq!(verify(&totp, &typed).await.is_ok(), expected, "{typed} at {time}");
        });
    }
}
