//! The verifier beyond what it refuses: what a principal says, how it is built, what it remembers, and whom it asks.

mod build;
mod cache;
mod principal;
mod revocation;
mod sources;

use tower_security::core::{Clock, Lookup, ManualClock, Principal};
use tower_security::token::jws::JwkSet;
use tower_security::token::{JwtVerifier, JwtVerifierBuilder, TokenError};

use super::issuer::{AUDIENCE, ISSUER, key_set};

fn keys() -> JwkSet {
    JwkSet::strict(key_set().as_bytes()).expect("all keys are sound")
}

fn builder(clock: impl Clock) -> JwtVerifierBuilder {
    JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(keys())
        .clock(clock)
}

fn verifier() -> JwtVerifier {
    builder(ManualClock::new()).build().expect("it is sound")
}

#[track_caller]
fn ready(answer: Lookup<Result<Principal, TokenError>>) -> Result<Principal, TokenError> {
    match answer {
        Lookup::Ready(answer) => answer,
        Lookup::Pending(_) => panic!("nothing is to be waited for"),
    }
}

#[track_caller]
fn reason(answer: Lookup<Result<Principal, TokenError>>) -> &'static str {
    ready(answer).expect_err("it is refused").reason()
}

/// The answer of one that had to be waited for.
async fn waited(answer: Lookup<Result<Principal, TokenError>>) -> Result<Principal, TokenError> {
    match answer {
        Lookup::Ready(_) => panic!("it was not waited for"),
        Lookup::Pending(answer) => answer.await,
    }
}
