//! One-time and recovery codes whose store is in memory.

use std::time::{Duration, SystemTime};

use tower_security::core::{ManualClock, NoopSink, PepperRing, Secret};
use tower_security::mfa::{
    EnrolmentId, MemoryMfaStore, MfaError, RecoveryCodes, TotpAlgorithm, TotpSecret, TotpService,
    TotpStore,
};

use super::*;

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("memory answers at once"),
    }
}

/// The seed of RFC 4226: the code of step 5 is 254676, that of step 6 287922.
fn service() -> (TotpService, ManualClock) {
    let id = EnrolmentId::from_bytes([7; 16]);
    let key = Secret::from(b"12345678901234567890");
    let secret = TotpSecret::new(id, &key, TotpAlgorithm::Sha1, 6).expect("it is sound");
    let store = MemoryMfaStore::new();
    ready(store.enrol("alice", &secret).wait()).expect("there is room");
    assert!(ready(store.confirm("alice", &id, 0).wait()).expect("it is there"));
    let clock = ManualClock::new();
    clock.set_now(SystemTime::UNIX_EPOCH + Duration::from_secs(5 * 30));
    let totp = TotpService::builder(store, "Shop")
        .attempts(20, Duration::from_secs(300))
        .clock(clock.clone())
        .events(NoopSink::new())
        .build()
        .expect("it is sound");
    (totp, clock)
}

#[test]
fn a_code_costs_the_log_of_its_attempt() {
    let (totp, _) = service();
    // The name of the user and the time in the table of attempts, which is there after the first.
    assert!(ready(totp.verify("alice", "254676")).is_ok());
    let (outcome, made) = counted(|| ready(totp.verify("alice", "287922")));
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(made, 2);
    // Room for four times is made at once.
    let (outcome, made) = counted(|| ready(totp.verify("alice", "287922")));
    assert!(matches!(outcome, Err(MfaError::Replayed)), "{outcome:?}");
    assert_eq!(made, 2);
    let (outcome, made) = counted(|| ready(totp.verify("alice", "000000")));
    assert!(matches!(outcome, Err(MfaError::Invalid)), "{outcome:?}");
    assert_eq!(made, 0);
}

#[test]
fn a_recovery_code_costs_the_list_of_its_digests() {
    let peppers = PepperRing::builder("1", Secret::from(b"an example of a pepper"));
    let peppers = peppers.build().expect("it is sound");
    let codes = RecoveryCodes::builder(MemoryMfaStore::new(), peppers);
    let codes = codes.events(NoopSink::new()).build().expect("it is sound");
    let drawn = ready(codes.generate("alice")).expect("there is room");
    assert!(ready(codes.redeem("alice", drawn[0].expose())).is_ok());
    let (outcome, made) = counted(|| ready(codes.redeem("alice", drawn[1].expose())));
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(made, 3);
    let (outcome, made) = counted(|| ready(codes.redeem("bob", "no code")));
    assert!(outcome.is_err());
    assert_eq!(made, 2);
}
