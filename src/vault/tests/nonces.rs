//! Where nonces come from, and what happens when none come.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use super::builder;
use crate::core::{EventName, Level, Outcome, SecurityEvent};
use crate::vault::VaultError;
use crate::vault::config::drawn;

#[test]
fn a_million_nonces_are_distinct() {
    let site = builder(1).build().unwrap().purpose(&["site"]).unwrap();
    let mut seen = HashSet::with_capacity(1_000_000);
    for _ in 0..1_000_000 {
        let nonce = drawn().unwrap();
        assert!(seen.insert(nonce));
    }
    // And it is they that stand in values.
    let sealed: HashSet<_> = (0..1_000)
        .map(|_| site.protect_unbound(b"").unwrap())
        .collect();
    let nonces: HashSet<_> = sealed.iter().map(|sealed| &sealed[5..29]).collect();
    assert_eq!(nonces.len(), 1_000);
}

#[test]
fn without_randomness_nothing_is_encrypted() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let ring = builder(7)
        .nonces(|| None)
        .events(move |event: &SecurityEvent<'_>| {
            let rule = event.rule.as_deref().unwrap_or_default().to_owned();
            let detail = event.detail.as_deref().unwrap_or_default().to_owned();
            let what = (event.name, event.level, event.outcome, event.code);
            log.lock().unwrap().push((what, rule, detail));
        })
        .build()
        .unwrap();
    let ssn = ring.purpose(&["users", "ssn"]).unwrap();
    assert_eq!(ssn.protect(b"123", &["7"]), Err(VaultError::Entropy));
    assert_eq!(ssn.protect_str(b"123", &["7"]), Err(VaultError::Entropy));
    let what = (
        EventName::CryptEncryptFail,
        Level::Warn,
        Outcome::Fault,
        "nonce_unavailable",
    );
    let told = (what, "users/ssn".to_owned(), "key=7".to_owned());
    assert_eq!(*heard.lock().unwrap(), [told.clone(), told]);

    // What was encrypted before opens all the same.
    let before = builder(7).build().unwrap();
    let before = before.purpose(&["users", "ssn"]).unwrap();
    let sealed = before.protect(b"123", &["7"]).unwrap();
    assert_eq!(*ssn.unprotect(&sealed, &["7"]).unwrap(), b"123");
}
