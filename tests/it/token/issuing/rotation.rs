//! Keys come and go: published before they sign, and until nothing is left that they have signed.

use tower_security::core::{ConfigErrors, ManualClock};
use tower_security::token::jws::JwkSet;
use tower_security::token::{IssuerConfigError, KeyState};

use super::*;

fn published(issuer: &TokenIssuer) -> Vec<String> {
    let set = JwkSet::strict(issuer.jwks().bytes()).expect("it is a sound set");
    let kids = set
        .keys()
        .iter()
        .map(|key| key.kid().unwrap_or_default().to_owned());
    kids.collect()
}

fn mistake(outcome: Result<(), ConfigErrors>) -> IssuerConfigError {
    let errors = outcome.expect_err("it is refused");
    assert_eq!(errors.len(), 1);
    let error = errors.iter().next().expect("there is one");
    error
        .downcast::<IssuerConfigError>()
        .expect("it is the room's")
        .clone()
}

fn kid(token: &AccessToken) -> String {
    let [header, _] = said(token);
    let (_, kid) = header.split_once(r#""kid":""#).expect("it has one");
    kid.trim_end_matches(r#""}"#).to_owned()
}

#[test]
fn a_key_is_published_before_it_signs_and_after() {
    let clock = ManualClock::new();
    let [a, b, c, d] = [(); 4].map(|()| new_key());
    let kids = [&a, &b, &c, &d].map(|key| key.kid().to_owned());
    let [a_kid, b_kid, c_kid, d_kid] = &kids;
    let ring = KeyRing::new(a).next(b);
    let issuer = builder(clock.clone()).signing(ring).build().unwrap();
    assert_eq!(published(&issuer), [a_kid, b_kid].map(String::as_str));
    // Verifiers that read the set before the rotation, and one that asks for each token.
    let early = verifying(
        clock.clone(),
        JwkSet::strict(issuer.jwks().bytes()).unwrap(),
    )
    .build()
    .unwrap();
    let follows = verifying(clock.clone(), issuer.clone()).build().unwrap();
    let other_handle = issuer.clone();
    let old = token(&issuer);
    assert_eq!(kid(&old), *a_kid);

    clock.advance(5 * MINUTE);
    issuer.rotate(c).unwrap();
    assert_eq!(
        published(&issuer),
        [b_kid, c_kid, a_kid].map(String::as_str)
    );
    let new = token(&other_handle);
    assert_eq!(kid(&new), *b_kid, "all handles sign with the new key");
    let late = verifying(
        clock.clone(),
        JwkSet::strict(issuer.jwks().bytes()).unwrap(),
    )
    .build()
    .unwrap();
    for verifier in [&early, &late, &follows] {
        assert!(verify(verifier, &old).is_ok());
        assert!(verify(verifier, &new).is_ok());
    }

    // To the end of the last token of the old key, and the leeway.
    clock.advance(15 * MINUTE - 5 * MINUTE + 29 * SECOND);
    assert!(verify(&late, &old).is_ok(), "until its end");
    clock.advance(SECOND);
    assert!(verify(&late, &old).is_err());
    clock.advance(10 * MINUTE - 31 * SECOND);
    issuer.rotate(d).unwrap();
    // 20 minutes and a second after it has signed last, the first one is gone with the rotation that follows.
    assert_eq!(
        published(&issuer),
        [c_kid, d_kid, a_kid, b_kid].map(String::as_str)
    );
    clock.advance(5 * MINUTE);
    let e = new_key();
    let e_kid = e.kid().to_owned();
    issuer.rotate(e).unwrap();
    assert_eq!(
        published(&issuer),
        [d_kid, &e_kid, b_kid, c_kid].map(String::as_str)
    );
}

#[test]
fn a_key_does_not_sign_before_verifiers_can_know_it() {
    let clock = ManualClock::new();
    let ring = KeyRing::new(new_key()).next(new_key());
    let issuer = builder(clock.clone())
        .jwks_max_age(10 * MINUTE)
        .signing(ring)
        .build()
        .unwrap();
    let before = published(&issuer);
    clock.advance(10 * MINUTE - Duration::from_nanos(1));
    let error = mistake(issuer.rotate(new_key()));
    assert!(
        matches!(error, IssuerConfigError::RotationTooSoon { wait, .. } if wait == Duration::from_nanos(1)),
        "{error:?}"
    );
    assert_eq!(published(&issuer), before, "nothing has changed");
    clock.advance(Duration::from_nanos(1));
    issuer.rotate(new_key()).unwrap();
    // The one that was published just now.
    assert!(matches!(
        mistake(issuer.rotate(new_key())),
        IssuerConfigError::RotationTooSoon { wait, .. } if wait == 10 * MINUTE
    ));
    clock.advance(10 * MINUTE);
    // A clock of the wall that is set changes nothing.
    clock.set_now(std::time::SystemTime::UNIX_EPOCH);
    issuer.rotate(new_key()).unwrap();
}

#[test]
fn a_rotation_needs_a_next_key_and_a_new_one() {
    let clock = ManualClock::new();
    let alone = builder(clock.clone()).build().unwrap();
    clock.advance(60 * MINUTE);
    assert_eq!(
        mistake(alone.rotate(new_key())),
        IssuerConfigError::NextMissing
    );

    let [a, b] = [(); 2].map(|()| new_key());
    let ring = KeyRing::new(a.clone()).next(b.clone());
    let issuer = builder(clock.clone()).signing(ring).build().unwrap();
    clock.advance(5 * MINUTE);
    for used in [a, b] {
        let error = mistake(issuer.rotate(used.clone()));
        assert!(matches!(error, IssuerConfigError::DuplicateKey { kid, .. } if kid == used.kid()));
    }
    let secret = SigningKey::hmac(b"an example: take 32 random bytes", Algorithm::Hs256).unwrap();
    assert_eq!(
        mistake(issuer.rotate(secret)),
        IssuerConfigError::MixedKeyFamilies
    );
    issuer.rotate(new_key()).unwrap();
}

#[test]
fn a_ring_is_replaced_at_once() {
    let clock = ManualClock::new();
    let leaked = new_key();
    let issuer = builder(clock.clone())
        .signing(KeyRing::new(leaked.clone()))
        .build()
        .unwrap();
    let follows = verifying(clock, issuer.clone()).build().unwrap();
    let forged = token(&issuer);
    let generation = |issuer: &TokenIssuer| match issuer.state() {
        KeyState::Ready(snapshot) => snapshot.generation(),
        other => panic!("{other:?}"),
    };
    let before = generation(&issuer);
    let fresh = new_key();
    issuer.replace(KeyRing::new(fresh.clone())).unwrap();
    assert_ne!(
        generation(&issuer),
        before,
        "what was verified is verified again"
    );
    assert_eq!(published(&issuer), [fresh.kid()]);
    assert_eq!(
        verify(&follows, &forged).unwrap_err().reason(),
        "kid_unknown"
    );
    assert!(verify(&follows, &token(&issuer)).is_ok());

    let bad = KeyRing::new(leaked.clone()).next(leaked);
    assert!(matches!(
        mistake(issuer.replace(bad)),
        IssuerConfigError::DuplicateKey { .. }
    ));
    assert_eq!(published(&issuer), [fresh.kid()], "nothing has changed");
}

#[test]
#[expect(
    clippy::needless_collect,
    reason = "all begin before one is waited for"
)]
fn of_those_who_rotate_at_once_one_does() {
    let clock = ManualClock::new();
    let ring = KeyRing::new(new_key()).next(new_key());
    let issuer = builder(clock.clone()).signing(ring).build().unwrap();
    clock.advance(5 * MINUTE);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let rotating: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| issuer.rotate(new_key())))
            .collect();
        rotating
            .into_iter()
            .map(|one| one.join().expect("it ends"))
            .collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(published(&issuer).len(), 3);
}
