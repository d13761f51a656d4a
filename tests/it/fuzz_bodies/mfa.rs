//! Codes that somebody types: read as they were meant, by the letter of the rules and by another reading of them.

use std::pin::pin;
use std::sync::{LazyLock, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use tower_security::core::{Lookup, ManualClock, NoopSink, PepperRing, Secret, StoreError};
use tower_security::mfa::{
    Attempt, AttemptLimit, AttemptStore, CodeDigest, EnrolmentId, MemoryMfaStore, MfaError,
    RecoveryCodes, RecoveryStore, TotpAlgorithm, TotpSecret, TotpService, TotpStore,
};

/// What the last code was looked for as.
static LOOKED_FOR: Mutex<Option<[u8; 32]>> = Mutex::new(None);

/// Has no code, and remembers which one it was asked for.
struct Ear;

impl AttemptStore for Ear {
    fn begin_attempt(
        &self,
        _: &str,
        _: SystemTime,
        _: AttemptLimit,
    ) -> Lookup<Result<Attempt, StoreError>> {
        Lookup::Ready(Ok(Attempt::Allowed { earlier: 0 }))
    }

    fn reset_attempts(&self, _: &str) -> Lookup<Result<(), StoreError>> {
        Lookup::Ready(Ok(()))
    }
}

impl RecoveryStore for Ear {
    fn replace_all(&self, _: &str, _: &[CodeDigest]) -> Lookup<Result<(), StoreError>> {
        Lookup::Ready(Ok(()))
    }

    fn take(&self, _: &str, any_of: &[CodeDigest]) -> Lookup<Result<Option<u32>, StoreError>> {
        let [digest] = any_of else {
            panic!("one pepper, one digest");
        };
        *LOOKED_FOR.lock().expect("nobody panics with it") = Some(*digest.as_bytes());
        Lookup::Ready(Ok(None))
    }

    fn remaining(&self, _: &str) -> Lookup<Result<u32, StoreError>> {
        Lookup::Ready(Ok(0))
    }
}

static CODES: LazyLock<RecoveryCodes> = LazyLock::new(|| {
    let peppers = PepperRing::builder("1", Secret::from(b"an example of a pepper"));
    let peppers = peppers.build().expect("it is sound");
    RecoveryCodes::builder(Ear, peppers)
        .events(NoopSink::new())
        .build()
        .expect("it is sound")
});

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("memory answers at once"),
    }
}

/// What a code is looked for as; `None` if it is refused without a look.
fn looked_for(typed: &str) -> Option<[u8; 32]> {
    *LOOKED_FOR.lock().expect("nobody panics with it") = None;
    let outcome = ready(CODES.redeem("alice", typed));
    assert!(matches!(outcome, Err(MfaError::Invalid)), "{outcome:?}");
    LOOKED_FOR.lock().expect("nobody panics with it").take()
}

/// The one spelling of a code, read another way: first everything is replaced, then what is left is looked at.
fn spelling(typed: &str) -> Option<String> {
    let spelt = typed
        .replace(['-', ' ', '\t', '\n', '\r', '\u{c}'], "")
        .replace(['o', 'O'], "0")
        .replace(['i', 'I', 'l', 'L'], "1")
        .to_ascii_uppercase();
    let is_character =
        |c: char| c.is_ascii_digit() || (c.is_ascii_uppercase() && !"ILOU".contains(c));
    let is_code = typed.len() <= 128
        && [16, 20, 24, 28, 32].contains(&spelt.len())
        && spelt.chars().all(is_character);
    is_code.then_some(spelt)
}

/// A recovery code.
pub fn recovery_code(data: &[u8]) {
    let Ok(typed) = std::str::from_utf8(data) else {
        return;
    };
    let digest = looked_for(typed);
    match spelling(typed) {
        None => assert_eq!(digest, None, "{typed:?}"),
        Some(spelt) => {
            assert!(digest.is_some(), "{typed:?}");
            assert_eq!(digest, looked_for(&spelt), "{typed:?}");
            // Another first character is another code.
            let other = if spelt.starts_with('0') { "1" } else { "0" };
            assert_ne!(
                digest,
                looked_for(&format!("{other}{}", &spelt[1..])),
                "{typed:?}"
            );
        }
    }
}

/// A one-time code of the seed of RFC 4226, in its fifth step; and what a store gives back as a secret.
pub fn totp_code(data: &[u8]) {
    // Steps 4, 5 and 6 of appendix D.
    const GOOD: [&str; 3] = ["338314", "254676", "287922"];
    let id = EnrolmentId::from_bytes([7; 16]);
    let key = Secret::from(b"12345678901234567890");
    let secret = TotpSecret::new(id, &key, TotpAlgorithm::Sha1, 6).expect("it is sound");
    let store = MemoryMfaStore::new();
    let kept = ready(store.enrol("alice", &secret).wait()).is_ok();
    let confirmed = ready(store.confirm("alice", &id, 0).wait());
    assert!(kept && confirmed.is_ok_and(|done| done));
    let clock = ManualClock::new();
    clock.set_now(SystemTime::UNIX_EPOCH + Duration::from_secs(5 * 30));
    let totp = TotpService::builder(store, "Shop")
        .clock(clock)
        .events(NoopSink::new())
        .build()
        .expect("it is sound");
    if let Ok(typed) = std::str::from_utf8(data) {
        let digits = typed.replace(['-', ' ', '\t', '\n', '\r', '\u{c}'], "");
        let is_good = typed.len() <= 64 && GOOD.contains(&digits.as_str());
        match ready(totp.verify("alice", typed)) {
            Ok(_) => assert!(is_good, "{typed:?}"),
            Err(error) => assert!(matches!(error, MfaError::Invalid) && !is_good, "{typed:?}"),
        }
    }

    // Whatever a store gives back: the same bytes again, or an error.
    if let Ok(secret) = TotpSecret::from_bytes(data) {
        assert_eq!(secret.to_bytes().expose(), data);
        assert!(matches!(secret.digits(), 6 | 8));
    }
}
