use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tower_security::core::{Lookup, ManualClock, StoreError};
use tower_security::token::jws::JwkSet;
use tower_security::token::{
    JwtVerifiers, KeySnapshot, KeySource, KeySourceError, KeyState, Revocation, RevocationStore,
    TokenCache, TokenRef,
};

use super::super::issuer::{OTHER_X, OTHER_Y, ec_jwk, with_claims};
use super::{builder, keys, ready, reason};

/// Keys that are replaced by others under a live verifier.
#[derive(Clone)]
struct Changing {
    sets: Arc<[JwkSet; 2]>,
    generation: Arc<AtomicU64>,
}

impl Changing {
    fn new() -> Self {
        let other = ec_jwk(OTHER_X, OTHER_Y, r#","kid":"es""#);
        let other = JwkSet::strict(format!(r#"{{"keys":[{other}]}}"#).as_bytes());
        Self {
            sets: Arc::new([keys(), other.expect("it is a set")]),
            generation: Arc::default(),
        }
    }
}

impl KeySource for Changing {
    fn state(&self) -> KeyState {
        let generation = self.generation.load(Ordering::Relaxed);
        let set = match generation {
            0 => 0,
            99 => return KeyState::Missing,
            _ => 1,
        };
        KeyState::Ready(KeySnapshot::new(self.sets[set].clone(), generation))
    }

    fn refresh(&self, _: Option<&str>) -> Lookup<Result<KeySnapshot, KeySourceError>> {
        Lookup::Ready(Err(KeySourceError::Unavailable))
    }
}

#[test]
fn keys_that_are_gone_verify_nothing_cached_or_not() {
    for cache in [None, Some(TokenCache::default())] {
        let source = Changing::new();
        let builder = builder(ManualClock::new()).keys(source.clone());
        let builder = match cache {
            Some(cache) => builder.token_cache(cache),
            None => builder,
        };
        let verifier = builder.build().expect("it is sound");
        let token = with_claims(&[]);
        for _ in 0..3 {
            assert!(ready(verifier.verify(&token)).is_ok());
        }
        source.generation.store(1, Ordering::Relaxed);
        assert_eq!(reason(verifier.verify(&token)), "signature");
        source.generation.store(99, Ordering::Relaxed);
        assert_eq!(reason(verifier.verify(&token)), "keys");
    }
}

#[test]
fn a_cached_token_expires() {
    let clock = ManualClock::new();
    let verifier = builder(clock.clone())
        .token_cache(TokenCache::default())
        .leeway(Duration::ZERO)
        .max_token_age(Duration::from_secs(20))
        .build()
        .expect("it is sound");
    let short = with_claims(&[("exp", "1735689610")]);
    let long = with_claims(&[]);
    let later = with_claims(&[("nbf", "1735689600")]);
    for token in [&short, &long, &later] {
        assert!(ready(verifier.verify(token)).is_ok());
    }
    clock.advance(Duration::from_secs(9));
    assert!(ready(verifier.verify(&short)).is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(reason(verifier.verify(&short)), "expired");
    clock.advance(Duration::from_secs(9));
    assert!(ready(verifier.verify(&long)).is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(reason(verifier.verify(&long)), "too_old");
    clock.set_now(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_599));
    assert_eq!(reason(verifier.verify(&later)), "not_yet_valid");
}

/// Counts how often it is asked, and revokes on demand.
#[derive(Clone, Default)]
struct Counting {
    asked: Arc<AtomicUsize>,
    revoked: Arc<AtomicUsize>,
}

impl RevocationStore for Counting {
    fn check(&self, _: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Lookup::Ready(Ok(match self.revoked.load(Ordering::Relaxed) {
            0 => Revocation::Valid,
            _ => Revocation::Revoked,
        }))
    }
}

#[test]
fn a_cached_token_is_revoked_at_once() {
    let store = Counting::default();
    let verifier = builder(ManualClock::new())
        .token_cache(TokenCache::default())
        .revocation(store.clone())
        .build()
        .expect("it is sound");
    let token = with_claims(&[]);
    for _ in 0..3 {
        assert!(ready(verifier.verify(&token)).is_ok());
    }
    assert_eq!(store.asked.load(Ordering::Relaxed), 3);
    store.revoked.store(1, Ordering::Relaxed);
    assert_eq!(reason(verifier.verify(&token)), "revoked");
}

#[test]
fn what_was_refused_is_not_remembered() {
    let store = Counting::default();
    store.revoked.store(1, Ordering::Relaxed);
    let verifier = builder(ManualClock::new())
        .token_cache(TokenCache::default())
        .revocation(store.clone())
        .build()
        .expect("it is sound");
    let token = with_claims(&[]);
    assert_eq!(reason(verifier.verify(&token)), "revoked");
    store.revoked.store(0, Ordering::Relaxed);
    assert!(ready(verifier.verify(&token)).is_ok());
}

#[test]
fn a_cached_token_is_known_by_all_of_it() {
    let verifier = builder(ManualClock::new())
        .token_cache(TokenCache::default())
        .build()
        .expect("it is sound");
    let token = with_claims(&[]);
    assert!(ready(verifier.verify(&token)).is_ok());
    for at in [10, token.len() / 2, token.len() - 30] {
        let mut other = token.clone().into_bytes();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).expect("it is ASCII");
        assert!(ready(verifier.verify(&other)).is_err(), "{at}");
    }
    let of_bob = with_claims(&[("sub", r#""bob""#)]);
    let who = ready(verifier.verify(&of_bob)).expect("it is good");
    assert_eq!(who.subject(), "bob");
    let who = ready(verifier.verify(&token)).expect("it is good");
    assert_eq!(who.subject(), "alice");
    verifier.clear_token_cache();
    assert!(ready(verifier.verify(&token)).is_ok());
}

#[test]
fn several_verifiers_remember_each_for_itself() {
    let verifier = |issuer| {
        let builder = builder(ManualClock::new()).issuer(issuer);
        let builder = builder.token_cache(TokenCache::default());
        builder.build().expect("it is sound")
    };
    let first = verifier("https://id.example.com/");
    let both = JwtVerifiers::new([first.clone(), verifier("https://other.example/")]);
    let both = both.expect("two issuers");
    let ours = with_claims(&[]);
    let other = with_claims(&[("iss", r#""https://other.example/""#)]);
    for _ in 0..2 {
        let issuers = [&ours, &other].map(|token| {
            let who = ready(both.verify(token)).expect("it is good");
            who.issuer().map(str::to_owned)
        });
        assert_eq!(
            issuers.map(|issuer| issuer.unwrap_or_default()),
            ["https://id.example.com/", "https://other.example/"]
        );
    }
    assert_eq!(reason(first.verify(&other)), "issuer");
}
