//! Secrets of one-time codes under a key of the server.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tower_security::core::{EventName, Level, ManualClock, NoopSink, Secret, StoreErrorKind};
use tower_security::mfa::{
    EnrolmentId, MemoryMfaStore, MfaError, TotpAlgorithm, TotpSecret, TotpService, TotpStore,
};
use tower_security::vault::{KeyRing, KeyRingBuilder, Protector, VaultError};

use super::{Heard, clock, code, enrolled};

fn key(number: u8) -> Secret<[u8; 32]> {
    Secret::new(Sha256::digest([number]).into())
}

fn column(ring: KeyRingBuilder) -> Protector {
    let ring = ring.events(NoopSink::new()).build().unwrap();
    ring.purpose(&["users", "totp"]).unwrap()
}

fn ring(active: u8) -> KeyRingBuilder {
    KeyRing::builder().active(active.into(), key(active))
}

fn sealing(store: &MemoryMfaStore, clock: &ManualClock, protector: &Protector) -> TotpService {
    TotpService::builder(store.clone(), "Shop")
        .attempts(20, Duration::from_secs(1))
        .seal(protector.clone())
        .clock(clock.clone())
        .events(NoopSink::new())
        .build()
        .unwrap()
}

fn open(store: &MemoryMfaStore, clock: &ManualClock) -> TotpService {
    TotpService::builder(store.clone(), "Shop")
        .clock(clock.clone())
        .events(NoopSink::new())
        .build()
        .unwrap()
}

async fn kept(store: &MemoryMfaStore, user: &str) -> TotpSecret {
    let record = store.load(user).wait().await.unwrap().unwrap();
    record.confirmed().unwrap().0.clone()
}

/// Puts a secret into the row of a user, as who can write to the table does.
async fn put(store: &MemoryMfaStore, user: &str, secret: &TotpSecret) {
    store.delete(user).wait().await.unwrap();
    store.enrol(user, secret).wait().await.unwrap();
    let done = store.confirm(user, &secret.id(), 0).wait().await.unwrap();
    assert!(done);
}

fn is_corrupt<T>(outcome: Result<T, MfaError>) -> bool {
    match outcome {
        Ok(_) => false,
        Err(MfaError::Store(error)) => error.kind() == StoreErrorKind::Corrupt,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_leaked_table_holds_no_secret_that_makes_codes() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let totp = sealing(&store, &clock, &column(ring(1)));
    let app = enrolled(&totp, &clock, "alice").await;
    totp.enrol("alice", "alice@example.com").await.unwrap();

    // All that the store was ever given: what is confirmed and what waits.
    let record = store.load("alice").wait().await.unwrap().unwrap();
    let (confirmed, waiting) = (record.confirmed().unwrap().0, record.pending().unwrap());
    for secret in [confirmed, waiting] {
        assert!(secret.is_sealed() && secret.key().is_none());
        let leaked = secret.to_bytes();
        let raw = app.secret();
        assert!(
            leaked
                .expose()
                .windows(4)
                .all(|part| !raw.expose().windows(4).any(|of| of == part))
        );
        let text = app.text();
        assert!(!String::from_utf8_lossy(leaked.expose()).contains(&text.expose()[..8]));

        // Who has the table alone: another service, another key.
        let theirs = MemoryMfaStore::new();
        put(
            &theirs,
            "alice",
            &TotpSecret::from_bytes(leaked.expose()).unwrap(),
        )
        .await;
        assert!(is_corrupt(
            open(&theirs, &clock).verify("alice", &code(&app, 0)).await
        ));
        let guessed = sealing(&theirs, &clock, &column(ring(2)));
        assert!(is_corrupt(guessed.verify("alice", &code(&app, 0)).await));
    }
    // The plaintext form, which the same search finds: the twin that shows that it looks.
    let plain = confirmed.unseal(&column(ring(1)), "alice").unwrap();
    let (bytes, raw) = (plain.to_bytes(), app.secret());
    assert!(
        bytes
            .expose()
            .windows(4)
            .any(|part| raw.expose().windows(4).any(|of| of == part))
    );

    assert!(totp.verify("alice", &code(&app, 0)).await.is_ok());
    assert!(totp.is_sealing() && !open(&store, &clock).is_sealing());
}

#[tokio::test]
async fn a_code_confirms_and_logs_in_as_without_a_seal() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let totp = sealing(&store, &clock, &column(ring(1)));
    let app = totp.enrol("alice", "alice@example.com").await.unwrap();
    assert!(!totp.is_enrolled("alice").await.unwrap());
    totp.confirm("alice", &code(&app, 0)).await.unwrap();
    assert!(totp.is_enrolled("alice").await.unwrap());
    let again = totp.verify("alice", &code(&app, 0)).await;
    assert!(matches!(again, Err(MfaError::Replayed)));
    assert!(totp.verify("alice", &code(&app, 30)).await.is_ok());
    let of_nobody = totp.verify("bob", &code(&app, 30)).await;
    assert!(matches!(of_nobody, Err(MfaError::Invalid)));
    assert!(totp.disable("alice").await.unwrap());
}

