use tower_security::core::{Lookup, ManualClock, StoreError, StoreErrorKind};
use tower_security::token::{Revocation, RevocationStore, TokenErrorKind, TokenRef};

use super::super::issuer::{Signer, claims, header, with_claims};
use super::{builder, ready, reason, waited};

/// A store that knows what each of these words revokes.
struct Denied(&'static str);

impl Denied {
    fn answer(&self, token: &TokenRef<'_>) -> Result<Revocation, StoreError> {
        let issued = token.issued_at.map(|at| format!("{at:?}"));
        let is_revoked = match self.0 {
            "jti" => token.token_id == Some("t-1"),
            "sub" => token.subject == "alice",
            "sid" => token.session_id == Some("s-1"),
            "iss" => token.issuer == Some("https://id.example.com/"),
            "iat" => issued.is_some(),
            "nothing" => false,
            _ => {
                let text = "revocations.internal did not answer";
                return Err(StoreError::new(StoreErrorKind::Unavailable, text));
            }
        };
        Ok(if is_revoked {
            Revocation::Revoked
        } else {
            Revocation::Valid
        })
    }
}

impl RevocationStore for Denied {
    fn check(&self, token: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
        Lookup::Ready(self.answer(token))
    }
}

/// The same, over a network.
struct Slow(Denied);

impl RevocationStore for Slow {
    fn check(&self, token: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
        let answer = self.0.answer(token);
        Lookup::pending(async move {
            tokio::task::yield_now().await;
            answer
        })
    }
}

#[tokio::test]
async fn row_89_tokens_are_revoked_by_each_of_their_marks() {
    let token = with_claims(&[("sid", r#""s-1""#)]);
    for word in ["jti", "sub", "sid", "iss", "iat"] {
        let verifier = builder(ManualClock::new()).revocation(Denied(word));
        let verifier = verifier.build().expect("it is sound");
        assert_eq!(reason(verifier.verify(&token)), "revoked", "{word}");
        let verifier = builder(ManualClock::new()).revocation(Slow(Denied(word)));
        let verifier = verifier.build().expect("it is sound");
        let error = waited(verifier.verify(&token)).await.expect_err(word);
        assert_eq!(
            (error.kind(), error.reason()),
            (TokenErrorKind::Invalid, "revoked")
        );
    }
    let verifier = builder(ManualClock::new()).revocation(Denied("nothing"));
    assert!(ready(verifier.build().expect("it is sound").verify(&token)).is_ok());
    let verifier = builder(ManualClock::new()).revocation(Slow(Denied("nothing")));
    let verifier = verifier.build().expect("it is sound");
    let who = waited(verifier.verify(&token)).await.expect("it is good");
    assert_eq!(who.subject(), "alice");
}

#[tokio::test]
async fn a_store_that_cannot_answer_is_no_reason_to_throw_a_token_away() {
    let token = with_claims(&[]);
    let verifier = builder(ManualClock::new()).revocation(Denied("away"));
    let verifier = verifier.build().expect("it is sound");
    let error = ready(verifier.verify(&token)).expect_err("nobody knows");
    assert_eq!(
        (error.kind(), error.reason()),
        (TokenErrorKind::Unavailable, "revocation_store")
    );
    assert!(!format!("{error:?} {error}").contains("internal"));

    let verifier = builder(ManualClock::new()).revocation(Slow(Denied("away")));
    let verifier = verifier.build().expect("it is sound");
    let error = waited(verifier.verify(&token))
        .await
        .expect_err("nobody knows");
    assert_eq!(error.kind(), TokenErrorKind::Unavailable);

    let verifier = builder(ManualClock::new())
        .revocation(Denied("away"))
        .dangerous_accept_when_revocation_fails()
        .build()
        .expect("it is sound");
    assert!(ready(verifier.verify(&token)).is_ok());
    let dangerous = ("dangerous_accept_when_revocation_fails", true);
    assert!(verifier.dangerous().contains(&dangerous));
    let verifier = builder(ManualClock::new())
        .revocation(Denied("sub"))
        .dangerous_accept_when_revocation_fails()
        .build()
        .expect("it is sound");
    assert_eq!(reason(verifier.verify(&token)), "revoked");
}

#[test]
fn a_token_that_nobody_signed_is_not_asked_about() {
    struct Never;
    impl RevocationStore for Never {
        fn check(&self, _: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
            panic!("it is asked about a forged token");
        }
    }
    let verifier = builder(ManualClock::new()).revocation(Never);
    let verifier = verifier.build().expect("it is sound");
    let forged = Signer::Other256.token(header(&[]), claims(&[]));
    assert_eq!(reason(verifier.verify(&forged)), "signature");
}
