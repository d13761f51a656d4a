//! Recovery codes.

use std::collections::HashSet;
use std::time::Duration;

use tower_security::core::{ManualClock, NoopSink, PepperRing, Principal, Secret};
use tower_security::mfa::{MemoryMfaStore, MfaError, RecoveryCodes, TotpService};

use super::{Heard, clock, code, enrolled, peppers, recovery, totp};

fn patient(store: &MemoryMfaStore, peppers: PepperRing) -> RecoveryCodes {
    RecoveryCodes::builder(store.clone(), peppers)
        .attempts(20, Duration::from_secs(1))
        .clock(clock())
        .events(NoopSink::new())
        .build()
        .unwrap()
}

async fn generate(codes: &RecoveryCodes, user: &str) -> Vec<String> {
    let drawn = codes.generate(user).await.unwrap();
    drawn.iter().map(|code| code.expose().clone()).collect()
}

/// How many are left.
async fn redeem(codes: &RecoveryCodes, user: &str, code: &str) -> Option<u32> {
    match codes.redeem(user, code).await {
        Ok(redeemed) => Some(redeemed.remaining()),
        Err(MfaError::Invalid) => None,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn each_code_is_good_once_and_for_its_user() {
    let store = MemoryMfaStore::new();
    let (one, other) = (patient(&store, peppers()), patient(&store, peppers()));
    let own = generate(&one, "alice").await;
    assert_eq!(own.len(), 10);
    assert_eq!(own.iter().collect::<HashSet<_>>().len(), 10);
    assert_eq!(one.remaining("alice").await.unwrap(), 10);
    let foreign = generate(&other, "bob").await;
    assert_eq!(redeem(&one, "alice", &foreign[0]).await, None);
    for (left, code) in (0..10).rev().zip(&own) {
        assert_eq!(redeem(&one, "alice", code).await, Some(left));
        assert_eq!(redeem(&other, "alice", code).await, None);
    }
    assert_eq!(one.remaining("alice").await.unwrap(), 0);
    assert_eq!(redeem(&other, "bob", &foreign[0]).await, Some(9));
    assert_eq!(redeem(&one, "nobody", &own[0]).await, None);
    let redeemed = one.redeem("bob", &foreign[1]).await.unwrap();
    // A code from a drawer is no one-time password of a device.
    assert_eq!(redeemed.verified().amr(), ["mfa"]);
    let who = Principal::builder("bob").amr(["pwd"]).build();
    let amr: Vec<String> = redeemed
        .verified()
        .step_up(&who)
        .build()
        .amr()
        .map(str::to_owned)
        .collect();
    assert_eq!(amr, ["pwd", "mfa"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_parallel_calls_one_gets_the_code() {
    for _ in 0..10 {
        let store = MemoryMfaStore::new();
        let instances = [patient(&store, peppers()), patient(&store, peppers())];
        let drawn = generate(&instances[0], "alice").await;
        let calls: Vec<_> = (0..50)
            .map(|number| {
                let (codes, code) = (instances[number % 2].clone(), drawn[3].clone());
                tokio::spawn(async move { codes.redeem("alice", &code).await })
            })
            .collect();
        let mut let_in = 0;
        for call in calls {
            match call.await.unwrap() {
                Ok(redeemed) => {
                    let_in += 1;
                    assert_eq!(redeemed.remaining(), 9);
                }
                Err(why) => assert!(
                    matches!(why, MfaError::Invalid | MfaError::Throttled { .. }),
                    "{why}"
                ),
            }
        }
        assert_eq!(let_in, 1);
    }
}

#[tokio::test]
async fn new_codes_end_those_of_before() {
    let store = MemoryMfaStore::new();
    let codes = patient(&store, peppers());
    let old = generate(&codes, "alice").await;
    let neighbour = generate(&codes, "bob").await;
    let new = generate(&codes, "alice").await;
    assert_eq!(redeem(&codes, "alice", &old[0]).await, None);
    assert_eq!(redeem(&codes, "alice", &new[0]).await, Some(9));
    codes.revoke("alice").await.unwrap();
    assert_eq!(codes.remaining("alice").await.unwrap(), 0);
    assert_eq!(redeem(&codes, "alice", &new[1]).await, None);
    assert_eq!(redeem(&codes, "bob", &neighbour[0]).await, Some(9));
}

#[tokio::test]
async fn a_code_is_read_as_it_was_meant() {
    let store = MemoryMfaStore::new();
    let codes = patient(&store, peppers());
    let drawn = generate(&codes, "alice").await;
    let plain = drawn[0].replace('-', "");
    assert_eq!(plain.len(), 16);
    for wrong in [
        format!("{plain}0"),
        plain[1..].to_owned(),
        format!("{}U", &plain[1..]),
        format!("{}.", &plain[1..]),
        String::new(),
        "-".repeat(200),
    ] {
        assert_eq!(redeem(&codes, "alice", &wrong).await, None, "{wrong}");
    }
    let swapped = |code: &str| {
        code.to_lowercase()
            .replace('0', "o")
            .replacen('1', "i", 1)
            .replace('1', "L")
    };
    let forms: [fn(&str) -> String; 4] = [
        |code| code.replace('-', ""),
        |code| code.to_lowercase(),
        |code| code.replace('-', " ") + "\r\n",
        |code| code.replace('-', "--"),
    ];
    for (form, code) in forms.iter().zip(&drawn) {
        assert!(
            redeem(&codes, "alice", &form(code)).await.is_some(),
            "{code}"
        );
    }
    for code in &drawn[4..] {
        assert!(
            redeem(&codes, "alice", &swapped(code)).await.is_some(),
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_pepper_is_rotated_and_without_it_codes_are_void() {
    let store = MemoryMfaStore::new();
    let ring = |id: &str, key: &[u8]| PepperRing::builder(id, Secret::from(key));
    let (last_year, this_year) = (b"the key of last year", b"the key of this year");
    let before = patient(&store, ring("1", last_year).build().unwrap());
    let old = generate(&before, "alice").await;
    let between = patient(
        &store,
        ring("2", this_year)
            .add_old("1", last_year)
            .build()
            .unwrap(),
    );
    assert_eq!(redeem(&between, "alice", &old[0]).await, Some(9));
    let after = patient(&store, ring("2", this_year).build().unwrap());
    assert_eq!(redeem(&after, "alice", &old[1]).await, None);
    // New ones are made with the current one.
    let new = generate(&between, "alice").await;
    assert_eq!(redeem(&before, "alice", &new[0]).await, None);
    assert_eq!(redeem(&after, "alice", &new[0]).await, Some(9));
}

#[tokio::test]
async fn longer_codes_and_other_numbers_of_them() {
    let store = MemoryMfaStore::new();
    let builder = || RecoveryCodes::builder(store.clone(), peppers()).events(NoopSink::new());
    for (bits, count, length) in [
        (80, 5, 19),
        (100, 6, 24),
        (120, 7, 29),
        (140, 8, 34),
        (160, 20, 39),
    ] {
        let codes = builder().bits(bits).count(count).build().unwrap();
        let drawn = generate(&codes, "alice").await;
        assert_eq!(drawn.len(), count);
        assert!(drawn.iter().all(|code| code.len() == length), "{drawn:?}");
        // By an instance with other settings too.
        let usual = builder().build().unwrap();
        assert_eq!(
            redeem(&usual, "alice", &drawn[0]).await,
            Some(count as u32 - 1)
        );
    }
}

#[tokio::test]
async fn both_services_share_their_attempts_in_one_store() {
    let (clock, heard, store) = (clock(), Heard::default(), MemoryMfaStore::new());
    let totp: TotpService = totp(store.clone(), &clock, &heard);
    let codes = recovery(store.clone(), &clock, &heard);
    let app = enrolled(&totp, &clock, "alice").await;
    let drawn = generate(&codes, "alice").await;
    for _ in 0..3 {
        assert!(matches!(
            totp.verify("alice", "no code").await,
            Err(MfaError::Invalid)
        ));
    }
    for _ in 0..2 {
        assert!(matches!(
            codes.redeem("alice", "no code").await,
            Err(MfaError::Invalid)
        ));
    }
    assert!(matches!(
        codes.redeem("alice", &drawn[0]).await,
        Err(MfaError::Throttled { .. })
    ));
    assert!(matches!(
        totp.verify("alice", &code(&app, 0)).await,
        Err(MfaError::Throttled { .. })
    ));
    advance(&clock, 300);
    codes.redeem("alice", &drawn[0]).await.unwrap();
    totp.verify("alice", &code(&app, 300)).await.unwrap();
    assert!(matches!(
        codes.redeem("", &drawn[1]).await,
        Err(MfaError::UserEmpty)
    ));
    assert!(matches!(codes.generate("").await, Err(MfaError::UserEmpty)));
}

fn advance(clock: &ManualClock, seconds: u64) {
    clock.advance(Duration::from_secs(seconds));
}
