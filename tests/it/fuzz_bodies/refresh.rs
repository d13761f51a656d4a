//! Refresh tokens: what is asked of a store is what a token of the one spelling names, and nothing that is forged changes it.

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use tower_security::core::{Lookup, ManualClock, NoopSink, Principal, StoreError};
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::token::{
    FamilyId, FamilyRecord, KeyRing, RefreshContext, RefreshError, RefreshService, RefreshStore,
    Replaced, RevokeReason, TokenIssuer,
};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Has every family, and notes which it was asked for. Nothing may change any.
#[derive(Clone, Default)]
struct Spy(Arc<Mutex<Vec<FamilyId>>>);

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

impl RefreshStore for Spy {
    fn insert(&self, _: &FamilyRecord, _: NonZeroU32) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        panic!("nobody logs in")
    }

    fn get(&self, id: &FamilyId) -> Lookup<Result<Option<FamilyRecord>, StoreError>> {
        self.0.lock().expect("nobody panics").push(*id);
        let who = Principal::builder("alice").client_id("web").build();
        let end = start() + Duration::from_secs(3_600);
        Lookup::Ready(Ok(Some(FamilyRecord::new(*id, &who, start(), end))))
    }

    fn replace(&self, _: u32, _: &FamilyRecord) -> Lookup<Result<Replaced, StoreError>> {
        panic!("nobody has the secret")
    }

    fn revoke(
        &self,
        _: &FamilyId,
        _: RevokeReason,
        _: SystemTime,
    ) -> Lookup<Result<bool, StoreError>> {
        panic!("a forged token has ended a family")
    }

    fn revoke_subject(
        &self,
        _: &str,
        _: Option<&FamilyId>,
        _: RevokeReason,
        _: SystemTime,
    ) -> Lookup<Result<Vec<FamilyId>, StoreError>> {
        panic!("a forged token has ended families")
    }

    fn list(&self, _: &str) -> Lookup<Result<Vec<FamilyRecord>, StoreError>> {
        panic!("nobody asks for a list")
    }

    fn purge(&self, _: SystemTime) -> Lookup<Result<u64, StoreError>> {
        panic!("nobody purges")
    }
}

fn service(spy: &Spy) -> RefreshService {
    let clock = ManualClock::new();
    clock.set_now(start());
    let key = SigningKey::hmac(b"an example: take 32 random bytes", Algorithm::Hs256);
    let issuer = TokenIssuer::builder()
        .issuer("https://id.example.com/")
        .audience("https://api.example.com")
        .signing(KeyRing::new(key.expect("it is a key")))
        .clock(clock.clone())
        .build()
        .expect("it is sound");
    RefreshService::builder(spy.clone(), issuer)
        .rotation_key("one", *b"rotates refresh tokens of tests.")
        .without_revocation()
        .events(NoopSink::new())
        .clock(clock)
        .build()
        .expect("it is sound")
}

/// The family of a token, read another way: bit by bit, and no bit left over.
fn family(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes().strip_prefix(b"rt_")?;
    let mut bits = Vec::new();
    for digit in digits {
        let value = ALPHABET.iter().position(|of| of == digit)?;
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
    }
    if digits.len() != 70 || bits[52 * 8..].contains(&1) {
        return None;
    }
    let mut family = [0; 16];
    for (byte, bits) in family.iter_mut().zip(bits.chunks(8)) {
        let value = bits.iter().fold(0, |value, bit| value << 1 | bit);
        *byte = u8::try_from(value).expect("eight bits");
    }
    Some(family)
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("nothing is waited for"),
    }
}

/// A token; and the record of a store is read, or is not.
pub fn refresh_token(data: &[u8]) {
    // A byte for each character, so that every input is a text.
    let text: String = data.iter().map(|byte| char::from(*byte)).collect();
    let spy = Spy::default();
    let service = service(&spy);
    let context = RefreshContext::new().client_id("web");
    let refused = now(service.refresh(&text, &context));
    assert!(matches!(refused, Err(RefreshError::Unknown)), "{refused:?}");
    let ended = now(service.revoke_token(&text, &context));
    assert!(matches!(ended, Ok(false)), "{ended:?}");
    let asked = spy.0.lock().expect("nobody panics").clone();
    let expected = family(&text).map(FamilyId::from_bytes);
    let expected: Vec<_> = expected.into_iter().flat_map(|id| [id, id]).collect();
    assert_eq!(asked, expected, "{text:?}");

    // Whatever a store gives back: the same bytes again, or an error.
    if let Ok(record) = FamilyRecord::from_bytes(data) {
        let written = record.to_bytes();
        let again = FamilyRecord::from_bytes(&written).expect("it was written");
        assert_eq!(again.to_bytes(), written);
    }
}
