use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tower_security::core::{Lookup, ManualClock, StoreError};
use tower_security::token::{
    KeySnapshot, KeySource, KeySourceError, KeyState, Revocation, RevocationStore, TokenCache,
    TokenErrorKind, TokenRef,
};

use super::super::issuer::{Signer, claims, header, with_claims, with_header};
use super::{builder, keys, ready, reason, waited};

/// Keys that have to be fetched first.
#[derive(Clone)]
struct Remote {
    answer: Result<(), KeySourceError>,
    fetched: Arc<AtomicUsize>,
}

impl Remote {
    fn new(answer: Result<(), KeySourceError>) -> Self {
        Self {
            answer,
            fetched: Arc::default(),
        }
    }
}

impl KeySource for Remote {
    fn state(&self) -> KeyState {
        match self.fetched.load(Ordering::Relaxed) {
            0 => KeyState::Missing,
            _ => KeyState::Ready(KeySnapshot::new(keys(), 7)),
        }
    }

    fn refresh(&self, _: Option<&str>) -> Lookup<Result<KeySnapshot, KeySourceError>> {
        let remote = self.clone();
        Lookup::pending(async move {
            tokio::task::yield_now().await;
            remote.answer?;
            remote.fetched.fetch_add(1, Ordering::Relaxed);
            Ok(KeySnapshot::new(keys(), 7))
        })
    }
}

#[tokio::test]
async fn a_token_waits_for_its_keys() {
    let source = Remote::new(Ok(()));
    let verifier = builder(ManualClock::new())
        .keys(source.clone())
        .token_cache(TokenCache::default())
        .build()
        .expect("it is sound");
    let who = waited(verifier.verify(&with_claims(&[])))
        .await
        .expect("it is good");
    assert_eq!(who.subject(), "alice");
    assert!(ready(verifier.verify(&with_claims(&[]))).is_ok());
    assert_eq!(source.fetched.load(Ordering::Relaxed), 1);
    let unknown = with_header(&[("kid", r#""new""#)]);
    let error = waited(verifier.verify(&unknown))
        .await
        .expect_err("no key has the id");
    assert_eq!(error.reason(), "kid_unknown");
    assert_eq!(error.detail(), Some("alg=ES256 kid=new"));
}

#[tokio::test]
async fn a_forged_token_is_refused_after_the_wait_too() {
    let verifier = builder(ManualClock::new()).keys(Remote::new(Ok(())));
    let verifier = verifier.build().expect("it is sound");
    let forged = Signer::Other256.token(header(&[]), claims(&[]));
    let error = waited(verifier.verify(&forged))
        .await
        .expect_err("it is forged");
    assert_eq!(error.reason(), "signature");
}

#[tokio::test]
async fn without_keys_nothing_is_said_of_a_token() {
    for (answer, kind, reason) in [
        (
            KeySourceError::Unavailable,
            TokenErrorKind::Unavailable,
            "keys",
        ),
        (
            KeySourceError::NotFound,
            TokenErrorKind::Invalid,
            "kid_unknown",
        ),
    ] {
        let verifier = builder(ManualClock::new()).keys(Remote::new(Err(answer)));
        let verifier = verifier.build().expect("it is sound");
        let error = waited(verifier.verify(&with_claims(&[])))
            .await
            .expect_err("no keys");
        assert_eq!((error.kind(), error.reason()), (kind, reason));
    }
}

#[test]
fn what_is_refused_without_keys_fetches_none() {
    struct Never;
    impl KeySource for Never {
        fn state(&self) -> KeyState {
            KeyState::Missing
        }

        fn refresh(&self, _: Option<&str>) -> Lookup<Result<KeySnapshot, KeySourceError>> {
            panic!("keys are fetched for what is no token of ours");
        }
    }
    let verifier = builder(ManualClock::new())
        .keys(Never)
        .build()
        .expect("it is sound");
    for (token, expected) in [
        ("a.b.c".to_owned(), "encoding"),
        (with_claims(&[("exp", "1")]), "expired"),
        (
            with_claims(&[("iss", r#""https://evil.example/""#)]),
            "issuer",
        ),
        (with_header(&[("alg", r#""HS256""#)]), "algorithm"),
        (with_header(&[("typ", r#""JWT""#)]), "typ"),
    ] {
        assert_eq!(reason(verifier.verify(&token)), expected);
    }
}

#[tokio::test]
async fn both_keys_and_revocation_may_have_to_be_waited_for() {
    struct Slow;
    impl RevocationStore for Slow {
        fn check(&self, token: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
            let is_alice = token.subject == "alice";
            Lookup::pending(async move {
                tokio::task::yield_now().await;
                Ok(if is_alice {
                    Revocation::Valid
                } else {
                    Revocation::Revoked
                })
            })
        }
    }
    let verifier = builder(ManualClock::new())
        .keys(Remote::new(Ok(())))
        .revocation(Slow)
        .build()
        .expect("it is sound");
    let bob = with_claims(&[("sub", r#""bob""#)]);
    let error = waited(verifier.verify(&bob))
        .await
        .expect_err("he is revoked");
    assert_eq!(error.reason(), "revoked");
    assert!(waited(verifier.verify(&with_claims(&[]))).await.is_ok());
}

/// A source that takes its time, and a token of five minutes that comes by way of it.
#[tokio::test]
async fn a_token_that_expires_while_its_keys_are_fetched_is_expired() {
    struct Slow(ManualClock, Duration);
    impl KeySource for Slow {
        fn state(&self) -> KeyState {
            KeyState::Missing
        }

        fn refresh(&self, _: Option<&str>) -> Lookup<Result<KeySnapshot, KeySourceError>> {
            let (clock, wait) = (self.0.clone(), self.1);
            Lookup::pending(async move {
                clock.advance(wait);
                Ok(KeySnapshot::new(keys(), 7))
            })
        }
    }
    let after = async |seconds| {
        let clock = ManualClock::new();
        let source = Slow(clock.clone(), Duration::from_secs(seconds));
        let verifier = builder(clock).keys(source).build().expect("it is sound");
        let answer = waited(verifier.verify(&with_claims(&[]))).await;
        answer.map_err(|error| (error.kind(), error.reason()))
    };
    // With 30 s of leeway.
    assert!(after(329).await.is_ok());
    let expired = (TokenErrorKind::Expired, "expired");
    assert_eq!(after(330).await.err(), Some(expired));
}