#[tokio::test]
async fn a_secret_opens_in_its_own_row_alone() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let totp = sealing(&store, &clock, &column(ring(1)));
    let of_mallory = enrolled(&totp, &clock, "mallory").await;
    let _ = enrolled(&totp, &clock, "alice").await;
    let moved = kept(&store, "mallory").await;
    assert!(totp.verify("mallory", &code(&of_mallory, 0)).await.is_ok());
    put(&store, "alice", &moved).await;
    assert!(is_corrupt(
        totp.verify("alice", &code(&of_mallory, 0)).await
    ));

    // The id, the digits and the hash are those that it was sealed with.
    let bytes = moved.to_bytes().expose().clone();
    for (at, byte) in [
        (1, 2),
        (2, 8),
        (3, !bytes[3]),
        (18, !bytes[18]),
        (60, !bytes[60]),
    ] {
        let mut changed = bytes.clone();
        changed[at] = byte;
        put(
            &store,
            "mallory",
            &TotpSecret::from_bytes(&changed).unwrap(),
        )
        .await;
        let outcome = totp.verify("mallory", &code(&of_mallory, 30)).await;
        assert!(is_corrupt(outcome), "byte {at}");
    }
    put(&store, "mallory", &moved).await;
    assert!(totp.verify("mallory", &code(&of_mallory, 30)).await.is_ok());
}

#[tokio::test]
async fn a_secret_that_was_put_there_by_hand_is_refused() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let protector = column(ring(1));
    let totp = sealing(&store, &clock, &protector);
    let _ = enrolled(&totp, &clock, "alice").await;
    let elsewhere = open(&MemoryMfaStore::new(), &clock);
    let of_mallory = elsewhere.enrol("mallory", "mallory").await.unwrap();
    let id = EnrolmentId::from_bytes([9; 16]);
    let secret = TotpSecret::new(id, &of_mallory.secret(), TotpAlgorithm::Sha1, 6).unwrap();
    put(&store, "alice", &secret).await;
    assert!(!totp.accepts_unsealed());
    assert!(is_corrupt(
        totp.verify("alice", &code(&of_mallory, 0)).await
    ));

    // Where both are accepted it is let in, as the name of the setting warns.
    let both = TotpService::builder(store.clone(), "Shop")
        .dangerous_accept_unsealed()
        .seal(protector)
        .clock(clock.clone())
        .events(NoopSink::new())
        .build()
        .unwrap();
    assert!(both.accepts_unsealed());
    assert!(both.verify("alice", &code(&of_mallory, 0)).await.is_ok());
}

