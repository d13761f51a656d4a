//! Passwords: what is refused without work allocates nothing, and what takes a hash does not allocate the memory for it.

use tower_security::core::{NoopSink, Secret};
use tower_security::password::{PasswordHasher, VerifyError};

use super::counted;

#[test]
fn what_a_stored_hash_asks_for_is_not_allocated() {
    let hasher = PasswordHasher::builder().events(NoopSink::new());
    let hasher = hasher.build().expect("it is sound");
    let password = Secret::from("correct horse battery staple");
    let long = Secret::from("a".repeat(1_025).as_str());
    let dear = "$argon2id$v=19$m=1048576,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$aq42HBL+IPAitHspChw/8mx5JRX2jFDkTmlsBskwH/0";
    let too_long = counted(|| hasher.verify_blocking(&long, None));
    assert_eq!(too_long, (Err(VerifyError::TooLong), 0));
    let above = counted(|| hasher.verify_blocking(&password, Some(dear)));
    assert_eq!(above, (Err(VerifyError::CostAboveCeiling), 0));

    // The password is copied for the thread that computes. Before that, once, the memory and the list it is kept in.
    let unknown = || counted(|| hasher.verify_blocking(&password, None));
    assert_eq!(unknown(), (Err(VerifyError::Invalid), 3));
    for _ in 0..3 {
        assert_eq!(unknown(), (Err(VerifyError::Invalid), 1));
    }
}