#[tokio::test]
async fn a_table_is_brought_over_and_rotated() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let app = enrolled(&open(&store, &clock), &clock, "alice").await;
    let [first, second] = [column(ring(1)), column(ring(2).retired(1, key(1)))];

    let plain = kept(&store, "alice").await;
    let sealed = plain.reseal(&first, "alice").unwrap().unwrap();
    assert!(sealed.reseal(&first, "alice").unwrap().is_none());
    put(&store, "alice", &sealed).await;
    let verify = async |protector: &Protector, at| {
        let totp = sealing(&store, &clock, protector);
        totp.verify("alice", &code(&app, at)).await
    };
    assert!(verify(&first, 0).await.is_ok());
    assert!(verify(&second, 30).await.is_ok());

    let anew = sealed.reseal(&second, "alice").unwrap().unwrap();
    assert!(anew.reseal(&second, "alice").unwrap().is_none());
    assert_eq!(
        anew.reseal(&first, "alice").unwrap_err(),
        VaultError::Rejected
    );
    let wrong = sealed.reseal(&second, "bob");
    assert_eq!(wrong.unwrap_err(), VaultError::Rejected);
    put(&store, "alice", &anew).await;
    assert!(is_corrupt(verify(&first, 0).await));
    assert!(verify(&column(ring(2).revoked(1)), 0).await.is_ok());
    assert_eq!(anew.unseal(&second, "alice").unwrap().key(), plain.key());
    assert_eq!(plain.unseal(&second, "anybody").unwrap().key(), plain.key());
}

#[tokio::test]
async fn both_services_tell_of_what_does_not_open() {
    let (clock, store) = (clock(), MemoryMfaStore::new());
    let app = enrolled(&sealing(&store, &clock, &column(ring(1))), &clock, "alice").await;
    let heard = Heard::default();
    let other = ring(2).events(heard.sink()).build().unwrap();
    let totp = TotpService::builder(store, "Shop")
        .seal(other.purpose(&["users", "totp"]).unwrap())
        .clock(clock.clone())
        .events(heard.sink())
        .build()
        .unwrap();
    let error = totp.verify("alice", &code(&app, 0)).await.unwrap_err();
    assert_eq!(error.rejection().code(), "authentication_unavailable");
    let lines: Vec<_> = heard
        .take()
        .into_iter()
        .map(|line| (line.name, line.level, line.code, line.rule.unwrap()))
        .collect();
    let expected = [
        (
            EventName::CryptDecryptFail,
            Level::Warn,
            "unknown_key",
            "users/totp",
        ),
        (
            EventName::SysMonitorDisabled,
            Level::Error,
            "authentication_unavailable",
            "store_corrupt",
        ),
    ];
    let expected = expected.map(|(name, level, code, rule)| (name, level, code, rule.to_owned()));
    assert_eq!(lines, expected);
}

#[test]
fn sealed_bytes_of_another_length_or_version_are_no_secret() {
    let protector = column(ring(1));
    let id = EnrolmentId::from_bytes([7; 16]);
    for (length, algorithm, digits) in [
        (16, TotpAlgorithm::Sha1, 6),
        (32, TotpAlgorithm::Sha256, 8),
        (128, TotpAlgorithm::Sha512, 6),
    ] {
        let key = Secret::new(vec![0x5a; length]);
        let plain = TotpSecret::new(id, &key, algorithm, digits).unwrap();
        let sealed = plain.reseal(&protector, "alice").unwrap().unwrap();
        let bytes = sealed.to_bytes();
        let bytes = bytes.expose();
        assert_eq!((bytes.len(), bytes[0]), (19 + 45 + length, 2));
        assert_eq!(bytes[3..19], [7; 16]);
        let read = TotpSecret::from_bytes(bytes).unwrap();
        assert_eq!(
            (read.id(), read.algorithm(), read.digits()),
            (id, algorithm, digits)
        );
        assert_eq!(read.to_bytes().expose(), bytes);
        assert!(read.unseal(&protector, "alice").is_ok());
        for (at, byte) in [(0, 3), (1, 0), (1, 4), (2, 7)] {
            let mut changed = bytes.clone();
            changed[at] = byte;
            assert!(TotpSecret::from_bytes(&changed).is_err(), "{at} {byte}");
        }
    }
    let head = [&[2, 1, 6][..], &[7; 16]].concat();
    for (length, is_read) in [(60, false), (61, true), (173, true), (174, false)] {
        let bytes = [&head[..], &vec![1; length]].concat();
        assert_eq!(TotpSecret::from_bytes(&bytes).is_ok(), is_read, "{length}");
    }
}
